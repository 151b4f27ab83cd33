using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>What has come together so far along the middle axis of x [outer, n, inner], in double precision; columns stand side by side in vectors.</summary>
internal readonly struct Running<J>(View x, View y, int outer, int n, int inner, bool reverse) : IRange where J : struct, Running.IJoin
{
    private const int Abreast = 4;

    /// <summary>Fills y.</summary>
    public void Run() => Running.Cut(outer, n, inner, this);

    /// <inheritdoc/>
    public void Run(int from, int to)
    {
        int blocks = Running.Blocks(inner);
        for (int i = from; i < to; i++)
        {
            if (inner == 1 && Avx512F.IsSupported) { Wide(ref CpuDevice.At(x, i * n), ref CpuDevice.At(y, i * n), n, reverse); continue; }
            if (inner == 1)
            {
                int rows = to - i >= Abreast ? Abreast : 1;
                if (rows == 1) { Row(ref CpuDevice.At(x, i * n), ref CpuDevice.At(y, i * n), n, reverse); }
                else { FourRows(ref CpuDevice.At(x, i * n), ref CpuDevice.At(y, i * n), n, reverse); }
                i += rows - 1;
                continue;
            }
            int first = i % blocks * Running.Block, at = (i / blocks * n * inner) + first + (reverse ? (n - 1) * inner : 0);
            Columns(ref CpuDevice.At(x, at), ref CpuDevice.At(y, at), n, reverse ? -inner : inner, Math.Min(Running.Block, inner - first));
        }
    }

    // eight by three shifts; only what came before them waits for the eight before
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Wide(ref float x, ref float y, nint n, bool reverse)
    {
        var before = Vector512.Create(J.Nothing);
        var none = before.AsInt64();
        var last = Vector512.Create(reverse ? 0L : 7L);
        nint i = 0, step = reverse ? -8 : 8, at = reverse ? n - 8 : 0;
        for (; i <= n - 8; i += 8, at += step)
        {
            var v = Avx512F.ConvertToVector512Double(Vector256.LoadUnsafe(ref x, (nuint)at));
            if (reverse)
            {
                v = J.Join(v, Avx512F.AlignRight64(none, v.AsInt64(), 1).AsDouble());
                v = J.Join(v, Avx512F.AlignRight64(none, v.AsInt64(), 2).AsDouble());
                v = J.Join(v, Avx512F.AlignRight64(none, v.AsInt64(), 4).AsDouble());
            }
            else
            {
                v = J.Join(v, Avx512F.AlignRight64(v.AsInt64(), none, 7).AsDouble());
                v = J.Join(v, Avx512F.AlignRight64(v.AsInt64(), none, 6).AsDouble());
                v = J.Join(v, Avx512F.AlignRight64(v.AsInt64(), none, 4).AsDouble());
            }
            Avx512F.ConvertToVector256Single(J.Join(v, before)).StoreUnsafe(ref y, (nuint)at);
            before = J.Join(before, Avx512F.PermuteVar8x64(v, last));
        }
        double all = before.ToScalar();
        for (at = reverse ? n - 1 - i : i; i < n; i++, at += reverse ? -1 : 1)
        {
            all = J.Join(all, Unsafe.Add(ref x, at));
            Unsafe.Add(ref y, at) = (float)all;
        }
    }

    // each waits for the one before: four rows wait at the same time
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void FourRows(ref float x, ref float y, nint n, bool reverse)
    {
        double a = J.Nothing, b = J.Nothing, c = J.Nothing, d = J.Nothing;
        nint at = reverse ? n - 1 : 0, step = reverse ? -1 : 1;
        for (nint i = 0; i < n; i++, at += step)
        {
            a = J.Join(a, Unsafe.Add(ref x, at));
            b = J.Join(b, Unsafe.Add(ref x, at + n));
            c = J.Join(c, Unsafe.Add(ref x, at + (2 * n)));
            d = J.Join(d, Unsafe.Add(ref x, at + (3 * n)));
            Unsafe.Add(ref y, at) = (float)a;
            Unsafe.Add(ref y, at + n) = (float)b;
            Unsafe.Add(ref y, at + (2 * n)) = (float)c;
            Unsafe.Add(ref y, at + (3 * n)) = (float)d;
        }
    }

    // one after the other is as slow in float as in double
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Row(ref float x, ref float y, nint n, bool reverse)
    {
        double all = J.Nothing;
        nint at = reverse ? n - 1 : 0, step = reverse ? -1 : 1;
        for (nint i = 0; i < n; i++, at += step)
        {
            all = J.Join(all, Unsafe.Add(ref x, at));
            Unsafe.Add(ref y, at) = (float)all;
        }
    }

    // what leaves float's range on the way and comes back is right, and a long sum loses nothing
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Columns(ref float x, ref float y, int rows, int stride, nint n)
    {
        nint i = 0;
        for (; Avx512F.IsSupported && i <= n - 16; i += 16)
        {
            Vector512<double> a = Vector512.Create(J.Nothing), b = a;
            nint at = i;
            for (int r = 0; r < rows; r++, at += stride)
            {
                a = J.Join(a, Avx512F.ConvertToVector512Double(Vector256.LoadUnsafe(ref x, (nuint)at)));
                b = J.Join(b, Avx512F.ConvertToVector512Double(Vector256.LoadUnsafe(ref x, (nuint)at + 8)));
                Avx512F.ConvertToVector256Single(a).StoreUnsafe(ref y, (nuint)at);
                Avx512F.ConvertToVector256Single(b).StoreUnsafe(ref y, (nuint)at + 8);
            }
        }
        for (; Vector256.IsHardwareAccelerated && i <= n - 8; i += 8)
        {
            Vector256<double> a = Vector256.Create(J.Nothing), b = a;
            nint at = i;
            for (int r = 0; r < rows; r++, at += stride)
            {
                var (low, high) = Vector256.Widen(Vector256.LoadUnsafe(ref x, (nuint)at));
                a = J.Join(a, low);
                b = J.Join(b, high);
                Vector256.Narrow(a, b).StoreUnsafe(ref y, (nuint)at);
            }
        }
        for (; i < n; i++)
        {
            double all = J.Nothing;
            nint at = i;
            for (int r = 0; r < rows; r++, at += stride)
            {
                all = J.Join(all, Unsafe.Add(ref x, at));
                Unsafe.Add(ref y, at) = (float)all;
            }
        }
    }
}

/// <summary>How values come together, and how work along an axis is cut.</summary>
internal static class Running
{
    /// <summary>Columns that are gone down together.</summary>
    public const int Block = 256;

    /// <summary>Blocks of columns.</summary>
    public static int Blocks(int inner) => (inner + Block - 1) / Block;

    /// <summary>Runs a body over rows, or over blocks of columns.</summary>
    public static void Cut<R>(int outer, int n, int inner, in R body) where R : struct, IRange
    {
        if (outer == 0 || n == 0 || inner == 0) { return; }
        if (inner == 1) { Work.For(outer, Math.Max(1, CpuDevice.Grain / n), body); }
        else { Work.For(outer * Blocks(inner), Math.Max(1, CpuDevice.Grain / Block / n), body); }
    }

    /// <summary>An operation whose order of brackets does not matter, but for rounding.</summary>
    public interface IJoin
    {
        /// <summary>What changes nothing.</summary>
        static abstract double Nothing { get; }

        /// <summary>One and the next.</summary>
        static abstract double Join(double a, double b);

        /// <inheritdoc cref="Join(double, double)"/>
        static abstract Vector512<double> Join(Vector512<double> a, Vector512<double> b);

        /// <inheritdoc cref="Join(double, double)"/>
        static abstract Vector256<double> Join(Vector256<double> a, Vector256<double> b);
    }

    /// <summary>Sums.</summary>
    public readonly struct Plus : IJoin
    {
        /// <inheritdoc/>
        public static double Nothing => 0;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static double Join(double a, double b) => a + b;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<double> Join(Vector512<double> a, Vector512<double> b) => a + b;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<double> Join(Vector256<double> a, Vector256<double> b) => a + b;
    }

    /// <summary>Products.</summary>
    public readonly struct Times : IJoin
    {
        /// <inheritdoc/>
        public static double Nothing => 1;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static double Join(double a, double b) => a * b;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<double> Join(Vector512<double> a, Vector512<double> b) => a * b;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<double> Join(Vector256<double> a, Vector256<double> b) => a * b;
    }
}
