using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Ops;

/// <summary>Laws of convolution and pooling over random sizes and options.</summary>
public class ConvPoolProperties
{
    // sums of at most a few hundred products below 1
    private const float Tolerance = 1e-4f;

    /// <summary>⟨conv(x), y⟩ = ⟨x, convT(y)⟩: the transposed convolution is the convolution's adjoint.</summary>
    [Fact, Trait("Width", "yes")]
    public void TransposedConvolutionIsTheAdjoint() => ForAll(rng =>
    {
        int groups = 1 + rng.Next(3), c = groups * (1 + rng.Next(3)), o = groups * (1 + rng.Next(3)), kh = 1 + rng.Next(3), kw = 1 + rng.Next(3);
        (int H, int W) stride = (1 + rng.Next(3), 1 + rng.Next(3)), dilation = (1 + rng.Next(2), 1 + rng.Next(2)), padding = (rng.Next(2), rng.Next(2));
        Tensor x = Tensor.Uniform([2, c, 7 + rng.Next(4), 7 + rng.Next(4)], rng, -1, 1), w = Tensor.Uniform([o, c / groups, kh, kw], rng, -1, 1);
        var there = x.Conv2d(w, null, stride, padding, dilation, groups);
        var y = Tensor.Uniform(there.Shape, rng, -1, 1);
        // what the convolution's stride left over at the end
        var extra = (Rest(x.Shape[2], kh, stride.H, padding.H, dilation.H), Rest(x.Shape[3], kw, stride.W, padding.W, dilation.W));
        var back = y.ConvTranspose2d(w, null, stride, padding, extra, dilation, groups);
        Assert.Equal(x.Shape, back.Shape);
        Assert.Equal((there * y).Sum().Item(), (x * back).Sum().Item(), Tolerance * there.Size);
    });

    /// <summary>Groups are convolutions of their own, gradients included.</summary>
    [Fact, Trait("Width", "yes")]
    public void GroupsAreConvolutionsOfTheirOwn() => ForAll(rng =>
    {
        bool depthwise = rng.Next(2) == 0;
        int g = 2 + rng.Next(3), c = depthwise ? 1 : 1 + rng.Next(9), m = 1 + rng.Next(depthwise ? 2 : 9), kh = 1 + rng.Next(3), kw = 1 + rng.Next(4);
        (int H, int W) stride = (1 + rng.Next(3), 1 + rng.Next(5)), dilation = (1 + rng.Next(2), 1 + rng.Next(2)), padding = (rng.Next(3), rng.Next(3));
        Tensor x = Tensor.Uniform([2, g * c, 6 + rng.Next(9), 7 + rng.Next(60)], rng, -1, 1), w = Tensor.Uniform([g * m, c, kh, kw], rng, -1, 1), b = Tensor.Uniform([g * m], rng, -1, 1);
        using var tape = new Tape();
        foreach (var t in new[] { x, w, b }) { tape.Watch(t); }
        var all = x.Conv2d(w, b, stride, padding, dilation, g);
        var each = Tensor.Concat([.. Enumerable.Range(0, g).Select(i => x.Narrow(1, i * c, c).Conv2d(w.Narrow(0, i * m, m), b.Narrow(0, i * m, m), stride, padding, dilation))], 1);
        Near(each, all);
        var dy = Tensor.Uniform(all.Shape, rng, -1, 1);
        Gradients one = tape.Gradients(all, dy), two = tape.Gradients(each, dy);
        foreach (var t in new[] { x, w, b }) { Near(two[t], one[t]); }
    });

    [Fact]
    public void ACausalOutputSeesNothingLater() => ForAll(rng =>
    {
        int kernel = 1 + rng.Next(4), dilation = 1 + rng.Next(3), steps = 5 + rng.Next(10), at = rng.Next(steps);
        var conv = new DeepEdu.Nn.Conv1d(2, 3, kernel, rng, padding: DeepEdu.Nn.ConvPadding.Causal, dilation: dilation);
        Tensor x = Tensor.Uniform([1, 2, steps], rng, -1, 1), later = Tensor.Concat([x.Narrow(2, 0, at + 1), Tensor.Uniform([1, 2, steps - at - 1], rng, -1, 1)], 2);
        Tensor y = conv.Forward(x), other = conv.Forward(later);
        Assert.Equal(steps, y.Shape[2]);
        Near(y.Narrow(2, 0, at + 1), other.Narrow(2, 0, at + 1));
    });

    [Fact, Trait("Width", "yes")]
    public void MaxPoolingIsALoopOverWindows() => ForAll(rng =>
    {
        (int H, int W) kernel = (1 + rng.Next(4), 1 + rng.Next(4)), stride = (1 + rng.Next(3), 1 + rng.Next(3)), dilation = (1 + rng.Next(2), 1 + rng.Next(2)), pad = (rng.Next((kernel.H / 2) + 1), rng.Next((kernel.W / 2) + 1));
        int h = 8 + rng.Next(8), w = 8 + rng.Next(30);
        bool ceil = rng.Next(2) == 0;
        // few values: many equals, of which the first has the gradient
        var x = Tensor.Of([2, 1, h, w], [.. Enumerable.Range(0, 2 * h * w).Select(_ => rng.Next(9) is var v && v == 8 ? float.NegativeInfinity : v)]);
        float[] values = x.ToArray();
        using var tape = new Tape();
        var y = tape.Watch(x).MaxPool2d(kernel, stride, pad, dilation, ceil);
        float[] dx = tape.Gradients(y, Tensor.Ones(y.Shape))[x].ToArray(), counted = new float[dx.Length];
        for (int i = 0; i < y.Size; i++)
        {
            int ox = i % y.Shape[3], oy = i / y.Shape[3] % y.Shape[2], n = i / (y.Shape[3] * y.Shape[2]), where = -1;
            float best = float.NegativeInfinity;
            for (int t = 0; t < kernel.H * kernel.W; t++)
            {
                int iy = (oy * stride.H) + (t / kernel.W * dilation.H) - pad.H, ix = (ox * stride.W) + (t % kernel.W * dilation.W) - pad.W;
                if ((uint)iy >= (uint)h || (uint)ix >= (uint)w) { continue; }
                float v = values[(((n * h) + iy) * w) + ix];
                if (where < 0 || v > best) { (best, where) = (v, (((n * h) + iy) * w) + ix); }
            }
            Assert.Equal(best, y.AsSpan()[i]);
            if (where >= 0) { counted[where]++; }
        }
        Assert.Equal(counted, dx);
    }, 30);

    /// <summary>Max pooling of lines: windows side by side, apart or over each other, lines that they fill or not; the first of equals has the gradient, of several NaNs the last.</summary>
    [Fact, Trait("Width", "yes")]
    public void MaxPoolingOfLinesIsALoopOverThem() => ForAll(rng =>
    {
        int planes = 1 + rng.Next(60), k = 1 + rng.Next(10), stride = rng.Next(2) == 0 ? k : 1 + rng.Next(10), dilation = k == 1 || rng.Next(3) > 0 ? 1 : 2, pad = rng.Next(2) == 0 ? 0 : rng.Next((k / 2) + 1);
        int w = rng.Next(2) == 0 ? stride * ((dilation * k) + rng.Next(40)) : (dilation * k) + rng.Next(200);
        bool nan = rng.Next(2) == 0;
        var x = Tensor.Of([1, planes, w], [.. Enumerable.Range(0, planes * w).Select(_ => rng.Next(9) is var v && v == 8 ? float.NegativeInfinity : nan && rng.Next(60) == 0 ? float.NaN : v == 7 ? -0f : v - 3)]);
        float[] values = x.ToArray(), counted = new float[values.Length];
        using var tape = new Tape();
        var y = tape.Watch(x).MaxPool1d(k, stride, pad, dilation);
        Tensor alone = x.Detach().MaxPool1d(k, stride, pad, dilation);
        Assert.Equal(y.ToArray().Select(BitConverter.SingleToInt32Bits), alone.ToArray().Select(BitConverter.SingleToInt32Bits));
        float[] dx = tape.Gradients(y, Tensor.Ones(y.Shape))[x].ToArray();
        for (int i = 0; i < y.Size; i++)
        {
            int line = i / y.Shape[2] * w, where = -1;
            for (int t = 0; t < k; t++)
            {
                int at = (i % y.Shape[2] * stride) + (t * dilation) - pad;
                if ((uint)at < (uint)w && (where < 0 || values[line + at] > values[where] || float.IsNaN(values[line + at]))) { where = line + at; }
            }
            Assert.Equal(where < 0 ? float.NegativeInfinity : values[where], y.AsSpan()[i]);
            if (where >= 0) { counted[where]++; }
        }
        Assert.Equal(counted, dx);
    });

    /// <summary>Windows that are whole planes, whole lines or pieces of a line, with values that repeat and a NaN now and then: the first of equals has the gradient, of several NaNs the last.</summary>
    [Fact, Trait("Width", "yes")]
    public void PoolingByRunsIsALoopOverThem() => ForAll(rng =>
    {
        int planes = 1 + rng.Next(9), down = 1 + rng.Next(3), across = 1 + rng.Next(3), run = 16 + rng.Next(60);
        // [planes, H, W] and the window's height
        var (h, w, kh, kw) = rng.Next(3) switch { 0 => (down * 4, run, 4, run), 1 => (down, across * run, 1, run), _ => (7, 1 + (run / 7), 7, 1 + (run / 7)) };
        if (kh * kw < 16) { return; }
        bool nan = rng.Next(2) == 0;
        var x = Tensor.Of([planes, 1, h, w], [.. Enumerable.Range(0, planes * h * w).Select(_ => rng.Next(9) is var v && v == 8 ? float.NegativeInfinity : nan && rng.Next(60) == 0 ? float.NaN : v)]);
        float[] values = x.ToArray(), dmax = new float[values.Length];
        using var tape = new Tape();
        tape.Watch(x);
        Tensor max = x.MaxPool2d((kh, kw)), mean = x.AvgPool2d((kh, kw));
        Assert.Equal([planes, 1, h / kh, w / kw], max.Shape.Sizes.ToArray());
        float[] dx = tape.Gradients(max, Tensor.Ones(max.Shape))[x].ToArray(), shares = tape.Gradients(mean, Tensor.Ones(mean.Shape))[x].ToArray();
        for (int i = 0; i < max.Size; i++)
        {
            int n = kh * kw, first = i * n, where = first;
            for (int j = first; j < first + n; j++) { if (values[j] > values[where] || float.IsNaN(values[j])) { where = j; } }
            Assert.Equal(values[where], max.AsSpan()[i]);
            dmax[where]++;
            double sum = values.Skip(first).Take(n).Sum(v => (double)v);
            Assert.Equal(sum / n, mean.AsSpan()[i], 1e-5);
        }
        Assert.Equal(dmax, dx);
        Assert.All(shares, d => Assert.Equal(1f / (kh * kw), d));
    });

    /// <summary>Masked pooling over time is a loop over rows cut to their lengths; what stands in the padding does not matter and has no gradient.</summary>
    [Fact]
    public void PoolingOverTimeIsALoopOverRows() => ForAll(rng =>
    {
        int n = 1 + rng.Next(5), steps = 1 + rng.Next(7), c = 1 + rng.Next(5);
        bool left = rng.Next(2) == 0, mean = rng.Next(2) == 0;
        int[] lengths = [.. Enumerable.Range(0, n).Select(_ => rng.Next(steps + 1))];
        var x = Tensor.Uniform([n, steps, c], rng, -1, 1);
        float[] mask = new float[n * steps];
        for (int i = 0; i < n; i++)
        {
            int first = left ? steps - lengths[i] : 0;
            mask.AsSpan((i * steps) + first, lengths[i]).Fill(1);
            for (int t = 0; t < steps; t++) { if (mask[(i * steps) + t] == 0) { x.AsSpan().Slice(((i * steps) + t) * c, c).Fill(float.NaN); } }
        }
        using var tape = new Tape();
        tape.Watch(x);
        var y = mean ? x.MeanOverTime(lengths, left) : x.MaxOverTime(lengths, left);
        var byMask = mean ? x.MeanOverTime(Tensor.Of([n, steps], mask)) : x.MaxOverTime(Tensor.Of([n, steps], mask));
        Assert.Equal(y.ToArray(), byMask.ToArray());
        float[] dx = tape.Gradients(y, Tensor.Ones(y.Shape))[x].ToArray();
        for (int i = 0; i < n; i++)
        {
            if (lengths[i] == 0) { Assert.All(y[i].ToArray(), v => Assert.Equal(0, v)); }
            else
            {
                var row = x[i].Narrow(0, left ? steps - lengths[i] : 0, lengths[i]);
                Near(mean ? row.Mean(0) : row.Max(0), y[i]);
            }
            for (int t = 0; t < steps; t++)
            {
                float[] d = dx[(((i * steps) + t) * c)..(((i * steps) + t + 1) * c)];
                if (mask[(i * steps) + t] == 0) { Assert.All(d, v => Assert.Equal(0, v)); }
                else if (mean) { Assert.All(d, v => Assert.Equal(1f / lengths[i], v, 1e-6f)); }
            }
        }
    });

    private static int Rest(int n, int kernel, int stride, int padding, int dilation) => (n + (2 * padding) - (dilation * (kernel - 1)) - 1) % stride;

    private static void Near(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        OpCatalogTests.Near(expected.ToArray(), actual.ToArray(), Tolerance, "law");
    }

    private static void ForAll(Action<Rng> law, int times = 60) =>
        Properties.Hold(times, Prop.ForAll(Gen.Choose(0, 1 << 20).ToArbitrary(), seed => law(new Rng((ulong)seed))));
}
