using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>The elementary functions, value by value.</summary>
public static class Functions
{
    extension(Tensor x)
    {
        /// <summary>eˣ.</summary>
        public Tensor Exp() => x.MapByOutput(default(ExpFormula), default(Arithmetic.MulFormula));

        /// <summary>eˣ − 1, exact near 0.</summary>
        public Tensor Expm1() => x.MapByOutput(default(Expm1Formula), default(Expm1Pull));

        /// <summary>ln x; −∞ at 0, NaN below.</summary>
        public Tensor Log() => x.MapByInput(default(LogFormula), default(Arithmetic.DivFormula));

        /// <summary>ln(1 + x), exact near 0.</summary>
        public Tensor Log1p() => x.MapByInput(default(Log1pFormula), default(Log1pPull));

        /// <summary>log₂ x, ln x times a constant: of a power of two not always the whole number.</summary>
        public Tensor Log2() => x.Log() * 1.44269504f;

        /// <summary>log₁₀ x, ln x times a constant.</summary>
        public Tensor Log10() => x.Log() * 0.434294482f;

        /// <summary>2ˣ. Gradient 2ˣ·ln 2.</summary>
        public Tensor Exp2() => Tensor.Pow(2f, x);

        /// <summary>√x; NaN below 0. The gradient at 0 is ∞.</summary>
        public Tensor Sqrt() => x.MapByOutput(default(SqrtFormula), default(SqrtPull));

        /// <summary>1 / √x.</summary>
        public Tensor Rsqrt() => x.MapByOutput(default(RsqrtFormula), default(RsqrtPull));

        /// <summary>|x|. The gradient at 0 is 0.</summary>
        public Tensor Abs() => x.Map(default(AbsFormula));

        /// <summary>x².</summary>
        public Tensor Square() => x.MapByInput(default(SquareFormula), default(SquarePull));

        /// <summary>1 / x.</summary>
        public Tensor Reciprocal() => x.MapByOutput(default(ReciprocalFormula), default(ReciprocalPull));

        /// <summary>sin x, x in radians.</summary>
        public Tensor Sin() => x.Map(default(SinFormula));

        /// <summary>cos x, x in radians.</summary>
        public Tensor Cos() => x.Map(default(CosFormula));

        /// <summary>tanh x. Gradient 1 − y².</summary>
        public Tensor Tanh() => x.MapByOutput(default(TanhFormula), default(TanhPull));

        /// <summary>1 / (1 + e⁻ˣ). Gradient y·(1 − y).</summary>
        public Tensor Sigmoid() => x.MapByOutput(default(SigmoidFormula), default(SigmoidPull));

        /// <summary>erf x = 2/√π ∫₀ˣ e^(−t²) dt.</summary>
        public Tensor Erf() => x.Map(default(ErfFormula));

        /// <summary>1 where x &gt; 0, −1 where x &lt; 0, else 0 (NaN too). No gradient.</summary>
        public Tensor Sign() => x.MapConstant(default(SignFormula));

        /// <summary>The largest whole number not above x. No gradient.</summary>
        public Tensor Floor() => x.MapConstant(default(FloorFormula));

        /// <summary>The smallest whole number not below x. No gradient.</summary>
        public Tensor Ceil() => x.MapConstant(default(CeilFormula));

        /// <summary>x without its fraction: the nearest whole number towards 0. No gradient.</summary>
        public Tensor Trunc() => x.MapConstant(default(TruncFormula));

        /// <summary>The nearest whole number, halves to even. No gradient.</summary>
        public Tensor Round() => x.MapConstant(default(RoundFormula));
    }

    /// <summary>ln(1 + x) by W. Kahan's correction: ln u · x / (u − 1) cancels the rounding of u = 1 + x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static L Log1p<L>(L x) where L : struct, ILane<L>
    {
        L u = 1f + x, log = L.Log(u);
        // from 2²⁴ on u = x, and the correction would be ∞/∞ at ∞
        return L.WhereEqual(u, 1f, x, L.WhereGreater(x, 1.6e7f, log, log * (x / (u - 1f))));
    }

    /// <summary>eˣ − 1; a polynomial for |x| &lt; ½, where the subtraction would lose digits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static L Expm1<L>(L x) where L : struct, ILane<L>
    {
        L p = L.MultiplyAdd(1.98498106e-4f, x, 1.39961764e-3f);
        p = L.MultiplyAdd(p, x, 8.33357871e-3f);
        p = L.MultiplyAdd(p, x, 4.16653603e-2f);
        p = L.MultiplyAdd(p, x, 0.166666642f);
        p = L.MultiplyAdd(p, x, 0.50000006f);
        return L.WhereGreater(0.5f, L.Abs(x), L.MultiplyAdd(p, x * x, x), L.Exp(x) - 1f);
    }

    /// <summary>eˣ.</summary>
    public readonly struct ExpFormula : IMap
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Exp(x);
    }

    /// <summary>√x.</summary>
    public readonly struct SqrtFormula : IMap
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Sqrt(x);
    }

    /// <summary>tanh x.</summary>
    public readonly struct TanhFormula : IMap
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Tanh(x);
    }

    /// <summary>dy · (1 − y²), y = tanh x.</summary>
    public readonly struct TanhPull : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L y) where L : struct, ILane<L> => dy * (1f - (y * y));
    }

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    public readonly struct SigmoidFormula : IMap
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Sigmoid(x);
    }

    /// <summary>dy · y · (1 − y), y = 1 / (1 + e⁻ˣ).</summary>
    public readonly struct SigmoidPull : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L y) where L : struct, ILane<L> => dy * (y * (1f - y));
    }

    internal readonly struct Expm1Formula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => Expm1(x);
    }

    internal readonly struct Expm1Pull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L y) where L : struct, ILane<L> => dy * (y + 1f);
    }

    internal readonly struct LogFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Log(x);
    }

    internal readonly struct Log1pFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => Log1p(x);
    }

    internal readonly struct Log1pPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy / (1f + x);
    }

    internal readonly struct SqrtPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L y) where L : struct, ILane<L> => dy / (y + y);
    }

    internal readonly struct RsqrtFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => 1f / L.Sqrt(x);
    }

    internal readonly struct RsqrtPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L y) where L : struct, ILane<L> => dy * (-0.5f * (y * y * y));
    }

    internal readonly struct AbsFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Abs(x);
    }

    internal readonly struct SquareFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => x * x;
    }

    internal readonly struct SquarePull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy * (x + x);
    }

    internal readonly struct ReciprocalFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => 1f / x;
    }

    internal readonly struct ReciprocalPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L y) where L : struct, ILane<L> => -(dy * (y * y));
    }

    internal readonly struct SinFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Sin(x);
    }

    internal readonly struct CosFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Cos(x);
    }

    internal readonly struct ErfFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Erf(x);
    }

    internal readonly struct SignFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.WhereGreater(x, 0f, 1f, L.WhereGreater(0f, x, -1f, 0f));
    }

    internal readonly struct FloorFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Floor(x);
    }

    internal readonly struct CeilFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => -L.Floor(-x);
    }

    internal readonly struct TruncFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.WhereGreater(0f, x, -L.Floor(-x), L.Floor(x));
    }

    internal readonly struct RoundFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L>
        {
            L down = L.Floor(x), part = x - down, half = 0.5f * down;
            L even = L.WhereEqual(L.Floor(half), half, down, down + 1f);
            // at ±∞ part is NaN and down already the answer
            return L.WhereGreater(part, 0.5f, down + 1f, L.WhereEqual(part, 0.5f, even, down));
        }
    }
}
