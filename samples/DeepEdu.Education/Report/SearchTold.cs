using System.Globalization;
using System.Text;
using DeepEdu.Education.Ui;

namespace DeepEdu.Education.Report;

/// <summary>A trial of a search.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Options">What was tried.</param>
/// <param name="Until">The epoch until which it was trained, unless it stopped before by itself.</param>
/// <param name="Value">The best number of its epochs on validation data; NaN if there is none.</param>
internal sealed record TrialTold(int Number, IReadOnlyList<(string Name, string Value)> Options, int Until, double Value)
{
    /// <summary>As it is typed.</summary>
    public string Typed => string.Join(' ', Options.Select(o => $"--{o.Name} {o.Value}"));
}

/// <summary>What a search tried.</summary>
/// <param name="By">How it searched.</param>
/// <param name="Metric">What it compared.</param>
/// <param name="HigherIsBetter">Whether that is no error.</param>
/// <param name="Trials">In the order in which they were drawn.</param>
/// <param name="Best">The one that was run; null if the search was interrupted before there was one.</param>
internal sealed record SearchTold(string By, string Metric, bool HigherIsBetter, IReadOnlyList<TrialTold> Trials, TrialTold? Best)
{
    private const int Shown = 10;

    /// <summary>Options that are drawn by their logarithm.</summary>
    public IReadOnlyCollection<string> Logarithms { get; init; } = [];

    /// <summary>How many trials there were to be.</summary>
    public int Asked { get; init; }

    /// <summary>Of a trial that is trained in full.</summary>
    public int Epochs { get; init; }

    /// <summary>Whether the data are in folds.</summary>
    public bool Folded { get; init; }

    /// <summary>Whether rows that compared trials were tested in other folds.</summary>
    public bool TestedLater { get; init; }

    /// <summary>How it was done.</summary>
    public string Text => $"{Trials.Count}{(Trials.Count < Asked ? $" of {Asked}" : "")} trials learned from the training part{(Folded ? " of the first fold" : "")} and were compared by the best {Metric} of its validation part{By switch
    {
        "halving" => $": all after a few epochs, the best third after three times as many, and so on until {Epochs} (successive halving)",
        "hyperband" => $", in brackets of successive halving that begin ever longer, until {Epochs} epochs (Hyperband)",
        _ => $", each after {Epochs} epochs (random search)",
    }}. No trial looked at the test part. {(Best is null ? "The search was interrupted." : $"The numbers above are of one run, with the settings of trial {Best.Number}: {Best.Typed}. Its validation number is that of the best of many and therefore flattered; the test numbers are not.")}"
        + $"{(TestedLater ? " But folds after the first test rows that compared trials, so that their numbers are slightly optimistic; without --folds the first alone is tested." : "")}";

    public ReportTable Table(int most = int.MaxValue) => new($"Trials{(Trials.Count > most ? $": the best {most} of {Trials.Count}" : "")}", ["trial", .. Names, "epochs", Metric],
        [.. Ranked().Take(most).Select(t => (string[])[t.Number.ToString(CultureInfo.InvariantCulture), .. t.Options.Select(o => o.Value), t.Until.ToString(CultureInfo.InvariantCulture), double.IsNaN(t.Value) ? "–" : ResultTable.Number(t.Value)])]);

    /// <summary>On the console.</summary>
    public void Write(View view)
    {
        ReportTable table = Table(Shown);
        if (table.Rows.Count == 0) { return; }
        view.Line(table.Title);
        view.Table(table.Header, table.Rows);
    }

    /// <summary>A drawing for each option: its values beside the number. Trials that were not trained in full are hollow, the one that was run is red.</summary>
    public IEnumerable<string> Svgs() => Names.Select(Drawn).Where(s => s.Length > 0);

    private IEnumerable<string> Names => Trials.Count == 0 ? [] : Trials[0].Options.Select(o => o.Name);

    // those trained longest first, for numbers of fewer epochs are no others' equals
    private IEnumerable<TrialTold> Ranked() => Trials.OrderByDescending(t => t.Until).ThenBy(t => double.IsNaN(t.Value)).ThenBy(t => HigherIsBetter ? -t.Value : t.Value).ThenBy(t => t.Number);

    private string Drawn(string name)
    {
        const double width = 460, height = 260, left = 58, right = 20, top = 34, bottom = 42;
        var points = Trials.Where(t => double.IsFinite(t.Value)).Select(t => (Trial: t, Text: t.Options.First(o => o.Name == name).Value)).ToArray();
        if (points.Length == 0) { return ""; }
        bool log = Logarithms.Contains(name), numbers = points.All(p => double.TryParse(p.Text, CultureInfo.InvariantCulture, out _));
        string[] texts = [.. points.Select(p => p.Text).Distinct().Order(StringComparer.Ordinal)];
        double Place(string text) => !numbers ? Array.IndexOf(texts, text) : double.Parse(text, CultureInfo.InvariantCulture) is var x && log ? Math.Log10(x) : x;
        double low = points.Min(p => Place(p.Text)), high = points.Max(p => Place(p.Text)), least = points.Min(p => p.Trial.Value), most = points.Max(p => p.Trial.Value);
        double X(double x) => left + ((width - left - right) * (high > low ? (x - low) / (high - low) : 0.5));
        double Y(double y) => top + ((height - top - bottom) * (most > least ? (most - y) / (most - least) : 0.5));
        StringBuilder svg = Svg.Begin(width, height, $"{Metric} by {name}");
        for (int t = 0; t <= 4; t++)
        {
            double y = least + ((most - least) * t / 4), x = low + ((high - low) * t / 4);
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{left}\" y1=\"{Y(y):0.0}\" x2=\"{width - right}\" y2=\"{Y(y):0.0}\" stroke=\"#ddd\"/>");
            Svg.Text(svg, left - 6, Y(y) + 4, "end", y.ToString("G4", CultureInfo.InvariantCulture));
            if (numbers) { Svg.Text(svg, X(x), height - bottom + 16, "middle", (log ? Math.Pow(10, x) : x).ToString("G3", CultureInfo.InvariantCulture)); }
        }
        foreach (string text in numbers ? [] : texts) { Svg.Text(svg, X(Place(text)), height - bottom + 16, "middle", text); }
        Svg.Text(svg, (left + width - right) / 2, height - 8, "middle", log ? $"{name}, by its logarithm" : name);
        foreach (var (trial, text) in points)
        {
            string colour = trial == Best ? "#d1495b" : "#0b6bcb";
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(Place(text)):0.0}\" cy=\"{Y(trial.Value):0.0}\" r=\"{(trial == Best ? 6 : 4)}\" fill=\"{(trial.Until == Epochs ? colour : "none")}\" fill-opacity=\"0.7\" stroke=\"{colour}\"/>");
        }
        return svg.Append("</svg>").ToString();
    }
}
