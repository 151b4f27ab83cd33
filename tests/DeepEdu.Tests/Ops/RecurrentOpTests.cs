using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Ops;

/// <summary>The fused recurrent layers against their equations composed of other operations, one sequence and one step at a time.</summary>
[Collection("alone")]
public sealed class RecurrentOpTests
{
    // the gates' rational tanh is off by up to 3e-7, and weights of ±0.6 let an error grow up to fiftyfold over six steps
    private const float Tolerance = 3e-5f;

    private static readonly Arbitrary<(int Cell, int Seed)> s_seeds = Gen.Choose(0, 5).SelectMany(cell => Gen.Choose(0, 1 << 20).Select(seed => (cell, seed))).ToArbitrary();

    public static TheoryData<Cell> Cells => [.. Enum.GetValues<Cell>()];

    public enum Cell { Lstm, Coupled, Gru, GruBefore, Tanh, Relu }

    private sealed record Sizes(Cell Cell, int Batch, int Steps, int Inputs, int Hidden, int Projection, bool BatchFirst, bool PadLeft, bool Reverse, bool Bias, bool State, bool Dropout, int[]? Lengths)
    {
        public int Width => Projection > 0 ? Projection : Hidden;

        public int Gates => Cell switch { Cell.Lstm => 4, Cell.Tanh or Cell.Relu => 1, _ => 3 };

        public bool HasCell => Cell is Cell.Lstm or Cell.Coupled;

        // [batch, steps]: whether a step counts; with holes, where lengths are not given
        public bool[,]? Mask { get; init; }

        public static Sizes Draw(Cell cell, Rng rng)
        {
            int batch = rng.Next(1, 14), steps = rng.Next(1, 7), hidden = rng.Next(2, 38);
            bool Coin() => rng.Next(2) == 0;
            int padding = rng.Next(3);
            int[]? lengths = padding == 1 ? [.. Enumerable.Range(0, batch).Select(_ => rng.Next(steps + 1))] : null;
            bool[,]? mask = padding == 2 ? new bool[batch, steps] : null;
            for (int i = 0; mask is not null && i < batch * steps; i++) { mask[i / steps, i % steps] = Coin(); }
            return new(cell, batch, steps, rng.Next(1, 20), hidden, cell is Cell.Lstm or Cell.Coupled && Coin() ? rng.Next(1, hidden) : 0, Coin(), Coin(), Coin(), Coin(), Coin(), Coin(), lengths) { Mask = mask };
        }

        // long sequences that lack a step here and there, for which nothing is packed
        public static Sizes DrawLong(Cell cell, Rng rng)
        {
            int steps = rng.Next(20, 30);
            var s = Draw(cell, rng) with { Steps = steps, Hidden = rng.Next(7, 10), Projection = 0, Lengths = null, Mask = null };
            if (s.HasCell && rng.Next(2) == 0) { s = s with { Projection = rng.Next(1, 7) }; }
            if (rng.Next(2) == 0) { return s with { Lengths = [.. Enumerable.Range(0, s.Batch).Select(r => r == 0 ? rng.Next(steps + 1) : steps - (r % 3 == 1 ? 1 : 0))] }; }
            var mask = new bool[s.Batch, steps];
            for (int i = 0; i < mask.Length; i++) { mask[i / steps, i % steps] = i % 47 != 11; }
            return s with { Mask = mask };
        }

        // the steps of a sequence that count, in the order of time
        public IEnumerable<int> Counting(int sequence)
        {
            int length = Lengths?[sequence] ?? Steps, skip = PadLeft ? Steps - length : 0;
            var steps = Enumerable.Range(0, Steps).Where(t => Mask?[sequence, t] ?? (t >= skip && t < skip + length));
            return Reverse ? steps.Reverse() : steps;
        }
    }

    // x, Wi, Wh, bi, bh, h0, c0, Wr, recurrent mask
    private static Tensor?[] Inputs(Sizes s, Rng rng)
    {
        Tensor New(params ReadOnlySpan<int> sizes) => Tensor.Uniform(Shape.Create(sizes), rng, -0.6f, 0.6f);
        int rows = s.Gates * s.Hidden;
        return [
            s.BatchFirst ? New(s.Batch, s.Steps, s.Inputs) : New(s.Steps, s.Batch, s.Inputs), New(rows, s.Inputs), New(rows, s.Width),
            s.Bias ? New(rows) : null, s.Bias ? New(rows) : null, s.State ? New(s.Batch, s.Width) : null, s.State && s.HasCell ? New(s.Batch, s.Hidden) : null,
            s.Projection > 0 ? New(s.Projection, s.Hidden) : null, s.Dropout ? New(s.Batch, s.Width) : null];
    }

    private static Tensor[] Fused(Sizes s, Tensor?[] p)
    {
        var lengths = s.Lengths is null ? null : Indices.Of(s.Lengths);
        var mask = s.Mask is null ? null : Tensor.Of([s.Batch, s.Steps], [.. s.Mask.Cast<bool>().Select(b => b ? 1f : 0f)]);
        if (mask is not null && !s.BatchFirst) { mask = mask.Transpose(0, 1); }
        if (s.HasCell)
        {
            var r = p[0]!.Lstm(p[1]!, p[2]!, p[3], p[4], p[5], p[6], lengths, s.BatchFirst, s.PadLeft, s.Reverse, p[7], p[8], mask, s.Cell == Cell.Coupled);
            return [r.Output, r.H, r.C];
        }
        var result = s.Cell is Cell.Gru or Cell.GruBefore
            ? p[0]!.Gru(p[1]!, p[2]!, p[3], p[4], p[5], lengths, s.BatchFirst, s.PadLeft, s.Reverse, p[8], mask, s.Cell == Cell.GruBefore)
            : p[0]!.SimpleRnn(p[1]!, p[2]!, p[3], p[4], p[5], lengths, s.BatchFirst, s.PadLeft, s.Reverse, p[8], mask, s.Cell == Cell.Relu);
        return [result.Output, result.H];
    }

    private static Tensor[] Composed(Sizes s, Tensor?[] p)
    {
        var x = s.BatchFirst ? p[0]! : p[0]!.Transpose(0, 1);
        Tensor[] ys = new Tensor[s.Batch], hs = new Tensor[s.Batch], cs = new Tensor[s.Batch];
        for (int r = 0; r < s.Batch; r++)
        {
            var h = p[5]?.Narrow(0, r, 1) ?? Tensor.Zeros([1, s.Width]);
            var c = p[6]?.Narrow(0, r, 1) ?? Tensor.Zeros([1, s.Hidden]);
            var y = new Tensor[s.Steps];
            Array.Fill(y, Tensor.Zeros([1, s.Width]));
            foreach (int t in s.Counting(r))
            {
                (h, c) = Step(s, p, x.Narrow(0, r, 1).Narrow(1, t, 1).Reshape(1, s.Inputs), h, c, p[8]?.Narrow(0, r, 1));
                y[t] = h;
            }
            (ys[r], hs[r], cs[r]) = (Tensor.Concat(y, 0), h, c);
        }
        var all = Tensor.Stack(ys);
        all = s.BatchFirst ? all : all.Transpose(0, 1);
        return s.HasCell ? [all, Tensor.Concat(hs, 0), Tensor.Concat(cs, 0)] : [all, Tensor.Concat(hs, 0)];
    }

    private static (Tensor H, Tensor C) Step(Sizes s, Tensor?[] p, Tensor x, Tensor h, Tensor c, Tensor? mask)
    {
        Tensor seen = mask is null ? h : h * mask, a = x.MatMul(p[1]!, transB: true);
        if (p[3] is not null) { a += p[3]!; }
        Tensor b = Product(seen);
        Tensor[] g = (a + b).Chunk(s.Gates, 1), i = a.Chunk(s.Gates, 1), j = b.Chunk(s.Gates, 1);
        if (s.HasCell)
        {
            int f = s.Gates - 3;
            Tensor forget = g[f].Sigmoid(), input = f == 0 ? 1 - forget : g[0].Sigmoid();
            c = (forget * c) + (input * g[f + 1].Tanh());
            h = g[f + 2].Sigmoid() * c.Tanh();
            return (p[7] is null ? h : h.MatMul(p[7]!, transB: true), c);
        }
        if (s.Gates == 1) { return (s.Cell == Cell.Tanh ? g[0].Tanh() : g[0].Relu(), c); }
        Tensor r = g[0].Sigmoid(), z = g[1].Sigmoid(), n = (i[2] + (s.Cell == Cell.Gru ? r * j[2] : Product(r * seen).Chunk(3, 1)[2])).Tanh();
        return (((1 - z) * n) + (z * h), c);

        Tensor Product(Tensor from)
        {
            var product = from.MatMul(p[2]!, transB: true);
            return p[4] is null ? product : product + p[4]!;
        }
    }

    // outputs, then the gradient of each input but the mask, of a sum of all outputs with random weights
    private static List<float[]> Differentiate(Func<Tensor[]> run, Tensor?[] p)
    {
        using var tape = new Tape();
        Tensor[] leaves = [.. p.Take(8).OfType<Tensor>()];
        foreach (var leaf in leaves) { tape.Watch(leaf); }
        var outputs = run();
        var rng = new Rng(99);
        var loss = outputs.Select(y => (y * Tensor.Uniform(y.Shape, rng, -1, 1)).Sum()).Aggregate((p[1]! * 0).Sum(), (a, b) => a + b); // where every step is masked, the equations use no leaf
        var gradients = tape.Gradients(loss);
        return [.. outputs.Select(y => y.ToArray()), .. leaves.Select(x => gradients.Find(x)?.ToArray() ?? new float[x.Size])];
    }

    [Fact]
    public void EveryOptionEqualsItsEquations() => Properties.Hold(150, Prop.ForAll(s_seeds, c => EqualsItsEquations((Cell)c.Cell, new Rng((ulong)c.Seed))));

    [Theory, Trait("Width", "yes")]
    [MemberData(nameof(Cells))]
    public void EveryCellEqualsItsEquations(Cell cell)
    {
        var rng = new Rng(1);
        for (int i = 0; i < 8; i++) { EqualsItsEquations(cell, rng); }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void LongSequencesWithFewStepsMissingEqualTheirEquations(Cell cell)
    {
        var rng = new Rng(1);
        for (int i = 0; i < 16; i++) { EqualsItsEquations(Sizes.DrawLong(cell, rng), rng); }
    }

    private static void EqualsItsEquations(Cell cell, Rng rng) => EqualsItsEquations(Sizes.Draw(cell, rng), rng);

    private static void EqualsItsEquations(Sizes s, Rng rng)
    {
        var p = Inputs(s, rng);
        var fused = Differentiate(() => Fused(s, p), p);
        var composed = Differentiate(() => Composed(s, p), p);
        for (int k = 0; k < fused.Count; k++)
        {
            float scale = composed[k].Select(MathF.Abs).Append(1).Max();
            for (int j = 0; j < fused[k].Length; j++)
            {
                float wanted = composed[k][j];
                Assert.True(Math.Abs(fused[k][j] - wanted) <= Tolerance * scale, $"{s}: result {k}, value {j} is {fused[k][j]}, not {wanted}");
            }
        }
    }

    [Theory]
    [InlineData(Cell.Lstm)]
    [InlineData(Cell.Coupled)]
    [InlineData(Cell.Gru)]
    [InlineData(Cell.GruBefore)]
    [InlineData(Cell.Tanh)]
    public void GradientsAgreeWithFiniteDifferences(Cell cell)
    {
        var s = new Sizes(cell, 4, 3, 3, 5, cell < Cell.Gru ? 3 : 0, true, false, true, true, true, true, [3, 0, 2, 1]);
        var p = Inputs(s, new Rng(5));
        GradCheck.Check(x =>
        {
            var given = (Tensor?[])p.Clone();
            for (int i = 0, at = 0; i < 8; i++) { if (p[i] is not null) { given[i] = x[at++]; } }
            return Tensor.Concat([.. Fused(s, given).Select(y => y.Flatten())]);
        }, [.. p.Take(8).OfType<Tensor>()]);
    }

    // one wide sequence: two threads share its units
    [Theory]
    [InlineData(Cell.Lstm, false, 37, 70)]
    [InlineData(Cell.Lstm, true, 37, 70)]
    [InlineData(Cell.Gru, false, 37, 70)]
    [InlineData(Cell.GruBefore, true, 37, 70)]
    [InlineData(Cell.Lstm, false, 1, 140)]
    [InlineData(Cell.Gru, false, 1, 150)]
    [InlineData(Cell.GruBefore, false, 1, 190)]
    public void AnyNumberOfThreadsGivesTheSameBits(Cell cell, bool ragged, int batch, int hidden)
    {
        var rng = new Rng(3);
        int[]? lengths = ragged ? [.. Enumerable.Range(0, batch).Select(i => i * 7 % 21)] : null;
        var s = new Sizes(cell, batch, 20, 24, hidden, 0, true, true, false, true, true, false, lengths);
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
    [InlineData(Cell.Lstm, false, false)]
    [InlineData(Cell.Lstm, true, false)]
    [InlineData(Cell.Lstm, false, true)]
    [InlineData(Cell.Gru, true, true)]
    [InlineData(Cell.Gru, true, false)]
    [InlineData(Cell.GruBefore, false, false)]
    [InlineData(Cell.GruBefore, true, true)]
    [InlineData(Cell.Tanh, true, false)]
    public void PaddingIsNeitherReadNorLearned(Cell cell, bool left, bool few)
    {
        var s = new Sizes(cell, 5, few ? 30 : 6, 4, 18, 0, true, left, false, true, true, false, few ? [30, 0, 29, 30, 28] : [6, 0, 3, 1, 5]);
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
                Assert.All(clean[s.HasCell ? 3 : 2].AsSpan(((r * s.Steps) + t) * size, size).ToArray(), dx => Assert.Equal(0, dx));
            }
        }
        Assert.Equal(p[5]!.ToArray()[s.Hidden..(2 * s.Hidden)], clean[1][s.Hidden..(2 * s.Hidden)]); // no step: the initial state
        if (s.HasCell) { Assert.Equal(p[6]!.ToArray()[s.Hidden..(2 * s.Hidden)], clean[2][s.Hidden..(2 * s.Hidden)]); }
    }

    private static bool IsPadding(Sizes s, int r, int t) => s.PadLeft ? t < s.Steps - s.Lengths![r] : t >= s.Lengths![r];

    [Fact]
    public void PaddingIsNoWork()
    {
        int[] lengths = [9, 0, 4, 1];
        var rows = RecurrentRows.Packed(lengths, false, 8);
        Assert.Equal(lengths.Sum(), rows.Count);
        Assert.Equal(36, RecurrentRows.Padded(4, 9, true, false, 8, null).Count);
        for (int step = 0; step < 9; step++)
        {
            int running = 0;
            for (int g = 0; g < rows.Groups; g++) { running += rows.Running(rows.InGroup(g), step); }
            Assert.Equal(lengths.Count(l => l > step), running);
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void GradientsCanBeTakenTwice(Cell cell)
    {
        var s = new Sizes(cell, 3, 4, 5, 20, cell < Cell.Gru ? 6 : 0, false, false, false, true, true, true, null);
        var p = Inputs(s, new Rng(2));
        using var tape = new Tape();
        tape.Watch(p[0]!);
        tape.Watch(p[2]!);
        var loss = Fused(s, p)[0].Sum();
        var first = tape.Gradients(loss);
        var second = tape.Gradients(loss);
        Assert.Equal(first[p[0]!].ToArray(), second[p[0]!].ToArray());
        Assert.Equal(first[p[2]!].ToArray(), second[p[2]!].ToArray());
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void WithoutATapeOnlyTheResultsStay(Cell cell)
    {
        var s = new Sizes(cell, 3, 4, 5, 20, cell < Cell.Gru ? 6 : 0, true, false, false, true, true, true, [4, 2, 0]);
        var p = Inputs(s, new Rng(2));
        int live = CpuDevice.Instance.Pool.LiveBlocks;
        using (var arena = new Arena())
        {
            var result = Fused(s, p);
            Assert.Equal(s.HasCell ? 3 : 2, arena.BlockCount);
            using var tape = new Tape();
            foreach (var t in p.Take(3)) { tape.Watch(t!); }
            Assert.Equal(result[0].ToArray(), Fused(s, p)[0].ToArray());
        }
        Assert.Equal(live, CpuDevice.Instance.Pool.LiveBlocks);
    }

    [Theory]
    [InlineData(Cell.Lstm, false)]
    [InlineData(Cell.Lstm, true)]
    [InlineData(Cell.Gru, true)]
    [InlineData(Cell.GruBefore, false)]
    public void WithoutATapeALargeBatchNeedsOneStepOfMemory(Cell cell, bool ragged)
    {
        int[]? lengths = ragged ? [.. Enumerable.Range(0, 30).Select(i => i * 7 % 41)] : null;
        var s = new Sizes(cell, 30, 40, 5, 36, 0, true, false, true, true, true, false, lengths);
        var p = Inputs(s, new Rng(2));
        using var arena = new Arena();
        CpuDevice.Instance.Pool.Trim();
        long live = CpuDevice.Instance.Pool.LiveBytes;
        var plain = Fused(s, p);
        // all gates of all steps would be this many bytes
        Assert.InRange(CpuDevice.Instance.Pool.PooledBytes + CpuDevice.Instance.Pool.LiveBytes - live, 0, 30 * 40 * s.Gates * 36 * sizeof(float));
        var recorded = Differentiate(() => Fused(s, p), p);
        float[][] values = [.. plain.Select(t => t.ToArray())];
        for (int k = 0; k < values.Length; k++)
        {
            for (int i = 0; i < values[k].Length; i++) { Assert.Equal(recorded[k][i], values[k][i], 1e-6f); }
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void EmptySequencesAndBatches(Cell cell)
    {
        foreach (var (batch, steps) in new[] { (0, 3), (2, 0) })
        {
            var s = new Sizes(cell, batch, steps, 3, 5, 0, true, false, false, true, true, false, null);
            var p = Inputs(s, new Rng(1));
            var got = Differentiate(() => Fused(s, p), p);
            Assert.Equal(p[5]!.ToArray(), got[1]);
            if (s.HasCell) { Assert.Equal(p[6]!.ToArray(), got[2]); }
            Assert.All(got[s.HasCell ? 4 : 3], dw => Assert.Equal(0, dw));
        }
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
        Fails("gru: weightIh is [20,4], but [18,4]", () => x.Gru(wi, Tensor.Zeros([18, 6])));
        Fails("simple-rnn: weightHh is [20,5], but [20,20]", () => x.SimpleRnn(wi, wh));
        Fails("the mask is [3,2], but [2,3]", () => x.Lstm(wi, wh, mask: Tensor.Ones([3, 2])));
        Assert.Contains("say the same twice", Assert.Throws<ArgumentException>(() => x.Lstm(wi, wh, lengths: Indices.Of(3, 1), mask: Tensor.Ones([2, 3]))).Message, StringComparison.Ordinal);
        Tensor closed;
        using (new Arena()) { closed = Tensor.Zeros([2, 3, 4]); }
        Assert.Throws<ObjectDisposedException>(() => closed.Lstm(wi, wh));
    }
}
