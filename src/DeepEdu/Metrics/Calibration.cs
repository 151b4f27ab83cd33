using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>One bin of a reliability diagram.</summary>
/// <param name="Low">Lower edge of the confidence, excluded (except 0).</param>
/// <param name="High">Upper edge of the confidence, included.</param>
/// <param name="Count">Weight of the examples in the bin.</param>
/// <param name="Confidence">Their mean confidence; NaN when empty.</param>
/// <param name="Frequency">The share of them that was right (or positive); NaN when empty.</param>
public readonly record struct ReliabilityBin(double Low, double High, double Count, double Confidence, double Frequency);

/// <summary>Reliability diagram over equal-width bins (k/B, (k+1)/B], and the expected calibration error
/// ECE = Σ_b n_b/n · |frequency_b − confidence_b| (Guo et al. 2017, arXiv:1706.04599, eq. 3), in 0..1.</summary>
public sealed class Calibration : IMetric<Calibration>
{
    private readonly double[] _count;
    private readonly double[] _confidence;
    private readonly double[] _hits;

    /// <summary>An empty diagram.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one bin.</exception>
    public Calibration(int bins = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        _count = new double[bins];
        _confidence = new double[bins];
        _hits = new double[bins];
    }

    /// <summary>The expected calibration error in 0..1; NaN before the first example.</summary>
    public double Value
    {
        get
        {
            double sum = 0, total = 0;
            for (int b = 0; b < _count.Length; b++)
            {
                sum += Math.Abs(_hits[b] - _confidence[b]);
                total += _count[b];
            }
            return sum / total;
        }
    }

    /// <summary>The bins from low to high confidence.</summary>
    public ReliabilityBin[] Bins
    {
        get
        {
            var bins = new ReliabilityBin[_count.Length];
            for (int b = 0; b < bins.Length; b++)
            {
                bins[b] = new(Edge(b), Edge(b + 1), _count[b], _confidence[b] / _count[b], _hits[b] / _count[b]);
            }
            return bins;
        }
    }

    /// <summary>Adds one example: the stated confidence and whether it was right. For yes/no forecasts pass the probability of yes and whether
    /// it was yes; for classes pass the top probability and whether the top class was true. A weight of 0 masks it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not a probability, or a bad weight.</exception>
    public void Add(double confidence, bool hit, double weight = 1)
    {
        Check.Probability("calibration", confidence);
        Check.Weight("calibration", weight);
        int bin = Math.Clamp((int)Math.Ceiling(confidence * _count.Length) - 1, 0, _count.Length - 1);
        if (bin > 0 && confidence <= Edge(bin)) { bin--; }
        _count[bin] += weight;
        _confidence[bin] += weight * confidence;
        if (hit) { _hits[bin] += weight; }
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new Calibration(_count.Length);

    /// <inheritdoc/>
    public void Reset()
    {
        Array.Clear(_count);
        Array.Clear(_confidence);
        Array.Clear(_hits);
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("count", [.. _count]).Set("confidence", [.. _confidence]).Set("hits", [.. _hits]);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        Check.Load("calibration", from, ("count", _count), ("confidence", _confidence), ("hits", _hits));
    }

    /// <summary>Adds what another diagram saw.</summary>
    /// <exception cref="ArgumentException">The numbers of bins differ.</exception>
    public void Merge(Calibration other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other._count.Length != _count.Length)
        {
            throw new ArgumentException($"calibration: cannot merge {other._count.Length} bins into {_count.Length}.", nameof(other));
        }
        for (int b = 0; b < _count.Length; b++)
        {
            _count[b] += other._count[b];
            _confidence[b] += other._confidence[b];
            _hits[b] += other._hits[b];
        }
    }

    private double Edge(int b) => b / (double)_count.Length;
}
