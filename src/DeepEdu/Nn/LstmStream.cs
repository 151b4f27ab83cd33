using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>An LSTM that is fed step by step, in use: it remembers h and c and nothing else, and a step allocates nothing. The weights are packed when it is made, and
/// again at <see cref="Refresh"/>. For one thread at a time.
/// <code>
/// var stream = new LstmStream(lstm);
/// foreach (var x in samples) { stream.Step(x, y); }
/// </code></summary>
public sealed class LstmStream
{
    private readonly Lstm _lstm;
    private readonly RecurrentStep[] _layers;

    /// <summary>A stream at state 0.</summary>
    /// <param name="lstm">The layers; in one direction, for the future is not known.</param>
    /// <param name="batch">How many sequences run side by side.</param>
    /// <exception cref="ArgumentException">The LSTM is bidirectional.</exception>
    public LstmStream(Lstm lstm, int batch = 1)
    {
        ArgumentNullException.ThrowIfNull(lstm);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        if (lstm.Bidirectional) { throw new ArgumentException("lstm stream: a bidirectional LSTM needs the whole sequence; use Run", nameof(lstm)); }
        (_lstm, Batch) = (lstm, batch);
        _layers = new RecurrentStep[lstm.Layers];
        for (int i = 0; i < _layers.Length; i++) { _layers[i] = new(CellKind.Lstm, batch, i == 0 ? lstm.Inputs : lstm.Outputs, lstm.Hidden, lstm.Outputs); }
        Refresh();
    }

    /// <summary>How many sequences run side by side.</summary>
    public int Batch { get; }

    /// <summary>Takes over the LSTM's weights as they are now.</summary>
    public void Refresh()
    {
        for (int i = 0; i < _layers.Length; i++)
        {
            var (wi, wh, bi, bh, wr) = _lstm.Of(i);
            _layers[i].Load(wi.AsSpan(), wh.AsSpan(), bi is null ? default : bi.AsSpan(), bh is null ? default : bh.AsSpan(), wr is null ? default : wr.AsSpan());
        }
    }

    /// <summary>Back to state 0.</summary>
    public void Reset()
    {
        foreach (var layer in _layers) { layer.Reset(); }
    }

    /// <summary>Back to state 0 for one of the sequences.</summary>
    public void Reset(int sequence)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sequence);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(sequence, Batch);
        foreach (var layer in _layers) { layer.Reset(sequence); }
    }

    /// <summary>One step.</summary>
    /// <param name="x">[batch, inputs].</param>
    /// <param name="y">Becomes the top layer's h [batch, outputs].</param>
    /// <exception cref="ShapeException">x or y has another length.</exception>
    public void Step(ReadOnlySpan<float> x, Span<float> y)
    {
        if (x.Length != Batch * _lstm.Inputs || y.Length != Batch * _lstm.Outputs)
        {
            throw new ShapeException("lstm stream", $"x has {x.Length} values and y {y.Length}, but [{Batch},{_lstm.Inputs}] and [{Batch},{_lstm.Outputs}] are needed");
        }
        foreach (var layer in _layers)
        {
            layer.Run(x);
            x = layer.H;
        }
        x.CopyTo(y);
    }

    /// <summary>The state, as <see cref="Lstm.Run"/> takes and gives it: new tensors.</summary>
    public LstmState State
    {
        get
        {
            Tensor h = Tensor.Empty([_layers.Length, Batch, _lstm.Outputs]), c = Tensor.Empty([_layers.Length, Batch, _lstm.Hidden]);
            for (int i = 0; i < _layers.Length; i++) { _layers[i].Save(Part(h, i), Part(c, i)); }
            return new(h, c);
        }
        set
        {
            Shape h = [_layers.Length, Batch, _lstm.Outputs], c = [_layers.Length, Batch, _lstm.Hidden];
            if (value.H.Shape != h || value.C.Shape != c) { throw new ShapeException("lstm stream", $"the state is h {value.H.Shape}, c {value.C.Shape}, but {h} and {c} are needed", value.H.Shape, value.C.Shape); }
            for (int i = 0; i < _layers.Length; i++) { _layers[i].Restore(Part(value.H, i), Part(value.C, i)); }
        }
    }

    private static Span<float> Part(Tensor all, int layer)
    {
        int size = all.Size / all.Shape[0];
        return all.AsSpan().Slice(layer * size, size);
    }
}
