using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Loops of the normalisations over one row of raw memory. A missing weight is 1.</summary>
internal static class NormRows
{
    /// <summary>Σ x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static float Sum(ref float x, nint n)
    {
        nint i = 0;
        float sum = 0;
        if (F16.IsSupported) { i = Lanes<F16>(ref x, i, n, ref sum); }
        if (F8.IsSupported) { i = Lanes<F8>(ref x, i, n, ref sum); }
        if (F4.IsSupported) { i = Lanes<F4>(ref x, i, n, ref sum); }
        Lanes<F1>(ref x, i, n, ref sum);
        return sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static nint Lanes<L>(ref float x, nint i, nint n, ref float sum) where L : struct, IVectorLane<L>, ILane<L>
        {
            if (n - i < L.Width) { return i; }
            // two accumulators each hide the latency of one
            L s = 0f, s2 = 0f;
            for (; i <= n - (2 * L.Width); i += 2 * L.Width) { (s, s2) = (s + L.Load(in x, i), s2 + L.Load(in x, i + L.Width)); }
            for (; i <= n - L.Width; i += L.Width) { s += L.Load(in x, i); }
            sum += L.Sum(s + s2);
            return i;
        }
    }

    /// <summary>Σ (x − shift) and Σ (x − shift)².</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static (float Sum, float Squares) Moments(ref float x, nint n, float shift)
    {
        nint i = 0;
        float sum = 0, squares = 0;
        if (F16.IsSupported) { i = Lanes<F16>(ref x, i, n, shift, ref sum, ref squares); }
        if (F8.IsSupported) { i = Lanes<F8>(ref x, i, n, shift, ref sum, ref squares); }
        if (F4.IsSupported) { i = Lanes<F4>(ref x, i, n, shift, ref sum, ref squares); }
        Lanes<F1>(ref x, i, n, shift, ref sum, ref squares);
        return (sum, squares);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static nint Lanes<L>(ref float x, nint i, nint n, L shift, ref float sum, ref float squares) where L : struct, IVectorLane<L>, ILane<L>
        {
            if (n - i < L.Width) { return i; }
            // two accumulators each hide the latency of one
            L s = 0f, q = 0f, s2 = 0f, q2 = 0f;
            for (; i <= n - (2 * L.Width); i += 2 * L.Width)
            {
                L a = L.Load(in x, i) - shift, b = L.Load(in x, i + L.Width) - shift;
                (s, s2) = (s + a, s2 + b);
                (q, q2) = (L.MultiplyAdd(a, a, q), L.MultiplyAdd(b, b, q2));
            }
            for (; i <= n - L.Width; i += L.Width)
            {
                L a = L.Load(in x, i) - shift;
                s += a;
                q = L.MultiplyAdd(a, a, q);
            }
            sum += L.Sum(s + s2);
            squares += L.Sum(q + q2);
            return i;
        }
    }

    /// <summary>y = (x − mean) · scale · weight + bias, weight and bias as long as the row; a missing bias is <paramref name="offset"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Normalise(ref float x, ref float weight, ref float bias, ref float y, nint n, float mean, float scale, float offset = 0)
    {
        nint i = 0;
        if (F16.IsSupported) { i = Lanes<F16>(ref x, ref weight, ref bias, ref y, i, n, mean, scale, offset); }
        if (F8.IsSupported) { i = Lanes<F8>(ref x, ref weight, ref bias, ref y, i, n, mean, scale, offset); }
        if (F4.IsSupported) { i = Lanes<F4>(ref x, ref weight, ref bias, ref y, i, n, mean, scale, offset); }
        Lanes<F1>(ref x, ref weight, ref bias, ref y, i, n, mean, scale, offset);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static nint Lanes<L>(ref float x, ref float weight, ref float bias, ref float y, nint i, nint n, L mean, L scale, L offset) where L : struct, IVectorLane<L>, ILane<L>
        {
            for (; i <= n - L.Width; i += L.Width)
            {
                L v = (L.Load(in x, i) - mean) * scale;
                L w = Unsafe.IsNullRef(ref weight) ? 1f : L.Load(in weight, i);
                L b = Unsafe.IsNullRef(ref bias) ? offset : L.Load(in bias, i);
                L.Store(L.MultiplyAdd(v, w, b), ref y, i);
            }
            return i;
        }
    }

    /// <summary>Σ g and Σ g · x̂ with g = dy · weight and x̂ = (x − mean) · scale; adds dy · x̂ to dWeight and dy to dBias, if they are there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static (float G, float GX) Sums(ref float dy, ref float x, ref float weight, ref float dWeight, ref float dBias, nint n, float mean, float scale)
    {
        nint i = 0;
        float g = 0, gx = 0;
        if (F16.IsSupported) { i = Lanes<F16>(ref dy, ref x, ref weight, ref dWeight, ref dBias, i, n, mean, scale, ref g, ref gx); }
        if (F8.IsSupported) { i = Lanes<F8>(ref dy, ref x, ref weight, ref dWeight, ref dBias, i, n, mean, scale, ref g, ref gx); }
        if (F4.IsSupported) { i = Lanes<F4>(ref dy, ref x, ref weight, ref dWeight, ref dBias, i, n, mean, scale, ref g, ref gx); }
        Lanes<F1>(ref dy, ref x, ref weight, ref dWeight, ref dBias, i, n, mean, scale, ref g, ref gx);
        return (g, gx);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static nint Lanes<L>(ref float dy, ref float x, ref float weight, ref float dWeight, ref float dBias, nint i, nint n, L mean, L scale, ref float sumG, ref float sumGX)
            where L : struct, IVectorLane<L>, ILane<L>
        {
            if (n - i < L.Width) { return i; }
            L sg = 0f, sgx = 0f;
            for (; i <= n - L.Width; i += L.Width)
            {
                L d = L.Load(in dy, i), v = (L.Load(in x, i) - mean) * scale;
                L g = Unsafe.IsNullRef(ref weight) ? d : d * L.Load(in weight, i);
                sg += g;
                sgx = L.MultiplyAdd(g, v, sgx);
                if (!Unsafe.IsNullRef(ref dWeight)) { L.Store(L.MultiplyAdd(d, v, L.Load(in dWeight, i)), ref dWeight, i); }
                if (!Unsafe.IsNullRef(ref dBias)) { L.Store(d + L.Load(in dBias, i), ref dBias, i); }
            }
            sumG += L.Sum(sg);
            sumGX += L.Sum(sgx);
            return i;
        }
    }

    /// <summary>dx = factor · (dy · weight − a − b · x̂), plus what came before if there is something, with x̂ = (x − mean) · scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Pull(ref float dy, ref float x, ref float weight, ref float before, ref float dx, nint n, float mean, float scale, float a, float b, float factor)
    {
        nint i = 0;
        if (F16.IsSupported) { i = Lanes<F16>(ref dy, ref x, ref weight, ref before, ref dx, i, n, mean, scale, a, b, factor); }
        if (F8.IsSupported) { i = Lanes<F8>(ref dy, ref x, ref weight, ref before, ref dx, i, n, mean, scale, a, b, factor); }
        if (F4.IsSupported) { i = Lanes<F4>(ref dy, ref x, ref weight, ref before, ref dx, i, n, mean, scale, a, b, factor); }
        Lanes<F1>(ref dy, ref x, ref weight, ref before, ref dx, i, n, mean, scale, a, b, factor);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static nint Lanes<L>(ref float dy, ref float x, ref float weight, ref float before, ref float dx, nint i, nint n, L mean, L scale, L a, L b, L factor) where L : struct, IVectorLane<L>, ILane<L>
        {
            for (; i <= n - L.Width; i += L.Width)
            {
                L g = L.Load(in dy, i), v = (L.Load(in x, i) - mean) * scale;
                if (!Unsafe.IsNullRef(ref weight)) { g *= L.Load(in weight, i); }
                L d = factor * (g - L.MultiplyAdd(b, v, a));
                if (!Unsafe.IsNullRef(ref before)) { d += L.Load(in before, i); }
                L.Store(d, ref dx, i);
            }
            return i;
        }
    }

    /// <summary>dx = p · dy + q · (x − mean) + r.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Mix(ref float dy, ref float x, ref float dx, nint n, float mean, float p, float q, float r)
    {
        nint i = 0;
        if (F16.IsSupported) { i = Lanes<F16>(ref dy, ref x, ref dx, i, n, mean, p, q, r); }
        if (F8.IsSupported) { i = Lanes<F8>(ref dy, ref x, ref dx, i, n, mean, p, q, r); }
        if (F4.IsSupported) { i = Lanes<F4>(ref dy, ref x, ref dx, i, n, mean, p, q, r); }
        Lanes<F1>(ref dy, ref x, ref dx, i, n, mean, p, q, r);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static nint Lanes<L>(ref float dy, ref float x, ref float dx, nint i, nint n, L mean, L p, L q, L r) where L : struct, IVectorLane<L>, ILane<L>
        {
            for (; i <= n - L.Width; i += L.Width) { L.Store(L.MultiplyAdd(p, L.Load(in dy, i), L.MultiplyAdd(q, L.Load(in x, i) - mean, r)), ref dx, i); }
            return i;
        }
    }
}
