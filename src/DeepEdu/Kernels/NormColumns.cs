using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Loops of batch normalisation over a strip of columns of a matrix [rows, columns] in raw memory: rows are read as they lie, the sums of the columns stay in the cache.
/// A missing weight is 1, a missing bias 0.</summary>
internal static class NormColumns
{
    /// <summary>The most columns of a strip: a row of it is 16 cache lines.</summary>
    public const int Strip = 256;

    /// <summary>Mean and 1/√(variance + eps) of each column, of the batch (the running statistics follow it) or running; y = (x − mean) · scale · weight + bias.</summary>
    public static void Forward(ref float x, ref float weight, ref float bias, ref float runningMean, ref float runningVariance, ref float y, ref float mean, ref float scale,
        int n, int rows, int columns, float momentum, float eps, bool batch)
    {
        Span<float> sums = stackalloc float[2 * Strip], factors = stackalloc float[Strip];
        if (batch)
        {
            sums.Clear();
            for (nint r = 0; r < rows; r++) { Each(new AddStep { X = ref Unsafe.Add(ref x, r * columns), Sum = ref sums[0] }, n); }
            for (int i = 0; i < n; i++) { Unsafe.Add(ref mean, i) = sums[i] / rows; }
            sums.Clear();
            for (nint r = 0; r < rows; r++) { Each(new MomentsStep { X = ref Unsafe.Add(ref x, r * columns), Mean = ref mean, Sum = ref sums[0], Squares = ref sums[Strip] }, n); }
        }
        for (int i = 0; i < n; i++)
        {
            float variance;
            if (batch)
            {
                // what rounding left in the mean is taken out
                variance = (sums[Strip + i] - (sums[i] * sums[i] / rows)) / rows;
                if (!Unsafe.IsNullRef(ref runningMean))
                {
                    Unsafe.Add(ref runningMean, i) += momentum * (Unsafe.Add(ref mean, i) - Unsafe.Add(ref runningMean, i));
                    Unsafe.Add(ref runningVariance, i) += momentum * ((variance * ((float)rows / (rows - 1))) - Unsafe.Add(ref runningVariance, i));
                }
            }
            else { (Unsafe.Add(ref mean, i), variance) = (Unsafe.Add(ref runningMean, i), Unsafe.Add(ref runningVariance, i)); }
            float k = 1 / MathF.Sqrt(variance + eps);
            Unsafe.Add(ref scale, i) = k;
            factors[i] = Unsafe.IsNullRef(ref weight) ? k : k * Unsafe.Add(ref weight, i);
            sums[i] = Unsafe.IsNullRef(ref bias) ? 0 : Unsafe.Add(ref bias, i);
        }
        for (nint r = 0; r < rows; r++)
        {
            Each(new NormaliseStep { X = ref Unsafe.Add(ref x, r * columns), Mean = ref mean, Factor = ref factors[0], Bias = ref sums[0], Y = ref Unsafe.Add(ref y, r * columns) }, n);
        }
    }

    /// <summary>dBias = Σ dy, dWeight = Σ dy · x̂, dx = weight · scale · (dy − dBias / rows − x̂ · dWeight / rows), without the last two terms where the statistics were not the batch's.</summary>
    public static void Backward(ref float dy, ref float x, ref float weight, ref float mean, ref float scale, ref float dx, ref float dWeight, ref float dBias,
        int n, int rows, int columns, bool batch)
    {
        Span<float> sums = stackalloc float[2 * Strip], factors = stackalloc float[Strip];
        sums.Clear();
        for (nint r = 0; r < rows; r++)
        {
            Each(new SumsStep { Dy = ref Unsafe.Add(ref dy, r * columns), X = ref Unsafe.Add(ref x, r * columns), Mean = ref mean, Scale = ref scale, G = ref sums[0], GX = ref sums[Strip] }, n);
        }
        for (int i = 0; i < n; i++)
        {
            if (!Unsafe.IsNullRef(ref dBias)) { Unsafe.Add(ref dBias, i) = sums[i]; }
            if (!Unsafe.IsNullRef(ref dWeight)) { Unsafe.Add(ref dWeight, i) = sums[Strip + i]; }
            float k = Unsafe.Add(ref scale, i);
            factors[i] = Unsafe.IsNullRef(ref weight) ? k : k * Unsafe.Add(ref weight, i);
            // the mean of dy, and what x − mean is multiplied with
            (sums[i], sums[Strip + i]) = batch ? (sums[i] / rows, sums[Strip + i] / rows * k) : (0, 0);
        }
        if (Unsafe.IsNullRef(ref dx)) { return; }
        for (nint r = 0; r < rows; r++)
        {
            Each(new PullStep
            {
                Dy = ref Unsafe.Add(ref dy, r * columns),
                X = ref Unsafe.Add(ref x, r * columns),
                Mean = ref mean,
                Factor = ref factors[0],
                A = ref sums[0],
                B = ref sums[Strip],
                Dx = ref Unsafe.Add(ref dx, r * columns),
            }, n);
        }
    }

    // one row of the strip
    private interface IStep
    {
        void At<L>(nint i) where L : struct, IVectorLane<L>, ILane<L>;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Each<S>(S step, nint n) where S : struct, IStep, allows ref struct
    {
        nint i = 0;
        if (F16.IsSupported) { for (; i <= n - F16.Width; i += F16.Width) { step.At<F16>(i); } }
        if (F8.IsSupported) { for (; i <= n - F8.Width; i += F8.Width) { step.At<F8>(i); } }
        if (F4.IsSupported) { for (; i <= n - F4.Width; i += F4.Width) { step.At<F4>(i); } }
        for (; i < n; i++) { step.At<F1>(i); }
    }

    private ref struct AddStep : IStep
    {
        public ref float X, Sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void At<L>(nint i) where L : struct, IVectorLane<L>, ILane<L> => L.Store(L.Load(in Sum, i) + L.Load(in X, i), ref Sum, i);
    }

    private ref struct MomentsStep : IStep
    {
        public ref float X, Mean, Sum, Squares;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void At<L>(nint i) where L : struct, IVectorLane<L>, ILane<L>
        {
            L d = L.Load(in X, i) - L.Load(in Mean, i);
            L.Store(L.Load(in Sum, i) + d, ref Sum, i);
            L.Store(L.MultiplyAdd(d, d, L.Load(in Squares, i)), ref Squares, i);
        }
    }

    private ref struct NormaliseStep : IStep
    {
        public ref float X, Mean, Factor, Bias, Y;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void At<L>(nint i) where L : struct, IVectorLane<L>, ILane<L> =>
            L.Store(L.MultiplyAdd(L.Load(in X, i) - L.Load(in Mean, i), L.Load(in Factor, i), L.Load(in Bias, i)), ref Y, i);
    }

    private ref struct SumsStep : IStep
    {
        public ref float Dy, X, Mean, Scale, G, GX;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void At<L>(nint i) where L : struct, IVectorLane<L>, ILane<L>
        {
            L d = L.Load(in Dy, i), v = (L.Load(in X, i) - L.Load(in Mean, i)) * L.Load(in Scale, i);
            L.Store(L.Load(in G, i) + d, ref G, i);
            L.Store(L.MultiplyAdd(d, v, L.Load(in GX, i)), ref GX, i);
        }
    }

    private ref struct PullStep : IStep
    {
        public ref float Dy, X, Mean, Factor, A, B, Dx;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void At<L>(nint i) where L : struct, IVectorLane<L>, ILane<L> =>
            L.Store(L.Load(in Factor, i) * (L.Load(in Dy, i) - L.MultiplyAdd(L.Load(in X, i) - L.Load(in Mean, i), L.Load(in B, i), L.Load(in A, i))), ref Dx, i);
    }
}
