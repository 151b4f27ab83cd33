using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Loops of batch normalisation over the columns of a matrix [rows, columns] in raw memory, a lane a column: a strip of columns stays in the cache for all passes.
/// A missing weight is 1, a missing bias 0.</summary>
internal static class NormColumns
{
    /// <summary>Columns [from, to): mean and 1/√(variance + eps), of the batch (the running statistics follow it) or running; y = (x − mean) · scale · weight + bias.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ref float x, ref float weight, ref float bias, ref float runningMean, ref float runningVariance, ref float y, ref float mean, ref float scale,
        nint from, nint to, int rows, int columns, float momentum, float eps, bool batch)
    {
        nint i = from;
        if (F16.IsSupported) { i = Lanes<F16>(ref x, ref weight, ref bias, ref runningMean, ref runningVariance, ref y, ref mean, ref scale, i, to, rows, columns, momentum, eps, batch); }
        if (F8.IsSupported) { i = Lanes<F8>(ref x, ref weight, ref bias, ref runningMean, ref runningVariance, ref y, ref mean, ref scale, i, to, rows, columns, momentum, eps, batch); }
        if (F4.IsSupported) { i = Lanes<F4>(ref x, ref weight, ref bias, ref runningMean, ref runningVariance, ref y, ref mean, ref scale, i, to, rows, columns, momentum, eps, batch); }
        Lanes<F1>(ref x, ref weight, ref bias, ref runningMean, ref runningVariance, ref y, ref mean, ref scale, i, to, rows, columns, momentum, eps, batch);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static nint Lanes<L>(ref float x, ref float weight, ref float bias, ref float runningMean, ref float runningVariance, ref float y, ref float mean, ref float scale,
            nint i, nint to, int rows, int columns, float momentum, float eps, bool batch) where L : struct, IVectorLane<L>, ILane<L>
        {
            for (; i <= to - L.Width; i += L.Width)
            {
                L m, v;
                if (batch)
                {
                    (m, v) = Statistics<L>(ref x, i, rows, columns);
                    if (!Unsafe.IsNullRef(ref runningMean))
                    {
                        L rm = L.Load(in runningMean, i), rv = L.Load(in runningVariance, i);
                        L.Store(L.MultiplyAdd(momentum, m - rm, rm), ref runningMean, i);
                        L.Store(L.MultiplyAdd(momentum, (v * ((float)rows / (rows - 1))) - rv, rv), ref runningVariance, i);
                    }
                }
                else { (m, v) = (L.Load(in runningMean, i), L.Load(in runningVariance, i)); }
                L k = 1f / L.Sqrt(v + eps);
                L.Store(m, ref mean, i);
                L.Store(k, ref scale, i);
                if (!Unsafe.IsNullRef(ref weight)) { k *= L.Load(in weight, i); }
                L b = Unsafe.IsNullRef(ref bias) ? 0f : L.Load(in bias, i);
                nint at = i;
                for (int r = 0; r < rows; r++, at += columns) { L.Store(L.MultiplyAdd(L.Load(in x, at) - m, k, b), ref y, at); }
            }
            return i;
        }
    }

    /// <summary>Columns [from, to): dBias = Σ dy, dWeight = Σ dy · x̂, dx = weight · scale · (dy − dBias / rows − x̂ · dWeight / rows), without the last two terms where the
    /// statistics were not the batch's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ref float dy, ref float x, ref float weight, ref float mean, ref float scale, ref float dx, ref float dWeight, ref float dBias,
        nint from, nint to, int rows, int columns, bool batch)
    {
        nint i = from;
        if (F16.IsSupported) { i = Lanes<F16>(ref dy, ref x, ref weight, ref mean, ref scale, ref dx, ref dWeight, ref dBias, i, to, rows, columns, batch); }
        if (F8.IsSupported) { i = Lanes<F8>(ref dy, ref x, ref weight, ref mean, ref scale, ref dx, ref dWeight, ref dBias, i, to, rows, columns, batch); }
        if (F4.IsSupported) { i = Lanes<F4>(ref dy, ref x, ref weight, ref mean, ref scale, ref dx, ref dWeight, ref dBias, i, to, rows, columns, batch); }
        Lanes<F1>(ref dy, ref x, ref weight, ref mean, ref scale, ref dx, ref dWeight, ref dBias, i, to, rows, columns, batch);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static nint Lanes<L>(ref float dy, ref float x, ref float weight, ref float mean, ref float scale, ref float dx, ref float dWeight, ref float dBias,
            nint i, nint to, int rows, int columns, bool batch) where L : struct, IVectorLane<L>, ILane<L>
        {
            for (; i <= to - L.Width; i += L.Width)
            {
                L m = L.Load(in mean, i), k = L.Load(in scale, i), g = 0f, gx = 0f;
                nint at = i;
                for (int r = 0; r < rows; r++, at += columns)
                {
                    L d = L.Load(in dy, at);
                    g += d;
                    gx = L.MultiplyAdd(d, (L.Load(in x, at) - m) * k, gx);
                }
                if (!Unsafe.IsNullRef(ref dWeight)) { L.Store(gx, ref dWeight, i); }
                if (!Unsafe.IsNullRef(ref dBias)) { L.Store(g, ref dBias, i); }
                if (Unsafe.IsNullRef(ref dx)) { continue; }
                L factor = Unsafe.IsNullRef(ref weight) ? k : k * L.Load(in weight, i);
                L a = batch ? g / rows : 0f, b = batch ? gx / rows : 0f;
                at = i;
                for (int r = 0; r < rows; r++, at += columns)
                {
                    L.Store(factor * (L.Load(in dy, at) - L.MultiplyAdd((L.Load(in x, at) - m) * k, b, a)), ref dx, at);
                }
            }
            return i;
        }
    }

    // two passes; the second also takes out what rounding left in the mean
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (L Mean, L Variance) Statistics<L>(ref float x, nint i, int rows, int columns) where L : struct, IVectorLane<L>, ILane<L>
    {
        L sum = 0f, rest = 0f, squares = 0f;
        nint at = i;
        for (int r = 0; r < rows; r++, at += columns) { sum += L.Load(in x, at); }
        L m = sum / rows;
        at = i;
        for (int r = 0; r < rows; r++, at += columns)
        {
            L d = L.Load(in x, at) - m;
            rest += d;
            squares = L.MultiplyAdd(d, d, squares);
        }
        return (m, (squares - (rest * rest / rows)) / rows);
    }
}
