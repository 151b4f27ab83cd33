using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>How much of given answers and right answers is the same, mean over answers: exact match, F1 of tokens (Rajpurkar et al. 2016, arXiv:1606.05250, section 6.1) and ROUGE-L
/// (Lin 2004, section 3). Of several right answers the best fitting one counts, for each number on its own. Tokens are compared as they are: make them small letters first if their
/// case shall not count.</summary>
public sealed class TextOverlap : IMetric<TextOverlap>
{
    private readonly double _beta;
    private double _exact, _f1, _rouge, _weight;

    /// <summary>Nothing seen yet.</summary>
    /// <param name="beta">How much more recall counts than precision in ROUGE-L.</param>
    public TextOverlap(double beta = 1)
    {
        if (!(beta > 0)) { throw new ArgumentOutOfRangeException(nameof(beta), $"text-overlap: beta {beta} must be above 0"); }
        _beta = beta;
    }

    /// <summary><see cref="TokenF1"/>.</summary>
    public double Value => TokenF1;

    /// <summary>Share of answers that are a right answer, token by token; NaN when empty, as all of these.</summary>
    public double ExactMatch => _exact / _weight;

    /// <summary>Mean of 2·common / (tokens given + tokens right), tokens counted as often as they stand in both; two empty answers count 1.</summary>
    public double TokenF1 => _f1 / _weight;

    /// <summary>Mean of (1 + β²)PR / (R + β²P) with P and R the longest common subsequence as a share of the given and of the right answer.</summary>
    public double RougeL => _rouge / _weight;

    /// <summary>Adds an answer with the right ones; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentException">There is no right answer.</exception>
    public void Add(ReadOnlySpan<string> given, IReadOnlyList<string[]> right, double weight = 1)
    {
        NullItems.ThrowIfAny(right);
        Check.Weight("text-overlap", weight);
        if (right.Count == 0) { throw new ArgumentException("text-overlap: an answer needs at least one right answer.", nameof(right)); }
        double exact = 0, f1 = 0, rouge = 0;
        foreach (string[] answer in right)
        {
            exact = Math.Max(exact, given.SequenceEqual(answer) ? 1 : 0);
            f1 = Math.Max(f1, F1(given, answer));
            rouge = Math.Max(rouge, Rouge(given, answer));
        }
        _exact += weight * exact;
        _f1 += weight * f1;
        _rouge += weight * rouge;
        _weight += weight;
    }

    /// <summary>Adds an answer as token numbers.</summary>
    public void Add(ReadOnlySpan<int> given, IReadOnlyList<int[]> right, double weight = 1)
    {
        NullItems.ThrowIfAny(right);
        Add(NGrams.Texts(given), [.. right.Select(r => NGrams.Texts(r))], weight);
    }

    /// <inheritdoc/>
    public void Merge(TextOverlap other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other._beta != _beta) { throw new ArgumentException($"text-overlap: cannot merge beta {other._beta} into {_beta}.", nameof(other)); }
        (_exact, _f1, _rouge, _weight) = (_exact + other._exact, _f1 + other._f1, _rouge + other._rouge, _weight + other._weight);
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new TextOverlap(_beta);

    /// <inheritdoc/>
    public void Reset() => _exact = _f1 = _rouge = _weight = 0;

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("exact", _exact).Set("f1", _f1).Set("rouge", _rouge).Set("weight", _weight);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        (_exact, _f1, _rouge, _weight) = (from.Double("exact"), from.Double("f1"), from.Double("rouge"), from.Double("weight"));
    }

    private static double F1(ReadOnlySpan<string> given, string[] right)
    {
        if (given.Length + right.Length == 0) { return 1; }
        var there = NGrams.Count(right, 1);
        int common = 0;
        foreach (var (token, count) in NGrams.Count(given, 1)) { common += Math.Min(count, there.GetValueOrDefault(token)); }
        return 2.0 * common / (given.Length + right.Length);
    }

    private double Rouge(ReadOnlySpan<string> given, string[] right)
    {
        double common = CommonSubsequence(given, right);
        if (common == 0) { return given.Length + right.Length == 0 ? 1 : 0; }
        double precision = common / given.Length, recall = common / right.Length, square = _beta * _beta;
        return (1 + square) * precision * recall / (recall + (square * precision));
    }

    // one row of the table of Wagner and Fischer 1974
    private static int CommonSubsequence(ReadOnlySpan<string> a, string[] b)
    {
        int[] row = new int[b.Length + 1];
        foreach (string token in a)
        {
            int diagonal = 0;
            for (int j = 1; j < row.Length; j++)
            {
                int above = row[j];
                row[j] = token == b[j - 1] ? diagonal + 1 : Math.Max(above, row[j - 1]);
                diagonal = above;
            }
        }
        return row[^1];
    }
}
