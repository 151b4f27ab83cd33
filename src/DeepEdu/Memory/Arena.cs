using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace DeepEdu.Memory;

/// <summary>Every tensor born while an arena is open dies with it, in one stroke; <c>Keep()</c> lets one out.
/// Outside any arena a tensor is an ordinary object and the garbage collector minds it. An arena belongs to the thread that opened it:
/// do not <c>await</c> while it is open.</summary>
public class Arena : IDisposable
{
    // a step in a step in a step is a handful; a loop whose `using` was forgotten would fill all memory
    private const int MostOpen = 256;

    [ThreadStatic] private static Arena? t_current;
    [ThreadStatic] private static Arena? t_kernels;
    private readonly List<Block> _blocks = t_spare ?? [];
    private List<int[]>? _numbers; // lent by the runtime's pool
    private Arena? _outer;
    private bool _closed, _ofKernel;
    private int _depth;

    // the list of the last closed arena of this thread: a training step then grows no new one
    [ThreadStatic] private static List<Block>? t_spare;

    /// <summary>Opens an arena inside the current one.</summary>
    /// <exception cref="InvalidOperationException">So many are open inside each other that none of them can ever have been closed.</exception>
    public Arena()
    {
        if (t_current is { _depth: >= MostOpen }) { ThrowDeep(); }
        _depth = (t_current?._depth ?? 0) + 1;
        t_spare = null;
        _outer = t_current;
        t_current = this;
    }

    /// <summary>The working memory of a kernel: this thread's one such object is used again, so that a call allocates nothing. Kernels must not open it within each other.</summary>
    internal static Arena OfKernel()
    {
        if (t_kernels is not { } arena) { return new() { _ofKernel = true }; }
        t_kernels = null;
        (arena._closed, arena._outer, arena._depth, t_current) = (false, t_current, (t_current?._depth ?? 0) + 1, arena);
        return arena;
    }

    /// <summary>The innermost open arena of this thread, or null.</summary>
    public static Arena? Current => t_current;

    /// <summary>The arena that was current when this one opened.</summary>
    public Arena? Outer => _outer;

    /// <summary>Blocks that will go back to the pool when the arena closes.</summary>
    public int BlockCount => _closed ? 0 : _blocks.Count;

    /// <summary>Whole numbers, at least so many and of any content, that go back when the innermost arena closes; those of no arena are left to the garbage collector. For what nobody sees who could keep it.</summary>
    internal static int[] Numbers(int length)
    {
        if (t_current is not { } arena) { return new int[length]; }
        int[] numbers = ArrayPool<int>.Shared.Rent(length);
        (arena._numbers ??= []).Add(numbers);
        return numbers;
    }

    internal void Own(Block block)
    {
        block.Owner = this;
        block.Place = _blocks.Count;
        (block.Uses, block.Passing) = (0, false);
        _blocks.Add(block);
    }

    /// <summary>Of the blocks from place <paramref name="from"/> on, gives back those in which no gradient lies; the others may go later.</summary>
    private protected void FreeUnused(int from)
    {
        for (int i = _blocks.Count - 1; i >= from; i--)
        {
            var block = _blocks[i];
            block.Passing = true;
            FreeUnused(block);
        }
    }

    /// <summary>Gives back a block that was made on the way back, if no gradient lies in it.</summary>
    private protected void FreeUnused(Block block)
    {
        if (block.Owner != this || block.Uses > 0 || !block.Passing) { return; }
        Remove(block);
        block.Retire();
    }

    /// <summary>Hands a block of the innermost arena to the enclosing one, or to the garbage collector when there is none. Blocks of other arenas outlive it anyway.</summary>
    internal static void Release(Block block)
    {
        if (block.Owner is not { } arena || arena != t_current) { return; }
        arena.Remove(block);
        if (arena._outer is { } outer) { outer.Own(block); }
        else { block.Home?.Forget(block); }
    }

    /// <summary>Closes the arena; its memory goes back to the pool.</summary>
    /// <exception cref="InvalidOperationException">An arena opened inside this one is still open, or another thread closes it.</exception>
    public void Dispose()
    {
        if (!_closed)
        {
            if (t_current != this)
            {
                throw new InvalidOperationException("arena: close the innermost arena first, on the thread that opened it. Is a `using` missing, or was there an await while a tape was open?");
            }
            _closed = true;
            for (int i = _blocks.Count - 1; i >= 0; i--) { _blocks[i].Retire(); }
            _blocks.Clear();
            GiveBack();
            t_current = _outer;
            if (_ofKernel) { (_outer, t_kernels) = (null, this); } else { t_spare = _blocks; }
            OnClose();
        }
        GC.SuppressFinalize(this);
    }

    private void GiveBack()
    {
        if (_numbers is null) { return; }
        foreach (int[] numbers in _numbers) { ArrayPool<int>.Shared.Return(numbers); }
        _numbers = null;
    }

    /// <summary>Called once, after the memory went back.</summary>
    protected virtual void OnClose() { }

    [DoesNotReturn]
    private static void ThrowDeep() => throw new InvalidOperationException(
        $"arena: {MostOpen} tapes and arenas are open on this thread, each inside the one before; is a `using` missing: `using var tape = new Tape();`?");

    private void Remove(Block block)
    {
        var last = _blocks[^1];
        _blocks[block.Place] = last;
        last.Place = block.Place;
        _blocks.RemoveAt(_blocks.Count - 1);
        block.Owner = null;
    }
}
