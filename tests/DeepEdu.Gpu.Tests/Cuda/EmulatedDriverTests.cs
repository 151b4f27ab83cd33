using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>ILGPU's own CUDA path on the emulated driver: what it calls, and how often.</summary>
[Collection(nameof(EmulatedDriver))]
public class EmulatedDriverTests
{
    [EmulatedFact]
    public void LaunchesAreCounted()
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        Assert.Equal("cuda (Emulated H200)", device.Name);
        Tensor x = Tensor.Of([3], [1, 2, 3], device), y = Tensor.Of([3], [4, 5, 6], device);
        Assert.Equal([1f, 2, 3], x.ToArray());
        _ = x + y;
        EmulatedDriver.Reset();
        EmulatedDriver.Record = true;
        _ = x + y;
        EmulatedDriver.Record = false;
        Assert.Equal(1, EmulatedDriver.CountOf("cuLaunchKernel"));
        Assert.Equal(0, EmulatedDriver.CountOf("cuStreamSynchronize"));
        var launch = Assert.Single(EmulatedDriver.Launches);
        Assert.Equal(((1, 1, 1), (256, 1, 1), 0), (launch.Grid, launch.Block, launch.SharedBytes));
    }

    // a thread's first call of the driver may be the one that locks pages: what it needs came from the pool
    [EmulatedFact]
    public void PagesAreLockedByAnyThread()
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        using (var arena = new Arena()) { device.Allocate(3); }
        EmulatedDriver.Reset();
        Thread other = new(() =>
        {
            using var arena = new Arena();
            Tensor.Of([3], [1, 2, 3], device);
        });
        other.Start();
        other.Join();
        Assert.Equal((0, 1), (EmulatedDriver.CountOf("cuMemAlloc_v2"), EmulatedDriver.CountOf("cuMemHostRegister_v2")));
    }

    // as in a run of all tests: more contexts come and go than a byte tells apart
    [EmulatedFact]
    public void AContextsMemoryStaysWhenOthersGo()
    {
        using var device = EmulatedDriver.NewDevice();
        Tensor x = Tensor.Of([3], [1, 2, 3], device), large = Tensor.Full([5000], 2f, device);
        for (int i = 0; i < 130; i++)
        {
            using Kernels other = new();
            Assert.Equal([i], other.Read<int>(other.Of(i), 1));
            Assert.Equal(CudaError.CUDA_SUCCESS, CudaAPI.CurrentAPI.CreateContext(out nint context, default, 0));
            Assert.Equal(CudaError.CUDA_SUCCESS, CudaAPI.CurrentAPI.DestroyContext(context));
        }
        Assert.Equal(CudaError.CUDA_SUCCESS, CudaAPI.CurrentAPI.SetCurrentContext(device.Accelerator.NativePtr));
        Assert.Equal([2f, 3, 4], (x + 1f).ToArray());
        Assert.Equal(10000f, large.Sum().Item());
    }

    // its pages are the system's again, so that only what is left of the first and the last still says so
    [EmulatedTheory]
    [InlineData(100)]
    [InlineData(5000)]
    [InlineData(40000)]
    public void FreedMemoryIsKnownForThat(int bytes)
    {
        using Kernels kernels = new();
        long freed = kernels.Of(new byte[bytes]), kept = kernels.Of((byte)7);
        int owner = kernels.Owner;
        kernels.Free(freed);
        foreach (int at in (int[])[0, bytes / 2, bytes - 1]) { Assert.Contains("was freed", DeviceHeap.Refusal(freed + at, 1, owner, true), StringComparison.Ordinal); }
        foreach (long at in (long[])[freed - 1, freed + bytes, kept + 1]) { Assert.Contains("outside every allocation", DeviceHeap.Refusal(at, 1, owner, true), StringComparison.Ordinal); }
        Assert.Null(DeviceHeap.Refusal(kept, 1, owner, true));
    }
}

/// <summary>Skipped where the driver cannot be emulated, or a real one is there.</summary>
internal sealed class EmulatedFactAttribute : FactAttribute
{
    public EmulatedFactAttribute() => Skip = EmulatedDriver.Missing;
}

/// <inheritdoc/>
internal sealed class EmulatedTheoryAttribute : TheoryAttribute
{
    public EmulatedTheoryAttribute() => Skip = EmulatedDriver.Missing;
}
