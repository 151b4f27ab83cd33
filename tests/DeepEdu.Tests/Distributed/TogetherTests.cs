using DeepEdu.Collectives;
using DeepEdu.Data;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Distributed;

/// <summary>A trainer whose batches are cut into parts gives the same bits for any number of processes, with everything that makes parts differ: dropout, batch statistics, rows of tables, augmentation, clipping, accumulation,
/// validation, metrics, early stopping; and what happens to one process happens to all.</summary>
public class TogetherTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void WeightsAndHistoryAreTheSameBitsForAnyNumberOfProcesses(int accumulate)
    {
        var expected = Ranks.Threads(1, g => new Study(g, new() { AccumulateBatches = accumulate }).Fit(3))[0];
        Assert.True(expected.History["loss"][^1] < expected.History["loss"][0]);
        foreach (int size in new[] { 2, 3, 4 })
        {
            var all = Ranks.Threads(size, g => new Study(g, new() { AccumulateBatches = accumulate }).Fit(3));
            foreach (var one in all) { AssertSame(expected, one, $"{size} processes"); }
        }
    }

    [Fact]
    public void OneProcessInPartsIsTheReferenceOfAll()
    {
        var parts = new Study(null, new()).Fit(2);
        foreach (var one in Ranks.Tcp(2, g => new Study(g, new()).Fit(2))) { AssertSame(parts, one, "by TCP"); }
        var others = new Study(null, new() { BatchParts = 3 }).Fit(2);
        Assert.NotEqual(parts.Weights, others.Weights); // another number of parts is another training
    }

    // without what sees the batch as a whole, parts are the whole batch within rounding; the last batch has fewer rows than parts
    [Fact]
    public void PartsOfABatchAreTheBatch()
    {
        var x = Tensor.Normal([60, 4], new Rng(2));
        float[][] weights = [.. new[] { 1, 4 }.Select(parts =>
        {
            var model = new Dense(4, 2, new Rng(1));
            new Trainer(model, new Sgd(model.Parameters(), new() { LearningRate = 0.1 }), rows => model.Forward(x.IndexSelect(0, rows)).Square().Mean(), new() { BatchParts = parts }).Fit(new Batches(60, 19, new Rng(3)), 4);
            return model.Parameters().SelectMany(p => p.Value.ToArray()).ToArray();
        })];
        for (int i = 0; i < weights[0].Length; i++) { Assert.Equal(weights[0][i], weights[1][i], 1e-5f); }
    }

    [Fact]
    public void RunningStatisticsAreTheMeanOverParts()
    {
        var x = Tensor.Normal([20, 3], new Rng(2)) * 3 + 1;
        var norm = new BatchNorm(3);
        var model = new Sequential(norm, new Dense(3, 1, new Rng(1)));
        new Trainer(model, new Sgd(model.Parameters()), rows => model.Forward(x.IndexSelect(0, rows)).Square().Mean(), new() { BatchParts = 3 }).Fit(new Batches(20, 20), 1);
        double[] mean = new double[3], variance = new double[3];
        foreach (var (from, to) in new[] { (0, 6), (6, 13), (13, 20) })
        {
            for (int c = 0; c < 3; c++)
            {
                double[] v = [.. Enumerable.Range(from, to - from).Select(r => (double)x.AsSpan()[(3 * r) + c])];
                mean[c] += v.Length * 0.1 * v.Average() / 20;
                variance[c] += v.Length * (0.9 + (0.1 * v.Sum(u => (u - v.Average()) * (u - v.Average())) / (v.Length - 1))) / 20;
            }
        }
        var buffers = norm.Buffers().ToDictionary(b => b.Name, b => b.Value.ToArray());
        for (int c = 0; c < 3; c++)
        {
            Assert.Equal(mean[c], buffers["running_mean"][c], 1e-5);
            Assert.Equal(variance[c], buffers["running_var"][c], 1e-4);
        }
        Assert.Equal([1f], buffers["num_batches_tracked"]);
    }

    [Fact]
    public void AStateSavedByAnyNumberOfProcessesIsTakenUpByAnyOther()
    {
        using var folder = new Io.TemporaryFolder();
        var expected = new Study(null, new()).Fit(3);
        var first = Ranks.Threads(2, g => Train(g, stopAt: 7));
        Assert.All(first, f => Assert.True(f.History.Cancelled));
        Assert.All(first, f => Assert.Equal(7, f.Steps));
        foreach (var one in Ranks.Threads(3, g => Train(g, stopAt: -1))) { AssertSame(expected, one, "taken up"); }

        Result Train(ICollective group, int stopAt)
        {
            using var stop = new CancellationTokenSource();
            // the last rank cancels; rank 0 writes, and reads
            var checkpoints = new Checkpoints(folder["run"]);
            var study = new Study(group, new(), checkpoints, new LambdaCallback { InEveryProcess = true, Step = run => { if (run.Step == stopAt && group.Rank == group.Size - 1) { stop.Cancel(); } } });
            if (group.Rank == 0) { checkpoints.Resume(study.Trainer.Run); }
            return study.Fit(3, stop.Token);
        }
    }

    [Fact]
    public void EarlyStoppingAndPlateausActInEveryProcess()
    {
        Result Train(ICollective group) => new Study(group, new(), new EarlyStopping { Monitor = "val_loss", Patience = 0, MinDelta = 10 }, new ReduceOnPlateau("loss", new() { Patience = 0, Threshold = 1 })).Fit(9);
        var expected = Ranks.Threads(1, Train)[0];
        Assert.Equal(2, expected.History.Epochs.Count);
        foreach (var one in Ranks.Threads(3, Train))
        {
            AssertSame(expected, one, "stopped early");
            Assert.NotNull(one.History.StopReason);
        }
    }

    [Fact]
    public void OtherCallbacksAndProgressAreOfRank0AndStopAll()
    {
        int[] begun = new int[3], progress = new int[3], numbers = new int[3];
        var all = Ranks.Threads(3, g =>
        {
            var study = new Study(g, new()
            {
                Progress = new Reports(() => progress[g.Rank]++),
                EpochNumbers = _ => { numbers[g.Rank]++; return [("own", 42.5)]; },
            }, new LambdaCallback { Begin = _ => begun[g.Rank]++, Step = run => { if (run.Step == 8) { run.Stop("enough"); } } });
            return study.Fit(9);
        });
        Assert.Equal([1, 0, 0], begun);
        Assert.True(progress[0] > 0);
        Assert.Equal([0, 0], progress[1..]);
        Assert.Equal([1, 0, 0], numbers);
        Assert.All(all, a => Assert.Equal("enough", a.History.StopReason));
        Assert.All(all, a => Assert.Equal(8, a.Steps));
        Assert.All(all, a => Assert.Equal(42.5, a.History["own"][0]));
    }

    [Fact]
    public void ACallbackOfRank0MayEvaluateAmidAnEpoch()
    {
        var seen = new List<double>();
        var all = Ranks.Threads(2, g =>
        {
            Study? study = null;
            study = new Study(g, new(), new LambdaCallback { Step = run => { if (run.Step % 4 == 1) { lock (seen) { seen.Add(study!.Trainer.Evaluate(study.Held)["loss"]); } } } });
            return study.Fit(2);
        });
        var alone = new Study(null, new()).Fit(2);
        foreach (var one in all) { AssertSame(alone, one, "evaluated meanwhile"); }
        Assert.Equal(3, seen.Count);
        // all evaluate together
        var together = Ranks.Threads(3, g => { var study = new Study(g, new()); study.Fit(2); return study.Trainer.Evaluate(study.Held)["mae"]; });
        Assert.All(together, t => Assert.Equal(alone.History["val_mae"][^1], t));
    }

    [Fact]
    public void WhatIsNotFiniteInOneProcessIsAnErrorInAll()
    {
        var errors = Ranks.Threads(2, g =>
        {
            var study = new Study(g, new()) { SpoiltRow = 33 };
            float[] before = study.Weights;
            var e = Assert.Throws<NonFiniteException>(() => study.Fit(1));
            return (e.Message, e.Step, Same: study.Trainer.Run.Step > 0 || before.SequenceEqual(study.Weights));
        });
        Assert.All(errors, e => Assert.Contains("is NaN", e.Message, StringComparison.Ordinal));
        Assert.Equal(errors[0].Step, errors[1].Step);
        Assert.All(errors, e => Assert.True(e.Same));
        Assert.Single(errors, e => e.Message.StartsWith("rank ", StringComparison.Ordinal)); // one met it itself
        var stopped = Ranks.Threads(2, g => new Study(g, new() { NonFinite = NonFinite.Stop }) { SpoiltRow = 33 }.Fit(1));
        Assert.All(stopped, s => Assert.Contains("is NaN", s.History.StopReason, StringComparison.Ordinal));
    }

    [Fact]
    public void AnErrorInOneProcessEndsAllAndNamesIt()
    {
        var errors = Ranks.Threads(3, g => Record.Exception(() => new Study(g, new(), new LambdaCallback { InEveryProcess = true, Step = run => { if (g.Rank == 1 && run.Step == 3) { throw new IOException("no bread"); } } }).Fit(2)));
        Assert.IsType<InvalidOperationException>(errors[1]);
        Assert.All(new[] { errors[0], errors[2] }, e => Assert.Equal(1, Assert.IsType<CollectiveException>(e).Rank));
        Assert.All(errors, e => Assert.Contains("no bread", e!.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void ProcessesThatTrainDifferentThingsAreTold()
    {
        Assert.Contains("8 parts", Fault(g => new Study(g, new() { BatchParts = g.Rank == 1 ? 8 : 4 }).Fit(1)), StringComparison.Ordinal);
        Assert.Contains("parameter \"in.weight\" [17,8]", Fault(g => new Study(g, new(), width: 16 + g.Rank).Fit(1)), StringComparison.Ordinal);
        Assert.Contains("learns from other rows than rank 0 in batch 0 of epoch 0", Fault(g => new Study(g, new(), order: (ulong)g.Rank).Fit(1)), StringComparison.Ordinal);
        Assert.Contains("InEveryProcess", Fault(g => new Study(g, new(), new LambdaCallback { Epoch = (run, _) => run.Optimizer.LearningRate /= 2 }).Fit(2)), StringComparison.Ordinal);
        Assert.Contains("the weights of rank 1", Fault(g => new Study(g, new(), new LambdaCallback { Epoch = (run, _) => run.Model.Parameters()[0].Value.AsSpan()[0] = 3 }).Fit(2)), StringComparison.Ordinal);

        static string Fault(Action<ICollective> body)
        {
            var faults = Ranks.Faults(false, 2, body);
            Assert.All(faults, Assert.NotNull);
            return faults[0]!.Message;
        }
    }

    [Fact]
    public void WhatCannotBeCutOrMergedIsSaidBeforehand()
    {
        var model = new Dense(2, 1, new Rng(1));
        var adam = new Adam(model.Parameters());
        var e = Assert.Throws<InvalidOperationException>(() => new Trainer<Tensor>(model, adam, x => model.Forward(x).Mean(), new() { BatchParts = 2 }).Fit(new Whole(), 1));
        Assert.Contains("Whole cannot be cut into parts", e.Message, StringComparison.Ordinal);
        var metric = Assert.Throws<NotSupportedException>(() => new Trainer(model, adam, _ => model.Forward(Tensor.Ones([1, 2])).Mean(), new() { BatchParts = 2, Metrics = [new("own", new Own())] }).Fit(new Batches(4, 2), 1));
        Assert.Contains("Fresh", metric.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Ranks.Threads(3, g => new Trainer(model, adam, _ => model.Forward(Tensor.Ones([1, 2])).Mean(), new() { BatchParts = 2, Collective = g })));
        var rng = new Rng(1);
        var hidden = Assert.Throws<InvalidOperationException>(() => new Trainer(model, adam, _ => model.Forward(Tensor.Ones([1, 2]).Dropout(0.5f, rng)).Mean(), new() { BatchParts = 2 }).Fit(new Batches(4, 2), 1));
        Assert.Contains("random stream", hidden.Message, StringComparison.Ordinal);
    }

    private static void AssertSame(Result expected, Result one, string where)
    {
        Assert.True(expected.Weights.AsSpan().SequenceEqual(one.Weights), $"other weights: {where}");
        Assert.Equal(expected.History.Epochs.Count, one.History.Epochs.Count);
        foreach (string name in expected.History.Epochs[0].Values.Keys) { Assert.Equal(expected.History[name], one.History[name]); }
    }

    private sealed record Result(float[] Weights, History History, int Steps);

    private sealed class Reports(Action told) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => told();
    }

    private sealed class Whole : IBatches<Tensor>
    {
        public int? Count => 1;

        public IEnumerable<Tensor> Epoch(int epoch, int from = 0) => [Tensor.Ones([1, 2])];
    }

    private sealed class Own : IMetric
    {
        public double Value => 0;

        public void Reset() { }

        public void SaveState(StateDict to) { }

        public void LoadState(StateDict from) { }
    }

    /// <summary>A training of points with a word each.</summary>
    private sealed class Study
    {
        private readonly Net _net;
        private readonly DataLoader<(Tensor X, Indices Words, Tensor Y)> _loader;

        public Study(ICollective? group, TrainerOptions options, params Callback[] callbacks) : this(group, options, 16, 0, callbacks) { }

        public Study(ICollective? group, TrainerOptions options, int width = 16, ulong order = 0, Callback[]? callbacks = null)
        {
            var rng = new Rng(3);
            _net = new(rng, width);
            var points = Tensor.Normal([90, 5], new Rng(8));
            var data = Dataset.Of(90, i => (Row: i, X: Tensor.Of([5], points.AsSpan().Slice(5 * i, 5)), Word: i * 7 % 40, Y: i == SpoiltRow ? float.NaN : points.AsSpan()[5 * i]));
            // 74 rows in batches of 16: the last has 10, in parts of 2 and 3
            _loader = DataLoader.Of(data, new Batches(74, 16, new Rng(20 + order)), Collated, workers: 1, augment: (s, noise) => s with { X = s.X + (0.1f * noise.NextGaussian()) }, random: rng);
            Held = DataLoader.Of(data, new Batches([.. Enumerable.Range(74, 16)], 6), Collated);
            var error = new RegressionError();
            var auc = new RocAuc();
            Trainer = DeepEdu.Training.Trainer.For(_loader, _net, new Adam(_net.Parameters(), new() { LearningRate = 0.01 }), batch =>
            {
                var y = _net.Forward(batch.X, batch.Words);
                error.Add(y.ToArray(), batch.Y.ToArray());
                foreach (var (score, yes) in y.ToArray().Zip(batch.Y.ToArray())) { auc.Add(score, yes > 0); }
                var squares = (y - batch.Y).Square().Mean();
                return Objective.Sum(("squares", squares, 1), ("size", y.Abs().Mean(), 0.01f));
            }, options with
            {
                BatchParts = options.BatchParts > 1 ? options.BatchParts : 4,
                Collective = group,
                ClipNorm = 1,
                Schedule = callbacks?.Any(c => c is ReduceOnPlateau || c is LambdaCallback { Epoch: not null }) == true ? null : Schedule.Cosine(0.02, 15),
                Metrics = [new("mae", error, () => error.Mae), new("r2", error, () => error.R2), new("auc", auc)],
                Callbacks = callbacks ?? [],
            });
        }

        public int SpoiltRow { get; init; } = -1;

        public Trainer<(Tensor X, Indices Words, Tensor Y)> Trainer { get; }

        public DataLoader<(Tensor X, Indices Words, Tensor Y)> Held { get; }

        public float[] Weights => [.. _net.Parameters().Select(p => (Tensor)p.Value).Concat(_net.Buffers().Select(b => b.Value)).SelectMany(t => t.ToArray())];

        public Result Fit(int epochs, CancellationToken stop = default)
        {
            var history = Trainer.Fit(_loader, epochs, Held, stop);
            return new(Weights, history, Trainer.Run.Step);
        }

        private static (Tensor X, Indices Words, Tensor Y) Collated(IReadOnlyList<(int Row, Tensor X, int Word, float Y)> some) =>
            (Collate.Stack(some, s => s.X), some.Select(s => s.Word).ToArray(), Tensor.Of([some.Count], [.. some.Select(s => s.Y)]));
    }

    private sealed class Net(Rng rng, int width) : Module
    {
        private readonly Embedding _words = new(40, 3, rng, sparse: true);
        private readonly Dense _in = new(8, width, rng, bias: false);
        private readonly BatchNorm _norm = new(width);
        private readonly Dropout _dropout = new(0.2f, rng);
        private readonly Dense _out = new(width, 1, rng);

        public Tensor Forward(Tensor x, Indices words) =>
            _out.Forward(_dropout.Forward(_norm.Forward(_in.Forward(Tensor.Concat([x, _words.Forward(words)], 1))).Relu())).Reshape([x.Shape[0]]);

        protected internal override void Parts(Parts p) => p.Of(_words).Of(_in).Of(_norm).Of(_dropout).Of(_out);
    }
}
