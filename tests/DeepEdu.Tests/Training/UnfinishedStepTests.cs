using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>A step of several batches that is not made, since one of them fails: all of its batches come again.</summary>
public class UnfinishedStepTests
{
    private readonly Clouds _data = new();

    // ten batches an epoch, four a step: the seventh is the third of the second step, the tenth the second of a step of two, the seventeenth the third of an epoch's second step
    [Theory]
    [InlineData(2, 1)]
    [InlineData(7, 1)]
    [InlineData(10, 1)]
    [InlineData(17, 1)]
    [InlineData(7, 4)]
    [InlineData(10, 4)]
    [InlineData(17, 4)]
    public void AFailureAmidAStepLosesNoBatch(int failing, int accumulate)
    {
        var (expected, losses) = Train(accumulate, failing: -1);
        var (actual, again) = Train(accumulate, failing);
        Assert.Equal(expected, actual);
        Assert.Equal(losses, again);

        (float[] Weights, double[] Losses) Train(int accumulate, int failing)
        {
            var (model, calls) = (new Dense(2, 2, new Rng(1)), 0);
            Objective Loss(int[] rows)
            {
                if (++calls == failing) { throw new OperationCanceledException(); }
                var loss = _data.Loss(model, rows);
                return Objective.Sum(("one", loss, 1), ("other", loss * 2, 1));
            }
            var trainer = new Trainer(model, new Sgd(model.Parameters(), new() { LearningRate = 0.5 }), Loss, new() { AccumulateBatches = accumulate });
            if (failing > 0)
            {
                Assert.Throws<OperationCanceledException>(() => trainer.Fit(Clouds.Learned, 2));
                Assert.Equal(0, trainer.Run.Batch % accumulate);
            }
            var history = trainer.Fit(Clouds.Learned, 2);
            return (Clouds.Weights(model), [.. history["loss"], .. history["other"]]);
        }
    }

    [Fact]
    public void ALossThatIsNoNumberAmidAStepLosesNoBatchOfWhatIsTakenUp()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        float[] expected = Train(null, badCall: -1), stopped = Train(folder, badCall: 7), taken = Train(folder, badCall: -1);
        Directory.Delete(folder, recursive: true);
        Assert.NotEqual(expected, stopped);
        Assert.Equal(expected, taken);

        float[] Train(string? folder, int badCall)
        {
            var (model, calls) = (new Dense(2, 2, new Rng(1)), 0);
            var checkpoints = folder is null ? null : new Checkpoints(folder);
            var trainer = new Trainer(model, new Sgd(model.Parameters(), new() { LearningRate = 0.5 }), rows => _data.Loss(model, rows) * (++calls == badCall ? float.NaN : 1),
                new() { AccumulateBatches = 4, NonFinite = NonFinite.Stop, Callbacks = checkpoints is null ? [] : [checkpoints] });
            checkpoints?.Resume(trainer.Run);
            trainer.Fit(Clouds.Learned, 2);
            return Clouds.Weights(model);
        }
    }
}
