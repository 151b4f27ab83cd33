using System.Globalization;
using DeepEdu.Io;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>Writes checkpoints of a training into a folder, from which it goes on to the same bits: "last.ckpt" at the end of each epoch, when training is cancelled, and every so many
/// steps if asked; "best.ckpt" when a number of the epochs is the best so far; and "epoch-0004.ckpt" every so many epochs. A file is written as a whole or not at all.
/// <code>
/// var checkpoints = new Checkpoints("run") { Monitor = "val_loss" };
/// var trainer = new Trainer(model, optimizer, loss, new() { Callbacks = [checkpoints] });
/// checkpoints.Resume(trainer.Run); // goes on where an earlier process ended; otherwise does nothing
/// trainer.Fit(batches, epochs: 10, validation);
/// </code></summary>
/// <param name="folder">The folder; made if need be.</param>
public sealed class Checkpoints(string folder) : Callback
{
    private const string Part = "training";
    private Monitor? _monitor;
    private bool _last, _best, _every;

    /// <summary>Where the last state is.</summary>
    public string LastPath => Path.Combine(folder, "last.ckpt");

    /// <summary>Where the best state is.</summary>
    public string BestPath => Path.Combine(folder, "best.ckpt");

    /// <summary>The number of the epochs that decides which is best; null for no such file.</summary>
    public string? Monitor { get; init; }

    /// <summary>Whether that number is an accuracy, not an error.</summary>
    public bool HigherIsBetter { get; init; }

    /// <summary>Every how many steps the last state is written, beside the ends of epochs; 0 for not.</summary>
    public int EverySteps { get; init; }

    /// <summary>Every how many epochs a file of its own is written; 0 for not.</summary>
    public int EveryEpochs { get; init; }

    /// <summary>What else the files say, and what a file must say to be taken up: seed, data, architecture, options. The numbers of the last epoch are added to its metrics.</summary>
    public CheckpointInfo Info { get; init; } = new();

    private Monitor Watch => _monitor ??= new(Monitor ?? "", HigherIsBetter, 0);

    /// <summary>Takes up the training whose last state is in the folder.</summary>
    /// <param name="run">A trainer made as the one that wrote it: the same model, optimiser, options and callbacks.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or of another training: its parts do not fit, or it says something else than <see cref="Info"/>.</exception>
    public bool Resume(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (!File.Exists(LastPath)) { return false; }
        var saved = CheckpointFile.Load(LastPath);
        saved.Require(Info);
        saved.Restore(Part, run);
        return true;
    }

    /// <summary>Gives a model the weights of a checkpoint: those that were validated, which are the means where the training kept a running mean of its weights (<see cref="TrainerOptions.Average"/>).
    /// Where random streams stand is not taken over: the model may be made with another seed.</summary>
    /// <param name="path"><see cref="BestPath"/>, say.</param>
    /// <param name="model">A model of the same make.</param>
    /// <exception cref="InvalidDataException">The file is damaged, or of another model.</exception>
    public static void LoadModel(string path, Nn.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        try
        {
            var state = CheckpointFile.Load(path).State(Part);
            model.LoadWeights(Validated(state.Part("model"), state.Part("average").Part("mean")));
        }
        catch (InvalidDataException e) when (!e.Message.StartsWith(path, StringComparison.Ordinal)) { throw new InvalidDataException($"{path}: {e.Message}", e); }
    }

    /// <inheritdoc/>
    public override void OnBegin(TrainingRun run) => Directory.CreateDirectory(folder);

    /// <inheritdoc/>
    public override void OnStep(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _last = EverySteps > 0 && run.Step % EverySteps == 0;
    }

    /// <inheritdoc/>
    public override void OnEpoch(TrainingRun run, EpochResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        _last = true;
        _best = Monitor is not null && Watch.Take(result);
        _every = EveryEpochs > 0 && (result.Epoch + 1) % EveryEpochs == 0;
    }

    // before the best weights come back; at the end of an epoch it has been written
    internal override void OnLeaving(TrainingRun run)
    {
        if (run.Batch > 0) { Save(LastPath, run); }
    }

    /// <inheritdoc/>
    public override void OnSettled(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (_last) { Save(LastPath, run); }
        if (_best) { Save(BestPath, run); }
        if (_every) { Save(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"epoch-{run.Epoch:D4}.ckpt")), run); }
        _last = _best = _every = false;
    }

    /// <inheritdoc/>
    public override void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        Watch.SaveState(to);
    }

    /// <inheritdoc/>
    public override void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        Watch.LoadState(from);
    }

    // the means in the place of what they are means of; those of other names are of another model's
    private static StateDict Validated(StateDict weights, StateDict means)
    {
        if (!means.Names.All(name => weights.Has(name) && weights[name] is Tensor own && own.Shape == means.Tensor(name).Shape)) { return weights; }
        var validated = new StateDict();
        foreach (string name in weights.Names) { validated[name] = means.Has(name) ? means[name] : weights[name]; }
        return validated;
    }

    private void Save(string path, TrainingRun run)
    {
        var metrics = new StateDict();
        if (run.History.Epochs.Count > 0)
        {
            foreach (var (name, value) in run.History.Epochs[^1].Values) { metrics.Set(name, value); }
        }
        foreach (string name in Info.Metrics.Names)
        {
            if (!metrics.Has(name)) { metrics[name] = Info.Metrics[name]; }
        }
        CheckpointFile.Save(path, Info with { Metrics = metrics }, (Part, run));
    }
}
