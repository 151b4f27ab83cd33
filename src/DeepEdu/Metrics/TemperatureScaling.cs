using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>Logits divided by one temperature, fitted on examples that the model did not learn from, so that its confidence is as often right as it says (Guo et al. 2017, arXiv:1706.04599, section 4.2). Which class
/// is the likeliest stays. The log loss of the examples it is fitted on never rises: 1 is among the temperatures tried, and the loss is convex in 1/T.
/// <code>
/// var scaling = TemperatureScaling.Fit(model.Forward(validation), labels);
/// var chances = scaling.Apply(model.Forward(test)).Softmax(-1);
/// </code></summary>
public sealed class TemperatureScaling : ISaveState
{
    /// <summary>The lowest and the highest temperature that are given: the ends where the logits are never wrong, or worse than a guess.</summary>
    public const double Coldest = 0.01, Hottest = 100;

    private TemperatureScaling(double temperature) => Temperature = temperature;

    /// <summary>T: above 1 the model was too sure, below 1 not sure enough.</summary>
    public double Temperature { get; }

    /// <summary>Fits to examples of several classes.</summary>
    /// <param name="logits">[N, C].</param>
    /// <param name="labels">[N], the true classes.</param>
    /// <exception cref="ShapeException">The logits are not [N, C] with one label a row.</exception>
    /// <exception cref="ArgumentException">No example, a logit is not finite, or all labels are one class.</exception>
    public static TemperatureScaling Fit(Tensor logits, Indices labels)
    {
        const string op = "temperature-scaling";
        Check.Rows(op, logits);
        ArgumentNullException.ThrowIfNull(labels);
        Check.SameLength(op, logits.Shape[0], labels.Size);
        int classes = logits.Shape[1];
        double[] z = Array.ConvertAll(logits.ToArray(), v => (double)v);
        int[] y = labels.ToArray();
        foreach (int label in y) { Check.Label(op, label, classes); }
        Check.Finite(op, "logit", z);
        Check.TwoKinds<int>(op, y);
        return new(Best(beta =>
        {
            double slope = 0;
            for (int i = 0; i < y.Length; i++)
            {
                ReadOnlySpan<double> row = z.AsSpan(i * classes, classes);
                double top = beta * System.Numerics.Tensors.TensorPrimitives.Max(row), sum = 0, mean = 0;
                foreach (double v in row)
                {
                    double e = Math.Exp((beta * v) - top);
                    (sum, mean) = (sum + e, mean + (e * v));
                }
                slope += (mean / sum) - row[y[i]];
            }
            return slope;
        }));
    }

    /// <summary>Fits to yes/no examples.</summary>
    /// <param name="logits">The logit of yes, ln(p / (1 − p)).</param>
    /// <param name="positive">Whether yes is true.</param>
    /// <exception cref="ArgumentException">The lengths differ, there is no example, a logit is not finite, or all answers are alike.</exception>
    public static TemperatureScaling Fit(ReadOnlySpan<double> logits, ReadOnlySpan<bool> positive)
    {
        const string op = "temperature-scaling";
        Check.SameLength(op, logits.Length, positive.Length);
        Check.Finite(op, "logit", logits);
        Check.TwoKinds(op, positive);
        double[] z = logits.ToArray();
        bool[] yes = positive.ToArray();
        return new(Best(beta => z.Select((v, i) => (PlattScaling.Sigmoid(beta * v) - (yes[i] ? 1 : 0)) * v).Sum()));
    }

    /// <summary>The logits over T; gradients flow through.</summary>
    public Tensor Apply(Tensor logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        return logits * (float)(1 / Temperature);
    }

    /// <summary>The chance of yes, σ(logit / T).</summary>
    public double Probability(double logit) => PlattScaling.Sigmoid(logit / Temperature);

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("temperature", Temperature);
    }

    /// <summary>The one that was saved.</summary>
    /// <exception cref="InvalidDataException">It is not of temperature scaling.</exception>
    public static TemperatureScaling Load(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        double temperature = from.Double("temperature");
        Check.State("temperature-scaling", temperature is >= Coldest and <= Hottest, $"has a temperature of {temperature}, not one in {Coldest}..{Hottest}");
        return new(temperature);
    }

    // where the slope of the loss in β = 1/T, which only rises, is 0: halves of ln β
    private static double Best(Func<double, double> slope)
    {
        if (slope(1) == 0) { return 1; }
        double low = Math.Log(1 / Hottest), high = Math.Log(1 / Coldest);
        if (slope(1 / Hottest) >= 0) { return Hottest; }
        if (slope(1 / Coldest) <= 0) { return Coldest; }
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            if (slope(Math.Exp(middle)) < 0) { low = middle; } else { high = middle; }
        }
        return Math.Exp(-(low + high) / 2);
    }
}
