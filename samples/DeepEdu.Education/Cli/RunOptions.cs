using System.Globalization;
using DeepEdu.Devices;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Search;
using DeepEdu.Education.Ui;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Cli;

/// <summary>What was asked for of private training.</summary>
/// <param name="Epsilon">ε of all trainings of the run together.</param>
/// <param name="Delta">δ; null: one by n ln n of n learners.</param>
/// <param name="Clip">The longest gradient of one learner; null: the command's own.</param>
/// <param name="NoiseSeed">Where noise comes from in a study; null: from a key that nobody knows.</param>
internal sealed record PrivacyAsked(double Epsilon, double? Delta = null, double? Clip = null, ulong? NoiseSeed = null);

/// <summary>What the user asked for, parsed and checked. Null means: the task's own default.</summary>
internal sealed record RunOptions
{
    public string? Data { get; init; }

    /// <summary>Which column of a long table of answers is what; the header decides if null.</summary>
    public EventColumns? Columns { get; init; }

    public int? Epochs { get; init; }

    public int? Batch { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <summary>How many runs there are, with this seed and those that follow it.</summary>
    public int Seeds { get; init; } = 1;

    /// <summary>What metrics must reach.</summary>
    public IReadOnlyList<Floor> Floors { get; init; } = [];

    public string? Out { get; init; }

    public string? Json { get; init; }

    /// <summary>Where networks are trained.</summary>
    public Device Device { get; init; } = CpuDevice.Instance;

    /// <summary>A small run to see that everything works: fewer epochs and less data.</summary>
    public bool Quick { get; init; }

    public int Prompt { get; init; } = 1;

    public int Factors { get; init; } = 8;

    /// <summary>How many folds to learn and test; all if null.</summary>
    public int? Folds { get; init; }

    /// <summary>The weeks of a course that are seen; the task's own number if null.</summary>
    public int? Weeks { get; init; }

    /// <summary>What a token of a text is: char or word.</summary>
    public string Tokens { get; init; } = "char";

    /// <summary>Which network traces, a name of <see cref="TracingKind"/>.</summary>
    public string Network { get; init; } = TracingKind.Usual;

    /// <summary>What is added to its loss.</summary>
    public DktPlus Plus { get; init; } = DktPlus.None;

    /// <summary>Which network recommends, a name of <see cref="RecommendKind"/>.</summary>
    public string Recommender { get; init; } = RecommendKind.Usual;

    /// <summary>What a network of sequences learns by, softmax or bce; its own if null.</summary>
    public string? Loss { get; init; }

    /// <summary>The highest rate of learning; the task's own if null, as the next ones.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Units of the network.</summary>
    public int? Hidden { get; init; }

    /// <summary>The share of values left out while learning.</summary>
    public double? Dropout { get; init; }

    public double? WeightDecay { get; init; }

    /// <summary>What is searched before the run; null: nothing.</summary>
    public SearchAsked? Search { get; init; }

    /// <summary>Of a trial: the epoch after which it stops for now.</summary>
    public int? Until { get; init; }

    /// <summary>Whether all is learned once more on shuffled answers, of which nothing must be told.</summary>
    public bool Canary { get; init; }

    /// <summary>Private training; null if it was not asked for.</summary>
    public PrivacyAsked? Privacy { get; init; }

    /// <summary>Goes on with the run in <see cref="Out"/>.</summary>
    public bool Resume { get; init; }

    /// <summary>The arguments as typed, without --resume, for the line in the report that reproduces the run.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>How many of the folds to learn and test, and a line where more were asked for than there are.</summary>
    public int FoldsOf(int there, int quick, IProgress progress)
    {
        if (Folds > there) { progress.Line($"--folds {Folds}: there are {there}, and all of them are taken"); }
        return Math.Min(there, Folds ?? (Quick ? quick : there));
    }

    /// <summary>The runs, each with a seed and, of several, a folder of its own. Of a run that goes on with others, those not yet begun begin.</summary>
    public IEnumerable<RunOptions> Each()
    {
        if (Seeds == 1) { return [this]; }
        return Enumerable.Range(0, Seeds).Select(i => Seed + (ulong)i).Select(seed =>
        {
            string? folder = Out is null ? null : Path.Combine(Out, string.Create(CultureInfo.InvariantCulture, $"seed-{seed}"));
            return this with { Seed = seed, Seeds = 1, Out = folder, Resume = Resume && (Search is null ? RunFolder.HoldsARun(folder!) : SearchRun.HoldsOne(folder!)) };
        });
    }

    /// <summary>What the bits of a run depend on beside seed and data, flag by flag.</summary>
    public StateDict Settings(string command)
    {
        StateDict settings = Common(command);
        if (Privacy is { } p) { settings.Set("--epsilon", p.Epsilon).Set("--delta", p.Delta?.ToString(CultureInfo.InvariantCulture) ?? "default").Set("--clip", p.Clip?.ToString(CultureInfo.InvariantCulture) ?? "default").Set("--noise-seed", p.NoiseSeed is null ? "none" : "given"); }
        if (Recommender != RecommendKind.Usual) { settings.Set("--loss", Loss ?? "default"); }
        return settings;
    }

    private StateDict Common(string command) => new StateDict().Set("command", command).Set("--epochs", OrDefault(Epochs)).Set("--batch", OrDefault(Batch)).Set("--quick", Quick)
        .Set("--prompt", Prompt).Set("--factors", Factors).Set("--folds", OrDefault(Folds)).Set("--weeks", OrDefault(Weeks)).Set("--tokens", Tokens).Set("--network", Recommender == RecommendKind.Usual ? Network : Recommender)
        .Set("--reconstruct", Plus.Reconstruct).Set("--wave1", Plus.Wave1).Set("--wave2", Plus.Wave2).Set("--lr", OrDefault(LearningRate)).Set("--hidden", OrDefault(Hidden)).Set("--dropout", OrDefault(Dropout)).Set("--weight-decay", OrDefault(WeightDecay)).Set("--device", Device.Name);

    private static string OrDefault(IFormattable? number) => number?.ToString(null, CultureInfo.InvariantCulture) ?? "default";
}
