using DeepEdu.Numerics;

namespace DeepEdu.Education.Models;

/// <summary>When an adaptive test ends: as soon as the standard error is small, or after so many items.</summary>
internal readonly record struct TestEnd(double Error, int Most)
{
    /// <summary>.3 of the deviation of abilities, which is a reliability of .91, or 40 items.</summary>
    public static TestEnd Usual { get; } = new(0.3, 40);
}

/// <summary>A test that was taken: its items in order, and what is known after each of them.</summary>
internal sealed record TakenTest(int[] Items, Ability[] After)
{
    /// <summary>What is known at the end.</summary>
    public Ability Known => After.Length == 0 ? ItemBank.Of([.. ItemBank.LogPrior]) : After[^1];
}

/// <summary>A computerised adaptive test: each item is chosen by what the answers so far say of the ability.</summary>
internal static class AdaptiveTest
{
    /// <param name="bank">The items.</param>
    /// <param name="choice">Chooses the next.</param>
    /// <param name="end">When it ends.</param>
    /// <param name="items">Those that may be given.</param>
    /// <param name="right">Answers an item.</param>
    /// <param name="rng">What a choice draws from.</param>
    public static TakenTest Take(ItemBank bank, ItemChoice choice, TestEnd end, IEnumerable<int> items, Func<int, bool> right, Rng rng)
    {
        List<int> left = [.. items], given = [];
        List<Ability> after = [];
        double[] log = [.. ItemBank.LogPrior];
        Ability known = ItemBank.Of(log);
        while (left.Count > 0 && given.Count < end.Most && known.Error >= end.Error)
        {
            int at = choice.Next(bank, known, given.Count, left, rng), item = left[at];
            left.RemoveAt(at);
            given.Add(item);
            bank.Observe(log, item, right(item));
            after.Add(known = ItemBank.Of(log));
        }
        return new([.. given], [.. after]);
    }
}
