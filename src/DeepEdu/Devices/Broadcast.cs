using System.Runtime.CompilerServices;

namespace DeepEdu.Devices;

/// <summary>How up to three operands are read while a result is written in order: NumPy broadcasting with neighbouring axes merged.
/// A stride of 0 repeats a value.</summary>
public struct Broadcast
{
    /// <summary>The most axes that may remain after merging.</summary>
    public const int MaxRank = 8;

    /// <summary>Axes after merging, outermost first; at least 1.</summary>
    public int Rank;

    /// <summary>Size of each axis.</summary>
    public Axes Sizes;

    /// <summary>Steps of the first operand, in floats.</summary>
    public Axes A;

    /// <summary>Steps of the second operand, in floats.</summary>
    public Axes B;

    /// <summary>Steps of the third operand, in floats.</summary>
    public Axes C;

    /// <summary>All operands as long as the result.</summary>
    public static Broadcast Flat(int length)
    {
        Broadcast b = default;
        b.Rank = 1;
        b.Sizes[0] = length;
        b.A[0] = b.B[0] = b.C[0] = 1;
        return b;
    }

    /// <summary>Up to <see cref="MaxRank"/> numbers, one an axis.</summary>
    [InlineArray(MaxRank)]
    public struct Axes
    {
        private int _first;
    }
}
