using DeepEdu.Ops;
using DeepEdu.Tensors;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>What a driver refuses of graphs, the emulated one refuses.</summary>
[Collection(nameof(EmulatedDriver))]
public unsafe class GraphRulesTests
{
    [EmulatedFact]
    public void WhatCudaForbidsIsAnError()
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        var driver = CudaGraphs.Found!;
        nint context = device.Accelerator.NativePtr, fill = ((CudaLauncher<FillLoop>)device.Code.Load<FillLoop>()).Function, add = ((CudaLauncher<MapLoop<Functions.SquareFormula>>)device.Code.Load<MapLoop<Functions.SquareFormula>>()).Function;
        var x = Tensor.Zeros([64], device);
        nint memory = GpuDevice.Of(x.View).LoadEffectiveAddressAsPtr(), graph, other, node, copied, exec, bytes = 24;
        byte* arguments = stackalloc byte[24];
        void** extra = stackalloc void*[5];
        CudaQueue.Extra(extra, arguments, &bytes);
        KernelNode kernel = new() { Function = fill, GridX = 1, GridY = 1, GridZ = 1, BlockX = 32, BlockY = 1, BlockZ = 1, Extra = extra };
        CopyNode copy = new() { FromKind = CopyNode.Device, FromDevice = memory, ToKind = CopyNode.Device, ToDevice = memory + 128, Width = 64, Height = 1, Depth = 1 };
        Assert.Equal(CudaError.CUDA_SUCCESS, driver.Create(&graph, 0));
        Assert.Equal(CudaError.CUDA_SUCCESS, driver.Create(&other, 0));
        Assert.Equal(CudaError.CUDA_SUCCESS, driver.AddKernel(&node, graph, null, 0, &kernel));
        Assert.Equal(CudaError.CUDA_SUCCESS, driver.AddCopy(&copied, graph, &node, 1, &copy, context));
        Assert.Equal(CudaError.CUDA_ERROR_INVALID_VALUE, driver.AddKernel(&node, other, &copied, 1, &kernel)); // a dependency elsewhere
        Assert.Equal(CudaError.CUDA_SUCCESS, driver.Instantiate(&exec, graph, 0));
        Assert.Equal(CudaError.CUDA_SUCCESS, driver.SetKernel(exec, node, &kernel));
        Assert.Equal(CudaError.CUDA_SUCCESS, SetKernel(driver, exec, node, kernel with { GridX = 7 }));
        Assert.Equal(CudaError.CUDA_ERROR_INVALID_VALUE, SetKernel(driver, exec, node, kernel with { Function = add }));
        Assert.Equal(CudaError.CUDA_ERROR_INVALID_VALUE, SetKernel(driver, exec, node, kernel with { BlockX = 2048 }));
        Assert.Equal(CudaError.CUDA_ERROR_INVALID_VALUE, SetKernel(driver, exec, node, kernel with { Parameters = extra })); // arguments in two ways
        Assert.Equal(CudaError.CUDA_SUCCESS, SetCopy(driver, exec, copied, copy with { Width = 32 }, context));
        Assert.Equal(CudaError.CUDA_ERROR_INVALID_VALUE, SetCopy(driver, exec, copied, copy with { Width = 0 }, context));
        Assert.Equal(CudaError.CUDA_ERROR_INVALID_VALUE, SetCopy(driver, exec, copied, copy with { Height = 2 }, context));
        Assert.Equal(CudaError.CUDA_ERROR_INVALID_VALUE, SetCopy(driver, exec, copied, copy with { FromKind = CopyNode.Host, FromHost = (nint)arguments }, context)); // not page-locked
        Assert.Equal(CudaError.CUDA_SUCCESS, driver.Launch(exec, 0));
        Assert.Equal(CudaError.CUDA_SUCCESS, driver.Destroy(graph));
        Assert.Equal(CudaError.CUDA_ERROR_INVALID_VALUE, driver.SetKernel(exec, node, &kernel)); // its node is gone
        Assert.Equal(CudaError.CUDA_SUCCESS, driver.DestroyExec(exec));
        Assert.Equal(CudaError.CUDA_ERROR_INVALID_HANDLE, driver.Launch(exec, 0));
    }

    private static CudaError SetKernel(CudaGraphs driver, nint exec, nint node, KernelNode kernel) => driver.SetKernel(exec, node, &kernel);

    private static CudaError SetCopy(CudaGraphs driver, nint exec, nint node, CopyNode copy, nint context) => driver.SetCopy(exec, node, &copy, context);
}
