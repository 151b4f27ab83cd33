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
        float[] rented = ArrayPool<float>.Shared.Rent(2 * columns * (cut.Pieces + 1));
        fixed (float* partial = rented)
        {
            float* factor = partial + (2 * columns * cut.Pieces), offset = factor + columns;
            if (batch)
            {
                cut.Run(new AddStep(x, partial), partial);
                Join(partial, columns, cut.Pieces);
                for (int i = 0; i < columns; i++) { mean[i] = partial[i] / rows; }
                cut.Run(new MomentsStep(x, mean, partial, columns), partial);
                Join(partial, columns, cut.Pieces);
            }
            for (int i = 0; i < columns; i++)
            {
                float variance;
                if (batch)
                {
                    // what rounding left in the mean is taken out
                    variance = (partial[columns + i] - (partial[i] * partial[i] / rows)) / rows;
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
            cut.Run(new NormaliseStep(x, mean, factor, offset, y), null);
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
            if (dx is not null) { cut.Run(new PullStep(dy, x, mean, factor, g, gx, dx), null); }
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
        void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L>;
    }

    private readonly struct Cut(int rows, int columns)
    {
        private readonly int _each = Math.Max(Math.Max(1, CpuDevice.Grain / Math.Min(columns, Strip)), (rows + MostPieces - 1) / MostPieces);

        public int Pieces => (rows + _each - 1) / _each;

        public void Run<S>(S step, float* partial) where S : struct, IStep
        {
            if (partial is not null) { new Span<float>(partial, 2 * columns * Pieces).Clear(); }
            int strips = (columns + Strip - 1) / Strip;
            Work.Run(Pieces * strips, new Units<S> { Step = step, Rows = rows, Columns = columns, Each = _each, Strips = strips });
        }
    }

    private struct Units<S> : IChunks where S : struct, IStep
    {
        public S Step;
        public int Rows, Columns, Each, Strips;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int unit)
        {
            var (piece, strip) = Math.DivRem(unit, Strips);
            int first = piece * Each, end = Math.Min(Rows, first + Each);
            nint from = strip * Strip, to = Math.Min(Columns, from + Strip), sums = (nint)piece * 2 * Columns;
            var step = Step;
            for (nint row = first; row < end; row++)
            {
                nint i = from, at = row * Columns;
                if (F16.IsSupported) { for (; i <= to - F16.Width; i += F16.Width) { step.At<F16>(at + i, i, sums + i); } }
                if (F8.IsSupported) { for (; i <= to - F8.Width; i += F8.Width) { step.At<F8>(at + i, i, sums + i); } }
                if (F4.IsSupported) { for (; i <= to - F4.Width; i += F4.Width) { step.At<F4>(at + i, i, sums + i); } }
                for (; i < to; i++) { step.At<F1>(at + i, i, sums + i); }
            }
        }
    }

    private readonly struct AddStep(float* x, float* sum) : IStep
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L> => L.Store(L.Load(in *sum, sums) + L.Load(in *x, at), ref *sum, sums);
    }

    private readonly struct MomentsStep(float* x, float* mean, float* partial, nint columns) : IStep
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L>
        {
            L d = L.Load(in *x, at) - L.Load(in *mean, column);
            L.Store(L.Load(in *partial, sums) + d, ref *partial, sums);
            L.Store(L.MultiplyAdd(d, d, L.Load(in *partial, sums + columns)), ref *partial, sums + columns);
        }
    }

    private readonly struct NormaliseStep(float* x, float* mean, float* factor, float* offset, float* y) : IStep
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L> =>
            L.Store(L.MultiplyAdd(L.Load(in *x, at) - L.Load(in *mean, column), L.Load(in *factor, column), L.Load(in *offset, column)), ref *y, at);
    }

    private readonly struct SumsStep(float* dy, float* x, float* mean, float* scale, float* partial, nint columns) : IStep
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L>
        {
            L d = L.Load(in *dy, at), v = (L.Load(in *x, at) - L.Load(in *mean, column)) * L.Load(in *scale, column);
            L.Store(L.Load(in *partial, sums) + d, ref *partial, sums);
            L.Store(L.MultiplyAdd(d, v, L.Load(in *partial, sums + columns)), ref *partial, sums + columns);
        }
    }

    private readonly struct PullStep(float* dy, float* x, float* mean, float* factor, float* a, float* b, float* dx) : IStep
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<L>(nint at, nint column, nint sums) where L : struct, IVectorLane<L>, ILane<L> =>
            L.Store(L.Load(in *factor, column) * (L.Load(in *dy, at) - L.MultiplyAdd(L.Load(in *x, at) - L.Load(in *mean, column), L.Load(in *b, column), L.Load(in *a, column))), ref *dx, at);
    }
}
