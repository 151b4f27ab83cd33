using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>A number about predictions that is built up example by example, or batch by batch. An example of weight 0 is masked: it counts as if it were not there; a whole weight
/// n counts as n equal examples.</summary>
public interface IMetric : IStateful
{
    /// <summary>The number; NaN while it is undefined. A metric of several numbers says which one this is.</summary>
    double Value { get; }

    /// <summary>Forgets every example.</summary>
    void Reset();

    /// <summary>A metric of the same settings that has seen nothing: training in parts counts each part apart.</summary>
    /// <exception cref="NotSupportedException">The metric does not say how one of its kind is made.</exception>
    IMetric Fresh() => throw new NotSupportedException($"metric: {GetType().Name} does not say how one of its kind is made; write public IMetric Fresh()");

    /// <summary>Takes over what a metric of the same kind has seen.</summary>
    internal void Take(IMetric other) => throw new NotSupportedException($"metric: {GetType().Name} cannot take over what others have seen; make it an IMetric<{GetType().Name}>, which has Merge");
}

/// <summary>A metric that can take over what another one has seen: parts of the data may be counted apart, on several threads or machines.</summary>
/// <typeparam name="M">The metric.</typeparam>
public interface IMetric<in M> : IMetric
{
    /// <summary>Adds what <paramref name="other"/> has seen: the result is that of all examples.</summary>
    /// <exception cref="ArgumentException">The other metric was made with other settings.</exception>
    void Merge(M other);

    void IMetric.Take(IMetric other) => Merge((M)other);
}
