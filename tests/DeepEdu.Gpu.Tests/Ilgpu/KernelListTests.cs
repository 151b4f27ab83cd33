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
        // of group norm, CTC and products with sparse matrices the processor alone has kernels; elsewhere groups are normalised as rows, rows taken, multiplied and added, by kernels that are there
        Assert.Empty(kernels.Where(k => !device.HasBody(k) && k.DeclaringType != typeof(GroupNorms) && k.DeclaringType != typeof(SparseProducts) && k.DeclaringType != typeof(CtcOp)).Select(k => k.FullName));
    }
}
