using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>aᵇ with a tensor or a number on either side. As in C and PyTorch: x⁰ = 1 for every x, 0 to a negative power is ∞, and a negative base
/// has powers with whole exponents only (else NaN).</summary>
public static class Powers
{
    // beyond this a whole power is cheaper, and no less exact, through the logarithm
    private const int MostProducts = 32;

    extension(Tensor x)
    {
        /// <summary>xᵖ. Gradient p·xᵖ⁻¹; 0 where p = 0. Whole powers up to 32 are products, the others e^(p·ln|x|).</summary>
        public Tensor Pow(float p)
        {
            ArgumentNullException.ThrowIfNull(x);
            if (p == 2) { return x.Square(); }
            if (p == 0.5f) { return x.Sqrt(); }
            if (MathF.Abs(p) <= MostProducts && p == MathF.Floor(p))
            {
                return x.MapByInput(new WholePowerFormula((int)p), new WholePowerPull((int)p));
            }
            return x.MapByInput(new PowerOfFormula(p), new PowerOfPull(p));
        }

        /// <summary>xᵖ with broadcasting. dx = p·xᵖ⁻¹·dy, 0 where p = 0; dp = xᵖ·ln x·dy, 0 where x = 0 and p ≥ 0.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public Tensor Pow(Tensor p)
        {
            ArgumentNullException.ThrowIfNull(x);
            var y = x.ZipConstant(p, default(PowFormula), "pow");
            Tape.For(x, p)?.AddRecordable(y,
                (x, dy => dy.Pulled(x, p, default(PowPullBase), "pow").SumTo(x.Shape)),
                (p, dy => dy.Pulled(x, p, default(PowPullExponent), "pow").SumTo(p.Shape)));
            return y;
        }
    }

    extension(Tensor)
    {
        /// <summary>cˣ for a number c. Gradient cˣ·ln c; of 0ˣ it is 0 where x ≥ 0 and −∞ below, as in PyTorch.</summary>
        public static Tensor Pow(float c, Tensor x) => c == 0 ? x.MapByOutput(new BaseFormula(c), default(ZeroBasePull)) : x.MapByOutput(new BaseFormula(c), new ScalePull(MathF.Log(c)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Raise<L>(L a, L b) where L : struct, ILane<L>
    {
        L size = L.Exp(b * L.Log(L.Abs(a))), half = 0.5f * b;
        L odd = L.WhereEqual(L.Floor(half), half, size, -size);
        L negative = L.WhereEqual(L.Floor(b), b, odd, float.NaN);
        return L.WhereEqual(b, 0f, 1f, L.WhereEqual(a, 1f, 1f, L.WhereGreater(0f, a, negative, size)));
    }

    // the exponent is the same in every lane, so the loop branches alike for all
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Products<L>(L x, int n) where L : struct, ILane<L>
    {
        L y = 1f;
        for (int k = Math.Abs(n); k > 0; k >>= 1)
        {
            if ((k & 1) != 0) { y *= x; }
            x *= x;
        }
        return n < 0 ? 1f / y : y;
    }

    internal readonly struct WholePowerFormula(int n) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => Products(x, n);
    }

    internal readonly struct WholePowerPull(int n) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => n == 0 ? L.Of(0) : dy * (n * Products(x, n - 1));
    }

    internal readonly struct PowerOfFormula(float p) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => Raise(x, L.Of(p));
    }

    internal readonly struct PowerOfPull(float p) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy * (p * Raise(x, L.Of(p - 1)));
    }

    internal readonly struct BaseFormula(float c) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => Raise(L.Of(c), x);
    }

    internal readonly struct ScalePull(float c) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L y) where L : struct, ILane<L> => dy * (y * c);
    }

    // y is 0, 1 or, of a negative power, ∞
    internal readonly struct ZeroBasePull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L y) where L : struct, ILane<L> => L.WhereGreaterOrEqual(1f, y, 0f, dy * (y * float.NegativeInfinity));
    }

    internal readonly struct PowFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => Raise(a, b);
    }

    internal readonly struct PowPullBase : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L a, L b) where L : struct, ILane<L> => L.WhereEqual(b, 0f, 0f, dy * (b * Raise(a, b - 1f)));
    }

    internal readonly struct PowPullExponent : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L a, L b) where L : struct, ILane<L>
        {
            L d = dy * (Raise(a, b) * L.Log(a));
            return L.WhereEqual(a, 0f, L.WhereGreaterOrEqual(b, 0f, 0f, d), d);
        }
    }
}
