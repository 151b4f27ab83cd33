using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Products with sparse matrices.</summary>
public static class SparseProducts
{
    extension(SparseMatrix a)
    {
        /// <summary>y = A·x: row i of the result is Σ aᵢⱼ·xⱼ over the entries of row i. What each edge of a graph brings to the node it leads to, with no message in memory. Gradients go to x and to the values.
        /// PyTorch's <c>torch.sparse.mm</c>.</summary>
        /// <param name="x">[columns, n].</param>
        /// <returns>[rows, n].</returns>
        /// <exception cref="ShapeException">x is not a matrix of as many rows as A has columns.</exception>
        public Tensor MatMul(Tensor x)
        {
            ArgumentNullException.ThrowIfNull(a);
            ArgumentNullException.ThrowIfNull(x);
            if (x.Rank != 2 || x.Shape[0] != a.Columns) { ThrowShapes(a, x.Shape); }
            Elementwise.SameDevice("matmul", a.Values, x);
            return x.Device.Has<SparseProductKernel>() ? Fused(a, x) : Composed(a, x);
        }
    }

    /// <summary>The same in other operations, with each entry's message in memory.</summary>
    internal static Tensor Composed(SparseMatrix a, Tensor x) =>
        Tensor.Zeros([a.Rows, x.Shape[1]], x.Device).IndexAdd(0, a.Row, x.IndexSelect(0, a.Column) * a.Values.Unsqueeze(1));

    private static Tensor Fused(SparseMatrix a, Tensor x)
    {
        var values = a.Values;
        int n = x.Shape[1];
        var y = Tensor.Empty([a.Rows, n], x.Device);
        x.Device.Launch(new SparseProductKernel(a.ByRow, values.View, x.View, y.View, n));
        Tape.For(x, values)?.AddRecordable(y, (x, dy =>
        {
            if (Tape.Recording is { } tape) { return tape.Through(() => Composed(a, x), dy, x); }
            var dx = Tensor.Empty(x.Shape, x.Device);
            x.Device.Launch(new SparseProductKernel(a.ByColumn, values.View, dy.View, dx.View, n));
            return dx;
        }
        ), (values, dy =>
        {
            if (Tape.Recording is { } tape) { return tape.Through(() => Composed(a, x), dy, values); }
            var dv = Tensor.Empty(values.Shape, x.Device);
            x.Device.Launch(new SparseDotsKernel(a.ByRow, dv.View, x.View, dy.View, n));
            return dv;
        }
        ));
        return y;
    }

    [DoesNotReturn]
    private static void ThrowShapes(SparseMatrix a, Shape x) => throw new ShapeException("matmul", x.Rank != 2
        ? $"[{a.Rows},{a.Columns}] × {x}: the second factor must be a matrix{(x.Rank == 1 ? "; Unsqueeze(1) makes one of a vector" : "")}"
        : $"[{a.Rows},{a.Columns}] × {x}: inner sizes {a.Columns} and {x[0]} differ", x);

    /// <summary>Sorts entries by row into memory.</summary>
    internal readonly record struct SparseSortKernel(View Memory, int Rows, Indices Row, Indices Column) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "sparse-sort";

        /// <inheritdoc/>
        public void Run() => SparseRows.Of(Memory, Rows, Row.Span, Column.Span);
    }

    /// <summary>Y = A·X, where <paramref name="Values"/> are in the order of the entries as given; 1 each without memory.</summary>
    internal readonly record struct SparseProductKernel(SparseRows A, View Values, View X, View Y, int N) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "sparse-matmul";

        /// <inheritdoc/>
        public string Sizes => $"{A.Rows} rows, {A.Count} entries × {N}";

        /// <inheritdoc/>
        public unsafe void Run()
        {
            fixed (float* v = CpuDevice.Of(Values), x = CpuDevice.Of(X), y = CpuDevice.Of(Y)) { A.Product(v, x, y, N); }
        }
    }

    /// <summary>Of each entry the product of its row of Y and the row of X that its column names.</summary>
    internal readonly record struct SparseDotsKernel(SparseRows A, View Dots, View X, View Y, int N) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "sparse-dots";

        /// <inheritdoc/>
        public string Sizes => $"{A.Rows} rows, {A.Count} entries × {N}";

        /// <inheritdoc/>
        public unsafe void Run()
        {
            fixed (float* d = CpuDevice.Of(Dots), x = CpuDevice.Of(X), y = CpuDevice.Of(Y)) { A.Dots(d, x, y, N); }
        }
    }
}
