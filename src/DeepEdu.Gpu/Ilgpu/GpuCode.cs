using System.Reflection;
using System.Text.RegularExpressions;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu;

/// <summary>Compiles kernels for an accelerator. Optimised PTX marks branches on which threads part as uniform, which leaves their effect undefined; the mark is taken off before the driver sees the text.</summary>
internal partial class GpuCode(Accelerator accelerator, CudaQueue? queue)
{
    private static readonly FieldInfo s_text = typeof(PTXCompiledKernel).GetField("<PTXAssembly>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)
        ?? throw new MissingFieldException(nameof(PTXCompiledKernel), nameof(PTXCompiledKernel.PTXAssembly));

    /// <summary>A kernel, ready to be launched: by the driver itself where that is CUDA's, else by ILGPU.</summary>
    public virtual Launcher<K> Load<K>() where K : struct, IGpuKernel
    {
        var kernel = Compile<K>();
        return queue is not null ? new CudaLauncher<K>(queue, ((CudaKernel)kernel).FunctionPtr) : new IlgpuLauncher<K>(accelerator, kernel);
    }

    /// <summary>Compiles a kernel and hands it to the driver.</summary>
    internal Kernel Compile<K>() where K : struct, IGpuKernel
    {
        var compiled = accelerator.CompileKernel(EntryPointDescription.FromExplicitlyGroupedKernel(((Action<K>)GpuDevice.Enter).Method));
        if (compiled is PTXCompiledKernel ptx) { s_text.SetValue(ptx, WithoutUniformBranches(ptx.PTXAssembly)); }
        return accelerator.LoadKernel(compiled);
    }

    /// <summary>The text of a kernel without marks of uniform branches.</summary>
    internal static string WithoutUniformBranches(string ptx) => Marked().Replace(ptx, "$1");

    [GeneratedRegex(@"\b(bra|brx\.idx|ret)\.uni\b")]
    private static partial Regex Marked();
}
