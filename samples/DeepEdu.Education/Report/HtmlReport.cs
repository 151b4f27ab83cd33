using System.Globalization;
using System.Net;
using System.Text;

namespace DeepEdu.Education.Report;

/// <summary>The report as one file that is also well-formed XML.</summary>
internal static class HtmlReport
{
    private const string Style = "body{font:15px/1.5 sans-serif;color:#222;max-width:1000px;margin:2em auto;padding:0 1em}"
        + "table{border-collapse:collapse;margin:1em 0}th,td{border:1px solid #ccc;padding:.3em .7em;text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}"
        + ".model{font-weight:bold;background:#eef5fc}.charts{display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start}svg{border:1px solid #eee}code{background:#f4f4f4;padding:.1em .3em}";

    /// <summary>A section a run; of several seeds, means and deviations, and a section of the first run of each.</summary>
    public static string Render(IReadOnlyList<RunResult> results, string commandLine, IReadOnlyList<SeedSpread>? spreads = null)
    {
        StringBuilder html = new();
        html.Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><title>DeepEdu education report</title><style>").Append(Style).Append(results.Any(r => r.Essays.Count > 0) ? ExplainedEssay.Style : "").Append("</style></head><body>\n<h1>DeepEdu education report</h1>\n");
        foreach (SeedSpread spread in spreads ?? []) { Section(html, spread); }
        HashSet<RunResult> told = [.. (spreads ?? []).SelectMany(s => s.Runs.Skip(1))];
        foreach (RunResult result in results.Where(r => !told.Contains(r))) { Section(html, result); }
        html.Append("<h2>Reproduce</h2>\n<p><code>dotnet run -c Release --project samples/DeepEdu.Education -- ").Append(Encode(commandLine)).Append("</code></p>\n</body></html>\n");
        return html.ToString();
    }

    private static void Section(StringBuilder html, RunResult r)
    {
        html.Append(CultureInfo.InvariantCulture, $"<h2>{Encode(r.Task)}: {Encode(r.Model)} on {Encode(r.Data)}</h2>\n");
        if (r.Protocol.Length > 0) { html.Append(CultureInfo.InvariantCulture, $"<p>{Encode(r.Protocol)}</p>\n"); }
        if (r.Metrics.Count > 0) { Table(html, r); }
        html.Append(CultureInfo.InvariantCulture, $"<p>{r.Epochs} epochs, {r.Seconds:0.0} s, seed {r.Seed}{(r.Interrupted ? "; interrupted before its end" : "")}.</p>\n<div class=\"charts\">\n");
        foreach (Chart chart in r.Charts) { html.Append(Svg.Lines(chart)).Append('\n'); }
        if (r.Confusion is not null) { html.Append(Svg.Confusion(r.Confusion, r.ClassNames)).Append('\n'); }
        if (r.Calibration is not null) { html.Append(Svg.Reliability(r.Calibration)).Append('\n'); }
        html.Append("</div>\n");
        if (r.Canary is not null)
        {
            Table(html, r.Canary.Table);
            html.Append(CultureInfo.InvariantCulture, $"<p>{Encode(r.Canary.Text)}</p>\n");
        }
        if (r.Privacy is not null)
        {
            Table(html, r.Privacy.Table);
            html.Append(CultureInfo.InvariantCulture, $"<p>{Encode(r.Privacy.Text)}</p>\n");
        }
        if (r.Search is not null)
        {
            html.Append(CultureInfo.InvariantCulture, $"<h3>Search</h3>\n<p>{Encode(r.Search.Text)}</p>\n<div class=\"charts\">\n");
            foreach (string drawing in r.Search.Svgs()) { html.Append(drawing).Append('\n'); }
            html.Append("</div>\n");
            Table(html, r.Search.Table());
        }
        foreach (ReportTable table in r.Tables) { Table(html, table); }
        if (r.Learners.Count > 0) { html.Append("<h3>What some test learners knew</h3>\n<p>Lines are the chance that the next answer to a skill is right, told by the network that did not learn from the learner. What moved a chance is by how much it would be another if that one answer had not been given (occlusion).</p>\n"); }
        foreach (Trajectory learner in r.Learners) { html.Append(CultureInfo.InvariantCulture, $"<div>{learner.Svg()}</div>\n<p>{Encode(learner.Because)}</p>\n"); }
        if (r.Essays.Count > 0) { html.Append("<h3>What the words of some test essays gave</h3>\n").Append(ExplainedEssay.Key); }
        foreach (ExplainedEssay essay in r.Essays) { html.Append(essay.Html(Encode, ExplainedEssay.Strongest(r.Essays))); }
    }

    private static void Section(StringBuilder html, SeedSpread s)
    {
        html.Append(CultureInfo.InvariantCulture, $"<h2>{Encode(s.First.Task)}: {Encode(s.First.Model)} on {Encode(s.First.Data)}, {s.Runs.Count} seeds</h2>\n<p>Mean ± standard deviation. What follows below is of seed {s.First.Seed}.</p>\n");
        string[] seeds = [.. s.Runs.Select(r => $"seed {r.Seed}")], baselines = [.. s.Baselines.Select(b => b.Name)];
        Table(html, new ReportTable("", ["", s.First.Model, .. baselines, .. seeds], [.. s.Metrics.Select(m => (string[])[m.Name, m.ToString(),
            .. s.Baselines.Select(b => b.Scores.Where(o => o.Name == m.Name).Select(o => o.ToString()).FirstOrDefault("–")), .. s.Runs.Select(r => Number(r.Metrics.First(o => o.Name == m.Name)))])]));
    }

    /// <summary>A row a metric, a column a model: there are more metrics than models.</summary>
    private static void Table(StringBuilder html, RunResult r)
    {
        html.Append(CultureInfo.InvariantCulture, $"<table><tr><th></th><th class=\"model\">{Encode(r.Model)}</th>");
        foreach (var (name, _) in r.Baselines) { html.Append(CultureInfo.InvariantCulture, $"<th>{Encode(name)}</th>"); }
        html.Append("</tr>\n");
        foreach (Score metric in r.Metrics)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><th>{Encode(metric.Name)}</th><td class=\"n model\">{Number(metric)}</td>");
            foreach (var (_, scores) in r.Baselines) { html.Append(CultureInfo.InvariantCulture, $"<td class=\"n\">{Number(scores.Cast<Score?>().FirstOrDefault(s => s!.Value.Name == metric.Name))}</td>"); }
            html.Append("</tr>\n");
        }
        html.Append("</table>\n");
    }

    private static void Table(StringBuilder html, ReportTable table)
    {
        html.Append(CultureInfo.InvariantCulture, $"{(table.Title.Length > 0 ? $"<h3>{Encode(table.Title)}</h3>\n" : "")}<table><tr>");
        foreach (string name in table.Header) { html.Append(CultureInfo.InvariantCulture, $"<th>{Encode(name)}</th>"); }
        html.Append("</tr>\n");
        foreach (string[] row in table.Rows)
        {
            html.Append("<tr>");
            foreach (string cell in row) { html.Append(CultureInfo.InvariantCulture, $"<td{(cell.Length > 0 && cell.All(c => char.IsAsciiDigit(c) || c is '.' or '-') ? " class=\"n\"" : "")}>{Encode(cell)}</td>"); }
            html.Append("</tr>\n");
        }
        html.Append("</table>\n");
    }

    private static string Number(Score? score) => score is { } s && double.IsFinite(s.Value) ? ResultTable.Number(s.Value) : "–";

    // what XML has no place for, such as other control characters, is told by a mark
    private static string Encode(string text) => WebUtility.HtmlEncode(string.Concat(text.EnumerateRunes().Select(r => r.Value >= ' ' ? r.Value is 0xFFFE or 0xFFFF ? "\uFFFD" : r.ToString() : r.Value is '\t' or '\n' or '\r' ? r.ToString() : "\uFFFD")));
}
