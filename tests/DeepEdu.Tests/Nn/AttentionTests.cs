using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Nn;

/// <summary>What PyTorch's numbers do not show: causality, the cache, hidden keys, initial values, errors.</summary>
[Collection("process settings")]
public class AttentionTests
{
    // rounding: the same sums in another order, of values around 1
    private const float Rounding = 2e-5f;

    [Fact]
    public void LaterTokensNeverChangeEarlierOutputs() => ForAll(40, (seed, steps, changed) =>
    {
        var rng = new Rng(seed);
        int t = 2 + (steps % 120), from = 1 + (changed % (t - 1));
        var layer = new TransformerEncoderLayer(12, 3, rng, 16, 0, normFirst: true, rotary: new(128, 4));
        var x = Tensor.Normal([2, t, 12], rng);
        var y = layer.Forward(x, AttentionMask.Past);
        var other = Tensor.Of(x.Shape, x.ToArray());
        for (int b = 0; b < 2; b++) { other.AsSpan().Slice(((b * t) + from) * 12, (t - from) * 12).Fill(1e3f); }
        var z = layer.Forward(other, AttentionMask.Past);
        // the very same bits: a hidden weight is 0, not small
        for (int b = 0; b < 2; b++) { Assert.Equal(y[b].ToArray()[..(from * 12)], z[b].ToArray()[..(from * 12)]); }
    });

    /// <summary>Products of nothing are 0, so every key weighs the same.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    public void QueriesOfNoWidthGetTheMean(int steps)
    {
        using var tape = new Tape();
        Dirty(steps);
        Tensor q = tape.Watch(Tensor.Zeros([2, steps, 0])), k = tape.Watch(Tensor.Zeros([2, 5, 0])), v = tape.Watch(Tensor.Normal([2, 5, 3], new Rng(1)));
        var y = q.Attention(k, v);
        var g = tape.Gradients(y.Sum());
        Assert.All(v.Mean(1, keepDims: true).BroadcastTo(y.Shape).ToArray().Zip(y.ToArray()), p => Assert.Equal(p.First, p.Second, Rounding));
        Assert.All(g[v].ToArray(), d => Assert.Equal(steps / 5f, d, steps * Rounding));
        Assert.Equal((q.Shape, k.Shape), (g[q].Shape, g[k].Shape));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    public void FromValuesOfNoWidthNothingIsLearned(int steps)
    {
        using var tape = new Tape();
        Dirty(steps);
        Tensor q = tape.Watch(Tensor.Normal([2, steps, 4], new Rng(1))), k = tape.Watch(Tensor.Normal([2, 5, 4], new Rng(2)));
        var g = tape.Gradients(q.Attention(k, Tensor.Zeros([2, 5, 0])).Sum());
        Assert.All(g[q].ToArray().Concat(g[k].ToArray()), d => Assert.Equal(0, d));
    }

    // other numbers in the working memory
    private static void Dirty(int steps)
    {
        using var tape = new Tape();
        var x = tape.Watch(Tensor.Normal([1, steps, 8], new Rng(3)));
        tape.Gradients(x.Attention(x, x, 2).Square().Sum());
    }

    /// <summary>Scores are counted in 64 bits: a weight's random number may be one beyond 2³¹.</summary>
    [Fact]
    public void DropoutCountsBeyondThirtyTwoBits()
    {
        const int Steps = 65_536;
        var rng = new Rng(3);
        using var tape = new Tape();
        var x = Tensor.Ones([Steps, 1]);
        var y = x.Attention(x, x, mask: new() { Lengths = Indices.Full([], 1) }, dropout: 0.5f, rng: rng);
        Assert.Equal((ulong)Steps * Steps, rng.Position);
        float[] values = y.ToArray();
        for (int i = 0; i < Steps; i += 4095) { Assert.Equal(Rng.UniformAt(3, 0, (ulong)i * Steps) < 0.5f ? 0 : 2, values[i]); }
    }

    [Fact]
    public void PaddingIsNeverReadAndGetsNoGradient() => ForAll(40, (seed, keys, counted) =>
    {
        var rng = new Rng(seed);
        int t = 1 + (keys % 130), n = counted % (t + 1);
        using var tape = new Tape();
        Tensor q = tape.Watch(Tensor.Normal([1, 70, 6], rng)), k = Tensor.Normal([1, t, 6], rng), v = Tensor.Normal([1, t, 6], rng);
        var mask = new AttentionMask { Lengths = Indices.Of(n) };
        var alone = n == 0 ? Tensor.Zeros([1, 70, 6]) : q.Attention(k.Narrow(1, 0, n), v.Narrow(1, 0, n), 2);
        k.AsSpan()[(n * 6)..].Fill(float.NaN);
        v.AsSpan()[(n * 6)..].Fill(float.NaN);
        tape.Watch(k);
        tape.Watch(v);
        var y = q.Attention(k, v, 2, mask);
        Near(alone, y);
        var g = tape.Gradients(y, Tensor.Normal(y.Shape, rng));
        Assert.All(g[k].ToArray()[(n * 6)..], d => Assert.Equal(0, d));
        Assert.All(g[v].ToArray()[(n * 6)..], d => Assert.Equal(0, d));
        Assert.All(g[q].ToArray(), d => Assert.True(n == 0 ? d == 0 : float.IsFinite(d)));
    });

    // keys behind the last that any query sees: what another call left in the working memory there is not read
    [Theory]
    [InlineData(23, 48, 0, 65)]
    [InlineData(7, 64, 0, 8)]
    [InlineData(70, 200, 3, 16)]
    public void KeysBehindAllQueriesHaveNoGradient(int queries, int keys, int offset, int width)
    {
        var rng = new Rng(5);
        Tensor q = Tensor.Normal([1, queries, width], rng), k = Tensor.Normal([1, keys, width], rng), v = Tensor.Normal([1, keys, width], rng), dy = Tensor.Normal(q.Shape, rng);
        int threads = DeepEduOptions.MaxThreads;
        try
        {
            DeepEduOptions.MaxThreads = 1;
            Tensor none = Tensor.Full([1, 96, width], float.NaN);
            Pulled(none, none, none, default, none);
            var g = Pulled(q, k, v, new() { Causal = true, Offset = offset }, dy);
            int seen = queries + offset;
            var near = Pulled(q, k.Narrow(1, 0, seen), v.Narrow(1, 0, seen), new() { Causal = true, Offset = offset }, dy);
            for (int i = 0; i < 3; i++)
            {
                OpCatalogTests.Near(near[i], g[i][..near[i].Length], Rounding, $"gradient {i}");
                Assert.All(g[i][near[i].Length..], d => Assert.Equal(0, d));
            }
        }
        finally { DeepEduOptions.MaxThreads = threads; }
    }

    [Fact]
    public void CacheIsTheWholeSequence() => ForAll(30, (seed, first, norm) =>
    {
        var rng = new Rng(seed);
        const int Steps = 23;
        var stack = new TransformerEncoder(() => new(12, 3, rng, 16, 0, new Gelu(), normFirst: norm % 2 == 0, rotary: new(32, 4)), 2, new LayerNorm(12));
        var x = Tensor.Normal([2, Steps, 12], rng);
        var whole = stack.Forward(x, AttentionMask.Past);
        var cache = stack.NewCache(2, Steps);
        var parts = new List<Tensor>();
        for (int at = 0, n = 1 + (first % Steps); at < Steps; at += n, n = 1) { parts.Add(stack.Forward(x.Narrow(1, at, n), cache)); }
        Assert.Equal(Steps, cache.Length);
        Near(whole, Tensor.Concat([.. parts], 1));
        Assert.Throws<InvalidOperationException>(() => stack.Forward(x.Narrow(1, 0, 1), cache));
        cache.Reset(4);
        Near(whole.Narrow(1, 4, 1), stack.Forward(x.Narrow(1, 4, 1), cache));
    });

    [Fact]
    public void DecoderCacheIsTheWholeSequence() => ForAll(20, (seed, _, norm) =>
    {
        var rng = new Rng(seed);
        var stack = new TransformerDecoder(() => new(12, 3, rng, 16, 0, normFirst: norm % 2 == 0), 2, new LayerNorm(12));
        Tensor x = Tensor.Normal([2, 9, 12], rng), memory = Tensor.Normal([2, 5, 12], rng);
        var seen = new AttentionMask { Lengths = Indices.Of(5, 3) };
        var whole = stack.Forward(x, memory, memoryMask: seen);
        var cache = stack.NewCache(2, 9);
        var parts = Enumerable.Range(0, 9).Select(i => stack.Forward(x.Narrow(1, i, 1), memory, cache, memoryMask: seen)).ToArray();
        Near(whole, Tensor.Concat(parts, 1));
        // a new sequence has a new memory
        cache.Reset();
        var other = Tensor.Normal([2, 5, 12], rng);
        Near(stack.Forward(x, other).Narrow(1, 0, 1), stack.Forward(x.Narrow(1, 0, 1), other, cache));
    });

    /// <summary>What a beam search does: after each step the sequences go on from some of those before, one of them perhaps twice.</summary>
    [Fact]
    public void AReorderedCacheGoesOnFromOtherSequences() => ForAll(20, (seed, _, norm) =>
    {
        var rng = new Rng(seed);
        const int Beams = 3, Steps = 6;
        var stack = new TransformerDecoder(() => new(12, 3, rng, 16, 0, normFirst: norm % 2 == 0), 2);
        Tensor x = Tensor.Normal([Beams, Steps, 12], rng), memory = Tensor.Normal([Beams, 5, 12], rng);
        var cache = stack.NewCache(Beams, Steps);
        // what each beam has seen, and of which memory
        Tensor seen = Tensor.Zeros([Beams, 0, 12]), own = memory;
        Tensor y = x;
        for (int i = 0; i < Steps; i++)
        {
            var next = x.Narrow(1, i, 1);
            y = stack.Forward(next, memory, cache);
            seen = Tensor.Concat([seen, next], 1);
            if (i == Steps - 1) { break; }
            var from = Indices.Uniform([Beams], rng, 0, Beams);
            cache.Reorder(from);
            (seen, own) = (seen.IndexSelect(0, from), own.IndexSelect(0, from));
        }
        Near(stack.Forward(seen, own).Narrow(1, Steps - 1, 1), y);
    });

    /// <summary>A step allocates tensors, but no memory for values: that comes from the cache and the pool, and as much at step 400 as at step 20.</summary>
    [Fact]
    public void StepsAllocateNoMoreAsTheCacheFills()
    {
        var rng = new Rng(1);
        var layer = new MultiHeadAttention(32, 4, rng);
        var cache = layer.NewCache(1, 512);
        var x = Tensor.Normal([1, 1, 32], rng);
        long Step()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            using var arena = new Arena();
            layer.Forward(x, cache);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        for (int i = 0; i < 20; i++) { Step(); }
        long early = Step();
        for (int i = 0; i < 400; i++) { Step(); }
        Assert.Equal(early, Step());
        Assert.InRange(early, 0, 4096);
    }

    [Fact]
    public void InitialValuesAreThoseOfPyTorch()
    {
        const int Width = 96;
        var parameters = new MultiHeadAttention(Width, 4, new Rng(3)).Parameters().ToDictionary(p => p.Name, p => p.Value.ToArray());
        Uniform(parameters["in_proj_weight"], MathF.Sqrt(6f / (4 * Width)));
        Uniform(parameters["out_proj.weight"], MathF.Sqrt(1f / Width));
        Assert.All(parameters["in_proj_bias"], b => Assert.Equal(0, b));
        Assert.All(parameters["out_proj.bias"], b => Assert.Equal(0, b));
        parameters = new MultiHeadAttention(Width, 4, new Rng(3), keyWidth: 64, valueWidth: 32).Parameters().ToDictionary(p => p.Name, p => p.Value.ToArray());
        Uniform(parameters["q_proj_weight"], MathF.Sqrt(6f / (2 * Width)));
        Uniform(parameters["k_proj_weight"], MathF.Sqrt(6f / (Width + 64)));
        Uniform(parameters["v_proj_weight"], MathF.Sqrt(6f / (Width + 32)));
        float[] positions = new LearnedPositions(64, 64, new Rng(3)).Weight.ToArray();
        Assert.Equal(0.02, Math.Sqrt(positions.Average(p => p * (double)p)), 1e-3);

        static void Uniform(float[] w, float bound)
        {
            Assert.All(w, v => Assert.InRange(v, -bound, bound));
            // 3000 and more values: the deviation of the mean is bound/√(3·3000), of the mean square about as small
            Assert.Equal(0, w.Average() / bound, 0.04);
            Assert.Equal(1 / 3.0, w.Average(v => v * (double)v) / bound / bound, 0.02);
        }
    }

    /// <summary>Rotated queries and keys meet by their distance alone: Su et al. 2021, eq. 14.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RotaryProductsDependOnDistance(bool halves)
    {
        var rng = new Rng(2);
        var rotary = new RotaryPositions(100, 8, halves: halves);
        Tensor q = Tensor.Normal([1, 8], rng), k = Tensor.Normal([1, 8], rng);
        float Product(int a, int b) => (rotary.Forward(q, past: a) * rotary.Forward(k, past: b)).Sum().Item();
        Assert.Equal(Product(0, 7), Product(80, 87), 1e-4f);
        Assert.NotEqual(Product(0, 7), Product(0, 8), 1e-3f);
        Assert.Throws<ShapeException>(() => rotary.Forward(q, past: 100));
    }

    [Fact]
    public void DropoutLeavesWeightsOutWhileLearning()
    {
        var rng = new Rng(2);
        Tensor q = Tensor.Normal([1, 40, 4], rng), k = Tensor.Normal([1, 50, 4], rng), v = Tensor.Eye(50).Reshape([1, 50, 50]);
        var weights = q.Attention(k, v);
        Assert.Equal(weights.ToArray(), q.Attention(k, v, dropout: 0.3f, rng: rng).ToArray());
        using var tape = new Tape();
        ulong before = rng.Position;
        float[] y = q.Attention(k, v, dropout: 0.3f, rng: rng).ToArray(), w = weights.ToArray();
        Assert.Equal(before + 2000, rng.Position);
        // 2000 draws: the share's deviation is 0.01
        Assert.Equal(0.3, y.Count(p => p == 0) / 2000.0, 0.04);
        for (int i = 0; i < y.Length; i++) { if (y[i] != 0) { Assert.Equal(w[i] / 0.7f, y[i], 1e-5f); } }
    }

    [Fact]
    public void ErrorsNameShapesAndFix()
    {
        var rng = new Rng(1);
        Tensor q = Tensor.Zeros([2, 3, 8]), k = Tensor.Zeros([2, 4, 8]), v = Tensor.Zeros([2, 5, 8]);
        Says<ShapeException>("k [2,4,8], v [2,5,8]", () => q.Attention(k, v));
        Says<ShapeException>("3 heads do not divide", () => q.Attention(k, k, 3));
        Says<ShapeException>("[2,3,8] with 1 heads", () => q.SelfAttention(1));
        Says<ShapeException>("mask scores [3,5] do not broadcast to the scores [2,1,3,4]", () => q.Attention(k, k, mask: new() { Scores = Tensor.Zeros([3, 5]) }));
        Says<ShapeException>("mask lengths [3], but [2] is needed", () => q.Attention(k, k, mask: new() { Lengths = Indices.Of(1, 2, 3) }));
        Says<ShapeException>("mask keys [2,3], but [2,4] is needed", () => q.Attention(k, k, mask: new() { Keys = Tensor.Zeros([2, 3]) }));
        Says<ArgumentOutOfRangeException>("index 5", () => q.Attention(k, k, mask: new() { Lengths = Indices.Of(1, 5) }));
        Says<ArgumentOutOfRangeException>("1.5", () => q.Attention(k, k, dropout: 1.5f, rng: rng));
        Says<ArgumentOutOfRangeException>("-1 keys before", () => q.Attention(k, k, mask: new() { Causal = true, Offset = -1 }));
        Says<ArgumentException>("3 heads do not divide the width 8", () => _ = new MultiHeadAttention(8, 3, rng));
        Says<ArgumentException>("heads of 6, but a head has 8 / 2 = 4", () => _ = new MultiHeadAttention(8, 2, rng, rotary: new(5, 6)));
        Says<ArgumentException>("do not come in pairs", () => _ = new RotaryPositions(5, 3));
        Says<ShapeException>("query [2,3,8], key [2,4,8], value [2,5,8]", () => new MultiHeadAttention(8, 2, rng).Forward(q, k, v));
        Says<ShapeException>("end within 2 places", () => new SinusoidalPositions(2, 8).Forward(q));
        Says<InvalidOperationException>("made by another stack", () => new TransformerEncoder(() => new(8, 2, rng, 8), 2).Forward(q, new TransformerEncoder(() => new(8, 2, rng, 8), 1).NewCache(2, 9)));
        var layer = new MultiHeadAttention(8, 2, rng);
        Says<ShapeException>("for a cache of 1 sequences of width 8: [1, n, 24] is needed", () => layer.Forward(q, layer.NewCache(1, 9)));
        Says<ShapeException>("reorder by [3], but the cache has 2 sequences", () => layer.NewCache(2, 9).Reorder(Indices.Of(0, 0, 1)));
        Says<ArgumentOutOfRangeException>("index 2 at position 1", () => layer.NewCache(2, 9).Reorder(Indices.Of(0, 2)));
        Says<InvalidOperationException>("0 of 2 steps are there, 3 more do not fit", () => layer.Forward(q, layer.NewCache(2, 2)));
        using var tape = new Tape();
        Says<InvalidOperationException>("without a tape", () => layer.Forward(q, layer.NewCache(2, 9)));
    }

    /// <summary>No queries, no keys, no sequences: shapes hold, and nothing is read.</summary>
    [Theory]
    [InlineData(0, 3, 4)]
    [InlineData(2, 0, 4)]
    [InlineData(2, 3, 0)]
    public void EmptyIsLegal(int batch, int queries, int keys)
    {
        using var tape = new Tape();
        Tensor q = tape.Watch(Tensor.Ones([batch, queries, 6])), k = tape.Watch(Tensor.Ones([batch, keys, 6])), v = tape.Watch(Tensor.Ones([batch, keys, 6]));
        var y = q.Attention(k, v, 2);
        Assert.Equal([batch, queries, 6], y.Shape);
        Assert.All(y.ToArray(), p => Assert.Equal(0, p));
        var g = tape.Gradients(y, Tensor.Ones(y.Shape));
        Assert.All(g[q].ToArray().Concat(g[k].ToArray()).Concat(g[v].ToArray()), d => Assert.Equal(0, d));
    }

    /// <summary>A session reads lengths anew each call, and its transposed weights (16 rows and more) give the same bits.</summary>
    [Fact]
    public void SessionsFollowLengths()
    {
        var rng = new Rng(4);
        var layer = new TransformerEncoderLayer(12, 3, rng, 20, 0, normFirst: true);
        var session = new InferenceSession(i => layer.Forward(i.Tensor([2, 20, 12]), new AttentionMask { Lengths = i.Indices([2]) }));
        foreach (int[] lengths in (int[][])[[20, 20], [3, 20], [20, 0]])
        {
            var x = Tensor.Normal([2, 20, 12], rng);
            using var call = session.Begin();
            call.Set(0, x.ToArray());
            call.Set(1, lengths);
            call.Run();
            Assert.Equal(layer.Forward(x, new AttentionMask { Lengths = Indices.Of(lengths) }).ToArray(), call.Output(0).ToArray());
        }
    }

    private static void ForAll(int tests, Action<byte, byte, byte> holds) => Properties.Hold(tests,
        Prop.ForAll(Gen.Choose(0, 255).ArrayOf(3).ToArbitrary(), v => holds((byte)v[0], (byte)v[1], (byte)v[2])));

    private static void Says<E>(string part, Action act) where E : Exception => Assert.Contains(part, Assert.Throws<E>(act).Message, StringComparison.Ordinal);

    private static void Near(Tensor want, Tensor got)
    {
        Assert.Equal(want.Shape, got.Shape);
        float[] a = want.ToArray(), b = got.ToArray();
        for (int i = 0; i < a.Length; i++) { Assert.True(MathF.Abs(a[i] - b[i]) <= Rounding * (1 + MathF.Abs(a[i])), $"value {i}: {b[i]} instead of {a[i]}"); }
    }

    /// <summary>Scores around 145, where a float's last place is 10⁻⁵: with keys of one block or of several, gradients are as near to double precision as scores are.</summary>
    [Theory]
    [InlineData(40, 40)]
    [InlineData(40, 64)]
    [InlineData(40, 150)]
    [InlineData(130, 60)]
    public void LargeScoresHaveGradientsOfDoublePrecision(int queries, int keys)
    {
        const int Width = 8;
        for (ulong seed = 0; seed < 6; seed++)
        {
            var rng = new Rng(seed);
            Tensor q = Tensor.Normal([1, queries, Width], rng, 0, 5), k = Tensor.Normal([1, keys, Width], rng, 0, 5), v = Tensor.Normal([1, keys, Width], rng), dy = Tensor.Normal([1, queries, Width], rng);
            Exact(q.ToArray(), k.ToArray(), v.ToArray(), dy.ToArray(), queries, keys, Width, out double largest);
            q *= (float)(145 / largest);
            float[][] ours = Pulled(q, k, v, default, dy);
            double[][] exact = Exact(q.ToArray(), k.ToArray(), v.ToArray(), dy.ToArray(), queries, keys, Width, out _);
            for (int g = 0; g < 3; g++)
            {
                double size = exact[g].Max(Math.Abs), off = exact[g].Zip(ours[g], (e, o) => Math.Abs(e - o)).Max();
                Assert.True(off < 8e-6 * Math.Max(size, 4), $"seed {seed}, gradient {g}: off by {off:g3} of {size:g3}");
            }
        }
    }

    private static double[][] Exact(float[] q, float[] k, float[] v, float[] dy, int queries, int keys, int width, out double largest)
    {
        double[] dq = new double[q.Length], dk = new double[k.Length], dv = new double[v.Length];
        double scale = 1 / Math.Sqrt(width);
        largest = 0;
        for (int i = 0; i < queries; i++)
        {
            double[] p = new double[keys], d = new double[keys];
            for (int j = 0; j < keys; j++)
            {
                for (int c = 0; c < width; c++)
                {
                    p[j] += scale * q[(i * width) + c] * k[(j * width) + c];
                    d[j] += (double)dy[(i * width) + c] * v[(j * width) + c];
                }
            }
            largest = Math.Max(largest, p.Max(Math.Abs));
            double max = p.Max(), sum = p.Sum(s => Math.Exp(s - max)), delta = 0;
            for (int j = 0; j < keys; j++)
            {
                p[j] = Math.Exp(p[j] - max) / sum;
                delta += p[j] * d[j];
            }
            for (int j = 0; j < keys; j++)
            {
                double ds = scale * p[j] * (d[j] - delta);
                for (int c = 0; c < width; c++)
                {
                    dq[(i * width) + c] += ds * k[(j * width) + c];
                    dk[(j * width) + c] += ds * q[(i * width) + c];
                    dv[(j * width) + c] += p[j] * dy[(i * width) + c];
                }
            }
        }
        return [dq, dk, dv];
    }

    private static float[][] Pulled(Tensor q, Tensor k, Tensor v, AttentionMask mask, Tensor dy)
    {
        using var tape = new Tape();
        Tensor[] leaves = [tape.Watch(q.Detach()), tape.Watch(k.Detach()), tape.Watch(v.Detach())];
        var g = tape.Gradients(leaves[0].Attention(leaves[1], leaves[2], mask: mask), dy);
        return Array.ConvertAll(leaves, leaf => g[leaf].ToArray());
    }
}
