using DeepEdu.Autograd;
using DeepEdu.Kernels;
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

/// <summary>What <see cref="Lstm"/>, <see cref="Gru"/> and <see cref="SimpleRnn"/> share: layers over layers, directions, dropout between layers and between steps, padding,
/// states, PyTorch's parameter names.</summary>
public abstract class Recurrent : Layer
{
    private readonly RecurrentSetup _setup;
    private readonly RecurrentParameters[] _weights;
    private readonly int _directions;
    private readonly Rng _noise;

    private protected Recurrent(RecurrentSetup setup, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(rng);
        setup.Check();
        (_setup, _directions) = (setup, setup.Bidirectional ? 2 : 1);
        _weights = new RecurrentParameters[setup.Layers * _directions];
        var own = rng.Fork();
        float bound = 1 / MathF.Sqrt(Hidden);
        var standard = Standard(setup.Init, bound);
        long all = (long)CellPlan.Of(setup.Kind).Gates * Hidden;
        int gates = all <= int.MaxValue ? (int)all : throw new ShapeException(setup.Op, $"hidden is {Hidden}: its gates would have {all} units, more than {int.MaxValue}");
        for (int k = 0; k < _weights.Length; k++)
        {
            int inputs = k < _directions ? Inputs : Outputs * (setup.Merge == BidirectionalMerge.Concat ? _directions : 1);
            _weights[k] = new(
                New([gates, inputs], standard, own), New([gates, Outputs], Standard(setup.RecurrentInit, bound), own), setup.Bias ? Bias() : null, setup.Bias ? Bias() : null,
                setup.Projection > 0 ? New([Outputs, Hidden], standard, own) : null);
        }
        _noise = own.Fork();

        Parameter Bias() => New([gates], setup.Init is null ? standard : Init.Zeros(), own);
    }

    /// <summary>Size of x's last axis.</summary>
    public int Inputs => _setup.Inputs;

    /// <summary>Units of each layer and direction.</summary>
    public int Hidden => _setup.Hidden;

    /// <summary>The width of h: the units, or the projection.</summary>
    public int Outputs => _setup.Projection > 0 ? _setup.Projection : _setup.Hidden;

    /// <summary>How many layers.</summary>
    public int Layers => _setup.Layers;

    /// <summary>Whether x is [batch, steps, inputs]; else [steps, batch, inputs].</summary>
    public bool BatchFirst => _setup.BatchFirst;

    /// <summary>Whether the sequence is read in both directions.</summary>
    public bool Bidirectional => _directions == 2;

    internal CellKind Cell => _setup.Kind;

    /// <summary>The operation's name in errors.</summary>
    internal string Op => _setup.Op;

    /// <summary>The layer normalisations of one layer and direction, if there are any.</summary>
    internal virtual LstmNorms? Norms(int k) => null;

    internal override bool Multiplies => Norms(0) is null;

    /// <summary>The top layer's h of every step, from states of 0: [batch, steps, directions·outputs]. <c>Run</c> also takes and gives states, and takes lengths and masks.</summary>
    public override Tensor Forward(Tensor x) => Drive(x, null, null, default).Output;

    /// <summary>The same for one-hot inputs given by the places of their ones: x [batch, steps], each below <see cref="Inputs"/>. The vectors are never made, and
    /// the product with them is a look-up. PyTorch: <c>F.one_hot(x, inputs).float()</c> before the layer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A category is negative or not below the inputs.</exception>
    public override Tensor Forward(Indices x) => Drive(x, null, null, default).Output;

    /// <summary>Runs all layers; states are [layers·directions, batch, width].</summary>
    internal (Tensor Output, Tensor H, Tensor? C) Drive(Tensor x, Tensor? h, Tensor? c, RecurrentSteps steps)
    {
        ArgumentNullException.ThrowIfNull(x);
        try
        {
            if (x.Rank != 3 || x.Shape[2] != Inputs)
            {
                throw new ShapeException(Op, $"x is {x.Shape}, but {(BatchFirst ? "[batch, steps, " : "[steps, batch, ")}{Inputs}] is needed{Hint(x.Shape)}", x.Shape);
            }
            return Drive(x, null, null, x.Shape, h, c, steps);
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    private string Hint(Shape x) => x.Rank switch
    {
        2 => x[1] == Inputs ? "; add the batch axis with Unsqueeze?" : "; if these are tokens, an Embedding makes features of them",
        3 when x[1] == Inputs => $"; do features stand before steps, as behind a convolution? {(BatchFirst ? "Transpose(1, 2)" : "Permute(2, 0, 1)")} first",
        _ => "",
    };

    /// <summary>The same with categories.</summary>
    internal (Tensor Output, Tensor H, Tensor? C) Drive(Indices categories, Tensor? h, Tensor? c, RecurrentSteps steps)
    {
        ArgumentNullException.ThrowIfNull(categories);
        try
        {
            if (categories.Rank != 2) { throw new ShapeException(Op, $"the categories are {categories.Shape}, but {(BatchFirst ? "[batch, steps]" : "[steps, batch]")} is needed", categories.Shape); }
            return Drive(null, categories, null, [.. categories.Shape, Inputs], h, c, steps);
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>The same with rows of a table. Where some of them come up again and again, the product with Wᵢ is made once for each, not once a step.</summary>
    internal (Tensor Output, Tensor H, Tensor? C) Drive(Embedding table, Indices rows, Tensor? h, Tensor? c, RecurrentSteps steps)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Rank != 2 || table.Weight.Shape[1] != Inputs || Norms(0) is not null || table.Shared(rows) is not { } shared) { return Drive(table.Forward(rows), h, c, steps); }
        try { return Drive(null, shared.Places, shared.Vectors, [.. rows.Shape, Inputs], h, c, steps); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    private (Tensor Output, Tensor H, Tensor? C) Drive(Tensor? x, Indices? categories, Tensor? table, Shape shape, Tensor? h, Tensor? c, RecurrentSteps steps)
    {
        int n = _weights.Length, batch = shape[BatchFirst ? 0 : 1];
        CheckState("h", h, [n, batch, Outputs], shape);
        CheckState("c", c, [n, batch, Hidden], shape);
        Tensor[] lastH = new Tensor[n], outputs = new Tensor[_directions];
        var lastC = CellPlan.Of(Cell).HasCell ? new Tensor[n] : null;
        for (int layer = 0; layer < Layers; layer++)
        {
            if (layer > 0 && _setup.Dropout > 0) { x = x!.Dropout(_setup.Dropout, _noise); }
            for (int d = 0; d < _directions; d++)
            {
                int k = (layer * _directions) + d;
                var dropped = _setup.RecurrentDropout > 0 && Tape.IsTraining ? Tensor.Ones([batch, Outputs], _weights[0].WeightHh.Device).Dropout(_setup.RecurrentDropout, _noise) : null;
                (outputs[d], lastH[k], var last) = RunLayer(k, layer == 0 ? new(x, categories, table) : new(x, null, null), Part(h, k), Part(c, k), steps, d == 1, dropped);
                if (lastC is not null) { lastC[k] = last!; }
            }
            x = _directions == 1 ? outputs[0] : Merge(outputs);
        }
        return (x!, Stack(lastH), lastC is null ? null : Stack(lastC));
    }

    /// <summary>One layer in one direction.</summary>
    private protected virtual (Tensor Output, Tensor H, Tensor? C) RunLayer(int k, RecurrentX x, Tensor? h0, Tensor? c0, RecurrentSteps steps, bool reverse, Tensor? recurrentMask)
    {
        var w = _weights[k];
        return RecurrentCall.Run(Op, Cell, new(x.Dense, x.Table is null ? w.WeightIh : TableProduct.Of(x.Table, w.WeightIh), w.WeightHh, w.BiasIh, w.BiasHh, h0, c0, w.WeightHr) { Categories = x.Categories, Turned = x.Table is not null },
            steps.Lengths, steps.Mask, BatchFirst, steps.PadLeft, reverse, recurrentMask);
    }

    /// <summary>The parameters of one layer, read forwards.</summary>
    internal RecurrentParameters Of(int layer) => _weights[At(layer, false)];

    private protected RecurrentParameters At(int k) => _weights[k];

    private protected int At(int layer, bool reverse)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Layers);
        if (reverse && !Bidirectional) { throw new ArgumentException($"{Op}: the layer reads in one direction", nameof(reverse)); }
        return (layer * _directions) + (reverse ? 1 : 0);
    }

    /// <summary>Takes over the weights of one layer and direction of Keras, whose gate order[g] is gate g here.</summary>
    private protected void CopyKeras(int k, ReadOnlySpan<int> order, ReadOnlySpan<float> kernel, ReadOnlySpan<float> recurrentKernel, ReadOnlySpan<float> bias, ReadOnlySpan<float> recurrentBias)
    {
        var w = _weights[k];
        if (w.WeightHr is not null) { throw new InvalidOperationException($"{Op}: Keras has no projection"); }
        if (w.BiasIh is null && bias.Length > 0) { throw new InvalidOperationException($"{Op}: a Keras bias needs biases; build the layer with bias: true"); }
        CopyGates("kernel", kernel, w.WeightIh, order);
        CopyGates("recurrent kernel", recurrentKernel, w.WeightHh, order);
        if (w.BiasIh is null) { return; }
        CopyGates("bias", bias, w.BiasIh, order);
        if (recurrentBias.Length > 0) { CopyGates("recurrent bias", recurrentBias, w.BiasHh!, order); } else { w.BiasHh!.AsSpan().Clear(); }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        for (int k = 0; k < _weights.Length; k++) { _weights[k].Parts(p, Suffix(k)); }
        p.Stream(_noise);
    }

    // from [columns, gates·H] in Keras' gate order to [gates·H, columns]
    private void CopyGates(string name, ReadOnlySpan<float> from, Parameter to, ReadOnlySpan<int> order)
    {
        int rows = to.Shape[0], columns = to.Size / rows;
        if (from.Length != to.Size) { throw new ShapeException(Op, $"the {name} has {from.Length} values, but {(to.Rank == 1 ? $"[{rows}]" : $"[{columns},{rows}]")} are needed", to.Shape); }
        Span<float> all = to.AsSpan();
        for (int row = 0; row < rows; row++)
        {
            int theirs = (order[row / Hidden] * Hidden) + (row % Hidden);
            for (int j = 0; j < columns; j++) { all[(row * columns) + j] = from[(j * rows) + theirs]; }
        }
    }

    private protected string Suffix(int k) => $"_l{k / _directions}{(k % _directions == 1 ? "_reverse" : "")}";

    private Tensor Merge(Tensor[] outputs) => _setup.Merge switch
    {
        BidirectionalMerge.Sum => outputs[0] + outputs[1],
        BidirectionalMerge.Average => (outputs[0] + outputs[1]) * 0.5f,
        _ => Tensor.Concat(outputs, 2),
    };

    private void CheckState(string name, Tensor? t, Shape wanted, Shape x)
    {
        if (t is not null && t.Shape != wanted) { throw new ShapeException(Op, $"the state's {name} is {t.Shape}, but {wanted} is needed for x {x}: [layers·directions, batch, width]", x, t.Shape); }
    }

    private static Initializer Standard(Initializer? init, float bound) => init ?? Init.Uniform(-bound, bound);

    private static Parameter New(Shape shape, Initializer init, Rng rng)
    {
        var p = new Parameter(shape);
        init(p, rng);
        return p;
    }

    // one layer's and direction's part of a state
    private static Tensor? Part(Tensor? state, int k) => state is null ? null : state.Shape[0] == 1 ? state.Squeeze(0) : state.Narrow(0, k, 1).Squeeze(0);

    private static Tensor Stack(Tensor[] parts) => parts.Length == 1 ? parts[0].Unsqueeze(0) : Tensor.Stack(parts);
}
