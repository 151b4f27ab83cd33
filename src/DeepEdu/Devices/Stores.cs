using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Lanes;

namespace DeepEdu.Devices;

/// <summary>How a loop writes its result.</summary>
internal interface IStore
{
    static abstract void Store<L>(L value, ref float y, nint i) where L : struct, IVectorLane<L>;
}

/// <summary>Into the caches, where who reads the result next will find it.</summary>
internal struct Kept : IStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<L>(L value, ref float y, nint i) where L : struct, IVectorLane<L> => L.Store(value, ref y, i);
}

/// <summary>Past them: lines of a result that no cache would keep are not read before they are written. The memory must be pinned and <see cref="Suits">suit</see>.</summary>
internal struct Streamed : IStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Store<L>(L value, ref float y, nint i) where L : struct, IVectorLane<L>
    {
        float* to = (float*)Unsafe.AsPointer(ref y) + i; // the caller pins it
        if (typeof(L) == typeof(F16)) { Unsafe.BitCast<L, F16>(value).V.StoreAlignedNonTemporal(to); }
        else if (typeof(L) == typeof(F8)) { Unsafe.BitCast<L, F8>(value).V.StoreAlignedNonTemporal(to); }
        else { L.Store(value, ref y, i); }
    }

    /// <summary>Whether pinned memory begins with a cache line, as such stores need, and the processor has them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe bool Suits(float* y) => Sse.IsSupported && F8.IsSupported && ((nint)y & 63) == 0;

    /// <summary>Behind the last of them on this thread: another may read the result now.</summary>
    public static void End()
    {
        if (Sse.IsSupported) { Sse.StoreFence(); }
    }

    /// <summary>Whether so many floats, read and written, are more than the caches keep.</summary>
    public static bool Pays(long touched) => touched >= Processor.StreamsFrom;
}
