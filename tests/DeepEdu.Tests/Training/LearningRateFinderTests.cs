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
}
