using DeepEdu.Data;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>Checkpoints that trainings write, and go on from.</summary>
public sealed class CheckpointsTests : IDisposable
{
    private const int Epochs = 3;
    private readonly Clouds _data = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("deepedu-checkpoints-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void CancelledAndTakenUpInNewProcessesTheBytesAreThoseOfOneTraining()
    {
        var whole = Clouds.Model();
        var expected = New(whole, new(Path.Combine(_folder, "whole")) { Monitor = "val_loss" }).Fit(Clouds.Learned, Epochs, Clouds.Unseen);
        int[] stops = [1, 2, 9, 10, 11, 17, 20, 29];
        Sequential last = whole;
        History? history = null;
        foreach (int stop in (int[])[.. stops, int.MaxValue])
        {
            last = Clouds.Model();
            using var source = new CancellationTokenSource();
            var checkpoints = new Checkpoints(Path.Combine(_folder, "parts")) { Monitor = "val_loss" };
            var trainer = New(last, checkpoints, new LambdaCallback { Step = run => { if (run.Step == stop) { source.Cancel(); } } });
            Assert.Equal(stop != stops[0], checkpoints.Resume(trainer.Run));
            history = trainer.Fit(Clouds.Learned, Epochs, Clouds.Unseen, source.Token);
        }
        Assert.Equal(Clouds.Weights(whole), Clouds.Weights(last));
        foreach (string name in expected.Epochs[0].Values.Keys) { Assert.Equal(expected[name], history![name]); }
        var (a, b) = (CheckpointFile.Load(Path.Combine(_folder, "whole", "best.ckpt")), CheckpointFile.Load(Path.Combine(_folder, "parts", "best.ckpt")));
        Assert.Equal(a.Info.Metrics.Double("val_loss"), b.Info.Metrics.Double("val_loss"));
    }

    /// <summary>Every callback that the library has, through a file and in another process' place.</summary>
    [Fact]
    public void EveryCallbackIsTakenUp()
    {
        History Train(string folder, params int[] stops)
        {
            History? history = null;
            foreach (int stop in (int[])[.. stops, int.MaxValue])
            {
                var checkpoints = new Checkpoints(Path.Combine(_folder, folder));
                var trainer = _data.Trainer(Clouds.Model(), new()
                {
                    Callbacks = [new EarlyStopping { Monitor = "val_loss" }, checkpoints, new ReduceOnPlateau("val_loss", new() { Patience = 1, Threshold = 1 }), new CsvLog(Path.Combine(_folder, folder, "log.csv")),
                        new JsonLog(Path.Combine(_folder, folder, "log.jsonl")), new TensorBoard(Path.Combine(_folder, folder)), new LambdaCallback { Epoch = (run, _) => { if (run.Epoch == stop) { run.Stop("later"); } } }],
                });
                checkpoints.Resume(trainer.Run);
                history = trainer.Fit(Clouds.Learned, 6, Clouds.Unseen);
            }
            return history!;
        }
        var whole = Train("whole");
        double[] rates = whole["learning_rate"];
        Assert.True(rates[^1] < rates[0], "the plateau never lowered the rate");
        var parts = Train("parts", 1, 4);
        foreach (string name in whole.Epochs[0].Values.Keys) { Assert.Equal(whole[name], parts[name]); }
        Assert.Equal(7, File.ReadAllLines(Path.Combine(_folder, "parts", "log.csv")).Length);
    }

    /// <summary>Of a training that early stopping has ended there is nothing left to do but to give the best weights back.</summary>
    [Fact]
    public void WhatHasEndedStaysEnded()
    {
        var (whole, again) = (Clouds.Model(), Clouds.Model());
        var first = Train(whole);
        Assert.InRange(first.Epochs.Count, 2, 39);
        var second = Train(again);
        Assert.Equal(first["val_loss"], second["val_loss"]);
        Assert.Equal(first.StopReason, second.StopReason);
        Assert.False(second.Cancelled);
        Assert.Equal(Clouds.Weights(whole), Clouds.Weights(again));

        History Train(Sequential model)
        {
            var checkpoints = new Checkpoints(_folder);
            var trainer = New(model, checkpoints, new EarlyStopping { Patience = 1, MinDelta = 0.05 });
            checkpoints.Resume(trainer.Run);
            return trainer.Fit(Clouds.Learned, 40, Clouds.Unseen, new CancellationToken(canceled: trainer.Run.Epoch > 0));
        }
    }

    /// <summary>Unless a checkpoint holds every stream that the loss goes on drawing from, it could not keep its promise.</summary>
    [Fact]
    public void AStreamThatNoCheckpointHoldsIsNamed()
    {
        Rng own = new(3);
        var error = Assert.Throws<InvalidOperationException>(() => Train(new() { Callbacks = [new Checkpoints(_folder)] }, () => own));
        Assert.Contains("draws from 1 random streams that no checkpoint holds", error.Message, StringComparison.Ordinal);
        Assert.Contains("TrainerOptions.Streams", error.Message, StringComparison.Ordinal);
        Train(new() { Callbacks = [new Checkpoints(_folder)], Streams = [("noise", own)] }, () => own);
        Train(new() { Callbacks = [new Checkpoints(_folder)] }, () => new(3)); // each step makes its own
        Train(new(), () => own); // nobody writes checkpoints

        static void Train(TrainerOptions options, Func<Rng> noise)
        {
            Rng rng = new(1);
            Sequential model = new(new Dense(2, 4, rng), new Dropout(0.5f, rng), new Dense(4, 1, rng));
            var x = Tensor.Normal([8, 2], rng);
            new Trainer(model, new Sgd(model.Parameters(), new() { LearningRate = 0.01 }), rows => (model.Forward(x.IndexSelect(0, rows)) + Tensor.Normal([rows.Length, 1], noise())).Square().Mean(), options).Fit(new Batches(8, 2, rng), 1);
        }
    }

    [Fact]
    public void ACheckpointThatSaysSomethingElseIsNotTakenUp()
    {
        New(Clouds.Model(), new(_folder) { Info = Info(1, "a", 64) }).Fit(Clouds.Learned, 1, Clouds.Unseen);
        Assert.True(Resumes(new()));
        Assert.True(Resumes(Info(1, "a", 64)));
        Assert.True(Resumes(new() { Options = new StateDict().Set("hidden", 64) }));
        var error = Assert.Throws<InvalidDataException>(() => Resumes(Info(2, "b", 32) with { Architecture = "mlp" }));
        Assert.EndsWith("last.ckpt: is of another training: architecture not said there and mlp here, seed 1 there and 2 here, other data, hidden 64 there and 32 here", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<InvalidDataException>(() => Resumes(new() { Options = new StateDict().Set("rates", [0.5, 0.1]) }));
        Assert.EndsWith("rates not said there and 0.5, 0.1 here", error.Message, StringComparison.Ordinal);

        static CheckpointInfo Info(ulong seed, string data, int hidden) => new() { Seed = seed, DataHash = data, Options = new StateDict().Set("hidden", hidden) };
        bool Resumes(CheckpointInfo info) => new Checkpoints(_folder) { Info = info }.Resume(New(Clouds.Model(), new(_folder)).Run);
    }

    [Fact]
    public void BestLastAndEveryAreThereAndLoad()
    {
        List<float[]> weights = [];
        var checkpoints = new Checkpoints(_folder) { Monitor = "val_loss", EveryEpochs = 2, EverySteps = 7, Info = new() { Seed = 5 } };
        var model = Clouds.Model();
        var history = New(model, checkpoints, new LambdaCallback { Epoch = (run, _) => weights.Add(Clouds.Weights(run.Model)) }).Fit(Clouds.Learned, 5, Clouds.Unseen);
        Assert.Equal(["best.ckpt", "epoch-0002.ckpt", "epoch-0004.ckpt", "last.ckpt"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order());
        var other = Clouds.Model();
        Checkpoints.LoadModel(checkpoints.BestPath, other);
        Assert.Equal(weights[history.Best("val_loss").Epoch], Clouds.Weights(other));
        Checkpoints.LoadModel(Path.Combine(_folder, "epoch-0002.ckpt"), other);
        Assert.Equal(weights[1], Clouds.Weights(other));
        Assert.Equal(5UL, CheckpointFile.Load(checkpoints.LastPath).Info.Seed);
        Assert.Throws<InvalidDataException>(() => Checkpoints.LoadModel(checkpoints.BestPath, new Dense(2, 2, new(1))));
    }

    [Fact]
    public void AfterAnErrorThePreviousCheckpointIsWhole()
    {
        var checkpoints = new Checkpoints(_folder) { EverySteps = 5 };
        var trainer = New(Clouds.Model(), checkpoints, new LambdaCallback { Step = run => { if (run.Step == 13) { throw new IOException("gone"); } } });
        Assert.Throws<InvalidOperationException>(() => trainer.Fit(Clouds.Learned, 2, Clouds.Unseen));
        var again = New(Clouds.Model(), new(_folder), new LambdaCallback());
        Assert.True(new Checkpoints(_folder).Resume(again.Run));
        Assert.Equal(10, again.Run.Step);
        Assert.Equal(2, again.Fit(Clouds.Learned, 2, Clouds.Unseen).Epochs.Count);
    }

    /// <summary>The best epoch was judged with the means in the weights' place: those are the weights of the best model.</summary>
    [Fact]
    public void TheModelOfACheckpointIsTheOneThatWasValidated()
    {
        var model = Clouds.Model();
        var checkpoints = new Checkpoints(_folder) { Monitor = "val_loss" };
        var history = _data.Trainer(model, new() { Average = new(model.Parameters(), 0.99f), Callbacks = [checkpoints] }).Fit(Clouds.Learned, 3, Clouds.Unseen);
        var best = Clouds.Model();
        Checkpoints.LoadModel(checkpoints.BestPath, best);
        Assert.Equal(history.Best("val_loss")["val_loss"], _data.Trainer(best).Evaluate(Clouds.Unseen)["loss"]);
    }

    /// <summary>Ended amid an epoch, the model gets its best weights back, and the checkpoint those that training goes on with.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void StoppedAmidAnEpochTrainingGoesOnWithItsOwnWeights(bool checkpointsFirst)
    {
        float[] Train(string folder, int stop, out History history)
        {
            var model = Clouds.Model();
            Callback checkpoints = new Checkpoints(Path.Combine(_folder, folder)), best = new EarlyStopping { Monitor = "accuracy", Patience = 9 }; // an error that falls: the best epoch is not the last
            var trainer = _data.Trainer(model, new()
            {
                Callbacks = [.. checkpointsFirst ? (Callback[])[checkpoints, best] : [best, checkpoints], new LambdaCallback { Step = run => { if (run.Step == stop) { run.Stop("time is up"); } } }],
            });
            ((Checkpoints)checkpoints).Resume(trainer.Run);
            history = trainer.Fit(Clouds.Learned, 3, Clouds.Unseen);
            return Clouds.Weights(model);
        }
        float[] whole = Train("whole", -1, out var expected);
        Train("parts", 14, out var stopped);
        Assert.Equal("time is up", stopped.StopReason);
        Assert.Equal(whole, Train("parts", -1, out var history));
        Assert.Equal(expected["loss"], history["loss"]);
    }

    [Fact]
    public void MetricsOfOnesOwnStayBesideTheEpochs()
    {
        var checkpoints = new Checkpoints(_folder) { Info = new() { Metrics = new StateDict().Set("kappa", 0.5).Set("loss", -1.0) } };
        double loss = New(Clouds.Model(), checkpoints).Fit(Clouds.Learned, 1, Clouds.Unseen).Epochs[0].Loss;
        var metrics = CheckpointFile.Load(checkpoints.LastPath).Info.Metrics;
        Assert.Equal((0.5, loss), (metrics.Double("kappa"), metrics.Double("loss")));
    }

    /// <summary>A training that could not be taken up begins anew with the same callbacks.</summary>
    [Fact]
    public void AfterARefusedCheckpointTrainingBeginsAnew()
    {
        Trainer Make(int width, string seed)
        {
            var rng = new Rng(1);
            var model = new Sequential(new Dense(2, width, rng), new Relu(), new Dense(width, 2, rng));
            return _data.Trainer(model, new() { Callbacks = [new ReduceOnPlateau("loss"), new Checkpoints(Path.Combine(_folder, seed))] });
        }
        Make(4, "a").Fit(Clouds.Learned, 1);
        var other = Make(5, "b");
        Assert.Throws<InvalidDataException>(() => new Checkpoints(Path.Combine(_folder, "a")).Resume(other.Run));
        Assert.Single(other.Fit(Clouds.Learned, 1).Epochs);
        // and what was taken up is not forgotten before training begins
        var third = Make(4, "a");
        Assert.True(new Checkpoints(Path.Combine(_folder, "a")).Resume(third.Run));
        var state = new StateDict();
        third.SaveState(state);
        Assert.Contains("callbacks.0.ReduceOnPlateau.best", state.Names);
    }

    // the checkpoints stand first: they are written when the others have seen the epoch too
    private Trainer New(Sequential model, Checkpoints checkpoints, Callback? more = null) => _data.Trainer(model, new()
    {
        Callbacks = [checkpoints, new EarlyStopping { Patience = 10, RestoreBest = false }, more ?? new LambdaCallback()],
    });
}
