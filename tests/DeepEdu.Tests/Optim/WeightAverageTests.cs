using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Optim;

public class WeightAverageTests
{
    [Fact]
    public void TheMeanFollowsTheParametersAndStandsInForThem()
    {
        var w = new Parameter([2], [0, 8]);
        var average = new WeightAverage([("w", w)], 0.75f);
        w.CopyFrom([4, 0]);
        average.Update();
        w.CopyFrom([8, 0]);
        average.Update();
        using (average.Apply()) { Assert.Equal([2.75f, 4.5f], w.ToArray()); }
        Assert.Equal([8, 0], w.ToArray());
        using var again = average.Apply();
        Assert.Equal([2.75f, 4.5f], w.ToArray());
        again.Dispose();
        again.Dispose();
        Assert.Equal([8, 0], w.ToArray());
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(-0.1f)]
    [InlineData(float.NaN)]
    public void ADecayOutsideItsRangeIsRefused(float decay) =>
        Assert.Contains("decay", Assert.Throws<ArgumentOutOfRangeException>(() => new WeightAverage([], decay)).Message, StringComparison.Ordinal);

    [Fact]
    public void TheEqualMeanWeighsEveryUpdateAlike()
    {
        var w = new Parameter([2], [100, 100]);
        var average = new WeightAverage([("w", w)]);
        foreach (float v in new[] { 1f, 2, 6 })
        {
            w.CopyFrom([v, -v]);
            average.Update();
        }
        using (average.Apply())
        {
            // thirds are rounded
            Assert.Equal(3, w[0].Item(), 1e-6f);
            Assert.Equal(-3, w[1].Item(), 1e-6f);
            Assert.Throws<InvalidOperationException>(average.Update);
            Assert.Throws<InvalidOperationException>(average.Apply);
        }
        Assert.Equal([6, -6], w.ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void GoesOnFromItsSavedState(bool fading)
    {
        var w = new Parameter([2], [1, 2]);
        WeightAverage Make() => fading ? new([("w", w)], 0.9f) : new([("w", w)]);
        WeightAverage first = Make(), second = Make();
        for (int i = 0; i < 5; i++)
        {
            w.CopyFrom([i / 3f, -i]);
            if (i == 3) { Copy(first, second); }
            if (i >= 3) { second.Update(); }
            first.Update();
        }
        Assert.Equal(Values(first), Values(second));
        Assert.Contains("\"mean.w\" is [3]", Assert.Throws<InvalidDataException>(() => first.LoadState(new StateDict().Set("updates", 1).Set("mean.w", Tensor.Ones([3])))).Message, StringComparison.Ordinal);
    }

    /// <summary>Each batch's mean and unbiased variance, averaged over three batches, whatever stood there before; two norms, one inside another module.</summary>
    [Fact]
    public void RefreshedStatisticsAreTheMeanOverBatches()
    {
        BatchNorm first = new(2), second = new(2);
        var model = new Sequential(first, new Sequential(second));
        var rng = new Rng(4);
        Tensor[] batches = [.. Enumerable.Range(0, 3).Select(i => Tensor.Normal([4 + i, 2], rng, i, 1 + i))];
        using (new Tape()) { model.Forward(batches[2]); }
        BatchNorm.Refresh(model, batches, b => model.Forward(b));
        double[] mean = new double[2], variance = new double[2];
        foreach (var b in batches)
        {
            for (int c = 0; c < 2; c++)
            {
                float[] column = [.. Enumerable.Range(0, b.Shape[0]).Select(i => b.ToArray()[(2 * i) + c])];
                double m = column.Average(v => (double)v);
                mean[c] += m / 3;
                variance[c] += column.Sum(v => (v - m) * (v - m)) / (column.Length - 1) / 3;
            }
        }
        float[] buffers = [.. first.Buffers().SelectMany(b => b.Value.ToArray())];
        for (int c = 0; c < 2; c++)
        {
            Assert.Equal(mean[c], buffers[c], 1e-5);
            Assert.Equal(variance[c], buffers[2 + c], 1e-4);
        }
        Assert.Equal(3, buffers[4]);
        Assert.Equal(0, second.Buffers()[0].Value.ToArray()[0], 1e-6f); // what comes in is normalised
        using (new Tape()) { model.Forward(batches[0]); }
        Assert.NotEqual((float)(mean[0] * 3 / 4), first.Buffers()[0].Value.ToArray()[0], 0.01f); // back to the layer's own momentum
    }

    /// <summary>Given twice, a parameter would keep its mean for ever.</summary>
    [Fact]
    public void AParameterTwiceIsRefused()
    {
        var w = new Parameter([1]);
        Assert.Contains("weight-average: the parameter \"again\"", Assert.Throws<ArgumentException>(() => new WeightAverage([("w", w), ("again", w)], 0.5f)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ParametersOfOneNameAreToldApart()
    {
        Parameter a = new([1], [1]), b = new([1], [2]);
        WeightAverage average = new([("w", a), ("w", b)], 0.5f), other = new([("w", a), ("w", b)], 0.5f);
        a.CopyFrom([5]);
        b.CopyFrom([6]);
        average.Update();
        Copy(average, other);
        using var _ = other.Apply();
        Assert.Equal((3, 4), (a.Item(), b.Item()));
    }

    private static float[] Values(WeightAverage average)
    {
        var state = new StateDict();
        average.SaveState(state);
        return [state.Int("updates"), .. state.Tensor("mean.w").ToArray()];
    }

    private static void Copy(WeightAverage from, WeightAverage to)
    {
        var state = new StateDict();
        from.SaveState(state);
        to.LoadState(state);
    }
}
