using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;
using DeepEdu.Io;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Education.Saved;

/// <summary>What a task keeps with <c>--out</c>: <c>OUT/TASK/NAME/last.ckpt</c> of each training while it learns, from which <c>--resume</c> goes on to the same bits, and
/// <c>OUT/TASK/model.ckpt</c> to predict with, and <c>OUT/TASK/predictions.csv.gz</c> of the test cases. Without <c>--out</c> it keeps nothing.</summary>
internal sealed class RunFolder
{
    private const string Part = "trained";
    private readonly string? _folder;
    private readonly bool _resume;
    private readonly CheckpointInfo _info;

    private RunFolder(string? folder, bool resume, CheckpointInfo info) => (_folder, _resume, _info) = (folder, resume, info);

    /// <summary>The folder of a task. A new run takes the place of a finished one; one that was not finished is left for <c>--resume</c>.</summary>
    /// <param name="options">What was asked for: where, and everything that the bits depend on.</param>
    /// <param name="task">The command.</param>
    /// <param name="data">The <see cref="Fingerprint"/> of the data.</param>
    public static RunFolder Open(RunOptions options, string task, string data)
    {
        string? folder = options.Out is { } to ? Path.Combine(to, task) : null;
        RunFolder run = new(folder, options.Resume, new() { Options = options.Settings(task), Seed = options.Seed, DataHash = data });
        if (folder is not null && !options.Resume) { run.Clear(); }
        return run;
    }

    /// <summary>Whether a folder given by <c>--out</c> holds something to go on with.</summary>
    public static bool HoldsARun(string folder) => Directory.Exists(folder) && Directory.EnumerateDirectories(folder).Any(HoldsTrainings);

    /// <summary>Whether a task has left something in its folder to go on with.</summary>
    public static bool HoldsTrainings(string folder) => Trainings(folder).Any();

    /// <summary>The checkpoints of one training of the run.</summary>
    public KeptTraining Training(string name) => _folder is null ? KeptTraining.None : new(new(Path.Combine(_folder, name)) { Info = _info }, _resume);

    /// <summary>Takes over what <see cref="Keep"/> wrote in a run that is gone on with. False where there is nothing.</summary>
    public bool Restore(string name, params IStateful[] to)
    {
        if (_folder is null || !_resume || !File.Exists(Last(name))) { return false; }
        CheckpointFile saved = CheckpointFile.Load(Last(name));
        saved.Require(_info);
        for (int i = 0; i < to.Length; i++) { saved.Restore($"{Part}-{i}", to[i]); }
        return true;
    }

    /// <summary>Writes down something trained to its end: many small trainings need no checkpoint in their middle.</summary>
    public void Keep(string name, params IStateful[] trained)
    {
        if (_folder is null) { return; }
        Directory.CreateDirectory(Path.Combine(_folder, name));
        CheckpointFile.Save(Last(name), _info, [.. trained.Select((t, i) => ($"{Part}-{i}", (ISaveState)t))]);
    }

    /// <summary>Writes the model to predict with, and what it told of the test cases.</summary>
    /// <param name="kind">Which <see cref="IPredictor"/> can use it.</param>
    /// <param name="options">What the predictor is made of.</param>
    /// <param name="result">What was measured.</param>
    /// <param name="stop">Whether the run was stopped before its end.</param>
    /// <param name="parts">Networks and what belongs to them.</param>
    public void SaveModel(string kind, StateDict options, RunResult result, CancellationToken stop, params IReadOnlyList<(string Name, ISaveState Value)> parts)
    {
        if (_folder is null) { return; }
        StateDict metrics = new();
        foreach (Score score in result.Metrics) { metrics.Set(score.Name, score.Value); }
        Directory.CreateDirectory(_folder);
        result.Privacy?.Manifest(options.Part("privacy"));
        CheckpointFile.Save(ModelFile.In(_folder), _info with
        {
            Architecture = kind,
            Options = options.Set(ModelFile.Version, ModelFile.Newest).Set(ModelFile.Task, result.Task).Set(ModelFile.Data, result.Data).Set(ModelFile.Finished, !stop.IsCancellationRequested),
            Metrics = metrics,
        }, parts);
        // of a private run only what is covered goes into a file of rows
        if (result.Privacy is null) { result.Predictions?.Write(_folder); }
        if (result.Privacy is not null && !stop.IsCancellationRequested)
        {
            // they hold the key of the noise
            foreach (string file in Trainings(_folder)) { File.Delete(file); }
        }
    }

    private void Clear()
    {
        string[] trainings = [.. Trainings(_folder!)];
        if (trainings.Length == 0) { return; }
        string model = ModelFile.In(_folder!);
        if (!File.Exists(model) || !CheckpointFile.Load(model).Info.Options.Bool(ModelFile.Finished))
        {
            throw new DataException($"{_folder}: holds a run that was not finished; add --resume to go on with it, or give another --out, or delete the folder to begin anew.");
        }
        foreach (string file in (string[])[model, Predictions.In(_folder!), .. trainings]) { File.Delete(file); }
    }

    private static IEnumerable<string> Trainings(string folder)
        => Directory.Exists(folder) ? Directory.EnumerateDirectories(folder).Select(d => new Checkpoints(d).LastPath).Where(File.Exists) : [];

    private string Last(string name) => new Checkpoints(Path.Combine(_folder!, name)).LastPath;
}

/// <summary>Checkpoints of one training, or of none where nothing is kept.</summary>
internal sealed class KeptTraining(Checkpoints? checkpoints, bool resume)
{
    /// <summary>Keeps nothing.</summary>
    public static KeptTraining None { get; } = new(null, false);

    /// <summary>For the trainer.</summary>
    public Callback[] Callbacks => checkpoints is null ? [] : [checkpoints];

    /// <summary>Takes up the training if the run is one that goes on.</summary>
    public void Resume(TrainingRun run, IProgress progress, string phase = "")
    {
        if (resume && checkpoints is not null && checkpoints.Resume(run)) { progress.Line($"{phase}taken up after {run.Epoch} epochs{(run.Batch > 0 ? $" and {run.Batch} steps" : "")}"); }
    }
}
