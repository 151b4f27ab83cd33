using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

public class NormTests
{
    private static readonly float[] s_first = [1, 2, 3, 5, 4, -1], s_second = [0, 1, 2, 2, 7, 3];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RunningStatisticsMoveAsPyTorchsDo(bool positions)
    {
        Tensor mean = Tensor.Zeros([2]), variance = Tensor.Ones([2]);
        foreach (float[] values in (float[][])[s_first, s_second])
        {
            using var tape = new Tape();
            var x = Tensor.Of([3, 2], values);
            (positions ? x.T.Unsqueeze(0) : x).BatchNorm(mean, variance, momentum: 0.3f);
        }
        // torch.nn.BatchNorm1d(2, momentum=0.3) after the same two batches
        Near([1.46f, 1.02f], mean);
        Near([4.88f, 2.68f], variance);
    }

    // far from zero beside the spread; a trend; first rows that lie elsewhere: what sums about a wrong place lose
    [Theory]
    [InlineData("far", 1000, 20)]
    [InlineData("trend", 0, 1)]
    [InlineData("first", 0, 1)]
    public void TheMomentsOfLongColumnsAreThoseInDouble(string kind, float mean, float spread)
    {
        const int Rows = 3001, Columns = 37;
        var noise = new Rng(8);
        float[] x = new float[Rows * Columns];
        for (int i = 0; i < x.Length; i++)
        {
            int row = i / Columns;
            x[i] = mean + (spread * ((noise.NextSingle() * 2) - 1)) + (kind == "trend" ? row * 0.01f : 0) + (kind == "first" && row < 16 ? 300 : 0);
        }
        Tensor means = Tensor.Zeros([Columns]), variances = Tensor.Zeros([Columns]);
        using (var tape = new Tape()) { Tensor.Of([Rows, Columns], x).BatchNorm(means, variances, momentum: 1); }
        for (int c = 0; c < Columns; c++)
        {
            double[] column = [.. Enumerable.Range(0, Rows).Select(r => (double)x[(r * Columns) + c])];
            double m = column.Average(), v = column.Sum(value => (value - m) * (value - m)) / (Rows - 1);
            Assert.Equal(m, means.AsSpan()[c], 1e-6 * (Math.Abs(m) + Math.Sqrt(v))); // sums of 442 values each, in float
            Assert.Equal(v, variances.AsSpan()[c], 4e-6 * v); // the same of squares, all positive
        }
    }

    [Fact]
    public void InUseTheRunningStatisticsStandStill()
    {
        Tensor mean = Tensor.Of(1, 2), variance = Tensor.Of(4, 9);
        var y = Tensor.Of([3, 2], s_first).BatchNorm(mean, variance, eps: 0);
        Near([0, 0, 1, 1, 1.5f, -1], y);
        Assert.Equal([1, 2], mean.ToArray());
        Assert.Equal([4, 9], variance.ToArray());
    }

    [Fact]
    public void AConstantRowIsItsBias() =>
        Near([5, 5, 5, 5], Tensor.Full([2, 2], 3).LayerNorm([2], Tensor.Of(2, 2), Tensor.Of(5, 5)));

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        var x = Tensor.Ones([4, 6]);
        Says("layer-norm: [4,6] does not end in [4], the axes to normalise", () => x.LayerNorm([4]));
        Says("layer-norm: [4,6] does not end in [], the axes to normalise; name at least one", () => x.LayerNorm([]));
        Says("layer-norm: weight [4] for [4,6]: it must be [6]", () => x.LayerNorm([6], Tensor.Ones([4])));
        Says("rms-norm: weight [6,1] for [4,6]: it must be [6]", () => x.RmsNorm([6], Tensor.Ones([6, 1])));
        Says("group-norm: 4 groups of the channels of [4,6]: x must be [N, C, ..] and the groups must divide C", () => x.GroupNorm(4));
        Says("batch-norm: bias [4] for [4,6]: it must be [6]", () => x.BatchNorm(null, null, null, Tensor.Ones([4])));
        Says("batch-norm: [6] is not [N, C] or [N, C, ..]; add the batch axis with Unsqueeze(0)?", () => Tensor.Ones([6]).BatchNorm(null, null));
        Says("batch-norm: [4,6]: give both running mean and running variance, or neither", () => x.BatchNorm(Tensor.Ones([6]), null));
        Says("batch-norm: [1,6]: a channel has fewer than two values, so the batch has no variance; use a larger batch, or a tape with training: false",
            () => Tensor.Ones([1, 6]).BatchNorm(null, null));
    }

    [Fact]
    public void DropoutOnlyActsWhileLearning()
    {
        var rng = new Rng(1);
        var x = Tensor.Ones([1000]);
        Assert.Same(x, x.Dropout(0.5f, rng));
        using (new Tape(training: false)) { Assert.Same(x, x.Dropout(0.5f, rng)); }
        Assert.Equal(0ul, rng.Position);
        using (new Tape())
        {
            float[] y = x.Dropout(0.25f, rng).ToArray();
            Assert.Equal(1000ul, rng.Position);
            Assert.All(y, v => Assert.True(v is 0 or 1 / 0.75f));
            // 250 expected; four standard deviations of the binomial are 55
            Assert.InRange(y.Count(v => v == 0), 195, 305);
            Assert.NotEqual(y, x.Dropout(0.25f, rng).ToArray());
        }
        Assert.Contains("dropout: probability 1.5", Assert.Throws<ArgumentOutOfRangeException>(() => x.Dropout(1.5f, rng)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Dropout(float.NaN, rng));
    }

    [Fact]
    public void NoValuesMakeNone()
    {
        Assert.Equal([0, 3], Tensor.Zeros([0, 3]).LayerNorm([3]).Shape);
        Assert.Equal([2, 3, 0], Tensor.Zeros([2, 3, 0]).BatchNorm(Tensor.Zeros([3]), Tensor.Ones([3])).Shape);
        using var tape = new Tape();
        Assert.Equal([0], Tensor.Zeros([0]).Dropout(0.5f, new Rng(1)).Shape);
    }

    private static void Says(string message, Func<object> call) => Assert.Equal(message, Assert.Throws<ShapeException>(call).Message);

    // 1e-5: a dozen roundings of 6e-8 on values below 10
    private static void Near(float[] want, Tensor got) => Assert.All(want.Zip(got.ToArray()), p => Assert.Equal(p.First, p.Second, 1e-5f));
}
