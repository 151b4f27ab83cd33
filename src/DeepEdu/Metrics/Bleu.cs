using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>BLEU of a corpus: BP · exp(Σₙ ln pₙ / N), pₙ the share of the candidates' n-grams that stand in a reference (each at most as often as there), BP = min(1, e^(1 − r/c))
/// with c the length of the candidates and r that of the nearest references (Papineni et al. 2002, doi:10.3115/1073083.1073135, section 2.3). In 0..1; 0 if some pₙ is 0, unless
/// smoothed; NaN before the first text.</summary>
public sealed class Bleu : IMetric<Bleu>
{
    private readonly bool _smooth;
    private readonly double[] _matches, _total;
    private double _length, _reference;

    /// <summary>An empty corpus.</summary>
    /// <param name="order">N, the longest n-gram.</param>
    /// <param name="smooth">Adds 1 to matches and totals of n-grams longer than 1 (Lin and Och 2004), for short corpora.</param>
    public Bleu(int order = 4, bool smooth = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(order, 1);
        (_smooth, _matches, _total) = (smooth, new double[order], new double[order]);
    }

    /// <inheritdoc/>
    public double Value
    {
        get
        {
            if (_length == 0) { return _reference == 0 ? double.NaN : 0; }
            double sum = 0;
            for (int n = 0; n < _total.Length; n++) { sum += Math.Log(PrecisionOf(n)); }
            double penalty = _length >= _reference ? 0 : 1 - (_reference / _length);
            return Math.Exp(penalty + (sum / _total.Length));
        }
    }

    /// <summary>pₙ.</summary>
    /// <param name="n">1 or more.</param>
    public double Precision(int n)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(n, _total.Length);
        return PrecisionOf(n - 1);
    }

    /// <summary>Adds a text as tokens, with the texts that would be right; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentException">There is no reference.</exception>
    public void Add(ReadOnlySpan<string> candidate, IReadOnlyList<string[]> references, double weight = 1)
    {
        NullItems.ThrowIfAny(references);
        Check.Weight("bleu", weight);
        if (references.Count == 0) { throw new ArgumentException("bleu: a text needs at least one reference.", nameof(references)); }
        if (weight == 0) { return; }
        int length = candidate.Length;
        _length += weight * length;
        // the nearest in length; of two equally near the shorter
        _reference += weight * references.Select(r => r.Length).OrderBy(n => Math.Abs(n - length)).ThenBy(n => n).First();
        for (int n = 0; n < _total.Length; n++)
        {
            var most = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (string[] reference in references)
            {
                foreach (var (gram, count) in NGrams.Count(reference, n + 1)) { most[gram] = Math.Max(count, most.GetValueOrDefault(gram)); }
            }
            foreach (var (gram, count) in NGrams.Count(candidate, n + 1))
            {
                _matches[n] += weight * Math.Min(count, most.GetValueOrDefault(gram));
                _total[n] += weight * count;
            }
        }
    }

    /// <summary>Adds a text as token numbers.</summary>
    public void Add(ReadOnlySpan<int> candidate, IReadOnlyList<int[]> references, double weight = 1)
    {
        NullItems.ThrowIfAny(references);
        Add(NGrams.Texts(candidate), [.. references.Select(r => NGrams.Texts(r))], weight);
    }

    /// <inheritdoc/>
    public void Merge(Bleu other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other._total.Length != _total.Length || other._smooth != _smooth) { throw new ArgumentException("bleu: cannot merge another order or another smoothing.", nameof(other)); }
        for (int n = 0; n < _total.Length; n++)
        {
            _matches[n] += other._matches[n];
            _total[n] += other._total[n];
        }
        (_length, _reference) = (_length + other._length, _reference + other._reference);
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new Bleu(_total.Length, _smooth);

    /// <inheritdoc/>
    public void Reset()
    {
        Array.Clear(_matches);
        Array.Clear(_total);
        _length = _reference = 0;
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("matches", [.. _matches]).Set("total", [.. _total]).Set("length", _length).Set("reference", _reference);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        double length = from.Double("length"), reference = from.Double("reference");
        Check.Load("bleu", from, ("matches", _matches), ("total", _total));
        (_length, _reference) = (length, reference);
    }

    // texts shorter than n have no n-gram: nothing is right
    private double PrecisionOf(int n) => _smooth && n > 0 ? (_matches[n] + 1) / (_total[n] + 1) : _total[n] == 0 ? 0 : _matches[n] / _total[n];
}
