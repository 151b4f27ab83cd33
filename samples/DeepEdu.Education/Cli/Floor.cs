using System.Globalization;
using System.Text.RegularExpressions;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;

namespace DeepEdu.Education.Cli;

/// <summary>What a metric must reach, such as <c>auc&gt;=0.75</c>, or of one task <c>trace.auc&gt;=0.75</c>.</summary>
internal sealed partial record Floor(string Text, string? Task, string Metric, bool AtLeast, double Value)
{
    public static Floor? Parse(string text)
    {
        Match m = Shape().Match(text);
        return m.Success && double.TryParse(m.Groups["value"].ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? new(text, m.Groups["task"] is { Success: true } task ? task.Value : null, m.Groups["metric"].Value, m.Groups["than"].Value == ">=", value) : null;
    }

    /// <summary>Why no run of these tasks can reach it, as far as that is known before; null where one may.</summary>
    public string? Unknown(IReadOnlyList<IEducationTask> tasks, RunOptions options)
    {
        if (tasks.Any(t => t.Measures(options) is null)) { return null; }
        (string Task, string[] Metrics)[] all = [.. tasks.SelectMany(t => t.Measures(options)!)], its = Array.FindAll(all, t => Task is null || t.Task == Task);
        return its.Length == 0 ? $"--assert {Text}: no task called {Task} is run; there is {string.Join(", ", all.Select(t => t.Task))}."
            : its.Any(t => t.Metrics.Contains(Metric)) ? null : $"--assert {Text}: there is no {Metric}; metrics are {string.Join(", ", its.SelectMany(t => t.Metrics).Distinct())}.";
    }

    /// <summary>Why it is missed; null where it is reached. Of several seeds the mean counts.</summary>
    public string? Missed(IReadOnlyList<RunResult> results)
    {
        RunResult[] its = [.. results.Where(r => Task is null || r.Task == Task)];
        if (its.Length == 0) { return $"--assert {Text}: no task called {Task} was run."; }
        string[] names = [.. its.SelectMany(r => r.Metrics).Select(s => s.Name).Distinct()];
        if (!names.Contains(Metric)) { return $"--assert {Text}: there is no {Metric}; metrics are {string.Join(", ", names)}."; }
        foreach (var model in its.Where(r => r.Metrics.Any(s => s.Name == Metric)).GroupBy(r => (r.Task, r.Model, r.Data)))
        {
            double mean = model.Average(r => r.Metrics.First(s => s.Name == Metric).Value);
            if (!(AtLeast ? mean >= Value : mean <= Value)) { return $"--assert {Text}: {model.Key.Task}, {model.Key.Model} on {model.Key.Data} reached {ResultTable.Number(mean)}{(model.Count() > 1 ? $" over {model.Count()} seeds" : "")}."; }
        }
        return null;
    }

    [GeneratedRegex(@"^\s*(?:(?<task>[a-z-]+)\.)?(?<metric>[^<>=\s]+)\s*(?<than>>=|<=)\s*(?<value>\S+)\s*$", RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}
