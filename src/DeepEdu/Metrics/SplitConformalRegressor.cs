using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Intervals that hold the truth of new examples with chance 1 − α or more, whatever the model, if those it is fitted on are drawn as they are and the model did not learn from them: split conformal prediction
/// (Vovk, Gammerman and Shafer 2005; Lei et al. 2018, arXiv:1604.04173, algorithm 2). An interval is predicted ± difficulty · radius, the radius being the ⌈(n+1)(1−α)⌉-th smallest
/// |actual − predicted| / difficulty (section 5.2 there). The chance is over all examples, not of each kind. MAPIE's <c>SplitConformalRegressor</c>.
/// <code>
/// var conformal = SplitConformalRegressor.Fit(predicted, actual, alpha: 0.1);
/// var (_, low, high) = conformal.Interval(grade); // too wide? then a person shall look
/// </code></summary>
public sealed class SplitConformalRegressor : ISaveState
{
    private const string Op = "split-conformal-regressor";
    private readonly ConformalFit _fit;

    private SplitConformalRegressor(ConformalFit fit) => _fit = fit;

    /// <summary>How often the truth may lie outside.</summary>
    public double Alpha => _fit.Alpha;

    /// <summary>Half of an interval's width for a difficulty of 1.</summary>
    public double Radius => _fit.Quantile;

    /// <summary>How many examples it was fitted on.</summary>
    public int Count => _fit.Count;

    /// <summary>Fits to examples that the model did not learn from.</summary>
    /// <param name="predicted">What the model tells of each.</param>
    /// <param name="actual">The truth.</param>
    /// <param name="alpha">How often the truth may lie outside, in 0..1 without the ends.</param>
    /// <param name="difficulty">How far off the model may be expected to be, above 0, by whatever was not learned from these examples: intervals are then as wide as an example is hard. 1 each if empty.</param>
    /// <exception cref="ArgumentOutOfRangeException">Alpha is not between 0 and 1.</exception>
    /// <exception cref="ArgumentException">The lengths differ, a number is not finite, a difficulty is not above 0, or there are fewer than 1/α − 1 examples.</exception>
    public static SplitConformalRegressor Fit(ReadOnlySpan<double> predicted, ReadOnlySpan<double> actual, double alpha = 0.1, ReadOnlySpan<double> difficulty = default)
    {
        Check.SameLength(Op, predicted.Length, actual.Length);
        if (!difficulty.IsEmpty) { Check.SameLength(Op, predicted.Length, difficulty.Length, "predictions", "difficulties"); }
        Check.Finite(Op, "prediction", predicted);
        Check.Finite(Op, "truth", actual);
        double[] scores = new double[predicted.Length];
        for (int i = 0; i < scores.Length; i++) { scores[i] = Math.Abs(actual[i] - predicted[i]) / Hard(difficulty.IsEmpty ? 1 : difficulty[i]); }
        return new(ConformalFit.Of(Op, scores, alpha));
    }

    /// <summary>What the model told, with the interval around it.</summary>
    /// <param name="predicted">What the model tells.</param>
    /// <param name="difficulty">As when it was fitted.</param>
    /// <exception cref="ArgumentException">The prediction is not finite, or the difficulty not above 0.</exception>
    public Interval Interval(double predicted, double difficulty = 1)
    {
        Check.Finite(Op, "prediction", [predicted]);
        double half = Radius * Hard(difficulty);
        return new(predicted, predicted - half, predicted + half);
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to) => _fit.Save(to, "radius");

    /// <summary>The one that was saved.</summary>
    /// <exception cref="InvalidDataException">It is not of a conformal regressor.</exception>
    public static SplitConformalRegressor Load(StateDict from) => new(ConformalFit.Load(Op, from, "radius"));

    private static double Hard(double difficulty)
        => difficulty > 0 && double.IsFinite(difficulty) ? difficulty : throw new ArgumentException($"{Op}: a difficulty of {difficulty}; it says how far off the model may be expected to be, and is above 0");
}
