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
        Work.For(units, AttentionData.Grain(work, units), new AttentionBackward(data, dO, dQ, dK, dV));
    }

    /// <inheritdoc/>
    public void Run(int from, int to)
    {
        for (int unit = from; unit < to; unit++)
        {
            var (sequence, head) = Math.DivRem(unit, data.Heads);
            if (F16.IsSupported) { Head<F16>(sequence, head); }
            else if (F8.IsSupported) { Head<F8>(sequence, head); }
            else if (F4.IsSupported) { Head<F4>(sequence, head); }
            else { Head<F1>(sequence, head); }
        }
    }

    private void Head<L>(int sequence, int head) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int i = 0; i < data.Keys; i++)
        {
            new Span<float>(dK.Of(sequence, i, head * data.Width), data.Width).Clear();
            new Span<float>(dV.Of(sequence, i, head * data.ValueWidth), data.ValueWidth).Clear();
        }
        for (int first = 0; first < data.Queries; first += AttentionData.BlockQ) { Rows<L>(sequence, head, first, Math.Min(AttentionData.BlockQ, data.Queries - first)); }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Rows<L>(int sequence, int head, int first, int rows) where L : struct, IVectorLane<L>, ILane<L>
    {
        int keys = data.KeysOf(sequence), seen = Math.Max(0, data.Seen(keys, first + rows - 1)), width = data.Width, valueWidth = data.ValueWidth;
        float* delta = stackalloc float[AttentionData.BlockQ];
        float* scores = Scratch.Images.Take((2 * Block) + AttentionData.BlockK), pulls = scores + Block, random = pulls + Block;
        float* q = data.Q.Of(sequence, first, head * width), o = data.O.Of(sequence, first, head * valueWidth);
        float* dq = dQ.Of(sequence, first, head * width), dy = dO.Of(sequence, first, head * valueWidth);
        float* logSum = data.LogSum + ((nint)((sequence * data.Heads) + head) * data.Queries) + first;
        float keep = data.Dropout == 1 ? 0 : 1 / (1 - data.Dropout);
        for (int i = 0; i < rows; i++)
        {
            delta[i] = AttentionScores.Dot<L>(dy + (i * dO.Row), o + (i * data.O.Row), valueWidth);
            if (seen == 0) { new Span<float>(dq + (i * dQ.Row), width).Clear(); }
        }
        for (int key = 0; key < seen; key += AttentionData.BlockK)
        {
            int n = Math.Min(AttentionData.BlockK, seen - key), whole = AttentionData.Whole<L>(n);
            float* k = data.K.Of(sequence, key, head * width);
            Gemm.Run<L>(false, true, rows, n, width, q, data.Q.Row, k, data.K.Row, scores, AttentionData.BlockK, false, default);
            Gemm.Run<L>(false, true, rows, n, valueWidth, dy, dO.Row, data.V.Of(sequence, key, head * valueWidth), data.V.Row, pulls, AttentionData.BlockK, false, default);
            for (int i = 0; i < rows; i++)
            {
                float* s = scores + (i * AttentionData.BlockK), d = pulls + (i * AttentionData.BlockK);
                int valid = Math.Max(0, Math.Min(n, data.Seen(keys, first + i) - key)), full = AttentionData.Whole<L>(valid);
                new Span<float>(s + full, whole - full).Clear();
                new Span<float>(d + full, whole - full).Clear();
                if (valid == 0) { continue; }
                if (data.Dropout > 0)
                {
                    Rng.UniformAt(data.Seed, data.Stream, data.Draw(sequence, head, first + i, key), new Span<float>(random, valid));
                    AttentionScores.Drop<L>(d, random, full, data.Dropout, keep);
                }
                AttentionScores.Pull<L>(s, d, valid, data.MaskOf(sequence, head, first + i, key), data.Scale, logSum[i], delta[i]);
                if (data.Dropout > 0) { AttentionScores.Drop<L>(s, random, full, data.Dropout, keep); }
            }
            Gemm.Run<L>(true, false, n, valueWidth, rows, scores, AttentionData.BlockK, dy, dO.Row, dV.Of(sequence, key, head * valueWidth), dV.Row, true, default);
            Gemm.Run<L>(false, false, rows, width, n, pulls, AttentionData.BlockK, k, data.K.Row, dq, dQ.Row, key > 0, default);
            Gemm.Run<L>(true, false, n, width, rows, pulls, AttentionData.BlockK, q, data.Q.Row, dK.Of(sequence, key, head * width), dK.Row, true, default);
        }
    }
}
