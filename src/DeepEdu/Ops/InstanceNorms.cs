using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Normalisation of each channel of each sample. Ulyanov, Vedaldi, Lempitsky 2016, arXiv:1607.08022.</summary>
public static class InstanceNorms
{
    extension(Tensor x)
    {
        /// <summary>y = (x − μ) / √(σ² + ε) · weight + bias, with μ and σ² over the positions of one channel of one sample. Running statistics, if there are any, move towards the batch's mean of them
        /// while learning (<see cref="Tape.IsTraining"/>), with unbiased variances, and stand in for them in use.</summary>
        /// <param name="runningMean">[C], changed in place while learning; null: a sample's own statistics are always used.</param>
        /// <param name="runningVariance">[C], together with the mean.</param>
        /// <param name="weight">[C]; none is 1.</param>
        /// <param name="bias">[C]; none is 0.</param>
        /// <param name="momentum">How far the running statistics move, as PyTorch counts it.</param>
        /// <param name="eps">ε.</param>
        /// <param name="training">Whether to act as while learning; the tape says so if null.</param>
        /// <returns>x's shape: [N, C, ..].</returns>
        /// <exception cref="ShapeException">x has no positions, a channel of a sample has fewer than two values, or another input is not [C].</exception>
        public Tensor InstanceNorm(Tensor? runningMean = null, Tensor? runningVariance = null, Tensor? weight = null, Tensor? bias = null, float momentum = 0.1f, float eps = 1e-5f, bool? training = null)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            if (s.Rank < 3) { ThrowRank(s); }
            int n = s[0], c = s[1], inner = s.Product(2, s.Rank);
            RowNorms.CheckAffine("instance-norm", x, [c], weight, bias);
            if ((runningMean is null) != (runningVariance is null)) { ThrowRunning(s); }
            RowNorms.CheckAffine("instance-norm", x, [c], runningMean, runningVariance, "running mean", "running variance");
            if (runningMean is not null && !(training ?? Tape.IsTraining)) { return x.BatchNorm(runningMean, runningVariance, weight, bias, momentum, eps, training: false); }
            if (inner < 2) { ThrowAlone(s); }
            // every channel of every sample is a channel; moving all the way there hands out the statistics
            Tensor? means = runningMean is null ? null : Tensor.Zeros([n * c], x.Device), variances = runningMean is null ? null : Tensor.Zeros([n * c], x.Device);
            var y = x.Reshape([1, n * c, inner]).BatchNorm(means, variances, momentum: 1, eps: eps, training: true).Reshape(s);
            if (runningMean is not null && n > 0 && !Tape.IsReplaying)
            {
                Move(runningMean, means!, momentum);
                Move(runningVariance!, variances!, momentum);
            }
            int[] channels = [c, .. Enumerable.Repeat(1, s.Rank - 2)];
            if (weight is not null) { y = y * weight.Reshape(channels); }
            return bias is null ? y : y + bias.Reshape(channels);
        }
    }

    private static void Move(Tensor running, Tensor each, float momentum)
    {
        var moved = (running.Detach() * (1 - momentum)) + (each.Reshape([-1, running.Size]).Mean(0) * momentum);
        running.Device.Copy(moved.View, running.View);
    }

    [DoesNotReturn]
    private static void ThrowRank(Shape x) => throw new ShapeException("instance-norm", $"{x} is not [N, C, ..] with positions to normalise over; add the batch axis with Unsqueeze(0)?", x);

    [DoesNotReturn]
    private static void ThrowRunning(Shape x) => throw new ShapeException("instance-norm", $"{x}: give both running mean and running variance, or neither", x);

    [DoesNotReturn]
    private static void ThrowAlone(Shape x) => throw new ShapeException("instance-norm", $"{x}: a channel of a sample has fewer than two values, so it has no variance; use layer norm, or larger inputs", x);
}
