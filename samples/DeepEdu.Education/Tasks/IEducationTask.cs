using DeepEdu.Education.Cli;
using DeepEdu.Education.Report;
using DeepEdu.Education.Search;
using DeepEdu.Education.Ui;

namespace DeepEdu.Education.Tasks;

/// <summary>A command: reads its data, trains its model beside the baselines, and tells what came out. It looks at <c>stop</c> after every
/// training step and then returns what it has.</summary>
internal interface IEducationTask
{
    string Name { get; }

    /// <summary>Why it does not train privately; null if it does.</summary>
    string? NotPrivate { get; }

    /// <summary>Names of options in <see cref="SearchSetting"/> that change what it trains, with such options.</summary>
    IReadOnlyList<string> Tunes(RunOptions options);

    /// <summary>The names that metrics of its results may have, by the task that a result is of; null where only the data tell.</summary>
    IReadOnlyList<(string Task, string[] Metrics)>? Measures(RunOptions options) => null;

    /// <summary>Its data for a search.</summary>
    Trials Trials(RunOptions options, IProgress progress);

    IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop);
}
