using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Ops;

/// <summary>How the vectors of a bag become one.</summary>
public enum BagMode
{
    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>The largest value of each place; of equals the first has the gradient.</summary>
    Max,
}

/// <summary>Bags of embeddings: several rows of a table made one, without the rows themselves in memory.</summary>
public static class Bags
{
    extension(Tensor x)
    {
        /// <summary>One vector a bag: the sum, mean or maximum of the rows of x that its indices name; 0 for a bag of none. PyTorch's <c>embedding_bag</c>.</summary>
        /// <param name="index">[N, L]: a bag a row; or [total] with <paramref name="offsets"/>.</param>
        /// <param name="mode">What becomes of a bag's rows.</param>
        /// <param name="offsets">[N]: where in a flat <paramref name="index"/> each bag begins; the first is 0. Null for [N, L].</param>
        /// <param name="padding">An index that does not count, so that bags of different sizes fit in rows. None if negative.</param>
        /// <param name="weights">Of the index's shape, for sums alone: what each row is multiplied by, such as how often a tag was given. It has a gradient. PyTorch's <c>per_sample_weights</c>.</param>
        /// <returns>[N, dim]. x is [rows, dim].</returns>
        /// <exception cref="ShapeException">The table is not a matrix or has no row <paramref name="padding"/>, or the indices or weights are not of those shapes.</exception>
        /// <exception cref="ArgumentOutOfRangeException">An index is not a row, or an offset is below the one before it or beyond the indices.</exception>
        /// <exception cref="ArgumentException">Weights of another mode.</exception>
        public Tensor EmbeddingBag(Indices index, BagMode mode = BagMode.Mean, Indices? offsets = null, int padding = -1, Tensor? weights = null)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(index);
            if (x.Rank != 2 || padding >= x.Shape[0]) { ThrowTable(x.Shape, padding); }
            int[] starts = Starts(index, offsets);
            index.CheckBelow("embedding-bag", x.Shape[0]);
            if (weights is null) { return Fold(x, index, starts, mode, padding); }
            if (mode != BagMode.Sum) { throw new ArgumentException($"embedding-bag: weights are for sums, not for BagMode.{mode}; a weighted mean is the sum, divided by the weights' own", nameof(weights)); }
            if (weights.Shape != index.Shape) { throw new ShapeException("embedding-bag", $"indices {index.Shape} with weights {weights.Shape}: they must have one shape", index.Shape, weights.Shape); }
            Elementwise.SameDevice("embedding-bag", x, weights);
            if (padding >= 0) { weights *= index.NotEqual(padding).To(x.Device); }
            var rows = x.Embedding(index, padding) * weights.Unsqueeze(-1);
            return offsets is null ? rows.Sum(1) : rows.SegmentSum(Owners(starts, index.Size), starts.Length - 1);
        }
    }

    // the bag of each index
    private static Indices Owners(int[] starts, int count) => Indices.Made([count], to =>
    {
        for (int b = 0; b + 1 < starts.Length; b++) { to.AsSpan(starts[b]..starts[b + 1]).Fill(b); }
    });

    /// <summary>One row a bag, of the rows of a matrix that the index names from its start on.</summary>
    internal static Tensor Fold(Tensor x, Indices index, int[] starts, BagMode mode, int padding)
    {
        int dim = x.Shape[1], bags = starts.Length - 1;
        var y = Tensor.Empty([bags, dim], x.Device);
        var tape = Tape.For(x);
        // int32 rows in float memory: they live as long as the tape
        var at = tape is null || mode != BagMode.Max ? null : Tensor.Empty([bags, dim], x.Device);
        x.Device.Launch(new BagKernel(x.View, index, starts, y.View, at?.View ?? default, dim, mode, padding));
        tape?.AddRecordable(y, (x, dy =>
        {
            if (Tape.Recording is not null) { return Recorded(x.Shape, dy, index, starts, at, mode == BagMode.Mean, padding); }
            if (at is null && x.Device.Has<SparseProducts.SparseProductKernel>()) { return Pull(x.Shape, dy, index, starts, mode == BagMode.Mean, padding); }
            var dx = Tensor.Zeros(x.Shape, x.Device);
            if (at is not null) { x.Device.Launch(new BagMaxPullKernel(dy.View, at.View, dx.View, bags, dim)); }
            else
            {
                var rows = Tensor.Empty([index.Size, dim], x.Device);
                x.Device.Launch(new BagSpreadKernel(dy.View, index, starts, rows.View, dim, mode == BagMode.Mean, padding));
                x.Device.Launch(new Gathering.SelectAddKernel(rows.View, index, dx.View, 1, x.Shape[0], dim, padding));
            }
            return dx;
        }
        ));
        return y;
    }

    // the table's gradient in other operations
    private static Tensor Recorded(Shape table, Tensor dy, Indices index, int[] starts, Tensor? at, bool mean, int skip)
    {
        var zeros = Tensor.Zeros(table, dy.Device);
        if (at is not null) { return zeros.ScatterAdd(0, Pooling.Places(at, at.Shape, ref dy), dy); }
        float[] shares = new float[index.Size];
        for (int b = 0; b + 1 < starts.Length; b++)
        {
            var own = index.Span[starts[b]..starts[b + 1]];
            float share = mean ? 1f / Math.Max(1, own.Length - (skip < 0 ? 0 : own.Count(skip))) : 1;
            for (int i = 0; i < own.Length; i++) { shares[starts[b] + i] = own[i] == skip ? 0 : share; }
        }
        return zeros.IndexAdd(0, index.Reshape(index.Size), dy.IndexSelect(0, Owners(starts, index.Size)) * Tensor.Of([index.Size, 1], shares, dy.Device));
    }

    // the table's gradient row by row, each written once: the transpose of the matrix that says how often a bag has a row
    private static Tensor Pull(Shape table, Tensor dy, Indices index, int[] starts, bool mean, int skip)
    {
        var bag = Arena.Numbers(index.Size).AsSpan(0, index.Size);
        var shares = mean ? Tensor.Empty([bag.Length], dy.Device) : null;
        for (int b = 0; b + 1 < starts.Length; b++)
        {
            var own = starts[b]..starts[b + 1];
            bag[own].Fill(b);
            if (shares is not null) { shares.AsSpan()[own].Fill(1f / Math.Max(1, index.Span[own].Length - (skip < 0 ? 0 : index.Span[own].Count(skip)))); }
        }
        var rows = SparseRows.Of(Tensor.Empty([SparseRows.Room(table[0], bag.Length)], dy.Device).View, table[0], index.Span, bag, skip);
        var dx = Tensor.Empty(table, dy.Device);
        dy.Device.Launch(new SparseProducts.SparseProductKernel(rows, shares?.View ?? default, dy.View, dx.View, table[1]));
        return dx;
    }

    /// <summary>Shortens the rows of a table that an index names to a length, in place. A row is scaled by limit / (norm + 10⁻⁷), as in PyTorch.</summary>
    internal static void Shorten(Tensor table, Indices index, float limit, float p)
    {
        index.CheckBelow("embedding", table.Shape[0]);
        table.Device.Launch(new ShortenKernel(table.View, index, table.Shape[1], limit, p));
    }

    private static int[] Starts(Indices index, Indices? offsets)
    {
        if (offsets is null)
        {
            if (index.Rank != 2) { ThrowIndex(index.Shape, "without offsets the indices are [N, L], a bag a row"); }
            int[] starts = new int[index.Shape[0] + 1];
            for (int i = 0; i < starts.Length; i++) { starts[i] = i * index.Shape[1]; }
            return starts;
        }
        if (index.Rank != 1 || offsets.Rank != 1) { ThrowIndex(index.Shape, $"with offsets {offsets.Shape} both must have one axis"); }
        int total = index.Size;
        if (offsets.Size == 0 && total > 0) { throw new ShapeException("embedding-bag", $"{index.Shape} indices and no offset: they belong to no bag", index.Shape); }
        return Indices.Made([offsets.Size + 1], to => Starts(offsets.Span, total, to)).Values;
    }

    // a recording is tried with offsets that nobody gave: they are brought into their order
    private static void Starts(ReadOnlySpan<int> offsets, int total, int[] to)
    {
        to[^1] = total;
        for (int i = 0; i < offsets.Length; i++)
        {
            (int least, int most) = i == 0 ? (0, 0) : (to[i - 1], total);
            to[i] = Recording.IsTrial ? Math.Clamp(offsets[i], least, most) : offsets[i];
            if (to[i] < least || to[i] > most) { ThrowOffset(offsets[i], i, total); }
        }
    }

    [DoesNotReturn]
    private static void ThrowTable(Shape weight, int padding) =>
        throw new ShapeException("embedding-bag", weight.Rank != 2 ? $"the table must be [rows, dim], not {weight}" : $"padding row {padding} of a table {weight} with rows 0..{weight[0] - 1}", weight);

    [DoesNotReturn]
    private static void ThrowIndex(Shape index, string why) => throw new ShapeException("embedding-bag", $"indices {index}: {why}", index);

    [DoesNotReturn]
    private static void ThrowOffset(int offset, int at, int total) => throw new ArgumentOutOfRangeException(nameof(offset),
        $"embedding-bag: offset {offset} at position {at}: the first is 0, none is below the one before it or beyond the {total} indices");

    // bags worth handing to another thread
    private static int Grain(int dim, int indices, int bags) => Math.Max(1, CpuDevice.Grain / Math.Max(1, dim * (1 + (indices / Math.Max(1, bags)))));

    /// <summary>Folds the rows of each bag. At: the row that each maximum came from, −1 for none, as int32.</summary>
    public readonly record struct BagKernel(View X, Indices Index, int[] Starts, View Y, View At, int Dim, BagMode Mode, int Skip) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "embedding-bag";

        /// <inheritdoc/>
        public void Run() => Work.For(Starts.Length - 1, Grain(Dim, Index.Size, Starts.Length - 1), this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            var table = CpuDevice.Of(X);
            for (int b = from; b < to; b++)
            {
                var y = CpuDevice.Of(Y).Slice(b * Dim, Dim);
                var at = At.IsNone ? default : System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(CpuDevice.Of(At)).Slice(b * Dim, Dim);
                if (Mode != BagMode.Max)
                {
                    int seen = BagRows.Sum(table, Index.Span[Starts[b]..Starts[b + 1]], y, Skip);
                    if (Mode == BagMode.Mean && seen > 1) { TensorPrimitives.Multiply(y, 1f / seen, y); }
                    continue;
                }
                y.Clear();
                at.Fill(-1);
                int count = 0;
                foreach (int row in Index.Span[Starts[b]..Starts[b + 1]])
                {
                    if (row == Skip) { continue; }
                    var x = table.Slice(row * Dim, Dim);
                    Larger(x, row, y, at, first: count++ == 0);
                }
            }
        }

        private static void Larger(ReadOnlySpan<float> x, int row, Span<float> y, Span<int> at, bool first)
        {
            for (int i = 0; i < x.Length; i++)
            {
                if (!first && !(x[i] > y[i]) && !(float.IsNaN(x[i]) && !float.IsNaN(y[i]))) { continue; }
                y[i] = x[i];
                if (!at.IsEmpty) { at[i] = row; }
            }
        }
    }

    /// <summary>What each row of each bag gets of the bag's gradient.</summary>
    public readonly record struct BagSpreadKernel(View Dy, Indices Index, int[] Starts, View Rows, int Dim, bool Mean, int Skip) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "embedding-bag spread";

        /// <inheritdoc/>
        public void Run() => Work.For(Starts.Length - 1, Grain(Dim, Index.Size, Starts.Length - 1), this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            for (int b = from; b < to; b++)
            {
                var bag = Index.Span[Starts[b]..Starts[b + 1]];
                int count = Skip < 0 ? bag.Length : bag.Length - bag.Count(Skip);
                var dy = CpuDevice.Of(Dy).Slice(b * Dim, Dim);
                for (int i = Starts[b]; i < Starts[b + 1]; i++) { TensorPrimitives.Multiply(dy, Mean && count > 1 ? 1f / count : 1, CpuDevice.Of(Rows).Slice(i * Dim, Dim)); }
            }
        }
    }

    /// <summary>Dx[At[b, i], i] += Dy[b, i].</summary>
    public readonly record struct BagMaxPullKernel(View Dy, View At, View Dx, int Bags, int Dim) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "embedding-bag max gradient";

        // a strip of columns each, so that no two threads meet in a row
        /// <inheritdoc/>
        public void Run() => Work.For(Dim, Math.Max(16, CpuDevice.Grain / Math.Max(1, Bags)), this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            Span<float> dy = CpuDevice.Of(Dy), dx = CpuDevice.Of(Dx);
            var at = System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(CpuDevice.Of(At));
            for (int b = 0; b < Bags; b++)
            {
                for (int i = from; i < to; i++)
                {
                    int row = at[(b * Dim) + i];
                    if (row >= 0) { dx[(row * Dim) + i] += dy[(b * Dim) + i]; }
                }
            }
        }
    }

    /// <summary>Shortens rows of Table in place. One after the other: an index may stand twice.</summary>
    public readonly record struct ShortenKernel(View Table, Indices Index, int Dim, float Limit, float P) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "embedding max norm";

        /// <inheritdoc/>
        public void Run()
        {
            foreach (int row in Index.Span)
            {
                var x = CpuDevice.Of(Table).Slice(row * Dim, Dim);
                float norm = Norm(x, P);
                if (!(norm > Limit)) { continue; }
                TensorPrimitives.Multiply(x, Limit / (norm + 1e-7f), x);
                Table.Block.Changes();
            }
        }

        private static float Norm(ReadOnlySpan<float> x, float p)
        {
            if (p == 2) { return TensorPrimitives.Norm(x); }
            if (p == 1) { return TensorPrimitives.SumOfMagnitudes(x); }
            if (float.IsPositiveInfinity(p)) { return MathF.Abs(TensorPrimitives.MaxMagnitude(x)); }
            double sum = 0;
            foreach (float v in x) { sum += Math.Pow(Math.Abs(v), p); }
            return (float)Math.Pow(sum, 1 / (double)p);
        }
    }
}
