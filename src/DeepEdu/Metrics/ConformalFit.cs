using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>What a conformal fit keeps: which score new examples stay at or below with chance 1 − α.</summary>
internal readonly record struct ConformalFit(double Alpha, double Quantile, int Count)
{
    /// <summary>Of the ⌈(n+1)(1−α)⌉-th smallest score; sorts them.</summary>
    public static ConformalFit Of(string metric, double[] scores, double alpha)
    {
        if (!(alpha is > 0 and < 1)) { throw new ArgumentOutOfRangeException(nameof(alpha), $"{metric}: alpha {alpha} must lie between 0 and 1: 0.1 lets one truth in ten lie outside"); }
        int rank = (int)Math.Ceiling(((scores.Length + 1) * (1 - alpha)) - 1e-9); // (n+1)(1−α) is rounded: a whole number must stay one
        if (rank > scores.Length) { throw new ArgumentException($"{metric}: {scores.Length} examples are too few for alpha {alpha}: at least {Math.Ceiling((1 / alpha) - 1 - 1e-9)} are needed, or a larger alpha"); }
        Array.Sort(scores);
        return new(alpha, scores[Math.Max(rank, 1) - 1], scores.Length);
    }

    /// <summary>Puts it, the score under a name of its own.</summary>
    public void Save(StateDict to, string quantile)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("alpha", Alpha).Set(quantile, Quantile).Set("count", Count);
    }

    /// <summary>The one that was saved.</summary>
    public static ConformalFit Load(string metric, StateDict from, string quantile)
    {
        ArgumentNullException.ThrowIfNull(from);
        ConformalFit fit = new(from.Double("alpha"), from.Double(quantile), from.Int("count"));
        Check.State(metric, fit is { Alpha: > 0 and < 1, Quantile: >= 0, Count: > 0 }, $"has an alpha of {fit.Alpha}, a {quantile} of {fit.Quantile} and {fit.Count} examples");
        return fit;
    }
}
