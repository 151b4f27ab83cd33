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
        Work.For(units, AttentionData.Grain(work, units), new AttentionForward(data));
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
            int first = block * AttentionData.BlockQ;
            Block<L>(head / data.Heads, head % data.Heads, first, Math.Min(AttentionData.BlockQ, data.Queries - first));
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Block<L>(int sequence, int head, int first, int rows) where L : struct, IVectorLane<L>, ILane<L>
    {
        int keys = data.KeysOf(sequence), seen = Math.Max(0, data.Seen(keys, first + rows - 1)), width = data.ValueWidth;
        float* largest = stackalloc float[AttentionData.BlockQ], sums = stackalloc float[AttentionData.BlockQ];
        float* scores = Scratch.Images.Take((AttentionData.BlockQ + 1) * AttentionData.BlockK), random = scores + (AttentionData.BlockQ * AttentionData.BlockK);
        float* o = data.O.Of(sequence, first, head * width);
        for (int i = 0; i < rows; i++) { (largest[i], sums[i]) = (float.NegativeInfinity, 0); }
        for (int key = 0; key < seen; key += AttentionData.BlockK)
        {
            int n = Math.Min(AttentionData.BlockK, seen - key), whole = AttentionData.Whole<L>(n);
            Gemm.Run<L>(false, true, rows, n, data.Width, data.Q.Of(sequence, first, head * data.Width), data.Q.Row, data.K.Of(sequence, key, head * data.Width), data.K.Row,
                scores, AttentionData.BlockK, false, default);
            float* s = scores;
            for (int i = 0; i < rows; i++, s += AttentionData.BlockK)
            {
                int valid = Math.Min(n, data.Seen(keys, first + i) - key), full = valid > 0 ? AttentionData.Whole<L>(valid) : 0;
                new Span<float>(s + full, whole - full).Clear();
                if (valid <= 0) { continue; }
                float max = MathF.Max(largest[i], AttentionScores.Finish<L>(s, valid, data.MaskOf(sequence, head, first + i, key), data.Scale));
                if (max == float.NegativeInfinity)
                {
                    new Span<float>(s, full).Clear();
                    continue;
                }
                float sum = AttentionScores.Exp<L>(s, full, max);
                if (key > 0)
                {
                    float before = MathF.Exp(largest[i] - max);
                    sum += sums[i] * before;
                    if (before != 1) { AttentionScores.Times<L>(o + (i * data.O.Row), width, before); }
                }
                (largest[i], sums[i]) = (max, sum);
                if (data.Dropout > 0) { Drop<L>(s, random, valid, full, data.Draw(sequence, head, first + i, key)); }
            }
            Gemm.Run<L>(false, false, rows, width, n, scores, AttentionData.BlockK, data.V.Of(sequence, key, head * width), data.V.Row, o, data.O.Row, key > 0, default);
        }
        for (int i = 0; i < rows; i++)
        {
            float* row = o + (i * data.O.Row);
            if (sums[i] == 0) { new Span<float>(row, width).Clear(); }
            else { AttentionScores.Times<L>(row, width, 1 / sums[i]); }
            if (data.LogSum is not null)
            {
                data.LogSum[((nint)((sequence * data.Heads) + head) * data.Queries) + first + i] = sums[i] == 0 ? 0 : largest[i] + MathF.Log(sums[i]);
            }
        }
    }

    private void Drop<L>(float* s, float* random, int n, int whole, ulong start) where L : struct, IVectorLane<L>, ILane<L>
    {
        Rng.UniformAt(data.Seed, data.Stream, start, new Span<float>(random, n));
        AttentionScores.Drop<L>(s, random, whole, data.Dropout, data.Dropout == 1 ? 0 : 1 / (1 - data.Dropout));
    }
}
