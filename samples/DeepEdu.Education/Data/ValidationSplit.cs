using DeepEdu.Numerics;

namespace DeepEdu.Education.Data;

/// <summary>Who took what, a bit a pair.</summary>
internal sealed class TakenItems
{
    private readonly int _items;
    private readonly ulong[] _bits;

    public TakenItems(Interactions data)
    {
        _items = data.Items;
        _bits = new ulong[(((long)data.Users * data.Items) + 63) / 64];
        for (int u = 0; u < data.Users; u++)
        {
            if (data.Train[u].Length >= data.Items) { throw new DataException($"{data.Name}: user {u} took every item, so there is none to tell apart."); }
            foreach (int i in data.Train[u]) { _bits[Place(u, i) / 64] |= 1ul << (int)(Place(u, i) % 64); }
        }
    }

    /// <summary>A random item that the user has not taken in training.</summary>
    public int DrawOther(int user, Rng rng)
    {
        while (true)
        {
            int item = rng.Next(_items);
            if ((_bits[Place(user, item) / 64] >> (int)(Place(user, item) % 64) & 1) == 0) { return item; }
        }
    }

    private long Place(int user, int item) => ((long)user * _items) + item;
}

/// <summary>One training interaction of each user held out, to choose an epoch or a setting without looking at the test item.</summary>
internal static class ValidationSplit
{
    private const int Candidates = 99;

    /// <summary>The data with a random interaction taken out of each user's training list of two or more, ranked among items drawn from those the user did not take.</summary>
    public static Interactions HoldOut(Interactions data, TakenItems taken, ulong seed)
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
            HashSet<int> others = [];
            while (others.Count < Math.Min(Candidates, data.Items - own.Length)) { others.Add(taken.DrawOther(u, rng)); }
            (held[u], train[u], candidates[u]) = (own[at], [.. own[..at], .. own[(at + 1)..]], [.. others]);
        }
        return data with { Train = train, Test = held, Negatives = candidates };
    }
}
