using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>distinct-n: different n-grams as a share of all n-grams of the texts, how varied they are (Li et al. 2016, arXiv:1510.03055, section 5.2). In 0..1; NaN when there is no
/// n-gram. Keeps every different n-gram.</summary>
public sealed class DistinctNGrams : IMetric<DistinctNGrams>
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly int _n;
    private long _total;

    /// <summary>No text yet.</summary>
    /// <param name="n">Tokens of an n-gram.</param>
    public DistinctNGrams(int n)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        _n = n;
    }

    /// <inheritdoc/>
    public double Value => _total == 0 ? double.NaN : _seen.Count / (double)_total;

    /// <summary>Adds a text as tokens, unless it is masked.</summary>
    public void Add(ReadOnlySpan<string> tokens, bool masked = false)
    {
        if (masked) { return; }
        foreach (var (gram, count) in NGrams.Count(tokens, _n))
        {
            _seen.Add(gram);
            _total += count;
        }
    }

    /// <summary>Adds a text as token numbers, unless it is masked.</summary>
    public void Add(ReadOnlySpan<int> tokens, bool masked = false) => Add(NGrams.Texts(tokens), masked);

    /// <inheritdoc/>
    public void Merge(DistinctNGrams other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other._n != _n) { throw new ArgumentException($"distinct-n-grams: cannot merge {other._n}-grams into {_n}-grams.", nameof(other)); }
        _seen.UnionWith(other._seen);
        _total += other._total;
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new DistinctNGrams(_n);

    /// <inheritdoc/>
    public void Reset()
    {
        _seen.Clear();
        _total = 0;
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("seen", [.. _seen]).Set("total", _total);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        string[] seen = from.Texts("seen");
        long total = from.Long("total");
        _seen.Clear();
        _seen.UnionWith(seen);
        _total = total;
    }
}
