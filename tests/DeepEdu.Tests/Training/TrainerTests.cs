using DeepEdu.Data;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>The training loop.</summary>
public class TrainerTests
{
    private readonly Clouds _data = new();

    [Fact]
    public void FitLearnsAndEvaluateAndPredictAgree()
    {
        var model = Clouds.Model();
        var trainer = _data.Trainer(model);
        double before = trainer.Evaluate(Clouds.Unseen)["loss"];
        var history = trainer.Fit(Clouds.Learned, 20);
        Assert.Equal((20, false, null), (history.Epochs.Count, history.Cancelled, history.StopReason));
        Assert.Equal(20 * Clouds.Learned.Count, trainer.Run.Step);
        Assert.True(history.Epochs[^1].Loss < 0.7 * history.Epochs[0].Loss);
        var after = trainer.Evaluate(Clouds.Unseen);
        Assert.True(after["loss"] < 0.5 * before, $"{after["loss"]} after, {before} before");
        var logits = Trainer.Predict(Clouds.Unseen, rows => _data.Forward(model, rows));
        Assert.Equal([50, 2], logits.Shape.Sizes.ToArray());
        int[] unseen = [.. Enumerable.Range(150, 50)];
        // one mean over 50 rows against means of three batches, in float32
        Assert.Equal(after["loss"], logits.CrossEntropy(_data.Labels.Select(unseen)).Item(), 1e-5);
        Assert.Equal(after["accuracy"], logits.ArgMax(1).ToArray().Zip(unseen, (guess, row) => guess == row % 2 ? 1 : 0).Average(), 1e-12);
    }

    [Fact]
    public void AnEpochShowsLossMetricsRateAndValidation()
    {
        var history = _data.Trainer(Clouds.Model()).Fit(Clouds.Learned, 2, Clouds.Unseen);
        Assert.Equal(["loss", "accuracy", "learning_rate", "val_loss", "val_accuracy"], history.Epochs[0].Values.Keys);
        Assert.Equal(2, history["val_accuracy"].Length);
        Assert.All(history["accuracy"], a => Assert.InRange(a, 0.3, 1));
        Assert.Equal(history["val_loss"].Min(), history.Best("val_loss").ValidationLoss);
        Assert.Contains("there are loss, accuracy", Assert.Throws<KeyNotFoundException>(() => history["f1"]).Message, StringComparison.Ordinal);
        Assert.Equal("epoch 3, 40 steps: loss 0.25, val_loss 0.5", new EpochResult(2, 40, new OrderedDictionary<string, double> { ["loss"] = 0.25, ["val_loss"] = 0.5 }, 1).ToString());
        Assert.Equal(2, history.ToString().Split('\n').Length);
        Assert.StartsWith("epoch 1, 10 steps: loss 0.", history.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ALossOfSeveralValuesIsNamed()
    {
        var model = Clouds.Model();
        var trainer = new Trainer(model, new Adam(model.Parameters()), rows => _data.Forward(model, rows));
        Assert.Contains("objective: the loss [16,2] is not one value", Assert.Throws<ShapeException>(() => trainer.Fit(Clouds.Learned, 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SeveralLossesAreSummedByWeightAndShownEach()
    {
        var model = new Dense(2, 1, new Rng(1));
        var target = Tensor.Normal([Clouds.Rows, 1], new Rng(2));
        Objective Loss(int[] rows)
        {
            var error = model.Forward(_data.X.IndexSelect(0, rows)) - target.IndexSelect(0, rows);
            return Objective.Sum(("square", error.Square().Mean(), 1), ("absolute", error.Abs().Mean(), 0.5f));
        }
        var trainer = new Trainer(model, new Sgd(model.Parameters(), new() { LearningRate = 0.05 }), Loss);
        var epoch = trainer.Fit(Clouds.Learned, 3, Clouds.Unseen).Epochs[^1];
        Assert.Equal(epoch.Loss, epoch["square"] + (0.5 * epoch["absolute"]), 1e-5);
        Assert.Equal(epoch["val_loss"], epoch["val_square"] + (0.5 * epoch["val_absolute"]), 1e-5);
        Assert.Contains("no loss", Assert.Throws<ArgumentException>(() => Objective.Sum()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AccumulatedBatchesAreOneLargeBatch()
    {
        // no dropout, and batches of unequal size: 150 rows in 30s against 30s cut as 16 + 14
        float[] Train(IBatches<int[]> batches, int accumulate)
        {
            var model = new Dense(2, 2, new Rng(1));
            new Trainer(model, new Sgd(model.Parameters(), new() { LearningRate = 0.5 }), rows => _data.Loss(model, rows), new() { AccumulateBatches = accumulate, ClipNorm = 0.3f }).Fit(batches, 4);
            return Clouds.Weights(model);
        }
        var whole = new Batches([.. Enumerable.Range(0, 150)], 30);
        float[] expected = Train(whole, 1), actual = Train(new Uneven(), 2);
        // sums in another order
        for (int i = 0; i < expected.Length; i++) { Assert.Equal(expected[i], actual[i], 1e-5f); }
    }

    [Fact]
    public void TheLastStepOfAnEpochTakesTheBatchesThatAreLeft()
    {
        var halves = new Batches([.. Enumerable.Range(0, 150)], 30);
        Dense one = new(2, 2, new Rng(1)), two = new(2, 2, new Rng(1));
        var whole = new Trainer(one, new Sgd(one.Parameters(), new() { LearningRate = 0.5 }), rows => _data.Loss(one, rows));
        whole.Fit(new Batches([.. Enumerable.Range(0, 150)], 60), 3); // 60, 60 and 30 rows
        int told = 0;
        var parts = new Trainer(two, new Sgd(two.Parameters(), new() { LearningRate = 0.5 }), rows => _data.Loss(two, rows), new() { AccumulateBatches = 2, Callbacks = [new LambdaCallback { Step = _ => told++ }] });
        parts.Fit(halves, 3);
        Assert.Equal((9, 9, 9), (whole.Run.Step, parts.Run.Step, told));
        float[] expected = Clouds.Weights(one), actual = Clouds.Weights(two);
        // sums in another order
        for (int i = 0; i < expected.Length; i++) { Assert.Equal(expected[i], actual[i], 1e-5f); }
    }

    [Fact]
    public void SampleWeightsAreAWeightedMean()
    {
        var losses = Tensor.Of([3], [1, 2, 4]);
        var objective = Objective.Weighted(losses, Tensor.Of([3], [1, 0, 3]));
        Assert.Equal((13f / 4, 4.0), (objective.Total.Item(), objective.Weight));
        Assert.Equal(0, Objective.Weighted(losses, Tensor.Zeros([3])).Total.Item());
        Assert.Contains("one weight a loss", Assert.Throws<ShapeException>(() => Objective.Weighted(losses, Tensor.Ones([1]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BatchesCountByTheirWeightInTheEpochsMean()
    {
        var model = new Dense(2, 1, new Rng(1));
        var w = Tensor.Of([Clouds.Rows], [.. Enumerable.Range(0, Clouds.Rows).Select(i => (float)(i % 7))]);
        Objective Loss(int[] rows) => Objective.Weighted(model.Forward(_data.X.IndexSelect(0, rows)).Reshape([rows.Length]).Square(), w.Gather(0, rows));
        var trainer = new Trainer(model, new Sgd(model.Parameters()), Loss);
        double small = trainer.Evaluate(new Batches(Clouds.Rows, 7))["loss"], whole = trainer.Evaluate(new Batches(Clouds.Rows, Clouds.Rows))["loss"];
        Assert.Equal(whole, small, 1e-5); // float32 sums in another order
    }

    [Fact]
    public void ScheduleCountsSteps()
    {
        var trainer = _data.Trainer(Clouds.Model(), new() { Schedule = new(step => 1e-3 * (step + 1)) });
        var history = trainer.Fit(Clouds.Learned, 2);
        Assert.Equal([10e-3, 20e-3], history["learning_rate"], (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void CancellingEndsBeforeTheNextStepAndFitGoesOn()
    {
        var whole = Clouds.Model();
        _data.Trainer(whole).Fit(Clouds.Learned, 3, Clouds.Unseen);
        using var source = new CancellationTokenSource();
        var model = Clouds.Model();
        var stopper = new LambdaCallback { Step = run => { if (run.Step == 13) { source.Cancel(); } } };
        var trainer = _data.Trainer(model, new() { Callbacks = [stopper] });
        var history = trainer.Fit(Clouds.Learned, 3, Clouds.Unseen, source.Token);
        Assert.Equal((13, 1, true), (trainer.Run.Step, history.Epochs.Count, history.Cancelled));
        history = trainer.Fit(Clouds.Learned, 3, Clouds.Unseen);
        Assert.Equal((30, 3, false), (trainer.Run.Step, history.Epochs.Count, history.Cancelled));
        Assert.Equal(Clouds.Weights(whole), Clouds.Weights(model));
    }

    [Fact]
    public async Task FitAsyncGivesTheSameEpochsWithoutTheCallersThread()
    {
        var (one, two) = (Clouds.Model(), Clouds.Model());
        var expected = _data.Trainer(one).Fit(Clouds.Learned, 3);
        var threads = new HashSet<int>();
        var seen = new LambdaCallback { Step = _ => threads.Add(Environment.CurrentManagedThreadId) };
        List<double> losses = [];
        int caller = Environment.CurrentManagedThreadId;
        var sequence = _data.Trainer(two, new() { Callbacks = [seen] }).FitAsync(Clouds.Learned, 3).GetAsyncEnumerator();
        var first = sequence.MoveNextAsync();
        while (await first)
        {
            losses.Add(sequence.Current.Loss);
            first = sequence.MoveNextAsync();
        }
        await sequence.DisposeAsync();
        Assert.Equal(expected["loss"], losses);
        Assert.Equal(Clouds.Weights(one), Clouds.Weights(two));
        Assert.NotEmpty(threads);
    }

    [Fact]
    public async Task LeavingTheAsyncLoopEndsTrainingAndClosesCallbacks()
    {
        var closing = new Closing();
        var trainer = _data.Trainer(Clouds.Model(), new() { Callbacks = [closing] });
        await foreach (var epoch in trainer.FitAsync(Clouds.Learned, 50))
        {
            if (epoch.Epoch == 1) { break; }
        }
        Assert.Equal((2, 1), (trainer.Run.Epoch, closing.Closed));
        using var source = new CancellationTokenSource();
        await foreach (var epoch in trainer.FitAsync(Clouds.Learned, 50, stop: source.Token)) { await source.CancelAsync(); }
        Assert.Equal((3, true, 2), (trainer.Run.Epoch, trainer.Run.History.Cancelled, closing.Closed));
    }

    [Fact]
    public void TuplesAndOtherBatchesTrainToo()
    {
        var model = Clouds.Model();
        var trainer = new Trainer<(Tensor X, Indices Y)>(model, new Adam(model.Parameters()), b => model.Forward(b.X).CrossEntropy(b.Y));
        var pair = (_data.X, _data.Labels);
        double before = trainer.Evaluate(new Once<(Tensor, Indices)>(pair))["loss"];
        trainer.Fit(new Once<(Tensor, Indices)>(pair), 30);
        Assert.True(trainer.Evaluate(new Once<(Tensor, Indices)>(pair))["loss"] < before);
    }

    [Fact]
    public void MistakesAreNamed()
    {
        Assert.Contains("first axis", Assert.Throws<ShapeException>(() => Trainer.Predict(Clouds.Unseen, rows => Tensor.Scalar(1))).Message, StringComparison.Ordinal);
        Assert.Contains("no row", Assert.Throws<ShapeException>(() => Trainer.Predict(new Batches(0, 4), rows => Tensor.Zeros([0]))).Message, StringComparison.Ordinal);
        Assert.Contains("shuffled", Assert.Throws<ArgumentException>(() => Trainer.Predict(Clouds.Learned, rows => Tensor.Zeros([rows.Length]))).Message, StringComparison.Ordinal);
        Assert.Contains("200 at position 1", Assert.Throws<ArgumentOutOfRangeException>(() => _data.Labels.Select([0, 200])).Message, StringComparison.Ordinal);
        Assert.Contains("no batch", Assert.Throws<InvalidOperationException>(() => _data.Trainer(Clouds.Model()).Fit(new Batches(0, 4), 1)).Message, StringComparison.Ordinal);
        Assert.Contains("no batch", Assert.Throws<InvalidOperationException>(() => _data.Trainer(Clouds.Model()).Fit(new Batches(3, 4, dropLast: true), 1)).Message, StringComparison.Ordinal);
        Assert.Contains("no batch", Assert.Throws<InvalidOperationException>(() => _data.Trainer(Clouds.Model()).Evaluate(new Batches(0, 4))).Message, StringComparison.Ordinal);
    }

    /// <summary>A field that Parts() does not name would not learn, and not be saved, without a word.</summary>
    [Fact]
    public void AForgottenPartIsFoundAtTheFirstStep()
    {
        var rng = new Rng(1);
        var x = Tensor.Normal([8, 2], rng);
        var model = new Forgetful(rng);
        Trainer Of(Optimizer optimizer) => new(model, optimizer, rows => model.Forward(x.IndexSelect(0, rows)).Square().Mean());
        string says = Assert.Throws<InvalidOperationException>(() => Of(new Sgd(model.Parameters())).Fit(new Batches(8, 4), 1)).Message;
        Assert.Contains("depends on 2 parameters ([1,2], [1]) that are neither part of the Forgetful nor with the optimiser", says, StringComparison.Ordinal);
        Of(new Sgd([.. model.Parameters(), .. model.Head.Parameters().Select(p => ($"head.{p.Name}", p.Value))])).Fit(new Batches(8, 4), 1);
        model.Head.Freeze();
        Of(new Sgd(model.Parameters())).Fit(new Batches(8, 4), 1);
    }

    private sealed class Forgetful(Rng rng) : Module
    {
        private readonly Dense _body = new(2, 2, rng);

        public Dense Head { get; } = new(2, 1, rng);

        public Tensor Forward(Tensor x) => Head.Forward(_body.Forward(x));

        protected internal override void Parts(Parts p) => p.Of(_body);
    }

    private sealed class Closing : Callback
    {
        public int Closed { get; private set; }

        public override void Close() => Closed++;
    }

    private sealed class Uneven : IBatches<int[]>
    {
        public int? Count => null;

        public IEnumerable<int[]> Epoch(int epoch, int from = 0)
        {
            for (int row = 0; row < 150; row += 30)
            {
                yield return [.. Enumerable.Range(row, 16)];
                yield return [.. Enumerable.Range(row + 16, 14)];
            }
        }
    }

    private sealed class Once<T>(T batch) : IBatches<T>
    {
        public int? Count => 1;

        public IEnumerable<T> Epoch(int epoch, int from = 0) => from == 0 ? [batch] : [];
    }

    [Fact]
    public void AnAverageStandsInTheWeightsPlaceWhileAnEpochIsLookedAt()
    {
        var model = Clouds.Model();
        var average = new WeightAverage(model.Parameters(), 0.5f);
        List<float[]> stepped = [], seen = [];
        var look = new LambdaCallback { Step = _ => stepped.Add(Clouds.Weights(model)), Epoch = (_, result) => seen.Add(Clouds.Weights(model)) };
        var best = new EarlyStopping { Monitor = "weight", HigherIsBetter = true, Patience = 9 };
        var history = _data.Trainer(model, new() { Average = average, AverageEvery = 4, EpochNumbers = run => [("weight", run.Epoch == 0 ? 1 : 0)], Callbacks = [look, best] }).Fit(Clouds.Learned, 2, Clouds.Unseen);
        // steps 4 and 8 of the first epoch's ten, from the weights before the first
        float[] start = Clouds.Weights(Clouds.Model()), expected = [.. start.Select((w, i) => (0.25f * w) + (0.25f * stepped[3][i]) + (0.5f * stepped[7][i]))];
        Assert.Equal(expected, seen[0], (a, b) => MathF.Abs(a - b) < 1e-6f); // two roundings of values below 2
        Assert.NotEqual(stepped[9], seen[0]);
        Assert.Equal([1, 0], history["weight"]);
        Assert.Equal(seen[0], Clouds.Weights(model)); // the best epoch's mean
        Assert.Equal(5, average.Count);
    }

    [Fact]
    public void ATrainerTrainsOnceAtATime()
    {
        Exception? inner = null;
        Trainer? trainer = null;
        trainer = _data.Trainer(Clouds.Model(), new() { Callbacks = [new LambdaCallback { Epoch = (_, _) => inner = Record.Exception(() => trainer!.Fit(Clouds.Learned, 9)) }] });
        Assert.Single(trainer.Fit(Clouds.Learned, 1).Epochs);
        Assert.Contains("trainer: it trains already", Assert.IsType<InvalidOperationException>(inner).Message, StringComparison.Ordinal);
        Assert.Equal(2, trainer.Fit(Clouds.Learned, 2).Epochs.Count);
    }

    /// <summary>A callback may look at other data amid an epoch: the epoch's metrics go on as if it had not.</summary>
    [Fact]
    public void EvaluatingAmidAnEpochLeavesItsMetricsAlone()
    {
        double[] Accuracies(bool look)
        {
            Trainer? trainer = null;
            Dictionary<string, double> seen = [];
            var callback = new LambdaCallback { Step = run => { if (look && run.Step % 3 == 0) { seen = new(trainer!.Evaluate(Clouds.Unseen)); } } };
            trainer = _data.Trainer(Clouds.Model(), new() { Callbacks = [callback] });
            double[] accuracies = trainer.Fit(Clouds.Learned, 2)["accuracy"];
            Assert.Equal(look, seen.ContainsKey("accuracy"));
            return accuracies;
        }
        Assert.Equal(Accuracies(false), Accuracies(true));
    }

    [Fact]
    public void PredictionRefusesEveryKindOfShuffledRows()
    {
        var data = Dataset.Of(6, i => (float)i);
        DataLoader<Tensor> Loader(IBatches batches) => DataLoader.Of(data, batches, s => Collate.Values(s, v => v));
        Refused(new LengthBuckets([5, 1, 4, 2, 3, 6], 2, new(1)), rows => Tensor.Of([rows.Length], [.. rows.Select(i => (float)i)]));
        Refused(Loader(new Batches(6, 2, new Rng(1))), x => x);
        Refused(DataLoader.Of(new StreamingDataset<float>(_ => [1f, 2, 3]).Shuffle(2, new(1)).Map(v => v), 2, s => Collate.Values(s, v => v)), x => x);
        Assert.Equal([0, 1, 2, 3, 4, 5], DeepEdu.Training.Trainer.Predict(Loader(new Batches(6, 4)), x => x).ToArray());

        static void Refused<T>(IBatches<T> batches, Func<T, Tensor> forward) =>
            Assert.Contains("would lose their order", Assert.Throws<ArgumentException>(() => DeepEdu.Training.Trainer.Predict(batches, forward)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesThatWouldHideOthersAreRefused()
    {
        var one = Tensor.Scalar(1);
        Assert.Contains("\"loss\" is the name of the sum", Assert.Throws<ArgumentException>(() => Objective.Sum(("loss", one, 1), ("other", one, 1))).Message, StringComparison.Ordinal);
        Assert.Contains("\"a\" names two losses", Assert.Throws<ArgumentException>(() => Objective.Sum(("a", one, 1), ("b", one, 1), ("a", one, 1))).Message, StringComparison.Ordinal);
        var model = Clouds.Model();
        Assert.Contains("a metric \"loss\" would hide", Assert.Throws<ArgumentException>(() => new Trainer(model, new Sgd(model.Parameters()), rows => _data.Loss(model, rows), new() { Metrics = [new("loss", _data.Accuracy)] })).Message, StringComparison.Ordinal);
    }
}
