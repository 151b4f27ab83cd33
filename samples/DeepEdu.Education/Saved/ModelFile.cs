using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Text;
using DeepEdu.Io;

namespace DeepEdu.Education.Saved;

/// <summary>What is asked of a trained model beside its rows.</summary>
internal sealed record PredictOptions
{
    /// <summary>Which column of a long table of answers is what; the header decides if null.</summary>
    public EventColumns? Columns { get; init; }

    /// <summary>How many items a learner, or answers a question.</summary>
    public int Top { get; init; } = 10;

    /// <summary>Whether it says what a grade, or a chance, comes from.</summary>
    public bool Explain { get; init; }

    /// <summary>How texts go on, where texts are made.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Of what is drawn.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>A trained model in use: it reads a file of new rows and tells of each.</summary>
internal interface IPredictor
{
    /// <summary>The result's header and its lines.</summary>
    /// <param name="path">The file of new rows.</param>
    /// <param name="options">What else was asked for.</param>
    IEnumerable<string[]> Predict(string path, PredictOptions options);
}

/// <summary>Opens <c>model.ckpt</c>, from the file or from the folder of a run.</summary>
internal static class ModelFile
{
    /// <summary>Names of its options.</summary>
    public const string Version = "version", Task = "task", Finished = "finished", Data = "data";

    /// <summary>Raised when a model is written down otherwise than before.</summary>
    public const long Newest = 1;

    private const string Name = "model.ckpt";

    private static readonly Dictionary<string, Func<CheckpointFile, IPredictor>> s_kinds = new()
    {
        [ItemPredictor.Kind] = ItemPredictor.Load,
        [ItemPredictor.NextKind] = ItemPredictor.Load,
        [EssayPredictor.Kind] = EssayPredictor.Load,
        [DigitPredictor.Kind] = DigitPredictor.Load,
        [OutcomePredictor.Kind] = OutcomePredictor.Load,
        [TracePredictor.Kind] = TracePredictor.Load,
        [DiagnosisPredictor.Kind] = DiagnosisPredictor.Load,
        [BankPredictor.Kind] = BankPredictor.Load,
        [RiskPredictor.Kind] = RiskPredictor.Load,
        [TextPredictor.Kind] = TextPredictor.Load,
        [AnswerPredictor.Kind] = AnswerPredictor.Load,
    };

    public static string In(string folder) => Path.Combine(folder, Name);

    /// <summary>The file as it was saved, and what predicts with it.</summary>
    /// <param name="path">A <c>model.ckpt</c>, the folder of a task's run, or a run's <c>--out</c> if it has one model.</param>
    public static (CheckpointFile Saved, IPredictor Model) Open(string path)
    {
        CheckpointFile saved = CheckpointFile.Load(Find(path));
        if (!s_kinds.TryGetValue(saved.Info.Architecture, out Func<CheckpointFile, IPredictor>? load))
        {
            throw new DataException($"{saved.Path}: a checkpoint, but no {Name} of this program{(saved.Parts.Contains("training") ? "; it is of a training that --resume goes on with" : "")}.");
        }
        if (saved.Info.Options.Long(Version) != Newest) { throw new DataException($"{saved.Path}: was written as version {saved.Info.Options.Long(Version)}, this program reads version {Newest}; train anew, or predict with the program that wrote it."); }
        try { return (saved, load(saved)); }
        // sizes that are not those of the weights show themselves in many ways
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or ArithmeticException or IndexOutOfRangeException or KeyNotFoundException or OutOfMemoryException)
        {
            throw new DataException($"{saved.Path}: what it says of its model and its weights do not fit together ({e.Message.TrimEnd('.')}); was it changed since it was written? Train anew.");
        }
    }

    private static string Find(string path)
    {
        if (File.Exists(path)) { return path; }
        if (!Directory.Exists(path)) { throw new DataException($"{path}: no such file or folder; give the --out folder of a run, or the {Name} in it."); }
        if (File.Exists(In(path))) { return In(path); }
        string[] folders = [.. Directory.EnumerateDirectories(path).Order(StringComparer.Ordinal)], models = [.. folders.Select(In).Where(File.Exists)];
        return models.Length switch
        {
            1 => models[0],
            0 when folders.Append(path).Any(RunFolder.HoldsTrainings) => throw new DataException($"{path}: holds a run that was ended before it wrote {Name}; go on with it by --resume."),
            0 => throw new DataException($"{path}: no {Name} in this folder; give the --out folder of a run."),
            _ => throw new DataException($"{path}: holds several models; give one of {string.Join(", ", models)}."),
        };
    }
}
