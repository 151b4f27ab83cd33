using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Numerics;

namespace DeepEdu.Kernels;

/// <summary>Attention backward: the weights are made again, block by block, from the scores and the kept ln Σ e^score. With P the weights, dP = dO·Vᵀ and δ = Σ dO ⊙ O of each query,
/// <code>dV = Pᵀ·dO,  dS = P ⊙ (dP − δ)·scale,  dQ = dS·K,  dK = dSᵀ·Q</code>
/// Each unit is one head of one sequence.</summary>
/// <param name="data">What was computed.</param>
/// <param name="dO">dL/d(output).</param>
/// <param name="dQ">Becomes dL/d(queries).</param>
/// <param name="dK">Becomes dL/d(keys).</param>
/// <param name="dV">Becomes dL/d(values).</param>
internal readonly unsafe struct AttentionBackward(AttentionData data, AttentionRows dO, AttentionRows dQ, AttentionRows dK, AttentionRows dV) : IRange
{
    private const int Block = AttentionData.BlockQ * AttentionData.BlockK;

    /// <summary>Runs it on all threads.</summary>
    public static void Run(AttentionData data, AttentionRows dO, AttentionRows dQ, AttentionRows dK, AttentionRows dV)
    {
        int units = data.Batch * data.Heads;
        long work = (long)data.Queries * data.Keys * ((3 * data.Width) + (2 * data.ValueWidth) + 32);
        Work.For(units, data.Grain(work, data.Heads), new AttentionBackward(data, dO, dQ, dK, dV));
    }

    /// <inheritdoc/>
    public void Run(int from, int to)
    {
        for (int unit = from; unit < to; unit++)
        {
            var (sequence, head) = Math.DivRem(unit, data.Heads);
            if (data.IsShort)
            {
                if (unit == from) { Fetch(sequence, 0, 1); }
                if (sequence < (to - 1) / data.Heads) { Fetch(sequence + 1, head, data.Heads); } // the next one's, while this one is worked on
            }
            if (F16.IsSupported) { Head<F16>(sequence, head); }
            else if (F8.IsSupported) { Head<F8>(sequence, head); }
            else if (F4.IsSupported) { Head<F4>(sequence, head); }
            else { Head<F1>(sequence, head); }
        }
    }

    private void Fetch(int sequence, int part, int parts)
    {
        data.Fetch(sequence, part, parts);
        dO.Fetch(sequence, part, parts, data.Queries, data.Heads * data.ValueWidth);
        dQ.Fetch(sequence, part, parts, data.Queries, data.Heads * data.Width);
        dK.Fetch(sequence, part, parts, data.Keys, data.Heads * data.Width);
        dV.Fetch(sequence, part, parts, data.Keys, data.Heads * data.ValueWidth);
    }

    // Blocks of keys outside, whose gradients are summed in the thread's own memory; a query's gradient is summed in its place.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Head<L>(int sequence, int head) where L : struct, IVectorLane<L>, ILane<L>
    {
        int keys = data.KeysOf(sequence), width = data.Width, valueWidth = data.ValueWidth, whole = AttentionData.Whole<L>(width), wholeV = AttentionData.Whole<L>(valueWidth);
        bool direct = width == whole && valueWidth == wholeV; // products go to their places without a stop
        int tile = GemmTile.Rows<L>() & ~3; // blocks of queries are whole tiles
        int across = Math.Max(tile, L.Width); // what is cleared behind a row reaches as far as a tile of keys does
        const int Keys = AttentionData.BlockK;
        float* scores = Scratch.Images.Take((2 * Block) + ((1 + width + valueWidth + (2 * whole) + wholeV) * Keys) + (AttentionData.BlockQ * (whole + wholeV)) + (tile * whole) + data.Queries);
        float* pulls = scores + Block, random = pulls + Block, panel = random + Keys, panelV = panel + (width * Keys), sumK = panelV + (valueWidth * Keys), sumV = sumK + (whole * Keys);
        float* ownK = sumV + (wholeV * Keys), ownQ = ownK + (whole * Keys), ownDy = ownQ + (AttentionData.BlockQ * whole), sumQ = ownDy + (AttentionData.BlockQ * wholeV), delta = sumQ + (tile * whole);
        float* logSum = data.LogSum + ((nint)((sequence * data.Heads) + head) * data.Queries);
        Deltas<L>(sequence, head, delta);
        if (keys == 0)
        {
            for (int i = 0; i < data.Queries; i++) { new Span<float>(dQ.Of(sequence, i, head * width), width).Clear(); }
        }
        for (int key = 0; key < data.Keys; key += Keys)
        {
            int n = Math.Min(Keys, keys - key), all = Math.Min(Keys, data.Keys - key);
            ulong begun = 0; // tiles of keys whose gradients have a value
            var (toK, stepK) = direct ? ((nint)dK.Of(sequence, key, head * width), dK.Row) : ((nint)sumK, whole);
            var (toV, stepV) = direct ? ((nint)dV.Of(sequence, key, head * valueWidth), dV.Row) : ((nint)sumV, wholeV);
            if (n > 0)
            {
                float* k = data.K.Of(sequence, key, head * width);
                GemmPack.Columns(width, n, k, data.K.Row, panel, Keys);
                GemmPack.Columns(valueWidth, n, data.V.Of(sequence, key, head * valueWidth), data.V.Row, panelV, Keys);
                var (ownedK, rowK) = AttentionTiles.Whole<L>(k, data.K.Row, n, width, ownK);
                for (int first = data.Causal ? Math.Max(0, key - data.Past) : 0; first < data.Queries; first += AttentionData.BlockQ)
                {
                    int rows = Math.Min(AttentionData.BlockQ, data.Queries - first);
                    float* q = data.Q.Of(sequence, first, head * width), dy = dO.Of(sequence, first, head * valueWidth);
                    for (int i = 0; i < rows; i += tile)
                    {
                        int m = Math.Min(tile, rows - i), visible = Math.Min(n, data.Seen(keys, first + i + m - 1) - key), end = (visible + across - 1) / across * across;
                        float* s = scores + (i * Keys), d = pulls + (i * Keys);
                        AttentionTiles.Product<L>(m, end, width, q + (i * data.Q.Row), data.Q.Row, 1, panel, Keys, s, Keys, false);
                        AttentionTiles.Product<L>(m, end, valueWidth, dy + (i * dO.Row), dO.Row, 1, panelV, Keys, d, Keys, false);
                        Pulls<L>(sequence, head, first + i, m, key, n, end, s, d, random, logSum + first + i, delta + first + i);
                        if (direct)
                        {
                            AttentionTiles.Product<L>(m, whole, visible, pulls + (i * Keys), Keys, 1, (float*)ownedK, rowK, dQ.Of(sequence, first + i, head * width), dQ.Row, key > 0);
                            continue;
                        }
                        AttentionTiles.Product<L>(m, whole, visible, pulls + (i * Keys), Keys, 1, (float*)ownedK, rowK, sumQ, whole, false);
                        for (int r = 0; r < m; r++) { AttentionTiles.Put<L>(sumQ + (r * whole), width, 1, dQ.Of(sequence, first + i + r, head * width), key > 0); }
                    }
                    var (ownedQ, rowQ) = AttentionTiles.Whole<L>(q, data.Q.Row, rows, width, ownQ);
                    var (ownedDy, rowDy) = AttentionTiles.Whole<L>(dy, dO.Row, rows, valueWidth, ownDy);
                    for (int j = 0; j < n; j += tile)
                    {
                        // queries before `from` see none of these keys
                        int m = Math.Min(tile, n - j), from = data.Causal ? Math.Clamp(key + j - data.Past - first, 0, rows) : 0;
                        if (from == rows) { break; }
                        from = from / tile * tile;
                        float* s = scores + (from * Keys) + j, d = pulls + (from * Keys) + j;
                        bool more = (begun >> (j / tile) & 1) != 0;
                        AttentionTiles.Product<L>(m, wholeV, rows - from, s, 1, Keys, (float*)ownedDy + (from * rowDy), rowDy, (float*)toV + (j * stepV), stepV, more);
                        AttentionTiles.Product<L>(m, whole, rows - from, d, 1, Keys, (float*)ownedQ + (from * rowQ), rowQ, (float*)toK + (j * stepK), stepK, more);
                        begun |= 1ul << (j / tile);
                    }
                }
            }
            for (int j = 0; j < all; j++)
            {
                float* dk = dK.Of(sequence, key + j, head * width), dv = dV.Of(sequence, key + j, head * valueWidth);
                if (j >= n || (begun >> (j / tile) & 1) == 0)
                {
                    new Span<float>(dk, width).Clear(); // no query sees it
                    new Span<float>(dv, valueWidth).Clear();
                    continue;
                }
                if (direct) { continue; }
                AttentionTiles.Put<L>(sumK + (j * whole), width, 1, dk, false);
                AttentionTiles.Put<L>(sumV + (j * wholeV), valueWidth, 1, dv, false);
            }
        }
    }

    // a tile's scores become weights and dL/d(weights) becomes dL/d(scores), both 0 from what a query sees to `end`
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Pulls<L>(int sequence, int head, int query, int rows, int key, int n, int end, float* s, float* d, float* random, float* logSum, float* delta) where L : struct, IVectorLane<L>, ILane<L>
    {
        int keys = data.KeysOf(sequence);
        for (int r = 0; r < rows; r++, query++, s += AttentionData.BlockK, d += AttentionData.BlockK)
        {
            int valid = Math.Min(n, data.Seen(keys, query) - key), full = valid > 0 ? AttentionData.Whole<L>(valid) : 0;
            AttentionTiles.Clear<L>(s + full, end - full);
            AttentionTiles.Clear<L>(d + full, end - full);
            if (valid <= 0) { continue; }
            if (data.Dropout > 0)
            {
                Rng.UniformAt(data.Seed, data.Stream, data.Draw(sequence, head, query, key), new Span<float>(random, valid));
                AttentionScores.Drop<L>(d, random, full, data.Dropout, Kept);
            }
            AttentionScores.Pull<L>(s, d, valid, data.MaskOf(sequence, head, query, key), data.Scale, logSum[r], delta[r]);
            if (data.Dropout > 0) { AttentionScores.Drop<L>(s, random, full, data.Dropout, Kept); }
        }
    }

    // Σ dO ⊙ O of each query
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Deltas<L>(int sequence, int head, float* delta) where L : struct, IVectorLane<L>, ILane<L>
    {
        int width = data.ValueWidth;
        float* dy = dO.Of(sequence, 0, head * width), o = data.O.Of(sequence, 0, head * width);
        for (int i = 0; i < data.Queries; i++, dy += dO.Row, o += data.O.Row) { delta[i] = AttentionScores.Dot<L>(dy, o, width); }
    }

    private float Kept => data.Dropout == 1 ? 0 : 1 / (1 - data.Dropout);
}
