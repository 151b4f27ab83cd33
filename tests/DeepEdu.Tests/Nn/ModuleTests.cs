using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

public class ModuleTests
{
    [Fact]
    public void ALayerThatIsNotThereIsNamed()
    {
        var model = new Sequential(new Relu(), new Relu());
        Assert.Contains("sequential: there is no layer 2 of 2", Assert.Throws<ArgumentOutOfRangeException>(() => model[2]).Message, StringComparison.Ordinal);
        Assert.Contains("there is no layer ^3 of 2", Assert.Throws<ArgumentOutOfRangeException>(() => model[^3]).Message, StringComparison.Ordinal);
        Assert.Contains("transformer-encoder: the function gave null as layer 0", Assert.Throws<ArgumentException>(() => new TransformerEncoder(() => null!, 2)).Message, StringComparison.Ordinal);
        Assert.Contains("transformer-decoder: the function gave null as layer 0", Assert.Throws<ArgumentException>(() => new TransformerDecoder(() => null!, 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TiedParametersCountOnce()
    {
        var tied = new Dense(3, 3, new Rng(1));
        var model = new Sequential(tied, new Relu(), tied);
        Assert.Equal(["0.weight", "0.bias"], model.Parameters().Select(p => p.Name));
        Assert.Equal(12, model.ParameterCount);
    }

    /// <summary>A part of a sequence is a model of the same layers; what is fused within it gives the same bits.</summary>
    [Fact]
    public void APartOfASequenceIsAModel()
    {
        var rng = new Rng(1);
        var model = new Sequential(new Dense(3, 4, rng), new Relu(), new Dense(4, 2, rng), new Gelu());
        var x = Tensor.Normal([5, 3], rng);
        for (int at = 0; at <= 4; at++) { Assert.Equal(model.Forward(x).ToArray(), model[at..].Forward(model[..at].Forward(x)).ToArray()); }
        Assert.Same(model[2], model[1..^1][^1]);
        Assert.Equal(["1.weight", "1.bias"], model[1..].Parameters().Select(p => p.Name));
        Assert.Throws<ArgumentOutOfRangeException>(() => model[..5]);
    }

    [Fact]
    public void AParameterStartsFromACopyOfATensor()
    {
        var values = Tensor.Of(1, 2);
        var p = new Parameter(values);
        values.AsSpan()[0] = 9;
        Assert.Equal([1, 2], p.ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AFrozenBatchNormIsAsInUse(bool affine)
    {
        var norm = new BatchNorm(2, affine: affine);
        var model = new Sequential(norm, new Relu());
        Tensor x = Tensor.Normal([8, 2], new Rng(1)) + 3, inUse = norm.Forward(x);
        model.Freeze();
        using (var tape = new Tape())
        {
            tape.Watch(x);
            var y = norm.Forward(x);
            Assert.Equal(inUse.ToArray(), y.ToArray());
            Assert.NotNull(tape.Gradients(y.Sum()).Find(x));
        }
        Assert.Equal([0, 0], norm.Buffers()[0].Value.ToArray());
        norm.Unfreeze();
        using (new Tape()) { norm.Forward(x); }
        Assert.NotEqual([0, 0], norm.Buffers()[0].Value.ToArray());
    }

    [Fact]
    public void NamesBecomeSnakeCase() =>
        Assert.Equal(["plain", "two_words", "weight_hh", "given_l0", "out"], new Named().Parameters().Select(p => p.Name));

    /// <summary>Named in a loop, all parts have the loop variable's name; said when the names are asked for first, not when the trained model is saved.</summary>
    [Fact]
    public void TwoPartsOfOneNameAreRefused()
    {
        var model = new Looped(new Rng(1));
        Assert.Contains("two of them are called \"layer.weight\"; hand over a list whole, p.Of(_layers)", Assert.Throws<InvalidOperationException>(() => model.Parameters()).Message, StringComparison.Ordinal);
    }

    private sealed class Looped(Rng rng) : Module
    {
        private readonly Dense[] _layers = [new(2, 2, rng), new(2, 2, rng)];

        protected internal override void Parts(Parts p)
        {
            foreach (var layer in _layers) { p.Of(layer); }
        }
    }

    [Fact]
    public void ASnapshotBringsBackParametersAndBuffers()
    {
        var model = new Sequential(new Dense(2, 3, new Rng(1)), new BatchNorm(3));
        float[][] Values() => [.. model.Parameters().Select(p => p.Value.ToArray()), .. model.Buffers().Select(b => b.Value.ToArray())];
        float[][] before = Values();
        var snapshot = model.Snapshot();
        foreach (var (_, p) in model.Parameters()) { p.AsSpan().Fill(7); }
        foreach (var (_, b) in model.Buffers()) { b.AsSpan().Fill(7); }
        model.Restore(snapshot);
        Assert.Equal(before, Values());
        Assert.Throws<ArgumentException>(() => new Dense(2, 3, new Rng(1)).Restore(snapshot));
    }

    [Fact]
    public void FreezingSwitchesEveryParameter()
    {
        var model = new Sequential(new Dense(2, 3, new Rng(1)), new Dense(3, 1, new Rng(2)));
        model.Freeze();
        Assert.All(model.Parameters(), p => Assert.False(p.Value.Trainable));
        model.Unfreeze();
        Assert.All(model.Parameters(), p => Assert.True(p.Value.Trainable));
    }

    [Fact]
    public void AModelPrintsItsSummary()
    {
        var model = new Sequential(new Dense(2, 3, new Rng(1)));
        Assert.Equal(model.Summary(), model.ToString());
        Assert.Contains("0 Dense", $"{model}", StringComparison.Ordinal);
    }

    [Fact]
    public void TheSummaryNamesLayersShapesAndCounts()
    {
        var rng = new Rng(1);
        var model = new Sequential(new Conv2d(1, 8, 3, rng, padding: 1), new Relu(), new MaxPool2d(2), new Flatten(), new Dense(128, 10, rng));
        model[0].Freeze();
        string[] lines = model.Summary([2, 1, 8, 8]).Split('\n');
        Assert.Matches(@"^  0 Conv2d +\[2,8,8,8\] +80 +0 +320$", lines[3]);
        Assert.Matches(@"^  2 MaxPool2d +\[2,8,4,4\] +0 +0 +0$", lines[5]);
        Assert.Matches(@"^  4 Dense +\[2,10\] +1,290 +1,290 +5,160$", lines[7]);
        Assert.Matches(@"^total +1,370 +1,290 +5,480$", lines[9]);
    }

    [Fact]
    public void TheSummaryOfAModelOfTokensRunsThroughItsEmbedding()
    {
        var rng = new Rng(1);
        string[] lines = new Sequential(new Embedding(10, 4, rng), new Lstm(4, 6, rng)).Summary([2, 7]).Split('\n');
        Assert.Matches(@"^  0 Embedding +\[2,7,4\] +40 +40 +160$", lines[3]);
        Assert.Matches(@"^  1 Lstm +\[2,7,6\] ", lines[4]);
    }

    [Fact]
    public void LayersThatLookNothingUpRefuseIndices()
    {
        Indices tokens = new[] { 0, 1 };
        var e = Assert.Throws<InvalidOperationException>(() => new Sequential(new Dense(2, 3, new Rng(1))).Forward(tokens));
        Assert.Contains("Dense", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoiseThatCannotBeIsRefusedAtOnce()
    {
        var rng = new Rng(1);
        foreach (var (says, make) in (IEnumerable<(string, Func<Layer>)>)
            [
                ("dropout: probability 1.5 is not in [0, 1]", () => new Dropout(1.5f, rng)), ("dropout1d: probability -1", () => new Dropout1d(-1, rng)), ("dropout2d: probability NaN", () => new Dropout2d(float.NaN, rng)),
                ("alpha-dropout: probability 2", () => new AlphaDropout(2, rng)), ("gaussian-dropout: probability 1 is not in [0, 1)", () => new GaussianDropout(1, rng)), ("gaussian-noise: the deviation -1", () => new GaussianNoise(-1, rng)),
            ])
        {
            Assert.Contains(says, Assert.Throws<ArgumentOutOfRangeException>(make).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TheSameSeedGivesTheSameModel()
    {
        static float[] Weights(ulong seed) => new Dense(4, 4, new Rng(seed)).Weight.ToArray();
        Assert.Equal(Weights(3), Weights(3));
        Assert.NotEqual(Weights(3), Weights(4));
    }

    [Fact]
    public void ErrorsOfMatrixProductsNameShapesAndTheFix()
    {
        Tensor a = Tensor.Zeros([256, 2]), b = Tensor.Zeros([3, 4]);
        Assert.Equal("matmul: [256,2] × [3,4]: inner sizes 2 and 3 differ", Assert.Throws<ShapeException>(() => a.MatMul(b)).Message);
        Assert.Equal("matmul: [256,2] × [3,2]: inner sizes 2 and 3 differ; transpose the second factor?", Assert.Throws<ShapeException>(() => a.MatMul(Tensor.Zeros([3, 2]))).Message);
        Assert.Contains("do not broadcast", Assert.Throws<ShapeException>(() => Tensor.Zeros([2, 3, 4]).MatMul(Tensor.Zeros([3, 4, 5]))).Message, StringComparison.Ordinal);
        Assert.Contains("single value", Assert.Throws<ShapeException>(() => Tensor.Scalar(1).MatMul(b)).Message, StringComparison.Ordinal);
        Assert.Contains("[outputs", Assert.Throws<ShapeException>(() => a.Linear(Tensor.Zeros([4]))).Message, StringComparison.Ordinal);
        Assert.Contains("Transpose it", Assert.Throws<ShapeException>(() => a.Linear(Tensor.Zeros([2, 5]))).Message, StringComparison.Ordinal);
        Assert.Contains("must be [3]", Assert.Throws<ShapeException>(() => a.Linear(Tensor.Zeros([3, 2]), Tensor.Zeros([2]))).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => a.Dot(b));
        Assert.Throws<ShapeException>(() => a.Outer(b));
        Assert.Contains("Reshape", Assert.Throws<ShapeException>(() => Losses.Mse(Tensor.Zeros([4]), Tensor.Zeros([4, 1]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ASummaryOfBagsBeginsWithIndices() =>
        Assert.Contains("[2,3]", new Sequential(new EmbeddingBag(5, 4, new(1)), new Dense(4, 3, new(1))).Summary([2, 6]), StringComparison.Ordinal);

    private sealed class Named : Module
    {
        private readonly Parameter _plain = new([1]), _twoWords = new([1]), _weightHh = new([1]), _other = new([1]), @out = new([1]);

        protected internal override void Parts(Parts p) => p.Of(_plain).Of(_twoWords).Of(this._weightHh).Of(_other, "given_l0").Of(@out);
    }
}
