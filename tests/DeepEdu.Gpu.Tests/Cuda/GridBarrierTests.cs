namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>Blocks that wait for each other: what the interpreter lets them read of each other's, by PTX's rules for memory, and what it refuses though a GPU might run it to some end.</summary>
public class GridBarrierTests
{
    // each thread writes its word, all blocks meet, and each reads the word of the next block
    private const string Write = "mov.u32 %r1, %ctaid.x; mov.u32 %r2, %nctaid.x; mad.lo.u32 %r3, %r1, 32, %t; mul.wide.u32 %rd0, %r3, 4; add.u64 %rd1, %p0, %rd0; st.global.u32 [%rd1], %r3; setp.ne.u32 %q1, %t, 0;";
    private const string Read = "add.u32 %r4, %r1, 1; rem.u32 %r4, %r4, %r2; mad.lo.u32 %r4, %r4, 32, %t; mul.wide.u32 %rd2, %r4, 4; add.u64 %rd2, %p0, %rd2; ld.global.u32 %r5, [%rd2]; add.u64 %rd3, %p2, %rd0; st.global.u32 [%rd3], %r5;";
    private const string Barrier = "bar.sync 0;", Fence = "fence.acq_rel.gpu;", Add = "red.relaxed.gpu.global.add.u32 [%p1], 1;", Branch = "@%q1 bra L9;", End = "L9:";
    private const string Look = "mov.u32 %r6, 50; L8: ld.acquire.gpu.global.u32 %r7, [%p1]; setp.ge.u32 %q2, %r7, %r2; @%q2 bra L9; sub.u32 %r6, %r6, 1; setp.eq.u32 %q3, %r6, 0; @!%q3 bra L8; trap;";

    [EmulatedFact]
    public void WhatWasToldMayBeRead()
    {
        using Kernels k = new();
        long words = k.Take(4 * 32 * 3), counter = k.Of(0), result = k.Take(4 * 32 * 3);
        k.RunTogether($"{Write}{Barrier}{Branch}{Fence}{Add}{Look}{End}{Barrier}{Read}", 3, 32, words, counter, result);
        Assert.Equal(Enumerable.Range(32, 64).Concat(Enumerable.Range(0, 32)), k.Read<int>(result, 96));
        Assert.Equal([3], k.Read<int>(counter, 1));
    }

    [EmulatedTheory]
    [InlineData("no fence", $"{Write}{Barrier}{Branch}{Add}{Look}{End}{Barrier}{Read}")]
    [InlineData("a fence behind the word", $"{Write}{Barrier}{Branch}{Add}{Fence}{Look}{End}{Barrier}{Read}")]
    [InlineData("no barrier before the fence", $"{Write}{Branch}{Fence}{Add}{Look}{End}{Barrier}{Read}")]
    [InlineData("no barrier behind the look", $"{Write}{Barrier}{Branch}{Fence}{Add}{Look}{End}{Read}")]
    [InlineData("nobody looks", $"{Write}{Barrier}{Branch}{Fence}{Add}{End}{Barrier}{Read}")]
    public void WhatWasNotToldMayNotBeRead(string what, string body)
    {
        using Kernels k = new();
        long words = k.Take(4 * 32 * 2), counter = k.Of(0), result = k.Take(4 * 32 * 2);
        string message = Assert.Throws<KernelFault>(() => k.RunTogether(body, 2, 32, words, counter, result)).Message;
        Assert.True(message.Contains("in any order", StringComparison.Ordinal) || message.Contains("was never written", StringComparison.Ordinal), $"{what}: {message}");
    }

    [EmulatedFact]
    public void BlocksOneAfterAnotherWaitInVain()
    {
        using Kernels k = new();
        long words = k.Take(4 * 32 * 2), counter = k.Of(0), result = k.Take(4 * 32 * 2);
        Assert.Contains("gives up", Assert.Throws<KernelFault>(() => k.Run($"{Write}{Barrier}{Branch}{Fence}{Add}{Look}{End}{Barrier}{Read}", 2, 32, words, counter, result)).Message, StringComparison.Ordinal);
    }
}
