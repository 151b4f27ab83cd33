using DeepEdu.Data;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Data;

/// <summary>One training interaction of each user held out, to choose an epoch or a setting without looking at the test item.</summary>
internal static class ValidationSplit
{
    private const int Candidates = 99;

    /// <summary>Draws items that a user did not take in training.</summary>
    public static NegativeSampler Others(Interactions data)
    {
        for (int u = 0; u < data.Users; u++)
        {
            if (data.Train[u].Length >= data.Items) { throw new DataException($"{data.Name}: user {u} took every item, so there is none to tell apart."); }
        }
        return NegativeSampler.Uniform(new(data.Train, data.Items));
    }

    /// <summary>The data with a random interaction taken out of each user's training list of two or more, ranked among items drawn from those the user did not take.</summary>
    public static Interactions HoldOut(Interactions data, NegativeSampler others, ulong seed)
    {
        Rng rng = new Rng(seed).Split(1);
        int[] held = new int[data.Users];
        int[][] train = new int[data.Users][], candidates = new int[data.Users][];
        for (int u = 0; u < data.Users; u++)
        {
            int[] own = data.Train[u];
            if (own.Length < 2)
            {
                (held[u], train[u], candidates[u]) = (-1, own, []);
                continue;
            }
            int at = rng.Next(own.Length);
            HashSet<int> list = [];
            while (list.Count < Math.Min(Candidates, data.Items - own.Length)) { list.Add(others.Draw(u, rng)); }
            (held[u], train[u], candidates[u]) = (own[at], [.. own[..at], .. own[(at + 1)..]], [.. list]);
        }
        if (Array.TrueForAll(held, h => h < 0)) { throw new DataException($"{data.Name}: no user took two items in the training part; one is held out to choose the epoch."); }
        return data with { Train = train, Test = held, Negatives = candidates };
    }
}
