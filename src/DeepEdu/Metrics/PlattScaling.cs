using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Chances σ(slope · score + intercept) from any scores, fitted on examples that the model did not learn from (Platt 1999; by Newton's method as in Lin, Lin and Weng 2007,
/// doi:10.1007/s10994-007-5018-6). scikit-learn's <c>method="sigmoid"</c>.
/// <code>
/// var platt = PlattScaling.Fit(scores, passed);
/// double chance = platt.Probability(score);
/// </code></summary>
public sealed class PlattScaling : ISaveState
{
    private PlattScaling(double slope, double intercept) => (Slope, Intercept) = (slope, intercept);

    /// <summary>What a score is multiplied by.</summary>
    public double Slope { get; }

    /// <summary>What is added.</summary>
    public double Intercept { get; }

    /// <summary>Fits to yes/no examples.</summary>
    /// <param name="scores">Higher for yes; of any scale.</param>
    /// <param name="positive">Whether yes is true.</param>
    /// <param name="smooth">Platt's targets (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2) in place of 1 and 0, which keep few examples from being trusted too far; false is plain logistic regression.</param>
    /// <exception cref="ArgumentException">The lengths differ, there is no example, a score is not finite, all answers or all scores are alike; or, without smoothing, a threshold tells the answers apart, so that no
    /// slope is too steep.</exception>
    public static PlattScaling Fit(ReadOnlySpan<double> scores, ReadOnlySpan<bool> positive, bool smooth = true)
    {
        const string op = "platt-scaling";
        Check.SameLength(op, scores.Length, positive.Length);
        Check.Finite(op, "score", scores);
        Check.TwoKinds(op, positive);
        bool[] yes = positive.ToArray();
        double[] all = scores.ToArray();
        // to 0..1, in halves, so that no square or difference leaves the range of numbers
        double least = all.Min(), half = (all.Max() / 2) - (least / 2);
        if (!(half > 0)) { throw new ArgumentException($"platt-scaling: all {all.Length} scores are {least}; they tell nothing"); }
        double[] x = Array.ConvertAll(all, s => ((s / 2) - (least / 2)) / half);
        double mean = x.Average(), spread = Math.Sqrt(x.Average(s => (s - mean) * (s - mean)));
        for (int i = 0; i < x.Length; i++) { x[i] = (x[i] - mean) / spread; }
        if (!smooth && Apart(all, yes)) { throw new ArgumentException("platt-scaling: a threshold on the scores tells the answers apart, so that the steepest slope is the best; leave smooth on, or give more examples"); }
        int n1 = yes.Count(y => y), n0 = yes.Length - n1;
        double high = smooth ? (n1 + 1.0) / (n1 + 2) : 1, low = smooth ? 1.0 / (n0 + 2) : 0;
        double[] t = Array.ConvertAll(yes, y => y ? high : low);
        var (a, b) = Newton(x, t);
        double slope = a / spread / half / 2;
        return new(slope, b - (a * mean / spread) - (slope * least));
    }

    /// <summary>The chance of yes.</summary>
    public double Probability(double score) => Sigmoid((Slope * score) + Intercept);

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("slope", Slope).Set("intercept", Intercept);
    }

    /// <summary>The one that was saved.</summary>
    /// <exception cref="InvalidDataException">It is not of Platt scaling.</exception>
    public static PlattScaling Load(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        double slope = from.Double("slope"), intercept = from.Double("intercept");
        Check.State("platt-scaling", double.IsFinite(slope) && double.IsFinite(intercept), $"has a slope of {slope} and an intercept of {intercept}");
        return new(slope, intercept);
    }

    internal static double Sigmoid(double z) => z >= 0 ? 1 / (1 + Math.Exp(-z)) : Math.Exp(z) / (1 + Math.Exp(z));

    // whether all of one kind lie on one side of all of the other, or touch it
    private static bool Apart(double[] x, bool[] yes)
    {
        var ones = x.Where((_, i) => yes[i]);
        var zeros = x.Where((_, i) => !yes[i]);
        return ones.Min() >= zeros.Max() || zeros.Min() >= ones.Max();
    }

    // the loss is convex: full steps, halved until it falls
    private static (double A, double B) Newton(double[] x, double[] t)
    {
        double share = t.Average(), a = 0, b = Math.Log(share / (1 - share)), loss = Loss(x, t, a, b);
        for (int turn = 0; turn < 100; turn++)
        {
            double ga = 0, gb = 0, aa = 1e-12, ab = 0, bb = 1e-12;
            for (int i = 0; i < x.Length; i++)
            {
                double p = Sigmoid((a * x[i]) + b), w = p * (1 - p), d = p - t[i];
                (ga, gb, aa, ab, bb) = (ga + (d * x[i]), gb + d, aa + (w * x[i] * x[i]), ab + (w * x[i]), bb + w);
            }
            double det = (aa * bb) - (ab * ab), da = ((bb * ga) - (ab * gb)) / det, db = ((aa * gb) - (ab * ga)) / det, step = 1;
            double next = Loss(x, t, a - da, b - db);
            for (; !(next <= loss) && step > 1e-10; next = Loss(x, t, a - (step * da), b - (step * db))) { step /= 2; }
            if (!(next <= loss)) { break; }
            (a, b, loss) = (a - (step * da), b - (step * db), next);
            if (Math.Abs(step * da) + Math.Abs(step * db) < 1e-13 * (1 + Math.Abs(a) + Math.Abs(b))) { break; }
        }
        return (a, b);
    }

    // −t·ln σ(z) − (1 − t)·ln(1 − σ(z)) = ln(1 + e^−|z|) + max(z, 0) − t·z
    private static double Loss(double[] x, double[] t, double a, double b)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double z = (a * x[i]) + b;
            sum += Math.Log(1 + Math.Exp(-Math.Abs(z))) + Math.Max(z, 0) - (t[i] * z);
        }
        return sum;
    }
}
