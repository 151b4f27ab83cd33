using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Area under the precision-recall curve, as average precision Σₙ (Rₙ − Rₙ₋₁)·Pₙ over the thresholds from high to low; examples of equal score pass a threshold together.
/// A straight line between the points would flatter (Davis and Goadrich 2006). NaN when there is no positive. Keeps every score. scikit-learn's <c>average_precision_score</c>.</summary>
public sealed class PrAuc : IMetric<PrAuc>
{
    private readonly ScoredLabels _rows = new("pr-auc");

    /// <summary>Number of unmasked examples seen.</summary>
    public int Count => _rows.Count;

    /// <summary>The area in 0..1; by chance it is the share of positives.</summary>
    public double Value
    {
        get
        {
            double area = 0, hits = 0, called = 0;
            foreach (var (positive, negative) in _rows.Ascending().Reverse())
            {
                hits += positive;
                called += positive + negative;
                area += positive * hits / called;
            }
            return area / hits;
        }
    }

    /// <summary>Adds one example; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentException">The score is NaN.</exception>
    public void Add(double score, bool positive, double weight = 1) => _rows.Add(score, positive, weight);

    /// <summary>Adds a batch: scores on any increasing scale, and 1 for a positive, 0 for a negative.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentException">An answer is neither 0 nor 1, or a score is NaN.</exception>
    public void Add(Tensor scores, Tensor positive) => _rows.Add(scores, positive);

    /// <inheritdoc/>
    public void Merge(PrAuc other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _rows.Merge(other._rows);
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new PrAuc();

    /// <inheritdoc/>
    public void Reset() => _rows.Clear();

    /// <inheritdoc/>
    public void SaveState(StateDict to) => _rows.Save(to);

    /// <inheritdoc/>
    public void LoadState(StateDict from) => _rows.Load(from);
}
