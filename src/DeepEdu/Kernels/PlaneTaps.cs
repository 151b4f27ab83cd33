using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Loops over planes in which each tap of a window reads one run of memory (<see cref="PhasePlane"/>), one or two results at a time: what is read serves both.</summary>
internal static unsafe class PlaneTaps
{
    /// <summary>Taps whose dot products are made together.</summary>
    public const int Together = 4;

    /// <summary>to[i] = start + Σ over taps of weights[t] · from[offsets[t] + i]; writes whole vectors, four at a time. A second result has weights, start and place of its own.</summary>
    public static void Correlate<L>(float* from, int* offsets, float* weights, nint nextWeights, int taps, float* start, float* to, nint nextTo, int length, int results) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16)) { Correlate<Vector512<float>, Register16>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length, results); }
        else if (typeof(L) == typeof(F8)) { Correlate<Vector256<float>, Register8>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length, results); }
        else if (typeof(L) == typeof(F4)) { Correlate<Vector128<float>, Register4>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length, results); }
        else { Correlate<float, Register1>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length, results); }
    }

    /// <summary>sums[t] += Σᵢ x[offsets[t] + i] · y[i] over lines of <paramref name="columns"/> values, <paramref name="pitch"/> apart, for taps in groups of
    /// <see cref="Together"/>; reads whole vectors, between the lines and behind the last one too, where y has zeros. A second result has a y and sums of its own.</summary>
    public static void Dot<L>(float* x, int* offsets, int taps, float* y, nint nextY, float* sums, nint nextSums, int lines, int columns, int pitch, int results) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16)) { Dot<L, Vector512<float>, Register16>(x, offsets, taps, y, nextY, sums, nextSums, lines, columns, pitch, results); }
        else if (typeof(L) == typeof(F8)) { Dot<L, Vector256<float>, Register8>(x, offsets, taps, y, nextY, sums, nextSums, lines, columns, pitch, results); }
        else if (typeof(L) == typeof(F4)) { Dot<L, Vector128<float>, Register4>(x, offsets, taps, y, nextY, sums, nextSums, lines, columns, pitch, results); }
        else { Dot<L, float, Register1>(x, offsets, taps, y, nextY, sums, nextSums, lines, columns, pitch, results); }
    }

    private static void Correlate<X, O>(float* from, int* offsets, float* weights, nint nextWeights, int taps, float* start, float* to, nint nextTo, int length, int results) where X : struct where O : struct, IRegister<X>
    {
        if (results == 1) { Correlate<X, O, N1>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length); }
        else { Correlate<X, O, N2>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Correlate<X, O, V>(float* from, int* offsets, float* weights, nint nextWeights, int taps, float* start, float* to, nint nextTo, int length)
        where X : struct where O : struct, IRegister<X> where V : struct, INumber
    {
        nint w = O.Width, n = length;
        for (nint i = 0; i < n; i += 4 * w)
        {
            X a0 = O.Broadcast(start), b0 = a0, c0 = a0, d0 = a0, a1 = V.Value > 1 ? O.Broadcast(start + 1) : default, b1 = a1, c1 = a1, d1 = a1;
            float* at = from + i;
            for (nint t = 0; t < taps; t++)
            {
                float* x = at + offsets[t];
                X a = O.Load(x), b = O.Load(x + w), c = O.Load(x + (2 * w)), d = O.Load(x + (3 * w)), weight = O.Broadcast(weights + t);
                a0 = O.MultiplyAdd(weight, a, a0);
                b0 = O.MultiplyAdd(weight, b, b0);
                c0 = O.MultiplyAdd(weight, c, c0);
                d0 = O.MultiplyAdd(weight, d, d0);
                if (V.Value == 1) { continue; }
                weight = O.Broadcast(weights + nextWeights + t);
                a1 = O.MultiplyAdd(weight, a, a1);
                b1 = O.MultiplyAdd(weight, b, b1);
                c1 = O.MultiplyAdd(weight, c, c1);
                d1 = O.MultiplyAdd(weight, d, d1);
            }
            Put<X, O>(a0, b0, c0, d0, to + i);
            if (V.Value > 1) { Put<X, O>(a1, b1, c1, d1, to + nextTo + i); }
        }
    }

    private static void Dot<L, X, O>(float* x, int* offsets, int taps, float* y, nint nextY, float* sums, nint nextSums, int lines, int columns, int pitch, int results)
        where L : struct, IVectorLane<L>, ILane<L> where X : struct where O : struct, IRegister<X>
    {
        float* eight = stackalloc float[2 * Together * L.Width];
        int length = ((lines - 1) * pitch) + columns;
        for (int t = 0; t < taps; t += Together)
        {
            if (results == 1) { Dot<X, O, N1>(x, offsets + t, y, nextY, eight, length); }
            else { Dot<X, O, N2>(x, offsets + t, y, nextY, eight, length); }
            for (int k = 0; k < results * Together; k++)
            {
                float sum = L.Sum(L.Load(in *eight, k * L.Width));
                if (!float.IsFinite(sum)) { sum = Exactly(x + offsets[t + (k % Together)], y + (k / Together * nextY), lines, columns, pitch); }
                sums[t + (k % Together) + (k / Together * nextSums)] += sum;
            }
        }
    }

    // an infinity between the lines, which the tap does not read, has met a zero
    private static float Exactly(float* x, float* y, int lines, int columns, int pitch)
    {
        float sum = 0;
        for (int r = 0; r < lines; r++, x += pitch, y += pitch)
        {
            for (int i = 0; i < columns; i++) { sum += x[i] * y[i]; }
        }
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Dot<X, O, V>(float* x, int* offsets, float* y, nint nextY, float* to, int length) where X : struct where O : struct, IRegister<X> where V : struct, INumber
    {
        nint w = O.Width, n = length;
        float* xa = x + offsets[0], xb = x + offsets[1], xc = x + offsets[2], xd = x + offsets[3], next = y + nextY;
        X a0 = default, b0 = a0, c0 = a0, d0 = a0, a1 = a0, b1 = a0, c1 = a0, d1 = a0;
        for (nint i = 0; i < n; i += w)
        {
            X dy = O.Load(y + i), a = O.Load(xa + i), b = O.Load(xb + i), c = O.Load(xc + i), d = O.Load(xd + i);
            a0 = O.MultiplyAdd(dy, a, a0);
            b0 = O.MultiplyAdd(dy, b, b0);
            c0 = O.MultiplyAdd(dy, c, c0);
            d0 = O.MultiplyAdd(dy, d, d0);
            if (V.Value == 1) { continue; }
            dy = O.Load(next + i);
            a1 = O.MultiplyAdd(dy, a, a1);
            b1 = O.MultiplyAdd(dy, b, b1);
            c1 = O.MultiplyAdd(dy, c, c1);
            d1 = O.MultiplyAdd(dy, d, d1);
        }
        Put<X, O>(a0, b0, c0, d0, to);
        if (V.Value > 1) { Put<X, O>(a1, b1, c1, d1, to + (4 * w)); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<X, O>(X a, X b, X c, X d, float* to) where X : struct where O : struct, IRegister<X>
    {
        O.Store(a, to);
        O.Store(b, to + O.Width);
        O.Store(c, to + (2 * O.Width));
        O.Store(d, to + (3 * O.Width));
    }
}
