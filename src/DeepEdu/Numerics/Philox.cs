using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Lanes;

namespace DeepEdu.Numerics;

/// <summary>Philox4x32-10, a counter-based generator: a keyed bijection of 128-bit counters whose outputs pass BigCrush.
/// Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 4.3 and table 2.</summary>
public static class Philox
{
    private const uint M0 = 0xD2511F53, M1 = 0xCD9E8D57, Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;

    /// <summary>The four 32-bit words at counter (<paramref name="low"/>, <paramref name="high"/>) under <paramref name="key"/>; low halves are the lower words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (uint W0, uint W1, uint W2, uint W3) Block(ulong low, ulong high, ulong key)
    {
        uint c0 = (uint)low, c1 = (uint)(low >> 32), c2 = (uint)high, c3 = (uint)(high >> 32), k0 = (uint)key, k1 = (uint)(key >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)c0 * M0, p1 = (ulong)c2 * M1;
            c0 = (uint)(p1 >> 32) ^ c1 ^ k0;
            c1 = (uint)p1;
            c2 = (uint)(p0 >> 32) ^ c3 ^ k1;
            c3 = (uint)p0;
            k0 += Weyl0;
            k1 += Weyl1;
        }
        return (c0, c1, c2, c3);
    }

    // Each counter has a 64-bit element to itself: a product leaves its low word in place, and what is above it is never read.
    /// <summary>Many blocks at once, from counter <paramref name="block"/> on; the words come joined as (0, 2) and (1, 3).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Blocks<W>(ulong block, ulong high, ulong key, out W even, out W odd) where W : struct, IWords<W>
    {
        W c0 = W.Counters(block), c1 = W.High(c0), c2 = W.Of(high), c3 = W.Of(high >> 32);
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        Round(ref c0, ref c1, ref c2, ref c3, k0, k1);
        Round(ref c0, ref c1, ref c2, ref c3, k0 + Weyl0, k1 + Weyl1);
        Round(ref c0, ref c1, ref c2, ref c3, k0 + unchecked(2 * Weyl0), k1 + unchecked(2 * Weyl1));
        Round(ref c0, ref c1, ref c2, ref c3, k0 + unchecked(3 * Weyl0), k1 + unchecked(3 * Weyl1));
        Round(ref c0, ref c1, ref c2, ref c3, k0 + unchecked(4 * Weyl0), k1 + unchecked(4 * Weyl1));
        Round(ref c0, ref c1, ref c2, ref c3, k0 + unchecked(5 * Weyl0), k1 + unchecked(5 * Weyl1));
        Round(ref c0, ref c1, ref c2, ref c3, k0 + unchecked(6 * Weyl0), k1 + unchecked(6 * Weyl1));
        Round(ref c0, ref c1, ref c2, ref c3, k0 + unchecked(7 * Weyl0), k1 + unchecked(7 * Weyl1));
        Round(ref c0, ref c1, ref c2, ref c3, k0 + unchecked(8 * Weyl0), k1 + unchecked(8 * Weyl1));
        Round(ref c0, ref c1, ref c2, ref c3, k0 + unchecked(9 * Weyl0), k1 + unchecked(9 * Weyl1));
        even = W.Join(c0, c2);
        odd = W.Join(c1, c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round<W>(ref W c0, ref W c1, ref W c2, ref W c3, uint k0, uint k1) where W : struct, IWords<W>
    {
        W p0 = W.Product(c0, M0), p1 = W.Product(c2, M1);
        c0 = W.Xor(W.High(p1), c1, W.Of(k0));
        c1 = p1;
        c2 = W.Xor(W.High(p0), c3, W.Of(k1));
        c3 = p0;
    }
}

/// <summary>Several 64-bit elements side by side, each with one 32-bit word of a Philox counter in its low half.</summary>
internal interface IWords<W> where W : struct, IWords<W>
{
    /// <summary>How many counters stand side by side.</summary>
    static abstract int Count { get; }

    /// <summary>c in every element.</summary>
    static abstract W Of(ulong c);

    /// <summary>first, first + 1, ... in the order in which <see cref="Store"/> wants them.</summary>
    static abstract W Counters(ulong first);

    /// <summary>The 64-bit product of the low half and m.</summary>
    static abstract W Product(W a, uint m);

    /// <summary>The high half, moved down.</summary>
    static abstract W High(W a);

    /// <summary>a ^ b ^ c.</summary>
    static abstract W Xor(W a, W b, W c);

    /// <summary>The low halves of both, those of <paramref name="high"/> moved up.</summary>
    static abstract W Join(W low, W high);

    /// <summary>Turns joined words into numbers and writes 4·<see cref="Count"/> of them in counter order.</summary>
    static abstract void Store<D>(D draw, W even, W odd, ref float to, nint at) where D : struct, IDraw;
}

/// <summary>Makes a pair of numbers from a pair of uniforms in [0, 1) of 24 bits.</summary>
internal interface IDraw
{
    void Pair<L>(ref L even, ref L odd) where L : struct, IVectorLane<L>, ILane<L>;
}

/// <summary>Eight counters in 512 bits.</summary>
internal readonly struct Words512(Vector512<ulong> v) : IWords<Words512>
{
    private readonly Vector512<ulong> _v = v;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 Of(ulong c) => new(Vector512.Create(c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 Counters(ulong first) => new(Vector512.Create(first) + Vector512.Create(0UL, 4, 1, 5, 2, 6, 3, 7));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 Product(Words512 a, uint m) => new(Avx512F.Multiply(a._v.AsUInt32(), Vector512.Create((ulong)m).AsUInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 High(Words512 a) => new(Vector512.ShiftRightLogical(a._v, 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 Xor(Words512 a, Words512 b, Words512 c) => new(a._v ^ b._v ^ c._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words512 Join(Words512 low, Words512 high) => new((low._v & Vector512.Create(0xFFFFFFFFUL)) | Vector512.ShiftLeft(high._v, 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<D>(D draw, Words512 even, Words512 odd, ref float to, nint at) where D : struct, IDraw
    {
        F16 a = Unit(even._v), b = Unit(odd._v);
        draw.Pair(ref a, ref b);
        Avx512F.UnpackLow(a.V, b.V).StoreUnsafe(ref to, (nuint)at);
        Avx512F.UnpackHigh(a.V, b.V).StoreUnsafe(ref to, (nuint)at + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F16 Unit(Vector512<ulong> words) => new(Vector512.ConvertToSingle(Vector512.ShiftRightLogical(words.AsInt32(), 8)) * Vector512.Create(5.9604644775390625e-8f));
}

/// <summary>Four counters in 256 bits.</summary>
internal readonly struct Words256(Vector256<ulong> v) : IWords<Words256>
{
    private readonly Vector256<ulong> _v = v;

    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 Of(ulong c) => new(Vector256.Create(c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 Counters(ulong first) => new(Vector256.Create(first) + Vector256.Create(0UL, 2, 1, 3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 Product(Words256 a, uint m) => new(Avx2.Multiply(a._v.AsUInt32(), Vector256.Create((ulong)m).AsUInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 High(Words256 a) => new(Vector256.ShiftRightLogical(a._v, 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 Xor(Words256 a, Words256 b, Words256 c) => new(a._v ^ b._v ^ c._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Words256 Join(Words256 low, Words256 high) => new((low._v & Vector256.Create(0xFFFFFFFFUL)) | Vector256.ShiftLeft(high._v, 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<D>(D draw, Words256 even, Words256 odd, ref float to, nint at) where D : struct, IDraw
    {
        F8 a = Unit(even._v), b = Unit(odd._v);
        draw.Pair(ref a, ref b);
        Avx.UnpackLow(a.V, b.V).StoreUnsafe(ref to, (nuint)at);
        Avx.UnpackHigh(a.V, b.V).StoreUnsafe(ref to, (nuint)at + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F8 Unit(Vector256<ulong> words) => new(Vector256.ConvertToSingle(Vector256.ShiftRightLogical(words.AsInt32(), 8)) * Vector256.Create(5.9604644775390625e-8f));
}
