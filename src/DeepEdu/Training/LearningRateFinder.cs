using System.Globalization;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>Losses at learning rates that grow from step to step.</summary>
/// <param name="Rates">The rates, ascending.</param>
/// <param name="Losses">The running mean of the loss at each.</param>
/// <param name="Suggestion">The rate at which the loss falls fastest by the logarithm of the rate, but at most a tenth of that at which it is least; NaN if it never falls.</param>
public sealed record LearningRateCurve(IReadOnlyList<double> Rates, IReadOnlyList<double> Losses, double Suggestion)
{
    /// <summary>A line a rate, and a bar for its loss.</summary>
    public override string ToString()
    {
        double low = Losses.Min(), high = Losses.Max(), near = Rates.Where(r => r <= Suggestion).DefaultIfEmpty(double.NaN).Max();
        IEnumerable<string> rows = Rates.Select((rate, i) =>
            string.Create(CultureInfo.InvariantCulture, $"{rate,9:0.0e+00} {Losses[i],10:g5} {new string('#', high > low ? (int)(40 * (Losses[i] - low) / (high - low)) : 0)}{(rate == near ? " <" : "")}").TrimEnd());
        return string.Join('\n', rows);
    }
}

/// <summary>Which learning rate to begin with: some steps at rates that grow evenly in their logarithm, until the loss runs away (Smith 2017, arXiv:1506.01186, section 3.3; the running mean and the rule as in fast.ai's).
/// The model, its random streams and the optimiser are then put back to where they were.
/// <code>
/// var curve = LearningRateFinder.Run(model, adam, step =>
/// {
///     using var tape = new Tape();
///     var loss = model.Forward(x).CrossEntropy(y);
///     adam.Step(tape.Gradients(loss));
///     return loss.Item();
/// });
/// adam.LearningRate = curve.Suggestion;
/// </code></summary>
public static class LearningRateFinder
{
    /// <summary>The share of the old mean in the new one.</summary>
    private const double Old = 0.9;

    /// <summary>Tries the rates.</summary>
    /// <param name="model">What the optimiser changes.</param>
    /// <param name="optimizer">Its <see cref="Optimizer.LearningRate"/> is set before each step.</param>
    /// <param name="step">Makes a training step, on the next batch, and returns its loss; told how many came before it.</param>
    /// <param name="low">The first rate.</param>
    /// <param name="high">The last one.</param>
    /// <param name="steps">How many steps at most: it ends before if the loss is not finite, or beyond <paramref name="runaway"/> times the least so far.</param>
    /// <param name="runaway">When the loss has run away.</param>
    /// <exception cref="ArgumentException">The rates are not above 0 and ascending, or there are fewer than 5 steps, or the loss may not grow.</exception>
    /// <exception cref="InvalidOperationException">The first loss is not finite.</exception>
    public static LearningRateCurve Run(IStateful model, Optimizer optimizer, Func<int, float> step, double low = 1e-6, double high = 10, int steps = 100, double runaway = 4)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(step);
        if (!(low > 0 && high > low && double.IsFinite(high) && steps >= 5 && runaway > 1)) { throw new ArgumentException($"learning-rate-finder: rates from {low} to {high} in {steps} steps, up to {runaway} times the least loss; it takes 0 < low < high, at least 5 steps, and a factor above 1"); }
        Action restore = Remember(model), restoreOptimizer = Remember(optimizer);
        List<double> rates = [], losses = [];
        try
        {
            double mean = 0, least = double.PositiveInfinity;
            for (int i = 0; i < steps; i++)
            {
                double rate = low * Math.Pow(high / low, (double)i / (steps - 1));
                optimizer.LearningRate = rate;
                float loss = step(i);
                if (!float.IsFinite(loss))
                {
                    if (i == 0) { throw new InvalidOperationException($"learning-rate-finder: the loss of the first step is {loss}, at a rate of {low}"); }
                    break;
                }
                mean = (Old * mean) + ((1 - Old) * loss);
                double unbiased = mean / (1 - Math.Pow(Old, i + 1));
                rates.Add(rate);
                losses.Add(unbiased);
                if (unbiased > runaway * least && unbiased > 0) { break; }
                least = Math.Min(least, unbiased);
            }
        }
        finally
        {
            restore();
            restoreOptimizer();
        }
        return new(rates, losses, Steepest(rates, losses));
    }

    // up to the least loss: behind it, falls are the noise of a run that goes astray
    private static double Steepest(List<double> rates, List<double> losses)
    {
        int end = 0, best = -1;
        for (int i = 1; i < losses.Count; i++) { if (losses[i] < losses[end]) { end = i; } }
        double steepest = 0;
        for (int i = 1; i < end; i++)
        {
            double slope = losses[i + 1] - losses[i - 1]; // rates are even in their logarithm
            if (slope < steepest) { (steepest, best) = (slope, i); }
        }
        return best < 0 ? double.NaN : Math.Min(rates[best], rates[end] / 10);
    }

    // a state dict holds a part's own tensors, not copies
    private static Action Remember(IStateful part)
    {
        var state = new StateDict();
        part.SaveState(state);
        (Tensor Tensor, float[] Values)[] values = [.. ((ISavedTensors)state).TensorNames.Select(state.Tensor).Select(t => (t, t.ToArray()))];
        return () =>
        {
            foreach (var (tensor, was) in values) { tensor.CopyFrom(was); }
            part.LoadState(state);
        };
    }
}
