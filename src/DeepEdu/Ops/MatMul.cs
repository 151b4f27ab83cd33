using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>C = op(A)·op(B), for each of a batch of matrices; op transposes or not. C [batch, m, n], op(A) [m, k], op(B) [k, n], all row-major.</summary>
/// <param name="A">The first factors.</param>
/// <param name="B">The second factors.</param>
/// <param name="C">The products, overwritten.</param>
/// <param name="M">Rows of a product.</param>
/// <param name="K">The inner size.</param>
/// <param name="N">Columns of a product.</param>
/// <param name="TransA">Whether a first factor is stored [k, m].</param>
/// <param name="TransB">Whether a second factor is stored [n, k].</param>
/// <param name="Batch">Which factors make which product: sizes and steps count whole matrices.</param>
public readonly record struct MatMul(View A, View B, View C, int M, int K, int N, bool TransA, bool TransB, Broadcast Batch) : IKernel
{
    /// <inheritdoc/>
    public static string Name => "matmul";

    /// <inheritdoc/>
    public string Sizes
    {
        get
        {
            int count = M * N == 0 ? 0 : C.Length / (M * N);
            return $"{(count == 1 ? "" : $"{count} × ")}[{M}, {K}] · [{K}, {N}]{(TransA || TransB ? $" {(TransA ? 'T' : 'N')}{(TransB ? 'T' : 'N')}" : "")}";
        }
    }

    /// <inheritdoc/>
    public unsafe void Run()
    {
        if (C.Length == 0) { return; }
        int count = C.Length / (M * N), lda = TransA ? M : K, ldb = TransB ? K : N;
        fixed (float* a = CpuDevice.Of(A), b = CpuDevice.Of(B), c = CpuDevice.Of(C))
        {
            if (count == 1) { Gemm.Run(TransA, TransB, M, N, K, a, lda, b, ldb, c, N); }
            else if (Batch.Rank == 1) { Gemm.Batch(count, TransA, TransB, M, N, K, a, lda, (nint)Batch.A[0] * M * K, b, ldb, (nint)Batch.B[0] * K * N, c, N, (nint)M * N); }
            else { RunAxes(count, a, lda, b, ldb, c); }
        }
    }

    // a batch whose axes broadcast differently: one run of products for each place on the outer axes
    private unsafe void RunAxes(int count, float* a, int lda, float* b, int ldb, float* c)
    {
        int last = Batch.Rank - 1, inner = Batch.Sizes[last];
        for (int first = 0; first < count; first += inner)
        {
            nint atA = 0, atB = 0;
            for (int axis = last - 1, rest = first / inner; axis >= 0; axis--)
            {
                (rest, int at) = Math.DivRem(rest, Batch.Sizes[axis]);
                atA += (nint)at * Batch.A[axis];
                atB += (nint)at * Batch.B[axis];
            }
            Gemm.Batch(inner, TransA, TransB, M, N, K, a + (atA * M * K), lda, (nint)Batch.A[last] * M * K, b + (atB * K * N), ldb, (nint)Batch.B[last] * K * N,
                c + ((nint)first * M * N), N, (nint)M * N);
        }
    }
}

/// <summary>Products of matrices and vectors.</summary>
public static class MatMulOps
{
    extension(Tensor a)
    {
        /// <summary>The matrix product over the last two axes: [.., m, k] × [.., k, n] → [.., m, n]; the axes before them broadcast. A vector [k] on the left is a row,
        /// on the right a column, and its axis is gone from the result; flags do not matter to it. <c>torch.matmul</c>, <c>numpy.matmul</c>.</summary>
        /// <param name="b">The second factor.</param>
        /// <param name="transA">Reads the first factor as [.., k, m].</param>
        /// <param name="transB">Reads the second factor as [.., n, k].</param>
        /// <exception cref="ShapeException">The inner sizes differ, the leading axes do not broadcast, or a factor is a single value.</exception>
        public Tensor MatMul(Tensor b, bool transA = false, bool transB = false)
        {
            ArgumentNullException.ThrowIfNull(a);
            ArgumentNullException.ThrowIfNull(b);
            Elementwise.SameDevice("matmul", a, b);
            if (a.Rank == 0 || b.Rank == 0) { ThrowRank(a.Shape, b.Shape); }
            bool row = a.Rank == 1, column = b.Rank == 1;
            (transA, transB) = (transA && !row, transB && !column);
            var c = Product(row ? a.Viewed([1, a.Size]) : a, column ? b.Viewed([b.Size, 1]) : b, transA, transB, null);
            if (column) { c = c.Viewed(c.Shape.Without(c.Rank - 1)); }
            return row ? c.Viewed(c.Shape.Without(c.Rank - (column ? 1 : 2))) : c;
        }

        /// <summary>Σ aᵢ·bᵢ of two vectors [n], of shape []. <c>torch.dot</c>.</summary>
        /// <exception cref="ShapeException">They are not two vectors of one length.</exception>
        public Tensor Dot(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(a);
            ArgumentNullException.ThrowIfNull(b);
            if (a.Rank != 1 || b.Rank != 1 || a.Size != b.Size) { ThrowVectors("dot", a.Shape, b.Shape, "two vectors of one length are needed"); }
            return a.MatMul(b);
        }

        /// <summary>All products aᵢ·bⱼ of vectors [m] and [n], of shape [m, n]. <c>torch.outer</c>.</summary>
        /// <exception cref="ShapeException">They are not vectors.</exception>
        public Tensor Outer(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(a);
            ArgumentNullException.ThrowIfNull(b);
            if (a.Rank != 1 || b.Rank != 1) { ThrowVectors("outer", a.Shape, b.Shape, "two vectors are needed"); }
            Elementwise.SameDevice("outer", a, b);
            return Product(a.Viewed([a.Size, 1]), b.Viewed([1, b.Size]), false, false, null);
        }
    }

    /// <summary>op(a)·op(b) of matrices with leading axes. With <paramref name="to"/>, the leading axes that were broadcast are added up.</summary>
    internal static Tensor Product(Tensor a, Tensor b, bool transA, bool transB, Shape? to)
    {
        var c = Unrecorded(a, b, transA, transB, to);
        if (Tape.For(a, b) is { } tape) { MatMul(tape, c, a, b, transA, transB); }
        return c;
    }

    // named after the operation, which is what a diagnosis calls it
    private static void MatMul(Tape tape, Tensor c, Tensor a, Tensor b, bool transA, bool transB) => tape.AddRecordable(c,
        (a, dy => transA ? Product(b, dy, transB, true, a.Shape) : Product(dy, b, false, !transB, a.Shape)),
        (b, dy => transB ? Product(dy, a, true, transA, b.Shape) : Product(a, dy, !transA, false, b.Shape)));

    private static Tensor Unrecorded(Tensor a, Tensor b, bool transA, bool transB, Shape? to)
    {
        int m = a.Shape[transA ? ^1 : ^2], k = a.Shape[transA ? ^2 : ^1], kb = b.Shape[transB ? ^1 : ^2], n = b.Shape[transB ? ^2 : ^1];
        if (k != kb) { ThrowInner(a.Shape, b.Shape, transA, transB, k, kb); }
        // one factor for a whole batch: the batch's rows are one tall matrix
        if (a.Rank > 2 && b.Rank == 2 && !transA)
        {
            var tall = Multiply(a.Alias([a.Shape.Product(0, a.Rank - 1), k]), b, false, transB, [], m * a.Shape.Product(0, a.Rank - 2), k, n);
            return tall.Alias([.. a.Shape.Sizes[..^1], n]);
        }
        Shape batchA = [.. a.Shape.Sizes[..^2]], batchB = [.. b.Shape.Sizes[..^2]];
        // and the sum over a batch of Aᵀ·B is one product with a long inner size
        if (to is { Rank: 2 } && a.Rank > 2 && batchA == batchB && transA && !transB)
        {
            int length = batchA.Size * k;
            return Multiply(a.Alias([length, m]), b.Alias([length, n]), true, false, [], m, length, n);
        }
        Shape batch;
        try { batch = Shape.Broadcast("matmul", batchA, batchB); }
        catch (ShapeException) { ThrowBatch(a.Shape, b.Shape, batchA, batchB); throw; }
        var c = Multiply(a, b, transA, transB, batch, m, k, n, Broadcasting.Plan("matmul", batch, batchA, batchB, batch));
        return to is not { } sum || sum == c.Shape ? c : c.Size == sum.Size ? c.Alias(sum) : c.FoldTo(sum, default(Reductions.SumFold), default(Reductions.SumFold));
    }

    private static Tensor Multiply(Tensor a, Tensor b, bool transA, bool transB, Shape batch, int m, int k, int n, Broadcast plan = default)
    {
        var c = Tensor.Empty([.. batch.Sizes, m, n], a.Device);
        a.Device.Launch(new MatMul(a.View, b.View, c.View, m, k, n, transA, transB, plan));
        return c;
    }

    [DoesNotReturn]
    private static void ThrowRank(Shape a, Shape b) =>
        throw new ShapeException("matmul", $"{a} × {b}: a single value is no matrix; multiply with *", a, b);

    [DoesNotReturn]
    private static void ThrowVectors(string op, Shape a, Shape b, string need) => throw new ShapeException(op, $"{a} and {b}: {need}; use MatMul for matrices", a, b);

    [DoesNotReturn]
    private static void ThrowInner(Shape a, Shape b, bool transA, bool transB, int ka, int kb)
    {
        string hint = b[transB ? ^2 : ^1] == ka ? "; transpose the second factor?" : a[transA ? ^1 : ^2] == kb ? "; transpose the first factor?" : "";
        throw new ShapeException("matmul", $"{a}{(transA ? "ᵀ" : "")} × {b}{(transB ? "ᵀ" : "")}: inner sizes {ka} and {kb} differ{hint}", a, b);
    }

    [DoesNotReturn]
    private static void ThrowBatch(Shape a, Shape b, Shape batchA, Shape batchB) =>
        throw new ShapeException("matmul", $"{a} × {b}: the leading axes {batchA} and {batchB} do not broadcast; sizes must be equal or 1", a, b);
}
