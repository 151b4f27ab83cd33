using DeepEdu.Autograd;
using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Each channel to mean 0 and variance 1 over the batch, then scaled and shifted: Ioffe and Szegedy 2015, arXiv:1502.03167. x is [N, C] or [N, C, ..].
/// While learning the batch's statistics are used and move the running ones; in use, the running ones. "weight", "bias", and the buffers "running_mean" and "running_var", all [C], and "num_batches_tracked", a single value. It counts learned batches, a whole number up to 2²⁴ held as a float.
/// Frozen, it acts as in use and its running statistics stay, as in Keras; PyTorch asks for <c>eval()</c> of the layer beside <c>requires_grad_(False)</c>.
/// PyTorch's <c>nn.BatchNorm1d</c> and <c>nn.BatchNorm2d</c>, Keras' <c>BatchNormalization</c> (whose momentum is 1 − this one).</summary>
public sealed class BatchNorm : Layer
{
    private readonly Parameter? _weight, _bias;
    private readonly Tensor? _mean, _variance, _batches;
    private readonly float? _momentum;
    private readonly float _eps;
    private bool _refreshing, _frozen;

    /// <summary>A layer with scale 1, shift 0, running mean 0 and running variance 1.</summary>
    /// <param name="channels">C.</param>
    /// <param name="momentum">How far the running statistics move towards the batch's; null: they are the plain mean over all batches so far.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="affine">Whether scale and shift are learned.</param>
    /// <param name="trackStatistics">Whether running statistics are kept; without them the batch's are always used.</param>
    public BatchNorm(int channels, float? momentum = 0.1f, float eps = 1e-5f, bool affine = true, bool trackStatistics = true)
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
            _batches.CopyFrom([0]);
            _mean.AsSpan().Clear();
            _variance.AsSpan().Fill(1);
        }
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try
        {
            float momentum = _momentum ?? 0;
            bool frozen = IsFrozen;
            if (_batches is not null && Tape.IsTraining && !Tape.IsReplaying && !frozen)
            {
                _batches.Device.Map(new Arithmetic.ShiftFormula(1), _batches.View, _batches.View);
                if (_refreshing || _momentum is null) { momentum = 1 / _batches.Item(); }
            }
            return x.BatchNorm(_mean, _variance, _weight, _bias, momentum, _eps, frozen ? false : null);
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <summary>Makes the running statistics of every batch norm in a model anew, as the plain mean over some batches: under averaged weights (<c>WeightAverage</c>) the old ones do not hold.
    /// Izmailov et al. 2018, arXiv:1803.05407, §3.2. <c>torch.optim.swa_utils.update_bn</c>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batches">Data; each batch counts alike.</param>
    /// <param name="forward">Runs the model on a batch.</param>
    public static void Refresh<T>(Module model, IEnumerable<T> batches, Action<T> forward)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(forward);
        var parts = new Parts();
        parts.Of(model, "");
        BatchNorm[] norms = [.. parts.Modules.Select(m => m.Value).OfType<BatchNorm>()];
        foreach (var norm in norms)
        {
            norm._refreshing = true;
            norm._batches?.Device.Fill(norm._batches.View, 0);
        }
        try
        {
            foreach (var batch in batches)
            {
                using var tape = new Tape();
                using var arena = new Arena(); // in which nothing is remembered
                forward(batch);
            }
        }
        finally
        {
            foreach (var norm in norms) { norm._refreshing = false; }
        }
    }

    /// <inheritdoc/>
    protected internal override string? Mixes => IsFrozen ? null
        : "it normalises by the statistics of a batch; use GroupNorm, LayerNorm or InstanceNorm, or Freeze() it, so that its running statistics are used and stay";

    private bool IsFrozen => _mean is not null && (_frozen || _weight is { Trainable: false });

    /// <inheritdoc/>
    private protected override void Learns(bool value) => _frozen = !value;

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight).Of(_bias).Buffer(_mean, "running_mean").Buffer(_variance, "running_var").Buffer(_batches, "num_batches_tracked");
    }
}
