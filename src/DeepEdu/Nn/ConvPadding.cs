using DeepEdu.Ops;

namespace DeepEdu.Nn;

/// <summary>How a convolution treats the border: a number of zeros on each side, <see cref="Valid"/> (none), <see cref="Same"/> (as many outputs as inputs divided by the stride, rounded up;
/// an odd zero goes to the end, as in Keras and PyTorch), or <see cref="Causal"/> (all zeros before the first step, so that no output sees a later input). In place of zeros there may be the image
/// itself: <see cref="Circular"/>, <see cref="Reflect"/>, <see cref="Replicate"/>, PyTorch's <c>padding_mode</c>.</summary>
public readonly record struct ConvPadding
{
    private enum Kind { Zeros, Same, Causal }

    private readonly Kind _kind;
    private readonly (int H, int W) _zeros;

    private readonly PadMode _fill;

    private ConvPadding(Kind kind, (int H, int W) zeros)
    {
        if (zeros.H < 0 || zeros.W < 0) { throw new ArgumentOutOfRangeException(nameof(zeros), $"conv: padding {zeros} must not be negative"); }
        (_kind, _zeros) = (kind, zeros);
    }

    private ConvPadding(ConvPadding widths, PadMode fill)
    {
        if (widths._kind == Kind.Causal && fill != PadMode.Replicate) { throw new ArgumentException($"conv: causal padding must not see later steps, which {fill} shows; take zeros or Replicate", nameof(widths)); }
        (_kind, _zeros, _fill) = (widths._kind, widths._zeros, fill);
    }

    /// <summary>No zeros.</summary>
    public static ConvPadding Valid => default;

    /// <summary>As many zeros as keep the size.</summary>
    public static ConvPadding Same => new(Kind.Same, default);

    /// <summary>dilation·(kernel − 1) zeros before the first step, for one time axis: van den Oord et al. 2016, arXiv:1609.03499, §2.1. Keras' <c>padding="causal"</c>.</summary>
    public static ConvPadding Causal => new(Kind.Causal, default);

    /// <summary>As wide as <paramref name="widths"/>, filled from the other end, as if the image were a ring: <c>padding: ConvPadding.Circular(1)</c>. PyTorch's <c>padding_mode="circular"</c>.</summary>
    /// <exception cref="ArgumentException">Causal widths: the other end is the future.</exception>
    public static ConvPadding Circular(ConvPadding widths) => new(widths, PadMode.Circular);

    /// <summary>As wide as <paramref name="widths"/>, filled with the image mirrored at its border; each width below the image's. PyTorch's <c>padding_mode="reflect"</c>.</summary>
    /// <exception cref="ArgumentException">Causal widths: a mirror shows what comes later.</exception>
    public static ConvPadding Reflect(ConvPadding widths) => new(widths, PadMode.Reflect);

    /// <summary>As wide as <paramref name="widths"/>, filled with the value at the border. PyTorch's <c>padding_mode="replicate"</c>.</summary>
    public static ConvPadding Replicate(ConvPadding widths) => new(widths, PadMode.Replicate);

    /// <summary>The same number of zeros on every side.</summary>
    public static implicit operator ConvPadding(int zeros) => new(Kind.Zeros, (zeros, zeros));

    /// <summary>Zeros above and below, and left and right.</summary>
    public static implicit operator ConvPadding((int H, int W) zeros) => new(Kind.Zeros, zeros);

    /// <summary>Throws for an image, whose axes are no time.</summary>
    internal ConvPadding OfImage(string op) => _kind != Kind.Causal ? this
        : throw new ArgumentException($"{op}: causal padding needs one time axis; an image takes zeros, Same or Valid (pad one side with Pad)");

    /// <summary>What stands in the padding; <see cref="PadMode.Constant"/> are zeros, which a convolution adds by itself where both sides have as many.</summary>
    internal PadMode Fill => _fill;

    /// <summary>Zeros before and after an axis of size n.</summary>
    internal (int Before, int After) Of(int n, int kernel, int stride, int dilation, bool height)
    {
        if (_kind == Kind.Causal) { return (dilation * (kernel - 1), 0); }
        if (_kind == Kind.Zeros) { return height ? (_zeros.H, _zeros.H) : (_zeros.W, _zeros.W); }
        int outputs = (n + stride - 1) / stride, all = Math.Max(0, ((outputs - 1) * stride) + (dilation * (kernel - 1)) + 1 - n);
        return (all / 2, all - (all / 2));
    }
}
