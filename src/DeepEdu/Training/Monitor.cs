using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>Follows one number of the epochs and knows the best so far.</summary>
/// <param name="name">The number: "val_loss", "val_accuracy"; see <see cref="EpochResult.Values"/>.</param>
/// <param name="higherIsBetter">Whether it is an accuracy, not an error.</param>
/// <param name="minDelta">By how much a value must be better than the best to count.</param>
/// <param name="baseline">What the first must be better than; NaN for anything.</param>
internal sealed class Monitor(string name, bool higherIsBetter, double minDelta, double baseline = double.NaN) : IStateful
{
    /// <summary>The best value; the baseline before it was reached.</summary>
    public double Best { get; private set; } = baseline;

    public int BestEpoch { get; private set; } = -1;

    /// <summary>Whether this epoch is the best so far. NaN never is.</summary>
    public bool Take(EpochResult result)
    {
        double value = result[name];
        bool better = double.IsNaN(Best) ? !double.IsNaN(value) : higherIsBetter ? value > Best + minDelta : value < Best - minDelta;
        if (better) { (Best, BestEpoch) = (value, result.Epoch); }
        return better;
    }

    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("best", Best).Set("best_epoch", BestEpoch);
    }

    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        (Best, BestEpoch) = (from.Double("best"), from.Int("best_epoch"));
    }
}
