namespace DeepEdu.Gpu.Tests;

/// <summary>A row for each way to launch, and training, on ILGPU's accelerator on the processor, which works everywhere: the other tests run on a GPU, emulated or not.</summary>
public class SimulatedTests
{
    private static readonly Lazy<GpuDevice> s_device = new(GpuDevice.Simulated);

    [Theory, MemberData(nameof(DeviceCatalogTests.All), MemberType = typeof(DeviceCatalogTests))]
    public void EqualsTheProcessor(string row) => DeviceCatalogTests.Check(row, s_device.Value);

    [Theory, InlineData(false), InlineData(true)]
    public void TensorCoresAreSimulated(bool medium)
    {
        using var device = GpuDevice.Simulated();
        TensorCoreTests.Check(device, medium ? MatMulPrecision.Medium : MatMulPrecision.High, 8, 20, 40, true, true);
    }

    [Fact]
    public void AttentionByTensorCoresIsSimulated()
    {
        using var device = GpuDevice.Simulated();
        device.MatMulPrecision = MatMulPrecision.High;
        TensorAttentionTests.Check("lengths, causal with an offset", device);
    }

    [Theory, InlineData("mlp"), InlineData("lstm")]
    public void TrainsAsOnTheProcessor(string model)
    {
        using var device = GpuDevice.Simulated();
        DeviceTrainingTests.Check(model, device);
    }
}
