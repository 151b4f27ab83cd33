using DeepEdu.Numerics;

namespace DeepEdu.Education.Models;

/// <summary>A kind of network that traces, by the name that <c>--network</c> has for it. The next one is a <see cref="TracingNet"/> in a file of its own, and a line here.</summary>
/// <param name="Name">In lower case.</param>
/// <param name="Title">What papers call it.</param>
/// <param name="Make">A network of so many skills and of such a width, its loss regularised if it can be, that leaves out such a share of values while learning (null: as papers do).</param>
/// <param name="Small">The width for simulated learners.</param>
/// <param name="Wide">The width for real ones.</param>
internal sealed record TracingKind(string Name, string Title, Func<int, int, DktPlus, float?, Rng, TracingNet> Make, int Small, int Wide)
{
    /// <summary>Unless another is asked for.</summary>
    public const string Usual = "lstm";

    public static IReadOnlyList<TracingKind> All { get; } =
    [
        new(Usual, LstmTracing.Title, (skills, width, plus, drop, rng) => new LstmTracing(skills, width, plus, rng, drop ?? LstmTracing.Drop), 32, 100) { TakesPlus = true },
        new("memory", MemoryTracing.Title, (skills, width, _, _, rng) => new MemoryTracing(skills, width, rng), 60, 200) { TakesDropout = false },
        new("attention", AttentionTracing.Title, (skills, width, _, drop, rng) => new AttentionTracing(skills, width, rng, drop ?? AttentionTracing.Drop), 40, 200) { LearningRate = 1e-3, WidthOf = AttentionTracing.Heads },
    ];

    /// <summary>The highest rate of learning.</summary>
    public double LearningRate { get; init; } = 5e-3;

    /// <summary>Whether the loss can be that of DKT+, which looks at all skills after each answer.</summary>
    public bool TakesPlus { get; init; }

    /// <summary>Whether it leaves values out while learning.</summary>
    public bool TakesDropout { get; init; } = true;

    /// <summary>The width is a multiple of it.</summary>
    public int WidthOf { get; init; } = 1;

    /// <summary>The kind of that name.</summary>
    public static TracingKind Of(string name) => All.Single(k => k.Name == name);
}
