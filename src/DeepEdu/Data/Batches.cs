using System.Diagnostics.CodeAnalysis;
using DeepEdu.Numerics;

namespace DeepEdu.Data;

/// <summary>Cuts rows into batches of equal size.
/// <code>
/// foreach (int[] rows in batches.Epoch(epoch)) { /* x.IndexSelect(rows) */ }
/// </code></summary>
public sealed class Batches : IBatches, IShuffles
{
    private readonly ISampler _sampler;

    /// <summary>Batches of the rows 0 .. <paramref name="count"/> − 1.</summary>
    /// <param name="count">How many rows there are.</param>
    /// <param name="size">Rows a batch; the last batch may have fewer.</param>
    /// <param name="shuffle">Where random orders come from; null leaves the rows in order. One child stream is taken.</param>
    /// <param name="dropLast">Leaves out a last batch that is not full.</param>
    public Batches(int count, int size, Rng? shuffle = null, bool dropLast = false)
        : this(Data.Rows.Upto(count), size, shuffle, dropLast) { }

    /// <summary>Batches of some rows, such as one part of a split.</summary>
    /// <param name="rows">The rows, copied.</param>
    /// <param name="size">Rows a batch; the last batch may have fewer.</param>
    /// <param name="shuffle">Where random orders come from; null leaves the rows in order. One child stream is taken.</param>
    /// <param name="dropLast">Leaves out a last batch that is not full.</param>
    public Batches(ReadOnlySpan<int> rows, int size, Rng? shuffle = null, bool dropLast = false)
        : this(shuffle is null ? new SequentialSampler(rows) : new RandomSampler(rows, shuffle), size, dropLast) { }

    /// <summary>Batches of the rows that a sampler names, in its order.</summary>
    /// <param name="sampler">Names the rows.</param>
    /// <param name="size">Rows a batch; the last batch may have fewer.</param>
    /// <param name="dropLast">Leaves out a last batch that is not full.</param>
    public Batches(ISampler sampler, int size, bool dropLast = false)
    {
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        (_sampler, Size, DropLast) = (sampler, size, dropLast);
    }

    /// <summary>How many rows an epoch takes; the most, where a sampler gives some epochs fewer.</summary>
    public int Rows => _sampler.Count;

    /// <summary>Rows of a full batch.</summary>
    public int Size { get; }

    /// <summary>Whether a last batch that is not full is left out.</summary>
    public bool DropLast { get; }

    /// <summary>Whether the rows come in another order than they were given in.</summary>
    public bool Shuffles => _sampler is not SequentialSampler;

    /// <summary>Batches an epoch; the most, as <see cref="Rows"/>.</summary>
    public int Count => DropLast ? Rows / Size : (int)(((long)Rows + Size - 1) / Size);

    /// <summary>The batches of an epoch. Its order depends on the seed and the epoch's number alone, so that training can be taken up at any epoch.</summary>
    public IEnumerable<int[]> Epoch(int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        return Cut(epoch);
    }

    private IEnumerable<int[]> Cut(int epoch)
    {
        int[] order = _sampler.Order(epoch);
        if (order.Length > Rows) { ThrowMore(epoch, order.Length); }
        for (int from = 0, end = DropLast ? order.Length / Size * Size : order.Length; from < end; from += Size) { yield return order[from..Math.Min(end, from + Size)]; }
    }

    [DoesNotReturn]
    private void ThrowMore(int epoch, int given) =>
        throw new InvalidOperationException($"batches: {_sampler.GetType().Name} orders {given} rows in epoch {epoch}, but its Count is {Rows}; Count is the most that any epoch takes");
}
