using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>The largest and the smallest, and where they stand. NaN counts as larger and as smaller than every number, so it is never overlooked.</summary>
public static class Extremes
{
    extension(Tensor x)
    {
        /// <summary>The largest value along the axes, or of all. Ties share the gradient evenly, as in PyTorch's <c>amax</c>; <c>MaxWithIndices</c> gives it to the first.</summary>
        /// <exception cref="ShapeException">No such axis, one named twice, or there is no value to choose from.</exception>
        public Tensor Max(ReadOnlySpan<int> axes = default, bool keepDims = false) => Choose("max", x, default(MaxFold), axes, keepDims);

        /// <summary>The largest value along one axis; −1 is the last. Ties share the gradient evenly.</summary>
        /// <exception cref="ShapeException">No such axis, or it is empty.</exception>
        public Tensor Max(int axis, bool keepDims = false) => x.Max([axis], keepDims);

        /// <summary>The smallest value along the axes, or of all. Ties share the gradient evenly, as in PyTorch's <c>amin</c>.</summary>
        /// <exception cref="ShapeException">No such axis, one named twice, or there is no value to choose from.</exception>
        public Tensor Min(ReadOnlySpan<int> axes = default, bool keepDims = false) => Choose("min", x, default(MinFold), axes, keepDims);

        /// <summary>The smallest value along one axis; −1 is the last. Ties share the gradient evenly.</summary>
        /// <exception cref="ShapeException">No such axis, or it is empty.</exception>
        public Tensor Min(int axis, bool keepDims = false) => x.Min([axis], keepDims);

        /// <summary>Where along the axis the largest value stands; the first of equals.</summary>
        /// <exception cref="ShapeException">No such axis, or it is empty.</exception>
        public Indices ArgMax(int axis = -1, bool keepDims = false) => Locate("argmax", x, axis, keepDims, largest: true).Indices;

        /// <summary>Where along the axis the smallest value stands; the first of equals.</summary>
        /// <exception cref="ShapeException">No such axis, or it is empty.</exception>
        public Indices ArgMin(int axis = -1, bool keepDims = false) => Locate("argmin", x, axis, keepDims, largest: false).Indices;

        /// <summary>The largest values along the axis and where they stand; the first of equals, which alone has the gradient, as in PyTorch's <c>max(dim)</c>.</summary>
        /// <exception cref="ShapeException">No such axis, or it is empty.</exception>
        public (Tensor Values, Indices Indices) MaxWithIndices(int axis, bool keepDims = false) => Locate("max", x, axis, keepDims, largest: true);

        /// <summary>The smallest values along the axis and where they stand; the first of equals, which alone has the gradient.</summary>
        /// <exception cref="ShapeException">No such axis, or it is empty.</exception>
        public (Tensor Values, Indices Indices) MinWithIndices(int axis, bool keepDims = false) => Locate("min", x, axis, keepDims, largest: false);
    }

    internal static void CheckCount(string op, Reductions.Reduced plan, Shape shape)
    {
        if (plan.Count == 0) { ThrowEmpty(op, shape); }
    }

    private static Tensor Choose<F>(string op, Tensor x, F fold, ReadOnlySpan<int> axes, bool keepDims) where F : unmanaged, IFold
    {
        ArgumentNullException.ThrowIfNull(x);
        var plan = Reductions.Plan(op, x.Shape, axes, keepDims);
        CheckCount(op, plan, x.Shape);
        var y = x.FoldTo(plan.Kept, fold, fold).Alias(plan.Result);
        Tape.For(x)?.AddRecordable(y, (x, dy =>
        {
            var hits = x.ZipConstant(y.Alias(plan.Kept), default(Comparisons.EqualFormula), op);
            return hits * (dy.Viewed(plan.Kept) / hits.FoldTo(plan.Kept, default(Reductions.SumFold), default(Reductions.SumFold)));
        }
        ));
        return y;
    }

    private static (Tensor Values, Indices Indices) Locate(string op, Tensor x, int axis, bool keepDims, bool largest)
    {
        ArgumentNullException.ThrowIfNull(x);
        int at = x.Shape.Axis(op, axis), n = x.Shape[at];
        if (n == 0) { ThrowEmpty(op, x.Shape); }
        int outer = x.Shape.Product(0, at), inner = x.Shape.Product(at + 1, x.Rank);
        var shape = keepDims ? x.Shape.With(at, 1) : x.Shape.Without(at);
        var y = Tensor.Empty(shape, x.Device);
        int[] where = new int[y.Size];
        x.Device.Launch(new LocateExtreme(x.View, y.View, where, outer, n, inner, largest));
        Tape.For(x)?.AddRecordable(y, (x, dy =>
        {
            if (Tape.Recording is not null) { return Tensor.Zeros(x.Shape, x.Device).ScatterAdd(at, Indices.Wrap(where, x.Shape.With(at, 1)), dy.Viewed(x.Shape.With(at, 1))); }
            var dx = Tensor.Zeros(x.Shape, x.Device);
            x.Device.Launch(new PutBack(dy.View, dx.View, where, n, inner));
            return dx;
        }
        ));
        return (y, Indices.Changing(where, shape));
    }

    [DoesNotReturn]
    private static void ThrowEmpty(string op, Shape shape) => throw new ShapeException(op, $"{shape} holds no value to choose from; is the batch empty?", shape);

    /// <summary>The larger.</summary>
    public readonly struct MaxFold : IFold
    {
        /// <inheritdoc/>
        public float Start => float.NegativeInfinity;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => L.Max(acc, x);

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => L.Max(a, b);
    }

    /// <summary>The smaller.</summary>
    public readonly struct MinFold : IFold
    {
        /// <inheritdoc/>
        public float Start => float.PositiveInfinity;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => L.Min(acc, x);

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => L.Min(a, b);
    }

    /// <summary>Finds the extreme along the middle axis of X [Outer, N, Inner]: its value in Values and its place in Where, both [Outer, Inner].</summary>
    public readonly record struct LocateExtreme(View X, View Values, int[] Where, int Outer, int N, int Inner, bool Largest) : IKernel, IRange
    {
        private const int Block = 256, Together = 64, Short = 64; // columns, short rows

        /// <inheritdoc/>
        public static string Name => "locate extreme";

        /// <inheritdoc/>
        public void Run()
        {
            if (IsShort) { Work.For((Outer + Together - 1) / Together, Math.Max(1, CpuDevice.Grain / Together / N), this); }
            else if (Inner == 1) { Work.For(Outer, Math.Max(1, CpuDevice.Grain / N), this); }
            else { Work.For(Outer * ((Inner + Block - 1) / Block), Math.Max(1, CpuDevice.Grain / Block / N), this); }
        }

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            if (IsShort)
            {
                for (int i = from; i < to; i++) { Rows(i * Together); }
                return;
            }
            if (Inner > 1)
            {
                int blocks = (Inner + Block - 1) / Block;
                for (int i = from; i < to; i++) { Columns(i / blocks, i % blocks * Block); }
                return;
            }
            var x = CpuDevice.Of(X);
            var values = CpuDevice.Of(Values);
            for (int i = from; i < to; i++)
            {
                ref float row = ref x[i * N];
                float extreme = Largest ? CpuDevice.FoldRun(default(MaxFold), ref row, N) : CpuDevice.FoldRun(default(MinFold), ref row, N);
                Where[i] = First(ref row, N, extreme);
                values[i] = Unsafe.Add(ref row, Where[i]);
            }
        }

        // the first that equals a value that is there; the first NaN if it is NaN
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static int First(ref float x, int n, float value)
        {
            int i = 0;
            var wanted = new Vector<float>(value);
            if (!float.IsNaN(value))
            {
                while (i <= n - Vector<float>.Count && !Vector.EqualsAny(Vector.LoadUnsafe(ref x, (nuint)i), wanted)) { i += Vector<float>.Count; }
            }
            for (; i < n - 1; i++)
            {
                float v = Unsafe.Add(ref x, i);
                if (v == value || (float.IsNaN(v) && float.IsNaN(value))) { break; }
            }
            return i;
        }

        // rows of a block of columns are read whole
        private void Columns(int outer, int first)
        {
            int n = Math.Min(Block, Inner - first);
            Down(ref CpuDevice.Of(X)[(outer * N * Inner) + first], Inner, (outer * Inner) + first, n);
        }

        private bool IsShort => Inner == 1 && N <= Short && Outer >= 8;

        // short rows are turned into columns
        private unsafe void Rows(int first)
        {
            int n = Math.Min(Together, Outer - first);
            float* turned = Scratch.Images.Take(N * Together);
            fixed (float* x = CpuDevice.Of(X)[(first * N)..]) { ConvLayout.ToLast(n, N, x, N, turned, Together); }
            Down(ref *turned, Together, first, n);
        }

        // the extremes of n columns of N values, the results from place `to` on
        private void Down(ref float x, int step, int to, int n)
        {
            var best = CpuDevice.Of(Values).Slice(to, n);
            var where = Where.AsSpan(to, n);
            MemoryMarshal.CreateReadOnlySpan(ref x, n).CopyTo(best);
            where.Clear();
            for (int r = 1; r < N; r++) { Better(ref Unsafe.Add(ref x, r * step), ref best[0], ref where[0], n, r, Largest); }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Better(ref float x, ref float best, ref int where, int n, int row, bool largest)
        {
            int i = 0;
            var place = new Vector<int>(row);
            for (; i <= n - Vector<float>.Count; i += Vector<float>.Count)
            {
                Vector<float> v = Vector.LoadUnsafe(ref x, (nuint)i), b = Vector.LoadUnsafe(ref best, (nuint)i);
                // larger, or NaN where none has been
                var take = (largest ? Vector.GreaterThan(v, b) : Vector.LessThan(v, b)) | Vector.AndNot(Vector.Equals(b, b), Vector.Equals(v, v));
                Vector.ConditionalSelect(take, v, b).StoreUnsafe(ref best, (nuint)i);
                Vector.ConditionalSelect(take, place, Vector.LoadUnsafe(ref where, (nuint)i)).StoreUnsafe(ref where, (nuint)i);
            }
            for (; i < n; i++)
            {
                float v = Unsafe.Add(ref x, i), b = Unsafe.Add(ref best, i);
                if ((largest ? v > b : v < b) || (float.IsNaN(v) && !float.IsNaN(b))) { (Unsafe.Add(ref best, i), Unsafe.Add(ref where, i)) = (v, row); }
            }
        }
    }

    /// <summary>Dx [outer, N, Inner] = Dy [outer, Inner] at the places Where; the rest stays as it is.</summary>
    public readonly record struct PutBack(View Dy, View Dx, int[] Where, int N, int Inner) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "put back";

        /// <inheritdoc/>
        public void Run()
        {
            var dy = CpuDevice.Of(Dy);
            var dx = CpuDevice.Of(Dx);
            for (int i = 0; i < dy.Length; i++)
            {
                int outer = i / Inner;
                dx[(((outer * N) + Where[i]) * Inner) + i - (outer * Inner)] = dy[i];
            }
        }
    }
}
