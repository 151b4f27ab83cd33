using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

public class LearningRateFinderTests
{
    private readonly Tensor _x = Tensor.Normal([64, 3], new Rng(4));

    private (Module Model, Optimizer Optimizer, Func<int, float> Step) Made(Func<Module, Optimizer> optimizer)
    {
        var rng = new Rng(2);
        var model = new Sequential(new Dense(3, 16, rng), new BatchNorm(16), new Tanh(), new Dropout(0.1f, rng), new Dense(16, 1, rng));
        var o = optimizer(model);
        var y = _x.Sum(1, keepDims: true).Tanh();
        return (model, o, _ =>
        {
            using var tape = new Tape();
            var loss = Losses.Mse(model.Forward(_x), y);
            o.Step(tape.Gradients(loss));
            return loss.Item();
        }
        );
    }

    [Fact]
    public void TheSuggestedRateLearnsBetterThanRatesFarFromIt()
    {
        var (model, sgd, step) = Made(m => new Sgd(m.Parameters(), new() { LearningRate = 1 }));
        var curve = LearningRateFinder.Run(model, sgd, step, 1e-5, 100);
        Assert.InRange(curve.Suggestion, 1e-3, 3);
        float After(double rate)
        {
            var (_, o, s) = Made(m => new Sgd(m.Parameters(), new() { LearningRate = rate }));
            float loss = 0;
            for (int i = 0; i < 40; i++) { loss = s(i); }
            return loss;
        }
        float at = After(curve.Suggestion);
        Assert.True(at < After(curve.Suggestion / 100), $"{curve}");
        Assert.False(After(curve.Suggestion * 1000) < at, $"{curve}"); // or not a number
        // it ended where the loss ran away
        Assert.True(curve.Rates.Count is > 20 and < 100, $"{curve}");
        Assert.Contains(" <", curve.ToString(), StringComparison.Ordinal);
    }

    /// <summary>Weights, running statistics, random streams and the optimiser's own statistics: the training that follows has the same bits as one that was never asked.</summary>
    [Fact]
    public void EverythingIsAsBefore()
    {
        float[] Train(bool find)
        {
            var (model, adam, step) = Made(m => new Adam(m.Parameters(), new() { LearningRate = 0.01 }));
            for (int i = 0; i < 3; i++) { step(i); }
            if (find)
            {
                LearningRateFinder.Run(model, adam, step, steps: 20);
                Assert.Equal(0.01, adam.LearningRate);
            }
            for (int i = 0; i < 3; i++) { step(i); }
            return [.. model.Parameters().SelectMany(p => p.Value.ToArray()), .. model.Buffers().SelectMany(b => b.Value.ToArray())];
        }
        Assert.Equal(Train(false), Train(true));
        // of an optimiser that has not stepped, too, and after an error
        var (fresh, rms, failing) = Made(m => new RmsProp(m.Parameters(), new() { LearningRate = 0.5 }));
        float[] before = fresh.Parameters()[0].Value.ToArray();
        Assert.Throws<TimeoutException>(() => LearningRateFinder.Run(fresh, rms, i => i < 3 ? failing(i) : throw new TimeoutException()));
        Assert.Equal(before, fresh.Parameters()[0].Value.ToArray());
        Assert.Equal(0.5, rms.LearningRate);
    }

    [Fact]
    public void WhatCannotBeIsNamed()
    {
        var (model, sgd, step) = Made(m => new Sgd(m.Parameters(), new() { LearningRate = 1 }));
        Assert.Contains("rates from 1 to 0.1", Assert.Throws<ArgumentException>(() => LearningRateFinder.Run(model, sgd, step, 1, 0.1)).Message, StringComparison.Ordinal);
        Assert.Contains("in 4 steps", Assert.Throws<ArgumentException>(() => LearningRateFinder.Run(model, sgd, step, steps: 4)).Message, StringComparison.Ordinal);
        Assert.Contains("the loss of the first step is NaN", Assert.Throws<InvalidOperationException>(() => LearningRateFinder.Run(model, sgd, _ => float.NaN)).Message, StringComparison.Ordinal);
        Assert.True(double.IsNaN(LearningRateFinder.Run(model, sgd, i => 1 + i, steps: 6).Suggestion));
        Assert.Equal(3, LearningRateFinder.Run(model, sgd, i => i < 3 ? 5 - i : float.PositiveInfinity, steps: 6).Rates.Count);
    }

    /// <summary>Rates even in their logarithm, means with the weights 0.9ⁿ, an end where the mean is more than four times its least, and the rate at which it falls fastest.</summary>
    [Theory]
    [InlineData(1e-4, 1e4, 9, new[] { 5, 4.9, 4, 3.7, 3.5, 3.6, 13.9, 14.1, 1 }, 8, 1e-2)]
    [InlineData(1, 16, 5, new[] { 5, 4, 3.5, 3.6, 3.7 }, 5, 0.4)] // a tenth of the rate of the least, which lies below the steepest one's
    [InlineData(1, 16, 5, new[] { 5.0, 4, 3, 2, 2 }, 5, 0.8)] // of equal slopes the first, of equal losses the first
    [InlineData(1, 16, 5, new[] { 5.0, 6, 4, 6, 7 }, 5, 0.4)]
    [InlineData(1, 16, 5, new[] { -5.0, -1, -0.5, -1, -0.1 }, 5, double.NaN)] // losses below 0 have no multiple
    public void MeansAndSuggestionFollowTheirFormulas(double low, double high, int steps, double[] means, int count, double suggestion)
    {
        double Weight(int n) => Enumerable.Range(0, n).Sum(k => Math.Pow(0.9, k));
        float Loss(int i) => (float)((means[i] * Weight(i + 1)) - (i == 0 ? 0 : 0.9 * means[i - 1] * Weight(i)));
        var (model, sgd, _) = Made(m => new Sgd(m.Parameters(), new() { LearningRate = 1 }));
        List<double> rates = [];
        var curve = LearningRateFinder.Run(model, sgd, i =>
        {
            rates.Add(sgd.LearningRate);
            return Loss(i);
        }, low, high, steps);
        Assert.Equal(rates, curve.Rates);
        Assert.Equal(Enumerable.Range(0, count).Select(i => low * Math.Pow(high / low, i / (steps - 1.0))), rates, (a, b) => Math.Abs((a / b) - 1) < 1e-12);
        Assert.Equal(means[..count], curve.Losses, (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(suggestion, curve.Suggestion, 1e-9);
    }

    [Fact]
    public void ACurveIsDrawnFromItsLeastToItsLargest()
    {
        string Bar(int cells) => new('#', cells);
        Assert.Equal($"  1.0e-03          4 {Bar(40)}\n  1.0e-02          2  <\n  1.0e-01          3 {Bar(20)}", new LearningRateCurve([1e-3, 1e-2, 1e-1], [4, 2, 3], 0.02).ToString());
        Assert.Equal("  1.0e-03          2\n  1.0e-02          2  <", new LearningRateCurve([1e-3, 1e-2], [2, 2], 0.01).ToString());
        Assert.DoesNotContain("<", new LearningRateCurve([1e-3], [2], double.NaN).ToString(), StringComparison.Ordinal);
    }

    [Theory, InlineData(0.0, 1.0, 2.0), InlineData(1.0, 1.0, 2.0), InlineData(0.1, 1.0, 1.0), InlineData(0.1, double.PositiveInfinity, 2.0)]
    public void RangesThatAreNoneAreRefused(double low, double high, double runaway)
    {
        var (model, sgd, step) = Made(m => new Sgd(m.Parameters(), new() { LearningRate = 1 }));
        Assert.Contains("it takes 0 < low < high, at least 5 steps, and a factor above 1", Assert.Throws<ArgumentException>(() => LearningRateFinder.Run(model, sgd, step, low, high, 5, runaway)).Message, StringComparison.Ordinal);
    }
}
