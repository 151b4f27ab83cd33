using System.Text.RegularExpressions;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using DeepEdu.Tests.House;

namespace DeepEdu.Tests.Tensors;

public class StateDictTests
{
    [Fact]
    public void EveryKindComesBackAsItWasSet()
    {
        var rng = new Rng(7, 3) { Position = ulong.MaxValue - 1, Forks = 5 };
        var state = new StateDict().Set("n", long.MinValue).Set("x", double.NaN).Set("yes", true).Set("t", "ü\n").Set("ns", [1L, 2]).Set("xs", [0.1]).Set("ts", ["a", ""])
            .Set("w", Tensor.Of(1, 2)).Set("rng", rng);
        Assert.Equal(["n", "x", "yes", "t", "ns", "xs", "ts", "w", "rng"], state.Names);
        Assert.Equal(long.MinValue, state.Long("n"));
        Assert.True(double.IsNaN(state.Double("x")));
        Assert.True(state.Bool("yes"));
        Assert.Equal("ü\n", state.Text("t"));
        Assert.Equal([1, 2], state.Longs("ns"));
        Assert.Equal([0.1], state.Doubles("xs"));
        Assert.Equal(["a", ""], state.Texts("ts"));
        Assert.Equal([1f, 2f], state.Tensor("w").ToArray());
        var other = new Rng(7, 3);
        state.CopyTo("rng", other);
        Assert.Equal((rng.Position, rng.Forks), (other.Position, other.Forks));
        Assert.Empty(state.Unread);
    }

    [Fact]
    public void ItPrintsNamesAndShapes()
    {
        var state = new StateDict().Set("a.weight", Tensor.Ones([2, 3])).Set("epochs", 3L).Set("rate", 0.5).Set("kind", "adam").Set("words", ["x", "y"]);
        Assert.Equal("a.weight float32[2,3]\nepochs 3\nrate 0.5\nkind \"adam\"\nwords string[2]", state.ToString());
        Assert.Equal("weight float32[2,3]", state.Part("a").ToString());
    }

    [Fact]
    public void ItMayTakeOverAPartOfItself()
    {
        var state = new StateDict().Set("x", 1L);
        state.Part("a").Set("x", 2L).Set("y", 3L);
        state.LoadState(state);
        Assert.Equal(["x", "a.x", "a.y"], state.Names);
        state.LoadState(state.Part("a"));
        Assert.Equal(["x", "y"], state.Names);
        Assert.Equal((2L, 3L), (state.Long("x"), state.Long("y")));
    }

    [Fact]
    public void APartIsAViewOfItsNames()
    {
        var state = new StateDict();
        state.Part("a").Set("x", 1).Part("b").Set("y", 2L);
        Assert.Equal(["a.x", "a.b.y"], state.Names);
        Assert.Equal(["x", "b.y"], state.Part("a").Names);
        Assert.Equal(2, state.Part("a").Part("b").Int("y"));
        Assert.Equal(["x"], state.Part("a").Unread);
    }

    [Theory]
    [InlineData("gone", "\"p.gone\" is missing")]
    [InlineData("text", "\"p.text\" is not a whole number")]
    [InlineData("large", "does not fit 32 bits")]
    public void WhatIsAskedForAndNotThereIsNamed(string name, string says)
    {
        var state = new StateDict().Part("p").Set("text", "x").Set("large", 1L << 40);
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => state.Int(name)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANameIsSetOnce() => Assert.Throws<ArgumentException>(() => new StateDict().Set("a", 1).Set("a", 2));

    [Fact]
    public void ARandomStreamOfAnotherSeedIsRefused()
    {
        var state = new StateDict().Set("rng", new Rng(1));
        Assert.Contains("seed 1, stream 0; here it is seed 2", Assert.Throws<InvalidDataException>(() => state.CopyTo("rng", new Rng(2))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AModuleGoesOnWhereAnotherStood()
    {
        Layer Make(ulong seed)
        {
            var rng = new Rng(seed);
            return new Sequential(new Dense(3, 4, rng), new BatchNorm(4), new Dropout(0.5f, rng));
        }
        var x = Tensor.Of([2, 3], [1, 2, 3, 4, 5, 7]);
        float[] Learn(Layer model)
        {
            using var tape = new Tape();
            return model.Forward(x).ToArray();
        }
        Layer first = Make(1), second = Make(1);
        Learn(first);
        var state = new StateDict();
        first.SaveState(state);
        second.LoadState(state);
        Assert.Empty(state.Unread);
        Assert.Equal(Learn(first), Learn(second));
        Assert.Equal(first.Forward(x).ToArray(), second.Forward(x).ToArray());
    }

    [Fact]
    public void AModelBesideTheFirstTakesItsWeightsNotItsStreams()
    {
        var rng = new Rng(1);
        Sequential Make() => new(new Dense(3, 4, rng), new BatchNorm(4), new Dropout(0.5f, rng), new Lambda(x => x.Unsqueeze(1)), new Lstm(4, 2, rng));
        Sequential online = Make(), target = Make();
        var x = Tensor.Of([2, 3], [1, 2, 3, 4, 5, 7]);
        using (new Tape()) { online.Forward(x); } // moves the running statistics
        var state = new StateDict();
        online.SaveState(state);
        Assert.EndsWith("where only the weights are wanted, take them with LoadWeights, or model.Load of a file", Assert.Throws<InvalidDataException>(() => target.LoadState(state)).Message, StringComparison.Ordinal);
        Assert.NotEqual(online.Forward(x).ToArray(), target.Forward(x).ToArray());
        Assert.True(target.LoadWeights(state).IsExact);
        Assert.Equal(online.Forward(x).ToArray(), target.Forward(x).ToArray());
    }

    // a layer that draws while learning and does not say so would go on with other numbers after a resume
    [Fact]
    public void EveryRandomStreamThatALayerKeepsIsAmongItsParts()
    {
        var forgotten = from file in Repository.Sources("src/DeepEdu/Nn")
                        let text = File.ReadAllText(file)
                        from Match field in Regex.Matches(text, @"private (?:readonly )?Rng\?? (_\w+)")
                        where !text.Contains($".Stream({field.Groups[1].Value}", StringComparison.Ordinal)
                        select $"{Repository.Relative(file)}: {field.Groups[1].Value}";
        Assert.Empty(forgotten);
    }

    [Fact]
    public void WeightsThatDoNotFitAreAllListedAndChangeNothing()
    {
        var model = new Sequential(new Dense(3, 4, new Rng(1)), new Dense(4, 2, new Rng(2)));
        float[] before = model.Parameters()[3].Value.ToArray();
        var saved = new StateDict().Set("0.weight", Tensor.Zeros([4, 5])).Set("1.bias", Tensor.Ones([2])).Set("head.bias", Tensor.Ones([2]));
        string says = Assert.Throws<InvalidDataException>(() => model.LoadWeights(saved)).Message;
        Assert.Contains("missing from the file (2): 0.bias, 1.weight", says, StringComparison.Ordinal);
        Assert.Contains("not in the model (1): head.bias", says, StringComparison.Ordinal);
        Assert.Contains("of other shapes (1): 0.weight [4,5] in the file, [4,3] in the model", says, StringComparison.Ordinal);
        Assert.Equal(before, model.Parameters()[3].Value.ToArray());

        var report = model.LoadWeights(saved, strict: false);
        Assert.Equal((2, 1, 1), (report.Missing.Count, report.Unexpected.Count, report.Misshaped.Count));
        Assert.Equal([1f, 1f], model.Parameters()[3].Value.ToArray());
    }

    [Fact]
    public void NamesThatDifferByAPrefixAreUnderstood()
    {
        var model = new Sequential(new Dense(3, 4, new Rng(1)), new Dense(4, 2, new Rng(2)));
        var saved = new StateDict().Set("epoch", 3L);
        model.SaveState(saved.Part("module"));
        string says = Assert.Throws<InvalidDataException>(() => model.LoadWeights(saved)).Message;
        Assert.EndsWith("the saved names begin with \"module.\"; take that part of them, such as TorchFile.Read(path).Part(\"module\")", says, StringComparison.Ordinal);
        Assert.True(model.LoadWeights(saved.Part("module")).IsExact);

        says = Assert.Throws<InvalidDataException>(() => new Sequential(model).LoadWeights(saved.Part("module"))).Message;
        Assert.EndsWith("the model's names begin with \"0.\"; load into that part of it", says, StringComparison.Ordinal);
        Assert.DoesNotContain("begin with", Assert.Throws<InvalidDataException>(() => new Sequential(model[0], new Relu(), model[1]).LoadWeights(saved.Part("module"))).Message, StringComparison.Ordinal);
    }

    /// <summary>PyTorch's state dict has a tied weight under each of its names; its safetensors files have it under any one of them.</summary>
    [Fact]
    public void ATiedWeightIsFoundUnderEachOfItsNames()
    {
        var both = new StateDict().Set("embedding.weight", Tensor.Ones([4, 3])).Set("head.weight", Tensor.Ones([4, 3])).Set("head.bias", Tensor.Ones([4]));
        var model = new Tied(new Rng(1));
        Assert.Equal(["embedding.weight", "head.bias"], model.Parameters().Select(p => p.Name));
        Assert.True(model.LoadWeights(both).IsExact);
        Assert.All(model.Parameters()[0].Value.ToArray(), v => Assert.Equal(1, v));

        var last = new StateDict().Set("head.weight", Tensor.Full([4, 3], 2)).Set("head.bias", Tensor.Ones([4]));
        Assert.True(model.LoadWeights(last).IsExact);
        Assert.All(model.Parameters()[0].Value.ToArray(), v => Assert.Equal(2, v));

        // a model that was not tied
        var untied = new StateDict().Set("embedding.weight", Tensor.Ones([4, 3])).Set("head.weight", Tensor.Zeros([4, 3])).Set("head.bias", Tensor.Ones([4]));
        Assert.Contains("not in the model (1): head.weight", Assert.Throws<InvalidDataException>(() => model.LoadWeights(untied)).Message, StringComparison.Ordinal);
        var none = new StateDict().Set("head.bias", Tensor.Ones([4]));
        Assert.Contains("missing from the file (1): embedding.weight", Assert.Throws<InvalidDataException>(() => model.LoadWeights(none)).Message, StringComparison.Ordinal);
    }

    private sealed class Tied : Module
    {
        private readonly Embedding _embedding;
        private readonly Dense _head;

        public Tied(Rng rng)
        {
            _embedding = new(4, 3, rng);
            _head = Dense.Tied(_embedding.Weight, bias: true);
        }

        protected internal override void Parts(Parts p) => p.Of(_embedding).Of(_head);
    }
}
