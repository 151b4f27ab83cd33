using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepEdu.Memory;

namespace DeepEdu.Devices;

/// <summary>Floats in managed memory: pinned and 64-byte aligned when the block belongs to a pool, an ordinary array when the garbage collector minds it.</summary>
public sealed class CpuBlock : Block
{
    private const int Alignment = 64; // one cache line, one 512-bit register
    private readonly float[] _array;
    private readonly int _start;

    /// <summary>A block of its own memory.</summary>
    /// <param name="capacity">Room, in floats.</param>
    /// <param name="pinned">Whether the memory must never move; pooled blocks are.</param>
    public CpuBlock(int capacity, bool pinned) : base(capacity)
    {
        if (!pinned)
        {
            _array = GC.AllocateUninitializedArray<float>(capacity);
            return;
        }
        _array = GC.AllocateUninitializedArray<float>((int)Math.Min((long)capacity + (Alignment / sizeof(float)), int.MaxValue), pinned: true);
        _start = FirstAligned(_array);
    }

    /// <summary>The caller's own array, not copied.</summary>
    public CpuBlock(float[] array) : base((array ?? throw new ArgumentNullException(nameof(array))).Length) => _array = array;

    /// <summary>The whole block.</summary>
    public Span<float> Span => _array.AsSpan(_start, Capacity);

    /// <summary>The same, to be kept.</summary>
    internal ReadOnlyMemory<float> Memory => _array.AsMemory(_start, Capacity);

    private static unsafe int FirstAligned(float[] pinned)
    {
        nuint at = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
        return (int)((Alignment - (at % Alignment)) % Alignment / sizeof(float));
    }
}
