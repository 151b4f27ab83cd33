using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Long short-term memory over sequences (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735), in one or more layers, in one or both directions:
/// x [batch, steps, inputs] → [batch, steps, directions·hidden]. The equations stand at <c>Tensor.Lstm</c>.
/// <para>PyTorch: <c>nn.LSTM(inputs, hidden, layers, batch_first=True)</c>, with its parameter names, gate order and initial values. Keras:
/// <c>LSTM(hidden, return_sequences=True)</c>.</para></summary>
public sealed class Lstm : Layer
{
    private readonly Parameter[] _weightIh, _weightHh;
    private readonly Parameter[]? _biasIh, _biasHh;
    private readonly int _directions;

    /// <summary>Layers with PyTorch's initial values: all uniform in ±1/√hidden.</summary>
    /// <param name="inputs">Size of x's last axis.</param>
    /// <param name="hidden">Units of each layer and direction.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="layers">How many layers, each over the outputs of the one before.</param>
    /// <param name="bidirectional">Whether a second set of weights reads the sequence backwards; its outputs stand behind the forward ones on the last axis.</param>
    /// <param name="batchFirst">Whether x is [batch, steps, inputs] or [steps, batch, inputs]. (PyTorch's own default is the latter.)</param>
    /// <param name="bias">Whether the biases are there.</param>
    public Lstm(int inputs, int hidden, Rng rng, int layers = 1, bool bidirectional = false, bool batchFirst = true, bool bias = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inputs);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hidden);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(layers);
        ArgumentNullException.ThrowIfNull(rng);
        (Inputs, Hidden, Layers, BatchFirst, _directions) = (inputs, hidden, layers, batchFirst, bidirectional ? 2 : 1);
        int n = layers * _directions;
        (_weightIh, _weightHh) = (new Parameter[n], new Parameter[n]);
        if (bias) { (_biasIh, _biasHh) = (new Parameter[n], new Parameter[n]); }
        var own = rng.Fork();
        float bound = 1 / MathF.Sqrt(hidden);
        Parameter New(Shape shape)
        {
            var p = new Parameter(shape);
            Init.Uniform(-bound, bound)(p, own);
            return p;
        }
        for (int k = 0; k < n; k++)
        {
            _weightIh[k] = New([4 * hidden, k < _directions ? inputs : hidden * _directions]);
            _weightHh[k] = New([4 * hidden, hidden]);
            if (bias) { (_biasIh![k], _biasHh![k]) = (New([4 * hidden]), New([4 * hidden])); }
        }
    }

    /// <summary>Size of x's last axis.</summary>
    public int Inputs { get; }

    /// <summary>Units of each layer and direction.</summary>
    public int Hidden { get; }

    /// <summary>How many layers.</summary>
    public int Layers { get; }

    /// <summary>Whether x is [batch, steps, inputs]; else [steps, batch, inputs].</summary>
    public bool BatchFirst { get; }

    /// <summary>Whether the sequence is read in both directions.</summary>
    public bool Bidirectional => _directions == 2;

    /// <summary>The top layer's h of every step, from states of 0. <see cref="Run"/> also takes and gives states, and takes lengths.</summary>
    public override Tensor Forward(Tensor x) => Run(x).Output;

    /// <summary>Runs the layers over whole sequences.</summary>
    /// <param name="x">[batch, steps, inputs], or [steps, batch, inputs].</param>
    /// <param name="state">The states before the first step; null for 0. Gradients flow into them; <see cref="LstmState.Detach"/> stops them.</param>
    /// <param name="lengths">Steps of each sequence, in any order, 0 allowed; null if all are whole. Padding is not read and costs nothing.</param>
    /// <param name="padLeft">Whether padding stands before the sequences, as Keras' <c>pad_sequences</c> puts it.</param>
    /// <exception cref="ShapeException">x, the state or the lengths do not fit.</exception>
    public LstmOutput Run(Tensor x, LstmState? state = null, Indices? lengths = null, bool padLeft = false)
    {
        ArgumentNullException.ThrowIfNull(x);
        int n = Layers * _directions;
        if (x.Rank == 3 && state is { } given)
        {
            Shape wanted = [n, x.Shape[BatchFirst ? 0 : 1], Hidden];
            if (given.H.Shape != wanted || given.C.Shape != wanted)
            {
                throw new ShapeException("lstm", $"the state is h {given.H.Shape}, c {given.C.Shape}, but {wanted} is needed for x {x.Shape}: [layers·directions, batch, hidden]", x.Shape, given.H.Shape, given.C.Shape);
            }
        }
        Tensor[] h = new Tensor[n], c = new Tensor[n], outputs = new Tensor[_directions];
        for (int layer = 0; layer < Layers; layer++)
        {
            for (int d = 0; d < _directions; d++)
            {
                int k = (layer * _directions) + d;
                var step = x.Lstm(_weightIh[k], _weightHh[k], _biasIh?[k], _biasHh?[k], Part(state?.H, k), Part(state?.C, k), lengths, BatchFirst, padLeft, reverse: d == 1);
                (outputs[d], h[k], c[k]) = (step.Output, step.H, step.C);
            }
            x = _directions == 1 ? outputs[0] : Tensor.Concat(outputs, 2);
        }
        return new(x, new(Tensor.Stack(h), Tensor.Stack(c)));
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        for (int k = 0; k < _weightIh.Length; k++)
        {
            string suffix = $"_l{k / _directions}{(k % _directions == 1 ? "_reverse" : "")}";
            p.Of(_weightIh[k], "weight_ih" + suffix).Of(_weightHh[k], "weight_hh" + suffix).Of(_biasIh?[k], "bias_ih" + suffix).Of(_biasHh?[k], "bias_hh" + suffix);
        }
    }

    // one layer's and direction's part of a state
    private static Tensor? Part(Tensor? state, int k) => state?.Narrow(0, k, 1).Squeeze(0);
}
