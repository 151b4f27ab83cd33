using DeepEdu.Education.Baselines;
using DeepEdu.Metrics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>An essay as graded by a network that did not learn from it.</summary>
/// <param name="Exact">The score on the prompt's scale, not rounded.</param>
/// <param name="Words">How many words it has.</param>
/// <param name="Unknown">Which share of them the network does not know.</param>
internal readonly record struct GradedEssay(double Exact, int Words, double Unknown);

/// <summary>Between which scores the true one lies for nine essays in ten (split conformal prediction), wider where grading is hard: how far off a network may be expected to be is told by a ridge regression on the score, the
/// length and the share of unknown words, learned from every other essay; the rest fit the intervals. With few essays all are thought equally hard.</summary>
internal sealed class GradeIntervals : ISaveState
{
    /// <summary>How often the true score may lie outside.</summary>
    public const double Alpha = 0.1;

    private const int Few = 100, TooFew = 9; // fewer than 1/α − 1 give no interval
    private const double Easiest = 0.3; // of the mean error: no essay is graded without a doubt
    private readonly int _min, _max;
    private readonly SplitConformalRegressor _conformal;
    private readonly Ridge? _error;
    private readonly double _least;

    private GradeIntervals(int min, int max, SplitConformalRegressor conformal, Ridge? error, double least) => (_min, _max, _conformal, _error, _least) = (min, max, conformal, error, least);

    /// <summary>Fits to essays whose true scores are known; null if they are too few.</summary>
    public static GradeIntervals? Fit(IReadOnlyList<(GradedEssay Essay, int Truth)> essays, int min, int max)
    {
        if (essays.Count < TooFew) { return null; }
        if (essays.Count < Few) { return new(min, max, SplitConformalRegressor.Fit([.. essays.Select(e => e.Essay.Exact)], [.. essays.Select(e => (double)e.Truth)], Alpha), null, 1); }
        var learned = essays.Where((_, i) => i % 2 == 0).ToArray();
        var held = essays.Where((_, i) => i % 2 == 1).ToArray();
        Ridge error = new([.. learned.Select(e => Features(e.Essay, min, max))], [.. learned.Select(e => (float)Math.Abs(e.Truth - e.Essay.Exact))]);
        double least = Math.Max(1e-3, Easiest * learned.Average(e => Math.Abs(e.Truth - e.Essay.Exact)));
        return new(min, max, SplitConformalRegressor.Fit([.. held.Select(e => e.Essay.Exact)], [.. held.Select(e => (double)e.Truth)], Alpha, [.. held.Select(e => Math.Max(least, error.Predict(Features(e.Essay, min, max))))]), error, least);
    }

    public static GradeIntervals Load(StateDict from, int min, int max)
        => new(min, max, SplitConformalRegressor.Load(from.Part("conformal")), from.Bool("by_error") ? Ridge.Load(from.Part("error")) : null, from.Double("least"));

    public void SaveState(StateDict to)
    {
        to.Set("conformal", _conformal).Set("least", _least).Set("by_error", _error is not null);
        if (_error is not null) { to.Set("error", _error); }
    }

    /// <summary>The interval of an essay's score, within the prompt's range.</summary>
    public Interval Of(GradedEssay essay)
    {
        var (exact, low, high) = _conformal.Interval(essay.Exact, _error is null ? _least : Math.Max(_least, _error.Predict(Features(essay, _min, _max))));
        return new(exact, Math.Max(low, _min), Math.Min(high, _max));
    }

    /// <summary>Whether a person shall grade it too: a score in the interval is farther from the given one than two raters may differ, which is a point, or a tenth of a longer scale.</summary>
    public bool NeedsReview(Interval interval, int given)
    {
        int apart = Math.Max(1, (_max - _min) / 10);
        return Math.Ceiling(interval.Low) < given - apart || Math.Floor(interval.High) > given + apart;
    }

    private static float[] Features(GradedEssay essay, int min, int max)
    {
        float share = (float)((essay.Exact - min) / (max - min));
        return [share, share * share, MathF.Log(1 + essay.Words), (float)essay.Unknown];
    }
}
