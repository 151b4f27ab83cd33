using System.Text.Json;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Optim;

public class ScheduleTests
{
    private static readonly JsonElement s_golden = OptimizerTests.Golden();

    private static readonly Dictionary<string, Schedule> s_kinds = new()
    {
        ["step"] = Schedule.Step(0.5, 3, 0.5),
        ["multi-step"] = Schedule.MultiStep(0.5, [2, 5, 6], 0.3),
        ["exponential"] = Schedule.Exponential(0.5, 0.9),
        ["cosine"] = Schedule.Cosine(0.5, 10, 0.01),
        ["cyclic"] = Schedule.Cyclic(0.1, 0.8, 4),
        ["cyclic-halved"] = Schedule.Cyclic(0.1, 0.8, 3, 5, shrink: 0.5),
        ["cyclic-fading"] = Schedule.Cyclic(0.1, 0.8, 4, fade: 0.97),
        ["one-cycle"] = Schedule.OneCycle(0.8, 20),
        ["one-cycle-own"] = Schedule.OneCycle(0.8, 15, 0.4, 10, 100),
        ["linear"] = Schedule.Linear(0.5, 0.1, 5),
        ["polynomial"] = Schedule.Polynomial(0.5, 6, power: 2),
        ["restarts"] = Schedule.CosineRestarts(0.5, 4, 2, 0.01),
        ["restarts-even"] = Schedule.CosineRestarts(0.5, 5),
        ["one-cycle-linear"] = Schedule.OneCycle(0.8, 20, linear: true),
        ["one-cycle-three"] = Schedule.OneCycle(0.8, 20, 0.4, threePhases: true),
        ["one-cycle-three-linear"] = Schedule.OneCycle(0.8, 21, 0.35, threePhases: true, linear: true),
        ["warm-up"] = Schedule.Constant(0.5).WarmUp(5, 0.1),
        ["constant-factor"] = Schedule.Constant(0.125).Then(3, Schedule.Constant(0.5)),
        ["chained"] = Schedule.Constant(0.5).WarmUp(4, 0.1).Times(Schedule.Exponential(1, 0.9)).Times(Schedule.Step(1, 5, 0.5)),
        ["sequential"] = Schedule.Constant(0.5).Then(4, Schedule.Exponential(0.5, 0.5)),
    };

    public static TheoryData<string> Kinds => [.. s_kinds.Keys];

    [Fact]
    public void EveryGoldenIsTested() => Assert.Equal(s_golden.GetProperty("schedules").EnumerateObject().Select(p => p.Name).Order(), s_kinds.Keys.Order());

    [Theory]
    [MemberData(nameof(Kinds))]
    public void RatesEqualPyTorch(string kind)
    {
        int t = 0;
        foreach (var expected in s_golden.GetProperty("schedules").GetProperty(kind).EnumerateArray())
        {
            Assert.Equal(expected.GetDouble(), s_kinds[kind].At(t++), 1e-9); // PyTorch multiplies step by step
        }
    }

    [Fact]
    public void WarmUpRisesInAStraightLine()
    {
        var schedule = Schedule.Constant(1).WarmUp(4);
        Assert.Equal([0.2, 0.4, 0.6, 0.8, 1, 1], Enumerable.Range(0, 6).Select(t => Math.Round(schedule.At(t), 12)));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("cooldown")]
    [InlineData("max")]
    public void PlateauEqualsPyTorch(string kind)
    {
        var golden = s_golden.GetProperty("plateau").GetProperty(kind);
        var optimizer = new Sgd([("w", new Parameter([1], [0]))], new() { LearningRate = 0.5 });
        var plateau = new Plateau(optimizer, Options(kind));
        foreach (var (metric, rate) in golden.GetProperty("metrics").EnumerateArray().Zip(golden.GetProperty("rates").EnumerateArray()))
        {
            plateau.Report(metric.GetDouble());
            Assert.Equal(rate.GetDouble(), optimizer.LearningRate, 1e-12);
        }
    }

    /// <summary>Taken up at any epoch: another object with the saved state does what the first does.</summary>
    [Theory]
    [InlineData("plain")]
    [InlineData("cooldown")]
    [InlineData("max")]
    public void PlateauGoesOnFromItsSavedState(string kind)
    {
        double[] metrics = [.. s_golden.GetProperty("plateau").GetProperty(kind).GetProperty("metrics").EnumerateArray().Select(m => m.GetDouble() / 3)];
        for (int cut = 0; cut < metrics.Length; cut++)
        {
            Sgd one = Make(), two = Make();
            Plateau first = new(one, Options(kind)), second = new(two, Options(kind));
            foreach (double m in metrics[..cut]) { first.Report(m); }
            var state = new StateDict().Set("plateau", first).Set("optimizer", one);
            state.CopyTo("plateau", second);
            state.CopyTo("optimizer", two);
            Assert.Equal((first.Best, one.LearningRate), (second.Best, two.LearningRate));
            foreach (double m in metrics[cut..])
            {
                Assert.Equal(first.Report(m), second.Report(m));
                Assert.Equal(one.LearningRate, two.LearningRate);
            }
        }

        static Sgd Make() => new([("w", new Parameter([1], [0]))], new() { LearningRate = 0.3 });
    }

    private static PlateauOptions Options(string kind) => kind switch
    {
        "plain" => new() { Patience = 2, Factor = 0.5 },
        "cooldown" => new() { Patience = 1, Factor = 0.5, Cooldown = 2, Floor = 0.1 },
        _ => new() { Patience = 2, HigherIsBetter = true, Threshold = 0.01, ThresholdIsAbsolute = true },
    };
}
