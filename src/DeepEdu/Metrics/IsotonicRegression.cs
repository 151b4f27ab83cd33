using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>The rising function nearest to examples in squared error: pooled adjacent violators (Barlow et al. 1972), straight lines between, and flat beyond the outermost scores. Of scores and answers 0 and 1 it makes
/// chances (Zadrozny and Elkan 2002, doi:10.1145/775047.775151), and needs some hundreds of them. scikit-learn's <c>IsotonicRegression(out_of_bounds="clip")</c>.
/// <code>
/// var rising = IsotonicRegression.Fit(scores, passed);
/// double chance = rising.Predict(score);
/// </code></summary>
public sealed class IsotonicRegression : ISaveState
{
    private readonly double[] _x, _y;

    private IsotonicRegression(double[] x, double[] y) => (_x, _y) = (x, y);

    /// <summary>The scores where the function bends, and its values there.</summary>
    public IReadOnlyList<(double X, double Y)> Knots => [.. _x.Zip(_y)];

    /// <summary>Fits to pairs.</summary>
    /// <param name="x">Scores.</param>
    /// <param name="y">What shall be told of each; equal scores are told their mean.</param>
    /// <param name="weights">How much each counts, 0 masks it; 1 each if empty.</param>
    /// <exception cref="ArgumentException">The lengths differ, no example counts, or a number is not finite.</exception>
    public static IsotonicRegression Fit(ReadOnlySpan<double> x, ReadOnlySpan<double> y, ReadOnlySpan<double> weights = default)
    {
        const string op = "isotonic-regression";
        Check.SameLength(op, x.Length, y.Length);
        if (!weights.IsEmpty) { Check.SameLength(op, x.Length, weights.Length, "scores", "weights"); }
        Check.Finite(op, "score", x);
        Check.Finite(op, "target", y);
        foreach (double w in weights) { Check.Weight(op, w); }
        var pairs = new (double X, double Y, double W)[x.Length];
        for (int i = 0; i < pairs.Length; i++) { pairs[i] = (x[i], y[i], weights.IsEmpty ? 1 : weights[i]); }
        var points = pairs.Where(p => p.W > 0).GroupBy(p => p.X).OrderBy(g => g.Key).Select(g => (X: g.Key, Y: g.Sum(p => p.W * p.Y) / g.Sum(p => p.W), W: g.Sum(p => p.W))).ToArray();
        if (points.Length == 0) { throw new ArgumentException("isotonic-regression: there is no example of a weight above 0"); }
        List<(double Y, double W, int Count)> blocks = [];
        foreach (var (_, value, weight) in points)
        {
            (double Y, double W, int Count) block = (value, weight, 1);
            while (blocks.Count > 0 && blocks[^1].Y > block.Y)
            {
                var (before, own, count) = blocks[^1];
                block = (((before * own) + (block.Y * block.W)) / (own + block.W), own + block.W, count + block.Count);
                blocks.RemoveAt(blocks.Count - 1);
            }
            blocks.Add(block);
        }
        double[] fitted = [.. blocks.SelectMany(b => Enumerable.Repeat(b.Y, b.Count))];
        // of a flat stretch its ends are enough
        int[] knots = [.. Enumerable.Range(0, fitted.Length).Where(i => i == 0 || i == fitted.Length - 1 || fitted[i] != fitted[i - 1] || fitted[i] != fitted[i + 1])];
        return new([.. knots.Select(i => points[i].X)], [.. knots.Select(i => fitted[i])]);
    }

    /// <summary>Fits to yes/no examples: the function then tells chances.</summary>
    /// <param name="scores">Higher for yes.</param>
    /// <param name="positive">Whether yes is true.</param>
    /// <exception cref="ArgumentException">The lengths differ, there is no example, a score is not finite, or all answers are alike.</exception>
    public static IsotonicRegression Fit(ReadOnlySpan<double> scores, ReadOnlySpan<bool> positive)
    {
        Check.TwoKinds("isotonic-regression", positive);
        return Fit(scores, Array.ConvertAll(positive.ToArray(), p => p ? 1.0 : 0));
    }

    /// <summary>The function's value.</summary>
    /// <exception cref="ArgumentException">The score is NaN.</exception>
    public double Predict(double x)
    {
        if (double.IsNaN(x)) { throw new ArgumentException("isotonic-regression: the score is NaN; look at the model that gave it"); }
        int at = Array.BinarySearch(_x, x);
        if (at >= 0) { return _y[at]; }
        int above = ~at;
        if (above == 0) { return _y[0]; }
        if (above == _x.Length) { return _y[^1]; }
        double share = (x - _x[above - 1]) / (_x[above] - _x[above - 1]);
        return Math.Clamp(_y[above - 1] + (share * (_y[above] - _y[above - 1])), _y[above - 1], _y[above]);
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("x", [.. _x]).Set("y", [.. _y]);
    }

    /// <summary>The one that was saved.</summary>
    /// <exception cref="InvalidDataException">It is not of isotonic regression.</exception>
    public static IsotonicRegression Load(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        double[] x = from.Doubles("x"), y = from.Doubles("y");
        Check.State("isotonic-regression", x.Length == y.Length && x.Length > 0, $"has {x.Length} scores and {y.Length} values, not one of each a knot");
        Check.State("isotonic-regression", x.Concat(y).All(double.IsFinite) && x.Zip(x.Skip(1)).All(p => p.First < p.Second) && y.Zip(y.Skip(1)).All(p => p.First <= p.Second), "has scores or values that do not rise");
        return new(x, y);
    }
}
