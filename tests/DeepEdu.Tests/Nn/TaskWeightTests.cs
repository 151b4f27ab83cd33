using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Tests.Optim;

namespace DeepEdu.Tests.Nn;

/// <summary>Several losses as one.</summary>
public class TaskWeightTests
{
    [Fact]
    public void GradNormEqualsSecondDerivativesInPyTorch()
    {
        var golden = OptimizerTests.Golden().GetProperty("gradnorm");
        float[] a = OptimizerTests.Numbers(golden.GetProperty("a")), b = OptimizerTests.Numbers(golden.GetProperty("b")), c = OptimizerTests.Numbers(golden.GetProperty("c"));
        var w = new Parameter([3], OptimizerTests.Numbers(golden.GetProperty("start")));
        var sgd = new Sgd([("w", w)], new() { LearningRate = 0.05 });
        GradNorm balance = new(3, 1.5, 0.1), resumed = new(3, 1.5, 0.1);
        foreach (var step in golden.GetProperty("steps").EnumerateArray())
        {
            using var tape = new Tape();
            Tensor[] losses = [.. Enumerable.Range(0, 3).Select(i => c[i] * ((w * Tensor.Of(a.AsSpan(3 * i, 3))).Sum() - b[i]).Square())];
            var gradients = tape.Gradients(balance.Total(losses));
            var state = new StateDict();
            balance.SaveState(state);
            resumed.LoadState(state);
            balance.Update(tape, losses, w);
            resumed.Update(tape, losses, w);
            sgd.Step(gradients);
            Assert.Equal(balance.Weights, resumed.Weights);
            Assert.Equal(3, balance.Weights.Sum(), 1e-9);
            Near(OptimizerTests.Numbers(step.GetProperty("weights")), [.. balance.Weights.Select(v => (float)v)]);
            Near(OptimizerTests.Numbers(step.GetProperty("w")), w.ToArray());
        }

        // float32 gradients against double
        static void Near(float[] expected, float[] actual)
        {
            for (int i = 0; i < expected.Length; i++) { Assert.Equal(expected[i], actual[i], 1e-5f); }
        }
    }

    /// <summary>Kendall's eq. 7: for a regression the best log-variance is ln L, for a classification ln 2L.</summary>
    [Fact]
    public void UncertaintyFindsTheNoiseOfEachTask()
    {
        var weighting = new UncertaintyWeighting(TaskKind.Regression, TaskKind.Classification);
        var adam = new Adam(weighting.Parameters(), new() { LearningRate = 0.05 });
        float value = 0;
        for (int i = 0; i < 600; i++)
        {
            using var tape = new Tape();
            var loss = weighting.Forward(Tensor.Scalar(0.3f), Tensor.Of(2f));
            value = loss.Item();
            adam.Step(tape.Gradients(loss));
        }
        Assert.Equal("log_variances", weighting.Parameters().Single().Name);
        Assert.Equal(MathF.Log(0.3f), weighting.LogVariances.ToArray()[0], 1e-3f);
        Assert.Equal(MathF.Log(4f), weighting.LogVariances.ToArray()[1], 1e-3f);
        Assert.Equal((0.5f * (1 + MathF.Log(0.3f))) + (0.5f * (1 + MathF.Log(4f))), value, 1e-4f);
    }

    [Fact]
    public void GradientsReachNetworkAndWeights()
    {
        Tensor x = Tensor.Of(0.7f), s = Tensor.Of(0.4f, -0.3f);
        var weighting = new UncertaintyWeighting(TaskKind.Regression, TaskKind.Classification);
        weighting.LogVariances.CopyFrom(s.AsSpan());
        GradCheck.Check(t => weighting.Forward(t[0].Square(), t[0].Exp()), [x, weighting.LogVariances]);
    }

    [Fact]
    public void WhatDoesNotFitIsNamed()
    {
        Tensor one = Tensor.Scalar(1), two = Tensor.Ones([2]);
        Assert.Contains("1 losses for 2 tasks", Assert.Throws<ShapeException>(() => new UncertaintyWeighting(TaskKind.Regression, TaskKind.Regression).Forward(one)).Message, StringComparison.Ordinal);
        Assert.Contains("one value, not [2]", Assert.Throws<ShapeException>(() => Losses.WeightedSum([two], [1])).Message, StringComparison.Ordinal);
        Assert.Contains("at least one task", Assert.Throws<ArgumentException>(() => new UncertaintyWeighting()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new GradNorm(2, alpha: -1));
        using var tape = new Tape();
        var w = new Parameter([1], [1]);
        var e = Assert.Throws<ArgumentException>(() => new GradNorm(1).Update(tape, [(w * 2).Sum()], new Parameter([2], [1, 2])));
        Assert.Contains("task 0 does not depend", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GradNormKeepsItsLearningRate()
    {
        GradNorm balance = new(2) { LearningRate = 0.125 }, other = new(2);
        var state = new StateDict();
        balance.SaveState(state);
        other.LoadState(state);
        Assert.Equal(0.125, other.LearningRate);
        Assert.Throws<ArgumentOutOfRangeException>(() => other.LearningRate = double.NaN);
    }
}
