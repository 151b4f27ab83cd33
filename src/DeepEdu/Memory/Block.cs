namespace DeepEdu.Memory;

/// <summary>A run of device memory. Its generation rises each time it goes back to its pool, so that a stale tensor is caught and never read.</summary>
/// <param name="capacity">Room, in floats.</param>
public abstract class Block(int capacity)
{
    /// <summary>Room, in floats.</summary>
    public int Capacity { get; } = capacity;

    /// <summary>How often the block has been given back.</summary>
    public int Generation { get; private set; }

    /// <summary>The pool the block returns to; null for memory that the garbage collector minds.</summary>
    internal Pool? Home { get; init; }

    /// <summary>The arena that will give the block back, and the block's place in its list.</summary>
    internal Arena? Owner { get; set; }

    internal int Place { get; set; }

    /// <summary>Which of its pool's blocks it is, in the order in which they were made.</summary>
    internal int Number { get; set; }

    /// <summary>How many gradients on their way lie in the block. Kept by the tape that owns it.</summary>
    internal int Uses { get; set; }

    /// <summary>Whether the block was made on a tape's way back, so that it may go when no gradient lies in it any more.</summary>
    internal bool Passing { get; set; }

    /// <summary>Whether the values are computed anew in each call of an inference session, so that nothing prepared from them is worth keeping.</summary>
    internal bool IsComputed { get; init; }

    /// <summary>How often the values have been overwritten through the device's loops or handed to the host. Kernels count only when they say so.</summary>
    internal int Version { get; private set; }

    /// <summary>What was prepared from the values, such as packed weights; see <c>Kernels.Prepared</c>.</summary>
    internal object? Prepared { get; set; }

    internal void Changes() => Version++;

    internal void Retire()
    {
        Generation++;
        Owner = null;
        Home?.Return(this);
    }
}
