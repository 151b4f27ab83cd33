using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Scaled dot-product attention with several heads side by side: Vaswani et al. 2017, arXiv:1706.03762, eq. 1 and section 3.2.2.</summary>
public static class AttentionOps
{
    extension(Tensor q)
    {
        /// <summary>For each head y = softmax(q·kᵀ·scale + mask)·v: every query's mean of the values, weighted by how well its key fits. q [.., T, heads·d], k [.., Tₖ, heads·d], v [.., Tₖ, heads·e]
        /// → [.., T, heads·e]. Fused: memory grows with T, not with T·Tₖ, and the way back computes the weights again (Dao et al. 2022, arXiv:2205.14135).
        /// PyTorch's <c>scaled_dot_product_attention(q, k, v)</c> is this with one head.</summary>
        /// <param name="k">The keys.</param>
        /// <param name="v">The values.</param>
        /// <param name="heads">How many heads lie side by side in the last axis.</param>
        /// <param name="mask">Which keys a query sees. One that sees none gets 0.</param>
        /// <param name="scale">1/√d unless given.</param>
        /// <param name="dropout">While learning, the probability to leave a weight out; the others are scaled by 1 / (1 − p).</param>
        /// <param name="rng">For dropout; moves on by one number a weight.</param>
        /// <exception cref="ShapeException">The shapes do not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A length beyond the keys, or dropout not in [0, 1].</exception>
        public Tensor Attention(Tensor k, Tensor v, int heads = 1, AttentionMask mask = default, float? scale = null, float dropout = 0, Rng? rng = null)
        {
            ArgumentNullException.ThrowIfNull(q);
            ArgumentNullException.ThrowIfNull(k);
            ArgumentNullException.ThrowIfNull(v);
            if (q.Rank < 2 || k.Rank != q.Rank || v.Rank != q.Rank || k.Shape[^1] != q.Shape[^1] || !Leading(k.Shape, 1).Equals(Leading(v.Shape, 1)) || Leading(q.Shape, 2) != Leading(k.Shape, 2))
            {
                ThrowShapes(q.Shape, k.Shape, v.Shape);
            }
            if (heads <= 0 || q.Shape[^1] % heads != 0 || v.Shape[^1] % heads != 0) { ThrowHeads(q.Shape, v.Shape, heads); }
            Elementwise.SameDevice("attention", q, k);
            Elementwise.SameDevice("attention", q, v);
            return new AttentionCall(q, k, v, heads, mask, scale, dropout, rng).Forward();
        }

        /// <summary>The same where queries, keys and values of one width lie side by side, as one product made them: [.., T, 3·heads·d] → [.., T, heads·d].</summary>
        /// <param name="heads">How many heads lie side by side in each third.</param>
        /// <param name="mask">Which keys a query sees.</param>
        /// <param name="scale">1/√d unless given.</param>
        /// <param name="dropout">While learning, the probability to leave a weight out.</param>
        /// <param name="rng">For dropout.</param>
        /// <exception cref="ShapeException">The last axis is not 3·heads·d.</exception>
        public Tensor SelfAttention(int heads, AttentionMask mask = default, float? scale = null, float dropout = 0, Rng? rng = null)
        {
            ArgumentNullException.ThrowIfNull(q);
            if (q.Rank < 2 || heads <= 0 || q.Shape[^1] % (3 * heads) != 0) { ThrowPacked(q.Shape, heads); }
            return new AttentionCall(q, null, null, heads, mask, scale, dropout, rng).Forward();
        }
    }

    internal static Shape Leading(Shape s, int without) => Shape.Create(s.Sizes[..^without]);

    [DoesNotReturn]
    private static void ThrowShapes(Shape q, Shape k, Shape v) => throw new ShapeException("attention",
        $"q {q}, k {k}, v {v}: [.., T, heads·d], [.., Tₖ, heads·d] and [.., Tₖ, heads·e] are needed, with the same leading axes", q, k, v);

    [DoesNotReturn]
    private static void ThrowHeads(Shape q, Shape v, int heads) => throw new ShapeException("attention", $"{heads} heads do not divide the last axes of q {q} and v {v}", q, v);

    [DoesNotReturn]
    private static void ThrowPacked(Shape x, int heads) => throw new ShapeException("self-attention", $"{x} with {heads} heads: [.., T, 3·heads·d] is needed", x);

    /// <summary>The forward pass. K and V without memory: they stand beside Q in its rows.</summary>
    /// <param name="Q">The queries, or queries, keys and values side by side.</param>
    /// <param name="K">The keys.</param>
    /// <param name="V">The values.</param>
    /// <param name="Mask">Added to the scores.</param>
    /// <param name="Y">Becomes the result.</param>
    /// <param name="LogSum">Becomes ln Σ e^score, if it has memory.</param>
    /// <param name="Plan">Sizes and options.</param>
    public readonly record struct AttentionKernel(View Q, View K, View V, View Mask, View Y, View LogSum, AttentionPlan Plan) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "attention";

        /// <inheritdoc/>
        public string Sizes => Plan.Sizes;

        /// <inheritdoc/>
        public unsafe void Run()
        {
            fixed (float* q = CpuDevice.Of(Q), k = CpuDevice.Of(K), v = CpuDevice.Of(V), mask = CpuDevice.Of(Mask), y = CpuDevice.Of(Y), logSum = CpuDevice.Of(LogSum))
            {
                AttentionForward.Run(Plan.Data(K.IsNone, q, k, v, mask, y, logSum));
            }
        }
    }

    /// <summary>The way back of <see cref="AttentionKernel"/>, from its arguments and result.</summary>
    /// <param name="Forward">The forward pass.</param>
    /// <param name="Dy">dL/dy.</param>
    /// <param name="Dq">Becomes dL/dq.</param>
    /// <param name="Dk">Becomes dL/dk; without memory as K.</param>
    /// <param name="Dv">Becomes dL/dv; without memory as V.</param>
    public readonly record struct AttentionPullKernel(AttentionKernel Forward, View Dy, View Dq, View Dk, View Dv) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "attention-pull";

        /// <inheritdoc/>
        public string Sizes => Forward.Sizes;

        /// <inheritdoc/>
        public unsafe void Run()
        {
            var f = Forward;
            fixed (float* q = CpuDevice.Of(f.Q), k = CpuDevice.Of(f.K), v = CpuDevice.Of(f.V), mask = CpuDevice.Of(f.Mask), y = CpuDevice.Of(f.Y), logSum = CpuDevice.Of(f.LogSum))
            {
                fixed (float* dy = CpuDevice.Of(Dy), dq = CpuDevice.Of(Dq), dk = CpuDevice.Of(Dk), dv = CpuDevice.Of(Dv))
                {
                    var d = f.Plan.Data(f.K.IsNone, dq, dk, dv, null, dy, null);
                    AttentionBackward.Run(f.Plan.Data(f.K.IsNone, q, k, v, mask, y, logSum), d.O, d.Q, d.K, d.V);
                }
            }
        }
    }
}

/// <summary>Sizes and options of a call of attention.</summary>
/// <param name="Batch">Sequences.</param>
/// <param name="Heads">Heads.</param>
/// <param name="Queries">Queries of a sequence.</param>
/// <param name="QueryRow">Floats from one query to the next.</param>
/// <param name="Keys">Keys of a sequence.</param>
/// <param name="KeyRows">Rows that the keys of a sequence have room for, where more than count.</param>
/// <param name="Width">d.</param>
/// <param name="ValueWidth">e.</param>
/// <param name="MaskBatch">Floats from one sequence's mask to the next; 0 if all have one.</param>
/// <param name="MaskHead">The same for heads.</param>
/// <param name="MaskRow">The same for queries.</param>
/// <param name="Lengths">Keys of each sequence that count, or null.</param>
/// <param name="Causal">Whether a query sees only keys up to its place.</param>
/// <param name="Past">Keys before the first query.</param>
/// <param name="Scale">What the dot products are multiplied with.</param>
/// <param name="Dropout">The probability that a weight is left out.</param>
/// <param name="Seed">Of the random numbers.</param>
/// <param name="Stream">Of the random numbers.</param>
/// <param name="Start">The first random number.</param>
public readonly record struct AttentionPlan(int Batch, int Heads, int Queries, int QueryRow, int Keys, int KeyRows, int Width, int ValueWidth, int MaskBatch, int MaskHead, int MaskRow, int[]? Lengths, bool Causal,
    int Past, float Scale, float Dropout, ulong Seed, ulong Stream, ulong Start)
{
    internal string Sizes => $"{Batch} × {Heads} × {Queries} · {Keys} × {Width}";

    internal unsafe AttentionData Data(bool packed, float* q, float* k, float* v, float* mask, float* y, float* logSum)
    {
        int width = Heads * Width, values = Heads * ValueWidth;
        var data = new AttentionData
        {
            Batch = Batch, Heads = Heads, Queries = Queries, Keys = Keys, Width = Width, ValueWidth = ValueWidth, LogSum = logSum, Mask = mask, MaskBatch = MaskBatch, MaskHead = MaskHead,
            MaskRow = MaskRow, Lengths = Lengths, Causal = Causal, Past = Past, Scale = Scale, Dropout = Dropout, Seed = Seed, Stream = Stream, Start = Start, O = Rows(y, values, Queries),
        };
        (data.Q, data.K, data.V) = packed
            ? (Rows(q, QueryRow, Queries), Rows(q + width, QueryRow, Queries), Rows(q + (2 * width), QueryRow, Queries))
            : (Rows(q, QueryRow, Queries), Rows(k, width, KeyRows), Rows(v, values, KeyRows));
        return data;
    }

    private static unsafe AttentionRows Rows(float* at, nint row, int rows) => new() { At = at, Row = row, Batch = row * rows };
}
