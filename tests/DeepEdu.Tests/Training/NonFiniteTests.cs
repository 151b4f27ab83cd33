using DeepEdu.Data;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>A loss that is not finite is found, named, and spoils nothing.</summary>
public class NonFiniteTests
{
    private readonly Clouds _data = new();
    private readonly Sequential _model = Clouds.Model();

    private static Batches InOrder => new(Clouds.Rows, 10);

    [Fact]
    public void TheOperationTheLayerTheStepAndTheSampleAreNamed()
    {
        // the logarithm of a negative number in row 37
        Tensor Loss(int[] rows)
        {
            var y = _model.Forward(_data.X.IndexSelect(0, rows));
            var shift = Tensor.Of([rows.Length, 1], [.. rows.Select(r => r == 37 ? -1e6f : 1e3f)]);
            return (y + shift).Log().Mean();
        }
        float[]? before = null;
        var trainer = Trainer(Loss, new() { Callbacks = [new LambdaCallback { Step = run => before = Clouds.Weights(run.Model) }] });
        var error = Assert.Throws<NonFiniteException>(() => trainer.Fit(InOrder, 2));
        Assert.Equal((3, "Log", "3", 37), (error.Step, error.Op?.Op, error.Layer, error.Sample));
        Assert.Contains("the loss of step 3 (epoch 0, batch 3) is NaN: NaN comes up first in Log, [10,2], after layer \"3\", at sample 7 of the batch (row 37)", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Clouds.Weights(_model));
    }

    [Fact]
    public void BadInputShowsInTheFirstLayerThatTakesIt()
    {
        _data.X.AsSpan()[2 * 52] = float.NaN;
        var error = Assert.Throws<NonFiniteException>(() => Trainer(rows => _data.Loss(_model, rows), new()).Fit(InOrder, 1));
        Assert.Equal(("0", 52, 5), (error.Layer, error.Sample, error.Step));
        Assert.Contains("in Linear, [10,8], in layer \"0\"", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("spoilt", error.Message, StringComparison.Ordinal);
        var nested = new Sequential(_model);
        error = Assert.Throws<NonFiniteException>(() => new Trainer(nested, new Sgd(nested.Parameters()), rows => _data.Loss(nested, rows)).Fit(InOrder, 1));
        Assert.Equal("0.0", error.Layer);
    }

    [Fact]
    public void AGradientThatIsNotFiniteIsFoundBeforeTheStepWhereAsked()
    {
        // √|0|: the value is 0, its gradient infinite
        Tensor Loss(int[] rows) => (_model.Forward(_data.X.IndexSelect(0, rows)) * 0).Abs().Sqrt().Sum();
        float[] before = Clouds.Weights(_model);
        var error = Assert.Throws<NonFiniteException>(() => Trainer(Loss, new() { CheckGradients = true }).Fit(InOrder, 1));
        Assert.Equal((0, true, "Sqrt"), (error.Step, error.Op?.Backward, error.Op?.Op));
        Assert.Equal(before, Clouds.Weights(_model));
        // unasked, the next loss shows it, and says where to look
        error = Assert.Throws<NonFiniteException>(() => Trainer(Loss, new()).Fit(InOrder, 1));
        Assert.Equal(1, error.Step);
        Assert.Contains("0.weight", error.Message, StringComparison.Ordinal);
        Assert.Contains("spoilt by an earlier step", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TrainingMayStopOrGoOnInstead()
    {
        Tensor Loss(int[] rows) => rows.Contains(37) ? _model.Forward(_data.X.IndexSelect(0, rows)).Sum() / 0 : _data.Loss(_model, rows);
        var history = Trainer(Loss, new() { NonFinite = NonFinite.Stop }).Fit(InOrder, 2);
        Assert.Empty(history.Epochs);
        Assert.Contains("step 3", history.StopReason, StringComparison.Ordinal);
        Assert.All(Clouds.Weights(_model), w => Assert.True(float.IsFinite(w)));
        var ignored = Trainer(Loss, new() { NonFinite = NonFinite.Ignore }).Fit(InOrder, 1);
        Assert.False(double.IsFinite(ignored.Epochs[0].Loss));
    }

    [Fact]
    public void OutOfRangeLabelsAreNamedAndTheModelStays()
    {
        int[] labels = [.. Enumerable.Range(0, Clouds.Rows).Select(r => r == 23 ? 5 : r % 2)];
        var trainer = Trainer(rows => _data.Forward(_model, rows).CrossEntropy(((Indices)labels).Select(rows)), new());
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(InOrder, 1));
        Assert.Contains("label 5 at position 3", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, trainer.Run.Step);
        labels[23] = 1;
        Assert.Single(trainer.Fit(InOrder, 1).Epochs);
        Assert.Equal(20, trainer.Run.Step);
    }

    private Trainer Trainer(Func<int[], Tensor> loss, TrainerOptions options) =>
        new(_model, new Adam(_model.Parameters(), new() { LearningRate = 0.02 }), rows => loss(rows), options);
}
