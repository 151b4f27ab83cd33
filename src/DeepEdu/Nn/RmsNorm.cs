using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Each row divided by the root of its mean square, then scaled: Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4. "weight" has the normalised shape.
/// PyTorch's <c>nn.RMSNorm</c>, Keras' <c>RMSNormalization</c>.</summary>
public sealed class RmsNorm : Layer
{
    private readonly Parameter? _weight;
    private readonly Shape _shape;
    private readonly float _eps;

    /// <summary>Normalises the last axis.</summary>
    /// <param name="width">Its size.</param>
    /// <param name="eps">Added to the mean square; the distance from 1 to the next float unless given, as in PyTorch.</param>
    /// <param name="affine">Whether a scale is learned.</param>
    public RmsNorm(int width, float eps = 1.1920929e-7f, bool affine = true) : this([width], eps, affine) { }

    /// <summary>Normalises the last axes together.</summary>
    /// <param name="shape">Their sizes.</param>
    /// <param name="eps">Added to the mean square.</param>
    /// <param name="affine">Whether a scale is learned.</param>
    public RmsNorm(Shape shape, float eps = 1.1920929e-7f, bool affine = true)
    {
        (_shape, _eps) = (shape, eps);
        if (!affine) { return; }
        _weight = new(shape);
        _weight.AsSpan().Fill(1);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.RmsNorm(_shape, _weight, _eps); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight);
    }
}
