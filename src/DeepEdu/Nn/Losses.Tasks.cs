using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <content>Several losses as one. Learned weights: <see cref="UncertaintyWeighting"/>, <see cref="GradNorm"/>.</content>
public static partial class Losses
{
    /// <summary>Σ wᵢLᵢ with fixed weights: the multi-task loss of Keras' <c>loss_weights</c>.</summary>
    /// <param name="losses">Single values.</param>
    /// <param name="weights">One a loss.</param>
    /// <exception cref="ShapeException">Another number of weights, or a loss that is not a single value.</exception>
    public static Tensor WeightedSum(ReadOnlySpan<Tensor> losses, ReadOnlySpan<float> weights) => (Together("weighted-sum", losses, weights.Length) * Tensor.Of([weights.Length], weights, losses[0].Device)).Sum();

    internal static Tensor Together(string op, ReadOnlySpan<Tensor> losses, int tasks)
    {
        CheckEach(op, losses, tasks);
        var flat = new Tensor[losses.Length];
        for (int i = 0; i < flat.Length; i++) { flat[i] = losses[i].Reshape(1); }
        return Tensor.Concat(flat);
    }

    internal static void CheckEach(string op, ReadOnlySpan<Tensor> losses, int tasks)
    {
        NullItems.ThrowIfAny(losses);
        if (losses.Length != tasks || tasks == 0) { throw new ShapeException(op, $"{losses.Length} losses for {tasks} tasks"); }
        foreach (var loss in losses)
        {
            if (loss.Size != 1) { throw new ShapeException(op, $"a loss must be one value, not {loss.Shape}; take its Mean or Sum", loss.Shape); }
        }
    }
}
