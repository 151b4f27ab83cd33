namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>What the interpreter must refuse: kernels written by hand that a GPU might run to some end, each with one thing wrong. Every error says the kernel, the line, the block and the thread.</summary>
public class CheckerTests
{
    // the address of this thread's word, behind %p0
    private const string Mine = "mul.wide.u32 %rd0, %t, 4; add.u64 %rd1, %p0, %rd0;";

    [EmulatedTheory]
    [InlineData("behind the end", "ld.global.u32 %r1, [%p0+128];", "outside every allocation")]
    [InlineData("before the beginning", "st.global.u32 [%p0+-4], %t;", "outside every allocation")]
    [InlineData("no pointer", "mov.u64 %rd1, 4096; ld.global.u32 %r1, [%rd1];", "no device memory")]
    [InlineData("not on four bytes", "ld.global.u32 %r1, [%p0+2];", "not on 4 bytes")]
    [InlineData("not on sixteen bytes", "ld.global.v4.u32 {%r1,%r2,%r3,%r4}, [%p0+8];", "not on 16 bytes")]
    [InlineData("never written", "ld.global.u32 %r1, [%p1];", "was never written")]
    [InlineData("freed", "ld.global.u32 %r1, [%p2];", "was freed")]
    [InlineData("register never written", "add.u32 %r1, %r2, 1;", "register %r2 was never written")]
    [InlineData("register written by some", "setp.lt.u32 %q1, %t, 5; @%q1 mov.u32 %r2, 1; add.u32 %r1, %r2, 1;", "thread (5, 0, 0): register %r2")]
    [InlineData("predicate never written", "@%q3 mov.u32 %r1, 1;", "register %q3 was never written")]
    [InlineData("shared never written", ".shared .align 4 .b8 s[128]; mov.u64 %rd1, s; ld.shared.u32 %r1, [%rd1+8];", "was never written")]
    [InlineData("shared behind the end", ".shared .align 4 .b8 s[128]; mov.u64 %rd1, s; st.shared.u32 [%rd1+128], %t;", "outside the 128 bytes")]
    [InlineData("shared not on four bytes", ".shared .align 4 .b8 s[128]; mov.u64 %rd1, s; st.shared.u32 [%rd1+6], %t;", "not on 4 bytes")]
    [InlineData("written by two threads", ".shared .align 4 .b8 s[128]; mov.u64 %rd1, s; st.shared.u32 [%rd1], %t;", "no barrier between")]
    [InlineData("read before the barrier", ".shared .align 4 .b8 s[128]; mov.u64 %rd1, s; mul.wide.u32 %rd0, %t, 4; add.u64 %rd2, %rd1, %rd0; st.shared.u32 [%rd2], %t; ld.shared.u32 %r1, [%rd1+4];", "written by thread 1")]
    [InlineData("written after a read", ".shared .align 4 .b8 s[128]; mov.u64 %rd1, s; mul.wide.u32 %rd0, %t, 4; add.u64 %rd2, %rd1, %rd0; st.shared.u32 [%rd2], %t; bar.sync 0; ld.shared.u32 %r1, [%rd1]; st.shared.u32 [%rd2], %r1;", "read by several threads")]
    [InlineData("a global word written by two threads", "st.global.u32 [%p0], %t;", "also written by thread 0, with no barrier between")]
    [InlineData("a global word read before the barrier", Mine + "st.global.u32 [%rd1], %t; ld.global.u32 %r1, [%p0+4];", "written by thread 1, with no barrier between")]
    [InlineData("a global word written after a read", Mine + "ld.global.u32 %r1, [%p0]; st.global.u32 [%rd1], %r1;", "read by several threads, with no barrier between")]
    [InlineData("a global word of eight bytes", "mul.wide.u32 %rd0, %t, 8; setp.lt.u32 %q1, %t, 15; @!%q1 mov.u64 %rd0, 4; @!%q1 ld.global.u32 %r1, [%p0+4]; add.u64 %rd1, %p0, %rd0; @%q1 st.global.u64 [%rd1], %rd0;", "read by")]
    [InlineData("a barrier in a branch", "setp.lt.u32 %q1, %t, 7; @%q1 bra L1; bar.sync 0; L1: mov.u32 %r1, 1;", "bar.sync is not reached by all threads")]
    [InlineData("two barriers of two branches", "setp.lt.u32 %q1, %t, 7; @%q1 bra L1; bar.sync 0; bra L2; L1: bar.sync 0; L2: mov.u32 %r1, 1;", "bar.sync is not reached by all threads")]
    [InlineData("a predicate before a barrier", "setp.lt.u32 %q1, %t, 7; @%q1 bar.sync 0;", "keeps some threads of the warp away")]
    [InlineData("a barrier after a return", "setp.lt.u32 %q1, %t, 7; @%q1 ret; bar.sync 0;", "has returned")]
    [InlineData("a uniform branch that parts", "setp.lt.u32 %q1, %t, 7; @%q1 bra.uni L1; mov.u32 %r1, 1; L1: mov.u32 %r2, 1;", "called uniform")]
    [InlineData("a shuffle in a branch", "setp.lt.u32 %q1, %t, 7; @%q1 bra L1; shfl.sync.bfly.b32 %r1, %t, 1, 31, 0xffffffff; L1: mov.u32 %r2, 1;", "shfl.sync.bfly.b32 is not reached by all threads")]
    [InlineData("an argument too many", "ld.param.u32 %r1, [p2+8];", "bytes 24 to 28 of 24")]
    [InlineData("no TF32", "mov.b32 %r1, 0x3f800001; mov.b32 %r2, 0; mov.f32 %f1, 0f00000000; mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f2,%f3,%f4,%f5}, {%r1,%r2,%r2,%r2}, {%r2,%r2}, {%f1,%f1,%f1,%f1};", "no TF32")]
    public void IsRefused(string what, string body, string why)
    {
        using Kernels k = new();
        long written = k.Of(new int[32]), blank = k.Take(128), freed = k.Of(new int[32]);
        k.Free(freed);
        string message = Assert.Throws<KernelFault>(() => k.Run(body, 1, 32, written, blank, freed)).Message;
        Assert.True(message.Contains(why, StringComparison.Ordinal), $"{what}: {message}");
        Assert.Matches(@"^kernel: line \d+: .*: block \(0, 0, 0\), thread \(\d+, 0, 0\): ", message);
    }

    [EmulatedTheory]
    [InlineData("st.global.u32 [%p0], %t;", "also written by the block with number 0")]
    [InlineData("mov.u32 %r1, %ctaid.x; mul.wide.u32 %rd0, %r1, 4; add.u64 %rd1, %p0, %rd0; st.global.u32 [%rd1], %r1; ld.global.u32 %r2, [%p0];", "written by the block with number 0")]
    [InlineData("ld.global.u32 %r2, [%p0+4]; mov.u32 %r1, %ctaid.x; mul.wide.u32 %rd0, %r1, 4; add.u64 %rd1, %p0, %rd0; st.global.u32 [%rd1], %r1;", "read by")]
    public void BlocksMustNotMeet(string body, string why)
    {
        using Kernels k = new();
        long memory = k.Of(new int[32]);
        Assert.Contains(why, Assert.Throws<KernelFault>(() => k.Run(body, 2, 1, memory)).Message, StringComparison.Ordinal);
        k.Run("atom.global.add.u32 %r1, [%p0], 1;", 2, 32, memory); // atomics may
    }

    [EmulatedFact]
    public void WarpsOfABlockMustAllComeToTheBarrier()
    {
        using Kernels k = new();
        Assert.Contains("warp 1 has returned", Assert.Throws<KernelFault>(() => k.Run("setp.ge.u32 %q1, %t, 32; @%q1 bra L1; bar.sync 0; L1: mov.u32 %r1, 1;", 1, 64)).Message, StringComparison.Ordinal);
    }

    [EmulatedFact]
    public void WhatIsRightIsNotRefused()
    {
        using Kernels k = new();
        long memory = k.Of(new int[32]);
        // each its own word, the barrier, the neighbour's; threads that part before it and meet again; a loop of different lengths
        k.Run(".shared .align 4 .b8 s[128]; mov.u64 %rd3, s; mul.wide.u32 %rd0, %t, 4; add.u64 %rd1, %rd3, %rd0; st.shared.u32 [%rd1], %t; setp.lt.u32 %q1, %t, 9; mov.u32 %r1, 0; @%q1 bra L2;\n" +
            "L1: add.u32 %r1, %r1, 1; setp.lt.u32 %q2, %r1, %t; @%q2 bra L1;\nL2: bar.sync 0; xor.b32 %r2, %t, 1; mul.wide.u32 %rd4, %r2, 4; add.u64 %rd4, %rd3, %rd4; ld.shared.u32 %r3, [%rd4]; add.u32 %r3, %r3, %r1;" +
            $"{Mine} st.global.u32 [%rd1], %r3;", 1, 32, memory);
        Assert.Equal(Enumerable.Range(0, 32).Select(t => (t ^ 1) + (t < 9 ? 0 : t)), k.Read<int>(memory, 32));
    }

    [EmulatedFact]
    public void ABarrierOrdersGlobalMemoryToo()
    {
        using Kernels k = new();
        long memory = k.Of(new int[64]);
        k.Run($"{Mine} st.global.u32 [%rd1], %t; bar.sync 0; xor.b32 %r2, %t, 33; mul.wide.u32 %rd4, %r2, 4; add.u64 %rd4, %p0, %rd4; ld.global.u32 %r3, [%rd4]; ld.global.u32 %r3, [%p0]; bar.sync 0; st.global.u32 [%rd4], %r2;", 1, 64, memory);
        Assert.Equal(Enumerable.Range(0, 64), k.Read<int>(memory, 64));
    }

    [EmulatedTheory]
    [InlineData("foo.b32 %r1, %r2;")]
    [InlineData("add.sat.s32 %r1, %t, %t;")]
    [InlineData("mul.rz.f32 %f1, %f2, %f3;")]
    [InlineData("add.f32 %f1, %rd1, %f3;")]
    [InlineData("add.u32 %r1, %t, %missing;")]
    [InlineData("bra NOWHERE;")]
    [InlineData("ld.shared.u8 %r1, [%rd1];")]
    [InlineData("bar.sync 0, 32;")]
    public void UnknownWordsAreErrors(string body)
    {
        using Kernels k = new();
        Assert.Matches(@"^line \d+: ", Assert.Throws<FormatException>(() => k.Run(body, 1, 32)).Message);
    }

    [EmulatedFact]
    public void SharedMemoryAndThreadsHaveLimits()
    {
        using Kernels k = new();
        Assert.Contains("shared memory", Assert.Throws<KernelFault>(() => k.Run(".shared .align 4 .b8 s[49156];", 1, 32)).Message, StringComparison.Ordinal);
    }
}
