using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>One step of an LSTM: x [batch, inputs], h and c [batch, hidden] → h and c. For loops that decide each step's input; whole sequences run faster through
/// <see cref="Lstm"/>, steps without gradients through <see cref="LstmStream"/>. PyTorch: <c>nn.LSTMCell(inputs, hidden)</c>; Keras: <c>LSTMCell(hidden)</c>.</summary>
public sealed class LstmCell : Module
{
    private readonly Parameter _weightIh, _weightHh;
    private readonly Parameter? _biasIh, _biasHh;

    /// <summary>A cell with PyTorch's initial values: all uniform in ±1/√hidden.</summary>
    /// <param name="inputs">Size of x's last axis.</param>
    /// <param name="hidden">Units.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="bias">Whether the biases are there.</param>
    public LstmCell(int inputs, int hidden, Rng rng, bool bias = true)
    {
        (_weightIh, _weightHh, _biasIh, _biasHh, _) = new Lstm(inputs, hidden, rng, bias: bias).Of(0);
    }

    /// <summary>One step.</summary>
    /// <param name="x">[batch, inputs].</param>
    /// <param name="state">h and c, [batch, hidden] each; null for 0.</param>
    /// <exception cref="ShapeException">x or the state do not fit.</exception>
    public LstmState Forward(Tensor x, LstmState? state = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank != 2) { throw new ShapeException("lstm cell", $"x is {x.Shape}; [batch, inputs] is needed", x.Shape); }
        var result = x.Unsqueeze(1).Lstm(_weightIh, _weightHh, _biasIh, _biasHh, state?.H, state?.C);
        return new(result.H, result.C);
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weightIh).Of(_weightHh).Of(_biasIh).Of(_biasHh);
    }
}
