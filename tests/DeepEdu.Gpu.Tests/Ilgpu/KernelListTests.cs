using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>What docs/gpu.md says of kernels.</summary>
public class KernelListTests
{
    [Fact]
    public void EveryKernelOfTheCoreHasABody()
    {
        using var device = TestDevice.New();
        Type[] kernels = [.. typeof(Tensor).Assembly.GetTypes().Where(t => t.IsValueType && typeof(IKernel).IsAssignableFrom(t))];
        Assert.True(kernels.Length > 30);
        Assert.Empty(kernels.Where(k => !device.HasBody(k)).Select(k => k.FullName));
    }
}
