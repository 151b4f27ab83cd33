using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

/// <summary>The fused LSTM against its equations composed of other operations, one sequence and one step at a time.</summary>
[Collection("alone")]
public sealed class LstmOpTests
{
    // the gates' rational tanh is off by up to 3e-7, a gradient adds up some hundred of them
    private const float Tolerance = 1e-5f;

    private sealed record Sizes(int Batch, int Steps, int Inputs, int Hidden, int Projection, bool BatchFirst, bool PadLeft, bool Reverse, bool Bias, bool State, bool Mask, int[]? Lengths)
    {
        public int Width => Projection > 0 ? Projection : Hidden;

        public static Sizes Draw(Rng rng)
        {
            int batch = rng.Next(1, 14), steps = rng.Next(1, 7), hidden = rng.Next(2, 38);
            bool Coin() => rng.Next(2) == 0;
            int[]? lengths = Coin() ? [.. Enumerable.Range(0, batch).Select(_ => rng.Next(steps + 1))] : null;
            return new(batch, steps, rng.Next(1, 20), hidden, Coin() ? rng.Next(1, hidden) : 0, Coin(), Coin(), Coin(), Coin(), Coin(), Coin(), lengths);
        }
    }

    // x, Wi, Wh, bi, bh, h0, c0, Wr, mask
    private static Tensor?[] Inputs(Sizes s, Rng rng)
    {
        Tensor New(params ReadOnlySpan<int> sizes) => Tensor.Uniform(Shape.Create(sizes), rng, -0.6f, 0.6f);
        return [
            s.BatchFirst ? New(s.Batch, s.Steps, s.Inputs) : New(s.Steps, s.Batch, s.Inputs), New(4 * s.Hidden, s.Inputs), New(4 * s.Hidden, s.Width),
            s.Bias ? New(4 * s.Hidden) : null, s.Bias ? New(4 * s.Hidden) : null, s.State ? New(s.Batch, s.Width) : null, s.State ? New(s.Batch, s.Hidden) : null,
            s.Projection > 0 ? New(s.Projection, s.Hidden) : null, s.Mask ? New(s.Batch, s.Width) : null];
    }

    private static LstmResult Fused(Sizes s, Tensor?[] p) =>
        p[0]!.Lstm(p[1]!, p[2]!, p[3], p[4], p[5], p[6], s.Lengths is null ? null : Indices.Of(s.Lengths), s.BatchFirst, s.PadLeft, s.Reverse, p[7], p[8]);

    private static LstmResult Composed(Sizes s, Tensor?[] p)
    {
        var x = s.BatchFirst ? p[0]! : p[0]!.Transpose(0, 1);
        Tensor[] ys = new Tensor[s.Batch], hs = new Tensor[s.Batch], cs = new Tensor[s.Batch];
        for (int r = 0; r < s.Batch; r++)
        {
            int length = s.Lengths?[r] ?? s.Steps, skip = s.PadLeft ? s.Steps - length : 0;
            var h = p[5]?.Narrow(0, r, 1) ?? Tensor.Zeros([1, s.Width]);
            var c = p[6]?.Narrow(0, r, 1) ?? Tensor.Zeros([1, s.Hidden]);
            var y = new Tensor[s.Steps];
            Array.Fill(y, Tensor.Zeros([1, s.Width]));
            for (int i = 0; i < length; i++)
            {
                int t = skip + (s.Reverse ? length - 1 - i : i);
                var before = p[8] is null ? h : h * p[8]!.Narrow(0, r, 1);
                var gates = x.Narrow(0, r, 1).Narrow(1, t, 1).Reshape(1, s.Inputs).MatMul(p[1]!, transB: true) + before.MatMul(p[2]!, transB: true);
                if (p[3] is not null) { gates = gates + p[3]! + p[4]!; }
                var g = gates.Chunk(4, 1);
                c = (g[1].Sigmoid() * c) + (g[0].Sigmoid() * g[2].Tanh());
                h = g[3].Sigmoid() * c.Tanh();
                if (p[7] is not null) { h = h.MatMul(p[7]!, transB: true); }
                y[t] = h;
            }
            (ys[r], hs[r], cs[r]) = (Tensor.Concat(y, 0), h, c);
        }
        var all = Tensor.Stack(ys);
        return new(s.BatchFirst ? all : all.Transpose(0, 1), Tensor.Concat(hs, 0), Tensor.Concat(cs, 0));
    }

    // outputs, then the gradient of each input but the mask, of a sum of all outputs with random weights
    private static List<float[]> Differentiate(Func<LstmResult> run, Tensor?[] p)
    {
        using var tape = new Tape();
        Tensor[] leaves = [.. p.Take(8).OfType<Tensor>()];
        foreach (var leaf in leaves) { tape.Watch(leaf); }
        var result = run();
        Tensor[] outputs = [result.Output, result.H, result.C];
        var rng = new Rng(99);
        var loss = outputs.Select(y => (y * Tensor.Uniform(y.Shape, rng, -1, 1)).Sum()).Aggregate((a, b) => a + b);
        var gradients = tape.Gradients(loss);
        return [.. outputs.Select(y => y.ToArray()), .. leaves.Select(x => gradients.Find(x)?.ToArray() ?? new float[x.Size])];
    }

    [Theory, Trait("Width", "yes")]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void EqualsItsEquations(ulong seed)
    {
        var rng = new Rng(seed);
        for (int i = 0; i < 12; i++)
        {
            var s = Sizes.Draw(rng);
            var p = Inputs(s, rng);
            var fused = Differentiate(() => Fused(s, p), p);
            var composed = Differentiate(() => Composed(s, p), p);
            for (int k = 0; k < fused.Count; k++)
            {
                for (int j = 0; j < fused[k].Length; j++)
                {
                    float wanted = composed[k][j];
                    Assert.True(Math.Abs(fused[k][j] - wanted) <= Tolerance * Math.Max(1, Math.Abs(wanted)), $"{s}: result {k}, value {j} is {fused[k][j]}, not {wanted}");
                }
            }
        }
    }

    [Fact]
    public void GradientsAgreeWithFiniteDifferences()
    {
        var s = new Sizes(4, 3, 3, 5, 3, true, false, true, true, true, true, [3, 0, 2, 1]);
        var p = Inputs(s, new Rng(5));
        GradCheck.Check(x =>
        {
            var r = Fused(s, [.. x, p[8]]);
            return Tensor.Concat([r.Output.Flatten(), r.H.Flatten(), r.C.Flatten()]);
        }, [.. p.Take(8).OfType<Tensor>()]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnyNumberOfThreadsGivesTheSameBits(bool ragged)
    {
        var rng = new Rng(3);
        int[]? lengths = ragged ? [.. Enumerable.Range(0, 37).Select(i => i * 7 % 21)] : null;
        var s = new Sizes(37, 20, 24, 70, 0, true, true, false, true, true, false, lengths);
        var p = Inputs(s, rng);
        int before = DeepEduOptions.MaxThreads;
        try
        {
            List<float[]>? wanted = null;
            foreach (int threads in new[] { 1, 2, 8 })
            {
                DeepEduOptions.MaxThreads = threads;
                var got = Differentiate(() => Fused(s, p), p);
                wanted ??= got;
                for (int k = 0; k < got.Count; k++) { Assert.True(wanted[k].AsSpan().SequenceEqual(got[k]), $"result {k} on {threads} threads"); }
            }
        }
        finally { DeepEduOptions.MaxThreads = before; }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PaddingIsNeitherReadNorLearned(bool left)
    {
        var s = new Sizes(5, 6, 4, 18, 0, true, left, false, true, true, false, [6, 0, 3, 1, 5]);
        var p = Inputs(s, new Rng(8));
        var clean = Differentiate(() => Fused(s, p), p);
        int size = s.Inputs;
        for (int r = 0; r < s.Batch; r++)
        {
            for (int t = 0; t < s.Steps; t++)
            {
                if (IsPadding(s, r, t)) { p[0]!.AsSpan().Slice(((r * s.Steps) + t) * size, size).Fill(float.NaN); }
            }
        }
        var dirty = Differentiate(() => Fused(s, p), p);
        for (int k = 0; k < clean.Count; k++) { Assert.Equal(clean[k], dirty[k]); }
        for (int r = 0; r < s.Batch; r++)
        {
            for (int t = 0; t < s.Steps; t++)
            {
                if (!IsPadding(s, r, t)) { continue; }
                Assert.All(clean[0].AsSpan(((r * s.Steps) + t) * s.Hidden, s.Hidden).ToArray(), y => Assert.Equal(0, y));
                Assert.All(clean[3].AsSpan(((r * s.Steps) + t) * size, size).ToArray(), dx => Assert.Equal(0, dx));
            }
        }
        Assert.Equal(p[5]!.ToArray()[s.Hidden..(2 * s.Hidden)], clean[1][s.Hidden..(2 * s.Hidden)]); // no step: the initial state
        Assert.Equal(p[6]!.ToArray()[s.Hidden..(2 * s.Hidden)], clean[2][s.Hidden..(2 * s.Hidden)]);
    }

    private static bool IsPadding(Sizes s, int r, int t) => s.PadLeft ? t < s.Steps - s.Lengths![r] : t >= s.Lengths![r];

    [Fact]
    public void PaddingIsNoWork()
    {
        int[] lengths = [9, 0, 4, 1];
        var rows = RecurrentRows.Packed(lengths, false, 8);
        Assert.Equal(lengths.Sum(), rows.Count);
        Assert.Equal(36, RecurrentRows.Uniform(4, 9, true, false, 8).Count);
        for (int step = 0; step < 9; step++)
        {
            int running = 0;
            for (int g = 0; g < rows.Groups; g++) { running += rows.Running(rows.InGroup(g), step); }
            Assert.Equal(lengths.Count(l => l > step), running);
        }
    }

    [Fact]
    public void GradientsCanBeTakenTwice()
    {
        var s = new Sizes(3, 4, 5, 20, 6, false, false, false, true, true, true, null);
        var p = Inputs(s, new Rng(2));
        using var tape = new Tape();
        tape.Watch(p[0]!);
        tape.Watch(p[2]!);
        var loss = Fused(s, p).Output.Sum();
        var first = tape.Gradients(loss);
        var second = tape.Gradients(loss);
        Assert.Equal(first[p[0]!].ToArray(), second[p[0]!].ToArray());
        Assert.Equal(first[p[2]!].ToArray(), second[p[2]!].ToArray());
    }

    [Fact]
    public void WithoutATapeOnlyTheResultsStay()
    {
        var s = new Sizes(3, 4, 5, 20, 6, true, false, false, true, true, true, [4, 2, 0]);
        var p = Inputs(s, new Rng(2));
        int live = CpuDevice.Instance.Pool.LiveBlocks;
        using (var arena = new Arena())
        {
            var result = Fused(s, p);
            Assert.Equal(3, arena.BlockCount);
            using var tape = new Tape();
            foreach (var t in p.Take(3)) { tape.Watch(t!); }
            Assert.Equal(result.Output.ToArray(), Fused(s, p).Output.ToArray());
        }
        Assert.Equal(live, CpuDevice.Instance.Pool.LiveBlocks);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WithoutATapeALargeBatchNeedsOneStepOfMemory(bool ragged)
    {
        int[]? lengths = ragged ? [.. Enumerable.Range(0, 30).Select(i => i * 7 % 41)] : null;
        var s = new Sizes(30, 40, 5, 36, 0, true, false, true, true, true, false, lengths);
        var p = Inputs(s, new Rng(2));
        using var arena = new Arena();
        CpuDevice.Instance.Pool.Trim();
        long live = CpuDevice.Instance.Pool.LiveBytes;
        var plain = Fused(s, p);
        // all gates of all steps would be this many bytes
        Assert.InRange(CpuDevice.Instance.Pool.PooledBytes + CpuDevice.Instance.Pool.LiveBytes - live, 0, 30 * 40 * 4 * 36 * sizeof(float));
        var recorded = Differentiate(() => Fused(s, p), p);
        float[][] values = [plain.Output.ToArray(), plain.H.ToArray(), plain.C.ToArray()];
        for (int k = 0; k < 3; k++)
        {
            for (int i = 0; i < values[k].Length; i++) { Assert.Equal(recorded[k][i], values[k][i], 1e-6f); }
        }
    }

    [Theory]
    [InlineData(0, 3, 2)]
    [InlineData(2, 0, 3)]
    public void EmptySequencesAndBatches(int batch, int steps, int inputs)
    {
        var s = new Sizes(batch, steps, inputs, 5, 0, true, false, false, true, true, false, null);
        var p = Inputs(s, new Rng(1));
        var got = Differentiate(() => Fused(s, p), p);
        Assert.Equal(p[5]!.ToArray(), got[1]);
        Assert.Equal(p[6]!.ToArray(), got[2]);
        Assert.All(got[4], dw => Assert.Equal(0, dw));
    }

    [Fact]
    public void ErrorsNameShapesAndWhatIsNeeded()
    {
        Tensor x = Tensor.Zeros([2, 3, 4]), wi = Tensor.Zeros([20, 4]), wh = Tensor.Zeros([20, 5]);
        void Fails(string words, Action act) => Assert.Contains(words, Assert.Throws<ShapeException>(act).Message, StringComparison.Ordinal);
        Fails("x is [2,3]", () => Tensor.Zeros([2, 3]).Lstm(wi, wh));
        Fails("weightIh is [20,3], but [20,4] is needed for x [2,3,4]", () => x.Lstm(Tensor.Zeros([20, 3]), wh));
        Fails("weightHh is [20,6], but [20,5] is needed", () => x.Lstm(wi, Tensor.Zeros([20, 6])));
        Fails("biasIh is [5], but [20]", () => x.Lstm(wi, wh, Tensor.Zeros([5])));
        Fails("h0 is [3,5], but [2,5]", () => x.Lstm(wi, wh, h0: Tensor.Zeros([3, 5])));
        Fails("c0 is [2,4], but [2,5]", () => x.Lstm(wi, wh, c0: Tensor.Zeros([2, 4])));
        Fails("weightHr is [5,4]", () => x.Lstm(wi, wh, weightHr: Tensor.Zeros([5, 4])));
        Fails("recurrentMask is [2,4]", () => x.Lstm(wi, wh, recurrentMask: Tensor.Zeros([2, 4])));
        Fails("lengths is [3], but [2]", () => x.Lstm(wi, wh, lengths: Indices.Of(1, 2, 3)));
        Assert.Contains("index 4 at position 1", Assert.Throws<ArgumentOutOfRangeException>(() => x.Lstm(wi, wh, lengths: Indices.Of(3, 4))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Lstm(wi, wh, lengths: Indices.Of(-1, 3)));
        Tensor closed;
        using (new Arena()) { closed = Tensor.Zeros([2, 3, 4]); }
        Assert.Throws<ObjectDisposedException>(() => closed.Lstm(wi, wh));
    }
}
