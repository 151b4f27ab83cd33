using System.Runtime.InteropServices;

namespace DeepEdu.Gpu;

/// <summary>One thing that goes to the accelerator: a kernel, or a copy, whose "arguments" are its <see cref="CopyWork"/>. <see cref="At"/> is where they begin among those of the list.</summary>
internal struct Work
{
    public CudaLaunch What;
    public int At, Bytes;
}

/// <summary>A copy: addresses and bytes.</summary>
internal struct CopyWork
{
    public nint To, From, Bytes;
}

/// <summary>Work that was asked for and has not gone to the accelerator yet.</summary>
internal sealed unsafe class WorkList : IDisposable
{
    // from so much on, the list ends at a place that its last kernels choose: steps that repeat are then cut at the same places, wherever the first of them was cut. Long enough that few lists are
    // the same layer of a network again, whose graph would need every argument set
    private const int Least = 128, Most = 512;

    private readonly Work[] _items = new Work[Most];
    private byte* _arguments = (byte*)NativeMemory.Alloc(1 << 16);
    private int _capacity = 1 << 16, _used;
    private ulong _last;

    /// <summary>What is in it.</summary>
    public ReadOnlySpan<Work> Items => _items.AsSpan(0, Count);

    public int Count { get; private set; }

    /// <summary>A number made from the kernels and kinds of copies in their order.</summary>
    public ulong Hash { get; private set; }

    /// <summary>Whether it should go now.</summary>
    public bool IsFull => Count == Most || (Count >= Least && ((_last * 0x9E3779B97F4A7C15) >> 59) == 0);

    public byte* Arguments(in Work item) => _arguments + item.At;

    public void Add(in CudaLaunch what, byte* arguments, int bytes)
    {
        int room = (bytes + 15) & ~15;
        if (_used + room > _capacity)
        {
            _capacity = Math.Max(_used + room, 2 * _capacity);
            _arguments = (byte*)NativeMemory.Realloc(_arguments, (nuint)_capacity);
        }
        new ReadOnlySpan<byte>(arguments, bytes).CopyTo(new(_arguments + _used, bytes));
        _items[Count++] = new() { What = what, At = _used, Bytes = bytes };
        _used += room;
        _last = (_last << 16) | (ushort)what.Kernel;
        Hash = (Hash ^ (uint)what.Kernel) * 0x9E3779B97F4A7C15;
        Hash ^= Hash >> 29;
    }

    public void Clear()
    {
        (Count, _used, _last, Hash) = (0, 0, 0, 0);
    }

    public void Dispose()
    {
        NativeMemory.Free(_arguments);
        _arguments = null;
    }
}
