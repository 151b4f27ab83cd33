using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Area under the ROC curve as a rank statistic: the chance that a positive scores above a negative, a tie counting one half
/// (Mann and Whitney 1947). NaN when there is no positive or no negative. Keeps every score, since ranks need them all.</summary>
public sealed class RocAuc : IMetric<RocAuc>
{
    private readonly ScoredLabels _rows = new("roc-auc");

    /// <summary>Number of unmasked examples seen.</summary>
    public int Count => _rows.Count;

    /// <summary>The area in 0..1; NaN when undefined, never 0.5 silently.</summary>
    public double Value
    {
        get
        {
            double below = 0, wins = 0, positives = 0;
            foreach (var (positive, negative) in _rows.Ascending())
            {
                wins += positive * (below + (0.5 * negative));
                below += negative;
                positives += positive;
            }
            return wins / (positives * below);
        }
    }

    /// <summary>Area for scores (any increasing scale) and labels.</summary>
    /// <exception cref="ArgumentException">The lengths differ or a score is NaN.</exception>
    public static double Of(ReadOnlySpan<double> scores, ReadOnlySpan<bool> positive)
    {
        Check.SameLength("roc-auc", scores.Length, positive.Length);
        RocAuc auc = new();
        for (int i = 0; i < scores.Length; i++) { auc.Add(scores[i], positive[i]); }
        return auc.Value;
    }

    /// <summary>Adds one example; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentException">The score is NaN.</exception>
    public void Add(double score, bool positive, double weight = 1) => _rows.Add(score, positive, weight);

    /// <summary>Adds a batch: scores on any increasing scale, and 1 for a positive, 0 for a negative.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentException">An answer is neither 0 nor 1, or a score is NaN.</exception>
    public void Add(Tensor scores, Tensor positive) => _rows.Add(scores, positive);

    /// <summary>Adds what another area saw.</summary>
    public void Merge(RocAuc other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _rows.Merge(other._rows);
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new RocAuc();

    /// <inheritdoc/>
    public void Reset() => _rows.Clear();

    /// <inheritdoc/>
    public void SaveState(StateDict to) => _rows.Save(to);

    /// <inheritdoc/>
    public void LoadState(StateDict from) => _rows.Load(from);
}
