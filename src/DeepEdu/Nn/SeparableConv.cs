using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A depthwise convolution, then a 1 × 1 convolution that mixes the channels: [N, C, H, W] → [N, out, oh, ow]. As in Keras' <c>SeparableConv2D(out, k)</c> there is one bias, after the
/// second, and nothing between the two. "depthwise.weight" [C·multiplier, 1, kh, kw], "pointwise.weight" [out, C·multiplier, 1, 1], "pointwise.bias" [out]. Chollet 2017, arXiv:1610.02357.
/// In PyTorch: <c>nn.Conv2d(C, C·multiplier, k, groups=C, bias=False)</c> and <c>nn.Conv2d(C·multiplier, out, 1)</c>.</summary>
public sealed class SeparableConv2d : Layer
{
    private readonly DepthwiseConv2d _depthwise;
    private readonly Conv2d _pointwise;

    /// <summary>A layer with PyTorch's initial values of the two convolutions.</summary>
    /// <param name="channels">C.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="kernel">Height and width of a depthwise kernel.</param>
    /// <param name="rng">Where the initial values come from; two child streams are taken.</param>
    /// <param name="multiplier">Depthwise kernels a channel. Keras' <c>depth_multiplier</c>.</param>
    /// <param name="stride">Steps between outputs.</param>
    /// <param name="padding">A number, a pair, <see cref="ConvPadding.Same"/> or <see cref="ConvPadding.Valid"/>; <see cref="ConvPadding.Circular"/> and others fill it with the image itself.</param>
    /// <param name="dilation">Steps between taps.</param>
    /// <param name="bias">Whether a bias is added at the end.</param>
    /// <param name="init">Other initial values of both weights; the bias then starts at 0.</param>
    public SeparableConv2d(int channels, int outputs, int kernel, Rng rng, int multiplier = 1, int stride = 1, ConvPadding padding = default, int dilation = 1, bool bias = true, Initializer? init = null)
    {
        _depthwise = new(channels, kernel, rng, multiplier, stride, padding, dilation, bias: false, init);
        _pointwise = new(channels * multiplier, outputs, 1, rng, bias: bias, init: init);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => _pointwise.Forward(_depthwise.Forward(x));

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_depthwise).Of(_pointwise);
    }
}

/// <summary>A depthwise convolution along time, then one of length 1 that mixes the channels: [N, C, L] → [N, out, ol]. One bias, at the end. "depthwise.weight" [C·multiplier, 1, k],
/// "pointwise.weight" [out, C·multiplier, 1], "pointwise.bias" [out]. Keras' <c>SeparableConv1D(out, k)</c>; in PyTorch two <c>nn.Conv1d</c>, as for <see cref="SeparableConv2d"/>.</summary>
public sealed class SeparableConv1d : Layer
{
    private readonly DepthwiseConv1d _depthwise;
    private readonly Conv1d _pointwise;

    /// <summary>A layer with PyTorch's initial values of the two convolutions.</summary>
    /// <param name="channels">C.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="kernel">Length of a depthwise kernel.</param>
    /// <param name="rng">Where the initial values come from; two child streams are taken.</param>
    /// <param name="multiplier">Depthwise kernels a channel. Keras' <c>depth_multiplier</c>.</param>
    /// <param name="stride">Steps between outputs.</param>
    /// <param name="padding">A number, <see cref="ConvPadding.Same"/>, <see cref="ConvPadding.Valid"/> or <see cref="ConvPadding.Causal"/>; <see cref="ConvPadding.Circular"/> and others fill it with the line itself.</param>
    /// <param name="dilation">Steps between taps.</param>
    /// <param name="bias">Whether a bias is added at the end.</param>
    /// <param name="init">Other initial values of both weights; the bias then starts at 0.</param>
    public SeparableConv1d(int channels, int outputs, int kernel, Rng rng, int multiplier = 1, int stride = 1, ConvPadding padding = default, int dilation = 1, bool bias = true, Initializer? init = null)
    {
        _depthwise = new(channels, kernel, rng, multiplier, stride, padding, dilation, bias: false, init);
        _pointwise = new(channels * multiplier, outputs, 1, rng, bias: bias, init: init);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => _pointwise.Forward(_depthwise.Forward(x));

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_depthwise).Of(_pointwise);
    }
}
