using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Two-dimensional convolution: [N, C, H, W] → [N, out, oh, ow]; "weight" [out, C / groups, kh, kw], "bias" [out]. LeCun et al. 1989.
/// PyTorch's <c>nn.Conv2d(C, out, k)</c>, Keras' <c>Conv2D(out, k)</c> with channels first.</summary>
public sealed class Conv2d : Layer, IWeighted
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly (int H, int W) _kernel, _stride, _dilation;
    private readonly ConvPadding _padding;
    private readonly int _groups;

    /// <summary>A layer with a square kernel and PyTorch's initial values: uniform in ±1/√(C/groups · k · k).</summary>
    /// <param name="channels">C.</param>
    /// <param name="outputs">How many kernels.</param>
    /// <param name="kernel">Height and width of a kernel.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="stride">Steps between outputs.</param>
    /// <param name="padding">A number, a pair, <see cref="ConvPadding.Same"/> or <see cref="ConvPadding.Valid"/>; <see cref="ConvPadding.Circular"/> and others fill it with the image itself.</param>
    /// <param name="dilation">Steps between taps.</param>
    /// <param name="groups">How many runs of channels that do not see each other; both channel counts must be multiples of it.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="init">Other initial values of the weight; the bias then starts at 0.</param>
    public Conv2d(int channels, int outputs, int kernel, Rng rng, int stride = 1, ConvPadding padding = default, int dilation = 1, int groups = 1, bool bias = true, Initializer? init = null)
        : this(channels, outputs, (kernel, kernel), rng, (stride, stride), padding, (dilation, dilation), groups, bias, init) { }

    /// <summary>A layer whose kernel, stride or dilation differ between height and width.</summary>
    /// <inheritdoc cref="Conv2d(int, int, int, Rng, int, ConvPadding, int, int, bool, Initializer?)"/>
    public Conv2d(int channels, int outputs, (int H, int W) kernel, Rng rng, (int H, int W)? stride = null, ConvPadding padding = default, (int H, int W)? dilation = null, int groups = 1,
        bool bias = true, Initializer? init = null)
    {
        (_kernel, _stride, _dilation, _padding, _groups) = (kernel, stride ?? (1, 1), dilation ?? (1, 1), padding.OfImage("conv2d"), groups);
        (_weight, _bias) = ConvWeights.New("conv2d", channels, outputs, groups, transposed: false, [kernel.H, kernel.W], bias, rng, init);
    }

    /// <summary>The kernels [out, C / groups, kh, kw].</summary>
    public Parameter Weight => _weight;

    /// <summary>The bias [out], or none.</summary>
    public Parameter? Bias => _bias;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Run(x, _weight);

    Tensor IWeighted.Forward(Tensor x, Tensor weight) => Run(x, weight);

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight).Of(_bias);
    }

    internal override Layer? Fuse(Layer next) => next is Relu ? new WithRelu(this) : null;

    private Tensor Run(Tensor x, Tensor weight)
    {
        try
        {
            var padding = Border(ref x);
            return x.Conv2d(weight, _bias, _stride, padding, _dilation, _groups);
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    // zeros that the kernel adds by itself; unequal sides and other values are padded beforehand
    private (int H, int W) Border(ref Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank != 4) { return default; }
        var (top, bottom) = _padding.Of(x.Shape[2], _kernel.H, _stride.H, _dilation.H, true);
        var (left, right) = _padding.Of(x.Shape[3], _kernel.W, _stride.W, _dilation.W, false);
        if (top == bottom && left == right && _padding.Fill == PadMode.Constant) { return (top, left); }
        x = x.Pad([(top, bottom), (left, right)], _padding.Fill);
        return default;
    }

    private sealed class WithRelu(Conv2d conv) : Layer
    {
        public override string Kind => conv.Kind;

        public override Tensor Forward(Tensor x)
        {
            try
            {
                var padding = conv.Border(ref x);
                return x.Conv2dRelu(conv._weight, conv._bias, conv._stride, padding, conv._dilation, conv._groups);
            }
            catch (ShapeException e) when (conv.Places(e)) { throw; }
        }

        internal override Layer? Fuse(Layer next) => next is MaxPool2d { IsTwoByTwo: true } ? new WithReluAndPool(conv) : null;
    }

    private sealed class WithReluAndPool(Conv2d conv) : Layer
    {
        public override string Kind => conv.Kind;

        public override Tensor Forward(Tensor x)
        {
            try
            {
                var padding = conv.Border(ref x);
                return x.Conv2dReluMaxPool(conv._weight, conv._bias, conv._stride, padding, conv._dilation, conv._groups);
            }
            catch (ShapeException e) when (conv.Places(e)) { throw; }
        }
    }
}
