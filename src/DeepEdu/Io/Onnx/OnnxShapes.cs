using System.Runtime.InteropServices;

namespace DeepEdu.Io;

/// <summary>What a graph needs to bring values into shapes: reshape, slice, transpose, expand, concatenate, pad.</summary>
internal sealed class OnnxShapes(OnnxGraph graph)
{
    private string? _batch;
    private string _batchInput = "";
    private int _batchAxis;

    /// <summary>Which input, and which axis of it, tells the batch's size.</summary>
    public void BatchIs(string input, int axis) => (_batchInput, _batchAxis) = (input, axis);

    /// <summary>The name of a value in the graph; constants become initialisers.</summary>
    public string Name(OnnxValue v)
    {
        if (v.Name is not null) { return v.Name; }
        if (!v.Shape.Any(s => !s.IsFixed))
        {
            if (!Same(v.A!.Value.Span, v.B!.Value.Span)) { throw new NotSupportedException("numbers that are computed on the host from the size of the batch"); }
            return v.Name = graph.Floats(v.Given ?? "constant", OnnxSize.First(v.Shape).Sizes, v.A.Value, exact: v.Given is not null);
        }
        if (v.Uniform is { } c) { return v.Name = graph.Add("Expand", [graph.Scalar(c), Sizes(v.Shape)]); }
        // the same row for each member of the batch
        int row = v.A!.Value.Length / OnnxSize.BatchA, at = Array.FindIndex(v.Shape, s => !s.IsFixed);
        for (int i = 0; i < OnnxSize.BatchA + OnnxSize.BatchB; i++)
        {
            var member = i < OnnxSize.BatchA ? v.A.Value.Slice(i * row, row) : v.B!.Value.Slice((i - OnnxSize.BatchA) * row, row);
            if (!Same(member.Span, v.A.Value.Span[..row]) || !v.Shape[at].IsBatches || v.Shape[at].Times != 1 || v.Shape[..at].Any(s => s.A != 1)) { throw new NotSupportedException("numbers that differ from one member of the batch to the next, and do not come from an input"); }
        }
        OnnxSize[] one = [.. v.Shape];
        one[at] = 1;
        return v.Name = graph.Add("Expand", [graph.Floats("constant", OnnxSize.First(one).Sizes, v.A.Value[..row]), Sizes(v.Shape)]);
    }

    private static bool Same(ReadOnlySpan<float> a, ReadOnlySpan<float> b) =>
        MemoryMarshal.Cast<float, int>(a).SequenceEqual(MemoryMarshal.Cast<float, int>(b));

    /// <summary>The value in another shape of the same size.</summary>
    public OnnxValue As(OnnxValue v, params OnnxSize[] shape)
    {
        if (v.Shape.AsSpan().SequenceEqual(shape)) { return v; }
        if (v.Size != OnnxSize.Product(shape)) { throw new NotSupportedException(OnnxTranslator.OverBatch); }
        if (v.IsConstant && v.Given is null) { return OnnxValue.Constant(shape, v.A!.Value, v.B!.Value); }
        return OnnxValue.Named(Reshape(Name(v), shape), shape);
    }

    /// <summary>A node that reshapes.</summary>
    public string Reshape(string name, params OnnxSize[] shape)
    {
        int open = shape.Count(s => !s.IsFixed);
        if (open <= 1 && !shape.Any(s => s.A == 0)) { return graph.Add("Reshape", [name, graph.Whole([.. shape.Select(s => s.IsFixed ? s.A : -1L)])]); }
        return graph.Add("Reshape", [name, Sizes(shape)], ("allowzero", 1));
    }

    /// <summary>A shape as whole numbers of the graph.</summary>
    public string Sizes(params OnnxSize[] shape)
    {
        if (shape.All(s => s.IsFixed)) { return graph.Whole([.. shape.Select(s => (long)s.A)]); }
        return graph.Add("Concat", [.. shape.Select(Size)], ("axis", 0));
    }

    private string Size(OnnxSize size)
    {
        if (size.IsFixed) { return graph.Whole([size.A]); }
        if (!size.IsBatches) { throw new NotSupportedException($"a size that is no multiple of the batch: {size}"); }
        _batch ??= graph.Add("Shape", [_batchInput], ("start", _batchAxis), ("end", _batchAxis + 1));
        return size.Times == 1 ? _batch : graph.Add("Mul", [_batch, graph.Whole([size.Times])]);
    }

    /// <summary>Axes in another order.</summary>
    public OnnxValue Transpose(OnnxValue v, params int[] order)
    {
        bool same = true;
        for (int i = 0; i < order.Length; i++) { same &= order[i] == i; }
        return same ? v : OnnxValue.Named(graph.Add("Transpose", [Name(v)], ("perm", order)), [.. order.Select(k => v.Shape[k])]);
    }

    /// <summary>Some entries of axes, one range an axis; a negative step walks backwards from the start.</summary>
    public OnnxValue Slice(OnnxValue v, int axis, int start, int count, int step = 1)
    {
        OnnxSize[] shape = [.. v.Shape];
        shape[axis] = count;
        long end = step > 0 ? start + count : start - count;
        return OnnxValue.Named(graph.Add("Slice", [Name(v), graph.Whole([start]), graph.Whole([end < 0 ? -int.MaxValue : end]), graph.Whole([axis]), graph.Whole([step])]), shape);
    }

    /// <summary>An axis the other way round.</summary>
    public OnnxValue Flip(OnnxValue v, int axis) =>
        OnnxValue.Named(graph.Add("Slice", [Name(v), graph.Whole([-1]), graph.Whole([-int.MaxValue]), graph.Whole([axis]), graph.Whole([-1])]), [.. v.Shape]);

    /// <summary>A contiguous part.</summary>
    public OnnxValue Part(OnnxValue v, OnnxSize offset, OnnxSize length)
    {
        if (v.IsConstant && v.Given is null) { return OnnxValue.Constant([length], v.A!.Value.Slice(offset.A, length.A), v.B!.Value.Slice(offset.B, length.B)); }
        if (length.A == 0) { return OnnxValue.Constant([length], ReadOnlyMemory<float>.Empty, ReadOnlyMemory<float>.Empty); }
        OnnxSize[] shape = [.. v.Shape.SkipWhile(s => s.Is(1, 1))];
        OnnxSize inner = shape.Length == 0 ? 1 : OnnxSize.Product(shape.AsSpan(1));
        if (shape.Length > 0 && offset.Divide(inner, out var start) && length.Divide(inner, out var count) && start.IsFixed && count.IsFixed) { return Slice(As(v, shape), 0, start.A, count.A); }
        // pieces of one size, one behind the other
        if (v.Size.Divide(length, out var pieces) && offset.Divide(length, out var piece) && pieces.IsFixed && piece.IsFixed) { return As(Slice(As(v, pieces, length), 0, piece.A, 1), length); }
        if (offset.IsFixed && length.IsFixed && v.Size.IsFixed) { return Slice(As(v, v.Size), 0, offset.A, length.A); }
        throw new NotSupportedException("a part of a tensor that begins or ends in the middle of the batch");
    }

    /// <summary>Values side by side on an axis.</summary>
    public OnnxValue Concat(IReadOnlyList<OnnxValue> parts, int axis)
    {
        if (parts.Count == 1) { return parts[0]; }
        OnnxSize[] shape = [.. parts[0].Shape];
        for (int i = 1; i < parts.Count; i++) { shape[axis] += parts[i].Shape[axis]; }
        return OnnxValue.Named(graph.Add("Concat", [.. parts.Select(Name)], ("axis", axis)), shape);
    }

    /// <summary>A value out of parts that were written into it.</summary>
    public OnnxValue Assemble(OnnxSize length, OnnxValue? rest, List<OnnxPart> parts)
    {
        if (parts.Count == 1 && rest?.Uniform is { } filling && Padded(length, parts[0], filling) is { } padded) { return padded; }
        // columns: part k fills width_k of each row
        OnnxSize row = parts[0].Steps[0];
        if (length.Divide(row, out var rows))
        {
            List<OnnxValue> columns = [];
            OnnxSize at = 0;
            foreach (var part in parts.OrderBy(p => p.Start.A))
            {
                bool thin = part.Steps.Length == 1;
                if (part.Steps[0] != row || part.Sizes[0] != rows || part.Steps.Length > 2 || part.Start != at || (!thin && part.Steps[1] != 1)) { columns.Clear(); break; }
                OnnxSize width = thin ? 1 : part.Sizes[1];
                columns.Add(As(part.Value, rows, width));
                at += width;
            }
            if (columns.Count > 0 && at == row) { return Concat(columns, 1); }
        }
        throw new NotSupportedException("a tensor that is put together from parts which do not lie side by side on one axis");
    }

    private OnnxValue? Padded(OnnxSize length, OnnxPart part, float filling)
    {
        if (Grid(length, part.Steps) is not { } grid || At(part.Start, part.Steps, grid.Length) is not { } start) { return null; }
        OnnxSize[] sizes = [.. part.Sizes, .. Enumerable.Repeat((OnnxSize)1, grid.Length - part.Sizes.Length)];
        long[] pads = new long[2 * grid.Length];
        for (int i = 0; i < grid.Length; i++)
        {
            var after = grid[i] - sizes[i] - start[i];
            if (!start[i].IsFixed || !after.IsFixed || after.A < 0) { return null; }
            (pads[i], pads[i + grid.Length]) = (start[i].A, after.A);
        }
        return OnnxValue.Named(graph.Add("Pad", [Name(As(part.Value, sizes)), graph.Whole(pads), graph.Scalar(filling)]), grid);
    }

    /// <summary>The axes of which these are the steps, outermost first, and one more if the last step is above 1; null if the steps are no axes of one array.</summary>
    public static OnnxSize[]? Grid(OnnxSize length, ReadOnlySpan<OnnxSize> steps)
    {
        List<OnnxSize> grid = [];
        OnnxSize outer = length;
        foreach (var step in steps)
        {
            if (!outer.Divide(step, out var n)) { return null; }
            grid.Add(n);
            outer = step;
        }
        if (outer != 1) { grid.Add(outer); }
        return [.. grid];
    }

    /// <summary>The place on each axis at which an offset lies.</summary>
    public static OnnxSize[]? At(OnnxSize offset, ReadOnlySpan<OnnxSize> steps, int rank)
    {
        var at = new OnnxSize[rank];
        for (int i = 0; i < steps.Length; i++)
        {
            at[i] = new(offset.A / steps[i].A, offset.B / steps[i].B);
            offset = new(offset.A % steps[i].A, offset.B % steps[i].B);
        }
        if (rank > steps.Length) { at[rank - 1] = offset; }
        else if (offset != 0) { return null; }
        return at;
    }
}
