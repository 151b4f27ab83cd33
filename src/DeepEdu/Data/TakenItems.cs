using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Who took what: sets of items, one a user. 4 bytes a pair.</summary>
public sealed class TakenItems
{
    private readonly int[][] _taken;

    /// <summary>Collects the items of each user, in any order, repeats allowed.</summary>
    /// <param name="taken">The items of each user.</param>
    /// <param name="items">How many items there are.</param>
    /// <exception cref="ArgumentOutOfRangeException">An item is outside 0 .. items − 1; names the user.</exception>
    public TakenItems(IReadOnlyList<int[]> taken, int items)
    {
        NullItems.ThrowIfAny(taken);
        ArgumentOutOfRangeException.ThrowIfNegative(items);
        Items = items;
        _taken = new int[taken.Count][];
        for (int u = 0; u < _taken.Length; u++)
        {
            foreach (int item in taken[u])
            {
                if ((uint)item >= (uint)items) { throw new ArgumentOutOfRangeException(nameof(taken), $"taken-items: user {u} took item {item}, outside 0..{items - 1}"); }
            }
            int[] own = [.. taken[u].Distinct()];
            Array.Sort(own);
            _taken[u] = own;
        }
    }

    /// <summary>How many users there are.</summary>
    public int Users => _taken.Length;

    /// <summary>How many items there are.</summary>
    public int Items { get; }

    /// <summary>Whether the user took the item.</summary>
    public bool Has(int user, int item) => Array.BinarySearch(_taken[user], item) >= 0;

    /// <summary>The items of a user, ascending, each once.</summary>
    public ReadOnlySpan<int> Of(int user) => _taken[user];

    /// <summary>How many users took each item.</summary>
    public int[] Popularity()
    {
        int[] counts = new int[Items];
        foreach (int[] own in _taken)
        {
            foreach (int item in own) { counts[item]++; }
        }
        return counts;
    }
}
