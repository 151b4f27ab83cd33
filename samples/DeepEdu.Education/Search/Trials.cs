using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Ui;

namespace DeepEdu.Education.Search;

/// <summary>What a trial reached.</summary>
/// <param name="Value">The best number of its epochs on validation data.</param>
/// <param name="Epochs">How many it has learned.</param>
internal readonly record struct Tried(double Value, int Epochs);

/// <summary>A task's data, read once, and how a trial learns of them. Nothing of it looks at a test part.</summary>
/// <param name="Data">The name of the data.</param>
/// <param name="Print">Their <see cref="Fingerprint"/>.</param>
/// <param name="Metric">The number that compares trials.</param>
/// <param name="HigherIsBetter">Whether it is no error.</param>
/// <param name="Epochs">Of a trial that is trained in full.</param>
/// <param name="Learn">Trains with such options until the epoch that these say, keeping it in the folder or going on from there.</param>
internal sealed record Trials(string Data, string Print, string Metric, bool HigherIsBetter, int Epochs, Func<RunOptions, RunFolder, IProgress, CancellationToken, Tried> Learn)
{
    /// <summary>Why trials cannot stop at an epoch and go on from there; null if they can.</summary>
    public string? NotHalved { get; init; }

    /// <summary>The folds of the data. Trials see the first.</summary>
    public int Folds { get; init; } = 1;

    /// <summary>Whether rows that compare trials are tested in other folds.</summary>
    public bool TestedLater { get; init; }

    /// <summary>Of folds: whether rows that the first validates by are tested in others.</summary>
    public static bool Meets(int[] validation, IEnumerable<int[]> tests) => tests.Any(t => t.Intersect(validation).Any());
}
