using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Which steps of a batch of sequences count, and the matrices without the others.</summary>
internal sealed class RecurrentPadding
{
    private readonly Shape _shape;
    private readonly bool _batchFirst;
    private readonly int[]? _places; // of each row that counts, sequence by sequence; null where all do

    public RecurrentPadding(string op, Shape x, Indices? lengths, Tensor? mask, bool batchFirst, bool padLeft)
    {
        (_shape, _batchFirst) = (x, batchFirst);
        if (mask is not null) { (Lengths, _places) = Masked(op, mask, lengths); }
        if (lengths is null) { return; }
        if (lengths.Shape != [Batch]) { throw new ShapeException(op, $"lengths is {lengths.Shape}, but [{Batch}] is needed, one for each sequence", lengths.Shape); }
        lengths.CheckBelow($"{op}: lengths", Steps + 1);
        if (!lengths.Span.ContainsAnyExcept(Steps)) { return; }
        Lengths = lengths.ToArray();
        _places = new int[Lengths.Sum()];
        int row = 0;
        for (int r = 0; r < Batch; r++)
        {
            int skip = padLeft ? Steps - Lengths[r] : 0;
            for (int s = skip; s < skip + Lengths[r]; s++) { _places[row++] = Row(r, s); }
        }
    }

    public int Batch => _shape[_batchFirst ? 0 : 1];

    public int Steps => _shape[_batchFirst ? 1 : 0];

    /// <summary>The sequences' lengths, or null where all steps count.</summary>
    public int[]? Lengths { get; }

    public RecurrentRows Rows(bool reverse, int hidden) =>
        Lengths is null ? RecurrentRows.Uniform(Batch, Steps, _batchFirst, reverse, hidden) : RecurrentRows.Packed(Lengths, reverse, hidden);

    /// <summary>For each sequence the rows of x that count, in the order of time.</summary>
    public int[][] Sequences(bool reverse)
    {
        int[][] all = new int[Batch][];
        for (int r = 0, from = 0; r < Batch; from += all[r++].Length)
        {
            int length = Lengths?[r] ?? Steps;
            all[r] = new int[length];
            for (int i = 0; i < length; i++) { all[r][reverse ? length - 1 - i : i] = _places is null ? Row(r, i) : _places[from + i]; }
        }
        return all;
    }

    /// <summary>The rows of x that count: [rows, width].</summary>
    public Tensor Pack(Tensor x)
    {
        int width = x.Shape[2];
        if (_places is null) { return x.Alias([x.Size / Math.Max(1, width), width]); }
        var packed = Tensor.Empty([_places.Length, width], x.Device);
        Span<float> from = x.AsSpan(), to = packed.AsSpan();
        for (int i = 0; i < _places.Length;)
        {
            int n = Run(i);
            from.Slice(_places[i] * width, n * width).CopyTo(to[(i * width)..]);
            i += n;
        }
        return packed;
    }

    /// <summary>Puts packed rows back, with 0 elsewhere.</summary>
    public void Unpack(Tensor packed, Tensor to)
    {
        if (_places is null) { return; }
        int width = to.Shape[2], next = 0;
        Span<float> from = packed.AsSpan(), all = to.AsSpan();
        if (!_batchFirst) { all.Clear(); }
        for (int i = 0; i < _places.Length;)
        {
            int place = _places[i], n = Run(i);
            // batch first, places ascend
            if (_batchFirst) { all[(next * width)..(place * width)].Clear(); }
            from.Slice(i * width, n * width).CopyTo(all[(place * width)..]);
            next = place + n;
            i += n;
        }
        if (_batchFirst) { all[(next * width)..].Clear(); }
    }

    /// <summary>Memory for the rows that count: that of <paramref name="all"/> itself where all do.</summary>
    public Tensor PackedLike(Tensor all) => _places is null ? Pack(all) : Tensor.Empty([_places.Length, all.Shape[2]], all.Device);

    // how many places from the i-th on lie side by side: they are copied in one stroke
    private int Run(int i)
    {
        int n = 1;
        while (i + n < _places!.Length && _places[i + n] == _places[i] + n) { n++; }
        return n;
    }

    private int Row(int sequence, int step) => _batchFirst ? (sequence * Steps) + step : (step * Batch) + sequence;

    private (int[]? Lengths, int[]? Places) Masked(string op, Tensor mask, Indices? lengths)
    {
        if (lengths is not null) { throw new ArgumentException($"{op}: lengths and mask say the same twice; give one of them", nameof(lengths)); }
        Shape wanted = [_shape[0], _shape[1]];
        if (mask.Shape != wanted) { throw new ShapeException(op, $"the mask is {mask.Shape}, but {wanted} is needed, 1 for each step of x {_shape} that counts and 0 for others", mask.Shape, _shape); }
        float[] counts = mask.ToArray();
        if (!counts.AsSpan().Contains(0)) { return default; }
        int[] all = new int[Batch], places = new int[counts.Length - counts.AsSpan().Count(0)];
        for (int r = 0, row = 0; r < Batch; r++)
        {
            for (int s = 0; s < Steps; s++)
            {
                if (counts[Row(r, s)] == 0) { continue; }
                places[row++] = Row(r, s);
                all[r]++;
            }
        }
        return (all, places);
    }
}
