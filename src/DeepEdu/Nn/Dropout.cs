using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>While learning, leaves values out with probability p and scales the others by 1 / (1 − p); in use, does nothing. Hinton et al. 2012, arXiv:1207.0580.
/// PyTorch's <c>nn.Dropout(p)</c>, Keras' <c>Dropout(p)</c>.</summary>
public sealed class Dropout : Layer
{
    private readonly float _p;
    private readonly Rng _rng;

    /// <summary>A layer with random numbers of its own.</summary>
    /// <param name="p">The probability, in [0, 1].</param>
    /// <param name="rng">One child stream is taken.</param>
    /// <exception cref="ArgumentOutOfRangeException">p is not in [0, 1].</exception>
    public Dropout(float p, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(rng);
        (_p, _rng) = (Noises.Probability("dropout", p), rng.Fork());
    }

    /// <summary>The layer's random numbers; their position belongs into a checkpoint.</summary>
    public Rng Rng => _rng;

    /// <summary>Whether it would do nothing now.</summary>
    internal bool IsIdle => _p == 0 || !Tape.IsTraining;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Dropout(_p, _rng);

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Stream(_rng);
    }
}
