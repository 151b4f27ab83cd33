using System.Collections.Concurrent;
using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Tests;

/// <summary>The PTX of a kernel for the architecture of an H200, made without a GPU. The environment variable DEEPEDU_PTX names a folder to write it to, for CUDA's own tools.</summary>
internal static class Ptx
{
    // a compiler works for one thread at a time
    private static readonly ConcurrentBag<PTXBackend> s_idle = [];

    private static PTXBackend Backend()
    {
        PTXBackend backend = new(Context.Create(b => b.EnableAlgorithms().Optimize(OptimizationLevel.O2)), CudaArchitecture.SM_90, CudaInstructionSet.ISA_78, null!);
        ReadsInPlace.Of(backend);
        return backend;
    }

    public static string Raw(Type kernel)
    {
        var body = typeof(GpuDevice).GetMethod(nameof(GpuDevice.Enter), BindingFlags.Static | BindingFlags.NonPublic)!.MakeGenericMethod(kernel);
        var backend = s_idle.TryTake(out var idle) ? idle : Backend();
        try { return ((PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(body), KernelSpecialization.Empty)).PTXAssembly; }
        finally { s_idle.Add(backend); }
    }

    public static string Of(Type kernel)
    {
        string ptx = GpuCode.WithoutUniformBranches(Raw(kernel));
        if (Environment.GetEnvironmentVariable("DEEPEDU_PTX") is { Length: > 0 } folder)
        {
            string name = string.Concat(GpuKernels.NameOf(kernel).Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(folder).FullName, name + ".ptx"), ptx);
        }
        return ptx;
    }

    /// <summary>No remainder of a constant, which neither compiler makes a mask of, and no division of 64 bits, which calls a routine.</summary>
    public static void DividesAsShouldBe(string ptx) => Assert.DoesNotMatch(@"\b(div|rem)\.([us]64\b|[us]\d+\s+%\w+, %\w+, \d)", ptx);

    public static int Count(string ptx, string instruction) => ptx.Split('\n').Count(l => l.Contains(instruction, StringComparison.Ordinal));
}
