using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>How a recommender uses its catalogue: coverage, the Gini index of how often items are recommended, and novelty. Each recommended list is added with a weight.</summary>
public sealed class CatalogueUse : IMetric<CatalogueUse>
{
    private readonly double[] _shown, _information;
    private double _novelty, _entries;

    /// <summary>Nothing recommended yet.</summary>
    /// <param name="popularity">How often each item of the catalogue was taken by those who are learned from, one entry an item.</param>
    /// <param name="users">Of how many users; an item that nobody took counts as if half a user had, so that its novelty is finite.</param>
    /// <exception cref="ArgumentOutOfRangeException">No item, no user, or a negative count.</exception>
    public CatalogueUse(ReadOnlySpan<int> popularity, int users)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(popularity.Length, 1, nameof(popularity));
        ArgumentOutOfRangeException.ThrowIfLessThan(users, 1);
        (_shown, _information) = (new double[popularity.Length], new double[popularity.Length]);
        for (int i = 0; i < popularity.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(popularity[i], nameof(popularity));
            _information[i] = -Math.Log2(Math.Max(0.5, popularity[i]) / users);
        }
    }

    private CatalogueUse(double[] information) => (_shown, _information) = (new double[information.Length], information);

    /// <summary><see cref="Coverage"/>.</summary>
    public double Value => Coverage;

    /// <summary>Share of the items that were recommended to anyone; NaN before the first list.</summary>
    public double Coverage => _entries == 0 ? double.NaN : _shown.Count(n => n > 0) / (double)_shown.Length;

    /// <summary>Σᵢ (2i − n − 1)·xᵢ / (n Σ x) with the numbers xᵢ of recommendations in ascending order: 0 when all items are recommended equally often, near 1 when one takes all.</summary>
    public double Gini
    {
        get
        {
            double[] sorted = [.. _shown];
            Array.Sort(sorted);
            double sum = 0;
            for (int i = 0; i < sorted.Length; i++) { sum += ((2 * i) + 1 - sorted.Length) * sorted[i]; }
            return sum / (sorted.Length * _entries);
        }
    }

    /// <summary>Mean of −log₂(popularity / users) over recommended entries, in bits: how surprising they are (Zhou et al. 2010, doi:10.1073/pnas.1000488107).</summary>
    public double Novelty => _novelty / _entries;

    /// <summary>Adds the items recommended to one user; a weight of 0 masks the list.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An item is outside the catalogue, or the weight is bad.</exception>
    public void Add(ReadOnlySpan<int> items, double weight = 1)
    {
        Check.Weight("catalogue-use", weight);
        foreach (int item in items) { Check.Label("catalogue-use", item, _shown.Length); }
        foreach (int item in items)
        {
            _shown[item] += weight;
            _novelty += weight * _information[item];
            _entries += weight;
        }
    }

    /// <inheritdoc/>
    public void Merge(CatalogueUse other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (!other._information.AsSpan().SequenceEqual(_information)) { throw new ArgumentException("catalogue-use: cannot merge another catalogue.", nameof(other)); }
        for (int i = 0; i < _shown.Length; i++) { _shown[i] += other._shown[i]; }
        (_novelty, _entries) = (_novelty + other._novelty, _entries + other._entries);
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new CatalogueUse(_information);

    /// <inheritdoc/>
    public void Reset()
    {
        Array.Clear(_shown);
        _novelty = _entries = 0;
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("shown", [.. _shown]).Set("novelty", _novelty).Set("entries", _entries);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        double novelty = from.Double("novelty"), entries = from.Double("entries");
        Check.Load("catalogue-use", from, ("shown", _shown));
        (_novelty, _entries) = (novelty, entries);
    }
}
