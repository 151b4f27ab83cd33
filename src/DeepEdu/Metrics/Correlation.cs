namespace DeepEdu.Metrics;

/// <summary>Correlations of two series of the same length, in −1..1; NaN when one of them does not vary or there are fewer than two values.</summary>
public static class Correlation
{
    /// <summary>Pearson's r = Σ(x−x̄)(y−ȳ) / √(Σ(x−x̄)² Σ(y−ȳ)²).</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double Pearson(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Check.SameLength("pearson", x.Length, y.Length);
        double meanX = Mean(x), meanY = Mean(y), xx = 0, yy = 0, xy = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double dx = x[i] - meanX, dy = y[i] - meanY;
            xx += dx * dx;
            yy += dy * dy;
            xy += dx * dy;
        }
        return xx == 0 || yy == 0 ? double.NaN : Math.Clamp(xy / (Math.Sqrt(xx) * Math.Sqrt(yy)), -1, 1);
    }

    /// <summary>Spearman's ρ: Pearson's r of the ranks, ties sharing their average rank.</summary>
    /// <exception cref="ArgumentException">The lengths differ or a value is NaN.</exception>
    public static double Spearman(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Check.SameLength("spearman", x.Length, y.Length);
        return Pearson(Ranks.OfAverage(x), Ranks.OfAverage(y));
    }

    /// <summary>Kendall's τ-b = (C − D) / √((n₀ − n₁)(n₀ − n₂)) over the n₀ = n(n−1)/2 pairs: C concordant, D discordant,
    /// n₁ tied in x, n₂ tied in y. O(n²) time.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double KendallTauB(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Check.SameLength("kendall", x.Length, y.Length);
        long balance = 0, untiedX = 0, untiedY = 0;
        for (int i = 1; i < x.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                int a = x[i].CompareTo(x[j]), b = y[i].CompareTo(y[j]);
                balance += a * b;
                untiedX += a & 1;
                untiedY += b & 1;
            }
        }
        return balance / (Math.Sqrt(untiedX) * Math.Sqrt(untiedY));
    }

    private static double Mean(ReadOnlySpan<double> x)
    {
        double sum = 0;
        foreach (double v in x) { sum += v; }
        return sum / x.Length;
    }
}
