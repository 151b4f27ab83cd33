using DeepEdu.Ops;
using DeepEdu.Tensors;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>What a driver may answer besides yes.</summary>
[Collection(nameof(EmulatedDriver))]
public class DriverTroubleTests
{
    [EmulatedTheory]
    [InlineData(100, "CUDA_ERROR_NO_DEVICE", "a container gets GPUs")]
    [InlineData(34, "34", "stub")]
    [InlineData(802, "802", "fabric manager")]
    [InlineData(999, "CUDA_ERROR_UNKNOWN", "999")]
    public void WhyThereIsNoDeviceIsSaid(int error, string name, string help)
    {
        EmulatedDriver.InitError = error;
        string why;
        try { why = CudaDriver.WhyNone(); }
        finally { EmulatedDriver.InitError = 0; }
        Assert.Contains($"cuInit ends with error {error}", why, StringComparison.Ordinal);
        Assert.Contains(name, why, StringComparison.Ordinal);
        Assert.Contains(help, why, StringComparison.Ordinal);
    }

    /// <summary>Nothing to load is another lack than nothing behind what was loaded.</summary>
    [EmulatedFact]
    public void WhyOpenClShowsNothingIsSaid()
    {
        Assert.Contains("no libOpenCL", GpuDevice.WhyNoOpenCl(0), StringComparison.Ordinal);
        Assert.Contains("vendors", GpuDevice.WhyNoOpenCl(1), StringComparison.Ordinal);
        Assert.All(GpuDevice.Doctor().Where(i => i.Kind == "opencl" && i.Name == "opencl"), i => Assert.Equal(GpuDevice.WhyNoOpenCl(CudaDriver.Load("OpenCL", typeof(ILGPU.Context).Assembly, null)), i.Problem));
    }

    // the PTX that each driver is given is of a version that it knows, for an architecture that it translates to its own
    [EmulatedTheory]
    [InlineData(11080, "7.8")]
    [InlineData(12020, "8.2")]
    [InlineData(12040, "8.4")]
    [InlineData(12080, "8.7")]
    [InlineData(12090, "8.8")]
    [InlineData(13000, "8.8")]
    [InlineData(13020, "8.8")]
    public void EveryDriverGetsTextThatItKnows(int version, string ptx)
    {
        EmulatedDriver.Version = version;
        try
        {
            using var device = EmulatedDriver.NewDevice();
            var compiled = (PTXCompiledKernel)device.Accelerator.CompileKernel(EntryPointDescription.FromExplicitlyGroupedKernel(((Action<FillLoop>)GpuDevice.Enter).Method));
            Assert.Contains($".version {ptx}\n.target sm_80\n", compiled.PTXAssembly.ReplaceLineEndings("\n"), StringComparison.Ordinal);
            Assert.True(device.HasTensorCores);
            Assert.Equal([2f, 3f], (Tensor.Of([2], [1, 2], device) + 1f).ToArray());
        }
        finally { EmulatedDriver.Version = 0; }
    }

    [EmulatedTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void WithoutLockedPagesCopiesAreTheSame(bool graphs)
    {
        EmulatedDriver.LocksNoPages = true;
        try
        {
            using var device = EmulatedDriver.NewDevice();
            device.Graphs = graphs;
            Tensor sum = Tensor.Zeros([5], device);
            for (int i = 0; i < 8; i++) { sum = (sum * 2f) + Tensor.Of([5], [i, 1, 2, 3, 4], device); }
            Assert.Equal([247f, 255, 510, 765, 1020], sum.ToArray());
        }
        finally { EmulatedDriver.LocksNoPages = false; }
    }

    // a kernel that fails is told where its result is read, and by everything after that; not as a lack of memory, and not again by Dispose
    [EmulatedTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void AKernelsErrorIsNotTakenForAnother(bool graphs)
    {
        var device = EmulatedDriver.NewDevice();
        device.Graphs = graphs;
        var x = Tensor.Of([4], [1, 2, 3, 4], device);
        Assert.Equal([1f, 2, 3, 4], x.ToArray());
        var gone = device.Accelerator.Allocate1D<float>(64);
        FillLoop wrong = new() { Y = gone.View.BaseView, Value = 1 };
        gone.Dispose();
        device.Start(64, wrong);
        Assert.Contains("no device memory", Assert.Throws<CudaException>(() => x.ToArray()).Message, StringComparison.Ordinal);
        Assert.Contains("no device memory", Assert.Throws<CudaException>(() => x.ToArray()).Message, StringComparison.Ordinal);
        Assert.Contains("no device memory", Assert.Throws<CudaException>(() => Tensor.Zeros([1 << 16], device).ToArray()).Message, StringComparison.Ordinal);
        device.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var other = EmulatedDriver.NewDevice();
        Assert.Equal([5f], (Tensor.Of([1], [4], other) + 1f).ToArray());
    }
}
