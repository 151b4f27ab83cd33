using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Attention forward. Each unit is a block of queries of one head: it goes through the keys once, keeping the largest score so far and the sum of e^(score − largest), by which
/// the output is corrected when a larger one comes (Milakov and Gimelshein 2018, arXiv:1805.02867, algorithm 3).</summary>
/// <param name="data">What to compute.</param>
internal readonly unsafe struct AttentionForward(AttentionData data) : IRange
{
    /// <summary>Runs it on all threads.</summary>
    public static void Run(AttentionData data)
    {
        if (AttentionFew.Are(data.Queries))
        {
            AttentionFew.Run(data);
            return;
        }
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
            int sequence = head / data.Heads, first = block * AttentionData.BlockQ, rows = Math.Min(AttentionData.BlockQ, data.Queries - first);
            if (AttentionFew.Are<L>(rows))
            {
                AttentionFew.Forward<L>(data, sequence, head % data.Heads, 1, first, rows);
                continue;
            }
            var ahead = new AttentionAhead(data, unit, data.Heads * blocks, (data.Keys + rows) / Tile<L>());
            ahead.Add(data.O, data.Queries, data.Heads * data.ValueWidth);
            Block<L>(sequence, head % data.Heads, first, rows, ref ahead);
            ahead.Rest();
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Block<L>(int sequence, int head, int first, int rows, ref AttentionAhead ahead) where L : struct, IVectorLane<L>, ILane<L>
    {
        int width = data.ValueWidth, whole = AttentionData.Whole<L>(width), row = AttentionData.Whole<L>(rows);
        const int Keys = AttentionData.BlockK, Queries = AttentionData.BlockQ;
        float* scores = Scratch.Images.Take((3 * Keys * Queries) + (data.Width * Queries) + (whole * (Keys + Queries)) + (3 * Queries));
        float* panel = scores + (3 * Keys * Queries), values = panel + (data.Width * Queries), sum = values + (whole * Keys), largest = sum + (whole * Queries), sums = largest + Queries, before = sums + Queries;
        new Span<float>(largest, row).Fill(float.NegativeInfinity);
        new Span<float>(sums, row).Clear();
        Turned<L>(sequence, head, first, rows, ref ahead, scores, panel, values, sum, largest, sums, before);
        for (int i = 0; i < row; i += L.Width)
        {
            L x = L.Load(in *sums, i);
            L.Store(1f / x, ref *before, i);
            L.Store(L.WhereEqual(x, 0f, 0f, L.Load(in *largest, i) + L.Log(x)), ref *largest, i);
        }
        for (int i = 0; i < rows; i++)
        {
            float* o = data.O.Of(sequence, first + i, head * width);
            if (sums[i] == 0) { new Span<float>(o, width).Clear(); }
            else { AttentionTiles.Put<L>(sum + (i * whole), width, before[i], o, false); }
        }
        if (data.LogSum is not null) { new Span<float>(largest, rows).CopyTo(new Span<float>(data.LogSum + ((nint)((sequence * data.Heads) + head) * data.Queries) + first, rows)); }
    }

    private static int Tile<L>() where L : struct, IVectorLane<L>, ILane<L> => GemmTile.Rows<L>() & ~3;

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Turned<L>(int sequence, int head, int first, int rows, ref AttentionAhead ahead, float* scores, float* panel, float* values, float* sum, float* largest, float* sums, float* before)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        int keys = data.KeysOf(sequence), seen = Math.Max(0, data.Seen(keys, first + rows - 1)), width = data.ValueWidth, whole = AttentionData.Whole<L>(width), tile = Tile<L>(), row = AttentionData.Whole<L>(rows);
        float* random = scores + (AttentionData.BlockK * AttentionData.BlockQ), turned = random + (AttentionData.BlockK * AttentionData.BlockQ);
        AttentionTiles.Turn<L>(data.Width, rows, data.Q.Of(sequence, first, head * data.Width), data.Q.Row, panel, data.Scale);
        for (int key = 0; key < seen; key += AttentionData.BlockK)
        {
            int n = Math.Min(AttentionData.BlockK, seen - key);
            float* k = data.K.Of(sequence, key, head * data.Width);
            for (int j = 0; j < n; j += tile)
            {
                ahead.Next();
                int from = data.FirstSeeing(key + j, first, rows) / L.Width * L.Width;
                AttentionTiles.Product<L>(Math.Min(tile, n - j), row - from, data.Width, k + (j * data.K.Row), data.K.Row, 1, panel + from, row, scores + (j * row) + from, row, false);
            }
            float* mask = data.TurnedMask(sequence, head, first, rows, key, n, row, turned);
            for (int i = 0; i < rows; i += L.Width)
            {
                var (edge, any, end) = data.Seen<L>(key, n, first, i, tile);
                if (end > 0) { AttentionColumns.Weights<L>(scores + i, row, any, end, edge, mask is null ? null : mask + i, largest + i, sums + i, before + i); }
            }
            if (data.Dropout > 0)
            {
                data.Random(sequence, head, first, rows, key, n, row, turned, random);
                AttentionScores.Drop<L>(scores, random, n * row, data.Dropout, data.Kept);
            }
            var (v, rowV) = AttentionTiles.Whole<L>(data.V.Of(sequence, key, head * width), data.V.Row, n, width, values);
            for (int i = 0; i < rows; i += tile)
            {
                int m = Math.Min(tile, rows - i), visible = Math.Min(n, data.Seen(keys, first + i + m - 1) - key);
                if (visible <= 0) { continue; }
                ahead.Next();
                for (int r = i; key > 0 && r < i + m; r++)
                {
                    if (before[r] != 1) { AttentionScores.Times<L>(sum + (r * whole), whole, before[r]); }
                }
                AttentionTiles.Product<L>(m, whole, visible, scores + i, 1, row, (float*)v, rowV, sum + (i * whole), whole, key > 0);
            }
        }
    }
}
