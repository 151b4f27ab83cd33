using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Tensors;

namespace DeepEdu.Attribution;

/// <summary>Integrated gradients of the vectors that an embedding gives to tokens, added up over each vector: which words mattered. Captum's <c>LayerIntegratedGradients</c> on an embedding.
/// <code>
/// var (words, delta) = LayerIntegratedGradients.Of(model.Words, vectors => model.Rest(vectors), tokens, baseline: padding);
/// </code></summary>
public static class LayerIntegratedGradients
{
    /// <summary>One number a token.</summary>
    /// <param name="embedding">The layer that gives vectors to tokens.</param>
    /// <param name="rest">From the vectors [N, steps, width] to one score a row, each of its row alone. It runs as in use: nothing is dropped.</param>
    /// <param name="tokens">[N, steps].</param>
    /// <param name="baseline">The token that says nothing, such as padding: the way begins at its vector in every place.</param>
    /// <param name="steps">At how many points of the way the gradient is taken.</param>
    /// <returns>Attributions [N, steps], which add up to the score minus that of baseline tokens alone.</returns>
    /// <exception cref="ShapeException">The tokens are not [N, steps], or the function does not give one number a row.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A token, or the baseline, is none of the embedding's.</exception>
    /// <exception cref="ArgumentException">A score on the way is NaN or infinite.</exception>
    /// <exception cref="InvalidOperationException">No gradient reaches the vectors.</exception>
    public static Attributions Of(Embedding embedding, Func<Tensor, Tensor> rest, Indices tokens, int baseline, int steps = IntegratedGradients.DefaultSteps)
    {
        ArgumentNullException.ThrowIfNull(embedding);
        ArgumentNullException.ThrowIfNull(rest);
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.Rank != 2 || tokens.Size == 0) { throw new ShapeException("layer-integrated-gradients", $"tokens {tokens.Shape} are not [N, steps] with tokens in it", tokens.Shape); }
        int[] nothing = new int[tokens.Size];
        Array.Fill(nothing, baseline);
        Tensor x, from;
        float[] parts;
        double[] delta;
        using (new Arena())
        {
            (x, from) = (embedding.Forward(tokens), embedding.Forward(Indices.Wrap(nothing, tokens.Shape)));
            (Tensor values, delta) = IntegratedGradients.Of(rest, x, from, steps);
            parts = values.ToArray();
        }
        int width = parts.Length / tokens.Size;
        float[] sums = new float[tokens.Size];
        for (int t = 0; t < sums.Length; t++) { sums[t] = (float)parts.AsSpan(t * width, width).ToArray().Sum(p => (double)p); }
        return new(Tensor.Of(tokens.Shape, sums, embedding.Weight.Device), delta);
    }
}
