using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Mean negative log-likelihood −Σ wᵢ ln pᵢ(yᵢ) / Σ wᵢ, in nats per example. Probabilities are clipped to [ε, 1−ε], ε = 2⁻⁵².</summary>
public sealed class LogLoss : IMetric<LogLoss>
{
    private const double Epsilon = 2.220446049250313e-16;
    private readonly WeightedMean _mean = new();

    /// <summary>Nats per example; NaN before the first.</summary>
    public double Value => _mean.Value;

    /// <summary>Adds a yes/no example, <paramref name="probability"/> being that of yes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not a probability, or a bad weight.</exception>
    public void Add(double probability, bool positive, double weight = 1)
    {
        Check.Probability("log-loss", probability);
        AddTrueClass(positive ? probability : 1 - probability, weight);
    }

    /// <summary>Adds an example of several classes: the distribution and the true class.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The class is outside the distribution, or its entry is not a probability.</exception>
    public void Add(ReadOnlySpan<float> probabilities, int target, double weight = 1)
    {
        Check.Label("log-loss", target, probabilities.Length);
        Check.Probability("log-loss", probabilities[target]);
        AddTrueClass(probabilities[target], weight);
    }

    /// <summary>Adds a batch of yes/no examples: probabilities of yes, and 1 where yes is true, else 0.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentException">Something is no probability, or an answer neither 0 nor 1.</exception>
    public void Add(Tensor probabilities, Tensor positive)
    {
        foreach (var (p, yes) in Check.YesNo("log-loss", probabilities, positive, probabilities: true)) { Add(p, yes); }
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new LogLoss();

    /// <inheritdoc/>
    public void Reset() => _mean.Reset();

    /// <inheritdoc/>
    public void SaveState(StateDict to) => _mean.Save(to);

    /// <inheritdoc/>
    public void LoadState(StateDict from) => _mean.Load(from);

    /// <summary>Adds what another log loss saw.</summary>
    public void Merge(LogLoss other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _mean.Merge(other._mean);
    }

    private void AddTrueClass(double p, double weight)
    {
        Check.Weight("log-loss", weight);
        _mean.Add(-Math.Log(Math.Clamp(p, Epsilon, 1 - Epsilon)), weight);
    }
}

/// <summary>Brier score Σ wᵢ (pᵢ − yᵢ)² / Σ wᵢ of yes/no forecasts, in 0..1; 0 is perfect, 0.25 is always saying one half (Brier 1950).</summary>
public sealed class BrierScore : IMetric<BrierScore>
{
    private readonly WeightedMean _mean = new();

    /// <summary>Mean squared error of the probability; NaN before the first example.</summary>
    public double Value => _mean.Value;

    /// <summary>Adds one example, <paramref name="probability"/> being that of yes; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not a probability, or a bad weight.</exception>
    public void Add(double probability, bool positive, double weight = 1)
    {
        Check.Probability("brier-score", probability);
        Check.Weight("brier-score", weight);
        double error = probability - (positive ? 1 : 0);
        _mean.Add(error * error, weight);
    }

    /// <summary>Adds a batch: probabilities of yes, and 1 where yes is true, else 0.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentException">Something is no probability, or an answer neither 0 nor 1.</exception>
    public void Add(Tensor probabilities, Tensor positive)
    {
        foreach (var (p, yes) in Check.YesNo("brier-score", probabilities, positive, probabilities: true)) { Add(p, yes); }
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new BrierScore();

    /// <inheritdoc/>
    public void Reset() => _mean.Reset();

    /// <inheritdoc/>
    public void SaveState(StateDict to) => _mean.Save(to);

    /// <inheritdoc/>
    public void LoadState(StateDict from) => _mean.Load(from);

    /// <summary>Adds what another score saw.</summary>
    public void Merge(BrierScore other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _mean.Merge(other._mean);
    }
}
