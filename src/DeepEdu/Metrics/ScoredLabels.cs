using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Scores of yes/no examples, kept because ranks need them all.</summary>
internal sealed class ScoredLabels(string metric)
{
    private readonly List<(double Score, bool Positive, double Weight)> _rows = [];

    public int Count => _rows.Count;

    public void Add(Tensor scores, Tensor positive)
    {
        foreach (var (score, yes) in Check.YesNo(metric, scores, positive)) { Add(score, yes, 1); }
    }

    public void Add(double score, bool positive, double weight)
    {
        Check.Weight(metric, weight);
        if (weight == 0) { return; }
        if (double.IsNaN(score)) { throw new ArgumentException($"{metric}: a score is NaN and cannot be ranked.", nameof(score)); }
        _rows.Add((score, positive, weight));
    }

    public void Merge(ScoredLabels other) => _rows.AddRange(other._rows.ToArray());

    public void Clear() => _rows.Clear();

    /// <summary>Groups of equal scores, ascending: the weight of their positives and of their negatives.</summary>
    public IEnumerable<(double Positive, double Negative)> Ascending()
    {
        var rows = _rows.ToArray();
        Array.Sort(rows, static (a, b) => a.Score.CompareTo(b.Score));
        for (int start = 0; start < rows.Length;)
        {
            double positive = 0, negative = 0;
            int end = start;
            for (; end < rows.Length && rows[end].Score == rows[start].Score; end++)
            {
                if (rows[end].Positive) { positive += rows[end].Weight; } else { negative += rows[end].Weight; }
            }
            yield return (positive, negative);
            start = end;
        }
    }

    public void Save(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("scores", [.. _rows.Select(r => r.Score)]).Set("positive", [.. _rows.Select(r => r.Positive ? 1L : 0)]).Set("weights", [.. _rows.Select(r => r.Weight)]);
    }

    public void Load(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        double[] scores = from.Doubles("scores"), weights = from.Doubles("weights");
        long[] positive = from.Longs("positive");
        Check.Columns(metric, scores.Length, positive.Length, weights.Length);
        _rows.Clear();
        for (int i = 0; i < scores.Length; i++) { _rows.Add((scores[i], positive[i] != 0, weights[i])); }
    }
}
