using System.Buffers;
using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Batch normalisation of the columns of a matrix [rows, columns] in raw memory, cut into pieces of rows that are read as they lie; the sums of the pieces are joined in order.
/// A null weight is 1, a null bias 0.</summary>
internal static unsafe class NormColumns
{
    // columns whose sums stay in the first-level cache, pieces whose sums are quickly joined
    private const int Strip = 1024, MostPieces = 64;

    /// <summary>Mean and 1/√(variance + eps) of each column, of the batch (the running statistics follow it) or running; y = (x − mean) · scale · weight + bias.</summary>
    public static void Forward(float* x, float* weight, float* bias, float* runningMean, float* runningVariance, float* y, float* mean, float* scale, int rows, int columns, float momentum, float eps, bool batch)
    {
        var cut = new Cut(rows, columns);
        float[] rented = ArrayPool<float>.Shared.Rent(columns * ((3 * cut.Pieces) + 2));
        fixed (float* partial = rented)
        {
            float* factor = partial + (3 * columns * cut.Pieces), offset = factor + columns;
            if (batch) { cut.Moments(x, partial, mean); }
            for (int i = 0; i < columns; i++)
            {
                float variance;
                if (batch)
                {
                    variance = partial[columns + i] / rows;
                    if (runningMean is not null)
                    {
                        runningMean[i] += momentum * (mean[i] - runningMean[i]);
                        runningVariance[i] += momentum * ((variance * ((float)rows / (rows - 1))) - runningVariance[i]);
                    }
                }
                else { (mean[i], variance) = (runningMean[i], runningVariance[i]); }
                scale[i] = 1 / MathF.Sqrt(variance + eps);
                factor[i] = weight is null ? scale[i] : scale[i] * weight[i];
                offset[i] = bias is null ? 0 : bias[i];
            }
            if (cut.Writes(y, 1)) { cut.Run(new NormaliseStep<Streamed>(x, mean, factor, offset, y), null); } else { cut.Run(new NormaliseStep<Kept>(x, mean, factor, offset, y), null); }
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    /// <summary>dBias = Σ dy, dWeight = Σ dy · x̂, dx = weight · scale · (dy − dBias / rows − x̂ · dWeight / rows), without the last two terms where the statistics were not the batch's.</summary>
    public static void Backward(float* dy, float* x, float* weight, float* mean, float* scale, float* dx, float* dWeight, float* dBias, int rows, int columns, bool batch)
    {
        var cut = new Cut(rows, columns);
        float[] rented = ArrayPool<float>.Shared.Rent(2 * columns * (cut.Pieces + 1));
        fixed (float* partial = rented)
        {
            cut.Run(new SumsStep(dy, x, mean, scale, partial, columns), partial);
            Join(partial, columns, cut.Pieces);
            float* g = partial, gx = partial + columns, factor = partial + (2 * columns * cut.Pieces);
            for (int i = 0; i < columns; i++)
            {
                if (dBias is not null) { dBias[i] = g[i]; }
                if (dWeight is not null) { dWeight[i] = gx[i]; }
                factor[i] = weight is null ? scale[i] : scale[i] * weight[i];
                // the mean of dy, and what x − mean is multiplied with
                (g[i], gx[i]) = batch ? (g[i] / rows, gx[i] / rows * scale[i]) : (0, 0);
            }
            if (dx is not null && cut.Writes(dx, 2)) { cut.Run(new PullStep<Streamed>(dy, x, mean, factor, g, gx, dx), null); }
            else if (dx is not null) { cut.Run(new PullStep<Kept>(dy, x, mean, factor, g, gx, dx), null); }
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    // the sums of all pieces into those of the first
    private static void Join(float* partial, int columns, int pieces)
    {
        Span<float> first = new(partial, 2 * columns);
        for (int p = 1; p < pieces; p++) { System.Numerics.Tensors.TensorPrimitives.Add(first, new ReadOnlySpan<float>(partial + ((nint)p * 2 * columns), 2 * columns), first); }
    }

    // one register of a row: at its place in the matrix, of its column, with sums at a place of their own
    private interface IStep
    {
        static abstract bool Streams { get; }

        void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L>;
    }

    private readonly struct Cut(int rows, int columns)
    {
        private readonly int _each = Math.Max(Math.Max(1, CpuDevice.Grain / Math.Min(columns, Strip)), (rows + MostPieces - 1) / MostPieces);

        public int Pieces => (rows + _each - 1) / _each;

        public void Run<S>(S step, float* partial) where S : struct, IStep
        {
            if (partial is not null) { new Span<float>(partial, 2 * columns * Pieces).Clear(); }
            Work.Run(Pieces * Strips, new Units<S> { Step = step, Rows = rows, Columns = columns, Each = _each, Strips = Strips });
        }

        /// <summary>The mean of each column, and in partial[columns..] its squared distances from it. Of each piece, about a mean of its first rows: what is read once more is an eighth.
        /// Joined as by Chan, Golub and LeVeque (1979), equation 2.1.</summary>
        public void Moments(float* x, float* partial, float* mean)
        {
            new Span<float>(partial, 2 * columns * Pieces).Clear();
            float* about = partial + (2 * columns * Pieces);
            Work.Run(Pieces * Strips, new MomentUnits { X = x, Partial = partial, About = about, Rows = rows, Columns = columns, Each = _each, Strips = Strips });
            nint i = 0;
            if (F16.IsSupported) { i = Join<F16>(partial, mean, i); }
            if (F8.IsSupported) { i = Join<F8>(partial, mean, i); }
            if (F4.IsSupported) { i = Join<F4>(partial, mean, i); }
            Join<F1>(partial, mean, i);
        }

        /// <summary>Whether a result of the matrix' size goes past the caches, when so many such matrices are read for it.</summary>
        public bool Writes(float* y, int read) => columns % 16 == 0 && Streamed.Suits(y) && Streamed.Pays((long)(1 + read) * rows * columns);

        private int Strips => (columns + Strip - 1) / Strip;

        private nint Join<L>(float* partial, float* mean, nint i) where L : struct, IVectorLane<L>, ILane<L>
        {
            nint piece = 2 * columns;
            for (; i <= columns - L.Width; i += L.Width)
            {
                L first = L.Load(in *partial, i), shift = 0f, squares = 0f;
                for (int p = 1; p < Pieces; p++) { shift = L.MultiplyAdd(Count(p) / (float)rows, L.Load(in *partial, (p * piece) + i) - first, shift); }
                for (int p = 0; p < Pieces; p++)
                {
                    L d = L.Load(in *partial, (p * piece) + i) - first - shift;
                    squares += L.MultiplyAdd(d * d, (float)Count(p), L.Load(in *partial, (p * piece) + columns + i));
                }
                L.Store(first + shift, ref *mean, i);
                L.Store(squares, ref *partial, columns + i);
            }
            return i;
        }

        private int Count(int piece) => Math.Min(_each, rows - (piece * _each));
    }

    private struct Units<S> : IChunks where S : struct, IStep
    {
        public S Step;
        public int Rows, Columns, Each, Strips;

        public readonly void Run(int unit)
        {
            var (piece, strip) = Math.DivRem(unit, Strips);
            Sweep(Step, piece * Each, Math.Min(Rows, (piece + 1) * Each), Columns, strip, (nint)piece * 2 * Columns);
            if (S.Streams) { Streamed.End(); }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public static void Sweep(S step, int first, int end, nint columns, int strip, nint sums)
        {
            nint from = strip * Strip, to = Math.Min(columns, from + Strip);
            for (nint row = first; row < end; row++)
            {
                nint i = from, at = row * columns;
                if (F16.IsSupported) { for (; i <= to - F16.Width; i += F16.Width) { step.At<F16>(at + i, i, sums + i); } }
                if (F8.IsSupported) { for (; i <= to - F8.Width; i += F8.Width) { step.At<F8>(at + i, i, sums + i); } }
                if (F4.IsSupported) { for (; i <= to - F4.Width; i += F4.Width) { step.At<F4>(at + i, i, sums + i); } }
                for (; i < to; i++) { step.At<F1>(at + i, i, sums + i); }
            }
        }
    }

    // a piece's moments, piece by piece and strip by strip: its rows are in the second-level cache when they are read again
    private struct MomentUnits : IChunks
    {
        public float* X, Partial, About;
        public int Rows, Columns, Each, Strips;

        public readonly void Run(int unit)
        {
            var (piece, strip) = Math.DivRem(unit, Strips);
            int first = piece * Each, end = Math.Min(Rows, first + Each), few = Math.Min(end - first, Math.Max(8, (end - first) / 8));
            nint sums = (nint)piece * 2 * Columns;
            float* about = About + ((nint)piece * Columns), sum = Partial + sums, squares = sum + Columns;
            Units<AddStep>.Sweep(new(X, Partial), first, first + few, Columns, strip, sums);
            int from = strip * Strip, to = Math.Min(Columns, from + Strip);
            for (int i = from; i < to; i++) { (about[i], sum[i]) = (sum[i] / few, 0); }
            Units<MomentsStep>.Sweep(new(X, about, Partial, Columns), first, end, Columns, strip, sums);
            for (int i = from; i < to; i++)
            {
                float shift = sum[i] / (end - first);
                (sum[i], squares[i]) = (about[i] + shift, squares[i] - (sum[i] * shift));
            }
        }
    }

    private readonly struct AddStep(float* x, float* sum) : IStep
    {
        public static bool Streams => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L> => L.Store(L.Load(in *sum, sums) + L.Load(in *x, at), ref *sum, sums);
    }

    private readonly struct MomentsStep(float* x, float* mean, float* partial, nint columns) : IStep
    {
        public static bool Streams => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L>
        {
            L d = L.Load(in *x, at) - L.Load(in *mean, column);
            L.Store(L.Load(in *partial, sums) + d, ref *partial, sums);
            L.Store(L.MultiplyAdd(d, d, L.Load(in *partial, sums + columns)), ref *partial, sums + columns);
        }
    }

    private readonly struct NormaliseStep<S>(float* x, float* mean, float* factor, float* offset, float* y) : IStep where S : struct, IStore
    {
        public static bool Streams => typeof(S) == typeof(Streamed);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L> =>
            S.Store(L.MultiplyAdd(L.Load(in *x, at) - L.Load(in *mean, column), L.Load(in *factor, column), L.Load(in *offset, column)), ref *y, at);
    }

    private readonly struct SumsStep(float* dy, float* x, float* mean, float* scale, float* partial, nint columns) : IStep
    {
        public static bool Streams => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L>
        {
            L d = L.Load(in *dy, at), v = (L.Load(in *x, at) - L.Load(in *mean, column)) * L.Load(in *scale, column);
            L.Store(L.Load(in *partial, sums) + d, ref *partial, sums);
            L.Store(L.MultiplyAdd(d, v, L.Load(in *partial, sums + columns)), ref *partial, sums + columns);
        }
    }

    private readonly struct PullStep<S>(float* dy, float* x, float* mean, float* factor, float* a, float* b, float* dx) : IStep where S : struct, IStore
    {
        public static bool Streams => typeof(S) == typeof(Streamed);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L> =>
            S.Store(L.Load(in *factor, column) * (L.Load(in *dy, at) - L.MultiplyAdd(L.Load(in *x, at) - L.Load(in *mean, column), L.Load(in *b, column), L.Load(in *a, column))), ref *dx, at);
    }
}
