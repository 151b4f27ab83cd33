using System.Diagnostics.CodeAnalysis;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>A matrix of which only some entries are there: the edges of a graph, the words of documents. Where they stand is sorted once, by rows and, when a gradient first wants it, by columns; what they are is a
/// tensor, which may be learned. Entries at the same place add up.
/// <code>
/// var a = new SparseMatrix(nodes, nodes, to, from, weights);     // torch.sparse_coo_tensor([to, from], weights, (nodes, nodes))
/// Tensor y = a.MatMul(x);                                        // torch.sparse.mm(a, x)
/// </code></summary>
public sealed class SparseMatrix
{
    private readonly SparseMatrix? _places;
    private readonly Tensor? _byRow;
    private Tensor? _byColumn;

    /// <summary>A matrix of its entries, in any order.</summary>
    /// <param name="rows">How many rows it has.</param>
    /// <param name="columns">How many columns.</param>
    /// <param name="row">The row of each entry: one axis.</param>
    /// <param name="column">The column of each entry.</param>
    /// <param name="values">[entries]: their values; 1 each if null.</param>
    /// <exception cref="ShapeException">The rows, columns and values are not one axis of the same length.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An entry lies outside.</exception>
    public SparseMatrix(int rows, int columns, Indices row, Indices column, Tensor? values = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        ArgumentNullException.ThrowIfNull(row);
        ArgumentNullException.ThrowIfNull(column);
        if (row.Rank != 1 || row.Shape != column.Shape) { ThrowPlaces(row.Shape, column.Shape); }
        (Rows, Columns, Row, Column, Values) = (rows, columns, row, column, Checked(values ?? Ones(row.Size), row.Size));
        CheckPlaces();
        _byRow = Sorted(Rows, row, column);
    }

    private SparseMatrix(SparseMatrix of, Tensor values) => (Rows, Columns, Row, Column, Values, _places) = (of.Rows, of.Columns, of.Row, of.Column, Checked(values, of.Count), of._places ?? of);

    /// <summary>How many rows.</summary>
    public int Rows { get; }

    /// <summary>How many columns.</summary>
    public int Columns { get; }

    /// <summary>How many entries.</summary>
    public int Count => Row.Size;

    /// <summary>The row of each entry, as given.</summary>
    public Indices Row { get; }

    /// <summary>The column of each entry, as given.</summary>
    public Indices Column { get; }

    /// <summary>[entries]: the values, as given.</summary>
    public Tensor Values { get; }

    internal SparseRows ByRow => _places?.ByRow ?? new(_byRow!.View, Rows, Count);

    internal SparseRows ByColumn => _places?.ByColumn ?? new((_byColumn ??= Turned()).View, Columns, Count);

    /// <summary>Other values in the same places, which are not sorted again: attention between the nodes of a graph, new in every step.</summary>
    /// <exception cref="ShapeException">There is not one value an entry.</exception>
    public SparseMatrix With(Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new(this, values);
    }

    /// <summary>All entries, with zeros between them: [rows, columns].</summary>
    public Tensor ToDense() => this.MatMul(Tensor.Eye(Columns, Values.Device));

    private void CheckPlaces()
    {
        Row.CheckBelow("sparse-matrix", Rows);
        Column.CheckBelow("sparse-matrix", Columns);
    }

    private Tensor Turned()
    {
        CheckPlaces(); // the caller's arrays may hold other numbers by now
        return Sorted(Columns, Column, Row);
    }

    // as lasting as the places
    private static Tensor Ones(int count)
    {
        var ones = Tensor.Persistent([count]);
        ones.Device.Fill(ones.View, 1);
        return ones;
    }

    // int32 in float memory
    private static Tensor Sorted(int rows, Indices row, Indices column)
    {
        var memory = Tensor.Persistent([SparseRows.Room(rows, row.Size)]);
        memory.Device.Launch(new SparseProducts.SparseSortKernel(memory.View, rows, row, column));
        return memory;
    }

    private static Tensor Checked(Tensor values, int count) => values.Rank == 1 && values.Size == count ? values
        : throw new ShapeException("sparse-matrix", $"{count} entries, values {values.Shape}: one value an entry, [{count}], is needed", values.Shape);

    [DoesNotReturn]
    private static void ThrowPlaces(Shape row, Shape column) =>
        throw new ShapeException("sparse-matrix", $"rows {row} and columns {column}: both need one axis, an entry each", row, column);
}
