using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Σ wᵢvᵢ / Σ wᵢ, which several metrics are. NaN when the weights add to nothing.</summary>
/// <param name="sum">The name of Σ wᵢvᵢ in the state.</param>
/// <param name="weights">The name of Σ wᵢ.</param>
internal sealed class WeightedMean(string sum = "sum", string weights = "total")
{
    private double _sum;

    public double Value => _sum / Weight;

    /// <summary>Σ wᵢ.</summary>
    public double Weight { get; private set; }

    public void Add(double value, double weight)
    {
        _sum += weight * value;
        Weight += weight;
    }

    public void Merge(WeightedMean other)
    {
        _sum += other._sum;
        Weight += other.Weight;
    }

    public void Reset() => _sum = Weight = 0;

    public void Save(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set(sum, _sum).Set(weights, Weight);
    }

    public void Load(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        (_sum, Weight) = (from.Double(sum), from.Double(weights));
    }
}
