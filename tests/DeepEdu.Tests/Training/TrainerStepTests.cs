using DeepEdu.Data;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>What a step of the loop does with gradients, weights, metrics and parts, against sums by hand.</summary>
public class TrainerStepTests
{
    private static readonly Tensor s_x = Tensor.Normal([64, 3], new Rng(2)).Keep(), s_y = Tensor.Normal([64, 1], new Rng(3)).Keep();
    private static readonly Tensor s_weights = Tensor.Uniform([64], new Rng(4), 0.5f, 1.5f).Keep();

    /// <summary>Without what sees a batch as a whole, a training in parts shows the numbers of one that is not: every loss, metric and rate, and of the validation.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public void AHistoryOfPartsIsThatOfBatches(int accumulate, bool weighted)
    {
        var (plain, weights) = Fit(1);
        foreach (int parts in new[] { 2, 5 })
        {
            var (history, ownWeights) = Fit(parts);
            foreach (var (name, value) in plain.Epochs.SelectMany(e => e.Values)) { Assert.True(plain[name].Zip(history[name]).All(p => Math.Abs(p.First - p.Second) < 1e-4), $"{name}: {string.Join(' ', plain[name])} and {string.Join(' ', history[name])}"); }
            Assert.Equal(plain.Epochs.Select(e => e.Steps), history.Epochs.Select(e => e.Steps));
            Assert.Equal(weights, ownWeights, (a, b) => Math.Abs(a - b) < 1e-4);
        }

        (History, float[]) Fit(int parts)
        {
            var model = new Dense(3, 1, new Rng(1));
            var error = new RegressionError();
            var trainer = new Trainer(model, new Sgd(model.Parameters(), new() { LearningRate = 0.1 }), rows =>
            {
                Tensor y = model.Forward(s_x.IndexSelect(0, rows)), t = s_y.IndexSelect(0, rows);
                error.Add(y, t);
                return weighted ? Objective.Weighted((y - t).Square().Flatten(), s_weights.IndexSelect(0, rows)) : Objective.Sum(("squares", (y - t).Square().Mean(), 1), ("size", y.Abs().Mean(), 0.01f));
            }, new() { BatchParts = parts, AccumulateBatches = accumulate, ClipNorm = 0.7f, Schedule = Schedule.Cosine(0.2, 9), Metrics = [new("mae", error, () => error.Mae), new("rmse", error)], EpochNumbers = run => [("own", run.Epoch)] });
            var history = trainer.Fit(new Batches([.. Enumerable.Range(0, 50)], 12, new Rng(7)), 3, new Batches([.. Enumerable.Range(50, 14)], 5));
            return (history, [.. model.Parameters().SelectMany(p => p.Value.ToArray())]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void GradientsAreBoundBeforeTheyStep(int accumulate)
    {
        float[] Step(TrainerOptions options)
        {
            var w = new Dense(2, 1, new Rng(1));
            float[] before = Clouds.Weights(w);
            var data = Tensor.Of([2, 2], [3, -4, 3, -4]);
            new Trainer(w, new Sgd(w.Parameters(), new() { LearningRate = 1 }), rows => w.Forward(data.IndexSelect(0, rows)).Sum(), options with { AccumulateBatches = accumulate }).Fit(new Batches(accumulate, 1), 1);
            return [.. Clouds.Weights(w).Zip(before, (a, b) => b - a)];
        }
        Assert.Equal([3, -4, 1], Step(new()), (a, b) => Math.Abs(a - b) < 1e-5f);
        Assert.Equal([2, -2, 1], Step(new() { ClipValue = 2 }), (a, b) => Math.Abs(a - b) < 1e-5f);
        float length = MathF.Sqrt(26);
        Assert.Equal([6 / length, -8 / length, 2 / length], Step(new() { ClipNorm = 2 }), (a, b) => Math.Abs(a - b) < 1e-5f);
        Assert.Equal([2 / 1.5f, -2 / 1.5f, 1 / 1.5f], Step(new() { ClipValue = 2, ClipNorm = 2 }), (a, b) => Math.Abs(a - b) < 1e-5f); // values first: (2, -2, 1) is 3 long
    }

    [Fact]
    public void EachEvaluationBeginsAnew()
    {
        var data = new Clouds();
        var trainer = data.Trainer(Clouds.Model());
        Batches first = new([.. Enumerable.Range(0, 9)], 4), second = new([.. Enumerable.Range(100, 7)], 3);
        var alone = data.Trainer(Clouds.Model()).Evaluate(second);
        trainer.Evaluate(first);
        Assert.Equal(alone, trainer.Evaluate(second));
        trainer.Fit(Clouds.Learned, 1);
        double learned = trainer.Evaluate(second)["accuracy"];
        trainer.Evaluate(first);
        Assert.Equal(learned, trainer.Evaluate(second)["accuracy"]);
    }

    [Fact]
    public void CancelledAtItsVeryEndATrainingIsWhole()
    {
        using var stop = new CancellationTokenSource();
        var data = new Clouds();
        var history = data.Trainer(Clouds.Model(), new() { Callbacks = [new LambdaCallback { Step = run => { if (run.Step == 20) { stop.Cancel(); } } }] }).Fit(Clouds.Learned, 2, null, stop.Token);
        Assert.Equal((2, false), (history.Epochs.Count, history.Cancelled));
        Assert.Empty(data.Trainer(Clouds.Model()).Fit(Clouds.Learned, 0).Epochs);
    }

    /// <summary>The first report, one batch of 10 in one epoch of 4: a fortieth is done.</summary>
    [Fact]
    public void AReportTellsWhereTheRunIs()
    {
        var reports = new List<TrainingProgress>();
        new Clouds().Trainer(Clouds.Model(), new() { Progress = new Collector(reports) }).Fit(Clouds.Learned, 4);
        var first = reports[0];
        Assert.Equal((0, 4, 1, 10, 1, false), (first.Epoch, first.Epochs, first.Batch, first.Batches, first.Step, first.EpochEnded));
        Assert.Equal(["loss", "accuracy", "learning_rate"], first.Values.Keys);
        Assert.Equal(39, first.Remaining!.Value / first.Elapsed, 0.05);
        Assert.Equal(16, first.RowsPerSecond * first.Elapsed.TotalSeconds, 1e-3);
        Assert.All(reports.Where(r => r.EpochEnded), r =>
        {
            Assert.Equal(10, r.Batch);
            Assert.Equal(150 * (r.Epoch + 1), r.RowsPerSecond * r.Elapsed.TotalSeconds, 1e-3);
            Assert.Equal((3.0 - r.Epoch) / (r.Epoch + 1), r.Remaining!.Value / r.Elapsed, 0.01);
        });
        Assert.Equal(4, reports.Count(r => r.EpochEnded));
    }

    private sealed class Collector(List<TrainingProgress> to) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => to.Add(value);
    }

    public static TheoryData<string, TrainerOptions> Wrong => new()
    {
        { "AccumulateBatches ('0') must be greater than or equal to '1'", new() { AccumulateBatches = 0 } },
        { "BatchParts ('0') must be greater than or equal to '1'", new() { BatchParts = 0 } },
        { "BatchParts ('32768') must be less than or equal to '32767'", new() { BatchParts = 32768 } },
        { "AverageEvery ('0') must be greater than or equal to '1'", new() { AverageEvery = 0 } },
        { "trainer: two metrics are called \"a\"", new() { Metrics = [new("a", new Accuracy()), new("a", new Accuracy())] } },
    };

    [Theory, MemberData(nameof(Wrong))]
    public void OptionsWithoutMeaningAreRefused(string says, TrainerOptions options)
    {
        var model = Clouds.Model();
        Assert.Contains(says, Assert.ThrowsAny<ArgumentException>(() => new Trainer(model, new Sgd(model.Parameters()), _ => Tensor.Scalar(0), options)).Message, StringComparison.Ordinal);
        var trainer = new Clouds().Trainer(model);
        Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(Clouds.Learned, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => { trainer.FitAsync(Clouds.Learned, -1); });
    }

    [Fact]
    public void RowsOfOtherShapesAreNotPutTogether() =>
        Assert.Contains("one batch gave [4,2], another [1,3]; only the rows may differ", Assert.Throws<ShapeException>(() => Trainer.Predict(new Batches(5, 4), rows => Tensor.Zeros([rows.Length, rows.Length == 4 ? 2 : 3]))).Message, StringComparison.Ordinal);

    [Fact]
    public void AHistoryKnowsItsBestAlsoAmongNaNs()
    {
        var history = new History();
        Assert.Contains("no epoch was finished", Assert.Throws<InvalidOperationException>(() => history.Best("loss")).Message, StringComparison.Ordinal);
        foreach (var (i, v) in new[] { double.NaN, 2, 1, 3, double.NaN }.Index()) { history.Add(new(i, i, new Dictionary<string, double> { ["loss"] = v }, 1)); }
        Assert.Equal((2, 3), (history.Best("loss").Epoch, history.Best("loss", higherIsBetter: true).Epoch));
    }

    /// <summary>All settings of three axes, each once; of axes too long to list, each in its range.</summary>
    [Fact]
    public void AListedSpaceIsDrawnWithoutRepetition()
    {
        var space = new SearchSpace().Whole("a", 2, 3).Choice("b", "x", "y", "z").Whole("c", -1, 2);
        Assert.Equal(24, space.Count);
        string[] all = [.. space.Draw(24, new Rng(1)).Select(p => p.ToString())];
        Assert.Equal(from a in new[] { 2, 3 } from b in "xyz" from c in new[] { -1, 0, 1, 2 } select $"a {a}, b {b}, c {c}", all.Order(StringComparer.Ordinal).OrderBy(s => s[..8]).ThenBy(s => int.Parse(s.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal("a from 2 to 3, whole; b of x, y, z; c from -1 to 2, whole", space.ToString());
        foreach (double bad in new[] { double.NegativeInfinity, double.NaN, 1 }) { Assert.Throws<ArgumentException>(() => new SearchSpace().Range("r", bad, 1)); }
        Assert.Throws<ArgumentException>(() => new SearchSpace().Range("r", 0, double.PositiveInfinity));
    }
}
