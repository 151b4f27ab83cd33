using DeepEdu.Numerics;

namespace DeepEdu.Data;

/// <summary>Cuts the rows 0 .. count − 1 into batches of row numbers, for data that lie in memory.
/// <code>
/// foreach (int[] rows in batches.Epoch(epoch)) { /* x.IndexSelect(rows) */ }
/// </code></summary>
public sealed class Batches
{
    private readonly Rng? _shuffle;

    /// <summary>Batches of <paramref name="size"/> rows.</summary>
    /// <param name="count">How many rows there are.</param>
    /// <param name="size">Rows a batch; the last batch may have fewer.</param>
    /// <param name="shuffle">Where random orders come from; null leaves the rows in order. One child stream is taken.</param>
    /// <param name="dropLast">Leaves out a last batch that is not full.</param>
    public Batches(int count, int size, Rng? shuffle = null, bool dropLast = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        (Rows, Size, DropLast, _shuffle) = (count, size, dropLast, shuffle?.Fork());
    }

    /// <summary>How many rows there are.</summary>
    public int Rows { get; }

    /// <summary>Rows of a full batch.</summary>
    public int Size { get; }

    /// <summary>Whether a last batch that is not full is left out.</summary>
    public bool DropLast { get; }

    /// <summary>Batches an epoch.</summary>
    public int Count => DropLast ? Rows / Size : (Rows + Size - 1) / Size;

    /// <summary>The batches of an epoch. Its order depends on the seed and the epoch's number alone, so that training can be taken up at any epoch.</summary>
    public IEnumerable<int[]> Epoch(int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        return Cut(epoch);
    }

    private IEnumerable<int[]> Cut(int epoch)
    {
        int[] order = _shuffle is null ? [.. Enumerable.Range(0, Rows)] : _shuffle.Split((ulong)epoch).Permutation(Rows);
        for (int b = 0; b < Count; b++) { yield return order[(b * Size)..Math.Min(Rows, (b + 1) * Size)]; }
    }
}
