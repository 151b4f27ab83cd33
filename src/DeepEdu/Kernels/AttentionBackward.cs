using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Numerics;

namespace DeepEdu.Kernels;

/// <summary>Attention backward: the weights are made again, block by block, from the scores and the kept ln Σ e^score. With P the weights, dP = dO·Vᵀ and δ = Σ dO ⊙ O = Σ P ⊙ dP of each query,
/// <code>dV = Pᵀ·dO,  dS = P ⊙ (dP − δ)·scale,  dQ = dS·K,  dK = dSᵀ·Q</code>
/// Each unit is one head of one sequence.</summary>
/// <param name="data">What was computed.</param>
/// <param name="dO">dL/d(output).</param>
/// <param name="dQ">Becomes dL/d(queries).</param>
/// <param name="dK">Becomes dL/d(keys).</param>
/// <param name="dV">Becomes dL/d(values).</param>
internal readonly unsafe struct AttentionBackward(AttentionData data, AttentionRows dO, AttentionRows dQ, AttentionRows dK, AttentionRows dV) : IRange
{
    // as many scores as a block of the forward pass has, but more queries: what a block of keys adds to goes to memory, what a block of queries needs is turned round once
    private const int Queries = 96, Keys = 64;

    /// <summary>Runs it on all threads.</summary>
    public static void Run(AttentionData data, AttentionRows dO, AttentionRows dQ, AttentionRows dK, AttentionRows dV)
    {
        if (AttentionFew.Are(data.Queries))
        {
            AttentionFew.Pull(data, dO, dQ, dK, dV);
            return;
        }
        int units = data.Batch * data.Heads;
        long work = (long)data.Queries * data.Keys * ((3 * data.Width) + (2 * data.ValueWidth) + 32);
        Work.For(units, data.Grain(work, data.Heads), new AttentionBackward(data, dO, dQ, dK, dV));
    }

    /// <inheritdoc/>
    public void Run(int from, int to)
    {
        for (int unit = from; unit < to; unit++)
        {
            if (F16.IsSupported) { Head<F16>(unit); }
            else if (F8.IsSupported) { Head<F8>(unit); }
            else if (F4.IsSupported) { Head<F4>(unit); }
            else { Head<F1>(unit); }
        }
    }

    // Blocks of queries outside, which are turned round for the scores; all gradients are summed in their places.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Head<L>(int unit) where L : struct, IVectorLane<L>, ILane<L>
    {
        var (sequence, head) = Math.DivRem(unit, data.Heads);
        int keys = data.KeysOf(sequence), width = data.Width, valueWidth = data.ValueWidth, whole = AttentionData.Whole<L>(width), wholeV = AttentionData.Whole<L>(valueWidth);
        int tile = GemmTile.Rows<L>() & ~3; // blocks of keys are whole tiles
        float* scores = Scratch.Images.Take((4 * Queries * Keys) + ((width + valueWidth) * Queries) + ((whole + wholeV) * Queries) + (whole * Keys) + (tile * (whole + wholeV)) + (2 * Queries));
        float* pulls = scores + (Queries * Keys), random = pulls + (Queries * Keys), turned = random + (Queries * Keys), panel = turned + (Queries * Keys), panelDy = panel + (width * Queries);
        float* ownQ = panelDy + (valueWidth * Queries), ownDy = ownQ + (whole * Queries), ownK = ownDy + (wholeV * Queries), sums = ownK + (whole * Keys), logSum = sums + (tile * (whole + wholeV)), delta = logSum + Queries;
        var ahead = new AttentionAhead(data, unit, data.Heads, ((3 * data.Keys) + data.Queries) / tile);
        ahead.Add(dQ, dK, dV, data);
        ahead.Add(dO, data.Queries, data.Heads * valueWidth);
        if (data.Keys > Keys) { ahead.Add(data.O, data.Queries, data.Heads * valueWidth); }
        int size = AttentionData.Even<L>(data.Queries, Queries);
        for (int first = 0; first < data.Queries; first += size)
        {
            int rows = Math.Min(size, data.Queries - first), row = AttentionData.Whole<L>(rows), seen = Math.Max(0, data.Seen(keys, first + rows - 1)), before = first == 0 ? 0 : Math.Max(0, data.Seen(keys, first - 1));
            float* q = data.Q.Of(sequence, first, head * width), dy = dO.Of(sequence, first, head * valueWidth);
            AttentionTiles.Turn<L>(width, rows, q, data.Q.Row, panel, data.Scale);
            AttentionTiles.Turn<L>(valueWidth, rows, dy, dO.Row, panelDy, 1);
            var (ownedQ, rowQ) = AttentionTiles.Whole<L>(q, data.Q.Row, rows, width, ownQ);
            var (ownedDy, rowDy) = AttentionTiles.Whole<L>(dy, dO.Row, rows, valueWidth, ownDy);
            new Span<float>(data.LogSum + ((nint)((sequence * data.Heads) + head) * data.Queries) + first, rows).CopyTo(new Span<float>(logSum, rows));
            float* known = seen <= Keys ? null : delta; // where one block has all keys, it sums them up itself and the outputs are not read
            if (known is not null) { Deltas<L>(sequence, head, first, rows, delta); }
            for (int key = 0; key == 0 || key < seen; key += Keys)
            {
                int n = Math.Min(Keys, keys - key), end = Math.Min(n, seen - key), made = Math.Min(n, (end + tile - 1) / tile * tile); // what lies behind them no query sees
                float* k = data.K.Of(sequence, key, head * width), v = data.V.Of(sequence, key, head * valueWidth);
                for (int j = 0; j < end; j += tile)
                {
                    ahead.Next();
                    int m = Math.Min(tile, n - j), from = data.FirstSeeing(key + j, first, rows) / L.Width * L.Width;
                    AttentionTiles.Product<L>(m, row - from, width, k + (j * data.K.Row), data.K.Row, 1, panel + from, row, scores + (j * row) + from, row, false);
                    ahead.Next();
                    AttentionTiles.Product<L>(m, row - from, valueWidth, v + (j * data.V.Row), data.V.Row, 1, panelDy + from, row, pulls + (j * row) + from, row, false);
                }
                Pulls<L>(sequence, head, first, rows, key, made, scores, pulls, random, turned, logSum, known);
                var (ownedK, rowK) = AttentionTiles.Whole<L>(k, data.K.Row, n, width, ownK);
                for (int i = 0; i < rows; i += tile)
                {
                    ahead.Next();
                    int m = Math.Min(tile, rows - i), visible = Math.Clamp(data.Seen(keys, first + i + m - 1) - key, 0, n);
                    if (key == 0 || visible > 0)
                    {
                        AttentionTiles.Add<L>(m, width, visible, pulls + i, 1, row, (float*)ownedK, rowK, dQ.Of(sequence, first + i, head * width), dQ.Row, key > 0, sums);
                    }
                }
                for (int j = 0; j < end; j += tile)
                {
                    int m = Math.Min(tile, n - j), from = data.FirstSeeing(key + j, first, rows);
                    bool more = key + j < before;
                    float* s = scores + (j * row) + from, d = pulls + (j * row) + from;
                    AttentionTiles.Add<L>(m, valueWidth, rows - from, s, row, 1, (float*)ownedDy + (from * rowDy), rowDy, dV.Of(sequence, key + j, head * valueWidth), dV.Row, more, sums);
                    ahead.Next();
                    AttentionTiles.Add<L>(m, width, rows - from, d, row, 1, (float*)ownedQ + (from * rowQ), rowQ, dK.Of(sequence, key + j, head * width), dK.Row, more, sums);
                }
            }
        }
        ahead.Rest();
        int any = data.Queries == 0 ? 0 : Math.Max(0, data.Seen(keys, data.Queries - 1));
        for (int j = Math.Min(keys, (any + tile - 1) / tile * tile); j < data.Keys; j++)
        {
            new Span<float>(dK.Of(sequence, j, head * width), width).Clear(); // no query sees it
            new Span<float>(dV.Of(sequence, j, head * valueWidth), valueWidth).Clear();
        }
    }

    // a block's scores become weights and dL/d(weights) becomes dL/d(scores), both 0 where a key is not seen
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Pulls<L>(int sequence, int head, int first, int rows, int key, int n, float* s, float* d, float* random, float* turned, float* logSum, float* delta) where L : struct, IVectorLane<L>, ILane<L>
    {
        int row = AttentionData.Whole<L>(rows), tile = GemmTile.Rows<L>() & ~3;
        if (data.Dropout > 0)
        {
            data.Random(sequence, head, first, rows, key, n, row, turned, random);
            AttentionScores.Drop<L>(d, random, n * row, data.Dropout, data.Kept);
        }
        float* mask = data.TurnedMask(sequence, head, first, rows, key, n, row, turned);
        for (int i = 0; i < rows; i += L.Width)
        {
            var (edge, any, end) = data.Seen<L>(key, n, first, i, tile);
            AttentionColumns.Pulls<L>(s + i, d + i, row, any, Math.Min(n, (end + tile - 1) / tile * tile), edge, mask is null ? null : mask + i, data.Scale, logSum + i, delta is null ? null : delta + i);
        }
        if (data.Dropout > 0) { AttentionScores.Drop<L>(s, random, n * row, data.Dropout, data.Kept); }
    }

    // Σ dO ⊙ O of each query
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Deltas<L>(int sequence, int head, int first, int rows, float* delta) where L : struct, IVectorLane<L>, ILane<L>
    {
        int width = data.ValueWidth;
        float* dy = dO.Of(sequence, first, head * width), o = data.O.Of(sequence, first, head * width);
        for (int i = 0; i < rows; i++, dy += dO.Row, o += data.O.Row) { delta[i] = AttentionScores.Dot<L>(dy, o, width); }
    }
}
