using System.Text.Json;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Optim;

public class LbfgsTests
{
    private static readonly JsonElement s_golden = OptimizerTests.Golden().GetProperty("lbfgs");
    private static readonly Tensor s_x = Tensor.Of([12, 5], OptimizerTests.Numbers(s_golden.GetProperty("x"))), s_t = Tensor.Of(OptimizerTests.Numbers(s_golden.GetProperty("t")));

    private static LbfgsOptions Options(string kind) => kind switch
    {
        "wolfe" => new() { MaxIterations = 4 },
        "wolfe-far" => new() { LearningRate = 5, MaxIterations = 3, History = 2 },
        _ => new() { LearningRate = 0.5, MaxIterations = 4, History = 3, LineSearch = false },
    };

    [Theory]
    [InlineData("wolfe")]
    [InlineData("wolfe-far")]
    [InlineData("fixed")]
    public void StepsEqualPyTorch(string kind)
    {
        var w = Start(kind);
        var lbfgs = new Lbfgs([("w", w)], Options(kind));
        foreach (var call in s_golden.GetProperty("cases").GetProperty(kind).EnumerateArray())
        {
            Assert.Equal(call.GetProperty("loss").GetSingle(), lbfgs.Step(() => Loss(w)), 2e-5f);
            Assert.Equal(call.GetProperty("evaluations").GetInt32(), lbfgs.Evaluations);
            // differences of float32 gradients divide by each other: four digits are left
            float[] expected = OptimizerTests.Numbers(call.GetProperty("w")), actual = w.ToArray();
            for (int i = 0; i < expected.Length; i++) { Assert.Equal(expected[i], actual[i], 1e-3f * Math.Max(1, Math.Abs(expected[i]))); }
        }
    }

    [Fact]
    public void GoesOnFromItsSavedState()
    {
        Parameter w = Start("wolfe"), other = Start("wolfe");
        Lbfgs first = new([("w", w)], Options("wolfe")), second = new([("w", other)], Options("wolfe"));
        first.Step(() => Loss(w));
        other.CopyFrom(w.AsSpan());
        var state = new StateDict();
        first.SaveState(state);
        second.LoadState(state);
        for (int i = 0; i < 3; i++) { Assert.Equal(first.Step(() => Loss(w)), second.Step(() => Loss(other))); }
        Assert.Equal(w.ToArray(), other.ToArray());
        Assert.Equal(first.Iterations, second.Iterations);
        Assert.Contains("\"func_evals\" is missing", Assert.Throws<InvalidDataException>(() => second.LoadState(new StateDict().Set("n_iter", 1))).Message, StringComparison.Ordinal);
    }

    /// <summary>A function of two parameters: where each call ends, and after how many iterations and evaluations, is PyTorch's.</summary>
    [Theory]
    [InlineData(true, 0.5, 6, null, 1e-9, 1e-7, 6, 7, 12, 14, new[] { 3.5475f, 2.98301f, -1.1886f })]
    [InlineData(true, 0.1, 20, 3, 1e-9, 1e-7, 1, 3, 2, 6, new[] { 0.53768f, 1.38563f, -1.05759f })]
    [InlineData(true, 0.5, 20, null, 1e-2, 1e-7, 12, 13, 13, 14, new[] { 3.5475f, 2.98301f, -1.1886f })]
    [InlineData(true, 0.5, 20, null, 1e-9, 0.5, 11, 12, 11, 13, new[] { 3.50561f, 2.9631f, -1.19728f })]
    [InlineData(false, 1, 20, null, 1e-9, 1e-7, 8, 9, 9, 11, new[] { 3.58975f, 3, -1.17948f })]
    [InlineData(false, 0.1, 20, 3, 1e-9, 1e-7, 2, 3, 4, 6, new[] { 0.23901f, 1.1575f, 1.09294f })]
    public void ItEndsWherePyTorchEnds(bool search, double rate, int most, int? evaluations, double change, double flat, int iterations, int seen, int iterations2, int seen2, float[] end)
    {
        Parameter a = new([2], [0, 1]), b = new([1], [2]);
        var lbfgs = new Lbfgs([("a", a), ("b", b)], new() { LineSearch = search, LearningRate = rate, MaxIterations = most, MaxEvaluations = evaluations, ChangeTolerance = change, GradientTolerance = flat });
        Tensor Loss() => (a - 3).Square().Sum() + (10 * (b + 1).Square().Sum()) + (a[..1] * b).Sum();
        Assert.Equal(103, lbfgs.Step(Loss), 1e-4f);
        Assert.Equal((iterations, seen), (lbfgs.Iterations, lbfgs.Evaluations));
        lbfgs.Step(Loss);
        Assert.Equal((iterations2, seen2), (lbfgs.Iterations, lbfgs.Evaluations));
        Assert.Equal(end, [.. a.ToArray(), .. b.ToArray()], (x, y) => Math.Abs(x - y) < 2e-4f);
    }

    [Fact]
    public void WhereNothingFallsItStays()
    {
        var w = new Parameter([2], [0, 0]);
        var lbfgs = new Lbfgs([("w", w)], new() { LearningRate = 0.5, MaxIterations = 1, History = 1 });
        lbfgs.Step(() => w.Square().Sum());
        Assert.Equal((0, 1), (lbfgs.Iterations, lbfgs.Evaluations));
        Assert.Equal([0, 0], w.ToArray());
    }

    /// <summary>Loaded over what another training left, and with more than one pair remembered.</summary>
    [Fact]
    public void ALongHistoryIsTakenUpAndABoundOneStaysBound()
    {
        Parameter w = Start("wolfe"), other = Start("wolfe-far");
        Lbfgs first = new([("w", w)], new() { MaxIterations = 6, History = 3 }), second = new([("w", other)], new() { MaxIterations = 6, History = 3 });
        first.Step(() => Loss(w));
        second.Step(() => Loss(other));
        other.CopyFrom(w.AsSpan());
        var state = new StateDict();
        first.SaveState(state);
        Assert.Equal([3, 5], state.Tensor("old_dirs").Shape.Sizes.ToArray());
        second.LoadState(state);
        for (int i = 0; i < 2; i++) { Assert.Equal(first.Step(() => Loss(w)), second.Step(() => Loss(other))); }
        Assert.Equal(w.ToArray(), other.ToArray());
        // one that has not stepped yet is taken up, too
        new Lbfgs([("w", w)]).SaveState(state = new());
        second.LoadState(state);
        Assert.Equal((0, 0), (second.Iterations, second.Evaluations));
    }

    /// <summary>Once the history is full nothing as long as a parameter is allocated, however many lengths are tried.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public void VectorsAreUsedAgain(bool search)
    {
        const int Size = 50_000;
        var scale = Tensor.Uniform([Size], new Rng(1)) + 0.05f;
        Parameter w = new([Size]);
        Lbfgs lbfgs = new([("w", w)], new() { History = 2, MaxIterations = 5, LearningRate = 0.3, LineSearch = search });
        float[] start = [.. Enumerable.Range(0, Size).Select(i => MathF.Sin(i) * 3)];
        Step();
        Step();
        (long bytes, int seen) = (GC.GetAllocatedBytesForCurrentThread(), lbfgs.Evaluations);
        Step();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - bytes, 0, Size * sizeof(float) / 2);
        Assert.True(lbfgs.Evaluations - seen >= 5);

        void Step()
        {
            w.CopyFrom(start);
            lbfgs.Step(() => (w.Square() * scale).Sum() + w.Cosh().Sum());
        }
    }

    /// <summary>Rosenbrock 1960: the valley that gradient descent takes thousands of steps through.</summary>
    [Fact]
    public void FindsTheFootOfRosenbrocksValley()
    {
        var w = new Parameter([2], [-1.2f, 1]);
        var lbfgs = new Lbfgs([("w", w)], new() { MaxIterations = 60 });
        lbfgs.Step(() => (1 - w[..1]).Square().Sum() + (100 * (w[1..] - w[..1].Square()).Square().Sum()));
        Assert.All(w.ToArray(), v => Assert.Equal(1, v, 1e-3f));
        Assert.InRange(lbfgs.Evaluations, 20, 80);
    }

    [Fact]
    public void SettingsWithoutMeaningAreRefused()
    {
        Assert.Contains("no parameter", Assert.Throws<ArgumentException>(() => new Lbfgs([])).Message, StringComparison.Ordinal);
        foreach (var options in new LbfgsOptions[] { new() { History = 0 }, new() { MaxIterations = 0 }, new() { LearningRate = 0 }, new() { LearningRate = double.NaN } })
        {
            Assert.Contains("above 0", Assert.Throws<ArgumentException>(() => new Lbfgs([("w", Start("fixed"))], options)).Message, StringComparison.Ordinal);
        }
    }

    private static Tensor Loss(Parameter w) => (s_x.MatMul(w.Reshape(5, 1)).Reshape(12).Tanh() - s_t).Square().Mean() + (0.01f * w.Square().Sum());

    private static Parameter Start(string kind) => new([5], [.. OptimizerTests.Numbers(s_golden.GetProperty("start")).Select(v => v * (kind == "wolfe-far" ? 8 : 0.3f))]);
}
