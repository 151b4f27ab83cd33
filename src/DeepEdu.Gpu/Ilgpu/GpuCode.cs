using System.Text.RegularExpressions;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu;

/// <summary>Compiles kernels for an accelerator. Optimised PTX marks branches on which threads part as uniform, which leaves their effect undefined; the mark is taken off before the driver sees the text.</summary>
internal partial class GpuCode(Accelerator accelerator, CudaQueue? queue)
{
    /// <summary>A kernel, ready to be launched: by the driver itself where that is CUDA's, else by ILGPU.</summary>
    public virtual Launcher<K> Load<K>() where K : struct, IGpuKernel
    {
        CompiledKernel compiled;
        try { compiled = accelerator.CompileKernel(EntryPointDescription.FromExplicitlyGroupedKernel(((Action<K>)GpuDevice.Enter).Method)); }
        catch (InternalCompilerException e) when (e.GetBaseException() is CapabilityNotSupportedException why)
        {
            throw new NotSupportedException($"gpu: {typeof(K)} cannot run on {accelerator.Name}: {why.Message} Move the operands with To(CpuDevice.Instance)", e);
        }
        return queue is null ? new IlgpuLauncher<K>(accelerator, accelerator.LoadKernel(compiled)) : new CudaLauncher<K>(queue, Function((PTXCompiledKernel)compiled));
    }

    /// <summary>The text of a kernel without marks of uniform branches.</summary>
    internal static string WithoutUniformBranches(string ptx) => Marked().Replace(ptx, "$1");

    // its module stays with the context
    private nint Function(PTXCompiledKernel kernel)
    {
        accelerator.Bind();
        var error = CudaAPI.CurrentAPI.LoadModule(out nint module, WithoutUniformBranches(kernel.PTXAssembly), out string? log);
        if (error != CudaError.CUDA_SUCCESS) { throw new InvalidOperationException($"gpu: the driver takes no {kernel.Name}: {log}", new CudaException(error)); }
        CudaDriver.Check(CudaAPI.CurrentAPI.GetModuleFunction(out nint function, module, kernel.Name));
        return function;
    }

    [GeneratedRegex(@"\b(bra|brx\.idx|ret)\.uni\b")]
    private static partial Regex Marked();
}
