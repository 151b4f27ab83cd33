using System.Globalization;
using System.Text.Json;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Optim;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>What callbacks do, on scores that are made up.</summary>
public sealed class CallbackTests : IDisposable
{
    private readonly Clouds _data = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("deepedu-callbacks-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(new[] { .2, .7, double.NaN, .6, .7, .9 }, 2, 0, double.NaN, 5, 1)] // NaN is never better, equal is not better
    [InlineData(new[] { .2, .7, .6, .8, .7, .7, .9 }, 1, 0, double.NaN, 6, 3)]
    [InlineData(new[] { .2, .25, .29, .31, .3, .3 }, 2, .1, double.NaN, 6, 3)] // two gains of less than a tenth, then one that adds up
    [InlineData(new[] { .2, .3, .4, .9, .9, .9 }, 2, 0, .5, 3, -1)] // the baseline is not reached in time
    [InlineData(new[] { .2, .6, .4, .3, .9, .9 }, 1, 0, .5, 4, 1)]
    public void EarlyStoppingWaitsAndRestoresTheBest(double[] scores, int patience, double minDelta, double baseline, int epochs, int best)
    {
        List<float[]> weights = [];
        var stopping = new EarlyStopping { Monitor = "score", HigherIsBetter = true, Patience = patience, MinDelta = minDelta, Baseline = baseline };
        var (model, history) = Fit(scores, new LambdaCallback { Epoch = (run, _) => weights.Add(Clouds.Weights(run.Model)) }, stopping);
        Assert.Equal((epochs, best), (history.Epochs.Count, stopping.BestEpoch));
        Assert.Equal(weights[best < 0 ? ^1 : best], Clouds.Weights(model));
        Assert.Equal(epochs < scores.Length, history.StopReason is not null);
        Assert.Equal(best < 0 ? double.NaN : scores[best], stopping.Best);
    }

    /// <summary>A log that goes on where another file stands leaves that file as it is.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ALogDoesNotCutAnotherFile(bool csv)
    {
        string path = Path.Combine(_folder, "thesis.txt"), text = string.Concat(Enumerable.Range(0, 99).Select(i => $"line {i}\n"));
        File.WriteAllText(path, text);
        var trainer = _data.Trainer(Clouds.Model(), new());
        trainer.Fit(Clouds.Learned, 2);
        Assert.Contains("thesis.txt does not begin with", Assert.Throws<InvalidDataException>(() => (csv ? (Callback)new CsvLog(path) : new JsonLog(path)).OnBegin(trainer.Run)).Message, StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(path));
    }

    [Fact]
    public void EarlyStoppingOfAnErrorLooksForTheLeastAndMayKeepTheLast()
    {
        List<float[]> weights = [];
        var stopping = new EarlyStopping { Monitor = "score", RestoreBest = false, Patience = 1 };
        var (model, history) = Fit([.5, .3, .4, .4, .1], new LambdaCallback { Epoch = (run, _) => weights.Add(Clouds.Weights(run.Model)) }, stopping);
        Assert.Equal((4, 1), (history.Epochs.Count, stopping.BestEpoch));
        Assert.Equal(weights[3], Clouds.Weights(model));
        Assert.Contains("score has not got better for 2 epochs: the best was 0.3 in epoch 2", history.StopReason, StringComparison.Ordinal);
    }

    [Theory, InlineData(false, 2.0, 1.5, 1.25), InlineData(true, 2.0, 2.5, 2.75)]
    public void AGainOfJustTheLeastStepIsNone(bool higherIsBetter, double first, double same, double better)
    {
        var stopping = new EarlyStopping { Monitor = "score", HigherIsBetter = higherIsBetter, MinDelta = 0.5, Patience = 9 };
        Fit([first, same, first, same], stopping);
        Assert.Equal((0, first), (stopping.BestEpoch, stopping.Best));
        Fit([first, same, better], stopping = new EarlyStopping { Monitor = "score", HigherIsBetter = higherIsBetter, MinDelta = 0.5, Patience = 9 });
        Assert.Equal((2, better), (stopping.BestEpoch, stopping.Best));
        Assert.True(double.IsNaN(new EarlyStopping().Best));
    }

    [Fact]
    public void ReduceOnPlateauLowersTheRate()
    {
        var (_, history) = Fit([.5, .5, .5, .4, .4, .4], new ReduceOnPlateau("score", new() { Patience = 1, Factor = 0.5 }));
        Assert.Equal([.02, .02, .02, .01, .01, .01], history["learning_rate"]);
        var error = Assert.Throws<InvalidOperationException>(() => _data.Trainer(Clouds.Model(), new() { Schedule = Schedule.Constant(1), Callbacks = [new ReduceOnPlateau()] }).Fit(Clouds.Learned, 1));
        Assert.Contains("leave out the schedule or the plateau", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LambdasSeeEveryMomentAndMayStop()
    {
        List<string> seen = [];
        var lambda = new LambdaCallback
        {
            Begin = run => seen.Add($"begin {run.Epoch}/{run.Epochs}"),
            Step = run => { if (run.Step % 10 == 0) { seen.Add($"step {run.Step} batch {run.Batch}/{run.Batches}"); } },
            Epoch = (run, result) => { seen.Add($"epoch {result.Epoch}"); if (result.Epoch == 1) { run.Stop("enough"); } },
            End = run => seen.Add($"end {run.History.StopReason}"),
        };
        _data.Trainer(Clouds.Model(), new() { Callbacks = [lambda] }).Fit(Clouds.Learned, 9);
        Assert.Equal(["begin 0/9", "step 10 batch 10/10", "epoch 0", "step 20 batch 10/10", "epoch 1", "end enough"], seen);
    }

    [Fact]
    public void StoppedInsideAnEpochItIsNotCounted()
    {
        var trainer = _data.Trainer(Clouds.Model(), new() { Callbacks = [new LambdaCallback { Step = run => { if (run.Step == 14) { run.Stop("far enough"); } } }] });
        var history = trainer.Fit(Clouds.Learned, 3);
        Assert.Equal((1, 14, "far enough", false), (history.Epochs.Count, trainer.Run.Step, history.StopReason, history.Cancelled));
    }

    [Fact]
    public void LogsHoldALineAnEpochAndGoOnAfterATrainingWasTakenUp()
    {
        string csv = Path.Combine(_folder, "deep", "log.csv"), json = Path.Combine(_folder, "log.jsonl");
        var trainer = _data.Trainer(Clouds.Model(), new() { Callbacks = [new CsvLog(csv), new JsonLog(json)] });
        trainer.Fit(Clouds.Learned, 2, Clouds.Unseen);
        // what a crash left behind: an epoch that the checkpoint does not know
        File.AppendAllText(csv, "2,999,0,0,0,0,0,0\n");
        File.AppendAllText(json, "{}\n");
        var history = trainer.Fit(Clouds.Learned, 4, Clouds.Unseen);
        string[] rows = File.ReadAllLines(csv);
        Assert.Equal("epoch,steps,seconds,loss,accuracy,learning_rate,val_loss,val_accuracy", rows[0]);
        Assert.Equal(["0", "1", "2", "3"], rows[1..].Select(r => r.Split(',')[0]));
        Assert.Equal(history["val_loss"], rows[1..].Select(r => double.Parse(r.Split(',')[6], CultureInfo.InvariantCulture)));
        string[] objects = File.ReadAllLines(json);
        Assert.Equal(history["loss"], objects.Select(o => JsonDocument.Parse(o).RootElement.GetProperty("loss").GetDouble()));
        Assert.Equal([0, 1, 2, 3], objects.Select(o => JsonDocument.Parse(o).RootElement.GetProperty("epoch").GetInt32()));
        Assert.Equal(history.Epochs.Select(e => (e.Steps, Math.Round(e.Seconds, 3))), objects.Select(o => JsonDocument.Parse(o).RootElement).Select(o => (o.GetProperty("steps").GetInt32(), o.GetProperty("seconds").GetDouble())));
        Assert.Equal(history.Epochs.Select(e => $"{e.Epoch},{e.Steps},{e.Seconds.ToString("F3", CultureInfo.InvariantCulture)}"), rows[1..].Select(r => string.Join(',', r.Split(',')[..3])));
        Fit([1, double.NaN], new JsonLog(json));
        Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(File.ReadAllLines(json)[1]).RootElement.GetProperty("score").ValueKind);
    }

    [Fact]
    public void ALogThatBeganLaterHoldsEachEpochOnceToo()
    {
        string csv = Path.Combine(_folder, "late.csv"), json = Path.Combine(_folder, "late.jsonl");
        var trainer = _data.Trainer(Clouds.Model(), new() { Callbacks = [new CsvLog(csv), new JsonLog(json)] });
        trainer.Fit(Clouds.Learned, 2);
        File.Delete(csv);
        File.Delete(json);
        trainer.Fit(Clouds.Learned, 3);
        // a crash after an epoch that the checkpoint does not know
        File.AppendAllText(csv, "3,999,0,0,0,0\n");
        File.AppendAllText(json, "{\"epoch\":3,\"steps\":999}\n");
        trainer.Fit(Clouds.Learned, 4);
        Assert.Equal(["epoch", "2", "3"], File.ReadAllLines(csv).Select(r => r.Split(',')[0]));
        Assert.Equal([2, 3], File.ReadAllLines(json).Select(o => JsonDocument.Parse(o).RootElement.GetProperty("epoch").GetInt32()));
    }

    [Fact]
    public void AnErrorOfACallbackNamesItAndLeavesTheTrainerUsable()
    {
        var bad = new LambdaCallback { Step = run => { if (run.Step == 3) { throw new InvalidDataException("disk on fire"); } } };
        var trainer = _data.Trainer(Clouds.Model(), new() { Callbacks = [bad] });
        var error = Assert.Throws<InvalidOperationException>(() => trainer.Fit(Clouds.Learned, 1));
        Assert.Contains("callback LambdaCallback failed after step 3: disk on fire", error.Message, StringComparison.Ordinal);
        Assert.IsType<InvalidDataException>(error.InnerException);
        Assert.Equal(10, trainer.Fit(Clouds.Learned, 1).Epochs[0].Steps);
    }

    [Fact]
    public void NamesWithCommasAndQuotesStandInOneColumn()
    {
        string path = Path.Combine(_folder, "names.csv");
        var model = Clouds.Model();
        Trainer? first = null;
        for (int epochs = 1; epochs <= 2; epochs++)
        {
            var trainer = _data.Trainer(model, new() { EpochNumbers = run => [("at 0.5, \"hard\"", run.Epoch)], Callbacks = [new CsvLog(path)] });
            if (epochs == 2)
            {
                var state = new DeepEdu.Tensors.StateDict();
                first!.SaveState(state);
                trainer.LoadState(state);
            }
            trainer.Fit(Clouds.Learned, epochs);
            first = trainer;
        }
        string[] lines = File.ReadAllLines(path);
        Assert.EndsWith(",learning_rate,\"at 0.5, \"\"hard\"\"\"", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(",0.02,1", lines[2], StringComparison.Ordinal);
        _data.Trainer(model, new() { EpochNumbers = _ => [("\"", 7)], Callbacks = [new CsvLog(path)] }).Fit(Clouds.Learned, 1);
        Assert.EndsWith(",learning_rate,\"\"\"\"", File.ReadAllLines(path)[0], StringComparison.Ordinal);
        File.WriteAllText(path, "something else\n");
        Assert.Contains("does not begin with \"epoch,steps,seconds,\"", Assert.Throws<InvalidOperationException>(() => first!.Fit(Clouds.Learned, 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EarlyStoppingRefusesNegativeOptions()
    {
        Assert.Contains("patience of -1", Assert.Throws<ArgumentOutOfRangeException>(() => new EarlyStopping { Patience = -1 }).Message, StringComparison.Ordinal);
        Assert.Contains("least step of NaN", Assert.Throws<ArgumentOutOfRangeException>(() => new EarlyStopping { MinDelta = double.NaN }).Message, StringComparison.Ordinal);
    }

    // trains on scores that are made up, one an epoch
    private (Module Model, History History) Fit(double[] scores, params Callback[] callbacks)
    {
        var model = Clouds.Model();
        int epoch = 0;
        var trainer = new Trainer(model, new Adam(model.Parameters(), new() { LearningRate = 0.02 }), rows => _data.Loss(model, rows), new()
        {
            Metrics = [new("score", _data.Accuracy, () => scores[epoch])],
            Callbacks = [.. callbacks, new LambdaCallback { Epoch = (_, _) => epoch++ }],
        });
        return (model, trainer.Fit(Clouds.Learned, scores.Length));
    }
}
