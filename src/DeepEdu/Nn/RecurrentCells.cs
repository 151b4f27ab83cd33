using DeepEdu.Kernels;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>One step of a recurrent layer, for loops that decide each step's input. Whole sequences run faster through the layer, steps without gradients through a
/// <see cref="RecurrentStream"/>. Parameters are named as in PyTorch's cells: "weight_ih", "weight_hh", "bias_ih", "bias_hh".</summary>
public abstract class RecurrentCell : Module
{
    private readonly Recurrent _layer;

    private protected RecurrentCell(Recurrent layer) => _layer = layer;

    private protected (Tensor H, Tensor? C) Step(Tensor x, Tensor? h, Tensor? c)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank != 2) { throw new ShapeException($"{_layer.Op}-cell", $"x is {x.Shape}; [batch, inputs] is needed", x.Shape); }
        var w = _layer.Of(0);
        var (_, lastH, lastC) = RecurrentCall.Run($"{_layer.Op}-cell", _layer.Cell, new(x.Unsqueeze(1), w.WeightIh, w.WeightHh, w.BiasIh, w.BiasHh, h, c), null, null, true, false, false, null);
        return (lastH, lastC);
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        _layer.Of(0).Parts(p, "");
    }
}

/// <summary>One step of an LSTM: x [batch, inputs], h and c [batch, hidden] → h and c. PyTorch: <c>nn.LSTMCell(inputs, hidden)</c>; Keras: <c>LSTMCell(hidden)</c>.</summary>
public sealed class LstmCell : RecurrentCell
{
    /// <summary>A cell with PyTorch's initial values: all uniform in ±1/√hidden.</summary>
    /// <param name="inputs">Size of x's last axis.</param>
    /// <param name="hidden">Units.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="bias">Whether the biases are there.</param>
    public LstmCell(int inputs, int hidden, Rng rng, bool bias = true) : base(new Lstm(inputs, hidden, rng, bias: bias)) { }

    /// <summary>One step.</summary>
    /// <param name="x">[batch, inputs].</param>
    /// <param name="state">h and c, [batch, hidden] each; null for 0.</param>
    /// <exception cref="ShapeException">x or the state do not fit.</exception>
    public LstmState Forward(Tensor x, LstmState? state = null)
    {
        try
        {
            var (h, c) = Step(x, state?.H, state?.C);
            return new(h, c!);
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>One step of a GRU: x [batch, inputs], h [batch, hidden] → h. PyTorch: <c>nn.GRUCell(inputs, hidden)</c>; Keras: <c>GRUCell(hidden)</c>.</summary>
public sealed class GruCell : RecurrentCell
{
    /// <summary>A cell with PyTorch's initial values: all uniform in ±1/√hidden.</summary>
    /// <param name="inputs">Size of x's last axis.</param>
    /// <param name="hidden">Units.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="bias">Whether the biases are there.</param>
    /// <param name="resetBefore">Whether the reset gate acts on h before its product; see <see cref="Gru"/>.</param>
    public GruCell(int inputs, int hidden, Rng rng, bool bias = true, bool resetBefore = false) : base(new Gru(inputs, hidden, rng, bias: bias, resetBefore: resetBefore)) { }

    /// <summary>One step.</summary>
    /// <param name="x">[batch, inputs].</param>
    /// <param name="h">[batch, hidden]; null for 0.</param>
    /// <exception cref="ShapeException">x or h do not fit.</exception>
    public Tensor Forward(Tensor x, Tensor? h = null)
    {
        try { return Step(x, h, null).H; }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>One step of a simple recurrent network: x [batch, inputs], h [batch, hidden] → h. PyTorch: <c>nn.RNNCell(inputs, hidden)</c>; Keras: <c>SimpleRNNCell(hidden)</c>.</summary>
public sealed class SimpleRnnCell : RecurrentCell
{
    /// <summary>A cell with PyTorch's initial values: all uniform in ±1/√hidden.</summary>
    /// <param name="inputs">Size of x's last axis.</param>
    /// <param name="hidden">Units.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="bias">Whether the biases are there.</param>
    /// <param name="relu">Whether h is max(0, ·) of the sum, not its tanh.</param>
    public SimpleRnnCell(int inputs, int hidden, Rng rng, bool bias = true, bool relu = false) : base(new SimpleRnn(inputs, hidden, rng, bias: bias, relu: relu)) { }

    /// <summary>One step.</summary>
    /// <param name="x">[batch, inputs].</param>
    /// <param name="h">[batch, hidden]; null for 0.</param>
    /// <exception cref="ShapeException">x or h do not fit.</exception>
    public Tensor Forward(Tensor x, Tensor? h = null)
    {
        try { return Step(x, h, null).H; }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
