using System.Diagnostics.CodeAnalysis;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Cross-entropy against probabilities.</summary>
public static class SoftCrossEntropy
{
    extension(Tensor x)
    {
        /// <summary>−Σ_c w_c · t_c · ln softmax(x)_c, with t mixed with the even distribution when smoothed, (1 − ε)t + ε/C: targets of mixup (Zhang et al. 2018), or a teacher's (Hinton et al. 2015). The mean
        /// divides by the number of distributions, weights or not, as in PyTorch. The targets have a gradient too; <c>Detach()</c> a teacher.</summary>
        /// <param name="targets">Probabilities, of x's shape.</param>
        /// <param name="classWeights">w [C], or 1 for each; constants.</param>
        /// <param name="labelSmoothing">ε in [0, 1].</param>
        /// <param name="reduction">None gives x's shape without its class axis.</param>
        /// <returns>x is [C], [N, C] or [N, C, d₁, ..]: the class axis is the second.</returns>
        /// <exception cref="ShapeException">Shapes that do not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException">ε outside [0, 1].</exception>
        public Tensor CrossEntropy(Tensor targets, Tensor? classWeights = null, float labelSmoothing = 0, Reduction reduction = Reduction.Mean)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(targets);
            if (targets.Shape != x.Shape || x.Rank == 0) { ThrowTargets(x.Shape, targets.Shape); }
            int axis = CrossEntropyOp.CheckClasses(x, classWeights, labelSmoothing), classes = x.Shape[axis];
            var t = labelSmoothing == 0 ? targets : (targets * (1 - labelSmoothing)) + (labelSmoothing / classes);
            if (classWeights is not null)
            {
                var along = new int[x.Rank - axis];
                along.AsSpan().Fill(1);
                along[0] = classes;
                t *= classWeights.Detach().Reshape(along);
            }
            var y = -(t * x.LogSoftmax(axis)).Sum(axis);
            return reduction switch { Reduction.Mean => y.Mean(), Reduction.Sum => y.Sum(), _ => y };
        }
    }

    [DoesNotReturn]
    private static void ThrowTargets(Shape x, Shape targets) => throw new ShapeException("cross-entropy",
        $"logits {x} with probabilities {targets}: they must have one shape, [C], [N,C] or [N,C,..]; class numbers are Indices", x, targets);
}
