using System.Numerics;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Tensors;

namespace DeepEdu.Autograd;

/// <summary>The gradient of a table of which few rows were used: those rows alone. It costs as much as there are rows, however long the table. PyTorch's sparse gradient of an
/// embedding.</summary>
public sealed class RowGradient
{
    [ThreadStatic] private static int[]? t_places;
    [ThreadStatic] private static int[]? t_rows;

    /// <summary>A gradient of the given rows.</summary>
    /// <param name="shape">The table's shape [count, width].</param>
    /// <param name="rows">Which rows, each once.</param>
    /// <param name="values">Their gradients [rows, width].</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A row lies outside the table.</exception>
    public RowGradient(Shape shape, Indices rows, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(values);
        if (shape.Rank != 2 || rows.Rank != 1 || values.Shape != [rows.Size, shape[1]])
        {
            throw new ShapeException("row-gradient", $"rows {rows.Shape} and values {values.Shape} for a table {shape}: expected [n] and [n,width]", shape, values.Shape);
        }
        rows.CheckBelow("row-gradient", shape[0]);
        (Shape, Rows, Values) = (shape, rows, values);
    }

    /// <summary>The table's shape.</summary>
    public Shape Shape { get; }

    /// <summary>The rows that have a gradient, each once, in the order in which they were first used.</summary>
    public Indices Rows { get; }

    /// <summary>Their gradients [rows, width].</summary>
    public Tensor Values { get; }

    /// <summary>Adds up the gradients of rows that were used more than once, in the order of use: the same bits on any number of threads.</summary>
    /// <param name="shape">The table's shape [count, width].</param>
    /// <param name="index">The row of each use.</param>
    /// <param name="values">The gradient of each use [.., width].</param>
    /// <param name="skip">A row whose gradient is left out, such as padding; none if negative.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A row lies outside the table.</exception>
    public static RowGradient Sum(Shape shape, Indices index, Tensor values, int skip = -1)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(values);
        if (shape.Rank != 2 || values.Size != (long)index.Size * shape[1])
        {
            throw new ShapeException("row-gradient", $"values {values.Shape} for {index.Size} uses of rows of a table {shape}: one row of the table's width is needed for each", shape, values.Shape);
        }
        int[] place = Arena.Numbers(index.Size);
        var rows = Distinct(index.Span, place, skip);
        var sums = Tensor.Zeros([rows.Size, shape[1]], values.Device);
        values.Device.Launch(new AddKernel(values.View, Indices.Lent(place, [index.Size]), sums.View, shape[1]));
        return new(shape, rows, sums);
    }

    /// <summary>The gradient of the whole table, 0 in all other rows.</summary>
    public Tensor ToDense()
    {
        var all = Tensor.Zeros(Shape, Values.Device);
        Values.Device.Launch(new AddKernel(Values.View, Rows, all.View, Shape[1]));
        return all;
    }

    /// <summary>The same rows with other gradients.</summary>
    public RowGradient With(Tensor values) => new(Shape, Rows, values);

    /// <summary>The sum of both.</summary>
    /// <exception cref="ShapeException">They are of tables of two shapes.</exception>
    public RowGradient Add(RowGradient other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Shape != Shape) { throw new ShapeException("row-gradient", $"gradients of tables {Shape} and {other.Shape} cannot be added", Shape, other.Shape); }
        var values = Tensor.Empty([Rows.Size + other.Rows.Size, Shape[1]], Values.Device);
        Values.Device.Copy(Values.View, values.Alias(Values.Shape).View);
        Values.Device.Copy(other.Values.View, values.Alias(other.Values.Shape, Values.Size).View);
        return Sum(Shape, (int[])[.. Rows.Span, .. other.Rows.Span], values);
    }

    /// <summary>The distinct rows in the order of first use; and the place of each use among them, −1 for what is skipped.</summary>
    internal static Indices Distinct(ReadOnlySpan<int> index, int[] place, int skip) => Indices.Of(FindDistinct(index, place, skip));

    /// <summary>The same in memory of this thread, until it looks again.</summary>
    // a table with open addressing, at most half full
    internal static ReadOnlySpan<int> FindDistinct(ReadOnlySpan<int> index, Span<int> place, int skip)
    {
        int capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, 2 * index.Length)), shift = 32 - BitOperations.Log2((uint)capacity), count = 0;
        if (t_places is null || t_places.Length < capacity) { t_places = new int[capacity]; }
        var places = t_places.AsSpan(0, capacity);
        places.Fill(-1);
        if (t_rows is null || t_rows.Length < index.Length) { t_rows = new int[capacity]; }
        int[] rows = t_rows;
        for (int i = 0; i < index.Length; i++)
        {
            int row = index[i];
            if (row == skip)
            {
                place[i] = -1;
                continue;
            }
            uint at = (uint)row * 2654435769 >> shift; // Fibonacci hashing: Knuth, volume 3, section 6.4
            while (places[(int)at] is >= 0 and var seen && rows[seen] != row) { at = (at + 1) & (uint)(capacity - 1); }
            if (places[(int)at] < 0)
            {
                rows[count] = row;
                places[(int)at] = count++;
            }
            place[i] = places[(int)at];
        }
        return rows.AsSpan(0, count);
    }

    /// <summary>y[index[j], ·] += source[j, ·] for every j whose index is not negative.</summary>
    public readonly record struct AddKernel(View Source, Indices Index, View Y, int Width) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "add rows";

        /// <inheritdoc/>
        public void Run()
        {
            if (Source.Length == 0 || Y.Length == 0) { return; }
            var parts = new Partition(1, Index.Size, Width);
            Work.Run(parts.Chunks, new Chunks(this, parts));
        }

        private readonly struct Chunks(AddKernel k, Partition parts) : IChunks
        {
            public void Run(int chunk)
            {
                parts.Of(chunk, out _, out _, out int column, out int end);
                GatherLoops.AddRows(ref CpuDevice.At(k.Source), k.Index.Span, ref CpuDevice.At(k.Y), k.Width, column, end, -1);
            }
        }
    }
}
