using System.Reflection;
using System.Text.RegularExpressions;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Group = ILGPU.Group;

namespace DeepEdu.Gpu.Tests;

/// <summary>A read of shared memory stays before the barrier that follows it.</summary>
public class ReadsInPlaceTests
{
    [Fact]
    public void AReadStaysBeforeItsBarrier() => Assert.Equal("st bar ld bar", Order(inPlace: true));

    // the day this fails, nothing need be kept any more
    [Fact]
    public void TheCompilerMovesItItself() => Assert.Equal("st bar bar ld", Order(inPlace: false));

    /// <summary>Turned comparisons with a constant answer as they did, NaN or not: the processor's answers are in the catalogue.</summary>
    [Theory, InlineData(float.NaN), InlineData(0f), InlineData(1f), InlineData(-1f)]
    public void AConstantOnTheLeftIsComparedAsItStands(float y)
    {
        GpuLane zero = 0f, value = y;
        Assert.Equal(0 >= y ? 1 : 2, GpuLane.WhereGreaterOrEqual(zero, value, 1f, 2f).V);
        Assert.Equal(0 > y ? 1 : 2, GpuLane.WhereGreater(zero, value, 1f, 2f).V);
        Assert.Equal(y >= 0 ? 1 : 2, GpuLane.WhereGreaterOrEqual(value, zero, 1f, 2f).V);
        Assert.Equal(y > 0 ? 1 : 2, GpuLane.WhereGreater(value, zero, 1f, 2f).V);
    }

    private static string Order(bool inPlace)
    {
        using var context = Context.Create(b => b.EnableAlgorithms().Optimize(OptimizationLevel.O2));
        using PTXBackend backend = new(context, CudaArchitecture.SM_90, CudaInstructionSet.ISA_78, null!);
        if (inPlace) { ReadsInPlace.Of(backend); }
        var body = typeof(GpuDevice).GetMethod(nameof(GpuDevice.Enter), BindingFlags.Static | BindingFlags.NonPublic)!.MakeGenericMethod(typeof(SumOfFirst));
        var compiled = (PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(body), KernelSpecialization.Empty);
        return string.Join(' ', Regex.Matches(compiled.PTXAssembly, @"\b(st|ld)\.shared|\b(bar)\.sync").Select(m => m.Groups[1].Value + m.Groups[2].Value));
    }

    // a sum over rounds, each of which the first thread states
    private struct SumOfFirst(ArrayView<float> x, int rounds) : IGpuKernel
    {
        public ArrayView<float> X = x;
        public int Rounds = rounds;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(32);
            float sum = 0;
            for (int i = 0; i < Rounds; i++)
            {
                shared[Group.IdxX] = X[i];
                Group.Barrier();
                sum += shared[0];
                Group.Barrier();
            }
            X[Group.IdxX] = sum;
        }
    }
}
