using DeepEdu.Memory;

namespace DeepEdu.Devices;

/// <summary>A contiguous stretch of a block.</summary>
/// <param name="Block">The memory.</param>
/// <param name="Offset">Where it begins, in floats.</param>
/// <param name="Length">How many floats.</param>
public readonly record struct View(Block Block, int Offset, int Length)
{
    /// <summary>No memory at all: an input that is not there.</summary>
    public bool IsNone => Block is null;
}
