namespace DeepEdu.Education.Report;

/// <summary>Mean and standard deviation (of a sample: n − 1) over runs with several seeds.</summary>
internal readonly record struct Spread(string Name, double Mean, double Deviation)
{
    public override string ToString() => $"{ResultTable.Number(Mean)} ± {ResultTable.Number(Deviation)}";

    public static Spread Of(string name, IReadOnlyList<double> values)
    {
        double mean = values.Average();
        return new(name, mean, Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1)));
    }
}

/// <summary>What runs with several seeds found of one model on the same data.</summary>
/// <param name="Runs">One run a seed, all finished.</param>
internal sealed record SeedSpread(IReadOnlyList<RunResult> Runs)
{
    public RunResult First => Runs[0];

    public IReadOnlyList<Spread> Metrics { get; } = Over([.. Runs.Select(r => r.Metrics)]);

    public IReadOnlyList<(string Name, IReadOnlyList<Spread> Scores)> Baselines { get; } =
        [.. Runs[0].Baselines.Select(b => (b.Name, Over([.. Runs.Select(r => r.Baselines.First(o => o.Name == b.Name).Scores)])))];

    /// <summary>The runs by task, model and data; those with one finished run have no spread.</summary>
    public static IReadOnlyList<SeedSpread> Of(IEnumerable<RunResult> runs) =>
        [.. runs.Where(r => !r.Interrupted && r.Metrics.Count > 0).GroupBy(r => (r.Task, r.Model, r.Data)).Where(g => g.Count() > 1).Select(g => new SeedSpread([.. g]))];

    private static IReadOnlyList<Spread> Over(IReadOnlyList<IReadOnlyList<Score>> runs) =>
        [.. runs[0].Select(s => s.Name).Where(name => runs.All(r => r.Any(s => s.Name == name))).Select(name => Spread.Of(name, [.. runs.Select(r => r.First(s => s.Name == name).Value)]))];
}
