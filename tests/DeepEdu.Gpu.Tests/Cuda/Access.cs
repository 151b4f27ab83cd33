using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>Loads and stores, lane by lane, each checked before it happens.</summary>
internal static unsafe class Access
{
    /// <summary>A memory.</summary>
    internal interface IMemory
    {
        static abstract byte* At(Warp w, Instruction i, int lane, long address, int bytes, bool writes);

        static abstract void Note(Traffic traffic, Warp w, Instruction i, int bytes);
    }

    internal struct Global : IMemory
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* At(Warp w, Instruction i, int lane, long address, int bytes, bool writes) => w.Block.Global(w, i, lane, address, bytes, writes);

        public static void Note(Traffic traffic, Warp w, Instruction i, int bytes) => traffic.Global(w, i, bytes);
    }

    internal struct Shared : IMemory
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* At(Warp w, Instruction i, int lane, long address, int bytes, bool writes) => w.Block.Shared(w, i, lane, address, bytes, writes);

        public static void Note(Traffic traffic, Warp w, Instruction i, int bytes) => traffic.Shared(w, i, bytes);
    }

    public static void Load<T, M>(Warp w, Instruction i) where T : unmanaged where M : IMemory
    {
        int bytes = sizeof(T) * i.V.Length;
        if (w.Block.Traffic is { } traffic) { M.Note(traffic, w, i, bytes); }
        for (uint m = w.Active; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            T* from = (T*)M.At(w, i, lane, Address(w, i, lane), bytes, false);
            for (int k = 0; k < i.V.Length; k++) { Lanes.Put(w.R + i.V[k], lane, from[k]); }
        }
    }

    public static void Store<T, M>(Warp w, Instruction i) where T : unmanaged where M : IMemory
    {
        int bytes = sizeof(T) * i.V.Length;
        if (w.Block.Traffic is { } traffic) { M.Note(traffic, w, i, bytes); }
        for (uint m = w.Active; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            T* to = (T*)M.At(w, i, lane, Address(w, i, lane), bytes, true);
            for (int k = 0; k < i.V.Length; k++) { to[k] = Lanes.Get<T>(w.R + i.V[k], lane); }
        }
    }

    /// <summary>A parameter is the same for all threads.</summary>
    public static void LoadParameter<T>(Warp w, Instruction i) where T : unmanaged
    {
        long end = i.Offset + (sizeof(T) * i.V.Length);
        if (i.Offset < 0 || end > w.Block.ArgumentBytes) { throw w.Block.Fault(w, i, w.Lane(), $"bytes {i.Offset} to {end} of {w.Block.ArgumentBytes} bytes of arguments", KernelFault.IllegalAddress); }
        if (i.Offset % sizeof(T) != 0) { throw w.Block.Fault(w, i, w.Lane(), $"byte {i.Offset} of the arguments is not on {sizeof(T)}", KernelFault.Misaligned); }
        T* from = (T*)(w.Block.Arguments + i.Offset);
        for (int k = 0; k < i.V.Length; k++)
        {
            for (uint m = w.Active; m != 0; m &= m - 1) { Lanes.Put(w.R + i.V[k], BitOperations.TrailingZeroCount(m), from[k]); }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Address(Warp w, Instruction i, int lane) => (i.IsInverted ? ((uint*)(w.R + i.A))[lane] : ((long*)(w.R + i.A))[lane]) + i.Offset;
}

/// <summary>Atomics: the lanes one after another, in their order.</summary>
internal static unsafe class Atomics
{
    private interface IUpdate<T>
    {
        static abstract T Of(T old, T b, T c);
    }

    private struct Add<T> : IUpdate<T> where T : INumber<T> { public static T Of(T old, T b, T c) => unchecked(old + b); }

    private struct Least<T> : IUpdate<T> where T : INumber<T> { public static T Of(T old, T b, T c) => T.Min(old, b); }

    private struct Largest<T> : IUpdate<T> where T : INumber<T> { public static T Of(T old, T b, T c) => T.Max(old, b); }

    private struct Exchange<T> : IUpdate<T> { public static T Of(T old, T b, T c) => b; }

    private struct Swap<T> : IUpdate<T> where T : INumber<T> { public static T Of(T old, T b, T c) => old == b ? c : old; }

    public static delegate*<Warp, Instruction, void> Of<T>(string op, bool isGlobal) where T : unmanaged, INumber<T> => op switch
    {
        "add" => Of<T, Add<T>>(isGlobal),
        "min" when typeof(T) != typeof(float) => Of<T, Least<T>>(isGlobal),
        "max" when typeof(T) != typeof(float) => Of<T, Largest<T>>(isGlobal),
        "exch" when typeof(T) != typeof(float) => Of<T, Exchange<T>>(isGlobal),
        "cas" when typeof(T) != typeof(float) => Of<T, Swap<T>>(isGlobal),
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> Of<T, O>(bool isGlobal) where T : unmanaged where O : struct, IUpdate<T> => isGlobal ? &Global<T, O> : &Shared<T, O>;

    /// <summary>A word is read that others change by atomics.</summary>
    public static void Look(Warp w, Instruction i)
    {
        for (uint m = w.Active; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            long address = Access.Address(w, i, lane);
            Lanes.Put(w.R + i.D, lane, *(uint*)w.Block.Global(w, i, lane, address, sizeof(uint), false, isAtomic: true));
            w.Block.Hear(address);
        }
    }

    private static void Global<T, O>(Warp w, Instruction i) where T : unmanaged where O : struct, IUpdate<T>
    {
        for (uint m = w.Active; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            long address = Access.Address(w, i, lane);
            One<T, O>(w, i, lane, (T*)w.Block.Global(w, i, lane, address, sizeof(T), true, isAtomic: true));
            w.Block.Tell(w, lane, address);
        }
    }

    private static void Shared<T, O>(Warp w, Instruction i) where T : unmanaged where O : struct, IUpdate<T>
    {
        for (uint m = w.Active; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            One<T, O>(w, i, lane, (T*)w.Block.SharedAtomic(w, i, lane, Access.Address(w, i, lane), sizeof(T)));
        }
    }

    private static void One<T, O>(Warp w, Instruction i, int lane, T* at) where T : unmanaged where O : struct, IUpdate<T>
    {
        T old = *at;
        *at = O.Of(old, Lanes.Get<T>(w.R + i.B, lane), Lanes.Get<T>(w.R + i.C, lane));
        if (i.D >= 0) { Lanes.Put(w.R + i.D, lane, old); }
    }
}
