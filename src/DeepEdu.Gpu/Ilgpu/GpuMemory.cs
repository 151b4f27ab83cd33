using DeepEdu.Memory;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Buffer = ILGPU.Runtime.MemoryBuffer1D<float, ILGPU.Stride1D.Dense>;

namespace DeepEdu.Gpu;

/// <summary>What was taken from an accelerator, in buffers by size class. The driver is asked as rarely as can be, because asking waits for the device. Everything runs on one stream,
/// so a buffer may go to its next holder while kernels that use it are still under way.</summary>
/// <param name="accelerator">Whose memory.</param>
/// <param name="device">The device's name, for errors.</param>
/// <param name="trim">Lets go of what the device's pool holds; called when memory runs short.</param>
/// <param name="order">What comes before memory goes back to the accelerator, and what is known of its errors.</param>
internal sealed class GpuMemory(Accelerator accelerator, string device, Action trim, IOrder order)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Stack<Buffer>> _idle = [];

    // keeps the buffer of a forgotten block from being finalised before the block is
    private readonly HashSet<Buffer> _all = [];
    private long _taken, _idleBytes, _peak;
    private volatile bool _isDisposed;

    public bool IsDisposed => _isDisposed;

    /// <summary>The most bytes to take from the accelerator.</summary>
    public long Limit { get; set; } = long.MaxValue;

    /// <summary>Bytes taken from the accelerator.</summary>
    public long TakenBytes { get { lock (_gate) { return _taken; } } }

    /// <summary>The largest <see cref="TakenBytes"/> since the start, or <see cref="ResetPeak"/>.</summary>
    public long PeakBytes { get { lock (_gate) { return _peak; } } }

    /// <summary>Bytes that forgotten blocks have left.</summary>
    public long IdleBytes { get { lock (_gate) { return _idleBytes; } } }

    /// <exception cref="InsufficientMemoryException">The accelerator has no more, or the limit is reached, though nothing waits unused.</exception>
    public Buffer Rent(int length)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, device);
        int capacity = Pool.SizeClass(length);
        lock (_gate)
        {
            if (_idle.TryGetValue(capacity, out var stack) && stack.TryPop(out var buffer))
            {
                _idleBytes -= buffer.LengthInBytes;
                return buffer;
            }
        }
        return Take(capacity) ?? TakeAfterCollection(capacity);
    }

    /// <summary>A forgotten block's buffer waits for the next block of its size.</summary>
    public void Return(Buffer buffer)
    {
        lock (_gate)
        {
            if (_isDisposed) { return; }
            int capacity = (int)buffer.Length;
            if (!_idle.TryGetValue(capacity, out var stack)) { _idle[capacity] = stack = new(); }
            stack.Push(buffer);
            _idleBytes += buffer.LengthInBytes;
        }
    }

    /// <summary>Gives a buffer back to the accelerator.</summary>
    public void Free(Buffer buffer)
    {
        if (!_isDisposed) { order.BeforeFree(); }
        lock (_gate)
        {
            if (_isDisposed) { return; }
            _all.Remove(buffer);
            _taken -= buffer.LengthInBytes;
        }
        buffer.Dispose();
    }

    /// <summary>Gives what forgotten blocks have left back to the accelerator.</summary>
    public void Trim()
    {
        Stack<Buffer>[] idle;
        lock (_gate)
        {
            idle = [.. _idle.Values];
            _idle.Clear();
            _idleBytes = 0;
        }
        foreach (var buffer in idle.SelectMany(s => s)) { Free(buffer); }
    }

    public void ResetPeak()
    {
        lock (_gate) { _peak = _taken; }
    }

    /// <summary>From here on blocks say that their device is gone; its accelerator frees the buffers. False if they do already.</summary>
    public bool Close()
    {
        lock (_gate)
        {
            if (_isDisposed) { return false; }
            _isDisposed = true;
            _idle.Clear();
            return true;
        }
    }

    public ObjectDisposedException Gone() => new(device, _isDisposed ? "The device was disposed, and its memory with it." : "The memory was given back to the device.");

    private Buffer? Take(int capacity)
    {
        long bytes = (long)capacity * sizeof(float);
        lock (_gate)
        {
            if (_taken + bytes > Limit) { return null; }
            Buffer buffer;
            try { buffer = accelerator.Allocate1D<float>(capacity); }
            catch (Exception e) when (IsShortage(e)) { return null; }
            catch (CudaException e) { throw order.Explain(e); }
            _all.Add(buffer);
            _taken += bytes;
            _peak = Math.Max(_peak, _taken);
            return buffer;
        }
    }

    // after a kernel's error CUDA answers everything with it: more memory would not help
    private static bool IsShortage(Exception e) => e is OutOfMemoryException || (e is CudaException cuda ? cuda.Error == nameof(CudaError.CUDA_ERROR_OUT_OF_MEMORY) : e is AcceleratorException);

    // forgotten tensors hold memory until the collector finds them, and blocks of other sizes wait in the pool
    private Buffer TakeAfterCollection(int capacity)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers(); // they take the lock
        lock (_gate)
        {
            // nobody else takes what becomes free here
            trim();
            Trim();
            if (Take(capacity) is { } buffer) { return buffer; }
        }
        throw new InsufficientMemoryException(
            $"gpu: {device} has no room for {Megabytes((long)capacity * sizeof(float))}: {Megabytes(TakenBytes)} are held by tensors{(Limit < long.MaxValue ? $", the limit is {Megabytes(Limit)}" : "")}. " +
            "A smaller batch, Checkpoint, or an arena around what is computed outside a tape?");
    }

    internal static string Megabytes(long bytes) => FormattableString.Invariant($"{bytes / (1024.0 * 1024):0.#} MiB");
}
