using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A stack of <see cref="TransformerEncoderLayer"/>, "layers.0", "layers.1", .., and perhaps a last norm, "norm". With <see cref="AttentionMask.Past"/> it is the body of a GPT.
/// PyTorch's <c>nn.TransformerEncoder(layer, layers, norm)</c>.</summary>
public sealed class TransformerEncoder : Layer
{
    private readonly TransformerEncoderLayer[] _layers;
    private readonly Layer? _norm;

    /// <summary>A stack.</summary>
    /// <param name="layer">Makes a layer; called once for each. PyTorch copies one layer instead, so that all begin with the same values.</param>
    /// <param name="layers">How many.</param>
    /// <param name="norm">After the last layer; wanted where the layers' norms stand first.</param>
    public TransformerEncoder(Func<TransformerEncoderLayer> layer, int layers, Layer? norm = null)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentOutOfRangeException.ThrowIfNegative(layers);
        _layers = new TransformerEncoderLayer[layers];
        for (int i = 0; i < layers; i++) { _layers[i] = layer() ?? throw new ArgumentException($"transformer-encoder: the function gave null as layer {i}", nameof(layer)); }
        _norm = norm;
    }

    /// <summary>The layers.</summary>
    public IReadOnlyList<TransformerEncoderLayer> Layers => _layers;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, default(AttentionMask));

    /// <summary>The function, with some rows hidden from others.</summary>
    /// <param name="x">[batch, T, width].</param>
    /// <param name="mask">Which rows a row sees, in every layer.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public Tensor Forward(Tensor x, AttentionMask mask)
    {
        ArgumentNullException.ThrowIfNull(x);
        try
        {
            foreach (var layer in _layers) { x = layer.Forward(x, mask); }
            return _norm?.Forward(x) ?? x;
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>The function of the next rows of sequences, causal; earlier ones are in the cache. The results are those of the whole sequence at once, up to rounding.</summary>
    /// <param name="x">[batch, n, width], batch first: one row to generate, several to begin.</param>
    /// <param name="cache">Made by <see cref="NewCache"/>.</param>
    /// <param name="mask">More keys hidden: its keys, lengths or scores are of all rows so far, the new ones included.</param>
    /// <exception cref="InvalidOperationException">The cache is full, or a gradient is wanted.</exception>
    public Tensor Forward(Tensor x, TransformerCache cache, AttentionMask mask = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(cache);
        var before = cache.Now;
        try
        {
            cache.Check(_layers.Length);
            for (int i = 0; i < _layers.Length; i++) { x = _layers[i].Forward(x, cache.Layers[i], mask); }
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
