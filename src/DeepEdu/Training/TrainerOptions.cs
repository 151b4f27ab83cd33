using DeepEdu.Optim;

namespace DeepEdu.Training;

/// <summary>Settings of a <see cref="Trainer"/>.</summary>
public sealed record TrainerOptions
{
    /// <summary>The learning rate of each step, counted over all epochs; the optimiser's own if null.</summary>
    public Schedule? Schedule { get; init; }

    /// <summary>The longest joint gradient; see <see cref="Clip.ByNorm"/>. No limit if null.</summary>
    public float? ClipNorm { get; init; }

    /// <summary>Asked after each epoch for what the epochs are judged by, such as a metric on held-out rows. If null, the validation loss.</summary>
    public Func<double>? Score { get; init; }

    /// <summary>Whether <see cref="Score"/> is an accuracy, not an error.</summary>
    public bool HigherIsBetter { get; init; }

    /// <summary>How many epochs in a row may fail to be the best; one more ends the training.</summary>
    public int Patience { get; init; } = int.MaxValue;

    /// <summary>Where progress is shown; nowhere if null.</summary>
    public ProgressLine? Progress { get; init; }
}
