using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>How much a disagreement of |i − j| grades costs.</summary>
public enum KappaWeights
{
    /// <summary>|i − j| / (K − 1).</summary>
    Linear,

    /// <summary>(i − j)² / (K − 1)².</summary>
    Quadratic,
}

/// <summary>Cohen's weighted kappa κ = 1 − Σ wᵢⱼOᵢⱼ / Σ wᵢⱼEᵢⱼ of two raters on whole grades, O the observed table and E that of independent raters with
/// the same marginals (Cohen 1968). K is the number of grades in the fixed range, not in the sample. 1 is full agreement, 0 is chance.</summary>
public sealed class WeightedKappa : IMetric<WeightedKappa>
{
    private readonly int _min;
    private readonly int _max;
    private readonly KappaWeights _weights;
    private readonly ConfusionMatrix _observed;

    /// <summary>An empty table over the grades <paramref name="min"/>..<paramref name="max"/>, both included.</summary>
    /// <exception cref="ArgumentException">Fewer than two grades.</exception>
    public WeightedKappa(int min, int max, KappaWeights weights = KappaWeights.Quadratic)
    {
        if (max <= min) { throw new ArgumentException($"weighted-kappa: the range {min}..{max} needs at least two grades."); }
        _min = min;
        _max = max;
        _weights = weights;
        _observed = new ConfusionMatrix(max - min + 1);
    }

    /// <summary>The table of counts, grade <c>min</c> being class 0.</summary>
    public ConfusionMatrix Table => _observed;

    /// <summary>κ; NaN when empty or when both raters give one and the same grade only.</summary>
    public double Value
    {
        get
        {
            int grades = _observed.Classes;
            double[] given = new double[grades], predicted = new double[grades];
            for (int k = 0; k < grades; k++)
            {
                given[k] = _observed.Support(k);
                predicted[k] = _observed.Predicted(k);
            }
            double seen = 0, chance = 0, total = _observed.Total;
            for (int i = 0; i < grades; i++)
            {
                for (int j = 0; j < grades; j++)
                {
                    double step = Math.Abs(i - j) / (grades - 1.0), cost = _weights == KappaWeights.Linear ? step : step * step;
                    seen += cost * _observed[i, j];
                    chance += cost * given[i] * predicted[j] / total;
                }
            }
            return chance == 0 ? double.NaN : 1 - seen / chance;
        }
    }

    /// <summary>κ of two series of grades.</summary>
    /// <exception cref="ArgumentException">The lengths differ or a grade is outside the range.</exception>
    public static double Of(ReadOnlySpan<int> predicted, ReadOnlySpan<int> target, int min, int max, KappaWeights weights = KappaWeights.Quadratic)
    {
        Check.SameLength("weighted-kappa", predicted.Length, target.Length);
        WeightedKappa kappa = new(min, max, weights);
        for (int i = 0; i < predicted.Length; i++) { kappa.Add(predicted[i], target[i]); }
        return kappa.Value;
    }

    /// <summary>The whole grade nearest to a prediction on the scale of the grades: halves go to the even grade, and the ends of the range hold.</summary>
    /// <exception cref="ArgumentException">The prediction is NaN.</exception>
    public static int Round(double score, int min, int max) => !double.IsNaN(score) ? (int)Math.Clamp(Math.Round(score, MidpointRounding.ToEven), min, max)
        : throw new ArgumentException("weighted-kappa: a score is NaN and no grade is near it; look at the model that gave it: it has diverged", nameof(score));

    /// <summary>Adds one pair of grades; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A grade is outside the range.</exception>
    public void Add(int predicted, int target, double weight = 1)
    {
        if (predicted < _min || predicted > _max || target < _min || target > _max)
        {
            throw new ArgumentOutOfRangeException(nameof(predicted), $"weighted-kappa: grades {predicted} and {target} must lie in {_min}..{_max}; round and clamp predictions first.");
        }
        _observed.Add(predicted - _min, target - _min, weight);
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new WeightedKappa(_min, _max, _weights);

    /// <inheritdoc/>
    public void Reset() => _observed.Reset();

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        _observed.SaveState(to);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        _observed.LoadState(from);
    }

    /// <summary>Adds what another kappa saw.</summary>
    /// <exception cref="ArgumentException">The ranges differ.</exception>
    public void Merge(WeightedKappa other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other._min != _min || other._max != _max)
        {
            throw new ArgumentException($"weighted-kappa: cannot merge the range {other._min}..{other._max} into {_min}..{_max}.", nameof(other));
        }
        _observed.Merge(other._observed);
    }
}
