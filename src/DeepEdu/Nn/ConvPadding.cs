using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>How a convolution treats the border: a number of zeros on each side, <see cref="Valid"/> (none), <see cref="Same"/> (as many outputs as inputs divided by the stride, rounded up;
/// an odd zero goes to the end, as in Keras and PyTorch), or <see cref="Causal"/> (all zeros before the first step, so that no output sees a later input).</summary>
public readonly record struct ConvPadding
{
    private enum Kind { Zeros, Same, Causal }

    private readonly Kind _kind;
    private readonly (int H, int W) _zeros;

    private ConvPadding(Kind kind, (int H, int W) zeros)
    {
        if (zeros.H < 0 || zeros.W < 0) { throw new ArgumentOutOfRangeException(nameof(zeros), $"conv: padding {zeros} must not be negative"); }
        (_kind, _zeros) = (kind, zeros);
    }

    /// <summary>No zeros.</summary>
    public static ConvPadding Valid => default;

    /// <summary>As many zeros as keep the size.</summary>
    public static ConvPadding Same => new(Kind.Same, default);

    /// <summary>dilation·(kernel − 1) zeros before the first step, for one time axis: van den Oord et al. 2016, arXiv:1609.03499, §2.1. Keras' <c>padding="causal"</c>.</summary>
    public static ConvPadding Causal => new(Kind.Causal, default);

    /// <summary>The same number of zeros on every side.</summary>
    public static implicit operator ConvPadding(int zeros) => new(Kind.Zeros, (zeros, zeros));

    /// <summary>Zeros above and below, and left and right.</summary>
    public static implicit operator ConvPadding((int H, int W) zeros) => new(Kind.Zeros, zeros);

    /// <summary>Throws for an image, whose axes are no time.</summary>
    internal ConvPadding OfImage(string op) => _kind != Kind.Causal ? this
        : throw new ArgumentException($"{op}: causal padding needs one time axis; an image takes zeros, Same or Valid (pad one side with Pad)");

    /// <summary>Zeros before and after an axis of size n.</summary>
    internal (int Before, int After) Of(int n, int kernel, int stride, int dilation, bool height)
    {
        if (_kind == Kind.Causal) { return (dilation * (kernel - 1), 0); }
        if (_kind == Kind.Zeros) { return height ? (_zeros.H, _zeros.H) : (_zeros.W, _zeros.W); }
        int outputs = (n + stride - 1) / stride, all = Math.Max(0, ((outputs - 1) * stride) + (dilation * (kernel - 1)) + 1 - n);
        return (all / 2, all - (all / 2));
    }
}
