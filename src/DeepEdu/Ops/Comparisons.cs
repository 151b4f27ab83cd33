using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Questions about values, answered by 1 (yes) and 0 (no), with broadcasting and without gradients; and choices made by the answers.
/// A condition is true where it is not 0. Nothing is equal to, less or greater than NaN.</summary>
public static class Comparisons
{
    extension(Tensor a)
    {
        /// <summary>1 where a = b.</summary>
        public Tensor Equal(Tensor b) => a.ZipConstant(b, default(EqualFormula), "equal");

        /// <summary>1 where a = c.</summary>
        public Tensor Equal(float c) => a.MapConstant(new WithFormula<EqualFormula>(default, c));

        /// <summary>1 where a ≠ b.</summary>
        public Tensor NotEqual(Tensor b) => a.ZipConstant(b, default(NotEqualFormula), "not-equal");

        /// <summary>1 where a ≠ c.</summary>
        public Tensor NotEqual(float c) => a.MapConstant(new WithFormula<NotEqualFormula>(default, c));

        /// <summary>1 where a &lt; b.</summary>
        public Tensor Less(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(a);
            ArgumentNullException.ThrowIfNull(b);
            return b.ZipConstant(a, default(GreaterFormula), "less");
        }

        /// <summary>1 where a &lt; c.</summary>
        public Tensor Less(float c) => a.MapConstant(new WithFormula<LessFormula>(default, c));

        /// <summary>1 where a ≤ b.</summary>
        public Tensor LessOrEqual(Tensor b)
        {
            ArgumentNullException.ThrowIfNull(a);
            ArgumentNullException.ThrowIfNull(b);
            return b.ZipConstant(a, default(GreaterOrEqualFormula), "less-or-equal");
        }

        /// <summary>1 where a ≤ c.</summary>
        public Tensor LessOrEqual(float c) => a.MapConstant(new WithFormula<LessOrEqualFormula>(default, c));

        /// <summary>1 where a &gt; b.</summary>
        public Tensor Greater(Tensor b) => a.ZipConstant(b, default(GreaterFormula), "greater");

        /// <summary>1 where a &gt; c.</summary>
        public Tensor Greater(float c) => a.MapConstant(new WithFormula<GreaterFormula>(default, c));

        /// <summary>1 where a ≥ b.</summary>
        public Tensor GreaterOrEqual(Tensor b) => a.ZipConstant(b, default(GreaterOrEqualFormula), "greater-or-equal");

        /// <summary>1 where a ≥ c.</summary>
        public Tensor GreaterOrEqual(float c) => a.MapConstant(new WithFormula<GreaterOrEqualFormula>(default, c));

        /// <summary>1 where both are true.</summary>
        public Tensor LogicalAnd(Tensor b) => a.ZipConstant(b, default(AndFormula), "logical-and");

        /// <summary>1 where either is true.</summary>
        public Tensor LogicalOr(Tensor b) => a.ZipConstant(b, default(OrFormula), "logical-or");

        /// <summary>1 where a is 0.</summary>
        public Tensor LogicalNot() => a.Equal(0f);

        /// <summary>1 where a is NaN.</summary>
        public Tensor IsNaN() => a.MapConstant(default(IsNaNFormula));

        /// <summary>1 where a is neither NaN nor infinite.</summary>
        public Tensor IsFinite() => a.MapConstant(default(IsFiniteFormula));

        /// <summary>1 where a is ∞ or −∞.</summary>
        public Tensor IsInf() => a.MapConstant(default(IsInfFormula));

        /// <summary>1 where one is true and the other is not.</summary>
        public Tensor LogicalXor(Tensor b) => a.ZipConstant(b, default(XorFormula), "logical-xor");

        /// <summary>a with numbers for NaN, ∞ and −∞; for the infinite ones the largest and smallest of float32 unless given. No gradient where replaced.</summary>
        public Tensor NanToNum(float nan = 0, float positive = float.MaxValue, float negative = float.MinValue) => a.Map(new NanToNumFormula(nan, positive, negative));

        /// <summary>a with <paramref name="value"/> wherever <paramref name="mask"/> is true; mask and a broadcast. No gradient where filled.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public Tensor MaskedFill(Tensor mask, float value)
        {
            ArgumentNullException.ThrowIfNull(a);
            var y = a.ZipConstant(mask, new FillFormula(value), "masked-fill");
            Tape.For(a)?.AddRecordable(y, (a, dy => dy.MaskedFill(mask, 0).SumTo(a.Shape)));
            return y;
        }
    }

    extension(Tensor)
    {
        /// <summary>1 where a &lt; b.</summary>
        public static Tensor operator <(Tensor a, Tensor b) => a.Less(b);

        /// <summary>1 where a &gt; b.</summary>
        public static Tensor operator >(Tensor a, Tensor b) => a.Greater(b);

        /// <summary>1 where a ≤ b.</summary>
        public static Tensor operator <=(Tensor a, Tensor b) => a.LessOrEqual(b);

        /// <summary>1 where a ≥ b.</summary>
        public static Tensor operator >=(Tensor a, Tensor b) => a.GreaterOrEqual(b);

        /// <summary>1 where a &lt; c.</summary>
        public static Tensor operator <(Tensor a, float c) => a.Less(c);

        /// <summary>1 where a &gt; c.</summary>
        public static Tensor operator >(Tensor a, float c) => a.Greater(c);

        /// <summary>1 where a ≤ c.</summary>
        public static Tensor operator <=(Tensor a, float c) => a.LessOrEqual(c);

        /// <summary>1 where a ≥ c.</summary>
        public static Tensor operator >=(Tensor a, float c) => a.GreaterOrEqual(c);

        /// <summary>yes where the condition is true, else no. The three shapes broadcast together; the gradient goes to the one chosen.</summary>
        /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
        public static Tensor Where(Tensor condition, Tensor yes, Tensor no)
        {
            var y = condition.Zip3Constant(yes, no, default(WhereFormula), "where");
            Tape.For(yes, no)?.AddRecordable(y, (yes, dy => dy.Kept(condition).SumTo(yes.Shape)), (no, dy => dy.MaskedFill(condition, 0).SumTo(no.Shape)));
            return y;
        }

        /// <summary>yes where the condition is true, else a number.</summary>
        /// <inheritdoc cref="Where(Tensor, Tensor, Tensor)"/>
        public static Tensor Where(Tensor condition, Tensor yes, float no)
        {
            ArgumentNullException.ThrowIfNull(yes);
            return Tensor.Where(condition, yes, Tensor.Full([], no, yes.Device));
        }

        /// <summary>A number where the condition is true, else no.</summary>
        /// <inheritdoc cref="Where(Tensor, Tensor, Tensor)"/>
        public static Tensor Where(Tensor condition, float yes, Tensor no)
        {
            ArgumentNullException.ThrowIfNull(no);
            return Tensor.Where(condition, Tensor.Full([], yes, no.Device), no);
        }

        /// <summary>One number where the condition is true, else the other: ±1 for right and wrong, say. No gradient.</summary>
        public static Tensor Where(Tensor condition, float yes, float no)
        {
            ArgumentNullException.ThrowIfNull(condition);
            return Tensor.Where(condition, Tensor.Full([], yes, condition.Device), Tensor.Full([], no, condition.Device));
        }
    }

    // 0 where the mask is false
    private static Tensor Kept(this Tensor x, Tensor mask)
    {
        var y = x.ZipConstant(mask, default(KeepFormula), "where");
        if (Tape.For(x) is { } tape) { Remember(tape, y, x, mask); }
        return y;
    }

    private static void Remember(Tape tape, Tensor y, Tensor x, Tensor mask) => tape.AddRecordable(y, (x, dy => dy.Kept(mask)));

    /// <summary>1 where a = b.</summary>
    public readonly struct EqualFormula : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.WhereEqual(a, b, 1f, 0f);
    }

    internal readonly struct WithFormula<F>(F f, float c) : IMap where F : unmanaged, IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => f.Apply(x, L.Of(c));
    }

    internal readonly struct NotEqualFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.WhereEqual(a, b, 0f, 1f);
    }

    internal readonly struct LessFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.WhereGreater(b, a, 1f, 0f);
    }

    internal readonly struct LessOrEqualFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.WhereGreaterOrEqual(b, a, 1f, 0f);
    }

    internal readonly struct GreaterFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.WhereGreater(a, b, 1f, 0f);
    }

    internal readonly struct GreaterOrEqualFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.WhereGreaterOrEqual(a, b, 1f, 0f);
    }

    internal readonly struct AndFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.WhereEqual(a, 0f, 0f, L.WhereEqual(b, 0f, 0f, 1f));
    }

    internal readonly struct OrFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.WhereEqual(a, 0f, L.WhereEqual(b, 0f, 0f, 1f), 1f);
    }

    internal readonly struct IsNaNFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.WhereEqual(x, x, 0f, 1f);
    }

    // ∞ − ∞ is NaN
    internal readonly struct IsFiniteFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.WhereEqual(x - x, 0f, 1f, 0f);
    }

    internal readonly struct IsInfFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.WhereEqual(L.Abs(x), float.PositiveInfinity, 1f, 0f);
    }

    internal readonly struct XorFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => L.WhereEqual(a, 0f, L.WhereEqual(b, 0f, 0f, 1f), L.WhereEqual(b, 0f, 1f, 0f));
    }

    internal readonly struct NanToNumFormula(float nan, float positive, float negative) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> =>
            L.WhereEqual(x, x, L.WhereEqual(x, float.PositiveInfinity, positive, L.WhereEqual(x, float.NegativeInfinity, negative, x)), nan);
    }

    internal readonly struct FillFormula(float value) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L mask) where L : struct, ILane<L> => L.WhereEqual(mask, 0f, x, value);
    }

    internal readonly struct KeepFormula : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L mask) where L : struct, ILane<L> => L.WhereEqual(mask, 0f, 0f, x);
    }

    internal readonly struct WhereFormula : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L condition, L yes, L no) where L : struct, ILane<L> => L.WhereEqual(condition, 0f, no, yes);
    }
}
