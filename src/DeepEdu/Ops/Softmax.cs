using System.Buffers;
using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Softmax and its logarithm along any axis: one kernel forward, one backward. The largest value is taken off first, so nothing overflows.</summary>
public static class SoftmaxOp
{
    extension(Tensor x)
    {
        /// <summary>yᵢ = e^(xᵢ) / Σⱼ e^(xⱼ) along an axis. Gradient y ⊙ (dy − Σ dy ⊙ y).</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor Softmax(int axis = -1) => Apply("softmax", x, axis, log: false);

        /// <summary>yᵢ = xᵢ − ln Σⱼ e^(xⱼ) along an axis. Gradient dy − e^y · Σ dy.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor LogSoftmax(int axis = -1) => Apply("log-softmax", x, axis, log: true);
    }

    private static Tensor Apply(string op, Tensor x, int axis, bool log)
    {
        ArgumentNullException.ThrowIfNull(x);
        int at = x.Shape.Axis(op, axis), n = x.Shape[at], outer = x.Shape.Product(0, at), inner = x.Shape.Product(at + 1, x.Rank);
        var y = Tensor.Empty(x.Shape, x.Device);
        x.Device.Launch(new Forward(x.View, y.View, outer, n, inner, log));
        Tape.For(x)?.AddRecordable(y, (x, dy =>
        {
            if (Tape.Recording is not null) { return log ? dy - (y.Exp() * dy.Sum(at, keepDims: true)) : y * (dy - (dy * y).Sum(at, keepDims: true)); }
            var dx = Tensor.Empty(x.Shape, x.Device);
            x.Device.Launch(new Backward(dy.View, y.View, dx.View, outer, n, inner, log));
            return dx;
        }
        ));
        return y;
    }

    /// <summary>Y = softmax, or log-softmax, along the middle axis of X [Outer, N, Inner].</summary>
    public readonly record struct Forward(View X, View Y, int Outer, int N, int Inner, bool Log) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "softmax";

        /// <inheritdoc/>
        public void Run()
        {
            if (Inner > 1 || N <= CpuDevice.Grain) { Cut(Outer, N, Inner, this); return; }
            for (int i = 0; i < Outer; i++) { LongRow(X with { Offset = X.Offset + (i * N), Length = N }, Y with { Offset = Y.Offset + (i * N), Length = N }, Log); }
        }

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                if (Inner == 1) { Row(ref CpuDevice.At(X, i * N), ref CpuDevice.At(Y, i * N), N, Log); continue; }
                var (at, n) = Place(i, N, Inner);
                Columns(ref CpuDevice.At(X, at), ref CpuDevice.At(Y, at), N, Inner, n, Log);
            }
        }

        private static void Row(ref float x, ref float y, int n, bool log)
        {
            float max = CpuDevice.FoldRun(default(Extremes.MaxFold), ref x, n);
            if (log)
            {
                float sum = ExpSum(max, ref x, n);
                CpuDevice.MapRange(new LogFormula(max, MathF.Log(sum)), ref x, ref y, n);
                return;
            }
            CpuDevice.MapRange(new Arithmetic.ScaleFormula(1 / ExpAndSum(max, ref x, ref y, n)), ref y, ref y, n);
        }

        // a row that does not stay in the cache: it is read twice and written once
        private static void LongRow(View x, View y, bool log)
        {
            int pieces = ((x.Length - 1) / CpuDevice.Grain) + 1;
            var partial = ArrayPool<(float Max, float Sum)>.Shared.Rent(pieces);
            Work.Run(pieces, new Pieces { X = x, Partial = partial });
            float max = float.NegativeInfinity, sum = 0;
            for (int i = 0; i < pieces; i++) { max = MathF.Max(max, partial[i].Max); }
            for (int i = 0; i < pieces; i++) { sum += partial[i].Sum * MathF.Exp(partial[i].Max - max); }
            ArrayPool<(float Max, float Sum)>.Shared.Return(partial);
            if (log) { CpuDevice.Instance.Map(new LogFormula(max, MathF.Log(sum)), x, y); }
            else { CpuDevice.Instance.Map(new ScaledExpFormula(max, 1 / sum), x, y); }
        }

        // y = e^(x − max) and its sum
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static float ExpAndSum(float max, ref float x, ref float y, nint n)
        {
            nint i = 0;
            float sum = 0;
            if (F16.IsSupported && n >= 16) { sum += ExpAndSum<F16>(max, ref x, ref y, ref i, n); }
            if (F8.IsSupported && n - i >= 8) { sum += ExpAndSum<F8>(max, ref x, ref y, ref i, n); }
            if (F4.IsSupported && n - i >= 4) { sum += ExpAndSum<F4>(max, ref x, ref y, ref i, n); }
            return sum + ExpAndSum<F1>(max, ref x, ref y, ref i, n);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static float ExpAndSum<L>(float max, ref float x, ref float y, ref nint i, nint n) where L : struct, IVectorLane<L>, ILane<L>
        {
            L c = L.Of(max), a = L.Of(0), b = a;
            for (; i <= n - (2 * L.Width); i += 2 * L.Width)
            {
                L e = L.Exp(L.Load(in x, i) - c), f = L.Exp(L.Load(in x, i + L.Width) - c);
                L.Store(e, ref y, i);
                L.Store(f, ref y, i + L.Width);
                a += e;
                b += f;
            }
            for (; i <= n - L.Width; i += L.Width)
            {
                L e = L.Exp(L.Load(in x, i) - c);
                L.Store(e, ref y, i);
                a += e;
            }
            return L.Sum(a + b);
        }

        // row after row of a block of columns, whose largest values and sums stay in the cache
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static unsafe void Columns(ref float x, ref float y, int rows, int stride, nint n, bool log)
        {
            float* max = stackalloc float[Block], sum = stackalloc float[Block];
            new Span<float>(max, (int)n).Fill(float.NegativeInfinity);
            new Span<float>(sum, (int)n).Clear();
            nint end = (nint)rows * stride;
            for (nint at = 0; at < end; at += stride) { Each(new LargestStep(max), ref Unsafe.Add(ref x, at), ref Unsafe.Add(ref x, at), n); }
            for (nint at = 0; at < end; at += stride) { Each(new ExpStep(max, sum, !log), ref Unsafe.Add(ref x, at), ref Unsafe.Add(ref y, at), n); }
            for (nint i = 0; i < n; i++) { sum[i] = log ? MathF.Log(sum[i]) : 1 / sum[i]; }
            for (nint at = 0; at < end; at += stride) { Each(new LastStep(max, sum, log), ref log ? ref Unsafe.Add(ref x, at) : ref Unsafe.Add(ref y, at), ref Unsafe.Add(ref y, at), n); }
        }
    }

    // one row of a block of columns
    private interface IStep
    {
        void At<L>(ref float x, ref float y, nint i) where L : struct, IVectorLane<L>, ILane<L>;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Each<S>(S step, ref float x, ref float y, nint n) where S : struct, IStep
    {
        nint i = 0;
        if (F16.IsSupported) { for (; i <= n - F16.Width; i += F16.Width) { step.At<F16>(ref x, ref y, i); } }
        if (F8.IsSupported) { for (; i <= n - F8.Width; i += F8.Width) { step.At<F8>(ref x, ref y, i); } }
        if (F4.IsSupported) { for (; i <= n - F4.Width; i += F4.Width) { step.At<F4>(ref x, ref y, i); } }
        for (; i < n; i++) { step.At<F1>(ref x, ref y, i); }
    }

    private readonly unsafe struct LargestStep(float* max) : IStep
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(ref float x, ref float y, nint i) where L : struct, IVectorLane<L>, ILane<L> => L.Store(L.Max(L.Load(in *max, i), L.Load(in x, i)), ref *max, i);
    }

    private readonly unsafe struct ExpStep(float* max, float* sum, bool store) : IStep
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(ref float x, ref float y, nint i) where L : struct, IVectorLane<L>, ILane<L>
        {
            L e = L.Exp(L.Load(in x, i) - L.Load(in *max, i));
            L.Store(L.Load(in *sum, i) + e, ref *sum, i);
            if (store) { L.Store(e, ref y, i); }
        }
    }

    private readonly unsafe struct LastStep(float* max, float* last, bool log) : IStep
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(ref float x, ref float y, nint i) where L : struct, IVectorLane<L>, ILane<L> =>
            L.Store(log ? L.Load(in x, i) - L.Load(in *max, i) - L.Load(in *last, i) : L.Load(in x, i) * L.Load(in *last, i), ref y, i);
    }

    // Σ dy ⊙ y, or Σ dy
    private readonly unsafe struct TotalStep(float* sum, bool log) : IStep
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(ref float dy, ref float y, nint i) where L : struct, IVectorLane<L>, ILane<L>
        {
            L s = L.Load(in *sum, i), d = L.Load(in dy, i);
            L.Store(log ? s + d : L.MultiplyAdd(d, L.Load(in y, i), s), ref *sum, i);
        }
    }

    // the largest value of each piece, and Σ e^(x − that)
    private struct Pieces : IChunks
    {
        public View X;
        public (float Max, float Sum)[] Partial;

        public readonly void Run(int chunk)
        {
            int from = chunk * CpuDevice.Grain, n = Math.Min(CpuDevice.Grain, X.Length - from);
            ref float x = ref CpuDevice.At(X, from);
            float max = CpuDevice.FoldRun(default(Extremes.MaxFold), ref x, n);
            // nothing but −∞ adds nothing
            Partial[chunk] = (max, float.IsNegativeInfinity(max) ? 0 : CpuDevice.FoldRun(new ExpSumFold(max), ref x, n));
        }
    }

    /// <summary>The gradient of <see cref="Forward"/> from its result.</summary>
    public readonly record struct Backward(View Dy, View Y, View Dx, int Outer, int N, int Inner, bool Log) : IKernel, IRange
    {
        /// <inheritdoc/>
        public static string Name => "softmax gradient";

        /// <inheritdoc/>
        public void Run() => Cut(Outer, N, Inner, this);

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                var (at, n) = Inner == 1 ? (i * N, N) : Place(i, N, Inner);
                ref float dy = ref CpuDevice.At(Dy, at), y = ref CpuDevice.At(Y, at), dx = ref CpuDevice.At(Dx, at);
                if (Inner > 1) { Columns(ref dy, ref y, ref dx, N, Inner, n, Log); }
                else if (F16.IsSupported && n >= 16) { Row<F16>(ref dy, ref y, ref dx, n, Log); }
                else if (F8.IsSupported && n >= 8) { Row<F8>(ref dy, ref y, ref dx, n, Log); }
                else if (F4.IsSupported && n >= 4) { Row<F4>(ref dy, ref y, ref dx, n, Log); }
                else { Row<F1>(ref dy, ref y, ref dx, n, Log); }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Row<L>(ref float dy, ref float y, ref float dx, nint n, bool log) where L : struct, IVectorLane<L>, ILane<L>
        {
            nint whole = n - (n % L.Width);
            float sum = L.Sum(Total<L>(ref dy, ref y, 0, whole, L.Width, log)) + Total<F1>(ref dy, ref y, whole, n, 1, log).V;
            Write<L>(ref dy, ref y, ref dx, 0, whole, L.Width, log, L.Of(sum));
            Write<F1>(ref dy, ref y, ref dx, whole, n, 1, log, sum);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static unsafe void Columns(ref float dy, ref float y, ref float dx, int rows, int stride, nint n, bool log)
        {
            float* sum = stackalloc float[Block];
            new Span<float>(sum, (int)n).Clear();
            nint end = (nint)rows * stride;
            for (nint at = 0; at < end; at += stride) { Each(new TotalStep(sum, log), ref Unsafe.Add(ref dy, at), ref Unsafe.Add(ref y, at), n); }
            for (nint at = 0; at < end; at += stride)
            {
                nint i = at;
                if (F16.IsSupported) { i = Lanes<F16>(ref dy, ref y, ref dx, at, i, at + n, log, sum); }
                if (F8.IsSupported) { i = Lanes<F8>(ref dy, ref y, ref dx, at, i, at + n, log, sum); }
                if (F4.IsSupported) { i = Lanes<F4>(ref dy, ref y, ref dx, at, i, at + n, log, sum); }
                Lanes<F1>(ref dy, ref y, ref dx, at, i, at + n, log, sum);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static unsafe nint Lanes<L>(ref float dy, ref float y, ref float dx, nint row, nint i, nint end, bool log, float* sum) where L : struct, IVectorLane<L>, ILane<L>
        {
            for (; i <= end - L.Width; i += L.Width) { Write(ref dy, ref y, ref dx, i, i + 1, 1, log, L.Load(in *sum, i - row)); }
            return i;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static L Total<L>(ref float dy, ref float y, nint at, nint end, nint step, bool log) where L : struct, IVectorLane<L>, ILane<L>
        {
            L sum = L.Of(0);
            for (; at < end; at += step)
            {
                L d = L.Load(in dy, at);
                sum = log ? sum + d : L.MultiplyAdd(d, L.Load(in y, at), sum);
            }
            return sum;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Write<L>(ref float dy, ref float y, ref float dx, nint at, nint end, nint step, bool log, L sum) where L : struct, IVectorLane<L>, ILane<L>
        {
            for (; at < end; at += step)
            {
                L d = L.Load(in dy, at), v = L.Load(in y, at);
                L.Store(log ? d - (L.Exp(v) * sum) : v * (d - sum), ref dx, at);
            }
        }
    }

    /// <summary>Σ e^(x − max), with the bits of a sum of the exponentials: those beside whole vectors are made in a part of one, as a single value takes longer than a vector.</summary>
    [SkipLocalsInit]
    internal static float ExpSum(float max, ref float x, int n)
    {
        if (n > 2048) { return CpuDevice.FoldRun(new ExpSumFold(max), ref x, n); }
        Span<float> e = stackalloc float[n];
        CpuDevice.MapRange(new ExpFormula(max), ref x, ref e[0], n);
        return CpuDevice.FoldRun(default(Reductions.SumFold), ref e[0], n);
    }

    // rows one by one; other axes in blocks of columns, so that memory is read in runs
    private const int Block = 128;

    private static void Cut<K>(int outer, int n, int inner, in K kernel) where K : struct, IRange
    {
        if (n == 0) { return; }
        int pieces = inner == 1 ? outer : outer * ((inner + Block - 1) / Block);
        Work.For(pieces, Math.Max(1, CpuDevice.Grain / 4 / (inner == 1 ? 1 : Block) / n), kernel);
    }

    private static (int At, int Columns) Place(int piece, int n, int inner)
    {
        int blocks = (inner + Block - 1) / Block, first = piece % blocks * Block;
        return ((piece / blocks * n * inner) + first, Math.Min(Block, inner - first));
    }

    /// <summary>e^(x − c).</summary>
    internal readonly struct ExpFormula(float c) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Exp(x - c);
    }

    private readonly struct ScaledExpFormula(float c, float scale) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Exp(x - c) * scale;
    }

    /// <summary>Adds up e^(x − c).</summary>
    internal readonly struct ExpSumFold(float c) : IFold
    {
        public float Start => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => acc + L.Exp(x - c);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }

    internal readonly struct LogFormula(float max, float log) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => x - max - log;
    }
}
