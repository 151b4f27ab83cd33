namespace DeepEdu.Training;

/// <summary>What one epoch gave.</summary>
/// <param name="Epoch">Its number, 0 first.</param>
/// <param name="Loss">The mean loss while learning, dropout and all.</param>
/// <param name="Validation">The mean loss on the validation rows; null without them.</param>
/// <param name="Score">What <see cref="TrainerOptions.Score"/> gave; null without it.</param>
/// <param name="Seconds">How long it took, validation included.</param>
public sealed record EpochResult(int Epoch, double Loss, double? Validation, double? Score, double Seconds)
{
    /// <summary>What the epoch is judged by; null if there is nothing but the training loss.</summary>
    public double? Judged => Score ?? Validation;
}

/// <summary>The epochs of a training.</summary>
public sealed class History
{
    private readonly List<EpochResult> _epochs = [];

    /// <summary>The epochs that were finished, in order.</summary>
    public IReadOnlyList<EpochResult> Epochs => _epochs;

    /// <summary>The epoch that the model was left at: the best judged one, or the last; −1 before the first is finished.</summary>
    public int Best { get; private set; } = -1;

    /// <summary>Whether training was cancelled.</summary>
    public bool Stopped { get; internal set; }

    internal void Add(EpochResult result, bool higherIsBetter)
    {
        _epochs.Add(result);
        // NaN is never better, and anything else better than it
        bool better = Best < 0 || result.Judged is not { } now || _epochs[Best].Judged is not { } before || double.IsNaN(before)
            || (result.Score is not null && higherIsBetter ? now > before : now < before);
        if (better) { Best = result.Epoch; }
    }
}
