using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>How two series go together: Pearson's r, Spearman's ρ and Kendall's τ-b, in −1..1; NaN when one of them does not vary or there are fewer than two values. Keeps every pair,
/// since ranks need them all.</summary>
public sealed class Correlation : IMetric<Correlation>
{
    private readonly List<double> _x = [], _y = [], _weights = [];

    /// <summary>Number of unmasked pairs seen.</summary>
    public int Count => _x.Count;

    /// <summary>Pearson's r.</summary>
    public double Value => PearsonR;

    /// <summary>r = Σw(x−x̄)(y−ȳ) / √(Σw(x−x̄)² Σw(y−ȳ)²).</summary>
    public double PearsonR => Pearson([.. _x], [.. _y], [.. _weights]);

    /// <summary>Pearson's r of the ranks, ties sharing their average rank.</summary>
    public double SpearmanRho
    {
        get
        {
            double[] weights = [.. _weights];
            return Pearson(Ranks.OfAverage([.. _x], weights), Ranks.OfAverage([.. _y], weights), weights);
        }
    }

    /// <summary>τ-b = (C − D) / √((n₀ − n₁)(n₀ − n₂)); see <see cref="KendallTauB"/>.</summary>
    public double KendallTau => Kendall([.. _x], [.. _y], [.. _weights]);

    /// <summary>Adds a pair; a weight of 0 masks it.</summary>
    /// <exception cref="ArgumentException">A value is NaN, or the weight is bad.</exception>
    public void Add(double x, double y, double weight = 1)
    {
        Check.Weight("correlation", weight);
        if (weight == 0) { return; }
        if (double.IsNaN(x) || double.IsNaN(y)) { throw new ArgumentException("correlation: a value is NaN; a weight of 0 masks a pair."); }
        _x.Add(x);
        _y.Add(y);
        _weights.Add(weight);
    }

    /// <summary>Adds the pairs of two tensors of one shape.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentException">A value is NaN.</exception>
    public void Add(Tensor x, Tensor y)
    {
        Check.SameShape("correlation", x, y);
        float[] xs = x.ToArray(), ys = y.ToArray();
        for (int i = 0; i < xs.Length; i++) { Add(xs[i], ys[i]); }
    }

    /// <inheritdoc/>
    public void Merge(Correlation other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _x.AddRange(other._x.ToArray());
        _y.AddRange(other._y.ToArray());
        _weights.AddRange(other._weights.ToArray());
    }

    /// <inheritdoc/>
    public IMetric Fresh() => new Correlation();

    /// <inheritdoc/>
    public void Reset()
    {
        _x.Clear();
        _y.Clear();
        _weights.Clear();
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("x", [.. _x]).Set("y", [.. _y]).Set("weights", [.. _weights]);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        double[] x = from.Doubles("x"), y = from.Doubles("y"), weights = from.Doubles("weights");
        Check.Columns("correlation", x.Length, y.Length, weights.Length);
        Reset();
        _x.AddRange(x);
        _y.AddRange(y);
        _weights.AddRange(weights);
    }

    /// <summary>Pearson's r = Σ(x−x̄)(y−ȳ) / √(Σ(x−x̄)² Σ(y−ȳ)²).</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double Pearson(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Check.SameLength("pearson", x.Length, y.Length);
        return Pearson(x, y, Ones(x.Length));
    }

    /// <summary>Spearman's ρ: Pearson's r of the ranks, ties sharing their average rank.</summary>
    /// <exception cref="ArgumentException">The lengths differ or a value is NaN.</exception>
    public static double Spearman(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Check.SameLength("spearman", x.Length, y.Length);
        return Pearson(Ranks.OfAverage(x), Ranks.OfAverage(y));
    }

    /// <summary>Kendall's τ-b = (C − D) / √((n₀ − n₁)(n₀ − n₂)) over the n₀ = n(n−1)/2 pairs: C concordant, D discordant, n₁ tied in x, n₂ tied in y. O(n log n) time.</summary>
    /// <exception cref="ArgumentException">The lengths differ or a value is NaN.</exception>
    public static double KendallTauB(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Check.SameLength("kendall-tau-b", x.Length, y.Length);
        return Kendall(x, y, Ones(x.Length));
    }

    private static double Pearson(ReadOnlySpan<double> x, ReadOnlySpan<double> y, ReadOnlySpan<double> weights)
    {
        // the mean of equals may be rounded, and Σ(x−x̄)² is then not 0
        if (x.IsEmpty || !x.ContainsAnyExcept(x[0]) || !y.ContainsAnyExcept(y[0])) { return double.NaN; }
        double total = 0, meanX = 0, meanY = 0, xx = 0, yy = 0, xy = 0;
        for (int i = 0; i < x.Length; i++)
        {
            total += weights[i];
            meanX += weights[i] * x[i];
            meanY += weights[i] * y[i];
        }
        (meanX, meanY) = (meanX / total, meanY / total);
        for (int i = 0; i < x.Length; i++)
        {
            double dx = x[i] - meanX, dy = y[i] - meanY;
            xx += weights[i] * dx * dx;
            yy += weights[i] * dy * dy;
            xy += weights[i] * dx * dy;
        }
        return xx == 0 || yy == 0 ? double.NaN : Math.Clamp(xy / (Math.Sqrt(xx) * Math.Sqrt(yy)), -1, 1);
    }

    // in the order of x: a pair's second is concordant with the weight that stands below it in y, discordant with that above; those of equal x are taken in together
    private static double Kendall(ReadOnlySpan<double> x, ReadOnlySpan<double> y, ReadOnlySpan<double> weights)
    {
        double[] rankX = Ranks.OfAverage(x), rankY = Ranks.OfAverage(y);
        int[] order = [.. Enumerable.Range(0, x.Length)];
        Array.Sort((double[])rankX.Clone(), order);
        double[] tree = new double[(2 * x.Length) + 2]; // Fenwick 1994: sums of weights by twice the rank in y
        double total = 0, balance = 0, tiedX = 0, tiedY = 0;
        int groupsX = 0, groupsY = 0;
        for (int start = 0; start < order.Length;)
        {
            int end = start;
            double group = 0;
            for (; end < order.Length && rankX[order[end]] == rankX[order[start]]; end++)
            {
                int i = order[end], at = (int)(2 * rankY[i]);
                balance += weights[i] * (PairTree.Below(tree, at - 1) - (total - PairTree.Below(tree, at)));
                group += weights[i];
            }
            for (int k = start; k < end; k++) { PairTree.Insert(tree, (int)(2 * rankY[order[k]]), weights[order[k]]); }
            tiedX += group * group;
            groupsX++;
            total += group;
            start = end;
        }
        foreach (var same in Enumerable.Range(0, rankY.Length).GroupBy(i => rankY[i]))
        {
            double group = 0;
            foreach (int i in same) { group += weights[i]; }
            tiedY += group * group;
            groupsY++;
        }
        double untiedX = (total * total) - tiedX, untiedY = (total * total) - tiedY;
        return groupsX < 2 || groupsY < 2 ? double.NaN : Math.Clamp(2 * balance / (Math.Sqrt(untiedX) * Math.Sqrt(untiedY)), -1, 1);
    }

    private static double[] Ones(int n)
    {
        double[] ones = new double[n];
        Array.Fill(ones, 1);
        return ones;
    }
}
