using DeepEdu.Numerics;

namespace DeepEdu.Education.Models;

/// <summary>A kind of network that recommends, by the name that <c>--network</c> has for it. The next one that reads sequences is a <see cref="NextItemNet"/> in a file of its own, and a line here.</summary>
/// <param name="Name">In lower case.</param>
/// <param name="Title">What papers call it.</param>
/// <param name="Make">A network of so many items, of such a width, that leaves out such a share of values while learning; null for the one that does not read sequences.</param>
internal sealed record RecommendKind(string Name, string Title, Func<int, int, float, Rng, NextItemNet>? Make)
{
    /// <summary>Unless another is asked for.</summary>
    public const string Usual = "neumf";

    public static IReadOnlyList<RecommendKind> All { get; } =
    [
        new(Usual, "NeuMF", null),
        new("gru", GruNext.Title, (items, width, drop, rng) => new GruNext(items, width, drop, rng)),
        new("attention", AttentionNext.Title, (items, width, drop, rng) => new AttentionNext(items, width, drop, rng)) { LearningRate = 1e-3 },
    ];

    /// <summary>Of Adam, of networks that read sequences.</summary>
    public double LearningRate { get; init; } = 5e-3;

    /// <summary>The kind of that name.</summary>
    public static RecommendKind Of(string name) => All.Single(k => k.Name == name);
}
