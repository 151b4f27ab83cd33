using DeepEdu.Gpu.Tests.Cuda;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Tests;

/// <summary>The device that tests run on: a GPU if there is one, else the emulated one, whose kernels are the PTX that a GPU gets, and are checked as they run; where neither is possible, ILGPU's
/// accelerator on the processor.</summary>
internal static class TestDevice
{
    /// <summary>A device of one's own.</summary>
    public static GpuDevice New()
    {
        if (EmulatedDriver.Missing is null) { return EmulatedDriver.NewDevice(); }
        _ = GpuDevice.Doctor(); // sets the resolver that finds the library
        var context = Context.Create(b => b.Cuda().EnableAlgorithms().Optimize(OptimizationLevel.O2));
        if (context.GetCudaDevices() is { Count: > 0 } all) { return new(all[0].CreateAccelerator(context), "cuda", context); }
        context.Dispose();
        return GpuDevice.Simulated();
    }
}
