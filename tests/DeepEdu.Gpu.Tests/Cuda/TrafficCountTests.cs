namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>What is counted of memory: sectors and rounds of accesses whose numbers are known.</summary>
[Collection(nameof(EmulatedDriver))]
public class TrafficCountTests
{
    // a warp stores and reads its words so many words apart
    [EmulatedTheory]
    [InlineData(1, 4, 4)]
    [InlineData(2, 8, 4)]
    [InlineData(8, 32, 4)]
    [InlineData(0, 1, 1)] // one word for all
    public void Sectors(int apart, int sectors, int least)
    {
        using Kernels k = new();
        long words = k.Of(new int[32 * 8]), to = k.Take(4 * 32);
        var t = Count(k, $"mul.wide.u32 %rd0, %t, {4 * apart}; add.u64 %rd0, %p0, %rd0; ld.global.u32 %r0, [%rd0]; mul.wide.u32 %rd1, %t, 4; add.u64 %rd1, %p1, %rd1; st.global.u32 [%rd1], %r0;", words, to);
        Assert.Equal((sectors + 4, least + 4, 0, 0), (t.Sectors, t.LeastSectors, t.Rounds, t.LeastRounds));
    }

    [EmulatedTheory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(32, 32)]
    [InlineData(33, 1)]
    public void Rounds(int apart, int rounds)
    {
        using Kernels k = new();
        var t = Count(k, $".shared .align 16 .b8 room[8192]; mov.u64 %rd1, room; mul.wide.u32 %rd0, %t, {4 * apart}; add.u64 %rd1, %rd1, %rd0; st.shared.u32 [%rd1], %t;");
        Assert.Equal((0, 0, rounds, 1), (t.Sectors, t.LeastSectors, t.Rounds, t.LeastRounds));
    }

    // four words side by side: a quarter of a warp at a time
    [EmulatedTheory]
    [InlineData(16, 4)]
    [InlineData(32, 8)]
    [InlineData(80, 4)]
    public void RoundsOfFour(int bytes, int rounds)
    {
        using Kernels k = new();
        var t = Count(k, $".shared .align 16 .b8 room[8192]; mov.u64 %rd1, room; mul.wide.u32 %rd0, %t, {bytes}; add.u64 %rd1, %rd1, %rd0; st.shared.v4.u32 [%rd1], {{%t, %t, %t, %t}};");
        Assert.Equal((rounds, 4), (t.Rounds, t.LeastRounds));
    }

    private static Traffic Count(Kernels k, string body, params long[] arguments)
    {
        Traffic.Launches = [];
        try
        {
            k.Run(body, 1, 32, arguments);
            return Assert.Single(Traffic.Launches);
        }
        finally { Traffic.Launches = null; }
    }
}
