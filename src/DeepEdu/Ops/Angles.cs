using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Tangents, the inverse trigonometric functions, and the hyperbolic ones, value by value; angles in radians.</summary>
public static class Angles
{
    private const float HalfPi = 1.57079633f;

    extension(Tensor x)
    {
        /// <summary>tan x = sin x / cos x. Gradient 1 + y².</summary>
        public Tensor Tan() => x.MapByOutput(default(TanFormula), default(TanPull));

        /// <summary>The angle between −π/2 and π/2 whose sine is x; NaN beyond ±1. Gradient 1/√(1 − x²).</summary>
        public Tensor Asin() => x.MapByInput(default(AsinFormula), new AsinPull(1));

        /// <summary>The angle between 0 and π whose cosine is x; NaN beyond ±1. Gradient −1/√(1 − x²).</summary>
        public Tensor Acos() => x.MapByInput(default(AcosFormula), new AsinPull(-1));

        /// <summary>The angle between −π/2 and π/2 whose tangent is x. Gradient 1/(1 + x²).</summary>
        public Tensor Atan() => x.MapByInput(default(AtanFormula), default(AtanPull));

        /// <summary>The angle between −π and π from the first axis to the point (b, x), with broadcasting: PyTorch's <c>atan2(x, b)</c>. Gradients b/(x² + b²) and −x/(x² + b²), taken as 0 at the origin.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public Tensor Atan2(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(b);
            return x.Zip(b, default(Atan2Formula), default(Atan2PullA), default(Atan2PullB), "atan2");
        }

        /// <summary>½(eˣ − e⁻ˣ), exact near 0. Gradient cosh x.</summary>
        public Tensor Sinh() => x.MapByInput(default(SinhFormula), default(SinhPull));

        /// <summary>½(eˣ + e⁻ˣ). Gradient sinh x.</summary>
        public Tensor Cosh() => x.MapByInput(default(CoshFormula), default(CoshPull));

        /// <summary>ln(x + √(x² + 1)), exact near 0. Gradient 1/√(x² + 1).</summary>
        public Tensor Asinh() => x.MapByInput(default(AsinhFormula), default(AsinhPull));

        /// <summary>ln(x + √(x² − 1)); NaN below 1. Gradient 1/√(x² − 1).</summary>
        public Tensor Acosh() => x.MapByInput(default(AcoshFormula), default(AcoshPull));

        /// <summary>½ ln((1 + x)/(1 − x)), exact near 0; NaN beyond ±1. Gradient 1/(1 − x²).</summary>
        public Tensor Atanh() => x.MapByInput(default(AtanhFormula), default(AtanhPull));
    }

    /// <summary>−0 and NaN stay what they are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L WithSign<L>(L size, L x) where L : struct, ILane<L> => L.WhereGreater(x, 0f, size, L.WhereGreater(0f, x, -size, x));

    /// <summary>atan t for t ≥ 0 or NaN: turned by π/2 or π/4 to at most tan π/8, and there a polynomial.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Arc<L>(L t) where L : struct, ILane<L>
    {
        L turn = L.WhereGreater(t, 2.41421356f, HalfPi, L.WhereGreater(t, 0.414213562f, 0.5f * HalfPi, 0f));
        L top = L.WhereGreater(t, 2.41421356f, -1f, L.WhereGreater(t, 0.414213562f, t - 1f, t));
        L q = top / L.WhereGreater(t, 2.41421356f, t, L.WhereGreater(t, 0.414213562f, t + 1f, 1f)), z = q * q;
        L p = L.MultiplyAdd(8.05374449538e-2f, z, -1.38776856032e-1f);
        p = L.MultiplyAdd(p, z, 1.99777106478e-1f);
        p = L.MultiplyAdd(p, z, -3.33329491539e-1f);
        return turn + L.MultiplyAdd(p * z, q, q);
    }

    // √((1 − x)(1 + x)), without the rounding of x²
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Beside<L>(L x) where L : struct, ILane<L> => L.Sqrt((1f - x) * (1f + x));

    // e^|x| as a square, which overflows no sooner than the result
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Cosh<L>(L x) where L : struct, ILane<L>
    {
        L root = L.Exp(0.5f * L.Abs(x));
        return ((0.5f * root) * root) + (0.5f / root / root);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Sinh<L>(L x) where L : struct, ILane<L>
    {
        L size = L.Abs(x), root = L.Exp(0.5f * size), m = Functions.Expm1(L.AtMost(size, 20f));
        return WithSign(L.WhereGreater(size, 18f, (0.5f * root) * root, 0.5f * (m + (m / (m + 1f)))), x);
    }

    internal readonly struct TanFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Sin(x) / L.Cos(x);
    }

    internal readonly struct TanPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L y) where L : struct, ILane<L> => dy * L.MultiplyAdd(y, y, 1f);
    }

    internal readonly struct AsinFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => WithSign(Arc(L.Abs(x) / Beside(x)), x);
    }

    internal readonly struct AcosFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => 2f * Arc(L.Sqrt((1f - x) / (1f + x)));
    }

    internal readonly struct AsinPull(float sign) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => sign * dy / Beside(x);
    }

    internal readonly struct AtanFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => WithSign(Arc(L.Abs(x)), x);
    }

    internal readonly struct AtanPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy / L.MultiplyAdd(x, x, 1f);
    }

    internal readonly struct Atan2Formula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L>
        {
            L up = L.Abs(a), along = L.Abs(b);
            // 0/0 lies on the axis, ∞/∞ half way between
            L arc = Arc(L.WhereEqual(up, 0f, 0f, L.WhereEqual(up, along, 1f, up / along)));
            // a zero's sign shows in its reciprocal
            L left = L.WhereGreater(0f, L.WhereEqual(b, 0f, 1f / b, b), 2f * HalfPi - arc, arc);
            L turned = L.WhereGreater(0f, L.WhereEqual(a, 0f, 1f / a, a), -left, left);
            return L.WhereEqual(b, b, turned, b);
        }
    }

    internal readonly struct Atan2PullA : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L a, L b) where L : struct, ILane<L>
        {
            L square = L.MultiplyAdd(a, a, b * b);
            return L.WhereEqual(square, 0f, 0f, dy * (b / square));
        }
    }

    internal readonly struct Atan2PullB : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L a, L b) where L : struct, ILane<L>
        {
            L square = L.MultiplyAdd(a, a, b * b);
            return L.WhereEqual(square, 0f, 0f, -(dy * (a / square)));
        }
    }

    internal readonly struct SinhFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => Sinh(x);
    }

    internal readonly struct SinhPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy * Cosh(x);
    }

    internal readonly struct CoshFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => Cosh(x);
    }

    internal readonly struct CoshPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy * Sinh(x);
    }

    internal readonly struct AsinhFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L>
        {
            L size = L.Abs(x), square = size * size;
            // where x² would overflow the root is x
            L near = Functions.Log1p(size + (square / (1f + L.Sqrt(square + 1f))));
            return WithSign(L.WhereGreater(size, 1e9f, L.Log(size) + 0.693147181f, near), x);
        }
    }

    internal readonly struct AsinhPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy / L.WhereGreater(L.Abs(x), 1e9f, L.Abs(x), L.Sqrt(L.MultiplyAdd(x, x, 1f)));
    }

    internal readonly struct AcoshFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L>
        {
            L above = x - 1f, near = Functions.Log1p(above + L.Sqrt(above * (x + 1f)));
            return L.WhereGreater(1f, x, float.NaN, L.WhereGreater(x, 1e9f, L.Log(x) + 0.693147181f, near));
        }
    }

    internal readonly struct AcoshPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy / (L.Sqrt(x - 1f) * L.Sqrt(x + 1f));
    }

    internal readonly struct AtanhFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L>
        {
            L size = L.Abs(x);
            return WithSign(0.5f * Functions.Log1p(2f * size / (1f - size)), x);
        }
    }

    internal readonly struct AtanhPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy / ((1f - x) * (1f + x));
    }
}
