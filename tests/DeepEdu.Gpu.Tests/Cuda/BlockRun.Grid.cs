namespace DeepEdu.Gpu.Tests.Cuda;

/// <content>Blocks that wait for each other, by PTX's rules for memory: what a block wrote before a barrier of its own is told by a thread that makes a fence behind that barrier and then changes a word; a thread that reads
/// the word with "acquire" has heard it, and behind the next barrier of its block so have all threads. Anything else that two blocks do to one word is a race.</content>
internal sealed unsafe partial class BlockRun
{
    /// <summary>A fence: what came before the block's last barrier may be told.</summary>
    public void Fence(Warp warp)
    {
        for (int lane = 0; lane < 32; lane++)
        {
            if (warp.IsActive(lane)) { _fenced[(warp.Number * 32) + lane] = _stretch; }
        }
    }

    /// <summary>A word that others may look at is changed.</summary>
    public void Tell(Warp warp, int lane, long address)
    {
        if (_grid is null || _fenced[(warp.Number * 32) + lane] is not (> 0 and var stretch)) { return; }
        uint[] told = _grid.Told(address);
        Merge(told, _seen);
        told[_me] = Math.Max(told[_me], stretch);
    }

    /// <summary>A word is looked at.</summary>
    public void Hear(long address)
    {
        if (_grid is not null) { Merge(_heard, _grid.Told(address)); }
    }

    // whether what was done in another stretch comes before what this block does now
    private bool Follows(uint other)
    {
        if (_grid is null || other == _firstBlock) { return false; }
        var (block, stretch) = _grid.Stretch(other);
        return block == _me || stretch < _seen[block];
    }

    // from barrier to barrier
    private void NewStretch()
    {
        Merge(_seen, _heard);
        _stretch++;
        _thisBlock = _grid!.NewStretch(_me, _stretch, ref s_blocks);
    }

    private static void Merge(uint[] into, uint[] from)
    {
        for (int i = 0; i < into.Length; i++) { into[i] = Math.Max(into[i], from[i]); }
    }
}

/// <summary>What the blocks of a launch that wait for each other have said to each other.</summary>
internal sealed class GridRun(int blocks, uint first)
{
    private readonly Dictionary<uint, (int Block, uint Stretch)> _stretches = [];
    private readonly Dictionary<long, uint[]> _told = [];

    public int Blocks => blocks;

    /// <summary>The number that stands for several of them.</summary>
    public uint First => first;

    /// <summary>A number for a block between two of its barriers.</summary>
    public uint NewStretch(int block, uint stretch, ref uint last)
    {
        uint number = Interlocked.Increment(ref last);
        _stretches[number] = (block, stretch);
        return number;
    }

    public (int Block, uint Stretch) Stretch(uint number) => _stretches[number];

    public uint? BlockOf(uint number) => (uint)_stretches[number].Block;

    /// <summary>For each block how much of what it did whoever looks at a word knows of.</summary>
    public uint[] Told(long address) => _told.TryGetValue(address, out uint[]? known) ? known : _told[address] = new uint[blocks];
}
