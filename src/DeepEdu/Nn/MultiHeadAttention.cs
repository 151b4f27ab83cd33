using System.Diagnostics.CodeAnalysis;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Several attentions side by side: queries, keys and values are projected, each head attends within its part of the width, and the heads' results are projected once more. Vaswani et al. 2017,
/// arXiv:1706.03762, section 3.2.2. x [batch, T, width] → [batch, T, width]; "in_proj_weight" [3·width, width], "in_proj_bias", "out_proj.weight" and "out_proj.bias". PyTorch's
/// <c>nn.MultiheadAttention(width, heads, batch_first=True)</c>, Keras' <c>MultiHeadAttention(heads, width / heads)</c>.</summary>
public sealed class MultiHeadAttention : Layer
{
    private readonly Parameter? _inProjWeight, _qProjWeight, _kProjWeight, _vProjWeight, _inProjBias;
    private readonly Dense _outProj;
    private readonly int _width, _heads;
    private readonly float _dropout;
    private readonly bool _batchFirst;
    private readonly Rng _rng;
    private readonly RotaryPositions? _rotary;

    /// <summary>A layer with PyTorch's initial values: Xavier's uniform for the inner projections, zero biases, ±1/√width for the outer weight.</summary>
    /// <param name="width">Of the queries and the result; a multiple of the heads.</param>
    /// <param name="heads">How many heads.</param>
    /// <param name="rng">Where the initial values and the dropout come from; one child stream is taken.</param>
    /// <param name="dropout">While learning, the probability that a weight is left out.</param>
    /// <param name="bias">Whether the projections have biases.</param>
    /// <param name="keyWidth">Width of the keys' input, if another; there are then three inner weights, "q_proj_weight", "k_proj_weight" and "v_proj_weight". PyTorch's <c>kdim</c>.</param>
    /// <param name="valueWidth">The same for the values; PyTorch's <c>vdim</c>.</param>
    /// <param name="batchFirst">Whether inputs are [batch, T, width]; else [T, batch, width], PyTorch's default.</param>
    /// <param name="rotary">Turns queries and keys by their places.</param>
    /// <exception cref="ArgumentException">The heads do not divide the width, or the rotation is for another head width.</exception>
    public MultiHeadAttention(int width, int heads, Rng rng, float dropout = 0, bool bias = true, int? keyWidth = null, int? valueWidth = null, bool batchFirst = true, RotaryPositions? rotary = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(heads);
        ArgumentNullException.ThrowIfNull(rng);
        if (width % heads != 0) { throw new ArgumentException($"multi-head-attention: {heads} heads do not divide the width {width}", nameof(heads)); }
        if (rotary is not null && rotary.HeadWidth != width / heads)
        {
            throw new ArgumentException($"multi-head-attention: rotary positions for heads of {rotary.HeadWidth}, but a head has {width} / {heads} = {width / heads} numbers", nameof(rotary));
        }
        var own = rng.Fork();
        (_width, _heads, _dropout, _batchFirst, _rotary) = (width, heads, dropout, batchFirst, rotary);
        int keys = keyWidth ?? width, values = valueWidth ?? width;
        if (keys == width && values == width) { _inProjWeight = Weight(3 * width, width, own); }
        else { (_qProjWeight, _kProjWeight, _vProjWeight) = (Weight(width, width, own), Weight(width, keys, own), Weight(width, values, own)); }
        if (bias)
        {
            _inProjBias = new([3 * width]);
            _inProjBias.AsSpan().Clear();
        }
        _outProj = new(width, width, own, bias, Init.Default());
        _rng = own.Fork();
    }

    internal override bool Multiplies => true;

    /// <summary>Width of queries and result.</summary>
    public int Width => _width;

    /// <summary>How many heads.</summary>
    public int Heads => _heads;

    /// <summary>The dropout's random numbers; their position belongs into a checkpoint.</summary>
    public Rng Rng => _rng;

    /// <summary>Self-attention: queries, keys and values are the rows of x.</summary>
    public override Tensor Forward(Tensor x) => Forward(x, default(AttentionMask));

    /// <summary>Self-attention.</summary>
    /// <param name="x">[batch, T, width].</param>
    /// <param name="mask">Which rows a row sees; a row that sees none gets the outer bias alone.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public Tensor Forward(Tensor x, AttentionMask mask) => Forward(x, x, x, mask);

    /// <summary>Attention from one sequence to another.</summary>
    /// <param name="query">[batch, T, width].</param>
    /// <param name="key">[batch, Tₖ, key width].</param>
    /// <param name="value">[batch, Tₖ, value width].</param>
    /// <param name="mask">Which keys a query sees.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public Tensor Forward(Tensor query, Tensor key, Tensor value, AttentionMask mask = default) => _outProj.Forward(Attend(query, key, value, mask));

    /// <summary>The same, and the weights by which each query saw each key (before dropout): the mean over the heads [batch, T, Tₖ], or all [batch, heads, T, Tₖ]. It keeps all scores in memory.</summary>
    /// <param name="query">[batch, T, width].</param>
    /// <param name="key">[batch, Tₖ, key width].</param>
    /// <param name="value">[batch, Tₖ, value width].</param>
    /// <param name="mask">Which keys a query sees.</param>
    /// <param name="average">Whether the weights are averaged over the heads.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public (Tensor Output, Tensor Weights) ForwardWithWeights(Tensor query, Tensor key, Tensor value, AttentionMask mask = default, bool average = true)
    {
        try
        {
            var y = _outProj.Forward(BatchFirst(Call(query, key, value, mask).Composed(out var weights)));
            return (y, average ? weights.Mean(1) : weights);
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>Causal self-attention for the next rows of a sequence: they see those in the cache and, of themselves, the earlier ones, and are then added to it. The results are those of the whole sequence at
    /// once, up to rounding.</summary>
    /// <param name="x">[batch, n, width], batch first: one row to generate, several to begin.</param>
    /// <param name="cache">The rows before; made by <see cref="NewCache"/>.</param>
    /// <param name="mask">More keys hidden: its keys, lengths or scores are of all rows so far, the new ones included.</param>
    /// <exception cref="InvalidOperationException">The cache is full, or a gradient is wanted.</exception>
    public Tensor Forward(Tensor x, KeyValueCache cache, AttentionMask mask = default)
    {
        ArgumentNullException.ThrowIfNull(cache);
        var before = cache.Now;
        try { return _outProj.Forward(Attend(x, cache, mask)); }
        catch
        {
            cache.GoBack(before);
            throw;
        }
    }

    /// <summary>What the heads found, side by side: all but the outer projection.</summary>
    internal Tensor Attend(Tensor query, Tensor key, Tensor value, AttentionMask mask)
    {
        try { return BatchFirst(Call(query, key, value, mask).Forward()); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>The same with the rows before in a cache, which has grown even if this throws: the caller sees to that.</summary>
    internal Tensor Attend(Tensor x, KeyValueCache cache, AttentionMask mask)
    {
        try
        {
            if (_inProjWeight is null) { throw new InvalidOperationException("multi-head-attention: with a key or value width of its own there is no self-attention, and nothing to cache"); }
            int past = cache.Length;
            var packed = Packed(x, past);
            cache.Append(packed);
            return new AttentionCall(packed, cache.Keys, cache.Values, _heads, mask with { Causal = true, Offset = past }, null, 0, null, cache.Length).Forward();
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>A cache for generation.</summary>
    /// <param name="batch">How many sequences run side by side.</param>
    /// <param name="capacity">The most steps.</param>
    public KeyValueCache NewCache(int batch, int capacity) => new(batch, capacity, _width);

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_inProjWeight).Of(_qProjWeight).Of(_kProjWeight).Of(_vProjWeight).Of(_inProjBias).Of(_outProj).Stream(_rng);
    }

    /// <summary>The projected keys and values of a memory that stays the same from step to step, batch first.</summary>
    internal (Tensor Keys, Tensor Values) Project(Tensor memory)
    {
        try { return (Keys(memory), Project(memory, 2, _vProjWeight)); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>What the heads found in a projected memory, batch first.</summary>
    internal Tensor AttendProjected(Tensor query, Tensor keys, Tensor values, AttentionMask mask)
    {
        try { return Project(query, 0, _qProjWeight).Attention(keys, values, _heads, mask); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>residual + dropout(the outer projection of what the heads found).</summary>
    internal Tensor Finish(Tensor attended, Tensor residual, Dropout dropout) => _outProj.Forward(attended, residual, dropout);

    private AttentionCall Call(Tensor query, Tensor key, Tensor value, AttentionMask mask)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        if (query.Rank == 0 || query.Shape[^1] != _width) { ThrowWidth(query.Shape, _width); }
        if (ReferenceEquals(query, key) && ReferenceEquals(key, value) && _inProjWeight is not null)
        {
            return new(Packed(BatchFirst(query), 0), null, null, _heads, mask, null, _dropout, _rng);
        }
        Tensor k = BatchFirst(key), v = ReferenceEquals(key, value) ? k : BatchFirst(value), q = Project(BatchFirst(query), 0, _qProjWeight);
        if (_rotary is not null) { q = _rotary.Forward(q, _heads); }
        (k, v) = (Keys(k), Project(v, 2, _vProjWeight));
        if (k.Rank != q.Rank || v.Rank != q.Rank || k.Shape[^2] != v.Shape[^2] || AttentionOps.Leading(q.Shape, 2) != AttentionOps.Leading(k.Shape, 2)) { ThrowShapes(query.Shape, key.Shape, value.Shape); }
        return new(q, k, v, _heads, mask, null, _dropout, _rng);
    }

    private Tensor Packed(Tensor x, int past)
    {
        var packed = x.Linear(_inProjWeight!, _inProjBias);
        return _rotary is null ? packed : _rotary.Forward(packed, 2 * _heads, past);
    }

    private Tensor Keys(Tensor x)
    {
        var k = Project(x, 1, _kProjWeight);
        return _rotary is null ? k : _rotary.Forward(k, _heads);
    }

    // the first, second or third inner projection
    private Tensor Project(Tensor x, int third, Parameter? weight) =>
        x.Linear(weight ?? _inProjWeight!.Narrow(0, third * _width, _width), _inProjBias?.Narrow(0, third * _width, _width));

    // its own opposite
    private Tensor BatchFirst(Tensor x) => _batchFirst || x.Rank != 3 ? x : x.Permute(1, 0, 2);

    private static Parameter Weight(int outputs, int inputs, Rng rng)
    {
        var weight = new Parameter([outputs, inputs]);
        Init.XavierUniform()(weight, rng);
        return weight;
    }

    [DoesNotReturn]
    private static void ThrowWidth(Shape query, int width) =>
        throw new ShapeException("multi-head-attention", $"query {query} needs a last axis of {width}, the width that the layer was made with", query);

    [DoesNotReturn]
    private static void ThrowShapes(Shape q, Shape k, Shape v) =>
        throw new ShapeException("multi-head-attention", $"query {q}, key {k}, value {v}: the same batch is needed, and as many keys as values", q, k, v);
}
