using System.Runtime.CompilerServices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A recurrent layer that is fed step by step, in use: it remembers its state and nothing else, and a step allocates nothing. The weights are packed when it is
/// made, and again at <see cref="Refresh"/>. For one thread at a time.
/// <code>
/// var stream = new LstmStream(lstm);
/// foreach (var x in samples) { stream.Step(x, y); }
/// </code></summary>
public abstract class RecurrentStream
{
    private readonly Recurrent _layer;
    private readonly RecurrentStep[] _steps;

    private protected RecurrentStream(Recurrent layer, int batch, [CallerArgumentExpression(nameof(layer))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(layer, name);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        if (layer.Bidirectional) { throw new ArgumentException($"{layer.Op}-stream: a bidirectional layer needs the whole sequence; use Run", nameof(layer)); }
        (_layer, Batch) = (layer, batch);
        _steps = new RecurrentStep[layer.Layers];
        for (int i = 0; i < _steps.Length; i++) { _steps[i] = new(layer.Cell, batch, i == 0 ? layer.Inputs : layer.Outputs, layer.Hidden, layer.Outputs, layer.Norms(i) is not null); }
        Refresh();
    }

    /// <summary>How many sequences run side by side.</summary>
    public int Batch { get; }

    /// <summary>Takes over the layer's weights as they are now.</summary>
    public void Refresh()
    {
        for (int i = 0; i < _steps.Length; i++)
        {
            var (wi, wh, bi, bh, wr) = _layer.Of(i);
            _steps[i].Load(wi.AsSpan(), wh.AsSpan(), bi is null ? default : bi.AsSpan(), bh is null ? default : bh.AsSpan(), wr is null ? default : wr.AsSpan());
            _layer.Norms(i)?.Load(_steps[i]);
        }
    }

    /// <summary>Back to state 0.</summary>
    public void Reset()
    {
        foreach (var step in _steps) { step.Reset(); }
    }

    /// <summary>Back to state 0 for one of the sequences.</summary>
    public void Reset(int sequence)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sequence);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(sequence, Batch);
        foreach (var step in _steps) { step.Reset(sequence); }
    }

    /// <summary>One step.</summary>
    /// <param name="x">[batch, inputs].</param>
    /// <param name="y">Becomes the top layer's h [batch, outputs].</param>
    /// <exception cref="ShapeException">x or y has another length.</exception>
    public void Step(ReadOnlySpan<float> x, Span<float> y)
    {
        if (x.Length != Batch * _layer.Inputs || y.Length != Batch * _layer.Outputs)
        {
            throw new ShapeException($"{_layer.Op}-stream", $"x has {x.Length} values and y {y.Length}, but [{Batch},{_layer.Inputs}] and [{Batch},{_layer.Outputs}] are needed");
        }
        foreach (var step in _steps)
        {
            step.Run(x);
            x = step.H;
        }
        x.CopyTo(y);
    }

    private protected (Tensor H, Tensor? C) Save()
    {
        var h = Tensor.Empty([_steps.Length, Batch, _layer.Outputs]);
        var c = CellPlan.Of(_layer.Cell).HasCell ? Tensor.Empty([_steps.Length, Batch, _layer.Hidden]) : null;
        for (int i = 0; i < _steps.Length; i++) { _steps[i].Save(Part(h, i), Part(c, i)); }
        return (h, c);
    }

    private protected void Restore(Tensor h, Tensor? c, [CallerArgumentExpression(nameof(h))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(h, name);
        Shape wantedH = [_steps.Length, Batch, _layer.Outputs], wantedC = [_steps.Length, Batch, _layer.Hidden];
        if (h.Shape != wantedH || (c is not null && c.Shape != wantedC))
        {
            throw new ShapeException($"{_layer.Op}-stream", $"the state is h {h.Shape}{(c is null ? "" : $", c {c.Shape}")}, but {wantedH}{(c is null ? "" : $" and {wantedC}")} is needed", h.Shape);
        }
        for (int i = 0; i < _steps.Length; i++) { _steps[i].Restore(Part(h, i), Part(c, i)); }
    }

    private static Span<float> Part(Tensor? all, int layer)
    {
        if (all is null) { return default; }
        int size = all.Size / all.Shape[0];
        return all.AsSpan().Slice(layer * size, size);
    }
}

/// <summary>An <see cref="Lstm"/> that is fed step by step.</summary>
public sealed class LstmStream : RecurrentStream
{
    /// <summary>A stream at state 0.</summary>
    /// <param name="lstm">The layers; in one direction, for the future is not known.</param>
    /// <param name="batch">How many sequences run side by side.</param>
    /// <exception cref="ArgumentException">The LSTM is bidirectional.</exception>
    public LstmStream(Lstm lstm, int batch = 1) : base(lstm, batch) { }

    /// <summary>The state, as <c>Lstm.Run</c> takes and gives it: new tensors.</summary>
    public LstmState State
    {
        get
        {
            var (h, c) = Save();
            return new(h, c!);
        }
        set => Restore(value.H, value.C);
    }
}

/// <summary>A <see cref="Gru"/> that is fed step by step.</summary>
public sealed class GruStream : RecurrentStream
{
    /// <summary>A stream at state 0.</summary>
    /// <param name="gru">The layers, in one direction, for the future is not known.</param>
    /// <param name="batch">How many sequences run side by side.</param>
    /// <exception cref="ArgumentException">The GRU is bidirectional.</exception>
    public GruStream(Gru gru, int batch = 1) : base(gru, batch) { }

    /// <summary>The state, as <c>Gru.Run</c> takes and gives it: a new tensor.</summary>
    public Tensor State
    {
        get => Save().H;
        set => Restore(value, null);
    }
}

/// <summary>A <see cref="SimpleRnn"/> that is fed step by step.</summary>
public sealed class SimpleRnnStream : RecurrentStream
{
    /// <summary>A stream at state 0.</summary>
    /// <param name="rnn">The layers, in one direction, for the future is not known.</param>
    /// <param name="batch">How many sequences run side by side.</param>
    /// <exception cref="ArgumentException">The network is bidirectional.</exception>
    public SimpleRnnStream(SimpleRnn rnn, int batch = 1) : base(rnn, batch) { }

    /// <summary>The state, as <c>SimpleRnn.Run</c> takes and gives it: a new tensor.</summary>
    public Tensor State
    {
        get => Save().H;
        set => Restore(value, null);
    }
}
