using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Lanes;

namespace DeepEdu.Numerics;

/// <summary>exp, log, tanh, sigmoid, erf, sin and cos over any lane width: one polynomial each, so that every width and the scalar tail give the same bits
/// wherever the hardware fuses multiply and add. The errors stated are the largest over all 2³² floats with fused multiply-add, in units in the last place (ulp) of the result;
/// without it they grow to at most 3 ulp. NaN gives NaN everywhere, and odd functions keep the sign of zero.</summary>
public static class VectorMath
{
    /// <summary>eˣ, at most 1.02 ulp off, subnormal results included; 0 below −103.98, ∞ above 88.7228.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Exp<L>(L x) where L : struct, IMathLane<L>, ILane<L> => ExpInRange(L.Clamp(x, -104f, 89f));

    /// <summary>ln x, at most 0.83 ulp off, subnormal x included; −∞ at ±0, NaN below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Log<L>(L x) where L : struct, IMathLane<L>, ILane<L>
    {
        // subnormals are first scaled by 2²³
        L smallest = 1.17549435e-38f;
        L m = L.SplitExponent(L.WhereGreater(smallest, x, x * 8388608f, x), out L e);
        L y = LogOf(m, L.WhereGreater(smallest, x, e - 23f, e));
        y = L.WhereEqual(x, float.PositiveInfinity, x, y);
        return L.WhereGreater(x, 0f, y, L.WhereEqual(x, 0f, float.NegativeInfinity, float.NaN));
    }

    /// <summary>ln(m·2ᵉ) = e ln 2 + ln m, m in [√½, √2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static L LogOf<L>(L m, L e) where L : struct, IMathLane<L>, ILane<L>
    {
        L f = m - 1f, z = f * f;
        L p = L.MultiplyAdd(7.0376836292e-2f, f, -1.1514610310e-1f);
        p = L.MultiplyAdd(p, f, 1.1676998740e-1f);
        p = L.MultiplyAdd(p, f, -1.2420140846e-1f);
        p = L.MultiplyAdd(p, f, 1.4249322787e-1f);
        p = L.MultiplyAdd(p, f, -1.6668057665e-1f);
        p = L.MultiplyAdd(p, f, 2.0000714765e-1f);
        p = L.MultiplyAdd(p, f, -2.4999993993e-1f);
        p = L.MultiplyAdd(p, f, 3.3333331174e-1f);
        // ln 2 in two parts, the first short enough that e times it is exact
        L y = L.MultiplyAdd(p * f, z, e * -2.12194440e-4f);
        y = L.MultiplyAdd(z, -0.5f, y) + f;
        return L.MultiplyAdd(e, 0.693359375f, y);
    }

    /// <summary>tanh x, at most 2.5 ulp off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Tanh<L>(L x) where L : struct, IMathLane<L>, ILane<L>
    {
        // −t / (t + 2) with t = e^(−2|x|) − 1 made without cancellation, so that small x keep their relative accuracy
        L t = ExpMinus1(L.Clamp(-2f * L.Abs(x), -20f, 0f), out L n);
        L power = L.ScaleByPowerOfTwo(1f, n);
        t = L.MultiplyAdd(t, power, power - 1f);
        return L.CopySign(t / (t + 2f), x);
    }

    /// <summary>1 / (1 + e⁻ˣ), at most 2.41 ulp off, subnormal results included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Sigmoid<L>(L x) where L : struct, IMathLane<L>, ILane<L>
    {
        // through e^(−|x|) ≤ 1: nothing overflows, and results below the normal range stay right
        L e = ExpInRange(L.CopySign(L.AtMost(L.Abs(x), 104f), -1f));
        return L.WhereGreater(x, 0f, 1f, e) / (e + 1f);
    }

    /// <summary>erf x = 2/√π ∫₀ˣ e^(−t²) dt, at most 1.03 ulp off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Erf<L>(L x) where L : struct, IMathLane<L>, ILane<L>
    {
        // x + x·P(x²) near 0; 1 − e^(−Q(|x|)) beyond
        L s = x * x, t = L.Clamp(L.Abs(x), 0f, 4f);
        L p = L.MultiplyAdd(-5.96761703e-4f, s, 4.99119423e-3f);
        p = L.MultiplyAdd(p, s, -2.67681349e-2f);
        p = L.MultiplyAdd(p, s, 1.12819925e-1f);
        p = L.MultiplyAdd(p, s, -3.76125336e-1f);
        p = L.MultiplyAdd(p, s, 1.28379166e-1f);
        p = L.MultiplyAdd(p, x, x);
        L q = L.MultiplyAdd(-1.72853470e-5f, t, 3.83197126e-4f);
        q = L.MultiplyAdd(q, t, -3.88396438e-3f);
        q = L.MultiplyAdd(q, t, 2.42546219e-2f);
        q = L.MultiplyAdd(q, t, -1.06777877e-1f);
        q = L.MultiplyAdd(q, t, -6.34846687e-1f);
        q = L.MultiplyAdd(q, t, -1.28717512e-1f);
        q = L.MultiplyAdd(q, t, -t);
        return L.WhereGreater(t, 0.927734375f, L.CopySign(1f - ExpInRange(q), x), p);
    }

    /// <summary>½ erfc(|x|/√2), the normal distribution's probability beyond |x|, at most 5.3e-8 off; 0 beyond 11.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L NormalTail<L>(L x) where L : struct, IMathLane<L>, ILane<L>
    {
        // the logarithm to base 2 is a polynomial, −1 at 0; beyond 11 it is out of the range of results
        L t = L.AtMost(L.Abs(x), 11f);
        L y = L.MultiplyAdd(-2.41978842e-6f, t, 3.48163885e-5f);
        y = L.MultiplyAdd(y, t, -1.66633763e-4f);
        y = L.MultiplyAdd(y, t, -1.78586677e-4f);
        y = L.MultiplyAdd(y, t, 7.11003132e-3f);
        y = L.MultiplyAdd(y, t, -5.25227338e-2f);
        y = L.MultiplyAdd(y, t, -4.59201396e-1f);
        y = L.MultiplyAdd(y, t, -1.15110576f);
        y = L.MultiplyAdd(y, t, -1f);
        L n = L.Round(y), r = y - n;
        L p = L.MultiplyAdd(1.52916225e-4f, r, 1.33909821e-3f);
        p = L.MultiplyAdd(p, r, 9.61865298e-3f);
        p = L.MultiplyAdd(p, r, 5.55035956e-2f);
        p = L.MultiplyAdd(p, r, 2.40226462e-1f);
        p = L.MultiplyAdd(p, r, 6.93147182e-1f);
        p = L.MultiplyAdd(p, r, 1f);
        return L.ScaleByPowerOfTwo(p, n);
    }

    /// <summary>sin x, x in radians, at most 1.49 ulp off at any size of x; NaN at ±∞. Beyond 71476 each lane goes through double precision, which takes longer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Sin<L>(L x) where L : struct, IVectorLane<L>, ILane<L>
    {
        L a = L.Abs(x);
        if (L.AnyGreater(a, Reach)) { return SinEach(x); }
        Reduce(a, out L sin, out L cos, out L quarter);
        return Turn(quarter, sin, cos) * L.CopySign(1f, x);
    }

    /// <summary>cos x, x in radians, at most 1.49 ulp off at any size of x; NaN at ±∞. Beyond 71476 each lane goes through double precision, which takes longer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Cos<L>(L x) where L : struct, IVectorLane<L>, ILane<L>
    {
        L a = L.Abs(x);
        if (L.AnyGreater(a, Reach)) { return CosEach(x); }
        Reduce(a, out L sin, out L cos, out L quarter);
        return Turn(quarter + 1f, sin, cos);
    }

    /// <summary>sin x and cos x together, for |x| ≤ 4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static L SinCos<L>(L x, out L cosine) where L : struct, IMathLane<L>, ILane<L>
    {
        Reduce(L.Abs(x), out L sin, out L cos, out L quarter);
        cosine = Turn(quarter + 1f, sin, cos);
        return Turn(quarter, sin, cos) * L.CopySign(1f, x);
    }

    // for −104 ≤ x ≤ 89
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L ExpInRange<L>(L x) where L : struct, IMathLane<L>, ILane<L> => L.ScaleByPowerOfTwo(ExpMinus1(x, out L n) + 1f, n);

    // eʳ − 1 where x = n ln 2 + r, n whole and |r| ≤ ½ ln 2; n times the first part of ln 2 is exact
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L ExpMinus1<L>(L x, out L n) where L : struct, IMathLane<L>, ILane<L>
    {
        n = L.Round(x * 1.44269504f);
        L r = L.MultiplyAdd(n, -0.693145752f, x);
        r = L.MultiplyAdd(n, -1.42860677e-6f, r);
        L p = L.MultiplyAdd(1.98756912e-4f, r, 1.39819994e-3f);
        p = L.MultiplyAdd(p, r, 8.33345205e-3f);
        p = L.MultiplyAdd(p, r, 4.16657962e-2f);
        p = L.MultiplyAdd(p, r, 1.66666657e-1f);
        p = L.MultiplyAdd(p, r, 0.5f);
        return L.MultiplyAdd(p, r * r, r);
    }

    // How far the three parts of π/2 below carry; without a fused multiply-add their products are not exact, and only arguments that need no reduction stay here
    private static float Reach => Fma.IsSupported || Avx512F.IsSupported || AdvSimd.IsSupported ? 71476f : 0.78f;

    // Cody and Waite 1980: a = quarter · π/2 + r, |r| ≤ π/4; sin r, cos r
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Reduce<L>(L a, out L sin, out L cos, out L quarter) where L : struct, IMathLane<L>, ILane<L>
    {
        quarter = L.Round(a * 0.636619772f);
        L r = L.MultiplyAdd(quarter, -1.57079601e+00f, a);
        r = L.MultiplyAdd(quarter, -3.13916473e-07f, r);
        r = L.MultiplyAdd(quarter, -5.39030253e-15f, r);
        L s = r * r;
        L p = L.MultiplyAdd(2.86567956e-6f, s, -1.98559923e-4f);
        p = L.MultiplyAdd(p, s, 8.33338592e-3f);
        p = L.MultiplyAdd(p, s, -1.66666672e-1f);
        sin = L.MultiplyAdd(p, r * s, r);
        L q = L.MultiplyAdd(2.44677067e-5f, s, -1.38877297e-3f);
        q = L.MultiplyAdd(q, s, 4.16666567e-2f);
        q = L.MultiplyAdd(q, s, -0.5f);
        cos = L.MultiplyAdd(q, s, 1f);
    }

    // the sine after so many quarter turns: sin, cos, −sin, −cos
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Turn<L>(L quarter, L sin, L cos) where L : struct, IMathLane<L>, ILane<L>
    {
        quarter = L.MultiplyAdd(L.Floor(quarter * 0.25f), -4f, quarter);
        L y = L.WhereEqual(L.Abs(quarter - 2f), 1f, cos, sin);
        return L.WhereGreater(quarter, 1.5f, -y, y);
    }

    // lanes out of reach are reduced in double precision; the others keep the bits that they have in every width
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static L SinEach<L>(L x) where L : struct, IVectorLane<L>, ILane<L>
    {
        Span<float> s = stackalloc float[16];
        for (int i = 0; i < L.Width; i++)
        {
            float v = L.Get(x, i);
            s[i] = Math.Abs(v) > Reach ? (float)Math.Sin(v) : Sin<F1>(v).V;
        }
        return L.Load(in s[0], 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static L CosEach<L>(L x) where L : struct, IVectorLane<L>, ILane<L>
    {
        Span<float> s = stackalloc float[16];
        for (int i = 0; i < L.Width; i++)
        {
            float v = L.Get(x, i);
            s[i] = Math.Abs(v) > Reach ? (float)Math.Cos(v) : Cos<F1>(v).V;
        }
        return L.Load(in s[0], 0);
    }
}
