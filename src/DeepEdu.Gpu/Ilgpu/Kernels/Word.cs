using System.Runtime.CompilerServices;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Values before they are rounded: what lies side by side in memory and, of words that hold two, what lies behind it or on the next line along k.</summary>
internal struct RawWords
{
    public Float4 First, Second;
}

/// <summary>What 32 bits of a factor hold for tensor cores.</summary>
internal interface IWord
{
    /// <summary>Values of a word, neighbours along k.</summary>
    static abstract int Values { get; }

    /// <summary>The values of four words, of one line or, where lines lie side by side in memory, of four.</summary>
    static abstract RawWords Load(FactorPlace place, int k0);

    /// <summary>The words themselves: rounded as late as that, so that products are made while values are on their way.</summary>
    static abstract Word4 Pack(RawWords raw, bool along);

    /// <summary>sum + a·b.</summary>
    static abstract float MultiplyAdd(int a, int b, float sum);
}

/// <summary>One value with 11 significant bits, rounded to the nearest, halves away from 0, as <c>cvt.rna.tf32.f32</c> does.</summary>
internal readonly struct Tf32 : IWord
{
    public static int Values => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RawWords Load(FactorPlace place, int k0)
    {
        RawWords raw = default;
        raw.First = place.Get(k0);
        return raw;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Word4 Pack(RawWords raw, bool along)
    {
        Word4 w = default;
        w.X = Round(raw.First.X);
        w.Y = Round(raw.First.Y);
        w.Z = Round(raw.First.Z);
        w.W = Round(raw.First.W);
        return w;
    }

    public static float MultiplyAdd(int a, int b, float sum) => sum + (BitConverter.Int32BitsToSingle(a) * BitConverter.Int32BitsToSingle(b));

    /// <summary>The bits; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Round(float v)
    {
        const int Dropped = 0x1FFF, Half = 0x1000, Nan = 0x7FC00000;
        int bits = BitConverter.SingleToInt32Bits(v);
        return v <= float.PositiveInfinity ? (bits + Half) & ~Dropped : Nan; // NaN is below nothing
    }
}

/// <summary>Two values with 8 significant bits, the first in the lower half, rounded to the nearest, halves to even, as <c>cvt.rn.bf16.f32</c> does.</summary>
internal readonly struct BFloat16Pair : IWord
{
    public static int Values => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RawWords Load(FactorPlace place, int k0)
    {
        RawWords raw = default;
        raw.First = place.Get(k0);
        raw.Second = place.Get(k0 + (place.Along != 0 ? 1 : 4));
        return raw;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Word4 Pack(RawWords raw, bool along)
    {
        Float4 v = raw.First, w = raw.Second;
        Word4 words = default;
        words.X = Pair(v.X, along ? w.X : v.Y);
        words.Y = Pair(along ? v.Y : v.Z, along ? w.Y : v.W);
        words.Z = Pair(along ? v.Z : w.X, along ? w.Z : w.Y);
        words.W = Pair(along ? v.W : w.Z, w.W);
        return words;
    }

    public static float MultiplyAdd(int a, int b, float sum) => sum + (Low(a) * Low(b)) + (High(a) * High(b));

    /// <summary>The bits in the lower half; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Round(float v)
    {
        const uint Half = 0x7FFF, Nan = 0x7FC0;
        uint bits = (uint)BitConverter.SingleToInt32Bits(v);
        return (int)(v <= float.PositiveInfinity ? (bits + Half + ((bits >> 16) & 1)) >> 16 : Nan);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Pair(float low, float high) => (Round(low) & 0xFFFF) | (Round(high) << 16);

    private static float Low(int word) => BitConverter.Int32BitsToSingle(word << 16);

    private static float High(int word) => BitConverter.Int32BitsToSingle(word & unchecked((int)0xFFFF0000));
}
