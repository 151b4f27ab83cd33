using System.Globalization;
using DeepEdu.Education.Ui;

namespace DeepEdu.Education.Report;

/// <summary>The table that ends every run: the headline metric beside those of the baselines.</summary>
internal static class ResultTable
{
    public static void Write(View view, IReadOnlyList<RunResult> results, IReadOnlyList<SeedSpread> spreads)
    {
        view.Table(["task", "model", "metric", "value", "baselines", "seconds"], results.Where(r => r.Metrics.Count > 0).Select(Row));
        if (spreads.Count > 0) { view.Table(["task", "model", "metric", "seeds", "mean ± deviation", "baselines"], spreads.Select(Row)); }
    }

    public static string Number(double value) => (Math.Round(value, 4) + 0.0).ToString("0.0000", CultureInfo.InvariantCulture); // + 0: no "-0.0000"

    private static string[] Row(SeedSpread s)
    {
        Spread headline = s.Metrics[0];
        string baselines = string.Join(", ", s.Baselines.Where(b => b.Scores.Any(o => o.Name == headline.Name)).Select(b => $"{b.Name} {b.Scores.First(o => o.Name == headline.Name)}"));
        return [$"{s.First.Task}, {s.First.Data}", s.First.Model, headline.Name, s.Runs.Count.ToString(CultureInfo.InvariantCulture), headline.ToString(), baselines];
    }

    private static string[] Row(RunResult r)
    {
        Score headline = r.Metrics[0];
        string baselines = string.Join(", ", r.Baselines.Where(b => b.Scores.Any(s => s.Name == headline.Name)).Select(b => $"{b.Name} {Number(b.Scores.First(s => s.Name == headline.Name).Value)}"));
        return [$"{r.Task}, {r.Data}", r.Model, headline.Name, Number(headline.Value), baselines, r.Seconds.ToString("0.0", CultureInfo.InvariantCulture)];
    }
}
