using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Which steps of a batch of sequences count, and, where those that do are scattered, the matrices without the others.</summary>
internal sealed class RecurrentPadding
{
    private readonly Shape _shape;
    private readonly bool _batchFirst;
    private readonly RecurrentRows.Padding? _padding;

    // the row of x of each packed row, and the packed row of each row of x: a row of zeros behind the last for padding; null where nothing is packed
    private Indices? _places, _packed;

    public RecurrentPadding(string op, Shape x, Indices? lengths, Tensor? mask, bool batchFirst, bool padLeft)
    {
        (_shape, _batchFirst) = (x, batchFirst);
        if (mask is not null)
        {
            if (lengths is not null) { throw new ArgumentException($"{op}: lengths and mask say the same twice; give one of them", nameof(lengths)); }
            Shape wanted = [x[0], x[1]];
            if (mask.Shape != wanted) { throw new ShapeException(op, $"the mask is {mask.Shape}, but {wanted} is needed, 1 for each step of x {x} that counts and 0 for others", mask.Shape, x); }
            _padding = new(null, false, mask.Device, mask.View);
        }
        if (lengths is null) { return; }
        if (lengths.Shape != [Batch]) { throw new ShapeException(op, $"lengths is {lengths.Shape}, but [{Batch}] is needed, one for each sequence", lengths.Shape); }
        lengths.CheckBelow($"{op}: lengths", Steps + 1);
        _padding = new(lengths.Values, padLeft, CpuDevice.Instance, default);
    }

    public int Batch => _shape[_batchFirst ? 0 : 1];

    public int Steps => _shape[_batchFirst ? 1 : 0];

    /// <summary>1 for each step that counts and 0 for others, in the shape of x's first two axes; null where all count.</summary>
    public Tensor? Marks(Device device)
    {
        if (_padding is null) { return null; }
        float[] marks = new float[Batch * Steps];
        if (_padding.Lengths is { } lengths)
        {
            for (int i = 0; i < marks.Length; i++)
            {
                var (row, step) = _batchFirst ? (i / Steps, i % Steps) : (i % Batch, i / Batch);
                marks[i] = (_padding.Left ? step >= Steps - lengths[row] : step < lengths[row]) ? 1 : 0;
            }
        }
        else { _padding.Counts(marks.Length).AsSpan(0, marks.Length).CopyTo(marks); }
        return Tensor.Of([_shape[0], _shape[1]], marks, device);
    }

    /// <summary>The rows of the sequences in x and the output.</summary>
    public RecurrentRows Rows(bool reverse, int hidden) => RecurrentRows.Padded(Batch, Steps, _batchFirst, reverse, hidden, _padding);

    /// <summary>The rows of the sequences in the matrices of <c>Pack</c>: x's own where they lie in long stretches and the device's kernels skip what is between; else
    /// those of copies without padding.</summary>
    public RecurrentRows PackedRows(bool reverse, int hidden, Device device)
    {
        var rows = Rows(reverse, hidden);
        rows.Read();
        if (rows.AreAll || (device is CpuDevice && !rows.AreScattered)) { return rows; }
        int count = rows.Length.Sum();
        int[] places = Arena.Numbers(count), packed = Arena.Numbers(rows.Count); // needed as long as the tape is
        packed.AsSpan().Fill(count);
        for (int r = 0, at = 0; r < Batch; r++)
        {
            for (int s = 0; s < rows.Length[r]; s++, at++)
            {
                places[at] = (int)rows.At(r, reverse ? rows.Length[r] - 1 - s : s);
                packed[places[at]] = at;
            }
        }
        (_places, _packed) = (Indices.Lent(places, [count]), Indices.Lent(packed, [rows.Count]));
        rows.Leave();
        return RecurrentRows.Packed(rows.Length, reverse, hidden);
    }

    /// <summary>The rows of x that count.</summary>
    public Tensor Pack(Tensor x)
    {
        if (_places is null) { return x; }
        var to = PackedLike(x);
        x.Device.Launch(new Gathering.SelectKernel(x.View, _places, to.View with { Length = _places.Size * x.Shape[2] }, 1, _packed!.Size, x.Shape[2]));
        return to;
    }

    /// <summary>Of the rows that count.</summary>
    public Indices Pack(Indices x) => _places is null ? x : x.Reshape([x.Size]).Select(_places.Span);

    /// <summary>Puts packed rows back, with 0 elsewhere.</summary>
    public void Unpack(Tensor from, Tensor to)
    {
        if (_packed is null) { return; }
        int width = to.Shape[2], end = _places!.Size * width;
        to.Device.Fill(new View(from.View.Block, from.View.Offset + end, width), 0);
        to.Device.Launch(new Gathering.SelectKernel(from.View, _packed, to.View, 1, _places.Size + 1, width));
    }

    /// <summary>Memory for the rows that count: that of <paramref name="all"/> itself where nothing is packed.</summary>
    public Tensor PackedLike(Tensor all) => _places is null ? all : Tensor.Empty([_places.Size + 1, all.Shape[2]], all.Device);
}
