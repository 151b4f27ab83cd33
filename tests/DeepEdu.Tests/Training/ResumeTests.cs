using DeepEdu.Nn;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>A training that is taken up from a saved state ends with the same bits as one that was never stopped.</summary>
public class ResumeTests
{
    private const int Epochs = 3;
    private readonly Clouds _data = new();

    [Fact]
    public void AStateSavedAtAnyStepLeadsToTheSameWeightsAndNumbers()
    {
        var model = Clouds.Model();
        List<(int Step, StateDict State)> saved = [];
        Trainer? trainer = null;
        var keep = new LambdaCallback { Step = run => saved.Add((run.Step, Copy(trainer!))) };
        trainer = New(model, keep);
        var history = trainer.Fit(Clouds.Learned, Epochs, Clouds.Unseen);
        Assert.Equal(30, saved.Count);
        foreach (var (step, state) in saved)
        {
            // an object of its own that has drawn other random numbers before
            var again = Clouds.Model();
            var resumed = New(again, new LambdaCallback());
            resumed.Fit(Clouds.Learned, 1, Clouds.Unseen);
            resumed.LoadState(state);
            Assert.Equal(step, resumed.Run.Step);
            var goneOn = resumed.Fit(Clouds.Learned, Epochs, Clouds.Unseen);
            Assert.Equal(Clouds.Weights(model), Clouds.Weights(again));
            foreach (string name in history.Epochs[0].Values.Keys) { Assert.Equal(history[name], goneOn[name]); }
            Assert.Empty(state.Unread);
        }
    }

    private Trainer New(Sequential model, Callback callback) => _data.Trainer(model, new()
    {
        ClipNorm = 1,
        Average = new(model.Parameters(), 0.9f),
        AverageEvery = 3,
        Callbacks = [callback, new EarlyStopping { Patience = 10, Monitor = "val_accuracy", HigherIsBetter = true }, new ReduceOnPlateau("loss", new() { Patience = 0, Threshold = 1 })],
    });

    // what a file would hold: the values at that moment
    private static StateDict Copy(Trainer trainer)
    {
        StateDict now = new(), copy = new();
        trainer.SaveState(now);
        foreach (string name in now.Names)
        {
            copy[name] = now[name] switch { Tensor t => Tensor.Of(t.Shape, t.ToArray()), Array a => a.Clone(), var value => value };
        }
        return copy;
    }
}
