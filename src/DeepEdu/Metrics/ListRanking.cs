using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Ranking of a list of candidates of which any number are relevant, mean over lists (users, queries). Candidates are ordered by score, the highest first; of equal scores the
/// less relevant stands first, so that a model gains nothing by equal scores. Lists without a relevant candidate are left out, and counted. For one held-out item among sampled ones
/// see <see cref="LeaveOneOutRanking"/>.</summary>
public sealed class ListRanking : IMetric<ListRanking>
{
    private double _hits, _recall, _precision, _average, _reciprocal, _gain, _weight, _empty;

    /// <summary>An empty ranking with cut-off <paramref name="k"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A cut-off below 1.</exception>
    public ListRanking(int k = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        K = k;
    }

    /// <summary>The cut-off K.</summary>
    public int K { get; }

    /// <summary><see cref="Ndcg"/>.</summary>
    public double Value => Ndcg;

    /// <summary>Weight of the lists that count.</summary>
    public double Count => _weight;

    /// <summary>Weight of the lists that were left out, since nothing in them is relevant.</summary>
    public double Empty => _empty;

    /// <summary>HR@K: share of lists with a relevant candidate among the first K; NaN when empty, as all of these.</summary>
    public double HitRate => _hits / _weight;

    /// <summary>Recall@K: relevant candidates among the first K, as a share of all relevant ones.</summary>
    public double Recall => _recall / _weight;

    /// <summary>Precision@K: relevant candidates among the first K, as a share of K.</summary>
    public double Precision => _precision / _weight;

    /// <summary>MAP@K: the mean of Σ_{i≤K} relᵢ·precision@i / min(K, R) with R relevant candidates.</summary>
    public double Map => _average / _weight;

    /// <summary>MRR: the mean of 1 / (rank of the first relevant candidate, from 1), without cut-off.</summary>
    public double Mrr => _reciprocal / _weight;

    /// <summary>NDCG@K: Σ_{i≤K} relᵢ / log₂(i + 1) over that of the best order (Järvelin and Kekäläinen 2002). The relevance itself is the gain.</summary>
    public double Ndcg => _gain / _weight;

    /// <summary>Adds a list: a score and a relevance for each candidate. Relevant is what is above 0; how much matters for NDCG only. A weight of 0 masks the list.</summary>
    /// <exception cref="ArgumentException">The lengths differ, or a score is NaN.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A relevance is negative or not finite, or the weight is bad.</exception>
    public void Add(ReadOnlySpan<float> scores, ReadOnlySpan<float> relevance, double weight = 1)
    {
        Check.SameLength("list-ranking", scores.Length, relevance.Length);
        Check.Weight("list-ranking", weight);
        if (weight == 0) { return; }
        var list = new (float Score, float Relevance)[scores.Length];
        int relevant = 0;
        for (int i = 0; i < list.Length; i++)
        {
            if (float.IsNaN(scores[i])) { throw new ArgumentException("list-ranking: a score is NaN and cannot be ranked.", nameof(scores)); }
            if (!(relevance[i] >= 0) || float.IsInfinity(relevance[i])) { throw new ArgumentOutOfRangeException(nameof(relevance), $"list-ranking: relevance {relevance[i]} must be finite and not negative."); }
            list[i] = (scores[i], relevance[i]);
            relevant += relevance[i] > 0 ? 1 : 0;
        }
        if (relevant == 0)
        {
            _empty += weight;
            return;
        }
        Array.Sort(list, static (a, b) => a.Score != b.Score ? b.Score.CompareTo(a.Score) : a.Relevance.CompareTo(b.Relevance));
        double found = 0, average = 0, gain = 0, first = 0;
        for (int i = 0; i < list.Length; i++)
        {
            if (list[i].Relevance == 0) { continue; }
            if (first == 0) { first = i + 1; }
            if (i >= K) { break; }
            found++;
            average += found / (i + 1);
            gain += list[i].Relevance / Math.Log2(i + 2);
        }
        Array.Sort(list, static (a, b) => b.Relevance.CompareTo(a.Relevance));
        double best = 0;
        for (int i = 0; i < Math.Min(K, list.Length); i++) { best += list[i].Relevance / Math.Log2(i + 2); }
        _hits += found > 0 ? weight : 0;
        _recall += weight * found / relevant;
        _precision += weight * found / K;
        _average += weight * average / Math.Min(K, relevant);
        _reciprocal += weight / first;
        _gain += weight * gain / best;
        _weight += weight;
    }

    /// <inheritdoc/>
    public void Merge(ListRanking other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.K != K) { throw new ArgumentException($"list-ranking: cannot merge cut-off {other.K} into {K}.", nameof(other)); }
        (_hits, _recall, _precision, _average) = (_hits + other._hits, _recall + other._recall, _precision + other._precision, _average + other._average);
        (_reciprocal, _gain, _weight, _empty) = (_reciprocal + other._reciprocal, _gain + other._gain, _weight + other._weight, _empty + other._empty);
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new ListRanking(K);

    /// <inheritdoc/>
    public void Reset() => Sums = new double[8];

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("sums", Sums);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        double[] sums = new double[8];
        Check.Load("list-ranking", from, ("sums", sums));
        Sums = sums;
    }

    private double[] Sums
    {
        get => [_hits, _recall, _precision, _average, _reciprocal, _gain, _weight, _empty];
        set => (_hits, _recall, _precision, _average, _reciprocal, _gain, _weight, _empty) = (value[0], value[1], value[2], value[3], value[4], value[5], value[6], value[7]);
    }
}
