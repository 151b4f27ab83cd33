using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

// Noise while learning. The functions, with papers and formulas, are in Ops. Each layer has random numbers of its own, one child stream of those given.

/// <summary>A layer that draws random numbers while learning, and in use does nothing.</summary>
/// <param name="rng">One child stream is taken.</param>
public abstract class NoiseLayer(Rng rng) : Layer
{
    private readonly Rng _rng = (rng ?? throw new ArgumentNullException(nameof(rng))).Fork();

    /// <summary>The layer's random numbers; their position belongs into a checkpoint.</summary>
    public Rng Rng => _rng;

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Stream(_rng);
    }
}

/// <summary>Leaves out whole channels of [N, C, H, W]. PyTorch's <c>nn.Dropout2d(p)</c>, Keras' <c>SpatialDropout2D(p)</c> with channels first.</summary>
/// <param name="p">The probability, in [0, 1].</param>
/// <param name="rng">One child stream is taken.</param>
public sealed class Dropout2d(float p, Rng rng) : NoiseLayer(rng)
{
    private readonly float _p = Noises.Probability("dropout2d", p);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.ChannelDropout(_p, Rng);
}

/// <summary>Leaves out whole channels of [N, C, L]. PyTorch's <c>nn.Dropout1d(p)</c>, Keras' <c>SpatialDropout1D(p)</c> with channels first.</summary>
/// <param name="p">The probability, in [0, 1].</param>
/// <param name="rng">One child stream is taken.</param>
public sealed class Dropout1d(float p, Rng rng) : NoiseLayer(rng)
{
    private readonly float _p = Noises.Probability("dropout1d", p);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.ChannelDropout(_p, Rng);
}

/// <summary>Adds normal noise. Keras' <c>GaussianNoise(std)</c>; in PyTorch <c>x + std * torch.randn_like(x)</c>.</summary>
/// <param name="std">The standard deviation.</param>
/// <param name="rng">One child stream is taken.</param>
public sealed class GaussianNoise(float std, Rng rng) : NoiseLayer(rng)
{
    private readonly float _std = Noises.Deviation(std);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.GaussianNoise(_std, Rng);
}

/// <summary>Multiplies by normal noise of mean 1 and variance p / (1 − p). Keras' <c>GaussianDropout(p)</c>.</summary>
/// <param name="p">The probability of the dropout that it stands for, in [0, 1).</param>
/// <param name="rng">One child stream is taken.</param>
public sealed class GaussianDropout(float p, Rng rng) : NoiseLayer(rng)
{
    private readonly float _p = Noises.Probability("gaussian-dropout", p, below: true);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.GaussianDropout(_p, Rng);
}

/// <summary>Dropout that keeps mean and variance after <see cref="Selu"/>. PyTorch's <c>nn.AlphaDropout(p)</c>, Keras' <c>AlphaDropout(p)</c>.</summary>
/// <param name="p">The probability, in [0, 1].</param>
/// <param name="rng">One child stream is taken.</param>
public sealed class AlphaDropout(float p, Rng rng) : NoiseLayer(rng)
{
    private readonly float _p = Noises.Probability("alpha-dropout", p);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.AlphaDropout(_p, Rng);
}
