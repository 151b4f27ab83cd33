using System.Numerics;

namespace DeepEdu.Lanes;

/// <summary>One or many float32 side by side. A formula written over <typeparamref name="L"/> runs on one float (<see cref="F1"/>),
/// on 4, 8 or 16 SIMD lanes (<see cref="F4"/>, <see cref="F8"/>, <see cref="F16"/>), on a GPU thread, and, as <see cref="Dual{L}"/>, yields its own derivative.</summary>
/// <typeparam name="L">The lane type itself.</typeparam>
public interface ILane<L> : IAdditionOperators<L, L, L>, ISubtractionOperators<L, L, L>, IMultiplyOperators<L, L, L>,
    IDivisionOperators<L, L, L>, IUnaryNegationOperators<L, L>
    where L : struct, ILane<L>
{
    /// <summary>The constant <paramref name="c"/> in every lane.</summary>
    static abstract L Of(float c);

    /// <summary>The constant <paramref name="c"/> in every lane.</summary>
    static abstract implicit operator L(float c);

    /// <summary>a·b + c, rounded once where the hardware has a fused multiply-add.</summary>
    static abstract L MultiplyAdd(L a, L b, L c);

    /// <summary>The smaller; NaN if either is NaN.</summary>
    static abstract L Min(L a, L b);

    /// <summary>The larger; NaN if either is NaN.</summary>
    static abstract L Max(L a, L b);

    /// <summary>x, but no more than <paramref name="high"/>; NaN stays NaN. Where the limit is a number this is <see cref="Min"/> in one instruction.</summary>
    static abstract L AtMost(L x, L high);

    /// <summary>|x|.</summary>
    static abstract L Abs(L x);

    /// <summary>The largest whole number not above x. Its derivative is 0.</summary>
    static abstract L Floor(L x);

    /// <summary>√x; NaN below 0.</summary>
    static abstract L Sqrt(L x);

    /// <summary>eˣ.</summary>
    static abstract L Exp(L x);

    /// <summary>ln x; −∞ at 0, NaN below.</summary>
    static abstract L Log(L x);

    /// <summary>tanh x.</summary>
    static abstract L Tanh(L x);

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    static abstract L Sigmoid(L x);

    /// <summary>erf x = 2/√π ∫₀ˣ e^(−t²) dt.</summary>
    static abstract L Erf(L x);

    /// <summary>½ erfc(|x|/√2), the normal distribution's probability beyond |x|.</summary>
    static abstract L NormalTail(L x);

    /// <summary>sin x, x in radians.</summary>
    static abstract L Sin(L x);

    /// <summary>cos x, x in radians.</summary>
    static abstract L Cos(L x);

    /// <summary>a &gt; b ? yes : no, lane by lane and without a branch; <paramref name="no"/> where either is NaN.</summary>
    static abstract L WhereGreater(L a, L b, L yes, L no);

    /// <summary>a ≥ b ? yes : no; <paramref name="no"/> where either is NaN.</summary>
    static abstract L WhereGreaterOrEqual(L a, L b, L yes, L no);

    /// <summary>a = b ? yes : no; <paramref name="no"/> where either is NaN.</summary>
    static abstract L WhereEqual(L a, L b, L yes, L no);
}

/// <summary>A lane on which <see cref="Numerics.VectorMath"/> makes exp, log, tanh and the others: every width of the processor, and a thread of a GPU.</summary>
/// <typeparam name="L">The lane type itself.</typeparam>
public interface IMathLane<L> : ILane<L> where L : struct, IMathLane<L>
{
    /// <summary>The nearest whole number, halves to even.</summary>
    static abstract L Round(L x);

    /// <summary>x between <paramref name="low"/> and <paramref name="high"/>; NaN stays NaN.</summary>
    static abstract L Clamp(L x, L low, L high);

    /// <summary>x · 2ⁿ for whole <paramref name="n"/> from −252 to 252, with gradual underflow and overflow to infinity; rounded once for |x| in [½, 2].</summary>
    static abstract L ScaleByPowerOfTwo(L x, L n);

    /// <summary>Splits x &gt; 0 (not subnormal) into m·2ᵉ with m in [√½, √2); returns m.</summary>
    static abstract L SplitExponent(L x, out L e);

    /// <summary>|<paramref name="magnitude"/>| with the sign of <paramref name="sign"/>.</summary>
    static abstract L CopySign(L magnitude, L sign);
}

/// <summary>A lane that lives in memory: a loop over a row is written once over it, for every width.</summary>
/// <typeparam name="L">The lane type itself.</typeparam>
public interface IVectorLane<L> : IMathLane<L> where L : struct, IVectorLane<L>
{
    /// <summary>How many floats stand side by side.</summary>
    static abstract int Width { get; }

    /// <summary>Whether this machine runs this width in hardware.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>Reads <see cref="Width"/> floats from <paramref name="from"/>[<paramref name="at"/>..].</summary>
    static abstract L Load(ref readonly float from, nint at);

    /// <summary>Writes <see cref="Width"/> floats to <paramref name="to"/>[<paramref name="at"/>..].</summary>
    static abstract void Store(L x, ref float to, nint at);

    /// <summary>The sum over the lanes, in a fixed order.</summary>
    static abstract float Sum(L x);

    /// <summary>The value in lane <paramref name="i"/>.</summary>
    static abstract float Get(L x, int i);

    /// <summary>Whether a &gt; b in any lane.</summary>
    static abstract bool AnyGreater(L a, L b);
}
