namespace DeepEdu.Metrics;

/// <summary>Area under the ROC curve as a rank statistic: the chance that a positive scores above a negative, a tie counting one half
/// (Mann and Whitney 1947). NaN when there is no positive or no negative. Keeps every score, since ranks need them all.</summary>
public sealed class RocAuc
{
    private readonly List<(double Score, bool Positive, double Weight)> _rows = [];

    /// <summary>Number of unmasked examples seen.</summary>
    public int Count => _rows.Count;

    /// <summary>The area in 0..1; NaN when undefined, never 0.5 silently.</summary>
    public double Value
    {
        get
        {
            var rows = _rows.ToArray();
            Array.Sort(rows, static (a, b) => a.Score.CompareTo(b.Score));
            double below = 0, wins = 0, positives = 0;
            for (int start = 0; start < rows.Length;)
            {
                double tiedPositive = 0, tiedNegative = 0;
                int end = start;
                for (; end < rows.Length && rows[end].Score == rows[start].Score; end++)
                {
                    if (rows[end].Positive) { tiedPositive += rows[end].Weight; } else { tiedNegative += rows[end].Weight; }
                }
                wins += tiedPositive * (below + 0.5 * tiedNegative);
                below += tiedNegative;
                positives += tiedPositive;
                start = end;
            }
            return wins / (positives * below);
        }
    }

    /// <summary>Area for scores (any increasing scale) and labels.</summary>
    /// <exception cref="ArgumentException">The lengths differ or a score is NaN.</exception>
    public static double Of(ReadOnlySpan<double> scores, ReadOnlySpan<bool> positive)
    {
        Check.SameLength("roc auc", scores.Length, positive.Length);
        RocAuc auc = new();
        for (int i = 0; i < scores.Length; i++) { auc.Add(scores[i], positive[i]); }
        return auc.Value;
    }

    /// <summary>Adds one example; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentException">The score is NaN.</exception>
    public void Add(double score, bool positive, double weight = 1)
    {
        Check.Weight("roc auc", weight);
        if (weight == 0) { return; }
        if (double.IsNaN(score)) { throw new ArgumentException("roc auc: a score is NaN and cannot be ranked.", nameof(score)); }
        _rows.Add((score, positive, weight));
    }

    /// <summary>Adds what another area saw.</summary>
    public void Merge(RocAuc other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _rows.AddRange(other._rows);
    }
}
