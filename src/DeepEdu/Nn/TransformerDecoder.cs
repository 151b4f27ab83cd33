using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A stack of <see cref="TransformerDecoderLayer"/>, "layers.0", "layers.1", .., and perhaps a last norm, "norm". PyTorch's <c>nn.TransformerDecoder(layer, layers, norm)</c>.</summary>
public sealed class TransformerDecoder : Module
{
    private readonly TransformerDecoderLayer[] _layers;
    private readonly Layer? _norm;

    /// <summary>A stack.</summary>
    /// <param name="layer">Makes a layer; called once for each.</param>
    /// <param name="layers">How many.</param>
    /// <param name="norm">After the last layer.</param>
    public TransformerDecoder(Func<TransformerDecoderLayer> layer, int layers, Layer? norm = null)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentOutOfRangeException.ThrowIfNegative(layers);
        _layers = new TransformerDecoderLayer[layers];
        for (int i = 0; i < layers; i++) { _layers[i] = layer() ?? throw new ArgumentException($"transformer-decoder: the function gave null as layer {i}", nameof(layer)); }
        _norm = norm;
    }

    /// <summary>The layers.</summary>
    public IReadOnlyList<TransformerDecoderLayer> Layers => _layers;

    /// <summary>The function.</summary>
    /// <param name="x">[batch, T, width].</param>
    /// <param name="memory">[batch, Tₘ, width].</param>
    /// <param name="mask">Which rows a row of x sees; <see cref="AttentionMask.Past"/> unless given.</param>
    /// <param name="memoryMask">Which rows of the memory it sees; all unless given.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public Tensor Forward(Tensor x, Tensor memory, AttentionMask? mask = null, AttentionMask memoryMask = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(memory);
        try
        {
            foreach (var layer in _layers) { x = layer.Forward(x, memory, mask, memoryMask); }
            return _norm?.Forward(x) ?? x;
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>The function of the next rows of sequences, causal; earlier ones, and the memory's keys and values, are in the cache.</summary>
    /// <param name="x">[batch, n, width], batch first.</param>
    /// <param name="memory">[batch, Tₘ, width]; read by the cache's first step only.</param>
    /// <param name="cache">Made by <see cref="NewCache"/>.</param>
    /// <param name="mask">More keys hidden.</param>
    /// <param name="memoryMask">Which rows of the memory are seen.</param>
    /// <exception cref="InvalidOperationException">The cache is full, or a gradient is wanted.</exception>
    public Tensor Forward(Tensor x, Tensor memory, TransformerCache cache, AttentionMask mask = default, AttentionMask memoryMask = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(cache);
        var before = cache.Now;
        try
        {
            cache.Check(_layers.Length);
            for (int i = 0; i < _layers.Length; i++) { x = _layers[i].Forward(x, memory, cache.Layers[i], mask, memoryMask); }
            return _norm?.Forward(x) ?? x;
        }
        catch (ShapeException e) when (Places(e)) { throw; }
        catch
        {
            cache.GoBack(before);
            throw;
        }
    }

    /// <summary>A cache for generation.</summary>
    /// <param name="batch">How many sequences run side by side.</param>
    /// <param name="capacity">The most steps.</param>
    public TransformerCache NewCache(int batch, int capacity) => new([.. _layers.Select(l => l.SelfAttention.NewCache(batch, capacity))]);

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_layers).Of(_norm);
    }
}
