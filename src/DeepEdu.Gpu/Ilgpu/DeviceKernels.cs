using DeepEdu.Gpu.Kernels;

namespace DeepEdu.Gpu;

/// <summary>Which kernels have a body on accelerators; the others run on the processor.</summary>
internal static class DeviceKernels
{
    public static void Register(GpuDevice device)
    {
        MatMulKernel.Register(device);
        LinearKernel.Register(device);
        RecurrentKernels.Register(device);
        ConvKernel.Register(device);
    }
}
