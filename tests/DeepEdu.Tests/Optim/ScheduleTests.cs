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
            double before = optimizer.LearningRate;
            Assert.Equal(Math.Abs(before - rate.GetDouble()) > 1e-12, plateau.Report(metric.GetDouble()));
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

    /// <summary>A gain of just the threshold is none; a factor of 0 stops; a rate that would hardly change does not.</summary>
    [Theory, InlineData(false, 8.0, 7.5, 7.25), InlineData(true, 8.0, 8.5, 8.75)]
    public void APlateausThresholdIsNoGain(bool higherIsBetter, double first, double same, double better)
    {
        var sgd = new Sgd([("w", new Parameter([1], [0]))], new() { LearningRate = 0.5 });
        var plateau = new Plateau(sgd, new() { Patience = 0, Factor = 0, HigherIsBetter = higherIsBetter, Threshold = 0.5, ThresholdIsAbsolute = true });
        Assert.False(plateau.Report(first));
        Assert.False(plateau.Report(better));
        Assert.Equal((better, 0.5), (plateau.Best, sgd.LearningRate));
        plateau = new Plateau(sgd, new() { Patience = 0, Factor = 0, HigherIsBetter = higherIsBetter, Threshold = 0.0625, ThresholdIsAbsolute = false });
        Assert.False(plateau.Report(first));
        Assert.True(plateau.Report(same));
        Assert.Equal((first, 0.0), (plateau.Best, sgd.LearningRate));
        Assert.False(plateau.Report(same));
        sgd.LearningRate = 0.5;
        Assert.False(new Plateau(sgd, new() { Patience = 0, Factor = 0.1, Floor = 0.5 }).Report(double.NaN)); // at its floor already
        sgd.LearningRate = 1e-8;
        Assert.False(new Plateau(sgd, new() { Patience = 0, Factor = 0, Threshold = 0 }).Report(double.NaN));
        Assert.Equal(1e-8, sgd.LearningRate);
    }

    [Fact]
    public void TheEndsOfSchedules()
    {
        Assert.Equal([0.8, 0.8 / 25 / 1e4, 0.8 / 25 / 1e4], new[] { 0, 9, 100 }.Select(Schedule.OneCycle(0.8, 10, 0.1).At), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(0.8 / 25 / 1e4 + ((0.8 - (0.8 / 25 / 1e4)) * 0.9), Schedule.OneCycle(0.8, 10, 0, linear: true).At(0), 1e-12); // PyTorch's: the peak is one step before the first
        Assert.Equal([0.8 / 25, 0.8], new[] { 0, 9 }.Select(Schedule.OneCycle(0.8, 10, 1).At), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.True(Schedule.OneCycle(0.8, 2).At(0) > Schedule.OneCycle(0.8, 2).At(1));
        Assert.Equal([0.1, 0.45, 0.8, 0.45, 0.1], Enumerable.Range(0, 5).Select(Schedule.Cyclic(0.1, 0.8, 2).At), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([0.1, 0.8, 0.1, 0.8], Enumerable.Range(0, 4).Select(Schedule.Cyclic(0.1, 0.8, 1, 1).At), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([0.1, 0.8, 0.45, 0.1], Enumerable.Range(0, 4).Select(Schedule.Cyclic(0.1, 0.8, 1, 2).At), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([3, 2, 1, 1], Enumerable.Range(0, 4).Select(Schedule.Linear(3, 1, 2).At));
        // up to 3.4, down to 6.8, and away to 10
        Assert.Equal([0.1, 0.1 + (0.9 * 2 / 3.4), 1 - (0.9 * 1.6 / 3.4), 0.1 - (0.09 * 1.2 / 3.2), 0.01], new[] { 0, 2, 5, 8, 10 }.Select(Schedule.OneCycle(1, 11, 0.4, 10, 10, threePhases: true, linear: true).At), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal((5, 7), (Schedule.Constant(5).WarmUp(0).At(0), Schedule.Constant(5).Then(0, Schedule.Constant(7)).At(0)));
        Assert.Equal((3, 0), (Schedule.Cosine(3, 1).At(0), Schedule.Cosine(3, 1).At(1)));
        Assert.Equal((3, 3), (Schedule.CosineRestarts(3, 1).At(0), Schedule.CosineRestarts(3, 1).At(1)));
    }

    public static TheoryData<Func<object>> Wrong => [.. (Func<object>[])[() => Schedule.Cosine(1, 0), () => Schedule.CosineRestarts(1, 0), () => Schedule.CosineRestarts(1, 1, 0), () => Schedule.OneCycle(1, 1),
        () => Schedule.OneCycle(1, 9, -0.1), () => Schedule.OneCycle(1, 9, 1.1), () => Schedule.OneCycle(1, 9, 0.6, threePhases: true), () => Schedule.OneCycle(1, 9, double.NaN), () => Schedule.Cyclic(0, 1, 0),
        () => Schedule.Cyclic(0, 1, 1, 0), () => Schedule.Polynomial(1, 0), () => Schedule.Constant(1).WarmUp(-1), () => Schedule.Constant(1).WarmUp(0, 0.1), () => Schedule.Constant(1).Then(-1, Schedule.Constant(1)),
        () => Schedule.Constant(1).At(-1), () => Schedule.Step(1, 0)]];

    [Theory, MemberData(nameof(Wrong))]
    public void SchedulesOfNoStepsAreRefused(Func<object> make) => Assert.Throws<ArgumentOutOfRangeException>(make);

    private static PlateauOptions Options(string kind) => kind switch
    {
        "plain" => new() { Patience = 2, Factor = 0.5 },
        "cooldown" => new() { Patience = 1, Factor = 0.5, Cooldown = 2, Floor = 0.1 },
        _ => new() { Patience = 2, HigherIsBetter = true, Threshold = 0.01, ThresholdIsAbsolute = true },
    };
}
