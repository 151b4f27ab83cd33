using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A layer whose weight is learned as length and direction, w = g · v / ‖v‖: Salimans and Kingma 2016, arXiv:1602.07868, eq. 2. There is one length an output: the norm is
/// over all axes but one. "bias", "weight_g" [out, 1, ..] and "weight_v", the shape of the layer's weight. PyTorch's <c>weight_norm(layer)</c>.
/// <code>var layer = new WeightNorm(new Dense(64, 32, rng));</code></summary>
public sealed class WeightNorm : Layer
{
    private readonly Layer _layer;
    private readonly Parameter _g, _v;
    private readonly Parameter? _bias;
    private readonly int[] _axes;

    /// <summary>Takes a layer over: it computes what it did, until it learns.</summary>
    /// <param name="layer">A <see cref="Dense"/>, a convolution or a transposed one.</param>
    /// <param name="axis">The axis whose entries have a length each; 0 are the outputs (of a transposed convolution the inputs, as in PyTorch).</param>
    /// <exception cref="ArgumentException">The layer has no weight of that kind.</exception>
    public WeightNorm(Layer layer, int axis = 0)
    {
        ArgumentNullException.ThrowIfNull(layer);
        if (layer is not IWeighted weighted) { throw new ArgumentException($"weight-norm: {layer.Kind} has no weight to normalise; wrap a Dense or a convolution", nameof(layer)); }
        (_layer, _v, _bias) = (layer, weighted.Weight, weighted.Bias);
        int at = _v.Shape.Axis("weight-norm", axis);
        _axes = [.. Enumerable.Range(0, _v.Rank).Where(a => a != at)];
        var length = Length(_v.Detach());
        _g = new(length.Shape, length.ToArray(), _v.Device);
    }

    /// <summary>The lengths, 1 on every axis but one.</summary>
    public Parameter G => _g;

    /// <summary>The directions, the shape of the layer's weight; their own lengths do not matter.</summary>
    public Parameter V => _v;

    /// <summary>g · v / ‖v‖.</summary>
    public Tensor Weight => _v * (_g / Length(_v));

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return ((IWeighted)_layer).Forward(x, Weight); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_bias).Of(_g, "weight_g").Of(_v, "weight_v");
    }

    private Tensor Length(Tensor v) => v.Norm(2, _axes, keepDims: true);
}
