using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace DeepEdu.Memory;

/// <summary>Free blocks by size class. A training step asks for the same sizes every time, so after the first step nothing is allocated.</summary>
/// <param name="create">Makes a new block of a capacity for this pool.</param>
public sealed class Pool(Func<Pool, int, Block> create)
{
    private readonly Func<Pool, int, Block> _create = create ?? throw new ArgumentNullException(nameof(create));
    private readonly Dictionary<int, FreeBlocks> _free = [];
    private readonly Lock _gate = new();
    private long _liveFloats, _pooledFloats, _peakFloats;
    private int _liveBlocks, _created;

    /// <summary>Bytes in blocks that are rented out. 0 when every arena has closed and nothing was kept.</summary>
    public long LiveBytes { get { lock (_gate) { return _liveFloats * sizeof(float); } } }

    /// <summary>The most bytes that were rented out at one time since <see cref="ResetPeak"/>, or the start.</summary>
    public long PeakBytes { get { lock (_gate) { return _peakFloats * sizeof(float); } } }

    /// <summary>Blocks that are rented out.</summary>
    public int LiveBlocks { get { lock (_gate) { return _liveBlocks; } } }

    /// <summary>Bytes in blocks that wait to be rented again.</summary>
    public long PooledBytes { get { lock (_gate) { return _pooledFloats * sizeof(float); } } }

    /// <summary>Blocks made since the start: it stands still in a steady training loop.</summary>
    public int CreatedBlocks { get { lock (_gate) { return _created; } } }

    /// <summary>Whether of the free blocks of a size the one made first is taken, so that a step that repeats gets the very memory it had the last time; else the one that was given back last, which may still be in a cache.</summary>
    internal bool OldestFirst { get; init; }

    /// <summary>A block of at least <paramref name="length"/> floats, with whatever was in it.</summary>
    public Block Rent(int length)
    {
        int capacity = SizeClass(length), number;
        lock (_gate)
        {
            _liveFloats += capacity;
            _peakFloats = Math.Max(_peakFloats, _liveFloats);
            _liveBlocks++;
            if (_free.TryGetValue(capacity, out var free) && free.TryTake(out var block))
            {
                _pooledFloats -= capacity;
                return block;
            }
            number = ++_created;
        }
        var made = _create(this, capacity) ?? throw new InvalidOperationException("pool: create must give a block, not null");
        made.Number = number;
        return made;
    }

    /// <summary>Begins to look for the peak anew.</summary>
    public void ResetPeak()
    {
        lock (_gate) { _peakFloats = _liveFloats; }
    }

    /// <summary>Lets go of every block that waits: the garbage collector takes the processor's, and another device's memory goes back to it at once.</summary>
    public void Trim()
    {
        FreeBlocks[] free;
        lock (_gate)
        {
            free = [.. _free.Values];
            _free.Clear();
            _pooledFloats = 0;
        }
        foreach (var blocks in free)
        {
            while (blocks.TryTake(out var block)) { (block as IDisposable)?.Dispose(); }
        }
    }

    internal void Return(Block block)
    {
        lock (_gate)
        {
            if (!_free.TryGetValue(block.Capacity, out var free)) { _free[block.Capacity] = free = new(OldestFirst); }
            free.Add(block);
            _liveFloats -= block.Capacity;
            _liveBlocks--;
            _pooledFloats += block.Capacity;
        }
    }

    /// <summary>A block leaves the pool for good: its tensor was kept beyond every arena.</summary>
    internal void Forget(Block block)
    {
        lock (_gate)
        {
            _liveFloats -= block.Capacity;
            _liveBlocks--;
        }
    }

    /// <summary>Up to the next eighth of a power of two: at most 12.5 % waste, few classes.</summary>
    internal static int SizeClass(int length)
    {
        if (length <= 64) { return 64; }
        int step = 1 << Math.Max(4, BitOperations.Log2((uint)length) - 3);
        return checked(length + step - 1) & -step;
    }

    // free blocks of one size; the last is the next to go
    private sealed class FreeBlocks(bool oldestFirst)
    {
        private readonly List<Block> _blocks = [];

        public void Add(Block block)
        {
            int place = _blocks.Count;
            while (oldestFirst && place > 0 && _blocks[place - 1].Number < block.Number) { place--; }
            _blocks.Insert(place, block);
        }

        public bool TryTake([MaybeNullWhen(false)] out Block block)
        {
            block = _blocks.Count == 0 ? null : _blocks[^1];
            if (block is not null) { _blocks.RemoveAt(_blocks.Count - 1); }
            return block is not null;
        }
    }
}
