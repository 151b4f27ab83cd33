using System.Text.RegularExpressions;
using DeepEdu.Gpu.Kernels;

namespace DeepEdu.Gpu.Tests;

/// <summary>What the compiler makes of the kernels of networks, read in their PTX.</summary>
public class NetsPtxTests
{
    private static readonly Dictionary<string, Type> s_kernels = new()
    {
        ["lstm step"] = typeof(StepKernel<ForwardEnd<GpuLstm>>),
        ["lstm step back"] = typeof(StepKernel<BackwardEnd<GpuLstm>>),
        ["gru step"] = typeof(StepKernel<ForwardEnd<GpuGru>>),
        ["gru step back"] = typeof(StepKernel<BackwardEnd<GpuGru>>),
        ["gru reset step"] = typeof(StepKernel<ResetEnd>),
        ["projection"] = typeof(StepKernel<PlainEnd>),
        ["lstm sequence"] = typeof(SequenceKernel<ForwardCell<GpuLstm>, Depth3>),
        ["lstm sequence back"] = typeof(SequenceKernel<BackwardCell<GpuLstm>, Depth3>),
        ["gru sequence"] = typeof(SequenceKernel<ForwardCell<GpuGru>, Depth2>),
        ["gru sequence back"] = typeof(SequenceKernel<BackwardCell<GpuGru>, Depth4>),
        ["conv"] = typeof(ConvTiles<ConvForwardProduct>),
        ["conv input gradient"] = typeof(ConvTiles<ConvInputProduct<NoStrides>>),
        ["conv input gradient of strides"] = typeof(ConvTiles<ConvInputProduct<SomeStrides>>),
        ["conv weight gradient"] = typeof(ConvTiles<ConvWeightProduct>),
        ["conv of few channels"] = typeof(ConvDirect),
        ["conv of few channels, input gradient"] = typeof(ConvDirectInput<SomeStrides>),
        ["conv of few channels, weight gradient"] = typeof(ConvDirectWeight),
        ["attention"] = typeof(AttentionForwardKernel<FloatAttention>),
        ["attention query gradient"] = typeof(AttentionQueryPull<FloatAttention>),
        ["attention key gradient"] = typeof(AttentionKeyPull<FloatAttention>),
        ["max pool"] = typeof(MaxPool<FixedWindows>),
        ["max pool back"] = typeof(MaxPoolBack<FixedWindows>),
        ["avg pool back"] = typeof(AvgPoolBack<FixedWindows>),
    };

    public static TheoryData<string> All => [.. s_kernels.Keys];

    [Theory, MemberData(nameof(All))]
    public void TouchesNoLocalMemory(string name)
    {
        string ptx = Of(name);
        Assert.Equal((0, 0), (Ptx.Count(ptx, ".local"), Ptx.Count(ptx, "call")));
        // a generic load or store has to find out first which memory it is
        Assert.Empty(Regex.Matches(ptx, @"\b(ld|st)\.(v\d\.)?[fbus]\d+"));
        Assert.DoesNotMatch(@"\.uni\b", ptx);
        Assert.DoesNotMatch(@"\.f64\b", ptx); // nor is a number a double on its way to a float
        Ptx.DividesAsShouldBe(ptx);
    }

    /// <summary>Four terms of a unit's sum at a time, 4 × 4 products of a tile at four steps along k: loads from shared memory are few beside the products, and all of sixteen bytes.</summary>
    [Theory]
    [InlineData("lstm step", 5, 16)]
    [InlineData("lstm step back", 8, 16)]
    [InlineData("gru step", 4, 12)]
    [InlineData("conv", 26, 128)] // of which 10 of places; one tile in the loop, one behind it
    [InlineData("conv input gradient", 26, 128)]
    [InlineData("conv weight gradient", 26, 128)]
    [InlineData("attention", 16, 128)]
    [InlineData("attention query gradient", 24, 192)]
    [InlineData("attention key gradient", 32, 256)]
    public void ReadsSharedMemoryInFours(string name, int loads, int products)
    {
        string ptx = Of(name);
        Assert.InRange(Ptx.Count(ptx, "ld.shared.v4"), loads, loads + 2);
        Assert.True(Ptx.Count(ptx, "mul.f32") + Ptx.Count(ptx, "fma.rn.f32") >= products);
    }

    /// <summary>Four rows at a time enter the columns of a warp, which stay in registers: twelve reads for 192 products; rows of the step before come sixteen bytes at a time. Groups wait for each other at one place, by PTX's rules.</summary>
    [Theory, InlineData("lstm sequence"), InlineData("lstm sequence back")]
    public void ASequenceReadsItsWeightOnce(string name)
    {
        string ptx = Of(name);
        Assert.Equal((12, 12), (Ptx.Count(ptx, "ld.shared.v4.f32"), Ptx.Count(ptx, "ld.shared.v4")));
        Assert.Equal(2 * 3, Ptx.Count(ptx, "ld.global.v4.f32"));
        Assert.Equal((1, 1, 1, 1), (Ptx.Count(ptx, "fence.acq_rel.gpu"), Ptx.Count(ptx, "red.relaxed.gpu.global.add.u32"), Ptx.Count(ptx, "ld.acquire.gpu.global.u32"), Ptx.Count(ptx, "trap;")));
        Assert.Equal(16, Ptx.Count(ptx, "shfl.sync.bfly"));
        Assert.DoesNotContain(".nc.", ptx, StringComparison.Ordinal); // what others write meanwhile is not read through a cache that does not know
    }

    private static string Of(string name) => Ptx.Of(s_kernels[name]);
}
