using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Which rows of a batch of sequences are padding, and the matrices without them.</summary>
internal sealed class LstmPadding
{
    private readonly Shape _shape;
    private readonly bool _batchFirst;
    private readonly int[]? _places; // of each row that is no padding, sequence by sequence; null where none is padding

    public LstmPadding(Shape x, Indices? lengths, bool batchFirst, bool padLeft)
    {
        (_shape, _batchFirst) = (x, batchFirst);
        int batch = Batch, steps = Steps;
        if (lengths is null || !lengths.Span.ContainsAnyExcept(steps)) { return; }
        Lengths = lengths.ToArray();
        _places = new int[Lengths.Sum()];
        int row = 0;
        for (int r = 0; r < batch; r++)
        {
            int skip = padLeft ? steps - Lengths[r] : 0;
            for (int s = skip; s < skip + Lengths[r]; s++) { _places[row++] = batchFirst ? (r * steps) + s : (s * batch) + r; }
        }
    }

    public int Batch => _shape[_batchFirst ? 0 : 1];

    public int Steps => _shape[_batchFirst ? 1 : 0];

    /// <summary>The sequences' lengths, or null where none is padded.</summary>
    public int[]? Lengths { get; }

    public LstmRows Rows(bool reverse, int hidden) =>
        Lengths is null ? LstmRows.Uniform(Batch, Steps, _batchFirst, reverse, hidden) : LstmRows.Packed(Lengths, reverse, hidden);

    /// <summary>The rows of x that are no padding: [rows, width].</summary>
    public Tensor Pack(Tensor x)
    {
        int width = x.Shape[2];
        if (_places is null) { return x.Alias([x.Size / Math.Max(1, width), width]); }
        var packed = Tensor.Empty([_places.Length, width], x.Device);
        Span<float> from = x.AsSpan(), to = packed.AsSpan();
        for (int i = 0; i < _places.Length; i++) { from.Slice(_places[i] * width, width).CopyTo(to[(i * width)..]); }
        return packed;
    }

    /// <summary>Puts packed rows back, with 0 on padding.</summary>
    public void Unpack(Tensor packed, Tensor to)
    {
        if (_places is null) { return; }
        int width = to.Shape[2];
        Span<float> from = packed.AsSpan(), all = to.AsSpan();
        all.Clear();
        for (int i = 0; i < _places.Length; i++) { from.Slice(i * width, width).CopyTo(all[(_places[i] * width)..]); }
    }

    /// <summary>Memory for the rows that are no padding: that of <paramref name="all"/> itself where there is none.</summary>
    public Tensor PackedLike(Tensor all) => _places is null ? Pack(all) : Tensor.Empty([_places.Length, all.Shape[2]], all.Device);
}

/// <summary>One call of the LSTM, which remembers what its gradient needs.</summary>
/// <param name="inputs">x, Wᵢ, Wₕ, bᵢ, bₕ, h₀, c₀, Wᵣ; null where not given.</param>
/// <param name="padding">Which rows of x count.</param>
/// <param name="hidden">H.</param>
/// <param name="reverse">Whether time runs backwards.</param>
/// <param name="mask">What h is multiplied with between steps; null for 1.</param>
internal sealed class LstmCall(Tensor?[] inputs, LstmPadding padding, int hidden, bool reverse, Tensor? mask)
{
    private readonly Device _device = inputs[0]!.Device;
    private LstmData _data;
    private LstmResult _result;
    private bool _spent;

    /// <summary>Runs it. If <paramref name="keep"/>, what the gradient needs lives as long as the result; else only while this runs.</summary>
    public LstmResult Forward(bool keep)
    {
        var x = inputs[0]!;
        int batch = padding.Batch, width = inputs[2]!.Shape[1], padded = LstmWeights.Padded(hidden);
        var result = new LstmResult(New(x.Shape.With(2, width)), New([batch, width]), New([batch, hidden]));
        using var scratch = keep ? null : new Arena();
        var rows = padding.Rows(reverse, hidden);
        var output = padding.PackedLike(result.Output);
        var data = new LstmData
        {
            Rows = rows, Inputs = x.Shape[2], Hidden = hidden, Recurrent = width, X = padding.Pack(x).View, WeightIh = View(inputs[1]), WeightHh = View(inputs[2]), BiasIh = View(inputs[3]),
            BiasHh = View(inputs[4]), H0 = View(inputs[5]), C0 = View(inputs[6]), WeightHr = View(inputs[7]), Mask = View(mask), Gates = New([keep || !rows.Stepwise ? rows.Count : batch, 4 * padded]).View,
            Cells = keep ? New([rows.Count, padded]).View : default, Start = New([batch, padded]).View, Output = output.View,
            Raw = inputs[7] is null ? default : New([keep ? rows.Count : batch, hidden]).View, Masked = mask is null ? default : New([rows.Count, width]).View,
        };
        _device.Launch(new LstmForward(data, result.H.View, result.C.View));
        padding.Unpack(output, result.Output);
        if (keep) { (_data, _result) = (data, result); }
        return result;
    }

    /// <summary>The gradients that <paramref name="tape"/> wants.</summary>
    public void Backward(Tape tape, ReadOnlySpan<Tensor?> dOutputs, Span<Tensor?> dInputs)
    {
        // the gates were overwritten by their gradients: a second call makes them anew
        if (_spent) { _device.Launch(new LstmForward(_data, _result.H.View, _result.C.View)); }
        _spent = true;
        var d = new Tensor?[inputs.Length];
        for (int i = 0; i < d.Length; i++) { d[i] = inputs[i] is { } t && tape.Wants(t) ? Tensor.Empty(t.Shape, _device) : null; }
        using (var scratch = new Arena())
        {
            var dx = d[0] is null ? null : padding.PackedLike(d[0]!);
            var dy = dOutputs[0] is null ? null : padding.Pack(dOutputs[0]!);
            _device.Launch(new LstmBackward(_data, View(dy), View(dOutputs[1]), View(dOutputs[2]), View(dx), View(d[1]), View(d[2]), View(d[7]), View(d[3] ?? d[4]), View(d[5]), View(d[6])));
            if (dx is not null) { padding.Unpack(dx, d[0]!); }
        }
        if (d[3] is not null && d[4] is not null) { _device.Copy(d[3]!.View, d[4]!.View); }
        for (int i = 0, at = 0; i < d.Length; i++) { if (inputs[i] is not null) { dInputs[at++] = d[i]; } }
    }

    private Tensor New(Shape shape) => Tensor.Empty(shape, _device);

    private static View View(Tensor? t) => t is null ? default : t.View;
}
