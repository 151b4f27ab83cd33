using DeepEdu.Numerics;

namespace DeepEdu.Education.Models;

/// <summary>A kind of network that traces, by the name that <c>--network</c> has for it. The next one is a <see cref="TracingNet"/> in a file of its own, and a line here.</summary>
/// <param name="Name">In lower case.</param>
/// <param name="Title">What papers call it.</param>
/// <param name="Make">A network of so many skills and of such a width, its loss regularised if it can be.</param>
/// <param name="Small">The width for simulated learners.</param>
/// <param name="Wide">The width for real ones.</param>
internal sealed record TracingKind(string Name, string Title, Func<int, int, DktPlus, Rng, TracingNet> Make, int Small, int Wide)
{
    /// <summary>Unless another is asked for.</summary>
    public const string Usual = "lstm";

    public static IReadOnlyList<TracingKind> All { get; } =
    [
        new(Usual, LstmTracing.Title, (skills, width, plus, rng) => new LstmTracing(skills, width, plus, rng), 32, 100) { TakesPlus = true },
        new("memory", MemoryTracing.Title, (skills, width, _, rng) => new MemoryTracing(skills, width, rng), 60, 200),
        new("attention", AttentionTracing.Title, (skills, width, _, rng) => new AttentionTracing(skills, width, rng), 40, 200) { LearningRate = 1e-3 },
    ];

    /// <summary>The highest rate of learning.</summary>
    public double LearningRate { get; init; } = 5e-3;

    /// <summary>Whether the loss can be that of DKT+, which looks at all skills after each answer.</summary>
    public bool TakesPlus { get; init; }

    /// <summary>The kind of that name.</summary>
    public static TracingKind Of(string name) => All.Single(k => k.Name == name);
}
