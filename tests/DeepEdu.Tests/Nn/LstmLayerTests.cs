using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>What PyTorch's goldens do not cover: initial values, dropout, merging, Keras' weights, the cell, the stream.</summary>
public class LstmLayerTests
{
    // sums of the same products in another order
    private const float Rounding = 2e-6f;

    [Fact]
    public void InitialValuesAreUniformInOneOverRootHidden()
    {
        var layer = new Lstm(30, 64, new Rng(1), layers: 2);
        Assert.Equal(
            ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l1", "weight_hh_l1", "bias_ih_l1", "bias_hh_l1"], layer.Parameters().Select(p => p.Name));
        float[] all = [.. layer.Parameters().SelectMany(p => p.Value.ToArray())];
        const double Bound = 1 / 8.0;
        Assert.All(all, v => Assert.InRange(v, -Bound, Bound));
        // five standard errors of the mean and the mean square of n uniform values
        Assert.InRange(all.Average(), -5 * Bound / Math.Sqrt(3.0 * all.Length), 5 * Bound / Math.Sqrt(3.0 * all.Length));
        double square = all.Average(v => v * (double)v), error = 5 * Bound * Bound * Math.Sqrt(4 / 45.0 / all.Length);
        Assert.InRange(square, (Bound * Bound / 3) - error, (Bound * Bound / 3) + error);
    }

    [Fact]
    public void OtherInitialValues()
    {
        var layer = new Lstm(6, 8, new Rng(1), init: Init.XavierUniform(), recurrentInit: Init.Orthogonal(), forgetBias: 1);
        var (wi, wh, bi, bh, _) = layer.Of(0);
        Assert.All(wi.ToArray(), v => Assert.InRange(v, -MathF.Sqrt(6f / 38), MathF.Sqrt(6f / 38)));
        var gram = wh.MatMul(wh, transA: true).ToArray();
        for (int i = 0; i < 64; i++) { Assert.Equal(i % 9 == 0 ? 1 : 0, gram[i], 1e-5f); }
        for (int i = 0; i < 32; i++) { Assert.Equal(i is >= 8 and < 16 ? 1 : 0, bi!.ToArray()[i] + bh!.ToArray()[i]); }
    }

    [Fact]
    public void AForgetBiasLeavesTheOtherGatesAlone()
    {
        float[] plain = new Lstm(6, 8, new Rng(1)).Of(0).BiasIh!.ToArray(), forget = new Lstm(6, 8, new Rng(1), forgetBias: 1).Of(0).BiasIh!.ToArray();
        for (int i = 0; i < 32; i++) { Assert.Equal(i is >= 8 and < 16 ? 1 : plain[i], forget[i]); }
    }

    [Fact]
    public void SumAndAverageMergeWhatConcatPutsSideBySide()
    {
        Lstm New(BidirectionalMerge merge) => new(3, 5, new Rng(4), bidirectional: true, merge: merge);
        var x = Tensor.Uniform([2, 6, 3], new Rng(9), -1, 1);
        var both = New(BidirectionalMerge.Concat).Forward(x);
        var sum = both.Narrow(2, 0, 5) + both.Narrow(2, 5, 5);
        Assert.Equal(sum.ToArray(), New(BidirectionalMerge.Sum).Forward(x).ToArray());
        Assert.Equal((sum * 0.5f).ToArray(), New(BidirectionalMerge.Average).Forward(x).ToArray());
        Assert.Equal([2, 6, 5], new Lstm(3, 5, new Rng(4), layers: 2, bidirectional: true, merge: BidirectionalMerge.Sum).Forward(x).Shape.Sizes.ToArray());
    }

    [Theory]
    [InlineData(0.5f, 0f)]
    [InlineData(0f, 0.5f)]
    public void DropoutActsWhileLearningOnly(float dropout, float recurrent)
    {
        var layer = new Lstm(3, 16, new Rng(4), layers: 2, dropout: dropout, recurrentDropout: recurrent);
        var x = Tensor.Uniform([2, 6, 3], new Rng(9), -1, 1);
        float[] plain = new Lstm(3, 16, new Rng(4), layers: 2).Forward(x).ToArray();
        Assert.Equal(plain, layer.Forward(x).ToArray());
        using (new Tape(training: false)) { Assert.Equal(plain, layer.Forward(x).ToArray()); }
        using var tape = new Tape();
        Assert.NotEqual(plain, layer.Forward(x).ToArray());
    }

    [Fact]
    public void RecurrentDropoutLeavesTheFirstStepAloneAndKeepsItsChoice()
    {
        var layer = new Lstm(3, 16, new Rng(4), recurrentDropout: 1);
        var x = Tensor.Uniform([2, 6, 3], new Rng(9), -1, 1);
        using var tape = new Tape();
        var y = layer.Forward(x);
        // nothing of h passes on: each step is that of a fresh h, with c carried along
        var (wi, wh, bi, bh, _) = layer.Of(0);
        LstmResult step = default;
        for (int t = 0; t < 6; t++)
        {
            step = x.Narrow(1, t, 1).Lstm(wi, wh, bi, bh, c0: t == 0 ? null : step.C);
            Assert.Equal(step.H.ToArray(), y.Narrow(1, t, 1).ToArray());
        }
    }

    [Fact]
    public void KerasWeights()
    {
        // Keras: z = x·kernel + h·recurrent + bias; i, f, c̃, o are its quarters
        const int Inputs = 3, Hidden = 2, Steps = 4;
        var rng = new Rng(6);
        float[] kernel = Tensor.Uniform([Inputs, 4 * Hidden], rng, -1, 1).ToArray(), recurrent = Tensor.Uniform([Hidden, 4 * Hidden], rng, -1, 1).ToArray(),
            bias = Tensor.Uniform([4 * Hidden], rng, -1, 1).ToArray(), x = Tensor.Uniform([Steps, Inputs], rng, -1, 1).ToArray();
        double[] h = new double[Hidden], c = new double[Hidden];
        static double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));
        for (int t = 0; t < Steps; t++)
        {
            double[] z = [.. bias.Select((b, j) => b + Enumerable.Range(0, Inputs).Sum(k => x[(t * Inputs) + k] * (double)kernel[(k * 4 * Hidden) + j])
                + Enumerable.Range(0, Hidden).Sum(k => h[k] * recurrent[(k * 4 * Hidden) + j]))];
            for (int u = 0; u < Hidden; u++)
            {
                c[u] = (Sigmoid(z[Hidden + u]) * c[u]) + (Sigmoid(z[u]) * Math.Tanh(z[(2 * Hidden) + u]));
                h[u] = Sigmoid(z[(3 * Hidden) + u]) * Math.Tanh(c[u]);
            }
        }
        var layer = new Lstm(Inputs, Hidden, rng);
        layer.CopyFromKeras(kernel, recurrent, bias);
        var state = layer.Run(Tensor.Of([1, Steps, Inputs], x)).State;
        for (int u = 0; u < Hidden; u++)
        {
            Assert.Equal(h[u], state.H.ToArray()[u], 1e-6);
            Assert.Equal(c[u], state.C.ToArray()[u], 1e-6);
        }
        Assert.Contains("the kernel has 23 values, but [3,8]", Assert.Throws<ShapeException>(() => layer.CopyFromKeras(kernel.AsSpan(1), recurrent, bias)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void PiecesWithStateEqualTheWhole(int projection)
    {
        var layer = new Lstm(3, 18, new Rng(4), layers: 2, projection: projection);
        var x = Tensor.Uniform([2, 7, 3], new Rng(9), -1, 1);
        var whole = layer.Run(x);
        var first = layer.Run(x.Narrow(1, 0, 3));
        var second = layer.Run(x.Narrow(1, 3, 4), first.State);
        Assert.Equal(whole.Output.ToArray(), Tensor.Concat([first.Output, second.Output], 1).ToArray());
        Assert.Equal(whole.State.H.ToArray(), second.State.H.ToArray());
        Assert.Equal(whole.State.C.ToArray(), second.State.C.ToArray());
    }

    [Fact]
    public void ADetachedStateStopsGradients()
    {
        var layer = new Lstm(3, 4, new Rng(4));
        var x = Tensor.Uniform([2, 7, 3], new Rng(9), -1, 1);
        using var tape = new Tape();
        tape.Watch(x);
        var state = layer.Run(x.Narrow(1, 0, 3)).State;
        var gradients = tape.Gradients(layer.Run(x.Narrow(1, 3, 4), state.Detach()).Output.Sum());
        Assert.All(gradients[x].Narrow(1, 0, 3).ToArray(), v => Assert.Equal(0, v));
        Assert.Contains(tape.Gradients(layer.Run(x.Narrow(1, 3, 4), state).Output.Sum())[x].Narrow(1, 0, 3).ToArray(), v => v != 0);
    }

    [Fact]
    public void TheCellIsOneStep()
    {
        var cell = new LstmCell(3, 5, new Rng(4));
        Assert.Equal(["weight_ih", "weight_hh", "bias_ih", "bias_hh"], cell.Parameters().Select(p => p.Name));
        var layer = new Lstm(3, 5, new Rng(4));
        var x = Tensor.Uniform([2, 4, 3], new Rng(9), -1, 1);
        LstmState? state = null;
        for (int t = 0; t < 4; t++) { state = cell.Forward(x.Narrow(1, t, 1).Squeeze(1), state); }
        Assert.Equal(layer.Run(x).State.H.ToArray(), state!.Value.H.ToArray());
        Assert.Equal(layer.Run(x).State.C.ToArray(), state.Value.C.ToArray());
        Assert.Contains("x is [2,4,3]", Assert.Throws<ShapeException>(() => cell.Forward(x)).Message, StringComparison.Ordinal);
    }

    [Theory, Trait("Width", "yes")]
    [InlineData(1, 1, 0, true)]
    [InlineData(3, 2, 7, true)]
    [InlineData(70, 1, 0, false)]
    public void AStreamEqualsTheWholeSequence(int batch, int layers, int projection, bool bias)
    {
        const int Steps = 5, Inputs = 4, Hidden = 19;
        var layer = new Lstm(Inputs, Hidden, new Rng(4), layers, projection: projection, bias: bias);
        var x = Tensor.Uniform([Steps, batch, Inputs], new Rng(9), -1, 1);
        var whole = new Lstm(Inputs, Hidden, new Rng(4), layers, projection: projection, bias: bias, batchFirst: false).Run(x);
        var stream = new LstmStream(layer, batch);
        float[] y = new float[batch * layer.Outputs];
        for (int t = 0; t < Steps; t++)
        {
            if (t == 2)
            {
                var saved = stream.State;
                stream.Reset();
                stream.State = saved;
            }
            stream.Step(x.AsSpan().Slice(t * batch * Inputs, batch * Inputs), y);
            Close(whole.Output.AsSpan().Slice(t * y.Length, y.Length), y);
        }
        Close(whole.State.H.AsSpan(), stream.State.H.AsSpan());
        Close(whole.State.C.AsSpan(), stream.State.C.AsSpan());
    }

    [Fact]
    public void AStreamStepAllocatesNothing()
    {
        var stream = new LstmStream(new Lstm(4, 19, new Rng(4), layers: 2, projection: 5), 3);
        float[] x = new float[12], y = new float[15];
        stream.Step(x, y);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) { stream.Step(x, y); }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void AStreamForgetsWhenTold()
    {
        var layer = new Lstm(2, 3, new Rng(4));
        var stream = new LstmStream(layer, 2);
        float[] x = [1, 2, 1, 2], fresh = new float[6], y = new float[6];
        stream.Step(x, fresh);
        stream.Step(x, y);
        stream.Reset(1);
        stream.Step(x, y);
        Assert.Equal(fresh[3..], y[3..]);
        Assert.NotEqual(fresh[..3], y[..3]);
        stream.Reset();
        stream.Step(x, y);
        Assert.Equal(fresh, y);
        layer.Of(0).WeightIh.AsSpan().Clear();
        stream.Refresh();
        stream.Reset();
        stream.Step(x, y);
        Assert.NotEqual(fresh, y);
        Assert.Contains("x has 3 values", Assert.Throws<ShapeException>(() => stream.Step(x.AsSpan(1), y)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new LstmStream(new Lstm(2, 3, new Rng(4), bidirectional: true)));
        Assert.Throws<ShapeException>(() => stream.State = new(Tensor.Zeros([1, 1, 3]), Tensor.Zeros([1, 2, 3])));
    }

    [Fact]
    public void Errors()
    {
        var rng = new Rng(1);
        var layer = new Lstm(3, 5, rng);
        Assert.Contains("add the batch axis with Unsqueeze", Assert.Throws<ShapeException>(() => layer.Forward(Tensor.Zeros([4, 3]))).Message, StringComparison.Ordinal);
        Assert.Contains("x is [2,4,4], but [batch, steps, 3]", Assert.Throws<ShapeException>(() => layer.Forward(Tensor.Zeros([2, 4, 4]))).Message, StringComparison.Ordinal);
        Assert.Contains("state's c is [1,3,5], but [1,2,5]",
            Assert.Throws<ShapeException>(() => layer.Run(Tensor.Zeros([2, 4, 3]), new(Tensor.Zeros([1, 2, 5]), Tensor.Zeros([1, 3, 5])))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Lstm(3, 5, rng, dropout: 0.5f));
        Assert.Throws<ArgumentException>(() => new Lstm(3, 5, rng, merge: BidirectionalMerge.Sum));
        Assert.Throws<ArgumentException>(() => new Lstm(3, 5, rng, bias: false, forgetBias: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lstm(3, 5, rng, projection: 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lstm(3, 5, rng, recurrentDropout: 1.5f));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lstm(0, 5, rng));
    }

    private static void Close(ReadOnlySpan<float> wanted, ReadOnlySpan<float> got)
    {
        for (int i = 0; i < wanted.Length; i++) { Assert.Equal(wanted[i], got[i], Rounding); }
    }
}
