using System.Text.Json;
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
        Assert.Contains("above 0", Assert.Throws<ArgumentException>(() => new Lbfgs([("w", Start("fixed"))], new() { History = 0 })).Message, StringComparison.Ordinal);
    }

    private static Tensor Loss(Parameter w) => (s_x.MatMul(w.Reshape(5, 1)).Reshape(12).Tanh() - s_t).Square().Mean() + (0.01f * w.Square().Sum());

    private static Parameter Start(string kind) => new([5], [.. OptimizerTests.Numbers(s_golden.GetProperty("start")).Select(v => v * (kind == "wolfe-far" ? 8 : 0.3f))]);
}
