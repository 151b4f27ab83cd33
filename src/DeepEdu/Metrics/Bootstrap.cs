using DeepEdu.Numerics;

namespace DeepEdu.Metrics;

/// <summary>A number with the interval that it may be expected to lie in.</summary>
/// <param name="Value">The number of the whole sample.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
public readonly record struct Interval(double Value, double Low, double High)
{
    /// <summary>High minus low.</summary>
    public double Width => High - Low;
}

/// <summary>What a paired bootstrap says about the difference of two models on the same examples.</summary>
/// <param name="Difference">The first's number minus the second's, with its interval.</param>
/// <param name="PValue">Two-sided: twice the smaller share of resamples whose difference lies on the other side of 0, at most 1 and never 0.</param>
public readonly record struct PairedDifference(Interval Difference, double PValue);

/// <summary>Confidence intervals of any metric by resampling: Efron 1979; percentile intervals as in Efron and Tibshirani 1993, chapter 13. Examples that belong together, such as the answers
/// of one student, are drawn together (Davison and Hinkley 1997, section 3.8): drawn one by one they would look more certain than they are.</summary>
public static class Bootstrap
{
    /// <summary>An interval over examples that have nothing to do with each other.</summary>
    /// <param name="examples">How many examples there are.</param>
    /// <param name="metric">From example numbers, with repetition, to the metric. Resamples where it is NaN are left out.</param>
    /// <param name="rng">One child stream is taken.</param>
    /// <param name="resamples">How often the sample is drawn anew.</param>
    /// <param name="level">The share of resamples inside the interval.</param>
    public static Interval Confidence(int examples, Func<int[], double> metric, Rng rng, int resamples = 1000, double level = 0.95)
        => Confidence(Alone(examples), metric, rng, resamples, level);

    /// <summary>An interval over examples in groups, which are drawn as wholes.</summary>
    /// <param name="groups">The group of each example: its student, say.</param>
    /// <param name="metric">From example numbers, with repetition, to the metric. Resamples where it is NaN are left out.</param>
    /// <param name="rng">One child stream is taken.</param>
    /// <param name="resamples">How often the sample is drawn anew.</param>
    /// <param name="level">The share of resamples inside the interval.</param>
    public static Interval Confidence(ReadOnlySpan<int> groups, Func<int[], double> metric, Rng rng, int resamples = 1000, double level = 0.95)
        => Confidence(ByGroup(groups), metric, rng, resamples, level);

    /// <summary>Whether two models differ on the same examples: both are measured on every resample.</summary>
    /// <param name="examples">How many examples there are.</param>
    /// <param name="first">The first model's metric of example numbers.</param>
    /// <param name="second">The second's.</param>
    /// <param name="rng">One child stream is taken.</param>
    /// <param name="resamples">How often the sample is drawn anew.</param>
    /// <param name="level">The share of resamples inside the interval.</param>
    public static PairedDifference Paired(int examples, Func<int[], double> first, Func<int[], double> second, Rng rng, int resamples = 1000, double level = 0.95)
        => Paired(Alone(examples), first, second, rng, resamples, level);

    /// <summary>Whether two models differ on the same examples, which are drawn in groups.</summary>
    /// <param name="groups">The group of each example: its student, say.</param>
    /// <param name="first">The first model's metric of example numbers.</param>
    /// <param name="second">The second's.</param>
    /// <param name="rng">One child stream is taken.</param>
    /// <param name="resamples">How often the sample is drawn anew.</param>
    /// <param name="level">The share of resamples inside the interval.</param>
    public static PairedDifference Paired(ReadOnlySpan<int> groups, Func<int[], double> first, Func<int[], double> second, Rng rng, int resamples = 1000, double level = 0.95)
        => Paired(ByGroup(groups), first, second, rng, resamples, level);

    /// <summary>The value below which a share of the sorted values lies, straight lines between them: NumPy's <c>quantile</c>.</summary>
    internal static double Quantile(ReadOnlySpan<double> sorted, double share)
    {
        double at = share * (sorted.Length - 1);
        int below = (int)Math.Floor(at), above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((at - below) * (sorted[above] - sorted[below]));
    }

    private static Interval Confidence(int[][] groups, Func<int[], double> metric, Rng rng, int resamples, double level)
    {
        ArgumentNullException.ThrowIfNull(metric);
        double[] values = Resample(groups, metric, rng, resamples, level);
        return Percentiles(metric(All(groups)), values, level);
    }

    private static PairedDifference Paired(int[][] groups, Func<int[], double> first, Func<int[], double> second, Rng rng, int resamples, double level)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        double Difference(int[] rows) => first(rows) - second(rows);
        double[] values = Resample(groups, Difference, rng, resamples, level);
        int below = values.Count(v => v <= 0), above = values.Count(v => v >= 0);
        // the sample itself counts as one resample, so that no chance is called 0 (Davison and Hinkley 1997, eq. 4.11)
        double p = 2.0 * (Math.Min(below, above) + 1) / (values.Length + 1);
        return new(Percentiles(Difference(All(groups)), values, level), Math.Min(1, p));
    }

    private static double[] Resample(int[][] groups, Func<int[], double> metric, Rng rng, int resamples, double level)
    {
        ArgumentNullException.ThrowIfNull(rng);
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 1);
        if (!(level is > 0 and < 1)) { throw new ArgumentOutOfRangeException(nameof(level), $"bootstrap: level {level} must lie between 0 and 1"); }
        if (groups.Length == 0) { throw new ArgumentException("bootstrap: there is no example to draw"); }
        var own = rng.Fork();
        List<double> values = [];
        List<int> rows = [];
        for (int r = 0; r < resamples; r++)
        {
            var draw = own.Split((ulong)r);
            rows.Clear();
            for (int g = 0; g < groups.Length; g++) { rows.AddRange(groups[draw.Next(groups.Length)]); }
            double value = metric([.. rows]);
            if (!double.IsNaN(value)) { values.Add(value); }
        }
        if (values.Count == 0) { throw new ArgumentException("bootstrap: the metric is undefined on every resample"); }
        values.Sort();
        return [.. values];
    }

    private static Interval Percentiles(double value, double[] sorted, double level) => new(value, Quantile(sorted, (1 - level) / 2), Quantile(sorted, (1 + level) / 2));

    private static int[] All(int[][] groups) => [.. groups.SelectMany(g => g).Order()];

    private static int[][] Alone(int examples)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(examples);
        return [.. Enumerable.Range(0, examples).Select(i => new[] { i })];
    }

    private static int[][] ByGroup(ReadOnlySpan<int> groups)
    {
        int[] of = groups.ToArray();
        return [.. Enumerable.Range(0, of.Length).GroupBy(i => of[i]).Select(g => g.ToArray())];
    }
}
