using DeepEdu.Devices;
using DeepEdu.Ops;
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
        // of these the processor alone has kernels; elsewhere groups are normalised as rows, rows taken, multiplied and added, products run by doubling, residuals added apart, by kernels that are there places are sorted by values that are read
        Type[] composed = [typeof(GroupNorms), typeof(SparseProducts), typeof(CtcOp), typeof(Scans.RunningProduct), typeof(Scans.RunningProductGradient), typeof(LinearAdd)];
        Assert.Empty(kernels.Where(k => !device.HasBody(k) && !composed.Contains(k) && !composed.Contains(k.DeclaringType)).Select(k => k.FullName));
    }
}
