using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>exp(Σ wᵢ·nllᵢ / Σ wᵢ) over tokens, nll in nats: among how many tokens, equally likely, a model that does so well chooses. NaN before the first token.</summary>
public sealed class Perplexity : IMetric<Perplexity>
{
    private readonly WeightedMean _mean = new(weights: "tokens");

    /// <inheritdoc/>
    public double Value => Math.Exp(_mean.Value);

    /// <summary>Weight of the tokens seen.</summary>
    public double Tokens => _mean.Weight;

    /// <summary>The mean in bits a token: log₂ of the perplexity.</summary>
    public double BitsPerToken => _mean.Value / Math.Log(2);

    /// <summary>Adds the negative log-likelihood of a token, in nats; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A bad weight.</exception>
    public void Add(double negativeLogLikelihood, double weight = 1)
    {
        Check.Weight("perplexity", weight);
        if (weight > 0) { _mean.Add(negativeLogLikelihood, weight); }
    }

    /// <inheritdoc/>
    public void Merge(Perplexity other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _mean.Merge(other._mean);
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new Perplexity();

    /// <inheritdoc/>
    public void Reset() => _mean.Reset();

    /// <inheritdoc/>
    public void SaveState(StateDict to) => _mean.Save(to);

    /// <inheritdoc/>
    public void LoadState(StateDict from) => _mean.Load(from);
}
