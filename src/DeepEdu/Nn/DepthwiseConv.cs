using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Convolution of each channel by kernels of its own: [N, C, H, W] → [N, C·multiplier, oh, ow]; "weight" [C·multiplier, 1, kh, kw], "bias" [C·multiplier]. The outputs of a channel stand
/// side by side. Sifre 2014; Chollet 2017, arXiv:1610.02357. PyTorch's <c>nn.Conv2d(C, C·multiplier, k, groups=C)</c>, Keras' <c>DepthwiseConv2D(k, depth_multiplier)</c> with channels first.</summary>
public sealed class DepthwiseConv2d : Layer
{
    private readonly Conv2d _conv;

    /// <summary>A layer with PyTorch's initial values: uniform in ±1/√(k · k).</summary>
    /// <param name="channels">C.</param>
    /// <param name="kernel">Height and width of a kernel.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="multiplier">Kernels a channel.</param>
    /// <param name="stride">Steps between outputs.</param>
    /// <param name="padding">A number, a pair, <see cref="ConvPadding.Same"/> or <see cref="ConvPadding.Valid"/>; <see cref="ConvPadding.Circular"/> and others fill it with the image itself.</param>
    /// <param name="dilation">Steps between taps.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="init">Other initial values of the weight; the bias then starts at 0.</param>
    public DepthwiseConv2d(int channels, int kernel, Rng rng, int multiplier = 1, int stride = 1, ConvPadding padding = default, int dilation = 1, bool bias = true, Initializer? init = null)
        : this(channels, (kernel, kernel), rng, multiplier, (stride, stride), padding, (dilation, dilation), bias, init) { }

    /// <summary>A layer whose kernel, stride or dilation differ between height and width.</summary>
    /// <inheritdoc cref="DepthwiseConv2d(int, int, Rng, int, int, ConvPadding, int, bool, Initializer?)"/>
    public DepthwiseConv2d(int channels, (int H, int W) kernel, Rng rng, int multiplier = 1, (int H, int W)? stride = null, ConvPadding padding = default, (int H, int W)? dilation = null,
        bool bias = true, Initializer? init = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multiplier);
        _conv = new(channels, channels * multiplier, kernel, rng, stride, padding, dilation, channels, bias, init);
    }

    /// <summary>The kernels [C·multiplier, 1, kh, kw].</summary>
    public Parameter Weight => _conv.Weight;

    /// <summary>The bias [C·multiplier], or none.</summary>
    public Parameter? Bias => _conv.Bias;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => _conv.Forward(x);

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_conv, "");
    }
}

/// <summary>One-dimensional convolution of each channel by kernels of its own: [N, C, L] → [N, C·multiplier, ol]; "weight" [C·multiplier, 1, k], "bias" [C·multiplier].
/// PyTorch's <c>nn.Conv1d(C, C·multiplier, k, groups=C)</c>, Keras' <c>DepthwiseConv1D(k, depth_multiplier)</c> with channels first.</summary>
public sealed class DepthwiseConv1d : Layer
{
    private readonly Conv1d _conv;

    /// <summary>A layer with PyTorch's initial values: uniform in ±1/√k.</summary>
    /// <param name="channels">C.</param>
    /// <param name="kernel">Length of a kernel.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="multiplier">Kernels a channel.</param>
    /// <param name="stride">Steps between outputs.</param>
    /// <param name="padding">A number, <see cref="ConvPadding.Same"/>, <see cref="ConvPadding.Valid"/> or <see cref="ConvPadding.Causal"/>; <see cref="ConvPadding.Circular"/> and others fill it with the line itself.</param>
    /// <param name="dilation">Steps between taps.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="init">Other initial values of the weight; the bias then starts at 0.</param>
    public DepthwiseConv1d(int channels, int kernel, Rng rng, int multiplier = 1, int stride = 1, ConvPadding padding = default, int dilation = 1, bool bias = true, Initializer? init = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multiplier);
        _conv = new(channels, channels * multiplier, kernel, rng, stride, padding, dilation, channels, bias, init);
    }

    /// <summary>The kernels [C·multiplier, 1, k].</summary>
    public Parameter Weight => _conv.Weight;

    /// <summary>The bias [C·multiplier], or none.</summary>
    public Parameter? Bias => _conv.Bias;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => _conv.Forward(x);

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_conv, "");
    }
}
