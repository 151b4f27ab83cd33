using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Numerics;

namespace DeepEdu.Kernels;

/// <summary>Attention forward. Each unit is a block of queries of one head: it goes through the keys once, keeping the largest score so far and the sum of e^(score − largest), by which
/// the output is corrected when a larger one comes (Milakov and Gimelshein 2018, arXiv:1805.02867, algorithm 3).</summary>
/// <param name="data">What to compute.</param>
internal readonly unsafe struct AttentionForward(AttentionData data) : IRange
{
    /// <summary>Runs it on all threads.</summary>
    public static void Run(AttentionData data)
    {
        int blocks = (data.Queries + AttentionData.BlockQ - 1) / AttentionData.BlockQ, units = data.Batch * data.Heads * blocks;
        long work = (long)Math.Min(data.Queries, AttentionData.BlockQ) * data.Keys * (data.Width + data.ValueWidth + 32);
        Work.For(units, data.Grain(work, data.Heads * blocks), new AttentionForward(data));
    }

    /// <inheritdoc/>
    public void Run(int from, int to)
    {
        if (F16.IsSupported) { Run<F16>(from, to); }
        else if (F8.IsSupported) { Run<F8>(from, to); }
        else if (F4.IsSupported) { Run<F4>(from, to); }
        else { Run<F1>(from, to); }
    }

    private void Run<L>(int from, int to) where L : struct, IVectorLane<L>, ILane<L>
    {
        int blocks = (data.Queries + AttentionData.BlockQ - 1) / AttentionData.BlockQ;
        for (int unit = from; unit < to; unit++)
        {
            var (head, block) = Math.DivRem(unit, blocks);
            if (block == 0 && data.IsShort)
            {
                var (sequence, h) = Math.DivRem(head, data.Heads);
                if (unit == from) { data.Fetch(sequence, 0, 1); }
                if (sequence < (to - 1) / (blocks * data.Heads)) { data.Fetch(sequence + 1, h, data.Heads); } // the next one's, while this one is worked on
            }
            int first = block * AttentionData.BlockQ;
            Block<L>(head / data.Heads, head % data.Heads, first, Math.Min(AttentionData.BlockQ, data.Queries - first));
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Block<L>(int sequence, int head, int first, int rows) where L : struct, IVectorLane<L>, ILane<L>
    {
        int keys = data.KeysOf(sequence), seen = Math.Max(0, data.Seen(keys, first + rows - 1)), width = data.ValueWidth, whole = AttentionData.Whole<L>(width), tile = GemmTile.Rows<L>() & ~3;
        bool few = rows <= tile / 2; // then packing keys would cost more than dot products with them
        float* largest = stackalloc float[AttentionData.BlockQ], sums = stackalloc float[AttentionData.BlockQ];
        float* scores = Scratch.Images.Take(((tile + 1 + data.Width + whole) * AttentionData.BlockK) + (AttentionData.BlockQ * whole));
        float* random = scores + (tile * AttentionData.BlockK), panel = random + AttentionData.BlockK, values = panel + (data.Width * AttentionData.BlockK), sum = values + (whole * AttentionData.BlockK);
        float* q = data.Q.Of(sequence, first, head * data.Width);
        for (int i = 0; i < rows; i++) { (largest[i], sums[i]) = (float.NegativeInfinity, 0); }
        for (int key = 0; key < seen; key += AttentionData.BlockK)
        {
            int n = Math.Min(AttentionData.BlockK, seen - key);
            float* k = data.K.Of(sequence, key, head * data.Width);
            if (!few) { GemmPack.Columns(data.Width, n, k, data.K.Row, panel, AttentionData.BlockK); }
            var (v, rowV) = AttentionTiles.Whole<L>(data.V.Of(sequence, key, head * width), data.V.Row, n, width, values);
            for (int i = 0; i < rows; i += tile)
            {
                int m = Math.Min(tile, rows - i), visible = Math.Min(n, data.Seen(keys, first + i + m - 1) - key);
                if (visible <= 0) { continue; }
                float* qi = q + (i * data.Q.Row);
                if (few) { Gemm.Run<L>(false, true, m, visible, data.Width, qi, data.Q.Row, k, data.K.Row, scores, AttentionData.BlockK, false, default); }
                else { AttentionTiles.Product<L>(m, AttentionData.Whole<L>(visible), data.Width, qi, data.Q.Row, 1, panel, AttentionData.BlockK, scores, AttentionData.BlockK, false); }
                Weights<L>(sequence, head, first + i, m, key, n, AttentionData.Whole<L>(visible), scores, random, largest + i, sums + i, sum + (i * whole));
                AttentionTiles.Product<L>(m, whole, visible, scores, AttentionData.BlockK, 1, (float*)v, rowV, sum + (i * whole), whole, key > 0);
            }
        }
        for (int i = 0; i < rows; i++)
        {
            float* o = data.O.Of(sequence, first + i, head * width);
            if (sums[i] == 0) { new Span<float>(o, width).Clear(); }
            else { AttentionTiles.Put<L>(sum + (i * whole), width, 1 / sums[i], o, false); }
            if (data.LogSum is not null)
            {
                data.LogSum[((nint)((sequence * data.Heads) + head) * data.Queries) + first + i] = sums[i] == 0 ? 0 : largest[i] + MathF.Log(sums[i]);
            }
        }
    }

    // a tile's scores become e^(score − largest), 0 from what a query sees to `end`; what was summed before follows when the largest changes
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Weights<L>(int sequence, int head, int query, int rows, int key, int n, int end, float* s, float* random, float* largest, float* sums, float* sum) where L : struct, IVectorLane<L>, ILane<L>
    {
        int keys = data.KeysOf(sequence), whole = AttentionData.Whole<L>(data.ValueWidth);
        for (int r = 0; r < rows; r++, query++, s += AttentionData.BlockK)
        {
            int valid = Math.Min(n, data.Seen(keys, query) - key), full = valid > 0 ? AttentionData.Whole<L>(valid) : 0;
            AttentionTiles.Clear<L>(s + full, end - full);
            if (valid <= 0) { continue; }
            float max = MathF.Max(largest[r], AttentionScores.Finish<L>(s, valid, data.MaskOf(sequence, head, query, key), data.Scale));
            if (max == float.NegativeInfinity)
            {
                AttentionTiles.Clear<L>(s, full);
                continue;
            }
            float total = AttentionScores.Exp<L>(s, full, max);
            if (key > 0)
            {
                float before = MathF.Exp(largest[r] - max);
                total += sums[r] * before;
                if (before != 1) { AttentionScores.Times<L>(sum + (r * whole), whole, before); }
            }
            (largest[r], sums[r]) = (max, total);
            if (data.Dropout > 0) { Drop<L>(s, random, valid, full, data.Draw(sequence, head, query, key)); }
        }
    }

    private void Drop<L>(float* s, float* random, int n, int whole, ulong start) where L : struct, IVectorLane<L>, ILane<L>
    {
        Rng.UniformAt(data.Seed, data.Stream, start, new Span<float>(random, n));
        AttentionScores.Drop<L>(s, random, whole, data.Dropout, data.Dropout == 1 ? 0 : 1 / (1 - data.Dropout));
    }
}
