namespace DeepEdu.Metrics;

/// <summary>What an interval says about a limit.</summary>
public enum LimitCheck
{
    /// <summary>All of the interval lies at or below the limit.</summary>
    Within,

    /// <summary>The limit lies inside the interval: there are too few examples to say.</summary>
    Undecided,

    /// <summary>All of the interval lies above the limit.</summary>
    Beyond,
}

/// <summary>How unlike yes/no decisions are from group to group, in confusion matrices of two classes, 1 being yes. Differences lie in 0..1, 0 is equal; ratios too, 1 is equal. What is undefined is NaN. No two of
/// these can be 0 together where groups differ in how many are positive and the decisions are not perfect (Chouldechova 2017, arXiv:1610.07524).
/// <code>
/// var frame = Fairness.Frame(watched, left, gender);
/// double gap = Fairness.EqualizedOddsDifference(frame);
/// var interval = Bootstrap.Confidence(students, rows => Fairness.EqualizedOddsDifference(Fairness.Frame(Of(watched, rows), Of(left, rows), Of(gender, rows))), rng);
/// bool fair = Fairness.Check(interval, limit: 0.1) == LimitCheck.Within;
/// </code></summary>
public static class Fairness
{
    /// <summary>The decisions by group.</summary>
    /// <param name="decided">Whether the model said yes.</param>
    /// <param name="actual">Whether yes was true.</param>
    /// <param name="groups">The group of each example.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static MetricFrame<ConfusionMatrix> Frame(ReadOnlySpan<bool> decided, ReadOnlySpan<bool> actual, ReadOnlySpan<string> groups)
    {
        Metrics.Check.SameLength("fairness", decided.Length, actual.Length);
        Metrics.Check.SameLength("fairness", groups.Length, decided.Length, "groups", "decisions");
        MetricFrame<ConfusionMatrix> frame = new(() => new ConfusionMatrix(2));
        for (int i = 0; i < decided.Length; i++) { frame.For(groups[i]).Add(decided[i] ? 1 : 0, actual[i] ? 1 : 0); }
        return frame;
    }

    /// <summary>The share that is told yes; NaN without an example.</summary>
    public static double SelectionRate(ConfusionMatrix m) => TwoClasses(m).Predicted(1) / m.Total;

    /// <summary>Of those for whom yes is true, the share that is told yes; NaN if there are none.</summary>
    public static double TruePositiveRate(ConfusionMatrix m) => TwoClasses(m)[1, 1] / m.Support(1);

    /// <summary>Of those for whom no is true, the share that is told yes; NaN if there are none.</summary>
    public static double FalsePositiveRate(ConfusionMatrix m) => TwoClasses(m)[0, 1] / m.Support(0);

    /// <summary>The largest difference between the shares of two groups that are told yes: Fairlearn's <c>demographic_parity_difference</c>.</summary>
    public static double DemographicParityDifference(MetricFrame<ConfusionMatrix> frame) => Of(frame).Difference(SelectionRate);

    /// <summary>The smallest of these shares over the largest; the "four fifths rule" asks for 0.8.</summary>
    public static double DemographicParityRatio(MetricFrame<ConfusionMatrix> frame) => Of(frame).Ratio(SelectionRate);

    /// <summary>The largest difference between true positive rates (Hardt, Price and Srebro 2016, arXiv:1610.02413, definition 2.2).</summary>
    public static double EqualOpportunityDifference(MetricFrame<ConfusionMatrix> frame) => Of(frame).Difference(TruePositiveRate);

    /// <summary>The larger of the differences between true positive rates and between false positive rates (Hardt, Price and Srebro 2016, definition 2.1): Fairlearn's <c>equalized_odds_difference</c>.</summary>
    public static double EqualizedOddsDifference(MetricFrame<ConfusionMatrix> frame) => Math.Max(Of(frame).Difference(TruePositiveRate), frame.Difference(FalsePositiveRate));

    /// <summary>The smaller of the ratios of true positive rates and of false positive rates: Fairlearn's <c>equalized_odds_ratio</c>.</summary>
    public static double EqualizedOddsRatio(MetricFrame<ConfusionMatrix> frame) => Math.Min(Of(frame).Ratio(TruePositiveRate), frame.Ratio(FalsePositiveRate));

    /// <summary>Whether a difference is known to keep to a limit. A bootstrap interval of a largest difference leans upwards when groups are small, so that it accuses too early rather than too late.</summary>
    /// <param name="difference">The difference with its interval.</param>
    /// <param name="limit">The largest difference that is accepted.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is negative or no number.</exception>
    /// <exception cref="ArgumentException">The interval is no number.</exception>
    public static LimitCheck Check(Interval difference, double limit)
    {
        if (!(limit >= 0)) { throw new ArgumentOutOfRangeException(nameof(limit), $"fairness: a limit of {limit}; give the largest difference that is accepted, 0 or more"); }
        if (double.IsNaN(difference.Low) || double.IsNaN(difference.High)) { throw new ArgumentException("fairness: the interval is NaN; the difference is undefined with fewer than two groups, or without a positive and a negative in each"); }
        return difference.High <= limit ? LimitCheck.Within : difference.Low > limit ? LimitCheck.Beyond : LimitCheck.Undecided;
    }

    private static MetricFrame<ConfusionMatrix> Of(MetricFrame<ConfusionMatrix> frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        return frame;
    }

    private static ConfusionMatrix TwoClasses(ConfusionMatrix m)
    {
        ArgumentNullException.ThrowIfNull(m);
        return m.Classes == 2 ? m : throw new ArgumentException($"fairness: a confusion matrix of {m.Classes} classes; decisions of yes and no are needed: new ConfusionMatrix(2)");
    }
}
