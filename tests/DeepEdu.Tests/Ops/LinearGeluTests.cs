using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

/// <summary>Dense and GELU in one pass, and the dense layer behind it, whose way back takes GELU's slope along: bits of the separate operations.</summary>
[Collection("process settings")]
public class LinearGeluTests
{
    // small, and with a wide weight: one product and a pass after it; large: blocks of rows, the last one shorter, and columns that fill no vector
    [Theory]
    [InlineData(3, 5, 7, 4, true)]
    [InlineData(40, 33, 50, 9, false)]
    [InlineData(707, 48, 200, 33, true)]
    [InlineData(2100, 20, 67, 65, false)]
    [InlineData(70, 700, 4000, 20, true)]
    public void FusedIsTheSeparateOperationsToTheBit(int rows, int inputs, int hidden, int outputs, bool bias)
    {
        var rng = new Rng(3);
        Dense first = new(inputs, hidden, rng, bias), second = new(hidden, outputs, rng, bias);
        var fused = new Sequential(first, new Gelu(), second);
        var x = Tensor.Normal([rows, inputs], rng);
        var seed = Tensor.Normal([rows, outputs], rng);
        var apart = Bits(() => second.Forward(first.Forward(x).Gelu()), x, seed, fused);
        int threads = DeepEduOptions.MaxThreads;
        try
        {
            foreach (int n in new[] { 1, 3 })
            {
                DeepEduOptions.MaxThreads = n;
                Assert.Equal(apart, Bits(() => fused.Forward(x), x, seed, fused));
            }
        }
        finally { DeepEduOptions.MaxThreads = threads; }
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(4, 0)]
    public void LayersWithoutInputsOrUnits(int inputs, int hidden)
    {
        using var tape = new Tape();
        Tensor x = tape.Watch(Tensor.Ones([3, inputs])), w = tape.Watch(Tensor.Ones([hidden, inputs])), b = tape.Watch(Tensor.Ones([hidden])), last = tape.Watch(Tensor.Ones([2, hidden]));
        var g = tape.Gradients(x.LinearGelu(w, b).Linear(last).Sum());
        Assert.All(g[x].ToArray(), d => Assert.Equal(0, d));
        Assert.Equal(w.Shape, g[w].Shape);
        // GELU'(1) = Φ(1) + φ(1), for each of 3 rows and 2 outputs
        Assert.All(g[b].ToArray(), d => Assert.Equal(6 * 1.08331549f, d, 1e-5f));
        Assert.All(tape.Gradients(x.Linear(w, b, relu: true).Sum())[b].ToArray(), d => Assert.Equal(3, d));
    }

    // the slope may be taken along only by what is the one source of the gradient
    [Fact]
    public void WhatIsUsedTwiceOrWatchedKeepsItsGradient()
    {
        var rng = new Rng(4);
        Dense first = new(6, 8, rng), second = new(8, 3, rng), third = new(8, 3, rng);
        var both = new Sequential(first, new Gelu());
        var x = Tensor.Normal([5, 6], rng);
        var seed = Tensor.Normal([5, 3], rng);

        Assert.Equal(
            Bits(() => { var h = first.Forward(x).Gelu(); return second.Forward(h) + third.Forward(h); }, x, seed, first, second, third),
            Bits(() => { var h = both.Forward(x); return second.Forward(h) + third.Forward(h); }, x, seed, first, second, third));
        Assert.Equal(
            Bits(() => { var h = first.Forward(x).Gelu(); return second.Forward(h) * h.Sum(); }, x, seed, first, second),
            Bits(() => { var h = both.Forward(x); return second.Forward(h) * h.Sum(); }, x, seed, first, second));

        using var tape = new Tape();
        var hidden = tape.Watch(both.Forward(x));
        var g = tape.Gradients(second.Forward(hidden), seed);
        Assert.Equal(seed.MatMul(second.Weight).ToArray(), g[hidden].ToArray());
    }

    [Fact]
    public void ATapeIsRewoundTwiceAndFromTheMiddle()
    {
        var rng = new Rng(5);
        Dense first = new(6, 8, rng), second = new(8, 3, rng);
        var both = new Sequential(first, new Gelu());
        var x = Tensor.Normal([5, 6], rng);
        using var tape = new Tape();
        var h = both.Forward(x);
        var y = second.Forward(h);
        float[] once = tape.Gradients(y, Tensor.Ones(y.Shape))[first.Weight].ToArray();
        float[] middle = tape.Gradients(h, Tensor.Ones(h.Shape))[first.Weight].ToArray();
        Assert.Equal(once, tape.Gradients(y, Tensor.Ones(y.Shape))[first.Weight].ToArray());
        using var other = new Tape();
        var alone = first.Forward(x).Gelu();
        Assert.Equal(other.Gradients(alone, Tensor.Ones(alone.Shape))[first.Weight].ToArray(), middle);
    }

    [Fact]
    public void InUseNoSlopeIsMade()
    {
        var rng = new Rng(6);
        var first = new Dense(6, 8, rng);
        var both = new Sequential(first, new Gelu());
        var x = Tensor.Normal([300, 6], rng);
        float[] want = first.Forward(x).Gelu().ToArray(), got = new float[want.Length];
        Assert.Equal(want, both.Forward(x).ToArray());
        new InferenceSession(both, x.Shape).Run(x.ToArray(), got);
        Assert.Equal(want, got);
    }

    private static List<int> Bits(Func<Tensor> forward, Tensor x, Tensor seed, params Module[] parts)
    {
        using var tape = new Tape();
        tape.Watch(x);
        var y = forward();
        var g = tape.Gradients(y, seed);
        List<int> bits = [];
        foreach (var t in parts.SelectMany(p => p.Parameters()).Select(p => g[p.Value]).Prepend(g[x]).Prepend(y)) { bits.AddRange(t.ToArray().Select(BitConverter.SingleToInt32Bits)); }
        return bits;
    }
}
