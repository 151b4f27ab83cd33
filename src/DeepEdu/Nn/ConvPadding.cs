using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>How a convolution treats the border: a number of zeros on each side, <see cref="Valid"/> (none) or <see cref="Same"/> (as many outputs as inputs divided by the stride, rounded up;
/// an odd zero goes to the end, as in Keras and PyTorch).</summary>
public readonly record struct ConvPadding
{
    private readonly bool _same;
    private readonly (int H, int W) _zeros;

    private ConvPadding(bool same, (int H, int W) zeros)
    {
        if (zeros.H < 0 || zeros.W < 0) { throw new ArgumentOutOfRangeException(nameof(zeros), $"conv: padding {zeros} must not be negative"); }
        (_same, _zeros) = (same, zeros);
    }

    /// <summary>No zeros.</summary>
    public static ConvPadding Valid => default;

    /// <summary>As many zeros as keep the size.</summary>
    public static ConvPadding Same => new(true, default);

    /// <summary>The same number of zeros on every side.</summary>
    public static implicit operator ConvPadding(int zeros) => new(false, (zeros, zeros));

    /// <summary>Zeros above and below, and left and right.</summary>
    public static implicit operator ConvPadding((int H, int W) zeros) => new(false, zeros);

    /// <summary>Zeros before and after an axis of size n.</summary>
    internal (int Before, int After) Of(int n, int kernel, int stride, int dilation, bool height)
    {
        if (!_same) { return height ? (_zeros.H, _zeros.H) : (_zeros.W, _zeros.W); }
        int outputs = (n + stride - 1) / stride, all = Math.Max(0, ((outputs - 1) * stride) + (dilation * (kernel - 1)) + 1 - n);
        return (all / 2, all - (all / 2));
    }
}
