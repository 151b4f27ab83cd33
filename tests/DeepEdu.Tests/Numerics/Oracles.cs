using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Numerics;
using DeepEdu.Ops;

namespace DeepEdu.Tests.Numerics;

/// <summary>A function of <see cref="VectorMath"/> beside its value in double precision.</summary>
internal interface IOracle
{
    static abstract L Of<L>(L x) where L : struct, IVectorLane<L>, ILane<L>;

    static abstract double Expected(double x);
}

internal readonly struct ExpOf : IOracle
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Of<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => VectorMath.Exp(x);

    public static double Expected(double x) => Math.Exp(x);
}

internal readonly struct LogOf : IOracle
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Of<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => L.Log(x);

    public static double Expected(double x) => Math.Log(x);
}

internal readonly struct TanhOf : IOracle
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Of<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => VectorMath.Tanh(x);

    public static double Expected(double x) => Math.Tanh(x);
}

internal readonly struct SigmoidOf : IOracle
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Of<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => VectorMath.Sigmoid(x);

    public static double Expected(double x) => 1 / (1 + Math.Exp(-x));
}

internal readonly struct SinOf : IOracle
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Of<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => VectorMath.Sin(x);

    public static double Expected(double x) => Math.Sin(x);
}

internal readonly struct CosOf : IOracle
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Of<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => VectorMath.Cos(x);

    public static double Expected(double x) => Math.Cos(x);
}

internal readonly struct NormalTailOf : IOracle
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Of<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => VectorMath.NormalTail(x);

    public static double Expected(double x) => 0.5 - (0.5 * ErfOf.Expected(Math.Abs(x) * Math.Sqrt(0.5)));
}

internal readonly struct GeluSlopeOf : IOracle
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Of<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => Activations.GeluPull.Slope(x, VectorMath.NormalTail(x));

    public static double Expected(double x)
    {
        double tail = NormalTailOf.Expected(x), density = Math.Abs(x) > 40 ? 0 : x * Math.Exp(-0.5 * x * x) * 0.3989422804014327;
        return (x > 0 ? 1 - tail : tail) + density;
    }
}

internal readonly struct ErfOf : IOracle
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Of<L>(L x) where L : struct, IVectorLane<L>, ILane<L> => VectorMath.Erf(x);

    // 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!, all terms of one sign (Abramowitz and Stegun 1964, 7.1.6); 1 − |erf 6| is below 3e-17
    public static double Expected(double x)
    {
        if (Math.Abs(x) > 6) { return Math.Sign(x); }
        double sum = x, term = x;
        for (int n = 1; Math.Abs(term) > Math.Abs(sum) * 1e-17; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }
        return sum * Math.Exp(-x * x) * 1.1283791670955126;
    }
}
