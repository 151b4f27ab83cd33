namespace DeepEdu.Metrics;

/// <summary>What McNemar's test says about two classifiers on the same examples.</summary>
/// <param name="OnlyFirst">Examples that only the first gets right.</param>
/// <param name="OnlySecond">Examples that only the second gets right.</param>
/// <param name="ChiSquared">(|b − c| − 1)² / (b + c), with the correction for continuity; NaN when they never differ.</param>
/// <param name="PValue">That of χ² with one degree of freedom; 1 when they never differ.</param>
/// <param name="ExactPValue">That of the binomial distribution, two-sided: to be preferred when they differ on fewer than 25 examples.</param>
public readonly record struct McNemarResult(int OnlyFirst, int OnlySecond, double ChiSquared, double PValue, double ExactPValue);

/// <summary>What DeLong's test says about the ROC areas of two scorers on the same examples.</summary>
/// <param name="First">The first's area.</param>
/// <param name="Second">The second's.</param>
/// <param name="StandardError">Of the difference.</param>
/// <param name="Z">The difference over its standard error; NaN when that is 0.</param>
/// <param name="PValue">Two-sided, of the normal distribution; 1 when the areas are equal.</param>
public readonly record struct DeLongResult(double First, double Second, double StandardError, double Z, double PValue);

/// <summary>Tests of whether two models differ on the same examples.</summary>
public static class Significance
{
    /// <summary>McNemar's test (1947) of two classifiers: only examples on which one is right and the other wrong tell them apart.</summary>
    /// <param name="first">Whether the first is right, example by example.</param>
    /// <param name="second">Whether the second is.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static McNemarResult McNemar(ReadOnlySpan<bool> first, ReadOnlySpan<bool> second)
    {
        Check.SameLength("mcnemar", first.Length, second.Length);
        int b = 0, c = 0;
        for (int i = 0; i < first.Length; i++)
        {
            if (first[i] && !second[i]) { b++; }
            if (second[i] && !first[i]) { c++; }
        }
        int n = b + c;
        if (n == 0) { return new(0, 0, double.NaN, 1, 1); }
        double chi = Math.Pow(Math.Max(0, Math.Abs(b - c) - 1), 2) / n;
        return new(b, c, chi, Normal.TwoSided(Math.Sqrt(chi)), BinomialTwoSided(Math.Min(b, c), n));
    }

    /// <summary>DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595, of two scorers on the same examples, in the O(n log n) way of Sun and Xu 2014, doi:10.1109/LSP.2014.2337313.</summary>
    /// <param name="first">The first's scores.</param>
    /// <param name="second">The second's.</param>
    /// <param name="positive">Which examples are positive.</param>
    /// <exception cref="ArgumentException">The lengths differ, a score is NaN, or there are not two positives and two negatives.</exception>
    public static DeLongResult DeLong(ReadOnlySpan<double> first, ReadOnlySpan<double> second, ReadOnlySpan<bool> positive)
    {
        Check.SameLength("delong", first.Length, positive.Length);
        Check.SameLength("delong", second.Length, positive.Length);
        var (a, positivesA, negativesA) = Placements(first, positive);
        var (b, positivesB, negativesB) = Placements(second, positive);
        double variance = VarianceOfDifference(positivesA, positivesB) / positivesA.Length + (VarianceOfDifference(negativesA, negativesB) / negativesA.Length);
        double error = Math.Sqrt(variance), z = error == 0 ? a == b ? double.NaN : double.PositiveInfinity * Math.Sign(a - b) : (a - b) / error;
        return new(a, b, error, z, double.IsNaN(z) ? 1 : Normal.TwoSided(z));
    }

    /// <summary>The ROC area with DeLong's interval, cut to 0..1.</summary>
    /// <param name="scores">Scores.</param>
    /// <param name="positive">Which examples are positive.</param>
    /// <param name="level">How much of the normal distribution lies inside.</param>
    /// <exception cref="ArgumentException">The lengths differ, a score is NaN, or there are not two positives and two negatives.</exception>
    public static Interval DeLong(ReadOnlySpan<double> scores, ReadOnlySpan<bool> positive, double level = 0.95)
    {
        Check.SameLength("delong", scores.Length, positive.Length);
        if (!(level is > 0 and < 1)) { throw new ArgumentOutOfRangeException(nameof(level), $"delong: level {level} must lie between 0 and 1"); }
        var (area, positives, negatives) = Placements(scores, positive);
        double error = Math.Sqrt((Variance(positives) / positives.Length) + (Variance(negatives) / negatives.Length)), reach = error * Normal.Quantile((1 + level) / 2);
        return new(area, Math.Max(0, area - reach), Math.Min(1, area + reach));
    }

    // for each positive the share of negatives below it, for each negative the share of positives above it, ties one half
    private static (double Area, double[] Positives, double[] Negatives) Placements(ReadOnlySpan<double> scores, ReadOnlySpan<bool> positive)
    {
        List<double> yes = [], no = [];
        for (int i = 0; i < scores.Length; i++) { (positive[i] ? yes : no).Add(scores[i]); }
        if (yes.Count < 2 || no.Count < 2) { throw new ArgumentException($"delong: {yes.Count} positives and {no.Count} negatives; two of each are needed"); }
        double[] all = Ranks.OfAverage([.. yes, .. no]), amongYes = Ranks.OfAverage([.. yes]), amongNo = Ranks.OfAverage([.. no]);
        double[] positives = new double[yes.Count], negatives = new double[no.Count];
        for (int i = 0; i < positives.Length; i++) { positives[i] = (all[i] - amongYes[i]) / no.Count; }
        for (int i = 0; i < negatives.Length; i++) { negatives[i] = 1 - ((all[yes.Count + i] - amongNo[i]) / yes.Count); }
        return (positives.Average(), positives, negatives);
    }

    private static double VarianceOfDifference(double[] a, double[] b)
    {
        double[] difference = new double[a.Length];
        for (int i = 0; i < a.Length; i++) { difference[i] = a[i] - b[i]; }
        return Variance(difference);
    }

    private static double Variance(double[] values)
    {
        double mean = values.Average(), sum = 0;
        foreach (double v in values) { sum += (v - mean) * (v - mean); }
        return sum / (values.Length - 1);
    }

    // 2·P(X ≤ k) for X binomial(n, ½), at most 1
    private static double BinomialTwoSided(int k, int n)
    {
        double term = Math.Pow(2, -n), sum = 0;
        if (term > 0)
        {
            for (int i = 0; i <= k; i++)
            {
                sum += term;
                term *= (n - i) / (i + 1.0);
            }
            return Math.Min(1, 2 * sum);
        }
        // 2⁻ⁿ is too small for a double: sum logarithms from the largest term down
        double log = -n * Math.Log(2);
        for (int i = 0; i < k; i++) { log += Math.Log((n - i) / (i + 1.0)); }
        double part = 1;
        for (int i = k; i >= 0 && part > 1e-18 * Math.Max(1, sum); i--)
        {
            sum += part;
            part *= i / (n - i + 1.0);
        }
        return Math.Min(1, 2 * Math.Exp(log) * sum);
    }
}
