using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>One-dimensional convolution: [N, C, L] → [N, out, ol]; "weight" [out, C / groups, k], "bias" [out]. PyTorch's <c>nn.Conv1d(C, out, k)</c>,
/// Keras' <c>Conv1D(out, k)</c> with channels first.</summary>
public sealed class Conv1d : Layer, IWeighted
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly int _kernel, _stride, _dilation, _groups;
    private readonly ConvPadding _padding;

    /// <summary>A layer with PyTorch's initial values: uniform in ±1/√(C/groups · k).</summary>
    /// <param name="channels">C.</param>
    /// <param name="outputs">How many kernels.</param>
    /// <param name="kernel">Length of a kernel.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="stride">Steps between outputs.</param>
    /// <param name="padding">A number, <see cref="ConvPadding.Same"/>, <see cref="ConvPadding.Valid"/> or <see cref="ConvPadding.Causal"/>; <see cref="ConvPadding.Circular"/> and others fill it with the line itself.</param>
    /// <param name="dilation">Steps between taps.</param>
    /// <param name="groups">How many runs of channels that do not see each other; both channel counts must be multiples of it.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="init">Other initial values of the weight; the bias then starts at 0.</param>
    public Conv1d(int channels, int outputs, int kernel, Rng rng, int stride = 1, ConvPadding padding = default, int dilation = 1, int groups = 1, bool bias = true, Initializer? init = null)
    {
        (_kernel, _stride, _dilation, _padding, _groups) = (kernel, stride, dilation, padding, groups);
        (_weight, _bias) = ConvWeights.New("conv1d", channels, outputs, groups, transposed: false, [kernel], bias, rng, init);
    }

    /// <summary>The kernels [out, C / groups, k].</summary>
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
        ArgumentNullException.ThrowIfNull(x);
        try
        {
            if (x.Rank != 3) { return x.Conv1d(weight, _bias); }
            var (before, after) = _padding.Of(x.Shape[2], _kernel, _stride, _dilation, false);
            if (before != after || _padding.Fill != PadMode.Constant) { (x, before) = (x.Pad([(before, after)], _padding.Fill), 0); }
            return x.Conv1d(weight, _bias, _stride, before, _dilation, _groups);
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
