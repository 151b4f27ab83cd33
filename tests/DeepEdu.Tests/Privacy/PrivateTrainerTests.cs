using DeepEdu.Data;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Privacy;
using DeepEdu.Tensors;
using DeepEdu.Tests.Training;
using DeepEdu.Training;

namespace DeepEdu.Tests.Privacy;

/// <summary>Private training by the trainer: it learns, counts, refuses what would not be private, and goes on to the same bits.</summary>
public sealed class PrivateTrainerTests
{
    private const int Epochs = 4;
    private readonly Clouds _data = new();

    [Fact]
    public void ItLearnsAndTellsEpsilon()
    {
        var model = Clouds.Model();
        var privacy = PrivateGradients.WithEpsilon(model, new PoissonBatches(150, 30, new Rng(3)), epsilon: 8, delta: 1e-3, clipNorm: 1, epochs: 20, new Rng(4));
        var trainer = New(model, privacy);
        var history = trainer.Fit(privacy.Batches, 20, Clouds.Unseen);
        Assert.Equal(100, trainer.Run.Step);
        Assert.Equal(history["epsilon"], history["epsilon"].Order());
        Assert.InRange(history["epsilon"][^1], 7.9, 8);
        Assert.True(history["val_accuracy"][^1] > 0.85, $"{history["val_accuracy"][^1]}");
        Assert.True(history["loss"][^1] < history["loss"][0]);
    }

    /// <summary>From a state saved after any step, an empty batch's too, by another process with other secret streams: equal weights, numbers and ε.</summary>
    [Fact]
    public void AStateSavedAtAnyStepLeadsToTheSameWeightsAndEpsilon()
    {
        var model = Clouds.Model();
        List<(int Step, StateDict State)> saved = [];
        Trainer? trainer = null;
        var privacy = Private(model, Rng.Secret());
        trainer = New(model, privacy, new LambdaCallback { Step = run => saved.Add((run.Step, StateDict.CopyOf(trainer!))) });
        var history = trainer.Fit(privacy.Batches, Epochs, Clouds.Unseen);
        Assert.Equal(Epochs * 50, saved.Count);
        foreach (var (step, state) in saved.Where((_, i) => i % 13 == 0 || i > 190))
        {
            var again = Clouds.Model();
            var other = Private(again, Rng.Secret());
            var resumed = New(again, other, new LambdaCallback());
            resumed.LoadState(state);
            Assert.Equal((step, (long)step), (resumed.Run.Step, other.Accountant.Steps));
            var goneOn = resumed.Fit(other.Batches, Epochs, Clouds.Unseen);
            Assert.Equal(Clouds.Weights(model), Clouds.Weights(again));
            foreach (string name in history.Epochs[0].Values.Keys) { Assert.Equal(history[name], goneOn[name]); }
            Assert.Equal(privacy.Epsilon, other.Epsilon);
            Assert.Empty(state.Unread);
        }
    }

    [Fact]
    public void ACheckpointIsTakenUpFromItsFile()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            float[] Train(int epochs)
            {
                var model = Clouds.Model();
                var privacy = Private(model, Rng.Secret());
                var checkpoints = new Checkpoints(folder);
                var trainer = New(model, privacy, checkpoints);
                checkpoints.Resume(trainer.Run);
                trainer.Fit(privacy.Batches, epochs);
                return [.. Clouds.Weights(model), (float)privacy.Epsilon, privacy.Accountant.Steps];
            }
            float[] half = Train(2);
            File.Copy(Path.Combine(folder, "last.ckpt"), Path.Combine(folder, "half.ckpt"));
            float[] whole = Train(4);
            File.Copy(Path.Combine(folder, "half.ckpt"), Path.Combine(folder, "last.ckpt"), overwrite: true);
            Assert.Equal(whole, Train(4)); // secret streams come from the file
            Assert.NotEqual(half, whole);
            Assert.Equal(200, whole[^1]);
        }
        finally { Directory.Delete(folder, true); }
    }

    [Fact]
    public void WhatWouldNotBePrivateIsRefused()
    {
        var model = Clouds.Model();
        var privacy = Private(model, new Rng(1));
        string Refused(Action fit) => Assert.Throws<InvalidOperationException>(fit).Message;
        Assert.Contains("fit these", Refused(() => New(model, privacy).Fit(Clouds.Learned, 1)), StringComparison.Ordinal);
        Assert.Contains("fit these", Refused(() => New(model, privacy).Fit(new PoissonBatches(150, 3, new Rng(1)), 1)), StringComparison.Ordinal);
        Assert.Contains("AccumulateBatches at 1", Refused(() => _data.Trainer(model, new() { Privacy = privacy, AccumulateBatches = 2 }).Fit(privacy.Batches, 1)), StringComparison.Ordinal);
        Assert.Contains("another model", Refused(() => New(Clouds.Model(), privacy).Fit(privacy.Batches, 1)), StringComparison.Ordinal);
        var data = Dataset.Of(10, i => i);
        var loader = DataLoader.Of(data, new Batches(10, 5), s => s.Count);
        var ofOthers = Trainer.For(loader, model, new Adam(model.Parameters()), _ => throw new InvalidOperationException(), new() { Privacy = privacy });
        Assert.Contains("a Trainer, not a Trainer<B>", Refused(() => ofOthers.Fit(loader, 1)), StringComparison.Ordinal);
        Assert.Equal(0, privacy.Accountant.Steps);

        var state = StateDict.CopyOf(privacy);
        var longer = new PrivateGradients(model, new PoissonBatches(150, 3, new Rng(1)), new() { ClipNorm = 2, Noise = 1, Delta = 1e-3 }, new Rng(1));
        Assert.Contains("clip length 1", Assert.Throws<InvalidDataException>(() => longer.LoadState(state)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALossThatIsNotFiniteLeavesTheWeightsAsTheyWere()
    {
        var model = Clouds.Model();
        var privacy = Private(model, new Rng(1));
        float[] before = Clouds.Weights(model);
        var trainer = new Trainer(model, new Adam(model.Parameters()), rows => _data.Loss(model, rows) * (rows[0] > 75 ? float.NaN : 1), new() { Privacy = privacy, NonFinite = NonFinite.Stop });
        while (trainer.Run.History.StopReason is null && trainer.Run.Step < 40)
        {
            before = Clouds.Weights(model);
            int step = trainer.Run.Step;
            trainer.Fit(privacy.Batches, 1);
            Assert.Equal(trainer.Run.Step, privacy.Accountant.Steps);
            if (trainer.Run.Step == step) { Assert.Equal(before, Clouds.Weights(model)); }
        }
        Assert.NotNull(trainer.Run.History.StopReason);
    }

    // three of 150 rows a batch: one in twenty is empty
    private static PrivateGradients Private(Sequential model, Rng rng) => new(model, new PoissonBatches(150, 3, rng), new() { ClipNorm = 1, Noise = 0.8, Delta = 1e-3 }, rng);

    private Trainer New(Sequential model, PrivateGradients privacy, params Callback[] callbacks) => _data.Trainer(model, new() { Privacy = privacy, Callbacks = callbacks });
}
