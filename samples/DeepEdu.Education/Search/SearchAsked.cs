using System.Globalization;
using System.Text.RegularExpressions;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Numerics;
using DeepEdu.Training;

namespace DeepEdu.Education.Search;

/// <summary>What of an option is tried.</summary>
/// <param name="Setting">The option.</param>
/// <param name="Values">Each of these; or of a range its two ends.</param>
/// <param name="Range">Whether it is a range.</param>
/// <param name="Log">Whether the range is drawn from in its logarithm.</param>
internal sealed record SearchAxis(SearchSetting Setting, string[] Values, bool Range, bool Log)
{
    public string Name => Setting.Name;

    /// <summary>The value of a trial: of a range of numbers four digits, which can be typed again.</summary>
    public string Shown(string drawn) => !Range || Setting.Whole ? drawn
        : Math.Clamp(double.Parse(double.Parse(drawn, CultureInfo.InvariantCulture).ToString("G4", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture), Number(Values[0]), Number(Values[1])).ToString(CultureInfo.InvariantCulture);

    public void AddTo(SearchSpace space) => _ = !Range ? space.Choice(Name, Values)
        : Setting.Whole ? space.Whole(Name, (int)Number(Values[0]), (int)Number(Values[1]), Log) : space.Range(Name, Number(Values[0]), Number(Values[1]), Log);

    /// <summary>As it is typed.</summary>
    public override string ToString() => $"{Name}={(Range ? string.Join("..", Values) : string.Join(',', Values))}{(Log ? ":log" : "")}";

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>What <c>--search</c>, <c>--over</c> and <c>--by</c> ask for.</summary>
internal sealed partial record SearchAsked(int Trials, IReadOnlyList<SearchAxis> Over, string By)
{
    public const string Random = "random", Halving = "halving", Hyperband = "hyperband";

    private const ulong Stream = 0x5EA2C4; // apart from all that a run draws

    /// <summary>The values of <c>--by</c>.</summary>
    public static readonly string[] Ways = [Random, Halving, Hyperband];

    /// <summary>Reads what was typed, such as <c>lr=1e-4..1e-1:log</c> and <c>hidden=32,64,128</c>.</summary>
    /// <exception cref="DataException">Says what is wrong with which of them.</exception>
    public static SearchAsked Parse(int trials, string[] over, string by)
    {
        over = [.. over.SelectMany(o => o.Split(' ', StringSplitOptions.RemoveEmptyEntries))]; // several in one pair of quotes
        if (over.Length == 0) { throw new DataException("--search: says how many settings to try, not of what; give --over too, such as --over lr=1e-4..1e-1:log hidden=32,64,128."); }
        SearchAxis[] axes = Array.ConvertAll(over, Axis);
        if (axes.GroupBy(a => a.Name).FirstOrDefault(g => g.Count() > 1) is { } twice) { throw new DataException($"--over {twice.Last()}: {twice.Key} stands in --over twice."); }
        return new(trials, axes, by);
    }

    /// <summary>What asks for the trials.</summary>
    public Tuner Tuner(int epochs, ulong seed, bool higherIsBetter)
    {
        SearchSpace space = new();
        foreach (SearchAxis axis in Over) { axis.AddTo(space); }
        Rng rng = new Rng(seed).Split(Stream);
        return By switch
        {
            Halving => Training.Tuner.Halving(space, Trials, epochs, rng, higherIsBetter: higherIsBetter),
            Hyperband => Training.Tuner.Hyperband(space, Trials, epochs, rng, higherIsBetter: higherIsBetter),
            _ => Training.Tuner.Random(space, Trials, rng, epochs, higherIsBetter),
        };
    }

    /// <summary>The options and values of a trial.</summary>
    public IReadOnlyList<(string Name, string Value)> Of(SearchPoint point) => [.. Over.Select(a => (a.Name, a.Shown(point.Text(a.Name))))];

    /// <summary>The options of the run with those of a trial.</summary>
    public RunOptions With(RunOptions options, SearchPoint point) => Over.Aggregate(options with { Search = null }, (o, a) => a.Setting.With(o, a.Shown(point.Text(a.Name))));

    private static SearchAxis Axis(string typed)
    {
        Match m = Shape().Match(typed);
        if (!m.Success) { throw new DataException($"--over {typed}: is not like NAME=LOW..HIGH, NAME=LOW..HIGH:log or NAME=VALUE,VALUE."); }
        string name = m.Groups["name"].Value, text = m.Groups["values"].Value;
        SearchSetting setting = SearchSetting.All.FirstOrDefault(s => s.Name == name) ?? throw new DataException($"--over {typed}: no option {name} can be searched; there are {string.Join(", ", SearchSetting.All.Select(s => s.Name))}, each where the command has it.");
        string[] ends = text.Split("..");
        bool range = ends.Length == 2, log = range && ends[1].EndsWith(":log", StringComparison.Ordinal);
        if (log) { ends[1] = ends[1][..^4]; }
        string[] values = range ? ends : text.Split(',');
        if (Array.Find(values, v => !setting.Holds(v)) is { } wrong) { throw new DataException($"--over {typed}: '{wrong}' is none of the values of {name}, which are {setting.Which}."); }
        if (range)
        {
            double low = double.Parse(ends[0], CultureInfo.InvariantCulture), high = double.Parse(ends[1], CultureInfo.InvariantCulture);
            if (!(low < high)) { throw new DataException($"--over {typed}: the range is empty; give its lower end first."); }
            if (log && low <= 0) { throw new DataException($"--over {typed}: 0 has no logarithm; begin above it, or leave out :log."); }
        }
        else if (values.Length < 2) { throw new DataException($"--over {typed}: one value is no search; give several, or --{name} {text}."); }
        else if (values.Distinct(StringComparer.Ordinal).Count() < values.Length) { throw new DataException($"--over {typed}: a value stands twice."); }
        return new(setting, values, range, log);
    }

    [GeneratedRegex(@"^(?<name>[a-z0-9-]+)=(?<values>\S+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}
