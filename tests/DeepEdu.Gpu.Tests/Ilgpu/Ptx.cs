using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Tests;

/// <summary>The PTX of a kernel for the architecture of an H200, made without a GPU.</summary>
internal static class Ptx
{
    private static readonly PTXBackend s_backend = new(Context.Create(b => b.EnableAlgorithms().Optimize(OptimizationLevel.O2)), CudaArchitecture.SM_90, CudaInstructionSet.ISA_88, null!);

    public static string Raw(MethodInfo body)
    {
        lock (s_backend) { return ((PTXCompiledKernel)s_backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(body), KernelSpecialization.Empty)).PTXAssembly; }
    }

    public static string Of(MethodInfo body) => GpuCode.WithoutUniformBranches(Raw(body));

    public static int Count(string ptx, string instruction) => ptx.Split('\n').Count(l => l.Contains(instruction, StringComparison.Ordinal));
}
