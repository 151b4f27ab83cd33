using System.Runtime.InteropServices;
using ILGPU.Runtime;
using Buffer = ILGPU.Runtime.MemoryBuffer1D<float, ILGPU.Stride1D.Dense>;

namespace DeepEdu.Gpu;

/// <summary>Page-locked host memory between the program and an accelerator. What is written is copied here, and the program goes on while the accelerator fetches it; the host waits only
/// where a value is read, or where it is a half of this memory ahead of the accelerator.</summary>
/// <param name="accelerator">Whose.</param>
/// <param name="order">Where copies go.</param>
/// <param name="mark">Makes marks between the copies of one half and those of the other.</param>
internal sealed class Staging(Accelerator accelerator, IOrder order, Func<IMark> mark) : IDisposable
{
    /// <summary>Bytes of page-locked memory; half of it is filled while the accelerator fetches the other.</summary>
    internal const int Capacity = 16 << 20, Half = Capacity / 2;

    private readonly Lock _gate = new();
    private readonly IMark[] _marks = [mark(), mark()];
    private readonly bool[] _underWay = new bool[2];
    private PageLockedArray1D<byte>? _pinned;
    private byte[]? _plain;
    private int _half, _used;
    private long _waits;

    /// <summary>How often the host has waited.</summary>
    public long Waits => Interlocked.Read(ref _waits);

    /// <summary>Copies to the accelerator, from float <paramref name="at"/> of the buffer on; returns before they have arrived, in the order of the stream.</summary>
    public void Write(ReadOnlySpan<float> from, Buffer to, int at)
    {
        lock (_gate)
        {
            var pinned = Room();
            for (long target = (long)at * sizeof(float); from.Length > 0;)
            {
                if (_used == Half) { Turn(); }
                // a part is counted in bytes, not the whole, which may have more than an int counts
                int n = Math.Min(from.Length, (Half - _used) / sizeof(float));
                var part = pinned.Slice((_half * Half) + _used, n * sizeof(float));
                MemoryMarshal.AsBytes(from[..n]).CopyTo(part);
                order.Write(part, to, target, _plain is null);
                _used += part.Length;
                target += part.Length;
                from = from[n..];
            }
        }
    }

    /// <summary>Copies to the host and waits.</summary>
    public void Read(Buffer from, int at, Span<float> to)
    {
        lock (_gate)
        {
            var pinned = Room();
            for (long source = (long)at * sizeof(float); to.Length > 0;)
            {
                // what is being written from the same place comes earlier on the stream
                var here = to[..Math.Min(to.Length, Capacity / sizeof(float))];
                var part = pinned[..(here.Length * sizeof(float))];
                order.Read(from, source, part);
                Wait();
                part.CopyTo(MemoryMarshal.AsBytes(here));
                source += part.Length;
                to = to[here.Length..];
            }
        }
    }

    /// <summary>Waits for everything that was launched.</summary>
    public void Synchronize()
    {
        lock (_gate) { Wait(); }
    }

    public void Dispose()
    {
        foreach (var one in _marks) { one.Dispose(); }
        _pinned?.Dispose();
    }

    private void Wait()
    {
        order.Wait();
        (_half, _used, _underWay[0], _underWay[1]) = (0, 0, false, false);
        Interlocked.Increment(ref _waits);
    }

    // on to the other half, which has long been fetched unless the program runs ahead
    private void Turn()
    {
        _marks[_half].Set();
        _underWay[_half] = true;
        (_half, _used) = (1 - _half, 0);
        if (!_underWay[_half]) { return; }
        if (!_marks[_half].IsReached)
        {
            _marks[_half].Wait();
            Interlocked.Increment(ref _waits);
        }
        _underWay[_half] = false;
    }

    // where the system locks no pages, copies take longer; they come in the same order
    private Span<byte> Room()
    {
        if (_pinned is not null || _plain is not null) { return _pinned is null ? _plain : _pinned.Span; }
        accelerator.Bind(); // locking pages does not, and fails on a thread that has used no device yet
        try { return (_pinned = accelerator.AllocatePageLocked1D<byte>(Capacity, uninitialized: true)).Span; }
        catch (AcceleratorException) { return _plain = GC.AllocateUninitializedArray<byte>(Capacity, pinned: true); }
    }
}
