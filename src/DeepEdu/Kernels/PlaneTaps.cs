using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Loops over planes in which each tap of a window reads one run of memory (<see cref="PhasePlane"/>), one, two or four results at a time: what is read serves all.</summary>
internal static unsafe class PlaneTaps
{
    /// <summary>Taps whose dot products are made together.</summary>
    public const int Together = 4;

    /// <summary>Most results at a time.</summary>
    public const int Most = 4;

    /// <summary>Of so many results how many are made together: four need 21 registers.</summary>
    public static int Results<L>(int left) where L : struct, IVectorLane<L>, ILane<L> => left >= Most && (typeof(L) == typeof(F16) || AdvSimd.IsSupported) ? Most : Math.Min(2, left);

    /// <summary>to[i] = start + Σ over taps of weights[t] · from[offsets[t] + i]; writes whole vectors, up to four at a time. Further results have weights, start and place of their own.</summary>
    public static void Correlate<L>(float* from, int* offsets, float* weights, nint nextWeights, int taps, float* start, float* to, nint nextTo, int length, int results) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16)) { Correlate<Vector512<float>, Register16>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length, results); }
        else if (typeof(L) == typeof(F8)) { Correlate<Vector256<float>, Register8>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length, results); }
        else if (typeof(L) == typeof(F4)) { Correlate<Vector128<float>, Register4>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length, results); }
        else { Correlate<float, Register1>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length, results); }
    }

    /// <summary>sums[t] += Σᵢ x[offsets[t] + i] · y[i] over lines of <paramref name="columns"/> values, <paramref name="pitch"/> apart, for taps in groups of
    /// <see cref="Together"/>; reads whole vectors, between the lines and behind the last one too, where y has zeros. Further results have a y and sums of their own.</summary>
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
        else if (results == 2) { Correlate<X, O, N2>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length); }
        else { Correlate<X, O, N4>(from, offsets, weights, nextWeights, taps, start, to, nextTo, length); }
    }

    // up to two vectors at the end are made one at a time
    private static void Correlate<X, O, V>(float* from, int* offsets, float* weights, nint nextWeights, int taps, float* start, float* to, nint nextTo, int length)
        where X : struct where O : struct, IRegister<X> where V : struct, INumber
    {
        int step = 4 * O.Width, rest = length % step, fours = rest <= 2 * O.Width ? length - rest : length;
        Correlate<X, O, V, N4>(from, offsets, weights, nextWeights, taps, start, to, nextTo, fours);
        if (fours < length) { Correlate<X, O, V, N1>(from + fours, offsets, weights, nextWeights, taps, start, to + fours, nextTo, rest); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Correlate<X, O, V, W>(float* from, int* offsets, float* weights, nint nextWeights, int taps, float* start, float* to, nint nextTo, int length)
        where X : struct where O : struct, IRegister<X> where V : struct, INumber where W : struct, INumber
    {
        nint w = O.Width, n = length;
        for (nint i = 0; i < n; i += W.Value * w)
        {
            X a0 = O.Broadcast(start), b0 = a0, c0 = a0, d0 = a0, a1 = V.Value > 1 ? O.Broadcast(start + 1) : default, b1 = a1, c1 = a1, d1 = a1;
            X a2 = V.Value > 2 ? O.Broadcast(start + 2) : default, b2 = a2, c2 = a2, d2 = a2, a3 = V.Value > 2 ? O.Broadcast(start + 3) : default, b3 = a3, c3 = a3, d3 = a3;
            float* at = from + i, next = weights;
            for (nint t = 0; t < taps; t++, next++)
            {
                float* x = at + offsets[t];
                X a = O.Load(x), b = default, c = default, d = default;
                if (W.Value > 1) { (b, c, d) = (O.Load(x + w), O.Load(x + (2 * w)), O.Load(x + (3 * w))); }
                Add<X, O, W>(O.Broadcast(next), a, b, c, d, ref a0, ref b0, ref c0, ref d0);
                if (V.Value > 1) { Add<X, O, W>(O.Broadcast(next + nextWeights), a, b, c, d, ref a1, ref b1, ref c1, ref d1); }
                if (V.Value > 2)
                {
                    Add<X, O, W>(O.Broadcast(next + (2 * nextWeights)), a, b, c, d, ref a2, ref b2, ref c2, ref d2);
                    Add<X, O, W>(O.Broadcast(next + (3 * nextWeights)), a, b, c, d, ref a3, ref b3, ref c3, ref d3);
                }
            }
            Put<X, O, W>(a0, b0, c0, d0, to + i);
            if (V.Value > 1) { Put<X, O, W>(a1, b1, c1, d1, to + nextTo + i); }
            if (V.Value > 2)
            {
                Put<X, O, W>(a2, b2, c2, d2, to + (2 * nextTo) + i);
                Put<X, O, W>(a3, b3, c3, d3, to + (3 * nextTo) + i);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<X, O, W>(X by, X a, X b, X c, X d, ref X a0, ref X b0, ref X c0, ref X d0) where X : struct where O : struct, IRegister<X> where W : struct, INumber
    {
        a0 = O.MultiplyAdd(by, a, a0);
        if (W.Value == 1) { return; }
        b0 = O.MultiplyAdd(by, b, b0);
        c0 = O.MultiplyAdd(by, c, c0);
        d0 = O.MultiplyAdd(by, d, d0);
    }

    private static void Dot<L, X, O>(float* x, int* offsets, int taps, float* y, nint nextY, float* sums, nint nextSums, int lines, int columns, int pitch, int results)
        where L : struct, IVectorLane<L>, ILane<L> where X : struct where O : struct, IRegister<X>
    {
        float* each = stackalloc float[Most * Together * L.Width];
        int length = ((lines - 1) * pitch) + columns;
        for (int t = 0; t < taps; t += Together)
        {
            if (results == 1) { Dot<X, O, N1>(x, offsets + t, y, nextY, each, length); }
            else if (results == 2) { Dot<X, O, N2>(x, offsets + t, y, nextY, each, length); }
            else { Dot<X, O, N4>(x, offsets + t, y, nextY, each, length); }
            for (int k = 0; k < results * Together; k++)
            {
                float sum = L.Sum(L.Load(in *each, k * L.Width));
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
        float* xa = x + offsets[0], xb = x + offsets[1], xc = x + offsets[2], xd = x + offsets[3];
        X a0 = default, b0 = a0, c0 = a0, d0 = a0, a1 = a0, b1 = a0, c1 = a0, d1 = a0, a2 = a0, b2 = a0, c2 = a0, d2 = a0, a3 = a0, b3 = a0, c3 = a0, d3 = a0;
        for (nint i = 0; i < n; i += w)
        {
            float* dy = y + i;
            X a = O.Load(xa + i), b = O.Load(xb + i), c = O.Load(xc + i), d = O.Load(xd + i);
            Add<X, O, N4>(O.Load(dy), a, b, c, d, ref a0, ref b0, ref c0, ref d0);
            if (V.Value > 1) { Add<X, O, N4>(O.Load(dy + nextY), a, b, c, d, ref a1, ref b1, ref c1, ref d1); }
            if (V.Value > 2)
            {
                Add<X, O, N4>(O.Load(dy + (2 * nextY)), a, b, c, d, ref a2, ref b2, ref c2, ref d2);
                Add<X, O, N4>(O.Load(dy + (3 * nextY)), a, b, c, d, ref a3, ref b3, ref c3, ref d3);
            }
        }
        Put<X, O, N4>(a0, b0, c0, d0, to);
        if (V.Value > 1) { Put<X, O, N4>(a1, b1, c1, d1, to + (4 * w)); }
        if (V.Value > 2)
        {
            Put<X, O, N4>(a2, b2, c2, d2, to + (8 * w));
            Put<X, O, N4>(a3, b3, c3, d3, to + (12 * w));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<X, O, W>(X a, X b, X c, X d, float* to) where X : struct where O : struct, IRegister<X> where W : struct, INumber
    {
        O.Store(a, to);
        if (W.Value == 1) { return; }
        O.Store(b, to + O.Width);
        O.Store(c, to + (2 * O.Width));
        O.Store(d, to + (3 * O.Width));
    }
}
