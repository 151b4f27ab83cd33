using DeepEdu.Gpu.Kernels;

namespace DeepEdu.Gpu;

/// <summary>Which kernels have a body on accelerators; the others run on the processor.</summary>
internal static class DeviceKernels
{
    public static void Register(GpuDevice device)
    {
        MatMulKernel.Register(device);
        LinearKernel.Register(device);
        LinearGeluKernels.Register(device);
        RecurrentKernels.Register(device);
        ConvKernel.Register(device);
        StridedCopyKernel.Register(device);
        SoftmaxKernel.Register(device);
        CrossEntropyKernel.Register(device);
        RowNormsKernel.Register(device);
        BatchNormsKernel.Register(device);
        GatheringKernel.Register(device);
        RowUpdateKernels.Register(device);
        DropoutsKernel.Register(device);
        NoisesKernel.Register(device);
        TrianglesKernel.Register(device);
        RotaryKernels.Register(device);
        ExtremesKernel.Register(device);
        SortingKernel.Register(device);
        SearchingKernels.Register(device);
        BagsKernel.Register(device);
        PoolingKernel.Register(device);
        AttentionKernels.Register(device);
        UpsamplingKernel.Register(device);
        if (!device.HasDoubles) { return; }
        CumulativeKernel.Register(device);
        DrawingKernel.Register(device);
        LbfgsVectorKernels.Register(device);
        LinearAlgebraKernels.Register(device);
    }
}
