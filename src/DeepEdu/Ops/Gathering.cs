using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Values picked by index, and their adjoint: values added where an index says. Every index is checked. The order of the sums depends on sizes alone.</summary>
public static class Gathering
{
    extension(Tensor x)
    {
        /// <summary>Whole entries of an axis: y[.., j, ..] = x[.., index[j], ..]. The gradient adds up where an entry was taken twice.</summary>
        /// <param name="axis">The axis; negative counts from the end.</param>
        /// <param name="index">Positions on the axis; its own shape takes the axis' place in the result.</param>
        /// <exception cref="ShapeException">There is no such axis.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A position lies outside the axis.</exception>
        public Tensor IndexSelect(int axis, Indices index)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(index);
            return x.Select("index-select", x.Shape.Axis("index-select", axis), index, -1);
        }

        /// <summary>x with whole entries of an axis added, each where the index says: y = x; y[.., index[j], ..] += source[.., j, ..]. The sum of what each edge of a graph brings to the node it
        /// leads to; the adjoint of <c>IndexSelect</c>. PyTorch's <c>index_add</c>.</summary>
        /// <param name="axis">The axis; negative counts from the end.</param>
        /// <param name="index">One axis of positions on the axis.</param>
        /// <param name="source">Of x's shape, but with the index's length on the axis.</param>
        /// <exception cref="ShapeException">There is no such axis, or the sizes do not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A position lies outside the axis.</exception>
        public Tensor IndexAdd(int axis, Indices index, Tensor source)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(index);
            ArgumentNullException.ThrowIfNull(source);
            int at = x.Shape.Axis("index-add", axis);
            if (index.Rank != 1 || source.Shape != x.Shape.With(at, index.Size)) { ThrowIndexAdd(x.Shape, index.Shape, source.Shape, at); }
            Elementwise.SameDevice("index-add", x, source);
            index.CheckBelow("index-add", x.Shape[at]);
            var (outer, n, inner) = Around(x.Shape, at);
            var y = Tensor.Empty(x.Shape, x.Device);
            x.Device.Copy(x.View, y.View);
            x.Device.Launch(new SelectAddKernel(source.View, index, y.View, outer, n, inner, -1));
            Tape.For(x, source)?.AddRecordable(y, (x, dy => dy), (source, dy => dy.IndexSelect(at, index)));
            return y;
        }

        /// <summary>Values along an axis, each by an index of its own: y[o, j, i] = x[o, index[o, j, i], i]. PyTorch's gather, NumPy's take_along_axis.</summary>
        /// <param name="axis">The axis; negative counts from the end.</param>
        /// <param name="index">Of x's rank; its sizes on the other axes are x's or smaller. The result has its shape.</param>
        /// <exception cref="ShapeException">There is no such axis, or the ranks or sizes do not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A position lies outside the axis.</exception>
        public Tensor Gather(int axis, Indices index)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(index);
            int at = x.Shape.Axis("gather", axis);
            CheckAlong("gather", x.Shape, at, index);
            index.CheckBelow("gather", x.Shape[at]);
            for (int k = 0; k < x.Rank; k++) { if (k != at) { x = x.Narrow(k, 0, index.Shape[k]); } }
            var (outer, n, inner) = Around(x.Shape, at);
            var y = Tensor.Empty(index.Shape, x.Device);
            x.Device.Launch(new GatherKernel(x.View, index, y.View, outer, n, index.Shape[at], inner));
            Tape.For(x)?.AddRecordable(y, (x, dy =>
            {
                if (Tape.Recording is not null) { return Tensor.Zeros(x.Shape, x.Device).ScatterAdd(at, index, dy); }
                index.CheckBelow("gather", n);
                return Added(x.Shape, dy, dx => new ScatterAddKernel(dy.View, index, dx, outer, n, index.Shape[at], inner));
            }
            ));
            return y;
        }

        /// <summary>x with values added along an axis, each where an index of its own says: y = x; y[o, index[o, j, i], i] += source[o, j, i]. PyTorch's scatter_add.</summary>
        /// <param name="axis">The axis; negative counts from the end.</param>
        /// <param name="index">Of x's rank; its sizes on the other axes are x's.</param>
        /// <param name="source">Of the index's shape.</param>
        /// <exception cref="ShapeException">There is no such axis, or the ranks or sizes do not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A position lies outside the axis.</exception>
        public Tensor ScatterAdd(int axis, Indices index, Tensor source)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(index);
            ArgumentNullException.ThrowIfNull(source);
            int at = x.Shape.Axis("scatter-add", axis);
            CheckAlong("scatter-add", x.Shape, at, index);
            if (source.Shape != index.Shape || index.Shape.With(at, x.Shape[at]) != x.Shape) { ThrowScatter(x.Shape, index.Shape, source.Shape, at); }
            Elementwise.SameDevice("scatter-add", x, source);
            index.CheckBelow("scatter-add", x.Shape[at]);
            var (outer, n, inner) = Around(x.Shape, at);
            var y = Tensor.Empty(x.Shape, x.Device);
            x.Device.Copy(x.View, y.View);
            x.Device.Launch(new ScatterAddKernel(source.View, index, y.View, outer, n, index.Shape[at], inner));
            Tape.For(x, source)?.AddRecordable(y, (x, dy => dy), (source, dy => dy.Gather(at, index)));
            return y;
        }

        /// <summary>Rows of x, a table [rows, dim]: positions [..] to [.., dim]. The gradient is a dense table into which each position's gradient is added or, if
        /// <paramref name="sparse"/>, the used rows alone (<see cref="Gradients.FindRows"/>), at a cost that does not depend on the table's length.</summary>
        /// <param name="index">Which rows.</param>
        /// <param name="padding">A row that is learned from nothing: no gradient reaches it. None if negative.</param>
        /// <param name="sparse">Whether a table that is a leaf gets a <see cref="RowGradient"/>. PyTorch's <c>sparse=True</c>.</param>
        /// <exception cref="ShapeException">The table is not a matrix, or has no row <paramref name="padding"/>.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A position is not a row.</exception>
        public Tensor Embedding(Indices index, int padding = -1, bool sparse = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(index);
            if (x.Rank != 2 || padding >= x.Shape[0]) { ThrowTable(x.Shape, padding); }
            return x.Select("embedding", 0, index, padding, sparse);
        }
    }

    private static Tensor Select(this Tensor x, string op, int at, Indices index, int skip, bool sparse = false)
    {
        index.CheckBelow(op, x.Shape[at]);
        var (outer, n, inner) = Around(x.Shape, at);
        var y = Tensor.Empty([.. x.Shape.Sizes[..at], .. index.Shape, .. x.Shape.Sizes[(at + 1)..]], x.Device);
        x.Device.Launch(new SelectKernel(x.View, index, y.View, outer, n, inner));
        Tape.For(x)?.AddRecordable(y, new Edge(x, Pull) { PullRows = sparse ? dy => RowGradient.Sum(x.Shape, index, dy, skip) : null });
        return y;

        // the caller's array may hold other numbers by now
        Tensor Pull(Tensor dy)
        {
            if (Tape.Recording is not null) { return Recorded(dy); }
            index.CheckBelow(op, n);
            return outer == 1 && inner >= 16 && index.Size >= n / 4 && dy.Device.Has<SparseProducts.SparseProductKernel>()
                ? AddedRows(x.Shape, dy, index, n, inner, skip) : Added(x.Shape, dy, dx => new SelectAddKernel(dy.View, index, dx, outer, n, inner, skip));
        }

        Tensor Recorded(Tensor dy)
        {
            var each = dy.Reshape(x.Shape.With(at, index.Size));
            if (skip >= 0) { each = each.MaskedFill(Tensor.Of([index.Size, .. Enumerable.Repeat(1, x.Rank - at - 1)], Array.ConvertAll(index.ToArray(), i => i == skip ? 1f : 0), dy.Device), 0); }
            return Tensor.Zeros(x.Shape, dy.Device).IndexAdd(at, index.Reshape(index.Size), each);
        }
    }

    private static Tensor Added<K>(Shape shape, Tensor dy, Func<View, K> scatter) where K : struct, IKernel
    {
        var dx = Tensor.Zeros(shape, dy.Device);
        dx.Device.Launch(scatter(dx.View));
        return dx;
    }

    // row by row, each written once, where not many rows are without a source
    private static Tensor AddedRows(Shape shape, Tensor dy, Indices index, int n, int inner, int skip)
    {
        var rows = SparseRows.Of(Tensor.Empty([SparseRows.Room(n, index.Size)], dy.Device).View, n, index.Span, default, skip);
        var dx = Tensor.Empty(shape, dy.Device);
        dx.Device.Launch(new SparseProducts.SparseProductKernel(rows, default, dy.View, dx.View, inner));
        return dx;
    }

    private static (int Outer, int N, int Inner) Around(Shape s, int axis) => (s.Product(0, axis), s[axis], s.Product(axis + 1, s.Rank));

    private static void CheckAlong(string op, Shape x, int axis, Indices index)
    {
        bool fits = index.Rank == x.Rank;
        for (int k = 0; fits && k < x.Rank; k++) { fits = k == axis || index.Shape[k] <= x[k]; }
        if (!fits) { ThrowAlong(op, x, axis, index.Shape); }
    }

    [DoesNotReturn]
    private static void ThrowAlong(string op, Shape x, int axis, Shape index) =>
        throw new ShapeException(op, $"x {x} and index {index} along axis {axis}: the index needs x's rank, and sizes no larger but on that axis; IndexSelect takes whole entries", x, index);

    [DoesNotReturn]
    private static void ThrowScatter(Shape x, Shape index, Shape source, int axis) =>
        throw new ShapeException("scatter-add", $"{x}, index {index} and source {source} along axis {axis}: index and source need one shape, equal to x's but on that axis", x, index, source);

    [DoesNotReturn]
    private static void ThrowIndexAdd(Shape x, Shape index, Shape source, int axis) =>
        throw new ShapeException("index-add", $"{x}, index {index} and source {source} along axis {axis}: the index needs one axis{(index.Rank == 1 ? $", the source {x.With(axis, index.Size)}" : "; ScatterAdd takes an index a value")}", x, index, source);

    [DoesNotReturn]
    private static void ThrowTable(Shape weight, int padding) =>
        throw new ShapeException("embedding", weight.Rank != 2 ? $"the table must be [rows, dim], not {weight}" : $"padding row {padding} of a table {weight} with rows 0..{weight[0] - 1}", weight);

    /// <summary>y[o, j, i] = x[o, index[o, j, i], i].</summary>
    public readonly record struct GatherKernel(View X, Indices Index, View Y, int Outer, int N, int M, int Inner) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "gather";

        /// <inheritdoc/>
        public void Run()
        {
            if (Y.Length == 0) { return; }
            int rows = Math.Max(1, CpuDevice.Grain / Inner);
            Work.Run(((Outer * M) + rows - 1) / rows, new Chunks(this, rows));
        }

        private readonly struct Chunks(GatherKernel k, int rows) : IChunks
        {
            public void Run(int chunk) => GatherLoops.Take(ref CpuDevice.At(k.X), in k.Index.Span[0], ref CpuDevice.At(k.Y),
                chunk * rows, Math.Min(k.Outer * k.M, (chunk + 1) * rows), k.N, k.M, k.Inner);
        }
    }

    /// <summary>y[o, index[o, j, i], i] += source[o, j, i].</summary>
    public readonly record struct ScatterAddKernel(View Source, Indices Index, View Y, int Outer, int N, int M, int Inner) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "scatter-add";

        /// <inheritdoc/>
        public void Run()
        {
            if (Source.Length == 0) { return; }
            var parts = new Partition(Outer, M, Inner);
            Work.Run(parts.Chunks, new Chunks(this, parts));
        }

        private readonly struct Chunks(ScatterAddKernel k, Partition parts) : IChunks
        {
            public void Run(int chunk)
            {
                parts.Of(chunk, out int o, out int end, out int inner, out int innerEnd);
                for (; o < end; o++) { GatherLoops.Add(ref CpuDevice.At(k.Source), in k.Index.Span[0], ref CpuDevice.At(k.Y), o, k.N, k.M, k.Inner, inner, innerEnd); }
            }
        }
    }

    /// <summary>y[o, j, ·] = x[o, index[j], ·].</summary>
    public readonly record struct SelectKernel(View X, Indices Index, View Y, int Outer, int N, int Inner) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "index-select";

        /// <inheritdoc/>
        public void Run()
        {
            if (Y.Length == 0) { return; }
            if (Inner == 1 && Outer > 1)
            {
                Work.For(Outer, Math.Max(1, CpuDevice.Grain / Index.Size), new Columns(this));
                return;
            }
            int rows = Math.Max(1, CpuDevice.Grain / Inner);
            bool streams = Inner >= 64 && (long)Y.Length + Math.Min(X.Length, Y.Length) >= Processor.CopiesStreamFrom;
            Work.Run(((Outer * Index.Size) + rows - 1) / rows, new Chunks(this, rows, streams));
        }

        private readonly struct Columns(SelectKernel k) : IRange
        {
            public unsafe void Run(int from, int to)
            {
                fixed (float* x = &CpuDevice.At(k.X, from * k.N), y = &CpuDevice.At(k.Y, from * k.Index.Size))
                fixed (int* index = k.Index.Span)
                {
                    GatherLoops.TakeColumns(x, k.N, index, k.Index.Size, y, to - from);
                }
            }
        }

        private readonly struct Chunks(SelectKernel k, int rows, bool streams) : IChunks
        {
            public unsafe void Run(int chunk)
            {
                int rowsEach = k.Index.Size, from = chunk * rows, end = Math.Min(k.Outer * rowsEach, from + rows);
                for (int upTo; from < end; from = upTo)
                {
                    var (o, j) = Math.DivRem(from, rowsEach);
                    upTo = Math.Min(end, (o + 1) * rowsEach);
                    fixed (float* x = &CpuDevice.At(k.X, o * k.N * k.Inner), y = &CpuDevice.At(k.Y, from * k.Inner))
                    {
                        GatherLoops.TakeRows(x, k.Index.Span.Slice(j, upTo - from), y, k.Inner, streams);
                    }
                }
            }
        }
    }

    /// <summary>y[o, index[j], ·] += source[o, j, ·] for every j whose index is not Skip.</summary>
    public readonly record struct SelectAddKernel(View Source, Indices Index, View Y, int Outer, int N, int Inner, int Skip) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "index-add";

        /// <inheritdoc/>
        public void Run()
        {
            if (Source.Length == 0) { return; }
            var parts = new Partition(Outer, Index.Size, Inner);
            Work.Run(parts.Chunks, new Chunks(this, parts));
        }

        private readonly struct Chunks(SelectAddKernel k, Partition parts) : IChunks
        {
            public unsafe void Run(int chunk)
            {
                parts.Of(chunk, out int o, out int end, out int inner, out int innerEnd);
                if (k.Inner == 1)
                {
                    fixed (float* from = &CpuDevice.At(k.Source, o * k.Index.Size), to = &CpuDevice.At(k.Y, o * k.N))
                    fixed (int* index = k.Index.Span)
                    {
                        GatherLoops.AddColumns(from, k.Index.Size, index, to, k.N, end - o, k.Skip);
                    }
                    return;
                }
                for (; o < end; o++)
                {
                    GatherLoops.AddRows(ref CpuDevice.At(k.Source, o * k.Index.Size * k.Inner), k.Index.Span, ref CpuDevice.At(k.Y, o * k.N * k.Inner), k.Inner, inner, innerEnd, k.Skip);
                }
            }
        }
    }
}
