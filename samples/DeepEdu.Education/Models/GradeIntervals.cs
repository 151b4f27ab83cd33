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
/// length and the share of unknown words, learned from every other essay; the rest fit the intervals. Where these tell nothing of it, or essays are few, all are thought about equally hard.</summary>
internal sealed class GradeIntervals : ISaveState
{
    /// <summary>How often the true score may lie outside.</summary>
    public const double Alpha = 0.1;

    private const int Few = 100, TooFew = 9; // fewer than 1/α − 1 give no interval
    private const double Easiest = 0.3; // of the mean error: no essay is graded without a doubt
    private const int Parts = 5;
    private static readonly float[] s_shrinkage = [1, 10, 100, 1e3f, 1e4f, 1e5f];
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
        Ridge error = Learn([.. learned.Select(e => Features(e.Essay, min, max))], [.. learned.Select(e => (float)Math.Abs(e.Truth - e.Essay.Exact))]);
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

    /// <summary>Shrunk as far as it can be and still not tell clearly less of essays left out (the rule of one standard error, Breiman et al. 1984): what a ridge of few essays makes of features that tell nothing is noise, and
    /// the essays that it thinks easy are then held least often.</summary>
    private static Ridge Learn(float[][] rows, float[] errors)
    {
        double[][] off = Array.ConvertAll(s_shrinkage, Off);
        double[] best = off.MinBy(o => o.Sum())!;
        return new(rows, errors, s_shrinkage[Array.FindLastIndex(off, NotClearlyWorse)]);

        // of each essay, by a ridge of four fifths of the others
        double[] Off(float shrinkage)
        {
            Ridge[] ridges = [.. Enumerable.Range(0, Parts).Select(part => new Ridge([.. rows.Where((_, i) => i % Parts != part)], [.. errors.Where((_, i) => i % Parts != part)], shrinkage))];
            return [.. rows.Select((row, i) => Math.Pow(errors[i] - ridges[i % Parts].Predict(row), 2))];
        }

        bool NotClearlyWorse(double[] one)
        {
            double mean = one.Zip(best, (o, b) => o - b).Average();
            return mean <= Math.Sqrt(one.Zip(best, (o, b) => Math.Pow(o - b - mean, 2)).Average() / one.Length);
        }
    }

    private static float[] Features(GradedEssay essay, int min, int max)
    {
        float share = (float)((essay.Exact - min) / (max - min));
        return [share, share * share, MathF.Log(1 + essay.Words), (float)essay.Unknown];
    }
}
