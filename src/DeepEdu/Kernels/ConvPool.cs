using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>ReLU and 2 × 2 max pooling of two lines of a convolution, channels last, while they are in the first-level cache. A byte per output says which of the four
/// values won, so that the way back needs neither them nor the lines: 0 to 3, or <see cref="Dead"/> where the ReLU let nothing through.</summary>
internal static unsafe class ConvPool
{
    /// <summary>No gradient passes.</summary>
    public const int Dead = 4;

    /// <summary>max(0, the largest of four) for each output pixel and channel. The first of equals wins; NaN stays.</summary>
    /// <param name="above">[2 · outputs, channels].</param>
    /// <param name="below">The line after it.</param>
    /// <param name="channels">Whole vectors of them.</param>
    /// <param name="outputs">Pixels of the result.</param>
    /// <param name="y">[outputs, channels].</param>
    /// <param name="at">[outputs, channels], or null where no gradient is wanted.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Forward<L>(float* above, float* below, int channels, int outputs, float* y, byte* at) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (at == null)
        {
            Largest<L>(above, below, channels, outputs, y);
            return;
        }
        for (int x = 0; x < outputs; x++, above += 2 * channels, below += 2 * channels, y += channels)
        {
            for (int c = 0; c < channels; c += L.Width)
            {
                L max = L.Load(in *above, c), which = L.Of(0);
                Next(L.Load(in *above, channels + c), L.Of(1), ref max, ref which);
                Next(L.Load(in *below, c), L.Of(2), ref max, ref which);
                Next(L.Load(in *below, channels + c), L.Of(3), ref max, ref which);
                L.Store(L.WhereGreaterOrEqual(L.Of(0), max, L.Of(0), max), ref *y, c);
                StoreBytes(L.WhereGreaterOrEqual(L.Of(0), max, L.Of(Dead), which), at + ((nint)x * channels) + c);
            }
        }
    }

    // the same values: where the four hold zeros of both signs, the result is +0 either way
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Largest<L>(float* above, float* below, int channels, int outputs, float* y) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int x = 0; x < outputs; x++, above += 2 * channels, below += 2 * channels, y += channels)
        {
            for (int c = 0; c < channels; c += L.Width)
            {
                L max = L.Max(L.Max(L.Load(in *above, c), L.Load(in *above, channels + c)), L.Max(L.Load(in *below, c), L.Load(in *below, channels + c)));
                L.Store(L.WhereGreaterOrEqual(L.Of(0), max, L.Of(0), max), ref *y, c);
            }
        }
    }

    /// <summary>The way back: each dy to the value that won, 0 to the others, and the sum of what passed to db.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Backward<L>(float* dy, byte* at, int channels, int outputs, float* above, float* below, float* db) where L : struct, IVectorLane<L>, ILane<L>
    {
        var zero = L.Of(0);
        for (int c = 0; c < channels; c += L.Width)
        {
            var sum = L.Load(in *db, c);
            float* d = dy + c, a = above + c, b = below + c;
            byte* w = at + c;
            for (int x = 0; x < outputs; x++, d += channels, w += channels, a += 2 * channels, b += 2 * channels)
            {
                L g = L.Load(in *d, 0), which = LoadBytes<L>(w);
                sum += L.WhereGreater(L.Of(Dead), which, g, zero);
                L.Store(L.WhereEqual(which, zero, g, zero), ref *a, 0);
                L.Store(L.WhereEqual(which, L.Of(1), g, zero), ref *a, channels);
                L.Store(L.WhereEqual(which, L.Of(2), g, zero), ref *b, 0);
                L.Store(L.WhereEqual(which, L.Of(3), g, zero), ref *b, channels);
            }
            L.Store(sum, ref *db, c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Next<L>(L x, L number, ref L max, ref L which) where L : struct, IVectorLane<L>, ILane<L>
    {
        which = L.WhereEqual(max, max, L.WhereGreaterOrEqual(max, x, which, number), which);
        max = L.WhereEqual(max, max, L.WhereGreaterOrEqual(max, x, max, x), max);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreBytes<L>(L x, byte* to) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16))
        {
            var n = Vector512.ConvertToInt32Native(Unsafe.As<L, F16>(ref x).V).AsUInt32();
            if (System.Runtime.Intrinsics.X86.Avx512F.IsSupported) { System.Runtime.Intrinsics.X86.Avx512F.ConvertToVector128Byte(n).Store(to); return; }
            var half = Vector256.Narrow(n.GetLower(), n.GetUpper());
            Vector128.Narrow(half.GetLower(), half.GetUpper()).Store(to);
        }
        else if (typeof(L) == typeof(F8))
        {
            var n = Vector256.ConvertToInt32Native(Unsafe.As<L, F8>(ref x).V).AsUInt32();
            var half = Vector128.Narrow(n.GetLower(), n.GetUpper());
            Unsafe.WriteUnaligned(to, Vector128.Narrow(half, half).AsUInt64().ToScalar());
        }
        else if (typeof(L) == typeof(F4))
        {
            var n = Vector128.ConvertToInt32Native(Unsafe.As<L, F4>(ref x).V).AsUInt32();
            var half = Vector128.Narrow(n, n);
            Unsafe.WriteUnaligned(to, Vector128.Narrow(half, half).AsUInt32().ToScalar());
        }
        else { *to = (byte)L.Get(x, 0); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L LoadBytes<L>(byte* from) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16))
        {
            var (low, high) = Vector256.Widen(Vector256.WidenLower(Vector128.Load(from).ToVector256Unsafe()));
            var n = System.Runtime.Intrinsics.X86.Avx512F.IsSupported
                ? System.Runtime.Intrinsics.X86.Avx512F.ConvertToVector512Int32(Vector128.Load(from)) : Vector512.Create(low, high).AsInt32();
            var x = new F16(Vector512.ConvertToSingle(n));
            return Unsafe.As<F16, L>(ref x);
        }
        if (typeof(L) == typeof(F8))
        {
            var (low, high) = Vector128.Widen(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(from)).AsByte()));
            var x = new F8(Vector256.ConvertToSingle(Vector256.Create(low, high).AsInt32()));
            return Unsafe.As<F8, L>(ref x);
        }
        if (typeof(L) == typeof(F4))
        {
            var bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(from)).AsByte();
            var x = new F4(Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(bytes)).AsInt32()));
            return Unsafe.As<F4, L>(ref x);
        }
        return L.Of(*from);
    }
}
