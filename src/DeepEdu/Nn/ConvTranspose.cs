using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Transposed convolution, which makes images larger: [N, C, H, W] → [N, out, oh, ow], oh = (H − 1)·stride − 2·padding + dilation·(k − 1) + outputPadding + 1; "weight"
/// [C, out / groups, kh, kw], "bias" [out]. Zeiler et al. 2010. PyTorch's <c>nn.ConvTranspose2d(C, out, k)</c>, Keras' <c>Conv2DTranspose(out, k)</c> with channels first.</summary>
public sealed class ConvTranspose2d : Layer, IWeighted
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly (int H, int W) _stride, _padding, _outputPadding, _dilation;
    private readonly int _groups;

    /// <summary>A layer with a square kernel and PyTorch's initial values: uniform in ±1/√(out/groups · k · k).</summary>
    /// <param name="channels">C.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="kernel">Height and width of a kernel.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="stride">How much larger the output gets.</param>
    /// <param name="padding">Lines cut off each side.</param>
    /// <param name="outputPadding">Lines more at the end, below the stride or the dilation.</param>
    /// <param name="dilation">Steps between taps.</param>
    /// <param name="groups">How many runs of channels that do not see each other; both channel counts must be multiples of it.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="init">Other initial values of the weight; the bias then starts at 0.</param>
    public ConvTranspose2d(int channels, int outputs, int kernel, Rng rng, int stride = 1, int padding = 0, int outputPadding = 0, int dilation = 1, int groups = 1, bool bias = true,
        Initializer? init = null)
        : this(channels, outputs, (kernel, kernel), rng, (stride, stride), (padding, padding), (outputPadding, outputPadding), (dilation, dilation), groups, bias, init) { }

    /// <summary>A layer whose options differ between height and width.</summary>
    /// <inheritdoc cref="ConvTranspose2d(int, int, int, Rng, int, int, int, int, int, bool, Initializer?)"/>
    public ConvTranspose2d(int channels, int outputs, (int H, int W) kernel, Rng rng, (int H, int W)? stride = null, (int H, int W) padding = default, (int H, int W) outputPadding = default,
        (int H, int W)? dilation = null, int groups = 1, bool bias = true, Initializer? init = null)
    {
        (_stride, _padding, _outputPadding, _dilation, _groups) = (stride ?? (1, 1), padding, outputPadding, dilation ?? (1, 1), groups);
        (_weight, _bias) = ConvWeights.New("conv-transpose2d", channels, outputs, groups, transposed: true, [kernel.H, kernel.W], bias, rng, init);
    }

    /// <summary>The kernels [C, out / groups, kh, kw].</summary>
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

    private Tensor Run(Tensor x, Tensor weight)
    {
        try { return x.ConvTranspose2d(weight, _bias, _stride, _padding, _outputPadding, _dilation, _groups); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>Transposed convolution along time: [N, C, L] → [N, out, (L − 1)·stride − 2·padding + dilation·(k − 1) + outputPadding + 1]; "weight" [C, out / groups, k], "bias" [out].
/// PyTorch's <c>nn.ConvTranspose1d(C, out, k)</c>, Keras' <c>Conv1DTranspose(out, k)</c> with channels first.</summary>
public sealed class ConvTranspose1d : Layer, IWeighted
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly int _stride, _padding, _outputPadding, _dilation, _groups;

    /// <summary>A layer with PyTorch's initial values: uniform in ±1/√(out/groups · k).</summary>
    /// <param name="channels">C.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="kernel">Length of a kernel.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="stride">How much longer the output gets.</param>
    /// <param name="padding">Places cut off each side.</param>
    /// <param name="outputPadding">Places more at the end, below the stride or the dilation.</param>
    /// <param name="dilation">Steps between taps.</param>
    /// <param name="groups">How many runs of channels that do not see each other; both channel counts must be multiples of it.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="init">Other initial values of the weight; the bias then starts at 0.</param>
    public ConvTranspose1d(int channels, int outputs, int kernel, Rng rng, int stride = 1, int padding = 0, int outputPadding = 0, int dilation = 1, int groups = 1, bool bias = true,
        Initializer? init = null)
    {
        (_stride, _padding, _outputPadding, _dilation, _groups) = (stride, padding, outputPadding, dilation, groups);
        (_weight, _bias) = ConvWeights.New("conv-transpose1d", channels, outputs, groups, transposed: true, [kernel], bias, rng, init);
    }

    /// <summary>The kernels [C, out / groups, k].</summary>
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

    private Tensor Run(Tensor x, Tensor weight)
    {
        try { return x.ConvTranspose1d(weight, _bias, _stride, _padding, _outputPadding, _dilation, _groups); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
