using System.Text.RegularExpressions;

namespace DeepEdu.Gpu.Tests;

/// <summary>Recurrent layers as one launch, of every cell and size: what the compiler makes of them.</summary>
public class SequencePtxTests
{
    public static TheoryData<string> All => [.. GpuKernels.All.Select(k => k.Name).Where(n => n.StartsWith("SequenceKernel", StringComparison.Ordinal))];

    [Theory, MemberData(nameof(All))]
    public void WorksInRegisters(string name)
    {
        string ptx = Ptx.Of(GpuKernels.All.Single(k => k.Name == name).Kernel);
        Assert.Equal((0, 0), (Ptx.Count(ptx, ".local"), Ptx.Count(ptx, "call")));
        Assert.Empty(Regex.Matches(ptx, @"\b(ld|st)\.(v\d\.)?[fbus]\d+"));
        Assert.DoesNotMatch(@"\.uni\b", ptx);
        Ptx.DividesAsShouldBe(ptx);
        // what groups do to wait for each other stands there once, for labels have one place
        Assert.Equal((1, 1), (Ptx.Count(ptx, "LOOK:"), Ptx.Count(ptx, "trap;")));
    }

    [Fact]
    public void ThereAreThreeCellsTwoWaysAndFourSizes() => Assert.Equal(3 * 2 * 4, GpuKernels.All.Count(k => k.Name.StartsWith("SequenceKernel", StringComparison.Ordinal)));
}
