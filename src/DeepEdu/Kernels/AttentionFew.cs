using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Numerics;

namespace DeepEdu.Kernels;

/// <summary>Attention of a few queries, such as the one of a decoder's next word: each key and value is used so seldom that reading it is most of the work. So rows are gone through in the order of memory, all
/// heads of some keys, and nothing is turned round.</summary>
internal static unsafe class AttentionFew
{
    // keys of a block: so few that their rows and gradients stay in the second-level cache
    private const int Block = 64;

    /// <summary>Whether queries are so few that a vector of them would be mostly empty.</summary>
    public static bool Are<L>(int queries) where L : struct, IVectorLane<L>, ILane<L> => 8 * queries <= 3 * L.Width;

    /// <summary>The same, in the widest lanes.</summary>
    public static bool Are(int queries) => F16.IsSupported ? Are<F16>(queries) : F8.IsSupported ? Are<F8>(queries) : F4.IsSupported ? Are<F4>(queries) : Are<F1>(queries);

    /// <summary>Forward, all queries.</summary>
    public static void Run(AttentionData data)
    {
        var call = new Call(data, default, default, default, default, back: false);
        Work.For(call.Units, call.Grain(data.Width + data.ValueWidth + 32), call);
    }

    /// <summary>Backward, all queries.</summary>
    public static void Pull(AttentionData data, AttentionRows dO, AttentionRows dQ, AttentionRows dK, AttentionRows dV)
    {
        var call = new Call(data, dO, dQ, dK, dV, back: true);
        Work.For(call.Units, call.Grain((3 * data.Width) + (2 * data.ValueWidth) + 32), call);
    }

    /// <summary>Forward: some queries of some heads of a sequence.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Forward<L>(in AttentionData data, int sequence, int head, int heads, int first, int rows) where L : struct, IVectorLane<L>, ILane<L>
    {
        int keys = data.KeysOf(sequence), seen = Math.Max(0, data.Seen(keys, first + rows - 1)), width = data.Width, values = data.ValueWidth, all = heads * rows;
        float* scores = Scratch.Images.Take(((all + 1) * Block) + (2 * all)), random = scores + (all * Block), largest = random + Block, sums = largest + all;
        new Span<float>(largest, all).Fill(float.NegativeInfinity);
        new Span<float>(sums, all).Clear();
        float* q = data.Q.Of(sequence, first, head * width), o = data.O.Of(sequence, first, head * values);
        for (int key = 0; key < seen; key += Block)
        {
            int n = Math.Min(Block, seen - key);
            Dots<L>(heads, rows, n, width, q, data.Q.Row, data.K.Of(sequence, key, head * width), data.K.Row, scores);
            for (int i = 0; i < all; i++)
            {
                var (h, r) = Math.DivRem(i, rows);
                float less = Weights<L>(data, sequence, head + h, first + r, key, n, scores + (i * Block), random, ref largest[i], ref sums[i]);
                if (less != 1 && key > 0) { AttentionScores.Times<L>(o + (r * data.O.Row) + (h * values), values, less); }
            }
            Sum<L>(heads, rows, n, values, scores, data.V.Of(sequence, key, head * values), data.V.Row, o, data.O.Row, key > 0);
        }
        for (int i = 0; i < all; i++)
        {
            var (h, r) = Math.DivRem(i, rows);
            float* y = o + (r * data.O.Row) + (h * values);
            if (sums[i] == 0) { new Span<float>(y, values).Clear(); }
            else { AttentionScores.Times<L>(y, values, 1 / sums[i]); }
            if (data.LogSum is not null) { data.LogSum[((((nint)sequence * data.Heads) + head + h) * data.Queries) + first + r] = sums[i] == 0 ? 0 : largest[i] + MathF.Log(sums[i]); }
        }
    }

    // scores become e^(score − largest), 0 where a key is not seen. What was summed before counts as much as the result says.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Weights<L>(in AttentionData data, int sequence, int head, int query, int key, int n, float* s, float* random, ref float largest, ref float sum)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        int valid = Math.Clamp(data.Seen(data.KeysOf(sequence), query) - key, 0, n), full = AttentionData.Whole<L>(valid);
        float max = valid == 0 ? largest : MathF.Max(largest, AttentionScores.Finish<L>(s, valid, data.MaskOf(sequence, head, query, key), data.Scale));
        if (max == float.NegativeInfinity || valid == 0)
        {
            new Span<float>(s, n).Clear();
            return 1;
        }
        float total = AttentionScores.Exp<L>(s, full, max), less = MathF.Exp(largest - max); // e^−∞ = 0 behind the valid ones
        if (full < n) { new Span<float>(s + full, n - full).Clear(); }
        (largest, sum) = (max, total + (sum * less));
        if (data.Dropout > 0)
        {
            Rng.UniformAt(data.Seed, data.Stream, data.Draw(sequence, head, query, key), new Span<float>(random, valid));
            AttentionScores.Drop<L>(s, random, full, data.Dropout, data.Kept);
        }
        return less;
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Backward<L>(in AttentionData data, int sequence, int head, int heads, in AttentionRows dO, in AttentionRows dQ, in AttentionRows dK, in AttentionRows dV)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        int rows = data.Queries, keys = data.KeysOf(sequence), seen = rows == 0 ? 0 : Math.Max(0, data.Seen(keys, rows - 1)), width = data.Width, values = data.ValueWidth, all = heads * rows;
        float* scores = Scratch.Images.Take((((2 * all) + 1) * Block) + all), pulls = scores + (all * Block), random = pulls + (all * Block), delta = random + Block;
        float* q = data.Q.Of(sequence, 0, head * width), dq = dQ.Of(sequence, 0, head * width), o = data.O.Of(sequence, 0, head * values), dy = dO.Of(sequence, 0, head * values);
        for (int i = 0; i < all; i++)
        {
            var (h, r) = Math.DivRem(i, rows);
            delta[i] = AttentionScores.Dot<L>(o + (r * data.O.Row) + (h * values), dy + (r * dO.Row) + (h * values), values);
            if (seen == 0) { new Span<float>(dq + (r * dQ.Row) + (h * width), width).Clear(); }
        }
        for (int key = 0; key < seen; key += Block)
        {
            int n = Math.Min(Block, seen - key);
            float* k = data.K.Of(sequence, key, head * width);
            Dots<L>(heads, rows, n, width, q, data.Q.Row, k, data.K.Row, scores);
            Dots<L>(heads, rows, n, values, dy, dO.Row, data.V.Of(sequence, key, head * values), data.V.Row, pulls);
            for (int i = 0; i < all; i++)
            {
                var (h, r) = Math.DivRem(i, rows);
                Pulls<L>(data, sequence, head + h, r, key, n, scores + (i * Block), pulls + (i * Block), random, delta[i]);
            }
            Outer<L>(heads, rows, n, values, scores, dy, dO.Row, dV.Of(sequence, key, head * values), dV.Row);
            Outer<L>(heads, rows, n, width, pulls, q, data.Q.Row, dK.Of(sequence, key, head * width), dK.Row);
            Sum<L>(heads, rows, n, width, pulls, k, data.K.Row, dq, dQ.Row, key > 0);
        }
        for (int j = seen; j < data.Keys; j++)
        {
            new Span<float>(dK.Of(sequence, j, head * width), heads * width).Clear(); // no query sees it
            new Span<float>(dV.Of(sequence, j, head * values), heads * values).Clear();
        }
    }

    // scores become weights and dL/d(weights) becomes dL/d(scores), both 0 where a key is not seen
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Pulls<L>(in AttentionData data, int sequence, int head, int query, int key, int n, float* s, float* d, float* random, float delta) where L : struct, IVectorLane<L>, ILane<L>
    {
        int valid = Math.Clamp(data.Seen(data.KeysOf(sequence), query) - key, 0, n), full = AttentionData.Whole<L>(valid);
        if (data.Dropout > 0)
        {
            Rng.UniformAt(data.Seed, data.Stream, data.Draw(sequence, head, query, key), new Span<float>(random, valid));
            AttentionScores.Drop<L>(d, random, full, data.Dropout, data.Kept);
        }
        float* mask = data.MaskOf(sequence, head, query, key);
        float shift = -data.LogSum[(((nint)sequence * data.Heads) + head) * data.Queries + query];
        L less = -delta * data.Scale;
        for (int i = 0; i < valid; i += L.Width)
        {
            L x = L.MultiplyAdd(L.Load(in *s, i), data.Scale, shift);
            if (mask is not null) { x += valid - i < L.Width ? Partial.Load<L>(mask + i, valid - i) : L.Load(in *mask, i); }
            x = L.Exp(x);
            L.Store(x, ref *s, i);
            L.Store(x * L.MultiplyAdd(L.Load(in *d, i), data.Scale, less), ref *d, i);
        }
        if (data.Dropout > 0) { AttentionScores.Drop<L>(s, random, full, data.Dropout, data.Kept); }
        new Span<float>(s + valid, n - valid).Clear();
        new Span<float>(d + valid, n - valid).Clear();
    }

    // w(h, r, j) = x(r, h)·y(j, h)
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Dots<L>(int heads, int rows, int n, int width, float* x, nint rowX, float* y, nint rowY, float* w) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int j = 0; j < n; j += 4, y += 4 * rowY)
        {
            float* to = w + j;
            for (int head = 0, h = 0; head < heads; head++, h += width) // heads of no width have scores, too: 0
            {
                for (int r = 0; r < rows; r++, to += Block)
                {
                    if (j + 4 <= n) { GemmDot.Dots1<L>(width, x + (r * rowX) + h, y + h, rowY).Store(to); }
                    else
                    {
                        for (int i = 0; i < n - j; i++) { to[i] = AttentionScores.Dot<L>(x + (r * rowX) + h, y + (i * rowY) + h, width); }
                    }
                }
            }
        }
    }

    // o(r, h) [+]= Σ w(h, r, j)·y(j, h) over the keys j
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Sum<L>(int heads, int rows, int n, int width, float* w, float* y, nint rowY, float* o, nint rowO, bool accumulate) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int j = 0; j < n; accumulate = true)
        {
            int taken = n - j >= 8 ? 8 : 1;
            float* v = w + j;
            for (int h = 0; h < heads * width; h += width)
            {
                for (int r = 0; r < rows; r++, v += Block)
                {
                    if (taken == 8) { Eight<L>(width, v, y + h, rowY, o + (r * rowO) + h, accumulate); }
                    else { One<L>(width, *v, y + h, o + (r * rowO) + h, accumulate); }
                }
            }
            j += taken;
            y += taken * rowY;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Eight<L>(int width, float* w, float* y, nint rowY, float* o, bool accumulate) where L : struct, IVectorLane<L>, ILane<L>
    {
        L w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5], w6 = w[6], w7 = w[7];
        float* y2 = y + (2 * rowY), y4 = y + (4 * rowY), y6 = y + (6 * rowY);
        int c = 0;
        for (; c + L.Width <= width; c += L.Width)
        {
            L a = accumulate ? L.Load(in *o, c) : 0f;
            a = L.MultiplyAdd(w0, L.Load(in *y, c), a);
            a = L.MultiplyAdd(w1, L.Load(in *y, c + rowY), a);
            a = L.MultiplyAdd(w2, L.Load(in *y2, c), a);
            a = L.MultiplyAdd(w3, L.Load(in *y2, c + rowY), a);
            a = L.MultiplyAdd(w4, L.Load(in *y4, c), a);
            a = L.MultiplyAdd(w5, L.Load(in *y4, c + rowY), a);
            a = L.MultiplyAdd(w6, L.Load(in *y6, c), a);
            L.Store(L.MultiplyAdd(w7, L.Load(in *y6, c + rowY), a), ref *o, c);
        }
        for (; c < width; c++)
        {
            float a = accumulate ? o[c] : 0;
            for (int j = 0; j < 8; j++) { a += w[j] * y[c + (j * rowY)]; }
            o[c] = a;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void One<L>(int width, float w, float* y, float* o, bool accumulate) where L : struct, IVectorLane<L>, ILane<L> => AttentionTiles.Put<L>(y, width, w, o, accumulate);

    // y(j, h) = Σ w(h, r, j)·x(r, h) over the queries r
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Outer<L>(int heads, int rows, int n, int width, float* w, float* x, nint rowX, float* y, nint rowY) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int j = 0; j < n; j++, y += rowY)
        {
            float* v = w + j;
            for (int h = 0; h < heads * width; h += width, v += rows * Block)
            {
                int c = 0;
                for (; c + L.Width <= width; c += L.Width)
                {
                    L a = L.Load(in *x, h + c) * v[0];
                    for (int r = 1; r < rows; r++) { a = L.MultiplyAdd(v[r * Block], L.Load(in *x, (r * rowX) + h + c), a); }
                    L.Store(a, ref *y, h + c);
                }
                for (; c < width; c++)
                {
                    float a = 0;
                    for (int r = 0; r < rows; r++) { a += v[r * Block] * x[(r * rowX) + h + c]; }
                    y[h + c] = a;
                }
            }
        }
    }

    // Units are sequences, or groups of their heads where threads outnumber sequences: heads do not meet, so this may follow the threads.
    private readonly struct Call(AttentionData data, AttentionRows dO, AttentionRows dQ, AttentionRows dK, AttentionRows dV, bool back) : IRange
    {
        private readonly int _groups = Math.Clamp((DeepEduOptions.MaxThreads + data.Batch - 1) / Math.Max(1, data.Batch), 1, Math.Max(1, data.Heads));

        public int Units => data.Batch * _groups;

        public int Grain(int each) => (int)Math.Clamp(AttentionData.ChunkWork * _groups / Math.Max(1, (long)data.Heads * data.Queries * data.Keys * each), 1, Math.Max(1, Units));

        public void Run(int from, int to)
        {
            if (F16.IsSupported) { Run<F16>(from, to); }
            else if (F8.IsSupported) { Run<F8>(from, to); }
            else if (F4.IsSupported) { Run<F4>(from, to); }
            else { Run<F1>(from, to); }
        }

        private void Run<L>(int from, int to) where L : struct, IVectorLane<L>, ILane<L>
        {
            for (int unit = from; unit < to; unit++)
            {
                var (sequence, group) = Math.DivRem(unit, _groups);
                int head = group * data.Heads / _groups, heads = ((group + 1) * data.Heads / _groups) - head;
                if (back) { Backward<L>(data, sequence, head, heads, dO, dQ, dK, dV); }
                else { Forward<L>(data, sequence, head, heads, 0, data.Queries); }
            }
        }
    }
}
