using System.Runtime.CompilerServices;
using ILGPU;

namespace DeepEdu.Gpu;

/// <summary>Launches through the driver itself: the arguments are written once, to the stack, and nothing is allocated.</summary>
internal sealed unsafe class CudaLauncher<K> : Launcher<K> where K : struct, IGpuKernel
{
    private readonly CudaQueue _queue;
    private readonly nint _function;
    private readonly KernelArguments.Writer<K> _write;
    private readonly int _bytes, _number;

    public CudaLauncher(CudaQueue queue, nint function)
    {
        (_queue, _function, _number) = (queue, function, queue.Number());
        _write = KernelArguments.Of<K>(out _bytes);
    }

    /// <summary>The driver's number of the kernel.</summary>
    public nint Function => _function;

    public override void Run(KernelConfig how, in K kernel)
    {
        byte* arguments = stackalloc byte[_bytes]; // cleared: what lies between fields is 0
        _write(ref Unsafe.AsRef(in kernel), arguments);
        _queue.Launch(What(how), arguments, _bytes);
    }

    public override int Together(int threads) => _queue.Together(_function, threads);

    public override bool RunTogether(KernelConfig how, in K kernel)
    {
        byte* arguments = stackalloc byte[_bytes];
        _write(ref Unsafe.AsRef(in kernel), arguments);
        return _queue.LaunchTogether(What(how), arguments);
    }

    private CudaLaunch What(KernelConfig how)
    {
        Index3D grid = how.GridDim, group = how.GroupDim;
        return new() { Kernel = _number, Function = _function, GridX = grid.X, GridY = grid.Y, GridZ = grid.Z, BlockX = group.X, BlockY = group.Y, BlockZ = group.Z };
    }
}
