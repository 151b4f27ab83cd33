using System.Text.RegularExpressions;
using DeepEdu.Gpu.Kernels;
using DeepEdu.Lanes;
using DeepEdu.Ops;
using DeepEdu.Optim;

namespace DeepEdu.Gpu.Tests;

/// <summary>What the compiler makes of the hot kernels, read in their PTX: the speed on a GPU begins here, and can be looked at without one.</summary>
public class PtxTests
{
    private static readonly Dictionary<string, Type> s_kernels = new()
    {
        ["map square"] = typeof(Map4Loop<Functions.SquareFormula>),
        ["map exp"] = typeof(Map4Loop<Functions.ExpFormula>),
        ["map gelu"] = typeof(Map4Loop<Activations.GeluFormula>),
        ["zip add"] = typeof(Zip4Loop<Arithmetic.AddFormula>),
        ["zip multiply"] = typeof(Zip4Loop<Arithmetic.MulFormula>),
        ["zip multiply, broadcast"] = typeof(ZipRunLoop<Arithmetic.MulFormula>),
        ["update adam"] = typeof(UpdateLoop<Adam.Plain>),
        ["update adam, rows"] = typeof(RowUpdateKernels.Step<Adam.Plain>),
        ["fold sum, rows"] = typeof(RowLoop<Reductions.SumFold>),
        ["fold sum, columns"] = typeof(ColumnLoop<Reductions.SumFold>),
        ["matmul and linear, tile 128"] = typeof(ProductKernel<WideTile>),
        ["matmul and linear, tile 64"] = typeof(ProductKernel<SmallTile>),
    };

    public static TheoryData<string> All => [.. s_kernels.Keys];

    [Theory, MemberData(nameof(All))]
    public void TouchesNoLocalMemory(string name)
    {
        string ptx = Ptx.Of(s_kernels[name]);
        Assert.Equal(0, Ptx.Count(ptx, ".local"));
        Assert.Equal(0, Ptx.Count(ptx, "call"));
        // a generic load or store has to find out first which memory it is
        Assert.Empty(Regex.Matches(ptx, @"\b(ld|st)\.(v\d\.)?[fbus]\d+"));
    }

    [Theory, MemberData(nameof(All))]
    public void NoBranchIsCalledUniform(string name)
    {
        var body = s_kernels[name];
        Assert.Matches(@"@!?%p\d+\s+bra", Ptx.Of(body)); // there are branches to look at
        Assert.DoesNotMatch(@"\.uni\b", Ptx.Of(body));
    }

    [Fact]
    public void TheCompilerMarksBranchesItself() =>
        // the day this fails, nothing need be taken off any more
        Assert.Contains(s_kernels.Values, k => Regex.IsMatch(Ptx.Raw(k), @"@!?%p\d+\s+bra\.uni"));

    [Theory]
    [InlineData("map square", 2, 2)]
    [InlineData("map gelu", 2, 2)]
    [InlineData("zip add", 2, 1)]
    [InlineData("zip multiply", 2, 1)]
    public void ReadsAndWritesSixteenBytes(string name, int loads, int stores)
    {
        string ptx = Ptx.Of(s_kernels[name]);
        Assert.Equal((loads, loads), (Ptx.Count(ptx, "ld.global.v4.f32"), Ptx.Count(ptx, "ld.global")));
        Assert.Equal((stores, stores), (Ptx.Count(ptx, "st.global.v4.f32"), Ptx.Count(ptx, "st.global")));
    }

    /// <summary>A parameter, its gradient and three statistics: in fours, and one by one where they do not begin on 16 bytes.</summary>
    [Theory, InlineData("update adam"), InlineData("update adam, rows")]
    public void AnOptimiserReadsAndWritesInFours(string name)
    {
        string ptx = Ptx.Of(s_kernels[name]);
        Assert.Equal((5, 4), (Ptx.Count(ptx, "ld.global.v4.f32"), Ptx.Count(ptx, "st.global.v4.f32")));
        Assert.Equal((5, 4), (Ptx.Count(ptx, "ld.global.f32"), Ptx.Count(ptx, "st.global.f32")));
    }

    /// <summary>Two fours of a row at a time, then one, then what is behind the last four; value by value where rows do not begin on 16 bytes.</summary>
    [Fact]
    public void RowsAreFoldedInFours()
    {
        string ptx = Ptx.Of(s_kernels["fold sum, rows"]);
        Assert.Equal((3, (3 * 4) + 1), (Ptx.Count(ptx, "ld.global.v4.f32"), Ptx.Count(ptx, "ld.global.f32")));
    }

    [Fact]
    public void FillsSixteenBytes()
    {
        string ptx = Ptx.Of(typeof(Fill4Loop));
        Assert.Equal((1, 1), (Ptx.Count(ptx, "st.global.v4.f32"), Ptx.Count(ptx, "st.global")));
    }

    /// <summary>An operand that is not broadcast comes sixteen bytes at a time; one that is, value by value.</summary>
    [Fact]
    public void WhatIsNotBroadcastIsReadInFours()
    {
        string ptx = Ptx.Of(s_kernels["zip multiply, broadcast"]);
        Assert.Equal((2, 2 * 4), (Ptx.Count(ptx, "ld.global.v4.f32"), Ptx.Count(ptx, "ld.global.f32")));
        Assert.Equal(1, Ptx.Count(ptx, "st.global"));
    }

    [Theory]
    [InlineData(typeof(WideTile), 4, 64)]
    [InlineData(typeof(SmallTile), 2, 16)]
    public void AThreadOfAMatrixProductReadsSharedMemoryInFours(Type tile, int loads, int products)
    {
        string ptx = Ptx.Of(typeof(ProductKernel<>).MakeGenericType(tile));
        const int Steps = 4; // along k: two in the loop, and two of the last tile
        Assert.Equal((Steps * loads, Steps * loads), (Ptx.Count(ptx, "ld.shared.v4.f32"), Ptx.Count(ptx, "ld.shared")));
        Assert.Equal(Steps * products, Ptx.Count(ptx, "mul.f32") + Ptx.Count(ptx, "fma.rn.f32"));
        Assert.True(Ptx.Count(ptx, "ld.global.v4.f32") >= 2 && Ptx.Count(ptx, "st.global.v4.f32") >= 1);
        Ptx.DividesAsShouldBe(ptx);
        // one barrier after the first tile, one a tile
        Assert.Equal(2, Ptx.Count(ptx, "bar.sync") + Ptx.Count(ptx, "barrier.sync"));
    }
}
