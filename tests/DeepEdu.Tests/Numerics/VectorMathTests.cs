using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Lanes;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Numerics;

public class VectorMathTests
{
    // With fused multiply-add the bounds are those of the XML docs, rounded up. Without it every product is rounded as well; sin and cos then reduce in double precision.
    private static readonly bool _fused = Fma.IsSupported || System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported;

    [Fact]
    public void ExpStaysWithinItsBound() => Sweep<ExpOf>(1.1);

    [Fact]
    public void LogStaysWithinItsBound() => Sweep<LogOf>(1.1);

    [Fact]
    public void TanhStaysWithinItsBound() => Sweep<TanhOf>(_fused ? 2.6 : 3.0);

    [Fact]
    public void SigmoidStaysWithinItsBound() => Sweep<SigmoidOf>(2.5);

    [Fact]
    public void ErfStaysWithinItsBound() => Sweep<ErfOf>(_fused ? 1.1 : 3.0);

    [Fact]
    public void NormalTailStaysWithinItsBound() => Sweep<NormalTailOf>(_fused ? 5.3e-8 : 1.2e-7, (y, want) => Math.Abs(y - want), "");

    [Fact]
    public void GeluSlopeStaysWithinItsBound() => Sweep<GeluSlopeOf>(_fused ? 1.1e-7 : 2.4e-7, (y, want) => Math.Abs(y - want), "");

    [Fact]
    public void NormalTailIsAHalfAt0AndNothingFarAway()
    {
        Assert.Equal([0.5f, 0.5f, 0f, 0f, 0f, float.NaN], Wide<NormalTailOf>([0f, -0f, 20f, float.PositiveInfinity, float.NegativeInfinity, float.NaN]));
        using var arena = new Arena();
        // far to the left, x·Φ(x) is less than any float
        Assert.Equal([0f, 0f, 0f, float.PositiveInfinity, float.NaN], Tensor.Of([0f, -20f, float.NegativeInfinity, float.PositiveInfinity, float.NaN]).Gelu().ToArray());
    }

    [Fact]
    public void SineStaysWithinItsBound() => Sweep<SinOf>(_fused ? 1.5 : 2.0);

    [Fact]
    public void CosineStaysWithinItsBound() => Sweep<CosOf>(_fused ? 1.5 : 2.0);

    public static TheoryData<float, float, float, float, float, float, float, float> Special => new()
    {
        // x, exp, log, tanh, sigmoid, erf, sin, cos
        { 0f, 1f, float.NegativeInfinity, 0f, 0.5f, 0f, 0f, 1f },
        { -0f, 1f, float.NegativeInfinity, -0f, 0.5f, -0f, -0f, 1f },
        { float.PositiveInfinity, float.PositiveInfinity, float.PositiveInfinity, 1f, 1f, 1f, float.NaN, float.NaN },
        { float.NegativeInfinity, 0f, float.NaN, -1f, 0f, -1f, float.NaN, float.NaN },
        { float.NaN, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN },
        { float.Epsilon, 1f, -103.278929f, float.Epsilon, 0.5f, float.Epsilon, float.Epsilon, 1f },
        { 200f, float.PositiveInfinity, 5.29831737f, 1f, 1f, 1f, -0.873297297f, 0.487187675f },
        { -200f, 0f, float.NaN, -1f, 0f, -1f, 0.873297297f, 0.487187675f },
    };

    [Theory]
    [MemberData(nameof(Special))]
    public void SpecialValuesAreRight(float x, float exp, float log, float tanh, float sigmoid, float erf, float sin, float cos)
    {
        float[] want = [exp, log, tanh, sigmoid, erf, sin, cos];
        float[][] got = [Wide<ExpOf>([x]), Wide<LogOf>([x]), Wide<TanhOf>([x]), Wide<SigmoidOf>([x]), Wide<ErfOf>([x]), Wide<SinOf>([x]), Wide<CosOf>([x])];
        for (int i = 0; i < want.Length; i++)
        {
            Assert.Equal(want[i], got[i][0], Math.Abs(want[i]) is > 0 and < 1e30f ? Math.Abs(want[i]) * 2e-7f : 0f); // 2 to 3 ulp
            Assert.Equal(float.IsNegative(want[i]) && !float.IsNaN(want[i]), float.IsNegative(got[i][0]) && !float.IsNaN(got[i][0]));
        }
    }

    [Fact]
    public void ExpUnderflowsGraduallyAndOverflowsAtTheEnd()
    {
        // the largest argument with a finite result, its neighbour, the last subnormals and the first zero
        float[] y = Wide<ExpOf>([88.7228317f, 88.7228394f, -87.5f, -103.2f, -103.98f]);
        Assert.InRange(y[0], 3.4e38f, float.MaxValue);
        Assert.Equal(float.PositiveInfinity, y[1]);
        Assert.Equal((float)Math.Exp(-87.5), y[2], 1.5e-45f);
        Assert.Equal(float.Epsilon, y[3]);
        Assert.Equal(0f, y[4]);
        Assert.Equal((float)Math.Exp(-95), Wide<SigmoidOf>([-95f])[0], 3e-45f);
    }

    [Fact]
    public void EveryWidthGivesTheSameBits()
    {
        // 65536 bit patterns of every exponent, NaN and infinity among them; the vectors mix small and large arguments
        var x = new float[1 << 16];
        for (int i = 0; i < x.Length; i++) { x[i] = BitConverter.UInt32BitsToSingle((uint)i * 0x9E3779B1); }
        AllWidths<ExpOf>(x);
        AllWidths<LogOf>(x);
        AllWidths<TanhOf>(x);
        AllWidths<SigmoidOf>(x);
        AllWidths<ErfOf>(x);
        AllWidths<NormalTailOf>(x);
        AllWidths<GeluSlopeOf>(x);
        AllWidths<SinOf>(x);
        AllWidths<CosOf>(x);
    }

    private static void AllWidths<F>(float[] x) where F : struct, IOracle
    {
        float[] one = Run<F, F1>(x), four = Run<F, F4>(x), eight = Run<F, F8>(x), sixteen = Run<F, F16>(x);
        for (int i = 0; i < x.Length; i++)
        {
            Assert.True(Same(one[i], four[i]) && Same(one[i], eight[i]) && Same(one[i], sixteen[i]),
                $"{typeof(F).Name}({x[i]:R}): {one[i]:R}, {four[i]:R}, {eight[i]:R}, {sixteen[i]:R}");
        }
        static bool Same(float a, float b) => BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b));
    }

    // every 997th bit pattern: 8400 mantissas of each exponent, both signs
    private static void Sweep<F>(double bound) where F : struct, IOracle => Sweep<F>(bound, Ulps, " ulp");

    private static void Sweep<F>(double bound, Func<float, double, double> distance, string unit) where F : struct, IOracle
    {
        var x = new float[4096];
        double worst = 0;
        float at = 0;
        for (ulong bits = 0; bits <= uint.MaxValue;)
        {
            for (int i = 0; i < x.Length; i++, bits += 997) { x[i] = BitConverter.UInt32BitsToSingle((uint)Math.Min(bits, uint.MaxValue)); }
            float[] y = Wide<F>(x);
            for (int i = 0; i < x.Length; i++)
            {
                double error = distance(y[i], F.Expected(x[i]));
                if (error > worst) { (worst, at) = (error, x[i]); }
            }
        }
        Assert.True(worst <= bound, $"{typeof(F).Name}({at:R}) is {worst:G3}{unit} off; the bound is {bound}");
    }

    private static float[] Wide<F>(float[] x) where F : struct, IOracle
        => F16.IsSupported ? Run<F, F16>(x) : F8.IsSupported ? Run<F, F8>(x) : Run<F, F4>(x);

    private static float[] Run<F, L>(float[] x) where F : struct, IOracle where L : struct, IVectorLane<L>, ILane<L>
    {
        var y = new float[(x.Length + 15) & ~15];
        x.CopyTo(y, 0);
        Loop<F, L>(y);
        return y[..x.Length];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Loop<F, L>(float[] y) where F : struct, IOracle where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int i = 0; i < y.Length; i += L.Width) { L.Store(F.Of(L.Load(in y[0], i)), ref y[0], i); }
    }

    // distance in units of the last place of the correctly rounded result; overflow must set in where rounding says
    private static double Ulps(float actual, double expected)
    {
        float rounded = (float)expected;
        if (float.IsNaN(actual) || double.IsNaN(expected)) { return float.IsNaN(actual) && double.IsNaN(expected) ? 0 : double.PositiveInfinity; }
        if (expected == 0) { return actual == 0 && float.IsNegative(actual) == double.IsNegative(expected) ? 0 : double.PositiveInfinity; }
        if (float.IsInfinity(rounded) || float.IsInfinity(actual)) { return actual == rounded ? 0 : double.PositiveInfinity; }
        float size = Math.Min(Math.Abs(rounded), MathF.BitDecrement(float.MaxValue));
        return Math.Abs(actual - expected) / ((double)MathF.BitIncrement(size) - size);
    }
}
