using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A recurrent layer that goes on where it stopped: each call starts from the state that the last one left, without its history, so that a long sequence is learned
/// piece by piece (truncated backpropagation through time: Williams and Peng 1990, doi:10.1162/neco.1990.2.4.490). Keras' <c>stateful=True</c>.
/// <code>
/// var memory = new Stateful(new Lstm(8, 32, rng));
/// foreach (var piece in pieces) { using var tape = new Tape(); optimizer.Step(tape.Gradients(Loss(memory.Forward(piece)))); }
/// memory.Reset();   // another sequence begins
/// </code>
/// Parameters have the names of the layer itself. The state belongs to the data that pass, not to the model: it is in no file, and a training that is taken up begins with a state of 0.</summary>
public sealed class Stateful : Layer
{
    private readonly Recurrent _layer;
    private float[]? _h, _c;
    private int _batch;

    /// <summary>A layer at state 0.</summary>
    /// <param name="layer">An LSTM, a GRU or a simple RNN. One that also reads backwards would begin each piece with the end of the last, and is refused.</param>
    /// <exception cref="ArgumentException">The layer is bidirectional.</exception>
    public Stateful(Recurrent layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        if (layer.Bidirectional) { throw new ArgumentException("stateful: a bidirectional layer needs the whole sequence", nameof(layer)); }
        _layer = layer;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Run(x);

    /// <summary>The next piece of each sequence; row r of every piece belongs to sequence r.</summary>
    /// <param name="x">[batch, steps, inputs], or [steps, batch, inputs].</param>
    /// <param name="lengths">Steps of each sequence in this piece, 0 allowed; null if all are whole.</param>
    /// <param name="padLeft">Whether padding stands before the sequences.</param>
    /// <param name="mask">Instead of lengths: 1 for each step that counts and 0 for others.</param>
    /// <returns>The top layer's h of every step.</returns>
    /// <exception cref="ShapeException">x, the lengths or the mask do not fit, or the batch is another than that of the state.</exception>
    public Tensor Run(Tensor x, Indices? lengths = null, bool padLeft = false, Tensor? mask = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        try
        {
            int batch = x.Rank == 3 ? x.Shape[_layer.BatchFirst ? 0 : 1] : 0;
            if (_h is not null && batch != _batch) { throw new ShapeException("stateful", $"x {x.Shape} has {batch} sequences, but the state is of {_batch}; Reset first?", x.Shape); }
            var (output, h, c) = _layer.Drive(x, Given(_h, _layer.Outputs), Given(_c, _layer.Hidden), new(lengths, mask, padLeft));
            _batch = batch;
            Take(h, ref _h);
            if (c is not null) { Take(c, ref _c); }
            return output;

            Tensor? Given(float[]? state, int width) => state is null ? null : Tensor.Of([_layer.Layers, batch, width], state, x.Device);
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>Back to state 0; the batch may then be another.</summary>
    public void Reset() => (_h, _c) = (null, null);

    /// <summary>Back to state 0 for one of the sequences.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    public void Reset(int sequence)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sequence);
        if (_h is null) { return; }
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(sequence, _batch);
        for (int layer = 0; layer < _layer.Layers; layer++)
        {
            Clear(_h, _layer.Outputs);
            Clear(_c, _layer.Hidden);

            void Clear(float[]? state, int width) => state?.AsSpan(((layer * _batch) + sequence) * width, width).Clear();
        }
    }

    /// <inheritdoc/>
    protected internal override string? Mixes => "it goes on from the state that the call before has left; use the layer itself on whole sequences";

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_layer, "");
    }

    private static void Take(Tensor from, ref float[]? to)
    {
        if (to?.Length != from.Size) { to = new float[from.Size]; }
        from.Device.Read(from.View, to);
    }
}
