using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using Buffer = ILGPU.Runtime.MemoryBuffer1D<float, ILGPU.Stride1D.Dense>;

namespace DeepEdu.Gpu;

/// <summary>The order in which an accelerator works: what goes there besides kernels.</summary>
internal interface IOrder : IDisposable
{
    /// <summary>Copies memory that stays where it is, page-locked or not, to byte <paramref name="at"/> of a buffer; returns before it has.</summary>
    void Write(Span<byte> pinned, Buffer to, long at, bool isLocked);

    /// <summary>Copies from byte <paramref name="at"/> of a buffer to page-locked memory; returns before it has.</summary>
    void Read(Buffer from, long at, Span<byte> pinned);

    /// <summary>Copies floats within the accelerator.</summary>
    void Copy(Buffer from, int fromAt, Buffer to, int toAt, int length);

    /// <summary>Waits for everything so far.</summary>
    void Wait();

    /// <summary>A place in the order, to be set later.</summary>
    IMark Mark();

    /// <summary>An error of the accelerator, with what helps if it is known.</summary>
    Exception Explain(Exception error);

    /// <summary>Lets everything so far go to the accelerator before memory that it may use is given back.</summary>
    void BeforeFree();
}

/// <summary>The order of ILGPU's default stream.</summary>
internal sealed class IlgpuOrder(Accelerator accelerator) : IOrder
{
    public void Write(Span<byte> pinned, Buffer to, long at, bool isLocked)
    {
        using var window = Window(pinned);
        to.AsRawArrayView().SubView(at, pinned.Length).CopyFrom(accelerator.DefaultStream, window.AsRawArrayView());
    }

    public void Read(Buffer from, long at, Span<byte> pinned)
    {
        using var window = Window(pinned);
        from.AsRawArrayView().SubView(at, pinned.Length).CopyTo(accelerator.DefaultStream, window.AsRawArrayView());
    }

    public void Copy(Buffer from, int fromAt, Buffer to, int toAt, int length) => from.View.SubView(fromAt, length).BaseView.CopyTo(accelerator.DefaultStream, to.View.SubView(toAt, length).BaseView);

    public void Wait() => accelerator.DefaultStream.Synchronize();

    public IMark Mark() => new StreamMark(accelerator);

    public Exception Explain(Exception error) => error;

    public void BeforeFree() { }

    public void Dispose() { }

    // a copy moves whole buffers in OpenCL, so each part gets a buffer of its own length
    private unsafe CPUMemoryBuffer Window(Span<byte> part) => CPUMemoryBuffer.Create(accelerator, (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(part)), part.Length, 1);

    // waiting for everything waits for the mark, too
    private sealed class StreamMark(Accelerator accelerator) : IMark
    {
        public bool IsReached => false;

        public void Set() { }

        public void Wait() => accelerator.DefaultStream.Synchronize();

        public void Dispose() { }
    }
}
