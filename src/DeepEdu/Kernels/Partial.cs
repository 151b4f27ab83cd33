using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The last, incomplete vector of a row: reads and writes the first <c>count</c> floats of a lane and nothing behind them.</summary>
internal static unsafe class Partial
{
    /// <summary>count floats, then zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Load<L>(float* from, int count) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16) && Avx512F.IsSupported)
        {
            var x = new F16(Avx512F.MaskLoad(from, Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle(), Vector512<float>.Zero));
            return Unsafe.As<F16, L>(ref x);
        }
        if (typeof(L) == typeof(F8) && Avx.IsSupported)
        {
            var x = new F8(Avx.MaskLoad(from, Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).AsSingle()));
            return Unsafe.As<F8, L>(ref x);
        }
        return LoadSlowly<L>(from, count);
    }

    /// <summary>Writes the first count floats of x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<L>(L x, float* to, int count) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16) && Avx512F.IsSupported)
        {
            Avx512F.MaskStore(to, Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle(), Unsafe.As<L, F16>(ref x).V);
        }
        else if (typeof(L) == typeof(F8) && Avx.IsSupported)
        {
            Avx.MaskStore(to, Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).AsSingle(), Unsafe.As<L, F8>(ref x).V);
        }
        else { StoreSlowly(x, to, count); }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static L LoadSlowly<L>(float* from, int count) where L : struct, IVectorLane<L>, ILane<L>
    {
        float* t = stackalloc float[16];
        for (int i = 0; i < L.Width; i++) { t[i] = i < count ? from[i] : 0; }
        return L.Load(in *t, 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreSlowly<L>(L x, float* to, int count) where L : struct, IVectorLane<L>, ILane<L>
    {
        float* t = stackalloc float[16];
        L.Store(x, ref *t, 0);
        for (int i = 0; i < count; i++) { to[i] = t[i]; }
    }
}
