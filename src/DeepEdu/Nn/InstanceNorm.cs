using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Each channel of each sample to mean 0 and variance 1 over its positions: Ulyanov et al. 2016, arXiv:1607.08022. x is [N, C, ..]. As in PyTorch nothing is learned and nothing is kept unless
/// asked for: "weight" and "bias" [C] with affine; "running_mean", "running_var" [C] and "num_batches_tracked" (which PyTorch keeps and never counts) with statistics.
/// PyTorch's <c>nn.InstanceNorm1d(C)</c> and <c>nn.InstanceNorm2d(C)</c>; Keras' <c>GroupNormalization(groups=-1)</c>.</summary>
public sealed class InstanceNorm : Layer
{
    private readonly Parameter? _weight, _bias;
    private readonly Tensor? _mean, _variance, _batches;
    private readonly float _momentum, _eps;

    /// <summary>A layer with scale 1, shift 0, running mean 0 and running variance 1.</summary>
    /// <param name="channels">C.</param>
    /// <param name="momentum">How far the running statistics move towards the mean of the batch's.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="affine">Whether scale and shift are learned.</param>
    /// <param name="trackStatistics">Whether running statistics are kept, and used instead of a sample's own when not learning.</param>
    public InstanceNorm(int channels, float momentum = 0.1f, float eps = 1e-5f, bool affine = false, bool trackStatistics = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        (_momentum, _eps) = (momentum, eps);
        if (affine)
        {
            (_weight, _bias) = (new([channels]), new([channels]));
            _weight.AsSpan().Fill(1);
            _bias.AsSpan().Clear();
        }
        if (trackStatistics)
        {
            (_mean, _variance, _batches) = (Tensor.Persistent([channels]), Tensor.Persistent([channels]), Tensor.Persistent([]));
            _mean.AsSpan().Clear();
            _variance.AsSpan().Fill(1);
            _batches.AsSpan().Clear();
        }
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.InstanceNorm(_mean, _variance, _weight, _bias, _momentum, _eps); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    protected internal override string? Mixes => _mean is null ? null : "its running statistics are taken from the samples without noise; make it without trackStatistics";

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight).Of(_bias).Buffer(_mean, "running_mean").Buffer(_variance, "running_var").Buffer(_batches, "num_batches_tracked");
    }
}
