using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Self-attention, attention to a memory (the encoder's output), then two dense layers, each with a residual and a norm: Vaswani et al. 2017, arXiv:1706.03762, section 3.1.
/// x [batch, T, width], memory [batch, Tₘ, width] → [batch, T, width]. Self-attention is causal unless another mask is given; PyTorch's is not. PyTorch's
/// <c>nn.TransformerDecoderLayer(width, heads, batch_first=True)</c>; Keras' <c>TransformerDecoder</c> of KerasHub.</summary>
public sealed class TransformerDecoderLayer : Module
{
    private readonly MultiHeadAttention _selfAttn, _multiheadAttn;
    private readonly Dense _linear1, _linear2;
    private readonly LayerNorm _norm1, _norm2, _norm3;
    private readonly Dropout _dropout, _dropout1, _dropout2, _dropout3;
    private readonly Layer _activation;
    private readonly bool _normFirst;

    /// <summary>A layer with PyTorch's initial values.</summary>
    /// <param name="width">Size of the last axis.</param>
    /// <param name="heads">Of both attentions.</param>
    /// <param name="rng">Where initial values and dropout come from; one child stream is taken.</param>
    /// <param name="hidden">Width between the two dense layers.</param>
    /// <param name="dropout">Probability for the attentions' weights, between the dense layers, and before each residual.</param>
    /// <param name="activation">Between the dense layers: <see cref="Relu"/> unless given, or <see cref="Gelu"/>, or any other.</param>
    /// <param name="eps">Of the norms.</param>
    /// <param name="batchFirst">Whether x is [batch, T, width]; else [T, batch, width], PyTorch's default.</param>
    /// <param name="normFirst">Whether the norms stand before attentions and dense layers.</param>
    /// <param name="rotary">Positions for the self-attention.</param>
    public TransformerDecoderLayer(int width, int heads, Rng rng, int hidden = 2048, float dropout = 0.1f, Layer? activation = null, float eps = 1e-5f, bool batchFirst = true, bool normFirst = false,
        RotaryPositions? rotary = null)
    {
        ArgumentNullException.ThrowIfNull(rng);
        var own = rng.Fork();
        (_selfAttn, _multiheadAttn) = (new(width, heads, own, dropout, batchFirst: batchFirst, rotary: rotary), new(width, heads, own, dropout, batchFirst: batchFirst));
        (_linear1, _linear2) = (new(width, hidden, own), new(hidden, width, own));
        (_norm1, _norm2, _norm3) = (new(width, eps), new(width, eps), new(width, eps));
        (_dropout, _dropout1, _dropout2, _dropout3) = (new(dropout, own), new(dropout, own), new(dropout, own), new(dropout, own));
        (_activation, _normFirst) = (activation ?? new Relu(), normFirst);
    }

    /// <summary>The attention within x.</summary>
    public MultiHeadAttention SelfAttention => _selfAttn;

    /// <summary>The attention to the memory.</summary>
    public MultiHeadAttention MemoryAttention => _multiheadAttn;

    /// <summary>The function.</summary>
    /// <param name="x">[batch, T, width].</param>
    /// <param name="memory">[batch, Tₘ, width].</param>
    /// <param name="mask">Which rows a row of x sees; <see cref="AttentionMask.Past"/> unless given.</param>
    /// <param name="memoryMask">Which rows of the memory it sees; all unless given.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public Tensor Forward(Tensor x, Tensor memory, AttentionMask? mask = null, AttentionMask memoryMask = default)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(x);
        try
        {
            var own = Before(x, _norm1);
            x = After(_selfAttn.Finish(_selfAttn.Attend(own, own, own, mask ?? AttentionMask.Past), x, _dropout1), _norm1);
            return Rest(x, _multiheadAttn.Attend(Before(x, _norm2), memory, memory, memoryMask));
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>The function of the next rows of sequences, causal; earlier ones, and the memory's keys and values, are in the cache. In use, not for learning.</summary>
    /// <param name="x">[batch, n, width], batch first.</param>
    /// <param name="memory">[batch, Tₘ, width]; read by the cache's first step only.</param>
    /// <param name="cache">Of <see cref="SelfAttention"/>.</param>
    /// <param name="mask">More keys hidden.</param>
    /// <param name="memoryMask">Which rows of the memory are seen.</param>
    /// <exception cref="InvalidOperationException">The cache is full, or a gradient is wanted.</exception>
    public Tensor Forward(Tensor x, Tensor memory, KeyValueCache cache, AttentionMask mask = default, AttentionMask memoryMask = default)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(cache);
        var before = cache.Now;
        try
        {
            x = After(_selfAttn.Finish(_selfAttn.Attend(Before(x, _norm1), cache, mask), x, _dropout1), _norm1);
            var (keys, values) = cache.Memory(_multiheadAttn, memory);
            return Rest(x, _multiheadAttn.AttendProjected(Before(x, _norm2), keys, values, memoryMask));
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
        p.Of(_selfAttn).Of(_multiheadAttn).Of(_linear1).Of(_dropout).Of(_linear2).Of(_norm1).Of(_norm2).Of(_norm3).Of(_dropout1).Of(_dropout2).Of(_dropout3).Of(_activation);
    }

    private Tensor Before(Tensor x, LayerNorm norm) => _normFirst ? norm.Forward(x) : x;

    private Tensor After(Tensor x, LayerNorm norm) => _normFirst ? x : norm.Forward(x);

    private Tensor Rest(Tensor x, Tensor attended)
    {
        x = After(_multiheadAttn.Finish(attended, x, _dropout2), _norm2);
        return After(FeedForward.Run(Before(x, _norm3), _linear1, _activation, _dropout, _linear2, x, _dropout3), _norm3);
    }
}
