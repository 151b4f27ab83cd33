using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Copies pieces of the factors into the order in which the tile reads them: contiguous, in full vectors, with something harmless in place of columns that do not exist.</summary>
internal static unsafe class GemmPack
{
    private const int PrefetchRows = 24;

    /// <summary>k rows of n columns, row-major with step ld, to rows of width floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rows<L>(int k, int n, float* from, nint ld, float* to, int width) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (n == 3 * L.Width && width == n)
        {
            for (int p = 0; p < k; p++, from += ld, to += 3 * L.Width)
            {
                if (Sse.IsSupported)
                {
                    // short runs far apart, which the hardware does not foresee
                    float* ahead = from + (PrefetchRows * ld);
                    Sse.Prefetch0(ahead);
                    Sse.Prefetch0(ahead + L.Width);
                    Sse.Prefetch0(ahead + (2 * L.Width));
                }
                L a = L.Load(in *from, 0), b = L.Load(in *from, L.Width), c = L.Load(in *from, 2 * L.Width);
                L.Store(a, ref *to, 0);
                L.Store(b, ref *to, L.Width);
                L.Store(c, ref *to, 2 * L.Width);
            }
            return;
        }
        if (n == L.Width && width == n)
        {
            for (int p = 0; p < k; p++, from += ld, to += L.Width) { L.Store(L.Load(in *from, 0), ref *to, 0); }
            return;
        }
        int full = n - (n % L.Width), tail = n - full;
        for (int p = 0; p < k; p++, from += ld, to += width)
        {
            int j = 0;
            for (; j < full; j += L.Width) { L.Store(L.Load(in *from, j), ref *to, j); }
            if (tail > 0)
            {
                L.Store(Partial.Load<L>(from + j, tail), ref *to, j);
                j += L.Width;
            }
            for (; j < width; j++) { to[j] = 0; }
        }
    }

    /// <summary>k rows of 32 columns to four groups of k rows of 8 floats: whole cache lines are read, which lie far apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void FourGroups(int k, float* from, nint ld, float* to)
    {
        float* to1 = to + (8 * k), to2 = to1 + (8 * k), to3 = to2 + (8 * k);
        for (nint p = 0; p < 8 * k; p += 8, from += ld)
        {
            if (Sse.IsSupported)
            {
                float* ahead = from + (PrefetchRows * ld);
                Sse.Prefetch0(ahead);
                Sse.Prefetch0(ahead + 16);
            }
            Vector256<float> a = Vector256.Load(from), b = Vector256.Load(from + 8), c = Vector256.Load(from + 16), d = Vector256.Load(from + 24);
            a.Store(to + p);
            b.Store(to1 + p);
            c.Store(to2 + p);
            d.Store(to3 + p);
        }
    }

    /// <summary>n rows of k columns, row-major with step ld, transposed to k rows of width floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Columns(int k, int n, float* from, nint ld, float* to, int width)
    {
        int j = 0;
        while (j + 4 <= n)
        {
            // 16 columns fill a cache line of the result; rows 4 KiB apart would push each other out of the cache, so fewer of them at a time
            int group = Math.Min((ld & 1023) == 0 ? 8 : 16, (n - j) & ~3);
            float* t = to + j;
            int p = 0;
            if (Avx512F.IsSupported && group == 16)
            {
                for (; p + 4 <= k; p += 4, t += 4 * width) { Transpose16(from + p, ld, t, width); }
            }
            for (; p + 4 <= k; p += 4, t += 4 * width)
            {
                float* r = from + p;
                for (int g = 0; g < group; g += 4, r += 4 * ld) { Transpose4(r, r + ld, r + (2 * ld), r + (3 * ld), t + g, width); }
            }
            for (; p < k; p++, t += width)
            {
                for (int g = 0; g < group; g++) { t[g] = from[(g * ld) + p]; }
            }
            j += group;
            from += group * ld;
        }
        if ((width & 3) == 0)
        {
            // what stands in columns that do not exist is never stored: the last row again
            nint last = n - 1 - j;
            for (; j < width; j += 4, last -= 4, from += 4 * ld)
            {
                float* r0 = from + (Math.Min(0, last) * ld), r1 = from + (Math.Min(1, last) * ld), r2 = from + (Math.Min(2, last) * ld), r3 = from + (Math.Min(3, last) * ld), t = to + j;
                int p = 0;
                for (; p + 4 <= k; p += 4, t += 4 * width) { Transpose4(r0 + p, r1 + p, r2 + p, r3 + p, t, width); }
                for (; p < k; p++, t += width) { (t[0], t[1], t[2], t[3]) = (r0[p], r1[p], r2[p], r3[p]); }
            }
        }
        else
        {
            for (; j < n; j++, from += ld)
            {
                for (int p = 0; p < k; p++) { to[((nint)p * width) + j] = from[p]; }
            }
        }
    }

    // four columns of sixteen rows: a register's lanes hold rows 4 apart, so that transposing each lane leaves the rows in order
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Transpose16(float* from, nint ld, float* to, nint ldTo)
    {
        Vector512<float> x0 = Lanes(from, ld), x1 = Lanes(from + ld, ld), x2 = Lanes(from + (2 * ld), ld), x3 = Lanes(from + (3 * ld), ld);
        Vector512<float> a = Avx512F.UnpackLow(x0, x2), b = Avx512F.UnpackLow(x1, x3), c = Avx512F.UnpackHigh(x0, x2), d = Avx512F.UnpackHigh(x1, x3);
        Avx512F.UnpackLow(a, b).Store(to);
        Avx512F.UnpackHigh(a, b).Store(to + ldTo);
        Avx512F.UnpackLow(c, d).Store(to + (2 * ldTo));
        Avx512F.UnpackHigh(c, d).Store(to + (3 * ldTo));
    }

    // the way back: sixteen columns of four rows
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Transpose16Back(float* from, nint ld, float* to, nint ldTo)
    {
        Vector512<float> x0 = Vector512.Load(from), x1 = Vector512.Load(from + ld), x2 = Vector512.Load(from + (2 * ld)), x3 = Vector512.Load(from + (3 * ld));
        Vector512<float> a = Avx512F.UnpackLow(x0, x2), b = Avx512F.UnpackLow(x1, x3), c = Avx512F.UnpackHigh(x0, x2), d = Avx512F.UnpackHigh(x1, x3);
        Put(Avx512F.UnpackLow(a, b), to, ldTo);
        Put(Avx512F.UnpackHigh(a, b), to + ldTo, ldTo);
        Put(Avx512F.UnpackLow(c, d), to + (2 * ldTo), ldTo);
        Put(Avx512F.UnpackHigh(c, d), to + (3 * ldTo), ldTo);
    }

    // four floats each to rows 0, 4, 8 and 12
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(Vector512<float> x, float* to, nint ld)
    {
        x.GetLower().GetLower().Store(to);
        x.GetLower().GetUpper().Store(to + (4 * ld));
        x.GetUpper().GetLower().Store(to + (8 * ld));
        x.GetUpper().GetUpper().Store(to + (12 * ld));
    }

    // four floats each of rows 0, 4, 8 and 12
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Lanes(float* from, nint ld) => Vector512.Create(
        Vector256.Create(Vector128.Load(from), Vector128.Load(from + (4 * ld))), Vector256.Create(Vector128.Load(from + (8 * ld)), Vector128.Load(from + (12 * ld))));

    // unpack twice: pairs of rows 0 and 2, 1 and 3, then both
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Transpose4(float* r0, float* r1, float* r2, float* r3, float* to, nint ldTo)
    {
        Vector128<float> x0 = Vector128.Load(r0), x1 = Vector128.Load(r1), x2 = Vector128.Load(r2), x3 = Vector128.Load(r3);
        var a = Low(x0, x2);
        var b = Low(x1, x3);
        var c = High(x0, x2);
        var d = High(x1, x3);
        Low(a, b).Store(to);
        High(a, b).Store(to + ldTo);
        Low(c, d).Store(to + (2 * ldTo));
        High(c, d).Store(to + (3 * ldTo));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> a, Vector128<float> b)
        => Sse.IsSupported ? Sse.UnpackLow(a, b)
        : System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported ? System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0], a[1], b[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> a, Vector128<float> b)
        => Sse.IsSupported ? Sse.UnpackHigh(a, b)
        : System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported ? System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[2], b[2], a[3], b[3]);
}
