using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>A formula of one, two or three values that works on vectors.</summary>
internal interface IVectorOp
{
    static abstract Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged;
}

/// <summary>A formula of up to three values, one lane at a time.</summary>
internal interface IScalarOp<TA, TB, TC, TD>
{
    static abstract TD Of(TA a, TB b, TC c);
}

/// <summary>A comparison.</summary>
internal interface ICompare
{
    static abstract bool Of<T>(T a, T b) where T : INumber<T>;
}

/// <summary>Runs a formula over the 32 values of each register. Lanes that are not active keep their results.</summary>
internal static unsafe class Lanes
{
    public static void Vector<O, T>(Warp w, Instruction i) where O : IVectorOp where T : unmanaged
    {
        byte* d = w.R + i.D, a = w.R + i.A, b = w.R + i.B, c = w.R + i.C;
        int bytes = 32 * sizeof(T);
        if (w.Active == uint.MaxValue)
        {
            for (int k = 0; k < bytes; k += 32) { Vector256.Store(O.Of(Load<T>(a + k), Load<T>(b + k), Load<T>(c + k)), (T*)(d + k)); }
            return;
        }
        byte* mask = sizeof(T) == 8 ? (byte*)w.Mask8 : (byte*)w.Mask4;
        for (int k = 0; k < bytes; k += 32)
        {
            Vector256.Store(Vector256.ConditionalSelect(Load<T>(mask + k), O.Of(Load<T>(a + k), Load<T>(b + k), Load<T>(c + k)), Load<T>(d + k)), (T*)(d + k));
        }
    }

    public static void Scalar<O, TA, TB, TC, TD>(Warp w, Instruction i) where O : IScalarOp<TA, TB, TC, TD> where TA : unmanaged where TB : unmanaged where TC : unmanaged where TD : unmanaged
    {
        byte* d = w.R + i.D, a = w.R + i.A, b = w.R + i.B, c = w.R + i.C;
        for (uint m = w.Active; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            Put(d, lane, O.Of(Get<TA>(a, lane), Get<TB>(b, lane), Get<TC>(c, lane)));
        }
    }

    /// <summary>A predicate from a comparison, perhaps joined with another.</summary>
    public static void Compare<O, T>(Warp w, Instruction i) where O : ICompare where T : unmanaged, INumber<T>
    {
        byte* a = w.R + i.A, b = w.R + i.B;
        uint found = 0;
        for (uint m = w.Active; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            if (O.Of(Get<T>(a, lane), Get<T>(b, lane))) { found |= 1u << lane; }
        }
        if (i.E != 0)
        {
            uint c = *(uint*)(w.R + i.C);
            if (i.IsInverted) { c = ~c; }
            found = i.E == 1 ? found & c : i.E == 2 ? found | c : found ^ c;
        }
        PutPredicate(w, i.D, found);
    }

    /// <summary>A formula of predicates: 32 at once.</summary>
    public static void Predicate<O>(Warp w, Instruction i) where O : IVectorOp
    {
        var (a, b) = (Vector256.CreateScalar(*(uint*)(w.R + i.A)), Vector256.CreateScalar(*(uint*)(w.R + i.B)));
        PutPredicate(w, i.D, O.Of(a, b, b).ToScalar());
    }

    /// <summary>A or b by a predicate.</summary>
    public static void Select<T>(Warp w, Instruction i) where T : unmanaged
    {
        byte* d = w.R + i.D, a = w.R + i.A, b = w.R + i.B;
        uint p = *(uint*)(w.R + i.C);
        for (uint m = w.Active; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            Put(d, lane, Get<T>((p >> lane & 1) != 0 ? a : b, lane));
        }
    }

    public static void PutPredicate(Warp w, int at, uint value)
    {
        uint* d = (uint*)(w.R + at);
        *d = (*d & ~w.Active) | (value & w.Active);
    }

    /// <summary>A lane's value; values of 1 and 2 bytes lie in the low bytes of 4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Get<T>(byte* r, int lane) where T : unmanaged => *(T*)(r + (lane * (sizeof(T) == 8 ? 8 : 4)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put<T>(byte* r, int lane, T value) where T : unmanaged
    {
        if (typeof(T) == typeof(sbyte)) { ((int*)r)[lane] = Unsafe.BitCast<T, sbyte>(value); }
        else if (typeof(T) == typeof(byte)) { ((uint*)r)[lane] = Unsafe.BitCast<T, byte>(value); }
        else if (typeof(T) == typeof(short)) { ((int*)r)[lane] = Unsafe.BitCast<T, short>(value); }
        else if (typeof(T) == typeof(ushort)) { ((uint*)r)[lane] = Unsafe.BitCast<T, ushort>(value); }
        else { *(T*)(r + (lane * (sizeof(T) == 8 ? 8 : 4))) = value; }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<T> Load<T>(byte* at) where T : unmanaged => Vector256.Load((T*)at);
}
