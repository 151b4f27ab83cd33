using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

public class SamplingTests
{
    private const int Draws = 40_000;

    /// <summary>Frequencies of 40,000 draws: the standard deviation of a share p is √(p(1 − p)/n) ≤ .0025, so .0125 is five of them; the seed is fixed.</summary>
    [Fact]
    public void ClassesComeInProportionToTheirWeights()
    {
        var weights = Tensor.Of(0f, 3, 1, 0, 4, 0);
        Near([0, 0.375, 0.125, 0, 0.5, 0], Counts(weights.Multinomial(Draws, new Rng(1), replacement: true)));
        Near([0, 0.375, 0.125, 0, 0.5, 0], Counts(weights.Unsqueeze(0).Expand(Draws, 6).Multinomial(new Rng(2))));
    }

    /// <summary>Without replacement the first of two is drawn by its weight, the second by its weight among the rest: P(second is 1) = 3/8·0 + 1/8·3/7 + 4/8·3/4.</summary>
    [Fact]
    public void WithoutReplacementNoClassComesTwice()
    {
        var pairs = Tensor.Of(0f, 3, 1, 0, 4, 0).Unsqueeze(0).Expand(Draws, 6).Multinomial(2, new Rng(3));
        Assert.Equal([Draws, 2], pairs.Shape);
        Near([0, 0.375, 0.125, 0, 0.5, 0], Counts(pairs[.., 0]));
        Near([0, (1 / 8.0 * 3 / 7) + (4 / 8.0 * 3 / 4), (3 / 8.0 * 1 / 5) + (4 / 8.0 * 1 / 4), 0, (3 / 8.0 * 4 / 5) + (1 / 8.0 * 4 / 7), 0], Counts(pairs[.., 1]));
        Assert.All(pairs[.., 0].Equal(pairs[.., 1]).ToArray(), same => Assert.Equal(0, same));
    }

    [Fact]
    public void TheSameSeedDrawsTheSame()
    {
        var p = Tensor.Uniform([50, 7], new Rng(1));
        Assert.Equal(p.Multinomial(new Rng(5)).ToArray(), p.Multinomial(new Rng(5)).ToArray());
        Assert.NotEqual(p.Multinomial(new Rng(5)).ToArray(), p.Multinomial(new Rng(6)).ToArray());
        Assert.Equal([5], Tensor.Ones([5, 3]).Multinomial(new Rng(1)).Shape);
        Assert.Equal([], Tensor.Ones([3]).Multinomial(new Rng(1)).Shape);
    }

    [Fact]
    public void BernoulliIsOneWithItsProbability()
    {
        var x = Tensor.Of(0f, 0.25f, 1).Expand(Draws, 3).Bernoulli(new Rng(4));
        float[] share = x.Mean(0).ToArray();
        Assert.Equal((0, 1), (share[0], share[2]));
        Assert.InRange(share[1], 0.2375f, 0.2625f); // six standard deviations
    }

    [Theory]
    [InlineData(float.NaN, "the weight NaN of class 1 in row 1")]
    [InlineData(-1f, "the weight -1 of class 1 in row 1")]
    [InlineData(float.PositiveInfinity, "of class 1 in row 1")]
    public void WeightsThatAreNoneAreNamed(float weight, string message)
    {
        var e = Assert.Throws<ArgumentException>(() => Tensor.Of([2, 2], [1, 1, 1, weight]).Multinomial(new Rng(1)));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    /// <summary>Those that rows in front of the wrong one had taken, too.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public void AnErrorTakesNoNumbers(bool again)
    {
        var rng = new Rng(1) { Position = 10 };
        Assert.Throws<ArgumentException>(() => Tensor.Of([3, 2], [1f, 1, 1, 1, 0, 0]).Multinomial(1, rng, again));
        Assert.Equal(10ul, rng.Position);
    }

    [Fact]
    public void OfClocksThatTickTogetherTheFirstClassesCome()
    {
        const int Classes = 500, Count = 200;
        int[] drawn = new int[Count];
        double[] times = [.. Enumerable.Range(0, Classes).Select(i => i * 7 % 3 is 0 ? -0.0 : (double)(i * 7 % 3))];
        var weights = Tensor.Ones([Classes]);
        CpuDevice.Instance.Launch(new Sampling.OnceKernel(weights.View, times, drawn, weights.Shape));
        Assert.Equal(Enumerable.Range(0, Classes).OrderBy(i => i * 7 % 3).Take(Count), drawn);
    }

    [Fact]
    public void TooFewClassesAreNamed()
    {
        Assert.Contains("row 1 of [2,2] has 0 classes", Assert.Throws<ArgumentException>(() => Tensor.Of([2, 2], [1f, 1, 0, 0]).Multinomial(new Rng(1))).Message, StringComparison.Ordinal);
        Assert.Contains("row 0 of [1,2] has 1 classes", Assert.Throws<ArgumentException>(() => Tensor.Of([1, 2], [1f, 0]).Multinomial(2, new Rng(1))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Tensor.Ones([2]).Multinomial(0, new Rng(1)));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(-0.1f)]
    [InlineData(1.1f)]
    [InlineData(float.PositiveInfinity)]
    public void WhatIsNoProbabilityIsNamed(float p)
    {
        string says = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"bernoulli: {p} at position 2 of [3] is no probability");
        Assert.Contains(says, Assert.Throws<ArgumentException>(() => Tensor.Of(0, 1, p).Bernoulli(new Rng(1))).Message, StringComparison.Ordinal);
    }

    private static double[] Counts(Indices drawn) => [.. Enumerable.Range(0, 6).Select(c => drawn.ToArray().Count(d => d == c) / (double)drawn.Size)];

    private static void Near(double[] expected, double[] actual)
    {
        Assert.All(expected.Zip(actual), p => Assert.InRange(p.Second, p.First == 0 ? 0 : p.First - 0.0125, p.First == 0 ? 0 : p.First + 0.0125));
    }
}
