using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>x above 0, weight · x below, with a learned slope: He et al. 2015, arXiv:1502.01852, eq. 1. "weight" [1] or [C]. PyTorch's <c>nn.PReLU</c>; Keras' <c>PReLU</c> with
/// <c>shared_axes</c> for all axes but the channels'.</summary>
public sealed class Prelu : Layer
{
    private readonly Parameter _weight;

    /// <summary>A layer whose slopes are all the same at first.</summary>
    /// <param name="channels">1 for one slope, or C for one a channel, axis 1 of x.</param>
    /// <param name="slope">The slopes' initial value.</param>
    public Prelu(int channels = 1, float slope = 0.25f)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        _weight = new([channels]);
        _weight.AsSpan().Fill(slope);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.Prelu(_weight); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight);
    }
}
