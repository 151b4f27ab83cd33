using DeepEdu.Devices;
using DeepEdu.Ops;

namespace DeepEdu.Gpu.Kernels;

/// <summary>x·Wᵀ + b, with ReLU or not: the matrix product with another ending.</summary>
internal static class LinearKernel
{
    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in Linear k) =>
    {
        if (k.Y.Length == 0) { return; }
        var y = GpuDevice.Of(k.Y);
        MatMulKernel.Launch(d, GpuDevice.Of(k.X), GpuDevice.Of(k.W), k.Bias.IsNone ? y : GpuDevice.Of(k.Bias), y,
            new() { M = k.Rows, K = k.Inputs, N = k.Outputs, TransB = 1, HasBias = k.Bias.IsNone ? 0 : 1, Relu = k.Relu ? 1 : 0, Batch = new(Broadcast.Flat(1)) }, 1);
    });
}
