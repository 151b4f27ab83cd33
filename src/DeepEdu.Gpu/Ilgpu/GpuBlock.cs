using DeepEdu.Memory;
using ILGPU;
using ILGPU.Runtime;

namespace DeepEdu.Gpu;

/// <summary>Floats in an accelerator's memory. A block that the garbage collector takes leaves its memory to the next of its size; a disposed one gives it back to the accelerator.</summary>
internal sealed class GpuBlock(GpuMemory home, MemoryBuffer1D<float, Stride1D.Dense> memory) : Block((int)memory.Length), IDisposable
{
    private MemoryBuffer1D<float, Stride1D.Dense>? _memory = memory;

    ~GpuBlock()
    {
        if (Take() is { } memory) { home.Return(memory); }
    }

    /// <exception cref="ObjectDisposedException">The memory went back to the accelerator, or the device was disposed.</exception>
    public MemoryBuffer1D<float, Stride1D.Dense> Memory => home.IsDisposed || _memory is not { } memory ? throw home.Gone() : memory;

    public void Dispose()
    {
        if (Take() is { } memory) { home.Free(memory); }
        GC.SuppressFinalize(this);
    }

    private MemoryBuffer1D<float, Stride1D.Dense>? Take() => Interlocked.Exchange(ref _memory, null);
}
