using DeepEdu.Tensors;

namespace DeepEdu.Privacy;

/// <summary>Adds up what private steps tell of one sample, and says it as (ε, δ): whatever is done with the trained model, a sample's being among the data or not changes the chance of any outcome by at
/// most the factor e^ε, but for cases of probability δ (Dwork et al. 2006; data sets are neighbours if one has one sample more). Steps may differ in noise and rate. Rényi divergences
/// (<see cref="SubsampledGaussian"/>) of many orders are added; the order that gives the least ε is taken.
/// <code>
/// double noise = PrivacyAccountant.NoiseFor(epsilon: 8, delta: 1e-5, rate: 0.02, steps: 1000);
/// var accountant = new PrivacyAccountant();
/// accountant.Add(noise, 0.02, 1000);
/// double epsilon = accountant.Epsilon(1e-5);   // just below 8
/// </code></summary>
public sealed class PrivacyAccountant : IStateful
{
    private static readonly double[] s_orders =
        [1.02, 1.05, .. Enumerable.Range(11, 99).Select(i => i / 10.0), .. Enumerable.Range(11, 53).Select(i => (double)i), 72, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024];

    private readonly List<Kind> _kinds = [];

    /// <summary>The orders α that are looked at.</summary>
    public static IReadOnlyList<double> Orders => s_orders;

    /// <summary>How many steps were counted.</summary>
    public long Steps => _kinds.Sum(k => k.Steps);

    /// <summary>Counts steps.</summary>
    /// <param name="noise">σ: the noise's deviation by the clip length.</param>
    /// <param name="rate">q: the chance of a sample to be in the step.</param>
    /// <param name="steps">How many such steps.</param>
    /// <exception cref="ArgumentOutOfRangeException">Noise or steps are negative, or the rate is not in [0, 1].</exception>
    public void Add(double noise, double rate, long steps = 1)
    {
        SubsampledGaussian.Check(noise, rate);
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        if (steps == 0) { return; }
        if (_kinds.Find(k => k.Noise == noise && k.Rate == rate) is { } known) { known.Steps += steps; }
        else { _kinds.Add(new(noise, rate) { Steps = steps }); }
    }

    /// <summary>Counts the steps of another one too: a sample may be in several trainings.</summary>
    public void Add(PrivacyAccountant other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach (var kind in other._kinds.ToArray()) { Add(kind.Noise, kind.Rate, kind.Steps); }
    }

    /// <summary>ε of all steps so far: 0 before the first, infinite after one without noise.</summary>
    /// <param name="delta">δ, well below one by the number of samples.</param>
    /// <exception cref="ArgumentOutOfRangeException">δ is not between 0 and 1.</exception>
    public double Epsilon(double delta) => Best(delta).Epsilon;

    /// <summary>The order α that gives that ε; if it is the first or the last of <see cref="Orders"/>, another one might give less.</summary>
    /// <inheritdoc cref="Epsilon(double)"/>
    public double Order(double delta) => Best(delta).Order;

    /// <summary>δ of all steps so far, for a given ε.</summary>
    /// <param name="epsilon">ε of at least 0.</param>
    public double Delta(double epsilon)
    {
        if (!(epsilon >= 0)) { throw new ArgumentOutOfRangeException(nameof(epsilon), $"privacy-accountant: epsilon {epsilon} must not be negative"); }
        double least = Steps == 0 ? 0 : 1;
        for (int i = 0; i < s_orders.Length; i++) { least = Math.Min(least, SubsampledGaussian.Delta(s_orders[i], Divergence(i), epsilon)); }
        return least;
    }

    /// <summary>The least noise with which so many steps keep to (ε, δ), to a thousandth of itself.</summary>
    /// <param name="epsilon">ε above 0.</param>
    /// <param name="delta">δ between 0 and 1.</param>
    /// <param name="rate">q: the chance of a sample to be in a step.</param>
    /// <param name="steps">How many steps: epochs times batches.</param>
    /// <returns>σ, at least 0.02.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of its range, or no noise up to 100,000 is enough.</exception>
    public static double NoiseFor(double epsilon, double delta, double rate, long steps)
    {
        if (!(epsilon > 0 && epsilon < double.PositiveInfinity)) { throw new ArgumentOutOfRangeException(nameof(epsilon), $"privacy-accountant: epsilon {epsilon} must be a number above 0"); }
        CheckDelta(delta);
        SubsampledGaussian.Check(1, rate);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        double high = 1;
        while (!Keeps(high))
        {
            if ((high *= 2) > 1e5) { throw new ArgumentOutOfRangeException(nameof(epsilon), $"privacy-accountant: no noise up to 100,000 keeps {steps} steps of rate {rate} to epsilon {epsilon} at delta {delta}; take fewer steps, or a larger epsilon"); }
        }
        double low = high / 2;
        while (low > 0.02 && Keeps(low)) { (high, low) = (low, low / 2); }
        low = Math.Max(low, 0.02);
        while (high - low > 1e-3 * low)
        {
            double middle = (low + high) / 2;
            if (Keeps(middle)) { high = middle; } else { low = middle; }
        }
        return high;

        bool Keeps(double noise)
        {
            var accountant = new PrivacyAccountant();
            accountant.Add(noise, rate, steps);
            return accountant.Epsilon(delta) <= epsilon;
        }
    }

    /// <summary>Puts how many steps there were of which noise and rate.</summary>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("noises", [.. _kinds.Select(k => k.Noise)]).Set("rates", [.. _kinds.Select(k => k.Rate)]).Set("steps", [.. _kinds.Select(k => k.Steps)]);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        var (noises, rates, steps) = (from.Doubles("noises"), from.Doubles("rates"), from.Longs("steps"));
        if (rates.Length != noises.Length || steps.Length != noises.Length) { throw new InvalidDataException($"privacy-accountant: the state has {noises.Length} noises, {rates.Length} rates and {steps.Length} counts of steps"); }
        _kinds.Clear();
        for (int i = 0; i < noises.Length; i++) { Add(noises[i], rates[i], steps[i]); }
    }

    private (double Epsilon, double Order) Best(double delta)
    {
        CheckDelta(delta);
        (double Epsilon, double Order) best = (Steps == 0 ? 0 : double.PositiveInfinity, s_orders[0]);
        for (int i = 0; i < s_orders.Length; i++)
        {
            double epsilon = SubsampledGaussian.Epsilon(s_orders[i], Divergence(i), delta);
            if (epsilon < best.Epsilon) { best = (epsilon, s_orders[i]); }
        }
        return best;
    }

    private double Divergence(int order) => _kinds.Sum(k => k.Steps * k.Divergences[order]);

    internal static double CheckDelta(double delta)
        => delta is > 0 and < 1 ? delta : throw new ArgumentOutOfRangeException(nameof(delta), $"privacy-accountant: delta {delta} must lie between 0 and 1, well below one by the number of samples");

    // steps that are alike
    private sealed class Kind(double noise, double rate)
    {
        public double Noise => noise;
        public double Rate => rate;
        public long Steps;

        public double[] Divergences => field ??= Array.ConvertAll(s_orders, order => SubsampledGaussian.Divergence(order, noise, rate));
    }
}
