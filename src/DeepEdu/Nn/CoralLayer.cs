using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>x·w + b_k: one score for all thresholds, and a bias for each, so that P(y > k) falls with k as soon as the biases do. x [.., size] → [.., grades − 1]; "weight" [1, size],
/// "bias" [grades − 1]. For <see cref="Ordinal.Coral"/>: Cao, Mirjalili and Raschka 2020, arXiv:1901.07884, §3.2.</summary>
public sealed class CoralLayer : Layer
{
    private readonly Parameter _weight, _bias;

    /// <summary>A layer with the weight as PyTorch's <c>nn.Linear(size, 1)</c> and biases that fall from 1 to 0.</summary>
    /// <param name="size">Numbers that come in.</param>
    /// <param name="grades">K, at least 2.</param>
    /// <param name="rng">Where the initial weight comes from; one child stream is taken.</param>
    public CoralLayer(int size, int grades, Rng rng)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentOutOfRangeException.ThrowIfLessThan(grades, 2);
        ArgumentNullException.ThrowIfNull(rng);
        (_weight, _bias) = (new([1, size]), new([grades - 1]));
        Init.Uniform(-1 / MathF.Sqrt(size), 1 / MathF.Sqrt(size))(_weight, rng.Fork());
        for (int k = 0; k < grades - 1; k++) { _bias.AsSpan()[k] = (grades - 1f - k) / (grades - 1); }
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        try
        {
            return x.Linear(_weight) + _bias;
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight).Of(_bias);
    }
}
