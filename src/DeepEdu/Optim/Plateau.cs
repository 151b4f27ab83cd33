using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Lowers the learning rate when a metric stops getting better. <c>ReduceLROnPlateau</c>.
/// <code>plateau.Report(validationLoss); // after each epoch</code></summary>
/// <param name="optimizer">Whose learning rate is lowered.</param>
/// <param name="options">How.</param>
/// <exception cref="ArgumentOutOfRangeException">The factor is not in [0, 1), or another option is negative.</exception>
public sealed class Plateau(Optimizer optimizer, PlateauOptions? options = null) : IStateful
{
    private readonly PlateauOptions _options = Checked(options ?? new());
    private readonly Optimizer _optimizer = optimizer ?? throw new ArgumentNullException(nameof(optimizer));
    private int _bad, _rest;

    /// <summary>The best value so far; NaN before the first.</summary>
    public double Best { get; private set; } = double.NaN;

    /// <summary>Takes in the metric of one epoch. NaN is never better.</summary>
    /// <returns>Whether the learning rate was lowered.</returns>
    public bool Report(double metric)
    {
        if (IsBetter(metric)) { (Best, _bad) = (metric, 0); }
        else { _bad++; }
        if (_rest > 0)
        {
            _rest--;
            _bad = 0;
        }
        if (_bad <= _options.Patience) { return false; }
        (_rest, _bad) = (_options.Cooldown, 0);
        double rate = Math.Max(_options.Floor, _optimizer.LearningRate * _options.Factor);
        if (_optimizer.LearningRate - rate <= 1e-8) { return false; } // PyTorch's eps: a change too small to matter
        _optimizer.LearningRate = rate;
        return true;
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("best", Best).Set("bad", _bad).Set("rest", _rest);
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        (Best, _bad, _rest) = (from.Double("best"), from.Int("bad"), from.Int("rest"));
    }

    private static PlateauOptions Checked(PlateauOptions options)
    {
        if (!(options.Factor is >= 0 and < 1)) { throw new ArgumentOutOfRangeException(nameof(options), $"plateau: a factor of {options.Factor} does not lower the learning rate; it must be at least 0 and below 1"); }
        if (options.Patience < 0 || options.Cooldown < 0) { throw new ArgumentOutOfRangeException(nameof(options), $"plateau: a patience of {options.Patience} and a cooldown of {options.Cooldown} epochs must not be negative"); }
        if (!(options.Threshold >= 0) || !(options.Floor >= 0)) { throw new ArgumentOutOfRangeException(nameof(options), $"plateau: a threshold of {options.Threshold} and a floor of {options.Floor} must not be negative"); }
        return options;
    }

    private bool IsBetter(double metric)
    {
        if (double.IsNaN(Best)) { return !double.IsNaN(metric); }
        double margin = _options.Threshold * (_options.ThresholdIsAbsolute ? 1 : Best);
        return _options.HigherIsBetter ? metric > Best + margin : metric < Best - margin;
    }
}

/// <summary>Settings of <see cref="Plateau"/>.</summary>
public sealed record PlateauOptions
{
    /// <summary>What the learning rate is multiplied by.</summary>
    public double Factor { get; init; } = 0.1;

    /// <summary>Epochs without getting better that are let pass.</summary>
    public int Patience { get; init; } = 10;

    /// <summary>How much better counts: a part of the best value, or an amount.</summary>
    public double Threshold { get; init; } = 1e-4;

    /// <summary>Whether the threshold is an amount.</summary>
    public bool ThresholdIsAbsolute { get; init; }

    /// <summary>Epochs after a change that are not counted.</summary>
    public int Cooldown { get; init; }

    /// <summary>The lowest rate.</summary>
    public double Floor { get; init; }

    /// <summary>Whether the metric is an accuracy, not a loss.</summary>
    public bool HigherIsBetter { get; init; }
}
