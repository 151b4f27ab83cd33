using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Channels in groups, each group and all its positions of one sample to mean 0 and variance 1, then each channel scaled and shifted: Wu and He 2018, arXiv:1803.08494. x is [N, C, ..];
/// "weight" and "bias" [C]. PyTorch's <c>nn.GroupNorm(groups, C)</c>, Keras' <c>GroupNormalization(groups)</c>.</summary>
public sealed class GroupNorm : Layer
{
    private readonly Parameter? _weight, _bias;
    private readonly int _groups;
    private readonly float _eps;

    /// <summary>A layer with scale 1 and shift 0.</summary>
    /// <param name="groups">How many groups; 1 normalises all channels together.</param>
    /// <param name="channels">C, a multiple of the groups.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="affine">Whether scale and shift are learned.</param>
    /// <exception cref="ArgumentException">The groups do not divide the channels.</exception>
    public GroupNorm(int groups, int channels, float eps = 1e-5f, bool affine = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(groups);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        if (channels % groups != 0) { throw new ArgumentException($"group-norm: {groups} groups do not divide {channels} channels", nameof(groups)); }
        (_groups, _eps) = (groups, eps);
        if (!affine) { return; }
        (_weight, _bias) = (new([channels]), new([channels]));
        _weight.AsSpan().Fill(1);
        _bias.AsSpan().Clear();
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.GroupNorm(_groups, _weight, _bias, _eps); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight).Of(_bias);
    }
}
