using DeepEdu.Ops;
using DeepEdu.Tensors;

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
