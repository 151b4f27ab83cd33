using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>A number about predictions that is built up example by example, or batch by batch.</summary>
public interface IMetric : IStateful
{
    /// <summary>The number; NaN while it is undefined. A metric of several numbers says which one this is.</summary>
    double Value { get; }

    /// <summary>Forgets every example.</summary>
    void Reset();
}
