namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>Instructions beside C#'s own arithmetic, on values with every kind of edge, with all lanes and with some.</summary>
public class InstructionTests
{
    private static readonly int[] s_whole = [0, 1, -1, 2, -2, 7, -7, 31, 32, 33, 255, 256, 65535, 65536, -65536, 123456789, -123456789, int.MaxValue, int.MinValue, int.MaxValue - 1, int.MinValue + 1, 3, -3, 100, -100, 12345, -12345, 1 << 30, -(1 << 30), 5, 6, 64];

    private static readonly float[] s_floats = [0, -0f, 1, -1, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 3.7f, -3.7f, 1e-45f, -1e-45f, 1.1754942e-38f, 3.4028235e38f, -3.4028235e38f, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 16777216, 16777217, 8388609.5f, 1e10f, -1e10f, 2147483600f, 4294967000f, -2147483600f, 0.1f, 0.33333334f, 100.25f, -100.75f, 7];

    private static readonly Dictionary<string, (string Code, Func<int, int, int> Want)> s_wholes = new()
    {
        ["add"] = ("add.s32 %r3, %r1, %r2;", (a, b) => unchecked(a + b)),
        ["sub"] = ("sub.s32 %r3, %r1, %r2;", (a, b) => unchecked(a - b)),
        ["mul.lo"] = ("mul.lo.s32 %r3, %r1, %r2;", (a, b) => unchecked(a * b)),
        ["mul.hi.s"] = ("mul.hi.s32 %r3, %r1, %r2;", (a, b) => (int)(((long)a * b) >> 32)),
        ["mul.hi.u"] = ("mul.hi.u32 %r3, %r1, %r2;", (a, b) => (int)(((ulong)(uint)a * (uint)b) >> 32)),
        ["mad.lo"] = ("mad.lo.s32 %r3, %r1, %r2, %r1;", (a, b) => unchecked((a * b) + a)),
        ["div.s"] = ("div.s32 %r3, %r1, %r2;", (a, b) => b == 0 ? -1 : b == -1 ? unchecked(-a) : a / b),
        ["div.u"] = ("div.u32 %r3, %r1, %r2;", (a, b) => b == 0 ? -1 : (int)((uint)a / (uint)b)),
        ["rem.s"] = ("rem.s32 %r3, %r1, %r2;", (a, b) => b == 0 ? a : b == -1 ? 0 : a % b),
        ["rem.u"] = ("rem.u32 %r3, %r1, %r2;", (a, b) => b == 0 ? a : (int)((uint)a % (uint)b)),
        ["min.s"] = ("min.s32 %r3, %r1, %r2;", Math.Min),
        ["max.u"] = ("max.u32 %r3, %r1, %r2;", (a, b) => (int)Math.Max((uint)a, (uint)b)),
        ["and"] = ("and.b32 %r3, %r1, %r2;", (a, b) => a & b),
        ["or"] = ("or.b32 %r3, %r1, %r2;", (a, b) => a | b),
        ["xor"] = ("xor.b32 %r3, %r1, %r2;", (a, b) => a ^ b),
        ["not"] = ("not.b32 %r3, %r1;", (a, _) => ~a),
        ["neg"] = ("neg.s32 %r3, %r1;", (a, _) => unchecked(-a)),
        ["shl"] = ("shl.b32 %r3, %r1, %r2;", (a, b) => (uint)b > 31 ? 0 : a << b),
        ["shr.s"] = ("shr.s32 %r3, %r1, %r2;", (a, b) => (uint)b > 31 ? a >> 31 : a >> b),
        ["shr.u"] = ("shr.u32 %r3, %r1, %r2;", (a, b) => (uint)b > 31 ? 0 : (int)((uint)a >> b)),
        ["popc"] = ("popc.b32 %r3, %r1;", (a, _) => int.PopCount(a)),
        ["clz"] = ("clz.b32 %r3, %r1;", (a, _) => int.LeadingZeroCount(a)),
        ["mul.wide.s"] = ("mul.wide.s32 %rd5, %r1, %r2; shr.u64 %rd5, %rd5, 20; cvt.u32.u64 %r3, %rd5;", (a, b) => (int)(uint)((ulong)((long)a * b) >> 20)),
        ["mul.wide.u"] = ("mul.wide.u32 %rd5, %r1, %r2; shr.u64 %rd5, %rd5, 20; cvt.u32.u64 %r3, %rd5;", (a, b) => (int)(uint)(((ulong)(uint)a * (uint)b) >> 20)),
        ["setp.lt, selp"] = ("setp.lt.s32 %q1, %r1, %r2; selp.b32 %r3, 5, %r2, %q1;", (a, b) => a < b ? 5 : b),
        ["setp.hi"] = ("setp.hi.u32 %q1, %r1, %r2; selp.b32 %r3, 1, 0, %q1;", (a, b) => (uint)a > (uint)b ? 1 : 0),
        ["setp.and"] = ("setp.lt.s32 %q1, %r1, 0; setp.ge.and.s32 %q2, %r2, 0, !%q1; selp.b32 %r3, 1, 0, %q2;", (a, b) => b >= 0 && a >= 0 ? 1 : 0),
        ["cvt.s64"] = ("cvt.s64.s32 %rd5, %r1; shr.s64 %rd5, %rd5, 33; cvt.u32.u64 %r3, %rd5;", (a, _) => (int)((long)a >> 33)),
        ["cvt.u8, back"] = ("cvt.u8.u32 %r4, %r1; cvt.s32.u8 %r3, %r4;", (a, _) => a & 255),
        ["some lanes"] = ("mov.u32 %r3, %r2; setp.gt.s32 %q1, %r1, 0; @%q1 add.s32 %r3, %r1, 1; @!%q1 sub.s32 %r3, %r1, 1;", (a, _) => unchecked(a > 0 ? a + 1 : a - 1)),
        ["a branch"] = ("setp.gt.s32 %q1, %r1, 0; @%q1 bra YES; mov.u32 %r3, %r2; bra END; YES: mov.u32 %r3, %r1; END:", (a, b) => a > 0 ? a : b),
    };

    private static readonly Dictionary<string, (string Code, Func<float, float, float> Want)> s_real = new()
    {
        ["add"] = ("add.f32 %f3, %f1, %f2;", (a, b) => a + b),
        ["sub"] = ("sub.rn.f32 %f3, %f1, %f2;", (a, b) => a - b),
        ["mul"] = ("mul.f32 %f3, %f1, %f2;", (a, b) => a * b),
        ["fma"] = ("fma.rn.f32 %f3, %f1, %f2, %f1;", (a, b) => MathF.FusedMultiplyAdd(a, b, a)),
        ["div"] = ("div.rn.f32 %f3, %f1, %f2;", (a, b) => a / b),
        ["rcp"] = ("rcp.rn.f32 %f3, %f1;", (a, _) => 1 / a),
        ["sqrt"] = ("sqrt.rn.f32 %f3, %f1;", (a, _) => MathF.Sqrt(a)),
        ["neg"] = ("neg.f32 %f3, %f1;", (a, _) => -a),
        ["abs"] = ("abs.f32 %f3, %f1;", (a, _) => MathF.Abs(a)),
        ["min, drops NaN"] = ("min.f32 %f3, %f1, %f2;", (a, b) => float.IsNaN(a) ? b : float.IsNaN(b) ? a : MathF.Min(a, b)),
        ["max, drops NaN"] = ("max.f32 %f3, %f1, %f2;", (a, b) => float.IsNaN(a) ? b : float.IsNaN(b) ? a : MathF.Max(a, b)),
        ["floor"] = ("cvt.rmi.f32.f32 %f3, %f1;", (a, _) => MathF.Floor(a)),
        ["to even"] = ("cvt.rni.f32.f32 %f3, %f1;", (a, _) => MathF.Round(a)),
        ["to whole, saturates"] = ("cvt.rzi.s32.f32 %r3, %f1; cvt.rn.f32.s32 %f3, %r3;", (a, _) => float.IsNaN(a) ? 0 : (int)Math.Clamp(Math.Truncate((double)a), int.MinValue, int.MaxValue)),
        ["to unsigned, saturates"] = ("cvt.rzi.u32.f32 %r3, %f1; cvt.rn.f32.u32 %f3, %r3;", (a, _) => float.IsNaN(a) ? 0 : (uint)Math.Clamp(Math.Truncate((double)a), 0, uint.MaxValue)),
        ["double and back"] = ("cvt.f64.f32 %fd1, %f1; cvt.f64.f32 %fd2, %f2; add.f64 %fd1, %fd1, %fd2; cvt.rn.f32.f64 %f3, %fd1;", (a, b) => (float)((double)a + b)),
        ["lt"] = Ask("lt", (a, b) => a < b),
        ["le"] = Ask("le", (a, b) => a <= b),
        ["gt"] = Ask("gt", (a, b) => a > b),
        ["ge"] = Ask("ge", (a, b) => a >= b),
        ["eq"] = Ask("eq", (a, b) => a == b),
        ["ne"] = Ask("ne", (a, b) => a < b || a > b),
        ["ltu"] = Ask("ltu", (a, b) => !(a >= b)),
        ["leu"] = Ask("leu", (a, b) => !(a > b)),
        ["gtu"] = Ask("gtu", (a, b) => !(a <= b)),
        ["geu"] = Ask("geu", (a, b) => !(a < b)),
        ["equ"] = Ask("equ", (a, b) => !(a < b || a > b)),
        ["neu"] = Ask("neu", (a, b) => a != b),
        ["nan"] = Ask("nan", (a, b) => float.IsNaN(a) || float.IsNaN(b)),
        ["testp"] = ("testp.notanumber.f32 %q1, %f1; selp.f32 %f3, 0f3F800000, 0f00000000, %q1;", (a, _) => float.IsNaN(a) ? 1 : 0),
    };

    public static TheoryData<string> Wholes => [.. s_wholes.Keys];

    public static TheoryData<string> Reals => [.. s_real.Keys];

    [EmulatedTheory, MemberData(nameof(Wholes))]
    public void WholeNumbers(string name)
    {
        var (code, want) = s_wholes[name];
        Check(s_whole, code, "ld.global.u32 %r1, [%rd2]; ld.global.u32 %r2, [%rd3];", "st.global.u32 [%rd4], %r3;", want);
    }

    [EmulatedTheory, MemberData(nameof(Reals))]
    public void RealNumbers(string name)
    {
        var (code, want) = s_real[name];
        Check(s_floats, code, "ld.global.f32 %f1, [%rd2]; ld.global.f32 %f2, [%rd3];", "st.global.f32 [%rd4], %f3;", want);
    }

    /// <summary>A warp of 32, and one of 5: each value beside each other one.</summary>
    private static void Check<T>(T[] values, string code, string load, string store, Func<T, T, T> want) where T : unmanaged
    {
        foreach (int threads in (int[])[32, 5])
        {
            using Kernels k = new();
            T[] a = values, b = values;
            for (int turn = 0; turn < values.Length; turn++)
            {
                long x = k.Of(a), y = k.Of(b), z = k.Take(threads * 4);
                k.Run($"mul.wide.u32 %rd1, %t, 4; add.u64 %rd2, %p0, %rd1; add.u64 %rd3, %p1, %rd1; add.u64 %rd4, %p2, %rd1; {load}\n{code}\n{store}", 1, threads, x, y, z);
                T[] got = k.Read<T>(z, threads);
                for (int i = 0; i < threads; i++) { Assert.True(want(a[i], b[i]).Equals(got[i]), $"{code} of {a[i]}, {b[i]}: {got[i]}, expected {want(a[i], b[i])}"); }
                b = [.. b[1..], b[0]];
            }
        }
    }

    /// <summary>Lanes hand values to each other, within segments and up to their ends.</summary>
    [EmulatedTheory]
    [InlineData("bfly", 5, 31, 0)]
    [InlineData("up", 3, 0, 0)]
    [InlineData("down", 7, 31, 0)]
    [InlineData("idx", 9, 31, 0)]
    [InlineData("down", 2, 31, 24)] // segments of 8
    [InlineData("up", 2, 0, 24)]
    public void Shuffles(string how, int by, int clamp, int segment)
    {
        using Kernels k = new();
        long z = k.Take(128);
        k.Run($"shfl.sync.{how}.b32 %r1|%q1, %t, {by}, {clamp | (segment << 8)}, 0xffffffff; selp.b32 %r2, 100, 0, %q1; add.u32 %r1, %r1, %r2; mul.wide.u32 %rd1, %t, 4; add.u64 %rd2, %p0, %rd1; st.global.u32 [%rd2], %r1;", 1, 32, z);
        int size = segment == 0 ? 32 : 8;
        for (int lane = 0; lane < 32; lane++)
        {
            int first = lane / size * size, from = how switch { "bfly" => lane ^ by, "up" => lane - by, "down" => lane + by, _ => first + by };
            bool inside = from >= first && from < first + size;
            Assert.Equal((inside ? from : lane) + (inside ? 100 : 0), k.Read<int>(z, 32)[lane]);
        }
    }

    [EmulatedFact]
    public void VotesAndAtomics()
    {
        using Kernels k = new();
        long z = k.Of(new int[8]);
        k.Run("setp.lt.u32 %q1, %t, 3; vote.sync.ballot.b32 %r1, %q1, 0xffffffff; vote.sync.any.pred %q2, %q1, 0xffffffff; vote.sync.all.pred %q3, %q1, 0xffffffff;" +
            "selp.b32 %r2, 16, 0, %q2; selp.b32 %r3, 32, 0, %q3; or.b32 %r1, %r1, %r2; or.b32 %r1, %r1, %r3; atom.global.max.u32 %r4, [%p0], %r1; red.global.add.u32 [%p0+4], %t; atom.global.cas.b32 %r5, [%p0+8], 0, 77;", 2, 32, z);
        Assert.Equal([7 + 16, 2 * 31 * 16, 77], k.Read<int>(z, 3));
    }

    /// <summary>Ordinary products of what the fragments stand for.</summary>
    [EmulatedTheory, InlineData(true), InlineData(false)]
    public void Matrices(bool tf32)
    {
        int depth = tf32 ? 8 : 16;
        // small whole numbers are exact in both formats
        float[,] a = new float[16, depth], b = new float[depth, 8], c = new float[16, 8];
        for (int i = 0; i < 16; i++) { for (int q = 0; q < depth; q++) { a[i, q] = ((i * 7) + (q * 3)) % 11; } }
        for (int q = 0; q < depth; q++) { for (int j = 0; j < 8; j++) { b[q, j] = ((q * 5) + j) % 9; } }
        for (int i = 0; i < 16; i++) { for (int j = 0; j < 8; j++) { c[i, j] = i - j; } }
        uint[] words = new uint[32 * 10];
        for (int lane = 0; lane < 32; lane++)
        {
            int g = lane / 4, t = lane % 4;
            uint[] mine = tf32
                ? [Bits(a[g, t]), Bits(a[g + 8, t]), Bits(a[g, t + 4]), Bits(a[g + 8, t + 4]), Bits(b[t, g]), Bits(b[t + 4, g])]
                : [Pair(a[g, 2 * t], a[g, (2 * t) + 1]), Pair(a[g + 8, 2 * t], a[g + 8, (2 * t) + 1]), Pair(a[g, (2 * t) + 8], a[g, (2 * t) + 9]), Pair(a[g + 8, (2 * t) + 8], a[g + 8, (2 * t) + 9]),
                    Pair(b[2 * t, g], b[(2 * t) + 1, g]), Pair(b[(2 * t) + 8, g], b[(2 * t) + 9, g])];
            ((uint[])[.. mine, Bits(c[g, 2 * t]), Bits(c[g, (2 * t) + 1]), Bits(c[g + 8, 2 * t]), Bits(c[g + 8, (2 * t) + 1])]).CopyTo(words, lane * 10);
        }
        using Kernels k = new();
        long x = k.Of(words), y = k.Take(32 * 16);
        string loads = string.Concat(Enumerable.Range(0, 6).Select(r => $"ld.global.b32 %r{r + 1}, [%rd1+{r * 4}];")) + string.Concat(Enumerable.Range(0, 4).Select(r => $"ld.global.f32 %f{r + 1}, [%rd1+{24 + (r * 4)}];"));
        k.Run($"mul.wide.u32 %rd0, %t, 40; add.u64 %rd1, %p0, %rd0; {loads} mma.sync.aligned.{(tf32 ? "m16n8k8.row.col.f32.tf32.tf32.f32" : "m16n8k16.row.col.f32.bf16.bf16.f32")} {{%f1,%f2,%f3,%f4}}, {{%r1,%r2,%r3,%r4}}, {{%r5,%r6}}, {{%f1,%f2,%f3,%f4}};" +
            "mul.wide.u32 %rd0, %t, 16; add.u64 %rd1, %p1, %rd0; st.global.v4.f32 [%rd1], {%f1,%f2,%f3,%f4};", 1, 32, x, y);
        float[] d = k.Read<float>(y, 128);
        for (int lane = 0; lane < 32; lane++)
        {
            for (int r = 0; r < 4; r++)
            {
                int row = (lane / 4) + (r / 2 * 8), column = (2 * (lane % 4)) + (r % 2);
                Assert.Equal(c[row, column] + Enumerable.Range(0, depth).Sum(q => a[row, q] * b[q, column]), d[(lane * 4) + r]);
            }
        }

        static uint Bits(float x) => BitConverter.SingleToUInt32Bits(x);

        static uint Pair(float low, float high) => (Bits(low) >> 16) | (Bits(high) & 0xFFFF0000);
    }

    private static (string, Func<float, float, float>) Ask(string how, Func<float, float, bool> want) =>
        ($"setp.{how}.f32 %q1, %f1, %f2; selp.f32 %f3, 0f3F800000, 0f00000000, %q1;", (a, b) => want(a, b) ? 1 : 0);
}
