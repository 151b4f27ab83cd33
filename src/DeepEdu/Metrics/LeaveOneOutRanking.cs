using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>What a tie between the held-out item and other candidates means.</summary>
public enum Ties
{
    /// <summary>Every tied candidate stands before the item: a model gains nothing by giving equal scores.</summary>
    Against,

    /// <summary>The expected value under a random order of the tied candidates; fair to scorers with few levels, such as popularity counts.</summary>
    Expected,
}

/// <summary>Ranking of one held-out item among sampled candidates, mean over users (He et al. 2017, arXiv:1708.05031, section 4.1). With the rank from 0:
/// HR@K = [rank &lt; K], NDCG@K = ln 2 / ln(rank + 2) if rank &lt; K else 0, MRR = 1 / (rank + 1). All lie in 0..1. By default ties count against the item,
/// so that a constant scorer gets 0 and not 1.</summary>
/// <remarks>Numbers on sampled candidates are not comparable with rankings of the whole catalogue (Krichene and Rendle 2020).</remarks>
public sealed class LeaveOneOutRanking : IMetric<LeaveOneOutRanking>
{
    private readonly Ties _ties;
    private double _hits;
    private double _gain;
    private double _reciprocal;
    private double _weight;

    /// <summary>An empty ranking with cut-off <paramref name="k"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A cut-off below 1.</exception>
    public LeaveOneOutRanking(int k = 10, Ties ties = Ties.Against)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        K = k;
        _ties = ties;
    }

    /// <summary>The cut-off K.</summary>
    public int K { get; }

    /// <summary>Sum of the weights of the users seen.</summary>
    public double Count => _weight;

    /// <summary>Share of users whose item is among the first K; NaN when empty.</summary>
    public double HitRate => _hits / _weight;

    /// <summary>Mean of ln 2 / ln(rank + 2) within the first K; NaN when empty.</summary>
    public double Ndcg => _gain / _weight;

    /// <summary>Mean of 1 / (rank + 1), without cut-off; NaN when empty.</summary>
    public double Mrr => _reciprocal / _weight;

    /// <summary>Rank from 0 of the item when every tie counts against it: the number of candidates that score at least as high. A NaN score of
    /// the item ranks last.</summary>
    public static int Rank(float item, ReadOnlySpan<float> others)
    {
        var (above, tied) = Compare(item, others);
        return above + tied;
    }

    /// <summary>Adds a user: the held-out item's score and those of the other candidates (without the item itself).</summary>
    public void Add(float item, ReadOnlySpan<float> others, double weight = 1)
    {
        Check.Weight("leave-one-out-ranking", weight);
        if (weight == 0) { return; }
        var (above, tied) = Compare(item, others);
        int first = _ties == Ties.Against ? above + tied : above, last = above + tied;
        double share = weight / (last - first + 1);
        for (int rank = first; rank <= last; rank++)
        {
            _reciprocal += share / (rank + 1);
            if (rank >= K) { continue; }
            _hits += share;
            _gain += share * Math.Log(2) / Math.Log(rank + 2);
        }
        _weight += weight;
    }

    /// <summary><see cref="Ndcg"/>.</summary>
    public double Value => Ndcg;

    /// <inheritdoc/>
    public IMetric Fresh() => new LeaveOneOutRanking(K, _ties);

    /// <inheritdoc/>
    public void Reset() => _hits = _gain = _reciprocal = _weight = 0;

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("hits", _hits).Set("gain", _gain).Set("reciprocal", _reciprocal).Set("weight", _weight);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        (_hits, _gain, _reciprocal, _weight) = (from.Double("hits"), from.Double("gain"), from.Double("reciprocal"), from.Double("weight"));
    }

    /// <summary>Adds what another ranking saw.</summary>
    /// <exception cref="ArgumentException">The cut-offs or the rules for ties differ.</exception>
    public void Merge(LeaveOneOutRanking other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.K != K || other._ties != _ties) { throw new ArgumentException("leave-one-out-ranking: cannot merge another cut-off or another rule for ties.", nameof(other)); }
        _hits += other._hits;
        _gain += other._gain;
        _reciprocal += other._reciprocal;
        _weight += other._weight;
    }

    private static (int Above, int Tied) Compare(float item, ReadOnlySpan<float> others)
    {
        int above = 0, tied = 0;
        foreach (float other in others)
        {
            if (other > item || float.IsNaN(item)) { above++; } else if (other == item) { tied++; }
        }
        return (above, tied);
    }
}
