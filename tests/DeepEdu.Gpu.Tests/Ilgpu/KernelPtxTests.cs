using System.Text.RegularExpressions;
using DeepEdu.Gpu.Kernels;
using DeepEdu.Optim;

namespace DeepEdu.Gpu.Tests;

/// <summary>Every kernel whose arguments are one struct compiles for a GPU, not only for the processor that stands in, and works in registers.</summary>
public class KernelPtxTests
{
    private static readonly Dictionary<string, Type> s_kernels = typeof(GpuDevice).Assembly.GetTypes().Where(t => t.IsValueType && !t.IsGenericType && typeof(IGpuKernel).IsAssignableFrom(t))
        .Concat([typeof(StridedCopyKernel.WalkedCopy<float>), typeof(StridedCopyKernel.WalkedCopy<Float4>), typeof(GatheringKernel.TakeRows<float>), typeof(GatheringKernel.TakeRows<Float4>),
            typeof(RowUpdateKernels.Step<Adam.Plain>)])
        .ToDictionary(t => t.ToString()["DeepEdu.Gpu.".Length..]);

    public static TheoryData<string> All => [.. s_kernels.Keys];

    [Theory, MemberData(nameof(All))]
    public void WorksInRegisters(string name)
    {
        string ptx = Of(s_kernels[name]);
        Assert.Equal(0, Ptx.Count(ptx, ".local"));
        Assert.Equal(0, Ptx.Count(ptx, "call"));
        // a generic load or store has to find out first which memory it is, though the views lie in a struct
        Assert.Empty(Regex.Matches(ptx, @"\b(ld|st)\.(v\d\.)?[fbus]\d+"));
        Ptx.DividesAsShouldBe(ptx);
        if (!WithDoubles(s_kernels[name])) { Assert.DoesNotMatch(@"\.f64\b", ptx); }
    }

    [Theory]
    [InlineData(typeof(StridedCopyKernel.WalkedCopy<Float4>))]
    [InlineData(typeof(GatheringKernel.TakeRows<Float4>))]
    [InlineData(typeof(DropoutsKernel.Fours))]
    public void MovesSixteenBytes(Type kernel)
    {
        string ptx = Of(kernel);
        Assert.Equal((1, 1), (Ptx.Count(ptx, "ld.global.v4.f32"), Ptx.Count(ptx, "st.global.v4.f32")));
        Assert.Equal(0, Ptx.Count(ptx, "ld.global.f32") + Ptx.Count(ptx, "st.global.f32"));
    }

    // those that a device without double precision hands to the processor
    private static bool WithDoubles(Type kernel) => kernel == typeof(CumulativeKernel.Rows) || kernel.DeclaringType == typeof(DrawingKernel) || kernel.DeclaringType == typeof(LbfgsVectorKernels)
        || kernel.GetFields().Any(f => f.FieldType == typeof(ILGPU.ArrayView<double>));

    private static string Of(Type kernel) => Ptx.Of(kernel);
}
