using DeepEdu.Education.Cli;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;

namespace DeepEdu.Education.Tasks;

/// <summary>A command: reads its data, trains its model beside the baselines, and tells what came out. It looks at <c>stop</c> after every
/// training step and then returns what it has.</summary>
internal interface IEducationTask
{
    string Name { get; }

    /// <summary>Why it does not train privately; null if it does.</summary>
    string? NotPrivate { get; }

    IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop);
}
