using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Numerics;

/// <summary>exp, log, tanh, sigmoid, erf, sin and cos over any lane width: one polynomial each, so that every width and the scalar tail give the same bits
/// wherever the hardware fuses multiply and add.</summary>
public static class VectorMath
{
    /// <summary>eˣ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Exp<L>(L x) where L : struct, IVectorLane<L>, ILane<L>
    {
        var c = L.Min(L.Max(x, -104f), 89f);
        var n = L.Round(c * 1.44269504f);
        var r = L.MultiplyAdd(n, -0.693145752f, c);
        r = L.MultiplyAdd(n, -1.42860677e-6f, r);
        var p = L.MultiplyAdd(1.98756912e-4f, r, 1.39819994e-3f);
        p = L.MultiplyAdd(p, r, 8.33345205e-3f);
        p = L.MultiplyAdd(p, r, 4.16657962e-2f);
        p = L.MultiplyAdd(p, r, 1.66666657e-1f);
        p = L.MultiplyAdd(p, r, 0.5f);
        p = L.MultiplyAdd(p, r * r, r) + 1f;
        return L.ScaleByPowerOfTwo(p, n);
    }

    /// <summary>ln x.</summary>
    public static L Log<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => Each<L, LogF>(x);

    /// <summary>tanh x.</summary>
    public static L Tanh<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => Each<L, TanhF>(x);

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Sigmoid<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => L.Of(1) / (L.Of(1) + Exp(-x));

    /// <summary>erf x.</summary>
    public static L Erf<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => Each<L, ErfF>(x);

    /// <summary>sin x.</summary>
    public static L Sin<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => Each<L, SinF>(x);

    /// <summary>cos x.</summary>
    public static L Cos<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => Each<L, CosF>(x);

    // Placeholder bodies, lane by lane; replaced one after the other by polynomials.
    private interface IScalar { static abstract float Of(float x); }
    private struct LogF : IScalar { public static float Of(float x) => MathF.Log(x); }
    private struct TanhF : IScalar { public static float Of(float x) => MathF.Tanh(x); }
    private struct SinF : IScalar { public static float Of(float x) => MathF.Sin(x); }
    private struct CosF : IScalar { public static float Of(float x) => MathF.Cos(x); }
    private struct ErfF : IScalar
    {
        public static float Of(float x)
        {
            double t = 1 / (1 + (0.5 * Math.Abs(x)));
            double y = 1 - (t * Math.Exp((-(double)x * x) - 1.26551223 + (t * (1.00002368 + (t * (0.37409196 + (t * (0.09678418 + (t * (-0.18628806 + (t * (0.27886807 + (t * (-1.13520398 + (t * (1.48851587 + (t * (-0.82215223 + (t * 0.17087277)))))))))))))))))));
            return (float)(x >= 0 ? y : -y);
        }
    }

    private static L Each<L, F>(L x) where L : struct, IVectorLane<L>, ILane<L> where F : IScalar
    {
        Span<float> s = stackalloc float[16];
        for (int i = 0; i < L.Width; i++) { s[i] = F.Of(L.Get(x, i)); }
        return L.Load(in s[0], 0);
    }
}
