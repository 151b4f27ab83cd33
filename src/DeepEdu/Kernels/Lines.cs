using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Loops that copy one line of raw memory in some way.</summary>
internal static class Lines
{
    /// <summary>A run: short ones are over before a call of the block copy has begun, and those of some pages take it half as long again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Copy(ref float from, ref float to, nint n)
    {
        nint i = 0;
        if (F16.IsSupported && n >= 64)
        {
            // the first register, then from the next cache line on
            F16.Store(F16.Load(in from, 0), ref to, 0);
            i = F16.Width - (((nint)Unsafe.AsPointer(ref to) & 63) / sizeof(float));
        }
        // a last register reaches back over what is there already
        if (F16.IsSupported && n >= 16) { Copy<F16>(ref from, ref to, i, n); }
        else if (F8.IsSupported && n >= 8) { Copy<F8>(ref from, ref to, i, n); }
        else if (F4.IsSupported && n >= 4) { Copy<F4>(ref from, ref to, i, n); }
        else { for (; i < n; i++) { Unsafe.Add(ref to, i) = Unsafe.Add(ref from, i); } }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Copy<L>(ref float from, ref float to, nint i, nint n) where L : struct, IVectorLane<L>
        {
            for (; i <= n - L.Width; i += L.Width) { L.Store(L.Load(in from, i), ref to, i); }
            if (i < n) { L.Store(L.Load(in from, n - L.Width), ref to, n - L.Width); }
        }
    }

    /// <summary>to[i] = from[i · step], step 0 or 1, past the caches as far as whole lines go; the memory suits <see cref="Streamed"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Stream(ref float from, ref float to, nint n, int step)
    {
        nint whole = n & -16, i = 0;
        if (F16.IsSupported) { i = Copy<F16>(ref from, ref to, i, whole, step); }
        else if (F8.IsSupported) { i = Copy<F8>(ref from, ref to, i, whole, step); }
        for (; i < n; i++) { Unsafe.Add(ref to, i) = Unsafe.Add(ref from, i * step); }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static nint Copy<L>(ref float from, ref float to, nint i, nint n, int step) where L : struct, IVectorLane<L>
        {
            L x = L.Of(from);
            for (; i < n; i += L.Width)
            {
                if (step != 0) { x = L.Load(in from, i); }
                Streamed.Store(x, ref to, i);
            }
            return i;
        }
    }

    /// <summary>to[i] = from[−i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Reverse(ref float from, ref float to, nint n)
    {
        nint i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            var order = Vector512.Create(15) - Vector512<int>.Indices;
            for (; i <= n - 16; i += 16) { Vector512.ShuffleNative(Vector512.LoadUnsafe(ref Unsafe.Add(ref from, -i - 15)), order).StoreUnsafe(ref to, (nuint)i); }
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            var order = Vector256.Create(7) - Vector256<int>.Indices;
            for (; i <= n - 8; i += 8) { Vector256.ShuffleNative(Vector256.LoadUnsafe(ref Unsafe.Add(ref from, -i - 7)), order).StoreUnsafe(ref to, (nuint)i); }
        }
        for (; i < n; i++) { Unsafe.Add(ref to, i) = Unsafe.Add(ref from, -i); }
    }

    /// <summary>Each of n values <paramref name="times"/> times in a row, 2 to 16 times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Repeat(ref float from, ref float to, nint n, int times)
    {
        nint i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            // sixteen values become as many registers as they are repeated; register v holds values (16v + j) / times
            Vector512<float> first = Vector512.ConvertToSingle(Vector512<int>.Indices) + Vector512.Create(0.5f), scale = Vector512.Create(1f / times);
            for (; i <= n - 16; i += 16)
            {
                var x = Vector512.LoadUnsafe(ref from, (nuint)i);
                for (int v = 0; v < times; v++)
                {
                    var place = Vector512.ConvertToInt32Native((first + Vector512.Create(16f * v)) * scale);
                    Vector512.ShuffleNative(x, place).StoreUnsafe(ref to, (nuint)((i * times) + (16 * v)));
                }
            }
        }
        for (; i < n; i++)
        {
            for (int k = 0; k < times; k++) { Unsafe.Add(ref to, (i * times) + k) = Unsafe.Add(ref from, i); }
        }
    }

    /// <summary>n sums of <paramref name="times"/> values each, side by side: to[i] = Σ from[i·times + ..].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void AddGroups(ref float from, ref float to, nint n, int times)
    {
        nint i = 0;
        if (Avx512F.IsSupported && times == 2)
        {
            Vector512<int> even = Vector512<int>.Indices * 2, odd = even + Vector512<int>.One;
            for (; i <= n - 16; i += 16)
            {
                Vector512<float> a = Vector512.LoadUnsafe(ref from, (nuint)(2 * i)), b = Vector512.LoadUnsafe(ref from, (nuint)((2 * i) + 16));
                (Avx512F.PermuteVar16x32x2(a, even, b) + Avx512F.PermuteVar16x32x2(a, odd, b)).StoreUnsafe(ref to, (nuint)i);
            }
        }
        for (; i < n; i++)
        {
            float sum = 0;
            for (int k = 0; k < times; k++) { sum += Unsafe.Add(ref from, (i * times) + k); }
            Unsafe.Add(ref to, i) = sum;
        }
    }
}
