using DeepEdu.Training;

namespace DeepEdu.Education.Ui;

/// <summary>Shows how far a trainer is, and leaves a line with some numbers of each epoch.</summary>
/// <param name="to">Where.</param>
/// <param name="phase">What comes before "epoch 3/20", with a space.</param>
/// <param name="shown">Names of the numbers.</param>
internal sealed class EpochLines(IProgress to, string phase, params string[] shown) : Callback, IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => to.Step($"{phase}epoch {value.Epoch + 1}/{value.Epochs}", value.Batch, value.Batches ?? value.Batch);

    public override void OnEpoch(TrainingRun run, EpochResult result)
        => to.Line($"{phase}epoch {result.Epoch + 1,2}/{run.Epochs}  {string.Join("  ", shown.Select(name => $"{name} {result[name]:F4}"))}  {result.Seconds:F1} s");
}
