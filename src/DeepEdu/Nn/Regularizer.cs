using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Penalties on the size of weights, to be added to a loss. L2 is Keras', λΣw², whose gradient is 2λw: an optimiser's weight decay of 2λ does the same without the sum.
/// <code>var loss = logits.CrossEntropy(labels) + Regularizer.L2(1e-4f, hidden.Weight);</code></summary>
public static class Regularizer
{
    /// <summary>λΣ|w|: Tibshirani 1996. Keras' <c>L1</c>.</summary>
    /// <param name="strength">λ.</param>
    /// <param name="weights">The weights.</param>
    public static Tensor L1(float strength, params ReadOnlySpan<Tensor> weights) => Sum(weights, static w => w.Abs().Sum()) * strength;

    /// <summary>λΣw². Keras' <c>L2</c>.</summary>
    /// <param name="strength">λ.</param>
    /// <param name="weights">The weights.</param>
    public static Tensor L2(float strength, params ReadOnlySpan<Tensor> weights) => Sum(weights, static w => w.Square().Sum()) * strength;

    /// <summary>λ₁Σ|w| + λ₂Σw²: Zou and Hastie 2005. Keras' <c>L1L2</c>.</summary>
    /// <param name="l1">λ₁.</param>
    /// <param name="l2">λ₂.</param>
    /// <param name="weights">The weights.</param>
    public static Tensor L1L2(float l1, float l2, params ReadOnlySpan<Tensor> weights) => L1(l1, weights) + L2(l2, weights);

    /// <summary>The parameters of a model that penalties are meant for: those with two axes or more, hence no bias, scale or slope.</summary>
    public static Tensor[] Weights(Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return [.. model.Parameters().Where(p => p.Value.Rank >= 2).Select(p => p.Value)];
    }

    private static Tensor Sum(ReadOnlySpan<Tensor> weights, Func<Tensor, Tensor> of)
    {
        NullItems.ThrowIfAny(weights);
        if (weights.IsEmpty) { throw new ArgumentException("regularizer: there is no weight to penalise", nameof(weights)); }
        var sum = of(weights[0]);
        foreach (var w in weights[1..]) { sum += of(w); }
        return sum;
    }
}
