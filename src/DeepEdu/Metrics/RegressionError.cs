using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Errors of predicted quantities: mean absolute error, root mean squared error and R², weighted and streaming.</summary>
public sealed class RegressionError : IMetric<RegressionError>
{
    private double _weight;
    private double _absolute;
    private double _squared;
    private double _mean;
    private double _spread;

    /// <summary>Sum of the weights seen.</summary>
    public double Count => _weight;

    /// <summary>Σ wᵢ|ŷᵢ − yᵢ| / Σ wᵢ, in the unit of the target; NaN when empty.</summary>
    public double Mae => _absolute / _weight;

    /// <summary>√(Σ wᵢ(ŷᵢ − yᵢ)² / Σ wᵢ), in the unit of the target; NaN when empty.</summary>
    public double Rmse => Math.Sqrt(_squared / _weight);

    /// <summary>1 − Σ wᵢ(ŷᵢ − yᵢ)² / Σ wᵢ(yᵢ − ȳ)²: 1 is perfect, 0 is as good as the mean; NaN when the targets do not vary.</summary>
    public double R2 => _spread == 0 ? double.NaN : 1 - _squared / _spread;

    /// <summary>Adds one example; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A bad weight.</exception>
    public void Add(double predicted, double target, double weight = 1)
    {
        Check.Weight("regression-error", weight);
        if (weight == 0) { return; }
        double error = predicted - target;
        _absolute += weight * Math.Abs(error);
        _squared += weight * error * error;
        _weight += weight;
        // Welford's update keeps the spread exact where Σy² − nȳ² would cancel.
        double before = target - _mean;
        _mean += weight / _weight * before;
        _spread += weight * before * (target - _mean);
    }

    /// <summary>Adds a batch.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public void Add(ReadOnlySpan<float> predicted, ReadOnlySpan<float> target)
    {
        Check.SameLength("regression-error", predicted.Length, target.Length);
        for (int i = 0; i < predicted.Length; i++) { Add(predicted[i], target[i]); }
    }

    /// <summary>Adds a batch of predictions and targets of one shape.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public void Add(Tensor predicted, Tensor target)
    {
        Check.SameShape("regression-error", predicted, target);
        Add(predicted.ToArray(), target.ToArray());
    }

    /// <summary><see cref="Rmse"/>.</summary>
    public double Value => Rmse;

    /// <inheritdoc/>
    public IMetric Fresh() => new RegressionError();

    /// <inheritdoc/>
    public void Reset() => _weight = _absolute = _squared = _mean = _spread = 0;

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("weight", _weight).Set("absolute", _absolute).Set("squared", _squared).Set("mean", _mean).Set("spread", _spread);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        (_weight, _absolute, _squared) = (from.Double("weight"), from.Double("absolute"), from.Double("squared"));
        (_mean, _spread) = (from.Double("mean"), from.Double("spread"));
    }

    /// <summary>Adds what another error saw (Chan et al. 1979 for the spread).</summary>
    public void Merge(RegressionError other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other._weight == 0) { return; }
        double total = _weight + other._weight, shift = other._mean - _mean;
        _spread += other._spread + shift * shift * _weight * other._weight / total;
        _mean += shift * other._weight / total;
        _absolute += other._absolute;
        _squared += other._squared;
        _weight = total;
    }
}
