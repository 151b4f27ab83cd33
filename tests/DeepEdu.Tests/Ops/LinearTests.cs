using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

/// <summary>What a dense layer does in one piece of work has the bits of the operations apart, on any number of threads.</summary>
[Collection("alone")]
public sealed class LinearTests : IDisposable
{
    private readonly int _before = DeepEduOptions.MaxThreads;

    public void Dispose() => DeepEduOptions.MaxThreads = _before;

    // one product after the other; blocks of rows beside stripes of the weight's gradient; beside pieces of its sum; beside a column; a B that is packed by all threads and one that is read where it lies
    [Theory]
    [InlineData(20, 30, 40)]
    [InlineData(2050, 64, 130)]
    [InlineData(2048, 512, 96)]
    [InlineData(8200, 16, 16)]
    [InlineData(8200, 40, 33)]
    [InlineData(140_000, 1, 3)]
    [InlineData(3000, 50, 1)]
    public void TheWayBackIsThreeOperations(int rows, int inputs, int outputs)
    {
        var rng = new Rng(1);
        Tensor x = Tensor.Normal([rows, inputs], rng), w = Tensor.Normal([outputs, inputs], rng), b = Tensor.Normal([outputs], rng), dy = Tensor.Normal([rows, outputs], rng);
        DeepEduOptions.MaxThreads = 1;
        float[] y = (x.MatMul(w, transB: true) + b).ToArray(), dx = dy.MatMul(w).ToArray(), dw = dy.MatMul(x, transA: true).ToArray(), db = dy.Sum(0).ToArray();
        foreach (int threads in new[] { 1, 2, 3 })
        {
            DeepEduOptions.MaxThreads = threads;
            using var tape = new Tape();
            Tensor leaf = tape.Watch(x.Detach()), weight = tape.Watch(w.Detach()), bias = tape.Watch(b.Detach());
            var output = leaf.Linear(weight, bias);
            var g = tape.Gradients(output, dy);
            Assert.Equal(y, output.ToArray());
            Assert.Equal(dx, g[leaf].ToArray());
            Assert.Equal(dw, g[weight].ToArray());
            Close(db, g[bias].ToArray());
        }
    }

    [Theory]
    [InlineData(1, 40, 16, true)]
    [InlineData(30, 7, 9, false)]
    [InlineData(1100, 96, 128, true)]
    [InlineData(2100, 33, 65, true)]
    public void AResidualIsAddedInTheSamePass(int rows, int inputs, int outputs, bool hasBias)
    {
        var rng = new Rng(2);
        Tensor x = Tensor.Normal([rows, inputs], rng), w = Tensor.Normal([outputs, inputs], rng), dy = Tensor.Normal([rows, outputs], rng), r = Tensor.Normal([rows, outputs], rng);
        var b = hasBias ? Tensor.Normal([outputs], rng) : null;
        DeepEduOptions.MaxThreads = 1;
        float[] want = (r + x.Linear(w, b)).ToArray();
        foreach (int threads in new[] { 1, 3 })
        {
            DeepEduOptions.MaxThreads = threads;
            using var tape = new Tape();
            Tensor leaf = tape.Watch(x.Detach()), residual = tape.Watch(r.Detach());
            var y = leaf.LinearAdd(w, b, residual);
            var g = tape.Gradients(y, dy);
            Assert.Equal(want, y.ToArray());
            Assert.Equal(dy.ToArray(), g[residual].ToArray());
            Assert.Equal(dy.MatMul(w).ToArray(), g[leaf].ToArray());
        }
    }

    // what has another shape is broadcast, as by an addition
    [Fact]
    public void AResidualOfAnotherShapeIsBroadcast()
    {
        var rng = new Rng(3);
        Tensor x = Tensor.Normal([4, 3], rng), w = Tensor.Normal([5, 3], rng), row = Tensor.Normal([5], rng);
        Assert.Equal((row + x.Linear(w)).ToArray(), x.LinearAdd(w, null, row).ToArray());
        Assert.Throws<ShapeException>(() => x.LinearAdd(w, null, Tensor.Ones([4, 4])));
    }

    // the residual is what the norm of the path sees, and is used again behind it
    [Fact]
    public void AResidualPathAroundANorm()
    {
        var rng = new Rng(4);
        Dense inner = new(6, 12, rng), outer = new(12, 6, rng);
        var norm = new LayerNorm(6);
        Tensor x = Tensor.Normal([9, 6], rng), dy = Tensor.Normal([9, 6], rng);
        float[][] Of(Func<Tensor, Tensor, Tensor> add)
        {
            using var tape = new Tape();
            var leaf = tape.Watch(x.Detach());
            var h = leaf * 2f;
            for (int i = 0; i < 2; i++) { h = add(inner.Forward(norm.Forward(h)), h); }
            var g = tape.Gradients(h, dy);
            return [g[leaf].ToArray(), .. new Module[] { inner, outer, norm }.SelectMany(m => m.Parameters()).Select(p => g[p.Value].ToArray())];
        }
        Assert.Equal(Of((y, h) => h + outer.Forward(y)), Of((y, h) => y.LinearAdd(outer.Weight, outer.Bias, h)));
    }

    // the bias' sums are folded block by block: another order than the sum over all rows, within rounding of so many terms
    private static void Close(float[] want, float[] got)
    {
        for (int i = 0; i < want.Length; i++) { Assert.Equal(want[i], got[i], 1e-3f * MathF.Max(1, MathF.Abs(want[i]))); }
    }
}
