using DeepEdu.Numerics;

namespace DeepEdu.Data;

/// <summary>Batches of rows of like length, so that little is padding. Each epoch shuffles the rows, cuts them into pools of several batches, sorts each pool by length, cuts
/// it into batches and shuffles those; rows meet other rows each epoch.</summary>
public sealed class LengthBuckets : IBatches, IShuffles
{
    private readonly int[] _rows, _lengths;
    private readonly int _pool;
    private readonly Rng _rng;

    /// <summary>Buckets for the rows 0 .. n − 1.</summary>
    /// <param name="lengths">The length of each row, copied.</param>
    /// <param name="size">Rows a batch; one batch an epoch may have fewer.</param>
    /// <param name="rng">Where random orders come from. One child stream is taken.</param>
    /// <param name="pool">Batches that are sorted together: more means less padding and less chance.</param>
    /// <param name="dropLast">Leaves out a batch that is not full.</param>
    public LengthBuckets(ReadOnlySpan<int> lengths, int size, Rng rng, int pool = 32, bool dropLast = false)
        : this(Data.Rows.Upto(lengths.Length), lengths, size, rng, pool, dropLast) { }

    /// <summary>Buckets for some rows, such as one part of a split.</summary>
    /// <param name="rows">The rows, copied.</param>
    /// <param name="lengths">The length of every row there is: that of row r is lengths[r].</param>
    /// <param name="size">Rows a batch; one batch an epoch may have fewer.</param>
    /// <param name="rng">Where random orders come from. One child stream is taken.</param>
    /// <param name="pool">Batches that are sorted together: more means less padding and less chance.</param>
    /// <param name="dropLast">Leaves out a batch that is not full.</param>
    /// <exception cref="ArgumentOutOfRangeException">A row has no length.</exception>
    public LengthBuckets(ReadOnlySpan<int> rows, ReadOnlySpan<int> lengths, int size, Rng rng, int pool = 32, bool dropLast = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pool);
        ArgumentNullException.ThrowIfNull(rng);
        (_rows, _lengths, Size, _pool, _rng, DropLast) = (rows.ToArray(), new int[rows.Length], size, pool, rng.Fork(), dropLast);
        for (int i = 0; i < _rows.Length; i++)
        {
            if ((uint)_rows[i] >= (uint)lengths.Length) { throw new ArgumentOutOfRangeException(nameof(rows), $"length-buckets: row {_rows[i]} has no length; there are {lengths.Length}"); }
            _lengths[i] = lengths[_rows[i]];
        }
    }

    bool IShuffles.Shuffles => true;

    /// <summary>Rows of a full batch.</summary>
    public int Size { get; }

    /// <summary>Whether a batch that is not full is left out.</summary>
    public bool DropLast { get; }

    /// <inheritdoc/>
    public int Count => DropLast ? _lengths.Length / Size : (int)(((long)_lengths.Length + Size - 1) / Size);

    /// <inheritdoc/>
    public IEnumerable<int[]> Epoch(int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        var rng = _rng.Split((ulong)epoch);
        int[] order = rng.Permutation(_lengths.Length);
        int stretch = (int)Math.Min(order.Length, (long)_pool * Size);
        for (int at = 0; at < order.Length; at += stretch)
        {
            Array.Sort(order, at, Math.Min(stretch, order.Length - at), Comparer<int>.Create((a, b) => _lengths[a] != _lengths[b] ? _lengths[a].CompareTo(_lengths[b]) : a.CompareTo(b)));
        }
        order = Array.ConvertAll(order, place => _rows[place]);
        int[][] batches = new int[Count][];
        for (int b = 0; b < Count; b++) { batches[b] = order[(b * Size)..Math.Min(order.Length, (b + 1) * Size)]; }
        rng.Shuffle(batches.AsSpan());
        return batches;
    }
}
