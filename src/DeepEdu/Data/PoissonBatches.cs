using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Batches into each of which every row comes by itself with the same chance, so that they have as many rows as chance will, at times none: Poisson sampling, on which the counting of
/// private training rests (<c>PrivateGradients</c>). An epoch has as many batches as give every row once on average; it may come twice, or not at all.
/// <code>
/// var batches = new PoissonBatches(trainRows, 256, Rng.Secret());
/// </code>
/// A state, such as a checkpoint, holds the key of the draws: who has it knows who was in which batch.</summary>
public sealed class PoissonBatches : IBatches, IShuffles, IStateful
{
    private readonly int[] _rows;
    private Rng _rng;

    /// <summary>Batches of the rows 0 .. <paramref name="count"/> − 1. One child stream is taken.</summary>
    /// <inheritdoc cref="PoissonBatches(ReadOnlySpan{int}, int, Rng)"/>
    /// <param name="count">How many rows there are.</param>
    /// <param name="size">Rows a batch on average.</param>
    /// <param name="rng">Where draws come from.</param>
    public PoissonBatches(int count, int size, Rng rng) : this(Data.Rows.Upto(count), size, rng) { }

    /// <summary>Batches of some rows, such as one part of a split, copied. One child stream is taken.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="size">Rows a batch on average.</param>
    /// <param name="rng">Where draws come from.</param>
    /// <exception cref="ArgumentException">There is no row, or fewer than a batch shall have.</exception>
    public PoissonBatches(ReadOnlySpan<int> rows, int size, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(rng);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        if (rows.Length < size) { throw new ArgumentException($"poisson-batches: {size} rows a batch on average, but there are only {rows.Length}", nameof(size)); }
        (_rows, _rng, Size) = (rows.ToArray(), rng.Fork(), size);
    }

    /// <summary>How many rows there are to draw from.</summary>
    public int Rows => _rows.Length;

    /// <summary>Rows a batch on average.</summary>
    public int Size { get; }

    /// <summary>The chance with which a row comes into a batch.</summary>
    public double Rate => Size / (double)Rows;

    /// <summary>Batches an epoch: rows by size, rounded.</summary>
    public int Count => Math.Max(1, (int)Math.Round(Rows / (double)Size));

    bool IShuffles.Shuffles => true;

    /// <summary>The batches of an epoch, each in the order in which the rows were given; a pure function of the seed and the epoch's number.</summary>
    public IEnumerable<int[]> Epoch(int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        return From(epoch, 0);
    }

    IEnumerable<int[]> IBatches<int[]>.Epoch(int epoch, int from) => From(epoch, from);

    /// <summary>Puts the key of the draws.</summary>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("size", Size).Set("rows", Rows).Set("key", (long[])[(long)_rng.Seed, (long)_rng.Stream]);
    }

    /// <summary>Takes over the key of the draws, so that batches are those of the training that is gone on with.</summary>
    /// <exception cref="InvalidDataException">It was of another number of rows, or of batches of another size.</exception>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        if (from.Int("size") != Size || from.Int("rows") != Rows) { throw new InvalidDataException($"poisson-batches: the state is of {from.Int("size")} of {from.Int("rows")} rows a batch, here it is {Size} of {Rows}"); }
        long[] key = from.Longs("key");
        if (key.Length != 2) { throw new InvalidDataException($"poisson-batches: the key is two numbers, not {key.Length}"); }
        _rng = new((ulong)key[0], (ulong)key[1]);
    }

    private IEnumerable<int[]> From(int epoch, int from)
    {
        for (int b = from; b < Count; b++) { yield return Draw(_rng.Split((ulong)epoch).Split((ulong)b)); }
    }

    // from one row that comes to the next: how many are passed over is geometric
    private int[] Draw(Rng rng)
    {
        if (Size == Rows) { return [.. _rows]; }
        List<int> drawn = new(Size + (Size / 4) + 8);
        double log = Math.Log(1 - Rate);
        for (double at = -1; ;)
        {
            at += 1 + Math.Floor(Math.Log(1 - rng.NextDouble()) / log);
            if (at >= Rows) { return [.. drawn]; }
            drawn.Add(_rows[(int)at]);
        }
    }
}
