using DeepEdu.Tensors;

namespace DeepEdu.Attribution;

/// <summary>What the values of an input give to a score, and how exact that is.</summary>
/// <param name="Values">The attributions.</param>
/// <param name="ConvergenceDelta">Of each row, the sum of its attributions minus f(x) − f(baseline): 0 if the integral were exact. Where it is large beside the scores, more steps are needed.</param>
public sealed record Attributions(Tensor Values, double[] ConvergenceDelta);

/// <summary>(x − x′) ⊙ ∫₀¹ ∂f(x′ + α(x − x′))/∂x dα: what each value gives to the score on the straight way from a baseline, where there is nothing to be seen, to the input (Sundararajan, Taly
/// and Yan 2017, arXiv:1703.01365, eq. 1). The attributions of a row add up to f(x) − f(x′). The integral is a Gauss–Legendre sum. Captum's <c>IntegratedGradients</c>.
/// <para>Of a layer behind the input, such as word vectors, give its output as the input and the rest of the model as the function; of an embedding <see cref="LayerIntegratedGradients"/> does so.</para>
/// <code>
/// var (parts, delta) = IntegratedGradients.Of(x => model.Forward(x)[.., 2], rows);
/// </code></summary>
public static class IntegratedGradients
{
    /// <summary>The steps of the integral unless told otherwise.</summary>
    public const int DefaultSteps = 50;

    /// <summary>One number a value of the input.</summary>
    /// <param name="f">From rows [N, ..] to one score a row, each of its row alone. It runs as in use: nothing is dropped.</param>
    /// <param name="x">The rows [N, ..].</param>
    /// <param name="baseline">Of the rows' shape; zeros if null.</param>
    /// <param name="steps">At how many points of the way the gradient is taken, all rows together: each is a pass forward and back.</param>
    /// <exception cref="ShapeException">The input is not [N, ..], the baseline is not of its shape, or the function does not give one number a row.</exception>
    /// <exception cref="ArgumentException">A score on the way is NaN or infinite.</exception>
    /// <exception cref="InvalidOperationException">No gradient reaches the input.</exception>
    public static Attributions Of(Func<Tensor, Tensor> f, Tensor x, Tensor? baseline = null, int steps = DefaultSteps)
    {
        const string op = "integrated-gradients";
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        float[] to = RowScores.Values(op, f, x), from = baseline?.ToArray() ?? new float[to.Length], at = new float[to.Length];
        if (baseline is not null && baseline.Shape != x.Shape) { throw new ShapeException(op, $"a baseline {baseline.Shape} for an input {x.Shape}; give one of the same shape, or none for zeros", baseline.Shape, x.Shape); }
        double[] sums = new double[to.Length];
        foreach (var (node, weight) in Legendre(steps))
        {
            for (int i = 0; i < at.Length; i++) { at[i] = (float)(from[i] + (node * ((double)to[i] - from[i]))); }
            float[] gradient = RowScores.Gradient(op, f, x.Shape, at, x);
            for (int i = 0; i < sums.Length; i++) { sums[i] += weight * gradient[i]; }
        }
        for (int i = 0; i < sums.Length; i++) { sums[i] *= (double)to[i] - from[i]; }
        float[] end = RowScores.Of(op, f, x), start = RowScores.Of(op, f, Tensor.Of(x.Shape, from, x.Device));
        int width = sums.Length / end.Length;
        double[] delta = [.. end.Select((score, n) => sums.AsSpan(n * width, width).ToArray().Sum() - ((double)score - start[n]))];
        return new(Tensor.Of(x.Shape, Array.ConvertAll(sums, s => (float)s), x.Device), delta);
    }

    /// <summary>Nodes and weights of Gauss and Legendre on 0..1: exact for polynomials of degree 2n − 1. Roots of Pₙ by Newton's method (Abramowitz and Stegun 1964, 25.4.29).</summary>
    internal static (double Node, double Weight)[] Legendre(int n)
    {
        var rule = new (double, double)[n];
        for (int i = 0; i < n; i++)
        {
            double x = Math.Cos(Math.PI * (n - i - 0.25) / (n + 0.5)), slope = 0;
            for (int turn = 0; turn < 100; turn++)
            {
                double value = 1, before = 0;
                for (int k = 1; k <= n; k++) { (value, before) = ((((2 * k) - 1) * x * value - ((k - 1) * before)) / k, value); }
                slope = n * ((x * value) - before) / ((x * x) - 1);
                double step = value / slope;
                x -= step;
                if (Math.Abs(step) < 1e-15) { break; }
            }
            rule[i] = ((1 + x) / 2, 1 / ((1 - (x * x)) * slope * slope));
        }
        return rule;
    }
}
