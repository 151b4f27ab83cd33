using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Self-attention, then two dense layers, each with a residual and a norm: Vaswani et al. 2017, arXiv:1706.03762, section 3.1. x [batch, T, width] → the same.
/// <code>
/// norm last:   x ← norm1(x + attention(x)),  x ← norm2(x + linear2(activation(linear1(x))))
/// norm first:  x ← x + attention(norm1(x)),  x ← x + linear2(activation(linear1(norm2(x))))
/// </code>
/// Norm first (Xiong et al. 2020, arXiv:2002.04745) needs no warm-up. PyTorch's <c>nn.TransformerEncoderLayer(width, heads, batch_first=True)</c>; Keras' <c>TransformerEncoder</c> of KerasHub.</summary>
public sealed class TransformerEncoderLayer : Layer
{
    private readonly MultiHeadAttention _selfAttn;
    private readonly Dense _linear1, _linear2;
    private readonly LayerNorm _norm1, _norm2;
    private readonly Dropout _dropout, _dropout1, _dropout2;
    private readonly Layer _activation;
    private readonly bool _normFirst;

    /// <summary>A layer with PyTorch's initial values.</summary>
    /// <param name="width">Size of the last axis.</param>
    /// <param name="heads">Of the attention.</param>
    /// <param name="rng">Where initial values and dropout come from; one child stream is taken.</param>
    /// <param name="hidden">Width between the two dense layers.</param>
    /// <param name="dropout">Probability for the attention's weights, between the dense layers, and before each residual.</param>
    /// <param name="activation">Between the dense layers: <see cref="Relu"/> unless given, or <see cref="Gelu"/>, or any other.</param>
    /// <param name="eps">Of the norms.</param>
    /// <param name="batchFirst">Whether x is [batch, T, width]; else [T, batch, width], PyTorch's default.</param>
    /// <param name="normFirst">Whether the norms stand before attention and dense layers.</param>
    /// <param name="rotary">Positions for the attention.</param>
    public TransformerEncoderLayer(int width, int heads, Rng rng, int hidden = 2048, float dropout = 0.1f, Layer? activation = null, float eps = 1e-5f, bool batchFirst = true, bool normFirst = false,
        RotaryPositions? rotary = null)
    {
        ArgumentNullException.ThrowIfNull(rng);
        var own = rng.Fork();
        _selfAttn = new(width, heads, own, dropout, batchFirst: batchFirst, rotary: rotary);
        (_linear1, _linear2) = (new(width, hidden, own), new(hidden, width, own));
        (_norm1, _norm2) = (new(width, eps), new(width, eps));
        (_dropout, _dropout1, _dropout2) = (new(dropout, own), new(dropout, own), new(dropout, own));
        (_activation, _normFirst) = (activation ?? new Relu(), normFirst);
    }

    /// <summary>The attention.</summary>
    public MultiHeadAttention SelfAttention => _selfAttn;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, default(AttentionMask));

    /// <summary>The function, with some rows hidden from others.</summary>
    /// <param name="x">[batch, T, width].</param>
    /// <param name="mask">Which rows a row sees; <see cref="AttentionMask.Past"/> for a language model.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public Tensor Forward(Tensor x, AttentionMask mask)
    {
        ArgumentNullException.ThrowIfNull(x);
        try
        {
            var own = _normFirst ? _norm1.Forward(x) : x;
            return Around(x, _selfAttn.Attend(own, own, own, mask));
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>The function of the next rows of sequences, causal; earlier ones are in the cache. In use, not for learning.</summary>
    /// <param name="x">[batch, n, width], batch first.</param>
    /// <param name="cache">Of <see cref="SelfAttention"/>.</param>
    /// <param name="mask">More keys hidden.</param>
    /// <exception cref="InvalidOperationException">The cache is full, or a gradient is wanted.</exception>
    public Tensor Forward(Tensor x, KeyValueCache cache, AttentionMask mask = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(cache);
        var before = cache.Now;
        try
        {
            return Around(x, _selfAttn.Attend(_normFirst ? _norm1.Forward(x) : x, cache, mask));
        }
        catch (ShapeException e) when (Places(e)) { throw; }
        catch
        {
            cache.GoBack(before);
            throw;
        }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_selfAttn).Of(_linear1).Of(_dropout).Of(_linear2).Of(_norm1).Of(_norm2).Of(_dropout1).Of(_dropout2).Of(_activation);
    }

    private Tensor Around(Tensor x, Tensor attended)
    {
        x = _selfAttn.Finish(attended, x, _dropout1);
        if (!_normFirst) { x = _norm1.Forward(x); }
        x = FeedForward.Run(_normFirst ? _norm2.Forward(x) : x, _linear1, _activation, _dropout, _linear2, x, _dropout2);
        return _normFirst ? x : _norm2.Forward(x);
    }
}
