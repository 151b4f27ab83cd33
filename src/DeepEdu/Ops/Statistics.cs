using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Variance, norms and log-sum-exp over one axis, several, or (none named) all.</summary>
public static class Statistics
{
    // 2⁻¹⁰⁰ and 2¹⁰⁰: squares of what is that much smaller or larger are float32 where those of x are not; and which roots are surely right without
    private const float Down = 7.8886090522101181e-31f, Up = 1.2676506002282294e30f, Small = 1e-15f, Large = 1e15f;

    extension(Tensor x)
    {
        /// <summary>Σ (x − x̄)² / (n − correction), in two passes, so that a large mean costs no digits. Gradient 2(x − x̄)·dy / (n − correction). Beyond 3.4·10³⁸ it is ∞, below 10⁻⁴⁵ 0: see <c>Std</c>.</summary>
        /// <param name="axes">The axes; none named is all.</param>
        /// <param name="correction">1 for a sample of a larger population (Bessel), 0 for the whole. n ≤ correction gives NaN or ∞.</param>
        /// <param name="keepDims">Whether the folded axes stay, of size 1.</param>
        /// <exception cref="ShapeException">No such axis, or one named twice.</exception>
        public Tensor Var(ReadOnlySpan<int> axes = default, int correction = 1, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var plan = Reductions.Plan("var", x.Shape, axes, keepDims);
            float n = Math.Max(0, plan.Count - correction);
            var mean = Reductions.MeanTo(x, plan);
            var y = Squares(x, mean, plan, n, 1);
            if (MayBeOutside(y, 0, float.MaxValue)) { y = y.ZipConstant(Squares(x, mean, plan, n, Down), default(WideSquares), "var"); }
            Tape.For(x)?.AddRecordable(y, (x, dy => Tape.Recording is { } tape ? tape.Through(() => ((x - (x.SumTo(plan.Kept) / plan.Count)).Square().SumTo(plan.Kept) / n).Viewed(plan.Result), dy, x)
                : x.Zip3Constant(mean, dy.Alias(plan.Kept), new VariancePull(2 / n), "var")));
            return y;
        }

        /// <summary>The variance over one axis; −1 is the last.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor Var(int axis, int correction = 1, bool keepDims = false) => x.Var([axis], correction, keepDims);

        /// <summary>√Var, also where that is beyond float32, as in PyTorch: only the sum of the values must not be. Where it is 0 the gradient is taken as 0, as in PyTorch.</summary>
        /// <exception cref="ShapeException">No such axis, or one named twice.</exception>
        public Tensor Std(ReadOnlySpan<int> axes = default, int correction = 1, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var plan = Reductions.Plan("std", x.Shape, axes, keepDims);
            float n = Math.Max(0, plan.Count - correction);
            var mean = Reductions.MeanTo(x, plan);
            var y = Squares(x, mean, plan, n, 1);
            y.Device.Map(default(Functions.SqrtFormula), y.View, y.View);
            if (MayBeOutside(y, Small, Large)) { y = y.Zip3Constant(Squares(x, mean, plan, n, Down), Squares(x, mean, plan, n, Up), default(WideRoot), "std"); }
            Tape.For(x)?.AddRecordable(y, (x, dy =>
            {
                var up = Elementwise.Backward(dy, y, default(RootPull));
                return Tape.Recording is null ? x.Zip3Constant(mean, up.Alias(plan.Kept), new VariancePull(2 / n), "std") : (x - (x.SumTo(plan.Kept) / plan.Count)) * (up.Viewed(plan.Kept) * (2 / n));
            }
            ));
            return y;
        }

        /// <summary>The standard deviation over one axis; −1 is the last.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor Std(int axis, int correction = 1, bool keepDims = false) => x.Std([axis], correction, keepDims);

        /// <summary>(Σ |x|ᵖ)^(1/p); for p = ∞ the largest |x|, whose gradient ties share. Powers are float32, as PyTorch's on the processor: for p = 2, values beyond 1.8·10¹⁹ give ∞. Where a norm is 0, or with p below 1 a value, the gradient is taken as 0, as in PyTorch.</summary>
        /// <param name="p">Above 0; <see cref="float.PositiveInfinity"/> is allowed.</param>
        /// <param name="axes">The axes; none named is all.</param>
        /// <param name="keepDims">Whether the folded axes stay, of size 1.</param>
        /// <exception cref="ShapeException">No such axis, or one named twice.</exception>
        /// <exception cref="ArgumentOutOfRangeException">p is not above 0.</exception>
        public Tensor Norm(float p = 2, ReadOnlySpan<int> axes = default, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            if (!(p > 0)) { throw new ArgumentOutOfRangeException(nameof(p), p, "norm: p must be above 0"); }
            if (float.IsPositiveInfinity(p)) { return x.Abs().Max(axes, keepDims); }
            if (p == 1) { return x.Abs().Sum(axes, keepDims); }
            if (p < 1) { return x.Abs().MapByInput(new Powers.PowerOfFormula(p), new NonZeroPowerPull(p)).Sum(axes, keepDims).Pow(1 / p); }
            if (p != 2) { return x.Abs().Pow(p).Sum(axes, keepDims).MapByInput(new Powers.PowerOfFormula(1 / p), new NonZeroPowerPull(1 / p)); }
            var plan = Reductions.Plan("norm", x.Shape, axes, keepDims);
            var y = x.FoldTo(plan.Kept, default(SquareFold), default(Reductions.SumFold)).Alias(plan.Result);
            y.Device.Map(default(Functions.SqrtFormula), y.View, y.View);
            Tape.For(x)?.AddRecordable(y, (x, dy => x.Pulled(y.Viewed(plan.Kept), dy.Viewed(plan.Kept), default(NormPull), "norm")));
            return y;
        }

        /// <summary>The norm over one axis; −1 is the last.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor Norm(float p, int axis, bool keepDims = false) => x.Norm(p, [axis], keepDims);

        /// <summary>x / max(‖x‖, ε): vectors along an axis brought to length 1, those of 0 left as they are. PyTorch's <c>F.normalize</c>, whose axis is 1 unless told otherwise.</summary>
        /// <param name="axis">The axis along which the vectors stand; −1 is the last.</param>
        /// <param name="p">The length's norm, above 0; <see cref="float.PositiveInfinity"/> is allowed.</param>
        /// <param name="eps">The smallest length that is divided by.</param>
        /// <exception cref="ShapeException">No such axis.</exception>
        /// <exception cref="ArgumentOutOfRangeException">p is not above 0.</exception>
        public Tensor Normalize(int axis = -1, float p = 2, float eps = 1e-12f) => x / x.Norm(p, axis, keepDims: true).Clamp(min: eps);

        /// <summary>ln Σ eˣ without overflow: m + ln Σ e^(x−m), m the largest. Gradient e^(x−y)·dy: a softmax.</summary>
        /// <exception cref="ShapeException">No such axis, one named twice, or nothing to add up.</exception>
        public Tensor LogSumExp(ReadOnlySpan<int> axes = default, bool keepDims = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            var plan = Reductions.Plan("logsumexp", x.Shape, axes, keepDims);
            Extremes.CheckCount("logsumexp", plan, x.Shape);
            var m = x.FoldTo(plan.Kept, default(Extremes.MaxFold), default(Extremes.MaxFold));
            var y = x.ZipConstant(m, default(ShiftedExp), "logsumexp").FoldTo(plan.Kept, default(Reductions.SumFold), default(Reductions.SumFold));
            y.Device.Zip(default(ShiftedLog), y.View, m.View, y.View, Broadcast.Flat(y.Size));
            y = y.Alias(plan.Result);
            Tape.For(x)?.AddRecordable(y, (x, dy => x.Pulled(y.Viewed(plan.Kept), dy.Viewed(plan.Kept), default(LogSumExpPull), "logsumexp")));
            return y;
        }

        /// <summary>ln Σ eˣ over one axis; −1 is the last.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor LogSumExp(int axis, bool keepDims = false) => x.LogSumExp([axis], keepDims);
    }

    // Σ (c·(x − mean))² / n
    private static Tensor Squares(Tensor x, Tensor mean, Reductions.Reduced plan, float n, float c)
    {
        var y = x.ZipConstant(mean, new SquareDistance(c), "var").FoldTo(plan.Kept, default(Reductions.SumFold), default(Reductions.SumFold)).Alias(plan.Result);
        y.Device.Map(new Arithmetic.DivideFormula(n), y.View, y.View);
        return y;
    }

    // whether it is worth looking: what is recorded, or on another device, is not looked at
    private static bool MayBeOutside(Tensor y, float least, float most) => y.Device is not CpuDevice || Recording.Current is not null || CpuDevice.Of(y.View).ContainsAnyExceptInRange(least, most);

    // ±∞ or NaN is no use as a shift: ∞ − ∞ would be NaN
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Shift<L>(L m) where L : struct, ILane<L> => L.WhereEqual(m - m, 0f, m, 0f);

    internal readonly struct SquareDistance(float c) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L mean) where L : struct, ILane<L>
        {
            L d = c * (x - mean);
            return d * d;
        }
    }

    internal readonly struct WideSquares : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L y, L far) where L : struct, ILane<L> => L.WhereEqual(y, float.PositiveInfinity, far * Up * Up, y);
    }

    internal readonly struct WideRoot : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L y, L far, L near) where L : struct, ILane<L> => L.WhereGreater(y, Large, L.Sqrt(far) * Up, L.WhereGreater(Small, y, L.Sqrt(near) * Down, y));
    }

    internal readonly struct VariancePull(float c) : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L mean, L dy) where L : struct, ILane<L> => c * (x - mean) * dy;
    }

    internal readonly struct RootPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L y) where L : struct, ILane<L> => L.WhereEqual(y, 0f, 0f, dy / (y + y));
    }

    internal readonly struct SquareFold : IFold
    {
        public float Start => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => L.MultiplyAdd(x, x, acc);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }

    internal readonly struct NormPull : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L y, L dy) where L : struct, ILane<L> => L.WhereEqual(y, 0f, 0f, dy * (x / y));
    }

    // a root's slope is ∞ at 0, and that of the powers or of |x| below it 0
    internal readonly struct NonZeroPowerPull(float p) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => L.WhereEqual(x, 0f, 0f, new Powers.PowerOfPull(p).Apply(dy, x));
    }

    internal readonly struct ShiftedExp : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L m) where L : struct, ILane<L> => L.Exp(x - Shift(m));
    }

    internal readonly struct ShiftedLog : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L sum, L m) where L : struct, ILane<L> => L.Log(sum) + Shift(m);
    }

    internal readonly struct LogSumExpPull : IZip3
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L y, L dy) where L : struct, ILane<L> => dy * L.Exp(x - y);
    }
}
