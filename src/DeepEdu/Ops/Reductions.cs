using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Sums and their kin over one axis, several, or (none named) all. With <c>keepDims</c> the folded axes stay, of size 1. Partial sums join in an order that sizes alone
/// fix, so results have the same bits on any number of threads.</summary>
public static class Reductions
{
    extension(Tensor x)
    {
        /// <summary>Σ x over the named axes, or over all; of nothing 0. Gradient: dy to every value.</summary>
        /// <exception cref="ShapeException">No such axis, or one named twice.</exception>
        public Tensor Sum(ReadOnlySpan<int> axes = default, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var plan = Plan("sum", x.Shape, axes, keepDims);
            var y = x.FoldTo(plan.Kept, default(SumFold), default(SumFold)).Alias(plan.Result);
            Tape.For(x)?.AddRecordable(y, (x, dy => Spread(dy.Viewed(plan.Kept), x.Shape, 1)));
            return y;
        }

        /// <summary>Σ x over one axis; −1 is the last.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor Sum(int axis, bool keepDims = false) => x.Sum([axis], keepDims);

        /// <summary>Σ x / n over the named axes, or over all; of nothing NaN. Gradient: dy / n to every value.</summary>
        /// <exception cref="ShapeException">No such axis, or one named twice.</exception>
        public Tensor Mean(ReadOnlySpan<int> axes = default, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var plan = Plan("mean", x.Shape, axes, keepDims);
            var y = MeanTo(x, plan).Alias(plan.Result);
            Tape.For(x)?.AddRecordable(y, (x, dy => Spread(dy.Viewed(plan.Kept), x.Shape, 1f / plan.Count)));
            return y;
        }

        /// <summary>The mean over one axis; −1 is the last.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor Mean(int axis, bool keepDims = false) => x.Mean([axis], keepDims);

        /// <summary>∏ x over the named axes, or over all; of nothing 1. Gradient: dy times the product of the others, also where there are zeros.</summary>
        /// <exception cref="ShapeException">No such axis, or one named twice.</exception>
        public Tensor Prod(ReadOnlySpan<int> axes = default, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var plan = Plan("prod", x.Shape, axes, keepDims);
            var y = x.FoldTo(plan.Kept, default(ProductFold), default(ProductFold)).Alias(plan.Result);
            Tape.For(x)?.AddRecordable(y, (x, dy =>
            {
                if (Tape.Recording is { } tape) { return tape.Through(() => ByHalves(x, plan), dy, x); }
                // with one zero only that zero has a gradient, the product of the rest; with two nothing has
                var zeros = x.FoldTo(plan.Kept, default(ZeroFold), default(SumFold));
                var rest = x.FoldTo(plan.Kept, default(RestFold), default(ProductFold));
                var up = dy.Alias(plan.Kept);
                var atZero = up.Zip3Constant(rest, zeros, new WhenFormula(1), "prod");
                var elsewhere = up.Zip3Constant(rest, zeros, new WhenFormula(0), "prod");
                return x.Zip3Constant(atZero, elsewhere, default(ProductPull), "prod");
            }
            ));
            return y;
        }

        /// <summary>∏ x over one axis; −1 is the last.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor Prod(int axis, bool keepDims = false) => x.Prod([axis], keepDims);

        /// <summary>1 where any value along the axes (or all) is not 0; of nothing 0. No gradient.</summary>
        /// <exception cref="ShapeException">No such axis, or one named twice.</exception>
        public Tensor Any(ReadOnlySpan<int> axes = default, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var plan = Plan("any", x.Shape, axes, keepDims);
            return x.FoldTo(plan.Kept, default(AnyFold), default(AnyFold)).Alias(plan.Result);
        }

        /// <summary>1 where any value along one axis is not 0.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor Any(int axis, bool keepDims = false) => x.Any([axis], keepDims);

        /// <summary>1 where no value along the axes (or all) is 0; of nothing 1. No gradient.</summary>
        /// <exception cref="ShapeException">No such axis, or one named twice.</exception>
        public Tensor All(ReadOnlySpan<int> axes = default, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var plan = Plan("all", x.Shape, axes, keepDims);
            return x.FoldTo(plan.Kept, default(AllFold), default(AllFold)).Alias(plan.Result);
        }

        /// <summary>1 where no value along one axis is 0.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor All(int axis, bool keepDims = false) => x.All([axis], keepDims);
    }

    /// <summary>What a reduction makes of a shape.</summary>
    /// <param name="Kept">With folded axes of size 1.</param>
    /// <param name="Result">As the caller wants it.</param>
    /// <param name="Count">How many values become one.</param>
    internal readonly record struct Reduced(Shape Kept, Shape Result, int Count);

    internal static Reduced Plan(string op, Shape shape, ReadOnlySpan<int> axes, bool keepDims)
    {
        Span<bool> folded = stackalloc bool[shape.Rank];
        folded.Fill(axes.Length == 0);
        foreach (int axis in axes)
        {
            int at = shape.Axis(op, axis);
            if (folded[at]) { ThrowTwice(op, axis, shape); }
            folded[at] = true;
        }
        int[] kept = shape.Sizes.ToArray(), result = new int[shape.Rank];
        int count = 1, rank = 0;
        for (int i = 0; i < kept.Length; i++)
        {
            if (folded[i]) { (count, kept[i]) = (count * kept[i], 1); }
            if (!folded[i] || keepDims) { result[rank++] = kept[i]; }
        }
        return new(Shape.Create(kept), Shape.Create(result.AsSpan(0, rank)), count);
    }

    /// <summary>Folds every axis that is longer in x than in <paramref name="to"/>, whose shape broadcasts to x's. Always makes a new tensor; records nothing.</summary>
    /// <param name="x">The values.</param>
    /// <param name="to">The shape of the result, of any rank up to x's.</param>
    /// <param name="first">Folds the values.</param>
    /// <param name="then">Folds the results, where the axes are not neighbours.</param>
    internal static Tensor FoldTo<F, G>(this Tensor x, Shape to, F first, G then) where F : unmanaged, IFold where G : unmanaged, IFold
    {
        var from = x;
        int lead = x.Rank - to.Rank;
        // runs of axes to fold, from the innermost, which is read straight; neighbours are folded together
        for (int j = x.Rank; j > 0;)
        {
            if (!Longer(x.Shape, to, j - 1, lead)) { j--; continue; }
            int i = j;
            while (i > 0 && (Longer(x.Shape, to, i - 1, lead) || x.Shape[i - 1] == 1)) { i--; }
            int[] sizes = x.Shape.Sizes.ToArray();
            sizes.AsSpan(i, j - i).Fill(1);
            var y = Tensor.Empty(Shape.Create(sizes), x.Device);
            int outer = x.Shape.Product(0, i), n = x.Shape.Product(i, j), inner = x.Shape.Product(j, x.Rank);
            if (ReferenceEquals(x, from)) { x.Device.Fold(first, x.View, outer, n, inner, y.View); }
            else { x.Device.Fold(then, x.View, outer, n, inner, y.View); }
            x = y;
            j = i;
        }
        if (!ReferenceEquals(x, from)) { return x.Alias(to); }
        var single = Tensor.Empty(to, x.Device);
        x.Device.Fold(first, x.View, x.Size, 1, 1, single.View);
        return single;
    }

    /// <summary>Undoes a broadcast: adds up the repeats until the shape is <paramref name="to"/>. The gradient of broadcasting.</summary>
    internal static Tensor SumTo(this Tensor x, Shape to)
    {
        if (x.Shape == to) { return x; }
        var y = x.Size == to.Size ? x.Alias(to) : x.FoldTo(to, default(SumFold), default(SumFold));
        if (Tape.For(x) is { } tape) { Remember(tape, x, y); }
        return y;
    }

    private static void Remember(Tape tape, Tensor x, Tensor sum) => tape.AddRecordable(sum, (x, dy => Spread(dy, x.Shape, 1)));

    internal static Tensor MeanTo(Tensor x, Reduced plan)
    {
        var y = x.FoldTo(plan.Kept, default(SumFold), default(SumFold));
        y.Device.Map(new Arithmetic.DivideFormula(plan.Count), y.View, y.View);
        return y;
    }

    /// <summary>c · value, repeated to a shape.</summary>
    internal static Tensor Spread(Tensor value, Shape shape, float c) => (c == 1 ? value : value * c).BroadcastTo(shape);

    // the product by folding halves onto each other, so that zeros are factors like others
    private static Tensor ByHalves(Tensor x, Reduced plan)
    {
        int[] order = [.. Axes(kept: true), .. Axes(kept: false)];
        var y = x.Permute(order).Reshape([plan.Result.Size, plan.Count]);
        for (int n = plan.Count; n > 1; n = (n + 1) / 2)
        {
            var folded = y.Narrow(1, 0, n / 2) * y.Narrow(1, n - (n / 2), n / 2);
            y = n % 2 == 0 ? folded : Tensor.Concat([folded, y.Narrow(1, n / 2, 1)], 1);
        }
        return plan.Count == 0 ? Tensor.Ones(plan.Result, x.Device) : y.Reshape(plan.Result);

        IEnumerable<int> Axes(bool kept) => Enumerable.Range(0, x.Rank).Where(i => plan.Kept[i] == x.Shape[i] == kept);
    }

    private static bool Longer(Shape from, Shape to, int axis, int lead) => from[axis] != 1 && (axis < lead || to[axis - lead] == 1);

    [DoesNotReturn]
    private static void ThrowTwice(string op, int axis, Shape shape) => throw new ShapeException(op, $"axis {axis} of {shape} is named twice", shape);

    /// <summary>Adds up.</summary>
    public readonly struct SumFold : IFold
    {
        /// <inheritdoc/>
        public float Start => 0;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => acc + x;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }

    /// <summary>Multiplies up.</summary>
    public readonly struct ProductFold : IFold
    {
        /// <inheritdoc/>
        public float Start => 1;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => acc * x;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => a * b;
    }

    // the product of what is not 0
    internal readonly struct RestFold : IFold
    {
        public float Start => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => acc * L.WhereEqual(x, 0f, 1f, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => a * b;
    }

    internal readonly struct ZeroFold : IFold
    {
        public float Start => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => acc + L.WhereEqual(x, 0f, 1f, 0f);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }

    internal readonly struct AnyFold : IFold
    {
        public float Start => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => L.WhereEqual(x, 0f, acc, 1f);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => L.Max(a, b);
    }

    internal readonly struct AllFold : IFold
    {
        public float Start => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => L.WhereEqual(x, 0f, 0f, acc);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => L.Min(a, b);
    }

    internal readonly struct WhenFormula(float zeros) : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L rest, L count) where L : struct, ILane<L> => L.WhereEqual(count, zeros, dy * rest, 0f);
    }

    internal readonly struct ProductPull : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L atZero, L elsewhere) where L : struct, ILane<L> => L.WhereEqual(x, 0f, atZero, elsewhere / x);
    }
}
