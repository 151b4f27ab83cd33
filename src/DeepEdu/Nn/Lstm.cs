using DeepEdu.Kernels;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Long short-term memory over sequences (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735), in one or more layers, in one or both directions:
/// x [batch, steps, inputs] → [batch, steps, directions·outputs]. The equations stand at <c>Tensor.Lstm</c>.
/// <para>PyTorch: <c>nn.LSTM(inputs, hidden, layers, batch_first=True)</c>, with its parameter names, gate order and initial values. Keras:
/// <c>LSTM(hidden, return_sequences=True)</c>.</para>
/// <code>
/// var lstm = new Lstm(inputs: 128, hidden: 64, rng, layers: 2, dropout: 0.3f);
/// var y = lstm.Forward(x);                                // every step
/// var (output, state) = lstm.Run(x, lengths: lengths);    // padded sequences; state.H[^1] is the top layer's last h
/// </code></summary>
public sealed class Lstm : Recurrent
{
    private readonly LstmNorms[] _norms = [];

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
    /// <param name="coupled">Whether the input gate is 1 − the forget gate (Greff et al. 2017, arXiv:1503.04069, "CIFG"): three gates f, g, o, a quarter fewer parameters.</param>
    /// <param name="layerNorm">Whether both products and, before its tanh, c are normalised (Ba et al. 2016, arXiv:1607.06450, eq. 20-22). Its parameters are "norm_ih_l0",
    /// "norm_hh_l0" and "norm_c_l0" of each layer. It is composed of other operations, hence slower.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, a probability not in [0, 1], or the projection not below hidden.</exception>
    /// <exception cref="ArgumentException">An option that nothing would come of: dropout between layers where there is one, a merge of one direction, a forget bias
    /// without biases.</exception>
    public Lstm(int inputs, int hidden, Rng rng, int layers = 1, bool bidirectional = false, bool batchFirst = true, float dropout = 0, bool bias = true, int projection = 0,
        float recurrentDropout = 0, BidirectionalMerge merge = BidirectionalMerge.Concat, float? forgetBias = null, Initializer? init = null, Initializer? recurrentInit = null,
        bool coupled = false, bool layerNorm = false)
        : base(new("lstm", coupled ? CellKind.CoupledLstm : CellKind.Lstm, inputs, hidden, layers, bidirectional, batchFirst, dropout, bias, recurrentDropout, merge, init, recurrentInit, projection), rng)
    {
        if (forgetBias is not null && !bias) { throw new ArgumentException("lstm: a forget bias needs biases", nameof(forgetBias)); }
        int n = layers * (bidirectional ? 2 : 1);
        for (int k = 0; k < n && forgetBias is not null; k++)
        {
            At(k).BiasIh!.AsSpan().Slice(coupled ? 0 : hidden, hidden).Fill(forgetBias.Value);
            At(k).BiasHh!.AsSpan().Slice(coupled ? 0 : hidden, hidden).Clear();
        }
        if (layerNorm) { _norms = [.. Enumerable.Range(0, n).Select(_ => new LstmNorms((coupled ? 3 : 4) * hidden, hidden))]; }
    }

    internal override LstmNorms? Norms(int k) => _norms.Length == 0 ? null : _norms[k];

    /// <summary>Runs the layers over whole sequences.</summary>
    /// <param name="x">[batch, steps, inputs], or [steps, batch, inputs].</param>
    /// <param name="state">The states before the first step; null for 0. Gradients flow into them; <see cref="LstmState.Detach"/> stops them.</param>
    /// <param name="lengths">Steps of each sequence, in any order, 0 allowed; null if all are whole. Padding is not read and costs nothing, but with layer normalisation its steps are computed and dropped.</param>
    /// <param name="padLeft">Whether padding stands before the sequences, as Keras' <c>pad_sequences</c> puts it.</param>
    /// <param name="mask">Instead of lengths: 1 for each step that counts and 0 for others, in the shape of x's first two axes. What does not count is skipped wherever it stands.</param>
    /// <exception cref="ShapeException">x, the state, the lengths or the mask do not fit.</exception>
    /// <exception cref="ArgumentException">Both lengths and a mask.</exception>
    public LstmOutput Run(Tensor x, LstmState? state = null, Indices? lengths = null, bool padLeft = false, Tensor? mask = null)
    {
        var (output, h, c) = Drive(x, state?.H, state?.C, new(lengths, mask, padLeft));
        return new(output, new(h, c!));
    }

    /// <summary>Runs the layers over one-hot inputs given by the places of their ones: categories [batch, steps], each below <see cref="Recurrent.Inputs"/>.</summary>
    /// <inheritdoc cref="Run(Tensor, LstmState?, Indices?, bool, Tensor?)"/>
    /// <exception cref="ArgumentOutOfRangeException">A category is negative or not below the inputs.</exception>
    public LstmOutput Run(Indices categories, LstmState? state = null, Indices? lengths = null, bool padLeft = false, Tensor? mask = null)
    {
        var (output, h, c) = Drive(categories, state?.H, state?.C, new(lengths, mask, padLeft));
        return new(output, new(h, c!));
    }

    /// <summary>Runs the layers over rows of a table of <see cref="Recurrent.Inputs"/> columns: as over <c>table.Forward(rows)</c>, rows being [batch, steps], but a training step multiplies a row
    /// that comes up again and again with the first layer's weights once, where that pays. What a <see cref="Sequential"/> does by itself, with states, lengths and masks.</summary>
    /// <inheritdoc cref="Run(Tensor, LstmState?, Indices?, bool, Tensor?)"/>
    /// <exception cref="ArgumentOutOfRangeException">A row is not in the table.</exception>
    public LstmOutput Run(Embedding table, Indices rows, LstmState? state = null, Indices? lengths = null, bool padLeft = false, Tensor? mask = null)
    {
        var (output, h, c) = Drive(table, rows, state?.H, state?.C, new(lengths, mask, padLeft));
        return new(output, new(h, c!));
    }

    /// <summary>Takes over the weights of one layer and direction of a Keras LSTM: kernel [inputs, 4·hidden] and recurrent kernel [hidden, 4·hidden], the columns of i, f,
    /// c and o in this order, and its one bias [4·hidden], which becomes bias_ih; bias_hh becomes 0.</summary>
    /// <exception cref="ShapeException">A length does not fit.</exception>
    /// <exception cref="InvalidOperationException">The layer is one that Keras has not: projected, coupled, normalised; or it has no biases for a bias.</exception>
    public void CopyFromKeras(ReadOnlySpan<float> kernel, ReadOnlySpan<float> recurrentKernel, ReadOnlySpan<float> bias, int layer = 0, bool reverse = false)
    {
        if (Cell != CellKind.Lstm || _norms.Length > 0) { throw new InvalidOperationException("lstm: Keras' LSTM is neither coupled nor normalised"); }
        CopyKeras(At(layer, reverse), [0, 1, 2, 3], kernel, recurrentKernel, bias, default);
    }

    private protected override (Tensor Output, Tensor H, Tensor? C) RunLayer(int k, RecurrentX x, Tensor? h0, Tensor? c0, RecurrentSteps steps, bool reverse, Tensor? recurrentMask)
    {
        if (Norms(k) is not { } norms) { return base.RunLayer(k, x, h0, c0, steps, reverse, recurrentMask); }
        var vectors = x.Vectors(Inputs, At(k).WeightHh.Device);
        _ = new RecurrentPadding(Op, vectors.Shape, steps.Lengths, steps.Mask, BatchFirst, steps.PadLeft); // checks them
        var padding = steps.Mask is { } mask ? Timed(mask.LogicalNot())
            : steps.Lengths is { } lengths ? OverTime.IsPadding(lengths, vectors.Shape[BatchFirst ? 1 : 0], steps.PadLeft, vectors.Device).Transpose(0, 1) : null;
        var (output, h, c) = norms.Run(Timed(vectors), At(k), h0, c0, padding?.Unsqueeze(2), reverse, recurrentMask, Cell == CellKind.CoupledLstm);
        return (Timed(output), h, c);

        Tensor Timed(Tensor t) => BatchFirst ? t.Transpose(0, 1) : t;
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        base.Parts(p);
        for (int k = 0; k < _norms.Length; k++) { _norms[k].Parts(p, Suffix(k)); }
    }
}
