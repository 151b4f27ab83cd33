using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>+ − × ÷ with NumPy broadcasting; a number may stand on either side and costs no tensor.</summary>
public static class Arithmetic
{
    /// <summary>a + b.</summary>
    public readonly struct AddFormula : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }

    /// <summary>a − b.</summary>
    public readonly struct SubFormula : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => a - b;
    }

    /// <summary>a · b.</summary>
    public readonly struct MulFormula : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => a * b;
    }

    /// <summary>a / b.</summary>
    public readonly struct DivFormula : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => a / b;
    }

    /// <summary>x + c.</summary>
    /// <param name="c">The number.</param>
    public readonly struct ShiftFormula(float c) : IMap
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => x + c;
    }

    /// <summary>x · c.</summary>
    /// <param name="c">The number.</param>
    public readonly struct ScaleFormula(float c) : IMap
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => x * c;
    }

    /// <summary>x / c.</summary>
    /// <param name="c">The number.</param>
    public readonly struct DivideFormula(float c) : IMap
    {
        internal float C => c;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => x / c;
    }

    /// <summary>−x.</summary>
    public readonly struct NegFormula : IMap
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => -x;
    }

    extension(Tensor)
    {
        /// <summary>a + b, value by value; the shapes broadcast.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public static Tensor operator +(Tensor a, Tensor b)
        {
            var y = a.ZipConstant(b, default(AddFormula), "add");
            Tape.For(a, b)?.AddRecordable(y, (a, dy => dy.SumTo(a.Shape)), (b, dy => dy.SumTo(b.Shape)));
            return y;
        }

        /// <summary>a − b, value by value; the shapes broadcast.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public static Tensor operator -(Tensor a, Tensor b)
        {
            var y = a.ZipConstant(b, default(SubFormula), "sub");
            Tape.For(a, b)?.AddRecordable(y, (a, dy => dy.SumTo(a.Shape)), (b, dy => -dy.SumTo(b.Shape)));
            return y;
        }

        /// <summary>a · b, value by value; the shapes broadcast.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public static Tensor operator *(Tensor a, Tensor b)
        {
            var y = a.ZipConstant(b, default(MulFormula), "mul");
            Tape.For(a, b)?.AddRecordable(y, (a, dy => (dy * b).SumTo(a.Shape)), (b, dy => (dy * a).SumTo(b.Shape)));
            return y;
        }

        /// <summary>a / b, value by value; the shapes broadcast. Division by 0 gives ±∞ or NaN.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public static Tensor operator /(Tensor a, Tensor b)
        {
            var y = a.ZipConstant(b, default(DivFormula), "div");
            Tape.For(a, b)?.AddRecordable(y, (a, dy => (dy / b).SumTo(a.Shape)), (b, dy => dy.Pulled(a, b, default(DivPullB), "div").SumTo(b.Shape)));
            return y;
        }

        /// <summary>−x.</summary>
        public static Tensor operator -(Tensor x) => x.MapLinear(default(NegFormula), default(NegFormula));

        /// <summary>x + c.</summary>
        public static Tensor operator +(Tensor x, float c)
        {
            var y = x.MapConstant(new ShiftFormula(c));
            Tape.For(x)?.AddRecordable(y, (x, static dy => dy));
            return y;
        }

        /// <summary>c + x.</summary>
        public static Tensor operator +(float c, Tensor x) => x + c;

        /// <summary>x − c.</summary>
        public static Tensor operator -(Tensor x, float c) => x + -c;

        /// <summary>c − x.</summary>
        public static Tensor operator -(float c, Tensor x) => x.MapLinear(new FromFormula(c), default(NegFormula));

        /// <summary>x · c.</summary>
        public static Tensor operator *(Tensor x, float c) => x.MapLinear(new ScaleFormula(c), new ScaleFormula(c));

        /// <summary>c · x.</summary>
        public static Tensor operator *(float c, Tensor x) => x * c;

        /// <summary>x / c.</summary>
        public static Tensor operator /(Tensor x, float c) => x.MapLinear(new DivideFormula(c), new DivideFormula(c));

        /// <summary>c / x.</summary>
        public static Tensor operator /(float c, Tensor x) => x.MapByInput(new OverFormula(c), new OverPull(c));

        /// <summary>The smaller of both, value by value, with broadcasting; NaN if either is NaN. At a tie each gets half of the gradient, as in PyTorch.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public static Tensor Minimum(Tensor a, Tensor b) => a.Zip(b, default(MinFormula), "minimum");

        /// <summary>The larger of both, value by value, with broadcasting; NaN if either is NaN. At a tie each gets half of the gradient, as in PyTorch.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public static Tensor Maximum(Tensor a, Tensor b) => a.Zip(b, default(MaxFormula), "maximum");
    }

    extension(Tensor x)
    {
        /// <summary>min(max(x, min), max); max where min &gt; max. The gradient passes where min ≤ x ≤ max, the ends included, as in PyTorch. Leave out a bound that is not wanted.</summary>
        public Tensor Clamp(float min = float.NegativeInfinity, float max = float.PositiveInfinity) => x.MapByInput(new ClampFormula(min, max), new ClampPull(min, max));

        /// <summary>x − c·⌊x / c⌋: what is left of division, with the sign of the divisor, as in Python and PyTorch (and unlike C#'s %). Rounded once where the processor multiplies and adds in
        /// one rounding, up to |x / c| = 2⁷²; else 0 may stand for what is c but for a rounding.</summary>
        public Tensor Remainder(float c) => x.Map(new RemainderByFormula(c));

        /// <summary>x − b·⌊x / b⌋ with broadcasting: dx = dy, db = −⌊x / b⌋ · dy.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public Tensor Remainder(Tensor b) => x.Zip(b, default(RemainderFormula), "remainder");
    }

    // Of magnitudes, so that each rest is exact where products are added in one rounding. The quotient is rounded, so its floor may be one too many, and beyond 2²⁴ whole times too many or too few: what is
    // left of them goes again (up to 2⁷²). An infinite b goes no whole time into a
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Remainder<L>(L a, L b) where L : struct, ILane<L>
    {
        L r = L.WhereGreater(0f, a, -a, a), d = L.WhereGreater(0f, b, -b, b);
        for (int i = 0; i < 3; i++) { r = L.MultiplyAdd(-d, L.Floor(r / d), r); }
        r = L.WhereGreater(0f, a, -r, r);
        r = L.WhereEqual(L.Abs(b), float.PositiveInfinity, a - (0f * a), r);
        return L.WhereGreater(0f, r, L.WhereGreater(b, 0f, r + b, r), L.WhereGreater(r, 0f, L.WhereGreater(0f, b, r + b, r), r));
    }

    internal readonly struct DivPullB : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L a, L b) where L : struct, ILane<L> => -(dy * (a / b / b));
    }

    internal readonly struct FromFormula(float c) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => c - x;
    }

    internal readonly struct OverFormula(float c) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => c / x;
    }

    internal readonly struct OverPull(float c) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => -(dy * (c / x / x));
    }

    internal readonly struct MinFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.Min(a, b);
    }

    internal readonly struct MaxFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.Max(a, b);
    }

    internal readonly struct ClampFormula(float min, float max) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Min(L.Max(x, min), max);
    }

    internal readonly struct ClampPull(float min, float max) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => L.WhereGreaterOrEqual(x, min, L.WhereGreaterOrEqual(max, x, dy, 0f), 0f);
    }

    internal readonly struct RemainderFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => Remainder(a, b);
    }

    internal readonly struct RemainderByFormula(float c) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => Remainder(x, L.Of(c));
    }
}
