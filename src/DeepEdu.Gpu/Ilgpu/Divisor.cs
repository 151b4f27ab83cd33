using System.Numerics;

namespace DeepEdu.Gpu;

/// <summary>A number that kernels divide by: a product and a shift in place of the twenty instructions of a division by what only the launch knows.
/// For 0 ≤ n &lt; 2³¹ and 2^(s−1) &lt; d ≤ 2^s, n/d = ⌊n·(⌊2^(31+s)/d⌋ + 1)/2^(31+s)⌋: Granlund, Montgomery 1994, theorem 4.2.</summary>
internal readonly struct Divisor
{
    private readonly uint _factor;
    private readonly int _shift;

    public Divisor(int value)
    {
        Value = (uint)value;
        _shift = 31 + BitOperations.Log2(BitOperations.RoundUpToPowerOf2(Value));
        _factor = value == 1 ? 1u << 31 : (uint)(((1UL << _shift) / Value) + 1);
    }

    public uint Value { get; }

    /// <summary>⌊n/value⌋ of n below 2³¹.</summary>
    public uint Divide(uint n) => (uint)(((ulong)n * _factor) >> _shift);
}
