using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Rotary positions: Su et al. 2021, arXiv:2104.09864, section 3.2.</summary>
public static class RotaryOps
{
    extension(Tensor x)
    {
        /// <summary>Turns each pair of numbers (a, b) of a head by its place's angle θ: a·cos θ − b·sin θ, a·sin θ + b·cos θ (eq. 34). The dot product of a query and a key then depends on how far apart
        /// they are, not on where they stand. x [.., T, n], n ≥ heads·d; what stands behind the heads is copied.</summary>
        /// <param name="cos">cos θ [places, d/2], a row a place, a column a pair. It gets no gradient.</param>
        /// <param name="sin">sin θ, likewise.</param>
        /// <param name="heads">How many heads of d numbers lie side by side.</param>
        /// <param name="past">The place of the first row.</param>
        /// <param name="halves">Whether pair i is (i, i + d/2), as GPT-NeoX and LLaMA have it; else (2i, 2i + 1), as the paper has it.</param>
        /// <exception cref="ShapeException">The shapes do not fit, or a row's place is beyond the table.</exception>
        public Tensor Rotary(Tensor cos, Tensor sin, int heads = 1, int past = 0, bool halves = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(cos);
            ArgumentNullException.ThrowIfNull(sin);
            if (x.Rank < 2 || cos.Rank != 2 || sin.Shape != cos.Shape || heads <= 0 || x.Shape[^1] < 2L * heads * cos.Shape[1]) { ThrowShapes(x.Shape, cos.Shape, sin.Shape, heads); }
            if (past < 0 || past > cos.Shape[0] - x.Shape[^2]) { ThrowPlaces(x.Shape, cos.Shape, past); }
            Elementwise.SameDevice("rotary", x, cos);
            Elementwise.SameDevice("rotary", x, sin);
            var y = x.Turned(cos, sin, heads, past, halves, back: false);
            Tape.For(x)?.AddRecordable(y, (x, dy => dy.Linearly(d => d.Turned(cos, sin, heads, past, halves, back: true), d => d.Turned(cos, sin, heads, past, halves, back: false))));
            return y;
        }
    }

    private static Tensor Turned(this Tensor x, Tensor cos, Tensor sin, int heads, int past, bool halves, bool back)
    {
        var y = Tensor.Empty(x.Shape, x.Device);
        x.Device.Launch(new RotaryKernel(x.View, cos.View, sin.View, y.View, x.Shape[^2], x.Shape[^1], heads, cos.Shape[1], past, halves, back));
        return y;
    }

    [DoesNotReturn]
    private static void ThrowShapes(Shape x, Shape cos, Shape sin, int heads) =>
        throw new ShapeException("rotary", $"x {x}, {heads} heads, cos {cos}, sin {sin}: x [.., T, heads·d or more] and two tables [places, d/2] are needed", x, cos, sin);

    [DoesNotReturn]
    private static void ThrowPlaces(Shape x, Shape cos, int past) =>
        throw new ShapeException("rotary", $"x {x} from place {past} on reaches beyond the table's {cos[0]} places; make it longer", x, cos);

    /// <summary>Y = X with its pairs turned; back: by the opposite angle.</summary>
    public readonly record struct RotaryKernel(View X, View Cos, View Sin, View Y, int Steps, int Row, int Heads, int Pairs, int Past, bool Halves, bool Back) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "rotary";

        /// <inheritdoc/>
        public void Run()
        {
            if (Y.Length > 0) { Work.For(Y.Length / Row, Math.Max(1, CpuDevice.Grain / Row), this); }
        }

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            int turned = 2 * Heads * Pairs;
            for (int row = from; row < to; row++)
            {
                Span<float> x = CpuDevice.Of(X).Slice(row * Row, Row), y = CpuDevice.Of(Y).Slice(row * Row, Row);
                x[turned..].CopyTo(y[turned..]);
                int place = ((row % Steps) + Past) * Pairs;
                if (turned == 0) { continue; }
                ref float cos = ref CpuDevice.At(Cos, place), sin = ref CpuDevice.At(Sin, place);
                for (int at = 0; at < turned; at += 2 * Pairs)
                {
                    if (Halves) { Turn(ref x[at], ref y[at], ref cos, ref sin, Pairs, Back ? -1 : 1); }
                    else { TurnPairs(ref x[at], ref y[at], ref cos, ref sin, Pairs, Back ? -1 : 1); }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Turn(ref float x, ref float y, ref float cos, ref float sin, int n, float sign)
        {
            int i = 0;
            if (F16.IsSupported) { i = Lanes<F16>(ref x, ref y, ref cos, ref sin, i, n, sign); }
            if (F8.IsSupported) { i = Lanes<F8>(ref x, ref y, ref cos, ref sin, i, n, sign); }
            if (F4.IsSupported) { i = Lanes<F4>(ref x, ref y, ref cos, ref sin, i, n, sign); }
            Lanes<F1>(ref x, ref y, ref cos, ref sin, i, n, sign);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static int Lanes<L>(ref float x, ref float y, ref float cos, ref float sin, int i, int n, L sign) where L : struct, IVectorLane<L>, ILane<L>
        {
            for (; i <= n - L.Width; i += L.Width)
            {
                L a = L.Load(in x, i), b = L.Load(in x, i + n), c = L.Load(in cos, i), s = L.Load(in sin, i) * sign;
                L.Store((a * c) - (b * s), ref y, i);
                L.Store((a * s) + (b * c), ref y, i + n);
            }
            return i;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void TurnPairs(ref float x, ref float y, ref float cos, ref float sin, int n, float sign)
        {
            for (int i = 0; i < n; i++)
            {
                float a = Unsafe.Add(ref x, 2 * i), b = Unsafe.Add(ref x, (2 * i) + 1), c = Unsafe.Add(ref cos, i), s = Unsafe.Add(ref sin, i) * sign;
                Unsafe.Add(ref y, 2 * i) = (a * c) - (b * s);
                Unsafe.Add(ref y, (2 * i) + 1) = (a * s) + (b * c);
            }
        }
    }
}
