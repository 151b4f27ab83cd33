using DeepEdu.Metrics;

namespace DeepEdu.Education.Report;

/// <summary>A named number; the first of a list is the headline.</summary>
internal readonly record struct Score(string Name, double Value);

/// <summary>A curve over epochs.</summary>
internal sealed record Curve(string Name, double[] Values);

/// <summary>All curves of one chart, such as training and validation loss.</summary>
internal sealed record Chart(string Title, Curve[] Curves)
{
    /// <summary>What the places of a curve count.</summary>
    public string Axis { get; init; } = "epoch";
}

/// <summary>A table of the report beside the metrics.</summary>
internal sealed record ReportTable(string Title, string[] Header, IReadOnlyList<string[]> Rows);

/// <summary>What a run found.</summary>
internal sealed record RunResult(string Task, string Model, string Data)
{
    public IReadOnlyList<Score> Metrics { get; init; } = [];

    /// <summary>Per baseline its scores, named as in <see cref="Metrics"/>.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<Score> Scores)> Baselines { get; init; } = [];

    public int Epochs { get; init; }

    /// <summary>Whether it was stopped before its end, so that its numbers are no others' equals.</summary>
    public bool Interrupted { get; init; }

    public double Seconds { get; init; }

    public ulong Seed { get; init; }

    public IReadOnlyList<Chart> Charts { get; init; } = [];

    public ConfusionMatrix? Confusion { get; init; }

    public string[] ClassNames { get; init; } = [];

    public Calibration? Calibration { get; init; }

    public IReadOnlyList<ReportTable> Tables { get; init; } = [];

    /// <summary>Some test essays, and what their words gave.</summary>
    public IReadOnlyList<ExplainedEssay> Essays { get; init; } = [];

    /// <summary>Some test learners over their answers.</summary>
    public IReadOnlyList<Trajectory> Learners { get; init; } = [];

    /// <summary>What shuffled answers showed; null where they were not asked for.</summary>
    public CanaryFound? Canary { get; init; }

    /// <summary>What is promised of the learners learned from; null where privacy was not asked for.</summary>
    public PrivacyTold? Privacy { get; init; }

    /// <summary>What was tried before the run; null where nothing was searched.</summary>
    public SearchTold? Search { get; init; }

    /// <summary>What was told of each test case; null where no single case is told.</summary>
    public Predictions? Predictions { get; init; }

    /// <summary>How it was measured: protocol, split, choice of the epoch.</summary>
    public string Protocol { get; init; } = "";
}
