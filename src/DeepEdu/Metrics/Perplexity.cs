using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>exp(Σ wᵢ·nllᵢ / Σ wᵢ) over tokens, nll in nats: among how many tokens, equally likely, a model that does so well chooses. NaN before the first token.</summary>
public sealed class Perplexity : IMetric<Perplexity>
{
    private double _sum, _tokens;

    /// <inheritdoc/>
    public double Value => Math.Exp(_sum / _tokens);

    /// <summary>Weight of the tokens seen.</summary>
    public double Tokens => _tokens;

    /// <summary>The mean in bits a token: log₂ of the perplexity.</summary>
    public double BitsPerToken => _sum / _tokens / Math.Log(2);

    /// <summary>Adds the negative log-likelihood of a token, in nats; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A bad weight.</exception>
    public void Add(double negativeLogLikelihood, double weight = 1)
    {
        Check.Weight("perplexity", weight);
        if (weight == 0) { return; }
        _sum += weight * negativeLogLikelihood;
        _tokens += weight;
    }


    /// <inheritdoc/>
    public void Merge(Perplexity other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _sum += other._sum;
        _tokens += other._tokens;
    }

    /// <inheritdoc/>
    public void Reset() => _sum = _tokens = 0;

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("sum", _sum).Set("tokens", _tokens);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        (_sum, _tokens) = (from.Double("sum"), from.Double("tokens"));
    }
}
