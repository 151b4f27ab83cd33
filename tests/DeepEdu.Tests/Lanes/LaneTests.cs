using DeepEdu.Lanes;

namespace DeepEdu.Tests.Lanes;

public class F1Tests : LaneTests<F1>;

public class F4Tests : LaneTests<F4>;

public class F8Tests : LaneTests<F8>;

public class F16Tests : LaneTests<F16>;

/// <summary>Every lane operation against plain float arithmetic, special values included.</summary>
public abstract class LaneTests<L> where L : struct, IVectorLane<L>, ILane<L>
{
    private static readonly float[] _values =
    [
        0f, -0f, 1f, -1f, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 0.49999997f, 3.7f, -3.7f, 8388609f, -8388607.5f, 1e30f, -1e30f,
        float.Epsilon, -float.Epsilon, 1.17549435e-38f, float.MaxValue, float.MinValue, float.PositiveInfinity, float.NegativeInfinity, float.NaN,
    ];

    [Fact]
    public void ArithmeticIsThatOfFloat()
    {
        Two((a, b) => a + b, (a, b) => a + b);
        Two((a, b) => a - b, (a, b) => a - b);
        Two((a, b) => a * b, (a, b) => a * b);
        Two((a, b) => a / b, (a, b) => a / b);
        One(a => -a, a => -a);
        One(L.Abs, MathF.Abs);
        One(L.Floor, MathF.Floor);
        One(L.Round, x => MathF.Round(x, MidpointRounding.ToEven));
        One(L.Sqrt, MathF.Sqrt);
        One(x => L.MultiplyAdd(x, 3f, 1f), x => float.MultiplyAddEstimate(x, 3f, 1f));
        Two(L.CopySign, MathF.CopySign);
    }

    [Fact]
    public void MinAndMaxGiveNaNForNaN()
    {
        Two(L.Min, MathF.Min);
        Two(L.Max, MathF.Max);
        One(x => L.Clamp(x, -2f, 3f), x => float.IsNaN(x) ? x : MathF.Max(-2, MathF.Min(3, x)));
    }

    [Fact]
    public void ComparisonsChooseNoForNaN()
    {
        Two((a, b) => L.WhereGreater(a, b, 1f, 2f), (a, b) => a > b ? 1 : 2);
        Two((a, b) => L.WhereGreaterOrEqual(a, b, 1f, 2f), (a, b) => a >= b ? 1 : 2);
        Two((a, b) => L.WhereEqual(a, b, 1f, 2f), (a, b) => a == b ? 1 : 2);
        // the side not chosen never shows, whatever it holds
        One(x => L.WhereGreater(x, 0f, x, float.NaN), x => x > 0 ? x : float.NaN);
    }

    [Fact]
    public void AnyGreaterLooksAtEveryLane()
    {
        for (int i = 0; i < L.Width; i++)
        {
            float[] x = new float[16];
            Assert.False(L.AnyGreater(L.Load(in x[0], 0), 0f));
            x[i] = 1;
            Assert.True(L.AnyGreater(L.Load(in x[0], 0), 0f));
            x[i] = float.NaN;
            Assert.False(L.AnyGreater(L.Load(in x[0], 0), 0f));
        }
    }

    [Fact]
    public void ScalingByPowersOfTwoUnderflowsGraduallyAndOverflows()
    {
        float[] mantissas = [0.5f, 0.75f, 1f, 1.17549455f, 1.9999999f, 2f, -1.3f, 0f, -0f, float.PositiveInfinity, float.NaN];
        foreach (float m in mantissas)
        {
            // the double product is exact, so the conversion rounds once
            for (int n = -252; n <= 252; n++) { Equal((float)(m * Math.Pow(2, n)), L.Get(L.ScaleByPowerOfTwo(m, n), L.Width - 1)); }
        }
    }

    [Fact]
    public void ExponentAndMantissaMakeUpTheNumber()
    {
        foreach (float x in (float[])[1.17549435e-38f, 1e-30f, 0.5f, 0.70710675f, 0.70710678f, 0.9999999f, 1f, 1.4142134f, 1.4142137f, 3f, 1e30f, float.MaxValue])
        {
            float m = L.Get(L.SplitExponent(x, out L e), 0), exponent = L.Get(e, 0);
            Assert.InRange(m, 0.70710675f, 1.4142136f);
            Assert.Equal((double)x, m * Math.Pow(2, exponent));
        }
    }

    [Fact]
    public void LoadStoreGetAndSumKeepTheOrder()
    {
        float[] from = new float[40], to = new float[40];
        for (int i = 0; i < from.Length; i++) { from[i] = i + 1; }
        L.Store(L.Load(in from[0], 3), ref to[0], 5);
        float sum = 0;
        for (int i = 0; i < to.Length; i++)
        {
            bool inside = i >= 5 && i < 5 + L.Width;
            Assert.Equal(inside ? from[i - 2] : 0, to[i]);
            if (inside)
            {
                Assert.Equal(to[i], L.Get(L.Load(in from[0], 3), i - 5));
                sum += to[i];
            }
        }
        Assert.Equal(sum, L.Sum(L.Load(in from[0], 3))); // small whole numbers: exact in any order
        Assert.Equal(2f, L.Get(2f, L.Width - 1));
    }

    private static void One(Func<L, L> lane, Func<float, float> scalar) => Two((a, _) => lane(a), (a, _) => scalar(a));

    // each value against each, all lanes filled with different pairs
    private static void Two(Func<L, L, L> lane, Func<float, float, float> scalar)
    {
        int n = _values.Length;
        float[] a = new float[n * n], b = new float[n * n];
        for (int i = 0; i < a.Length; i++) { (a[i], b[i]) = (_values[i / n], _values[i % n]); }
        for (int i = 0; i + L.Width <= a.Length; i += L.Width)
        {
            L y = lane(L.Load(in a[0], i), L.Load(in b[0], i));
            for (int k = 0; k < L.Width; k++) { Equal(scalar(a[i + k], b[i + k]), L.Get(y, k), a[i + k], b[i + k]); }
        }
    }

    private static void Equal(float expected, float actual, float a = 0, float b = 0)
        => Assert.True(float.IsNaN(expected) ? float.IsNaN(actual) : BitConverter.SingleToInt32Bits(expected) == BitConverter.SingleToInt32Bits(actual),
            $"{actual:R} instead of {expected:R} for ({a:R}, {b:R})");
}
