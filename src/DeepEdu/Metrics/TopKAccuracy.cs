using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Share of examples whose true class is among the K of the highest scores, in 0..1. Ties count against the true class, so that a model gains nothing by equal scores.
/// NaN before the first example.</summary>
public sealed class TopKAccuracy : IMetric<TopKAccuracy>
{
    private readonly WeightedMean _mean = new("right");

    /// <summary>An empty one.</summary>
    /// <param name="k">How many classes may be named.</param>
    public TopKAccuracy(int k = 5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        K = k;
    }

    /// <summary>K.</summary>
    public int K { get; }

    /// <inheritdoc/>
    public double Value => _mean.Value;

    /// <summary>Adds one example: a score for each class, and the true class.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The class has no score, or the weight is bad.</exception>
    public void Add(ReadOnlySpan<float> scores, int target, double weight = 1)
    {
        Check.Label("top-k-accuracy", target, scores.Length);
        Check.Weight("top-k-accuracy", weight);
        int before = -1;
        foreach (float score in scores) { before += score >= scores[target] ? 1 : 0; }
        _mean.Add(before < K && !float.IsNaN(scores[target]) ? 1 : 0, weight);
    }

    /// <summary>Adds a batch: scores [N, C] of N targets.</summary>
    /// <exception cref="ArgumentException">The scores are not so many for each target.</exception>
    public void Add(ReadOnlySpan<float> scores, ReadOnlySpan<int> targets)
    {
        if (targets.Length == 0 ? scores.Length > 0 : scores.Length % targets.Length != 0) { throw new ArgumentException($"top-k-accuracy: {scores.Length} scores do not belong to {targets.Length} targets; pass one score a class and example."); }
        for (int i = 0, classes = scores.Length / Math.Max(1, targets.Length); i < targets.Length; i++) { Add(scores.Slice(i * classes, classes), targets[i]); }
    }

    /// <summary>Adds a batch: scores [N, C], such as logits, of N labels.</summary>
    /// <exception cref="ArgumentException">There is not one label a row.</exception>
    public void Add(Tensor scores, Indices labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        Check.Rows("top-k-accuracy", scores);
        Check.SameLength("top-k-accuracy", scores.Shape[0], labels.Size, "rows", "labels");
        Add(scores.ToArray(), labels.Span);
    }

    /// <inheritdoc/>
    public void Merge(TopKAccuracy other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.K != K) { throw new ArgumentException($"top-k-accuracy: cannot merge the first {other.K} into the first {K}.", nameof(other)); }
        _mean.Merge(other._mean);
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new TopKAccuracy(K);

    /// <inheritdoc/>
    public void Reset() => _mean.Reset();

    /// <inheritdoc/>
    public void SaveState(StateDict to) => _mean.Save(to);

    /// <inheritdoc/>
    public void LoadState(StateDict from) => _mean.Load(from);
}
