using System.Globalization;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Tasks;

namespace DeepEdu.Education.Search;

/// <summary>An option that a training looks at and that can be searched, by its name on the command line.</summary>
/// <param name="Name">Without the two strokes.</param>
/// <param name="Which">What its values are, in words.</param>
/// <param name="Whole">Whether they are whole numbers.</param>
/// <param name="Holds">Whether a text is one of them.</param>
/// <param name="With">The options with it.</param>
/// <param name="Given">Whether it is given; false where the task itself refuses what it does not look at.</param>
internal sealed record SearchSetting(string Name, string Which, bool Whole, Func<string, bool> Holds, Func<RunOptions, string, RunOptions> With, Func<RunOptions, bool> Given)
{
    public static IReadOnlyList<SearchSetting> All { get; } =
    [
        Number("lr", "numbers above 0", x => x > 0, (o, x) => o with { LearningRate = x }, o => o.LearningRate is not null),
        Count("batch", (o, n) => o with { Batch = n }, o => o.Batch is not null),
        Count("hidden", (o, n) => o with { Hidden = n }, o => o.Hidden is not null),
        Count("factors", (o, n) => o with { Factors = n }, _ => false),
        Number("dropout", "numbers from 0 to below 1", x => x is >= 0 and < 1, (o, x) => o with { Dropout = x }, o => o.Dropout is not null),
        Number("weight-decay", "numbers of 0 or more", x => x >= 0, (o, x) => o with { WeightDecay = x }, o => o.WeightDecay is not null),
        Number("reconstruct", "numbers of 0 or more", x => x >= 0, (o, x) => o with { Plus = o.Plus with { Reconstruct = x } }, _ => false),
        Number("wave1", "numbers of 0 or more", x => x >= 0, (o, x) => o with { Plus = o.Plus with { Wave1 = x } }, _ => false),
        Number("wave2", "numbers of 0 or more", x => x >= 0, (o, x) => o with { Plus = o.Plus with { Wave2 = x } }, _ => false),
        new("loss", $"{NextItemNet.Softmax} and {NextItemNet.Sampled}", false, x => x is NextItemNet.Softmax or NextItemNet.Sampled, (o, x) => o with { Loss = x }, _ => false),
    ];

    /// <summary>Refuses what the task does not look at as it is run, given or searched.</summary>
    /// <exception cref="DataException">Says what it looks at.</exception>
    public static void RefuseOthers(IEducationTask task, RunOptions options)
    {
        string[] able = [.. task.Tunes(options)];
        string its = $"{task.Name}, as it is run here, has {string.Join(", ", able)}";
        if (All.FirstOrDefault(s => s.Given(options) && !able.Contains(s.Name)) is { } idle) { throw new DataException($"--{idle.Name}: there is nothing that it could change; {its}."); }
        if (options.Search?.Over.FirstOrDefault(a => !able.Contains(a.Name)) is { } unknown) { throw new DataException($"--over {unknown}: {unknown.Name} cannot be searched; {its}."); }
    }

    private static SearchSetting Count(string name, Func<RunOptions, int, RunOptions> with, Func<RunOptions, bool> given)
        => new(name, "whole numbers of 1 or more", true, x => int.TryParse(x, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n >= 1, (o, x) => with(o, int.Parse(x, CultureInfo.InvariantCulture)), given);

    private static SearchSetting Number(string name, string which, Func<double, bool> holds, Func<RunOptions, double, RunOptions> with, Func<RunOptions, bool> given)
        => new(name, which, false, x => double.TryParse(x, NumberStyles.Float, CultureInfo.InvariantCulture, out double v) && double.IsFinite(v) && holds(v), (o, x) => with(o, double.Parse(x, CultureInfo.InvariantCulture)), given);
}
