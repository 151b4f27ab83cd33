using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Places and draws, which the host reads: found on the device, which refuses to hand anything back.</summary>
public class SearchingTests
{
    private static readonly Lazy<GpuDevice> s_device = new(() =>
    {
        var device = TestDevice.New();
        device.Strict = true;
        return device;
    });

    // several pieces of a group, ends of pieces, nothing, everything
    [Theory]
    [InlineData(1, 2), InlineData(15, 3), InlineData(4096, 2), InlineData(4097, 5), InlineData(20_000, 3), InlineData(9000, 1), InlineData(5000, int.MaxValue)]
    public void PlacesAreTheProcessors(int n, int every)
    {
        float[] odd = [1, -0f, float.NaN, float.PositiveInfinity, float.Epsilon, 0];
        float[] marks = [.. Enumerable.Range(0, n).Select(i => every == int.MaxValue ? i % 2 == 0 ? 0f : -0f : i % every == 0 ? odd[i / every % 5] : 0)];
        var x = Tensor.Uniform([n], new Rng(3));
        var (mask, there) = (Tensor.Of([n], marks), Tensor.Of([n], marks, s_device.Value));
        Assert.Equal(mask.NonZero().ToArray(), there.NonZero().ToArray());
        Assert.Equal(x.MaskedSelect(mask).ToArray(), x.To(s_device.Value).MaskedSelect(there).ToArray());
        Assert.Equal(mask[..1].Unsqueeze(0).NonZero().Shape, there[..1].Unsqueeze(0).NonZero().Shape);
    }

    [Theory, InlineData(0, 3), InlineData(1, 3), InlineData(300, 5000), InlineData(2000, 7)]
    public void SearchesAsTheProcessorDoes(int n, int wanted)
    {
        var rng = new Rng(5);
        // equals, both zeros and NaN, which stands behind everything
        float[] row = [.. Enumerable.Range(0, n).Select(_ => rng.Next(-40, 40) / 4f)];
        Array.Sort(row);
        if (n > 4) { (row[^2], row[^1]) = (float.PositiveInfinity, float.NaN); }
        float[] values = [.. Enumerable.Range(0, wanted).Select(i => i switch { 0 => float.NaN, 1 => -0f, 2 => float.NegativeInfinity, _ => rng.Next(-50, 50) / 4f })];
        Tensor sorted = Tensor.Of([n], row), x = Tensor.Of([wanted], values);
        foreach (bool right in (bool[])[false, true])
        {
            Assert.Equal(sorted.SearchSorted(x, right).ToArray(), sorted.To(s_device.Value).SearchSorted(x.To(s_device.Value), right).ToArray());
        }
    }

    [Fact]
    public void WhatIsNotSortedIsNamed()
    {
        float[] row = [.. Enumerable.Range(0, 700).Select(i => (float)i)];
        (row[300], row[600]) = (7, 8);
        var x = Tensor.Of([700], row, s_device.Value);
        Assert.Contains("search-sorted: 7 at position 300 follows 299", Assert.Throws<ArgumentException>(() => x.SearchSorted(x)).Message, StringComparison.Ordinal);
        var nan = Tensor.Of([3], [1, float.NaN, 2], s_device.Value);
        Assert.Contains("search-sorted: 2 at position 2 follows NaN", Assert.Throws<ArgumentException>(() => nan.SearchSorted(nan)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void UniqueIsTheProcessors()
    {
        var rng = new Rng(7);
        Tensor[] all = [Indices.Uniform([3, 700], rng, -40, 40).ToTensor() / 4, Tensor.Of(float.NaN, 0, 1, -0f, float.NaN, float.NegativeInfinity), Tensor.Empty([2, 0]), Tensor.Of(3f)];
        foreach (var x in all)
        {
            var (values, inverse, counts) = x.Unique();
            var there = x.To(s_device.Value).Unique();
            Assert.Same(s_device.Value, there.Values.Device);
            Assert.Equal(values.ToArray(), there.Values.ToArray());
            Assert.Equal(inverse.ToArray(), there.Inverse.ToArray());
            Assert.Equal(counts.ToArray(), there.Counts.ToArray());
            Assert.Equal((inverse.Shape, counts.Shape), (there.Inverse.Shape, there.Counts.Shape));
        }
    }

    /// <summary>The sums of the weights are made in another order, in double precision: a draw would have to fall within 1e-16 of the end of a class to be another one.</summary>
    [Theory, InlineData(1, 1, 3), InlineData(7, 5, 40), InlineData(3, 1000, 500), InlineData(2, 70_000, 300), InlineData(40, 256, 1), InlineData(1, 257, 2000)]
    public void DrawsAreTheProcessors(int rows, int classes, int count)
    {
        var rng = new Rng(1);
        // most are 0, so that they are at both ends and beside each other, and a thread's whole part may be nothing
        var weights = Tensor.Of([rows, classes], [.. Enumerable.Range(0, rows * classes).Select(i => i % classes == classes / 2 ? 0.5f : i % classes == classes - 1 || rng.NextSingle() > 0.4f ? 0 : rng.NextSingle())]);
        Assert.Equal(weights.Multinomial(count, new Rng(9), replacement: true).ToArray(), weights.To(s_device.Value).Multinomial(count, new Rng(9), replacement: true).ToArray());
    }

    /// <summary>Rows of one group and of several, all of a row's classes, weights far apart: the very classes, in the order in which they are drawn, and as many numbers taken.</summary>
    [Theory, InlineData(1, 1, 1), InlineData(5, 7, 3), InlineData(2, 33, 15), InlineData(40, 256, 1), InlineData(3, 257, 120), InlineData(2, 1500, 700), InlineData(1, 9000, 10)]
    public void DrawsWithoutReplacementAreTheProcessors(int rows, int classes, int count)
    {
        var rng = new Rng(2);
        var weights = Tensor.Of([rows, classes], [.. Enumerable.Range(0, rows * classes).Select(i => i % 2 == 1 && i % classes != 0 ? i % 4 == 1 ? 0 : -0f : MathF.Pow(10, rng.Next(-40, 38)) * (rng.NextSingle() + 0.5f))]);
        Rng here = new(9), there = new(9);
        int[] want = weights.Multinomial(count, here).ToArray();
        Assert.Equal(want, weights.To(s_device.Value).Multinomial(count, there).ToArray());
        Assert.Equal(here.Position, there.Position);
        for (int row = 0; row < rows; row++) { Assert.Equal(count, want.AsSpan(row * count, count).ToArray().Distinct().Count()); }
    }

    /// <summary>Clocks that tick at the same time, in several groups: the first classes come first, on both.</summary>
    [Fact]
    public void OfEqualTimesTheFirstClassesAreDrawn()
    {
        const int Classes = 700, Count = 300;
        var weights = Tensor.Of([2, Classes], [.. Enumerable.Range(0, 2 * Classes).Select(i => i % 7 == 0 ? 0f : 1 << (i % 3))]);
        double[] times = [.. Enumerable.Range(0, 2 * Classes).Select(i => i * 13 % 4 is 0 ? -0.0 : i * 13 % 4 * (double)(1 << (i % 3)))];
        int[] want = [.. Enumerable.Range(0, 2).SelectMany(row => Enumerable.Range(0, Classes).Where(i => ((row * Classes) + i) % 7 != 0).OrderBy(i => ((row * Classes) + i) * 13 % 4).Take(Count))];
        int[] here = new int[2 * Count], there = new int[2 * Count];
        Devices.CpuDevice.Instance.Launch(new Sampling.OnceKernel(weights.View, times, here, weights.Shape));
        Assert.Equal(want, here);
        s_device.Value.Launch(new Sampling.OnceKernel(weights.To(s_device.Value).View, times, there, weights.Shape));
        Assert.Equal(want, there);
    }

    [Theory]
    [InlineData(float.NaN), InlineData(-1f), InlineData(float.PositiveInfinity), InlineData(0f)]
    public void WeightsThatAreNoneAreNamed(float weight)
    {
        var weights = Tensor.Of([2, 2], [1, -0f, -0f, weight]);
        foreach (bool again in (bool[])[true, false])
        {
            Rng here = new(1), there = new(1);
            string want = Assert.Throws<ArgumentException>(() => weights.Multinomial(1, here, again)).Message;
            Assert.Equal(want, Assert.Throws<ArgumentException>(() => weights.To(s_device.Value).Multinomial(1, there, again)).Message);
            Assert.Equal((0ul, 0ul), (here.Position, there.Position));
        }
    }

    /// <summary>In the second group of a row, and where more are wanted than there are.</summary>
    [Theory, InlineData(299, -1f, 5, "class 299 in row 1"), InlineData(0, float.NaN, 300, "class 0 in row 1"), InlineData(280, 0f, 300, "row 1 of [2,300] has 299 classes"), InlineData(280, 0f, 301, "row 0 of [2,300] has 300 classes")]
    public void WhatCannotBeDrawnOnceIsNamed(int at, float weight, int count, string named)
    {
        float[] all = Enumerable.Repeat(2f, 600).ToArray();
        all[300 + at] = weight;
        var weights = Tensor.Of([2, 300], all);
        string want = Assert.Throws<ArgumentException>(() => weights.Multinomial(count, new Rng(1))).Message;
        Assert.Contains(named, want, StringComparison.Ordinal);
        Assert.Equal(want, Assert.Throws<ArgumentException>(() => weights.To(s_device.Value).Multinomial(count, new Rng(1))).Message);
    }

    [Theory]
    [InlineData(float.NaN), InlineData(-0.1f), InlineData(1.1f), InlineData(1f)]
    public void ProbabilitiesAreChecked(float p)
    {
        var x = Tensor.Of(0, 1, 0.5f, p);
        if (p == 1)
        {
            Assert.Equal(x.Bernoulli(new Rng(1)).ToArray(), x.To(s_device.Value).Bernoulli(new Rng(1)).ToArray());
            Assert.Equal([0, 3], Tensor.Zeros([0, 3], s_device.Value).Bernoulli(new Rng(1)).Shape);
            Assert.Equal([0, 2], Tensor.Zeros([0, 3], s_device.Value).Multinomial(2, new Rng(1), replacement: true).Shape);
            Assert.Equal([0, 2], Tensor.Zeros([0, 3], s_device.Value).Multinomial(2, new Rng(1)).Shape);
            return;
        }
        string want = Assert.Throws<ArgumentException>(() => x.Bernoulli(new Rng(1))).Message;
        Assert.Equal(want, Assert.Throws<ArgumentException>(() => x.To(s_device.Value).Bernoulli(new Rng(1))).Message);
    }
}
