using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>How a bidirectional layer makes one output of two. Keras' <c>merge_mode</c>.</summary>
public enum BidirectionalMerge
{
    /// <summary>The reverse direction's values behind the forward ones: twice as wide.</summary>
    Concat,

    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>Their mean.</summary>
    Average,
}

/// <summary>Long short-term memory over sequences (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735), in one or more layers, in one or both directions:
/// x [batch, steps, inputs] → [batch, steps, directions·outputs]. The equations stand at <c>Tensor.Lstm</c>.
/// <para>PyTorch: <c>nn.LSTM(inputs, hidden, layers, batch_first=True)</c>, with its parameter names, gate order and initial values. Keras:
/// <c>LSTM(hidden, return_sequences=True)</c>.</para>
/// <code>
/// var lstm = new Lstm(inputs: 128, hidden: 64, rng, layers: 2, dropout: 0.3f);
/// var y = lstm.Forward(x);                                // every step
/// var (output, state) = lstm.Run(x, lengths: lengths);    // padded sequences; state.H[^1] is the top layer's last h
/// </code></summary>
public sealed class Lstm : Layer
{
    private readonly Parameter[] _weightIh, _weightHh;
    private readonly Parameter?[] _biasIh, _biasHh, _weightHr;
    private readonly int _directions;
    private readonly float _dropout, _recurrentDropout;
    private readonly BidirectionalMerge _merge;
    private readonly Rng _noise;

    /// <summary>Layers with PyTorch's initial values: all uniform in ±1/√hidden.</summary>
    /// <param name="inputs">Size of x's last axis.</param>
    /// <param name="hidden">Units of each layer and direction.</param>
    /// <param name="rng">Where the initial values and dropout's choices come from; one child stream is taken.</param>
    /// <param name="layers">How many layers, each over the outputs of the one before.</param>
    /// <param name="bidirectional">Whether a second set of weights reads the sequence backwards.</param>
    /// <param name="batchFirst">Whether x is [batch, steps, inputs] or [steps, batch, inputs]. (PyTorch's own default is the latter.)</param>
    /// <param name="dropout">The probability with which, while learning, an output of a layer is left out before the next layer; the last layer's are not.</param>
    /// <param name="bias">Whether the biases are there.</param>
    /// <param name="projection">The width to which h is projected (Sak et al. 2014, arXiv:1402.1128), below hidden; 0 for none. PyTorch's <c>proj_size</c>.</param>
    /// <param name="recurrentDropout">The probability with which, while learning, a value of h is left out on its way to the next step, the same for all steps of a
    /// sequence (Gal and Ghahramani 2016, arXiv:1512.05287). Keras' <c>recurrent_dropout</c>.</param>
    /// <param name="merge">How the two directions become one output.</param>
    /// <param name="forgetBias">The initial bias of the forget gate (Jozefowicz et al. 2015, PMLR 37 advise 1); null to draw it like the others.</param>
    /// <param name="init">Other initial values of the input weights (and the projection); biases then start at 0. Keras' default is <see cref="Init.XavierUniform"/>.</param>
    /// <param name="recurrentInit">Other initial values of the recurrent weights. Keras' default is <see cref="Init.Orthogonal"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, a probability not in [0, 1], or the projection not below hidden.</exception>
    /// <exception cref="ArgumentException">An option that nothing would come of: dropout between layers where there is one, a merge of one direction, a forget bias
    /// without biases.</exception>
    public Lstm(int inputs, int hidden, Rng rng, int layers = 1, bool bidirectional = false, bool batchFirst = true, float dropout = 0, bool bias = true, int projection = 0,
        float recurrentDropout = 0, BidirectionalMerge merge = BidirectionalMerge.Concat, float? forgetBias = null, Initializer? init = null, Initializer? recurrentInit = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inputs);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hidden);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(layers);
        ArgumentOutOfRangeException.ThrowIfNegative(projection);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(projection, hidden);
        ArgumentNullException.ThrowIfNull(rng);
        CheckProbability(dropout, nameof(dropout));
        CheckProbability(recurrentDropout, nameof(recurrentDropout));
        if (dropout > 0 && layers == 1) { throw new ArgumentException("lstm: dropout acts between layers, and there is one; put a Dropout after it, or use recurrentDropout", nameof(dropout)); }
        if (merge != BidirectionalMerge.Concat && !bidirectional) { throw new ArgumentException($"lstm: {merge} needs two directions; set bidirectional", nameof(merge)); }
        if (forgetBias is not null && !bias) { throw new ArgumentException("lstm: a forget bias needs biases", nameof(forgetBias)); }

        (Inputs, Hidden, Outputs, Layers, BatchFirst, _directions) = (inputs, hidden, projection > 0 ? projection : hidden, layers, batchFirst, bidirectional ? 2 : 1);
        (_dropout, _recurrentDropout, _merge) = (dropout, recurrentDropout, merge);
        int n = layers * _directions;
        (_weightIh, _weightHh, _biasIh, _biasHh, _weightHr) = (new Parameter[n], new Parameter[n], new Parameter?[n], new Parameter?[n], new Parameter?[n]);
        var own = rng.Fork();
        float bound = 1 / MathF.Sqrt(hidden);
        var standard = Init.Uniform(-bound, bound);
        for (int k = 0; k < n; k++)
        {
            _weightIh[k] = New([4 * hidden, k < _directions ? inputs : Outputs * (merge == BidirectionalMerge.Concat ? _directions : 1)], init ?? standard, own);
            _weightHh[k] = New([4 * hidden, Outputs], recurrentInit ?? standard, own);
            if (bias) { (_biasIh[k], _biasHh[k]) = (Bias(), Bias()); }
            if (projection > 0) { _weightHr[k] = New([Outputs, hidden], init ?? standard, own); }
            if (forgetBias is { } f)
            {
                _biasIh[k]!.AsSpan().Slice(hidden, hidden).Fill(f);
                _biasHh[k]!.AsSpan().Slice(hidden, hidden).Clear();
            }
        }
        _noise = own.Fork();

        Parameter Bias() => New([4 * hidden], init is null ? standard : Init.Zeros(), own);
    }

    /// <summary>Size of x's last axis.</summary>
    public int Inputs { get; }

    /// <summary>Units of each layer and direction.</summary>
    public int Hidden { get; }

    /// <summary>The width of h: the units, or the projection.</summary>
    public int Outputs { get; }

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
        if (x.Rank != 3 || x.Shape[2] != Inputs) { ThrowInput(x.Shape); }
        int batch = x.Shape[BatchFirst ? 0 : 1];
        CheckState("h", state?.H, [n, batch, Outputs], x.Shape);
        CheckState("c", state?.C, [n, batch, Hidden], x.Shape);
        Tensor[] h = new Tensor[n], c = new Tensor[n], outputs = new Tensor[_directions];
        for (int layer = 0; layer < Layers; layer++)
        {
            if (layer > 0 && _dropout > 0) { x = x.Dropout(_dropout, _noise); }
            for (int d = 0; d < _directions; d++)
            {
                int k = (layer * _directions) + d;
                var mask = _recurrentDropout > 0 && Tape.IsTraining ? Tensor.Ones([batch, Outputs], x.Device).Dropout(_recurrentDropout, _noise) : null;
                var result = x.Lstm(_weightIh[k], _weightHh[k], _biasIh[k], _biasHh[k], Part(state?.H, k), Part(state?.C, k), lengths, BatchFirst, padLeft, d == 1, _weightHr[k], mask);
                (outputs[d], h[k], c[k]) = (result.Output, result.H, result.C);
            }
            x = _directions == 1 ? outputs[0] : Merge(outputs);
        }
        return new(x, new(Stack(h), Stack(c)));
    }

    /// <summary>Takes over the weights of one layer and direction of a Keras LSTM: kernel [inputs, 4·hidden] and recurrent kernel [hidden, 4·hidden], the columns of i, f,
    /// c and o in this order, and its one bias [4·hidden], which becomes bias_ih; bias_hh becomes 0.</summary>
    /// <exception cref="ShapeException">A length does not fit.</exception>
    /// <exception cref="InvalidOperationException">The layer has a projection, which Keras has not, or no biases.</exception>
    public void CopyFromKeras(ReadOnlySpan<float> kernel, ReadOnlySpan<float> recurrentKernel, ReadOnlySpan<float> bias, int layer = 0, bool reverse = false)
    {
        int k = At(layer, reverse);
        if (_weightHr[k] is not null) { throw new InvalidOperationException("lstm: Keras' LSTM has no projection"); }
        if (_biasIh[k] is not { } b) { throw new InvalidOperationException("lstm: a Keras bias needs biases; build the layer with bias: true"); }
        CopyTransposed("kernel", kernel, _weightIh[k]);
        CopyTransposed("recurrent kernel", recurrentKernel, _weightHh[k]);
        b.CopyFrom(bias);
        _biasHh[k]!.AsSpan().Clear();
    }

    /// <summary>The parameters of one layer and direction; null where there is none.</summary>
    internal (Parameter WeightIh, Parameter WeightHh, Parameter? BiasIh, Parameter? BiasHh, Parameter? WeightHr) Of(int layer, bool reverse = false)
    {
        int k = At(layer, reverse);
        return (_weightIh[k], _weightHh[k], _biasIh[k], _biasHh[k], _weightHr[k]);
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        for (int k = 0; k < _weightIh.Length; k++)
        {
            string suffix = $"_l{k / _directions}{(k % _directions == 1 ? "_reverse" : "")}";
            p.Of(_weightIh[k], "weight_ih" + suffix).Of(_weightHh[k], "weight_hh" + suffix).Of(_biasIh[k], "bias_ih" + suffix).Of(_biasHh[k], "bias_hh" + suffix)
                .Of(_weightHr[k], "weight_hr" + suffix);
        }
        p.Stream(_noise);
    }

    private static Parameter New(Shape shape, Initializer init, Rng rng)
    {
        var p = new Parameter(shape);
        init(p, rng);
        return p;
    }

    private Tensor Merge(Tensor[] outputs) => _merge switch
    {
        BidirectionalMerge.Sum => outputs[0] + outputs[1],
        BidirectionalMerge.Average => (outputs[0] + outputs[1]) * 0.5f,
        _ => Tensor.Concat(outputs, 2),
    };

    // one layer's and direction's part of a state
    private static Tensor? Part(Tensor? state, int k) => state is null ? null : state.Shape[0] == 1 ? state.Squeeze(0) : state.Narrow(0, k, 1).Squeeze(0);

    private static Tensor Stack(Tensor[] parts) => parts.Length == 1 ? parts[0].Unsqueeze(0) : Tensor.Stack(parts);

    private int At(int layer, bool reverse)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Layers);
        if (reverse && !Bidirectional) { throw new ArgumentException("lstm: the layer reads in one direction", nameof(reverse)); }
        return (layer * _directions) + (reverse ? 1 : 0);
    }

    private static void CopyTransposed(string name, ReadOnlySpan<float> from, Parameter to)
    {
        int rows = to.Shape[0], columns = to.Shape[1];
        if (from.Length != to.Size) { throw new ShapeException("lstm", $"the {name} has {from.Length} values, but [{columns},{rows}] are needed", to.Shape); }
        Span<float> all = to.AsSpan();
        for (int i = 0; i < from.Length; i++) { all[(i % rows * columns) + (i / rows)] = from[i]; }
    }

    private static void CheckProbability(float p, string name)
    {
        if (!(p >= 0 && p <= 1)) { throw new ArgumentOutOfRangeException(name, $"lstm: probability {p} is not in [0, 1]"); }
    }

    private static void CheckState(string name, Tensor? t, Shape wanted, Shape x)
    {
        if (t is not null && t.Shape != wanted) { throw new ShapeException("lstm", $"the state's {name} is {t.Shape}, but {wanted} is needed for x {x}: [layers·directions, batch, width]", x, t.Shape); }
    }

    [DoesNotReturn]
    private void ThrowInput(Shape x) =>
        throw new ShapeException("lstm", $"x is {x}, but {(BatchFirst ? "[batch, steps, " : "[steps, batch, ")}{Inputs}] is needed{(x.Rank == 2 ? "; add the batch axis with Unsqueeze?" : "")}", x);
}
