using System.Runtime.CompilerServices;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>What 32 bits of a factor hold for tensor cores.</summary>
internal interface IWord
{
    /// <summary>Values of a word, neighbours along k.</summary>
    static abstract int Values { get; }

    /// <summary>Four words: of one line or, where lines lie side by side in memory, of four.</summary>
    static abstract Word4 Load(FactorMemory memory, Floats x, int line, int k);

    /// <summary>sum + a·b.</summary>
    static abstract float MultiplyAdd(int a, int b, float sum);
}

/// <summary>One value with 11 significant bits, rounded to the nearest, halves away from 0, as <c>cvt.rna.tf32.f32</c> does.</summary>
internal readonly struct Tf32 : IWord
{
    public static int Values => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Word4 Load(FactorMemory memory, Floats x, int line, int k)
    {
        var v = memory.Get(x, line, k);
        Word4 w = default;
        w.X = Round(v.X);
        w.Y = Round(v.Y);
        w.Z = Round(v.Z);
        w.W = Round(v.W);
        return w;
    }

    public static float MultiplyAdd(int a, int b, float sum) => sum + (BitConverter.Int32BitsToSingle(a) * BitConverter.Int32BitsToSingle(b));

    /// <summary>The bits; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Round(float v)
    {
        const int Dropped = 0x1FFF, Half = 0x1000, Quiet = 0x00400000;
        int bits = BitConverter.SingleToInt32Bits(v);
        return float.IsNaN(v) ? bits | Quiet : (bits + Half) & ~Dropped;
    }
}

/// <summary>Two values with 8 significant bits, the first in the lower half, rounded to the nearest, halves to even, as <c>cvt.rn.bf16.f32</c> does.</summary>
internal readonly struct BFloat16Pair : IWord
{
    public static int Values => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Word4 Load(FactorMemory memory, Floats x, int line, int k)
    {
        // behind them, or on the next line along k
        bool along = memory.Along != 0;
        Float4 v = memory.Get(x, line, k), w = memory.Get(x, line, along ? k + 1 : k + 4);
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
        const int Half = 0x7FFF, Quiet = 0x40;
        uint bits = (uint)BitConverter.SingleToInt32Bits(v);
        return (int)(float.IsNaN(v) ? (bits >> 16) | Quiet : (bits + Half + ((bits >> 16) & 1)) >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Pair(float low, float high) => (Round(low) & 0xFFFF) | (Round(high) << 16);

    private static float Low(int word) => BitConverter.Int32BitsToSingle(word << 16);

    private static float High(int word) => BitConverter.Int32BitsToSingle(word & unchecked((int)0xFFFF0000));
}
