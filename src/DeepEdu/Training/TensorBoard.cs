namespace DeepEdu.Training;

/// <summary>Writes the numbers of each epoch for TensorBoard, the training loss every so many steps, the model's summary as a text, and histograms of its parameters.</summary>
/// <param name="folder">The folder of this run; a run that is taken up adds a file.</param>
public sealed class TensorBoard(string folder) : Callback, IDisposable
{
    private EventFile? _file;

    /// <summary>Every how many steps the loss is written; 0 for never.</summary>
    public int LossEvery { get; init; } = 10;

    /// <summary>Every how many epochs histograms of the parameters are written; 0 for never.</summary>
    public int HistogramsEvery { get; init; }

    /// <inheritdoc/>
    public override void OnBegin(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _file = new(folder);
        if (run.Step == 0) { _file.Text("model", 0, "```\n" + run.Model.Summary() + "\n```"); }
    }

    /// <inheritdoc/>
    public override void OnStep(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (LossEvery > 0 && run.Step % LossEvery == 0) { _file!.Scalar("step/loss", run.Step, run.LastLoss); }
    }

    /// <inheritdoc/>
    public override void OnEpoch(TrainingRun run, EpochResult result)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(result);
        foreach (var (name, value) in result.Values) { _file!.Scalar($"epoch/{name}", result.Epoch, value); }
        if (HistogramsEvery == 0 || result.Epoch % HistogramsEvery != 0) { return; }
        foreach (var (name, parameter) in run.Model.Parameters()) { _file!.Histogram(name, result.Epoch, parameter.ToArray()); }
    }

    /// <inheritdoc/>
    public override void Close()
    {
        _file?.Dispose();
        _file = null;
    }

    /// <inheritdoc cref="Close"/>
    public void Dispose() => Close();
}
