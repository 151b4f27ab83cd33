namespace DeepEdu.Education.Report;

/// <summary>A number that was reached on shuffled answers.</summary>
/// <param name="Name">Of the metric.</param>
/// <param name="Value">What was reached.</param>
/// <param name="Chance">What chance reaches.</param>
/// <param name="Bound">How much better chance may be.</param>
/// <param name="LowerIsBetter">Whether it is an error.</param>
internal readonly record struct CanaryScore(string Name, double Value, double Chance, double Bound, bool LowerIsBetter = false)
{
    /// <summary>Whether it is better than chance can be.</summary>
    public bool Leaks => (LowerIsBetter ? Chance - Value : Value - Chance) > Bound;

    public override string ToString() => $"{Name} {ResultTable.Number(Value)} on shuffled answers, by chance {ResultTable.Number(Chance)} and up to {ResultTable.Number(Bound)} {(LowerIsBetter ? "less" : "more")}";
}

/// <summary>What a run found that learned and told shuffled answers.</summary>
/// <param name="Task">The command.</param>
/// <param name="Data">The data.</param>
/// <param name="Rule">How answers were shuffled.</param>
/// <param name="Scores">What was reached.</param>
internal sealed record CanaryFound(string Task, string Data, string Rule, CanaryScore[] Scores)
{
    /// <summary>What is likely to blame, if there is a suspicion.</summary>
    public string Suspicion { get; init; } = "";

    public bool Leaks => Scores.Any(s => s.Leaks);

    /// <summary>The line that ends a run in which the canary found something.</summary>
    public string Error => $"{Task}, {Data}: answers leak: {string.Join("; ", Scores.Where(s => s.Leaks))}. {(Suspicion.Length > 0 ? Suspicion : "Look for what the model is given of the answers that it is to tell: rows that stand in the data twice, or a test part that is learned from.")}";

    /// <summary>What is said while the run goes on.</summary>
    public IEnumerable<string> Lines => Scores.Select(s => $"canary: {s}{(s.Leaks ? ": A LEAK" : "")}");

    /// <summary>What the report says below its table.</summary>
    public string Text => $"{Rule}{(Suspicion.Length > 0 ? $" {Suspicion}" : "")} Chance is what the same predictions reach when the test answers are shuffled 200 times more: the mean, and four deviations, which it exceeds in one of 30,000 runs.";

    public ReportTable Table => new($"Canary: learned and tested once more on shuffled answers: {(Leaks ? "THEY LEAK" : "no leak found")}",
        ["metric", "on shuffled answers", "by chance", "chance may be better by", "found"], [.. Scores.Select(s => (string[])[s.Name, .. new[] { s.Value, s.Chance, s.Bound }.Select(ResultTable.Number), s.Leaks ? "a leak" : "nothing"])]);
}
