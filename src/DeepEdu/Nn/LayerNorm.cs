using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Each row to mean 0 and variance 1, then scaled and shifted: Ba et al. 2016, arXiv:1607.06450. "weight" and "bias" have the normalised shape.
/// PyTorch's <c>nn.LayerNorm</c>, Keras' <c>LayerNormalization</c>.</summary>
public sealed class LayerNorm : Layer
{
    private readonly Parameter? _weight, _bias;
    private readonly Shape _shape;
    private readonly float _eps;

    /// <summary>Normalises the last axis.</summary>
    /// <param name="width">Its size.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="affine">Whether scale and shift are learned.</param>
    public LayerNorm(int width, float eps = 1e-5f, bool affine = true) : this([width], eps, affine) { }

    /// <summary>Normalises the last axes together.</summary>
    /// <param name="shape">Their sizes.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="affine">Whether scale and shift are learned.</param>
    public LayerNorm(Shape shape, float eps = 1e-5f, bool affine = true)
    {
        (_shape, _eps) = (shape, eps);
        if (!affine) { return; }
        (_weight, _bias) = (new(shape), new(shape));
        _weight.AsSpan().Fill(1);
        _bias.AsSpan().Clear();
    }

    /// <summary>Scale and shift as they are, and what is added to the variance; of one that learns them.</summary>
    internal (Parameter Weight, Parameter Bias, float Eps) Affine => (_weight!, _bias!, _eps);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.LayerNorm(_shape, _weight, _bias, _eps); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight).Of(_bias);
    }
}
