using System.Text.Json;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Optim;

public class OptimizerTests
{
    private static readonly JsonElement s_golden = Golden();

    private static readonly Dictionary<string, Func<IReadOnlyList<(string, Parameter)>, Optimizer>> s_kinds = new()
    {
        ["sgd"] = p => new Sgd(p, new() { LearningRate = 0.1 }),
        ["sgd-decay"] = p => new Sgd(p, new() { LearningRate = 0.1, WeightDecay = 0.05 }),
        ["sgd-momentum"] = p => new Sgd(p, new() { LearningRate = 0.05, Momentum = 0.9 }),
        ["sgd-dampening"] = p => new Sgd(p, new() { LearningRate = 0.05, Momentum = 0.9, Dampening = 0.3, WeightDecay = 0.01 }),
        ["sgd-nesterov"] = p => new Sgd(p, new() { LearningRate = 0.05, Momentum = 0.9, Nesterov = true, WeightDecay = 0.01 }),
        ["adam"] = p => new Adam(p, new() { LearningRate = 0.01 }),
        ["adam-all"] = p => new Adam(p, new() { LearningRate = 0.02, Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-4, WeightDecay = 0.1, AmsGrad = true }),
        ["adamw"] = p => new AdamW(p, new() { LearningRate = 0.01 }), // the default decay is PyTorch's 0.01
        ["adamw-amsgrad"] = p => new AdamW(p, new() { LearningRate = 0.01, WeightDecay = 0.2, AmsGrad = true }),
        ["rmsprop"] = p => new RmsProp(p, new() { LearningRate = 0.01 }),
        ["rmsprop-centered"] = p => new RmsProp(p, new() { LearningRate = 0.01, Decay = 0.9, Centered = true, WeightDecay = 0.01 }),
        ["rmsprop-momentum"] = p => new RmsProp(p, new() { LearningRate = 0.01, Decay = 0.9, Momentum = 0.8 }),
        ["rmsprop-all"] = p => new RmsProp(p, new() { LearningRate = 0.01, Decay = 0.9, Momentum = 0.8, Centered = true, Epsilon = 1e-5 }),
        ["nadam"] = p => new NAdam(p, new() { LearningRate = 0.01 }),
        ["nadam-all"] = p => new NAdam(p, new() { LearningRate = 0.02, Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-4, WeightDecay = 0.1, MomentumDecay = 0.02 }),
        ["nadam-decoupled"] = p => new NAdam(p, new() { LearningRate = 0.01, WeightDecay = 0.3, DecoupledWeightDecay = true }),
        ["radam"] = p => new RAdam(p, new() { LearningRate = 0.01 }),
        ["radam-all"] = p => new RAdam(p, new() { LearningRate = 0.02, Beta1 = 0.8, Beta2 = 0.9, Epsilon = 1e-4, WeightDecay = 0.1 }),
        ["radam-decoupled"] = p => new RAdam(p, new() { LearningRate = 0.01, WeightDecay = 0.3, DecoupledWeightDecay = true }),
        ["adamax"] = p => new Adamax(p),
        ["adamax-all"] = p => new Adamax(p, new() { LearningRate = 0.02, Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-3, WeightDecay = 0.1 }),
        ["adadelta"] = p => new Adadelta(p),
        ["adadelta-all"] = p => new Adadelta(p, new() { LearningRate = 0.5, Decay = 0.95, Epsilon = 1e-4, WeightDecay = 0.1 }),
        ["lion"] = p => new Lion(p, new() { LearningRate = 0.01 }),
        ["lion-all"] = p => new Lion(p, new() { LearningRate = 0.02, Beta1 = 0.95, Beta2 = 0.98, WeightDecay = 0.3 }),
        ["adagrad"] = p => new Adagrad(p, new() { LearningRate = 0.1 }),
        ["adagrad-all"] = p => new Adagrad(p, new() { LearningRate = 0.1, LearningRateDecay = 0.05, WeightDecay = 0.01, InitialAccumulator = 0.3, Epsilon = 1e-6 }),
    };

    public static TheoryData<string> Kinds => [.. s_kinds.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void FiftyStepsEqualPyTorch(string kind)
    {
        var w = Start();
        var optimizer = s_kinds[kind]([("w", w)]);
        for (int i = 1; i <= 50; i++)
        {
            Step(optimizer, w, i - 1);
            if (i is 5 or 50) { Near(Numbers(s_golden.GetProperty("steps").GetProperty(kind).GetProperty($"{i}")), w.ToArray()); }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void GoesOnFromItsSavedState(string kind)
    {
        Parameter w = Start(), other = Start();
        Optimizer first = s_kinds[kind]([("w", w)]), second = s_kinds[kind]([("w", other)]);
        for (int i = 0; i < 7; i++) { Step(first, w, i); }
        for (int i = 0; i < 9; i++) { Step(second, other, i + 3); } // what it had is forgotten
        other.CopyFrom(w.AsSpan());
        second.Restore([.. first.State().Select(s => (s.Name, Tensor.Of(s.Value.Shape, s.Value.ToArray())))]);
        for (int i = 7; i < 12; i++)
        {
            Step(first, w, i);
            Step(second, other, i);
        }
        Assert.Equal(w.ToArray(), other.ToArray());
        // of one that had not stepped, too
        Parameter begun = Start(), fresh = Start();
        second = s_kinds[kind]([("w", begun)]);
        for (int i = 0; i < 9; i++) { Step(second, begun, i); }
        second.Restore([]);
        Assert.Empty(second.State());
        begun.CopyFrom(fresh.AsSpan());
        var never = s_kinds[kind]([("w", fresh)]);
        for (int i = 0; i < 3; i++)
        {
            Step(second, begun, i);
            Step(never, fresh, i);
        }
        Assert.Equal(fresh.ToArray(), begun.ToArray());
    }

    [Fact]
    public void StateHasPyTorchsNamesAndRefusesAnotherKinds()
    {
        var w = Start();
        var adam = new Adam([("0.weight", w)]);
        Step(adam, w, 0);
        Assert.Equal(["0.weight.step", "0.weight.exp_avg", "0.weight.exp_avg_sq"], adam.State().Select(s => s.Name));
        var e = Assert.Throws<ArgumentException>(() => new Sgd([("0.weight", w)], new() { Momentum = 0.9 }).Restore(adam.State()));
        Assert.Contains("0.weight.momentum_buffer", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoParametersOfOneNameKeepTheirOwnStatistics()
    {
        Parameter a = new([1], [1]), b = new([1], [2]), c = new([1], [1]), d = new([1], [2]);
        Adam Make(Parameter x, Parameter y) => new([new ParameterGroup([("weight", x)]), new ParameterGroup([("weight", y)])]);
        var adam = Make(a, b);
        using (var tape = new Tape()) { adam.Step(tape.Gradients(((a * 3) + (b * 5)).Sum())); }
        Assert.Equal(["weight.step", "weight.exp_avg", "weight.exp_avg_sq", "weight#2.step", "weight#2.exp_avg", "weight#2.exp_avg_sq"], adam.State().Select(s => s.Name));
        var other = Make(c, d);
        other.Restore(adam.State());
        Assert.Equal(adam.State().Select(s => s.Value.Item()), other.State().Select(s => s.Value.Item()));
        Assert.NotEqual(other.State()[1].Value.Item(), other.State()[4].Value.Item());
    }

    [Fact]
    public void AnEmptyCollectionIsAListOfParameters()
    {
        Func<Optimizer>[] all =
        [
            () => new Sgd([]), () => new Adam([]), () => new AdamW([]), () => new NAdam([]), () => new RAdam([]), () => new Adamax([]), () => new Adadelta([]),
            () => new Adagrad([]), () => new RmsProp([]), () => new Lion([]),
        ];
        Assert.All(all, make => Assert.Contains("no parameter", Assert.Throws<ArgumentException>(make).Message, StringComparison.Ordinal));
    }

    /// <summary>Decay that is not decoupled is a part of the gradient, in each formula of each kind.</summary>
    [Fact]
    public void WeightDecayIsAPartOfTheGradient()
    {
        Func<Parameter, double, Optimizer>[] all =
        [
            (w, d) => new Sgd([("w", w)], new() { LearningRate = 0.1, WeightDecay = d, Momentum = 0.5 }),
            (w, d) => new Adam([("w", w)], new() { LearningRate = 0.1, WeightDecay = d, AmsGrad = true }),
            (w, d) => new Adagrad([("w", w)], new() { LearningRate = 0.1, WeightDecay = d }),
            (w, d) => new RmsProp([("w", w)], new() { WeightDecay = d }),
            (w, d) => new RmsProp([("w", w)], new() { WeightDecay = d, Momentum = 0.5 }),
            (w, d) => new RmsProp([("w", w)], new() { WeightDecay = d, Centered = true }),
            (w, d) => new RmsProp([("w", w)], new() { WeightDecay = d, Momentum = 0.5, Centered = true }),
            (w, d) => new NAdam([("w", w)], new() { LearningRate = 0.1, WeightDecay = d }),
            (w, d) => new RAdam([("w", w)], new() { LearningRate = 0.1, WeightDecay = d }),
            (w, d) => new Adamax([("w", w)], new() { LearningRate = 0.1, WeightDecay = d }),
            (w, d) => new Adadelta([("w", w)], new() { LearningRate = 0.1, WeightDecay = d }),
        ];
        foreach (var make in all)
        {
            Parameter decayed = Start(), plain = Start();
            Optimizer with = make(decayed, 0.25), without = make(plain, 0);
            for (int i = 0; i < 4; i++)
            {
                using var tape = new Tape();
                var g = Tensor.Of(Numbers(s_golden.GetProperty("gradients")[i]));
                with.Step(tape.Gradients(decayed, g));
                without.Step(tape.Gradients(plain, g + (0.25f * plain)));
            }
            Assert.Equal(plain.ToArray(), decayed.ToArray(), (a, b) => Math.Abs(a - b) < 1e-5f);
        }
    }

    [Fact]
    public void GroupsHaveTheirOwnRateAndDecay()
    {
        var a = new Parameter([1], [1]);
        var b = new Parameter([1], [1]);
        var sgd = new Sgd([new ParameterGroup([("a", a)]), new ParameterGroup([("b", b)]) { LearningRateFactor = 0.5, WeightDecay = 0 }], new() { LearningRate = 0.1, WeightDecay = 1 });
        using (var tape = new Tape()) { sgd.Step(tape.Gradients((a + b).Sum())); }
        Assert.Equal(1 - 0.1f * (1 + 1), a.Item(), 1e-6f);
        Assert.Equal(1 - 0.05f, b.Item(), 1e-6f);
    }

    [Fact]
    public void AParameterMayStandInOneGroupOnly()
    {
        var w = Start();
        Assert.Contains("\"b\"", Assert.Throws<ArgumentException>(() => new Adam([("a", w), ("b", w)])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FrozenParametersStayAndKeepNoStatistics()
    {
        var rng = new Rng(1);
        Dense first = new(3, 3, rng), last = new(3, 1, rng);
        var model = new Sequential(first, last);
        first.Freeze();
        float[] before = first.Weight.ToArray(), moving = last.Weight.ToArray();
        var adam = new Adam(model.Parameters());
        using (var tape = new Tape()) { adam.Step(tape.Gradients(model.Forward(Tensor.Ones([2, 3])).Sum())); }
        Assert.Equal(before, first.Weight.ToArray());
        Assert.NotEqual(moving, last.Weight.ToArray());
        Assert.DoesNotContain(adam.State(), s => s.Name.StartsWith("0.", StringComparison.Ordinal));
    }

    [Fact]
    public void FadingMomentsEndAtZeroNotInSubnormals()
    {
        var w = new Parameter([20], new float[20]);
        var adam = new Adam([("w", w)], new() { Beta2 = 0.9 });
        var gradient = Tensor.Full([20], 1e-17f);
        for (int i = 0; i < 600; i++)
        {
            using var tape = new Tape();
            adam.Step(tape.Gradients(w, i == 0 ? gradient : Tensor.Zeros([20])));
        }
        foreach (var (name, value) in adam.State())
        {
            if (!name.EndsWith("step", StringComparison.Ordinal)) { Assert.All(value.ToArray(), v => Assert.False(float.IsSubnormal(v))); }
        }
    }

    [Fact]
    public void NaNGradientsAreNotHidden()
    {
        var w = new Parameter([1], [1]);
        var adam = new Adam([("w", w)]);
        using (var tape = new Tape()) { adam.Step(tape.Gradients(w, Tensor.Scalar(float.NaN).Alias([1]))); }
        Assert.True(float.IsNaN(w.Item()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void ClippingByNormEqualsPyTorch(int index)
    {
        var golden = s_golden.GetProperty("clip")[index];
        float[][] before = [.. golden.GetProperty("before").EnumerateArray().Select(Numbers)], after = [.. golden.GetProperty("after").EnumerateArray().Select(Numbers)];
        Parameter a = new([5], new float[5]), b = new([3], new float[3]);
        using var tape = new Tape();
        var gradients = tape.Gradients((a * Tensor.Of(before[0])).Sum() + (b * Tensor.Of(before[1])).Sum());
        Assert.Equal(golden.GetProperty("norm").GetSingle(), Clip.ByNorm(gradients, golden.GetProperty("limit").GetSingle()).Item(), 1e-5f);
        Near(after[0], gradients[a].ToArray());
        Near(after[1], gradients[b].ToArray());
    }

    [Fact]
    public void ClippingByValueBoundsEachValue()
    {
        var a = new Parameter([4], new float[4]);
        using var tape = new Tape();
        var gradients = tape.Gradients((a * Tensor.Of(-3, -0.5f, 0.25f, 7)).Sum());
        Clip.ByValue(gradients, 0.5f);
        Assert.Equal([-0.5f, -0.5f, 0.25f, 0.5f], gradients[a].ToArray());
    }

    /// <summary>What a steady step costs the garbage collector: tensors, shapes and tape entries, a few hundred bytes an operation, and no block.</summary>
    [Fact]
    public void ASteadyStepAllocatesOnlyBookkeeping()
    {
        var rng = new Rng(1);
        var model = new Sequential(new Dense(64, 128, rng), new Relu(), new Dense(128, 128, rng), new Relu(), new Dense(128, 10, rng));
        var adam = new Adam(model.Parameters());
        var x = Tensor.Uniform([32, 64], rng);
        Indices y = Enumerable.Range(0, 32).Select(i => i % 10).ToArray();
        void Step()
        {
            using var tape = new Tape();
            adam.Step(tape.Gradients(model.Forward(x).CrossEntropy(y)));
        }
        for (int i = 0; i < 20; i++) { Step(); }
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++) { Step(); }
        // 4 recorded operations and 6 parameters; a gradient alone would be 64 KiB
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 50, 0, 10_000);
    }

    private static Parameter Start()
    {
        float[] start = Numbers(s_golden.GetProperty("start"));
        return new([start.Length], start);
    }

    private static void Step(Optimizer optimizer, Parameter w, int i)
    {
        using var tape = new Tape();
        optimizer.Step(tape.Gradients(w, Tensor.Of(Numbers(s_golden.GetProperty("gradients")[i]))));
    }

    // float32 against PyTorch in double: fifty roundings of values near 1
    private static void Near(float[] expected, float[] actual)
    {
        for (int i = 0; i < expected.Length; i++) { Assert.Equal(expected[i], actual[i], 1e-6f * Math.Max(1, 4 * Math.Abs(expected[i]))); }
    }

    internal static float[] Numbers(JsonElement e) => [.. e.EnumerateArray().Select(v => v.GetSingle())];

    internal static JsonElement Golden()
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(House.Repository.Root, "tests", "DeepEdu.Tests", "Golden", "optim.json")));
        return json.RootElement.Clone();
    }

    /// <summary>What a training changes in its groups belongs to what it goes on from.</summary>
    [Fact]
    public void GroupsKeepTheirSettings()
    {
        Sgd New() => new(new ParameterGroup[] { new([("w", new Parameter([1]))]), new([("v", new Parameter([1]))]) { WeightDecay = 0.5 } });
        Sgd sgd = New(), other = New();
        (sgd.Groups[0].LearningRateFactor, sgd.Groups[0].WeightDecay, sgd.Groups[1].WeightDecay) = (0.25, 0.125, null);
        var state = new StateDict();
        sgd.SaveState(state);
        other.LoadState(state);
        Assert.Empty(state.Unread);
        Assert.Equal((0.25, 0.125, 1, null), (other.Groups[0].LearningRateFactor, other.Groups[0].WeightDecay, other.Groups[1].LearningRateFactor, other.Groups[1].WeightDecay));
        Assert.Contains("2 parameter groups, here there are 1", Assert.Throws<InvalidDataException>(() => new Sgd([("w", new Parameter([1]))]).LoadState(state)).Message, StringComparison.Ordinal);
    }

    /// <summary>Exploding gradients are what clipping is for.</summary>
    [Fact]
    public void GradientsWhoseSquaresAreNoFloatsAreClipped()
    {
        var w = new Parameter([2], [1, 1]);
        using var tape = new Tape();
        var gradients = tape.Gradients((w * Tensor.Of([2], [3e25f, -4e25f])).Sum());
        Assert.Equal(5e25f, Clip.Norm(gradients), 1e19f);
        Assert.Equal(5e25f, Clip.ByNorm(gradients, 1).Item(), 1e19f);
        Assert.Equal([0.6f, -0.8f], gradients[w].ToArray(), (a, b) => MathF.Abs(a - b) < 1e-6f);
    }
}
