using DeepEdu.Tensors;

namespace DeepEdu.Attribution;

/// <summary>x ⊙ ∂f/∂x (Shrikumar et al. 2016, arXiv:1605.01713): what each value gives to the score, if the score were linear. Captum's <c>InputXGradient</c>.
/// <code>var parts = InputXGradient.Of(x => model.Forward(x).Squeeze(1), rows);</code></summary>
public static class InputXGradient
{
    /// <summary>One number a value of the input; of w·x + b it is w ⊙ x.</summary>
    /// <param name="f">From rows [N, ..] to one score a row, each of its row alone. It runs as in use: nothing is dropped.</param>
    /// <param name="x">The rows [N, ..].</param>
    /// <exception cref="ShapeException">The input is not [N, ..], or the function does not give one number a row.</exception>
    /// <exception cref="ArgumentException">A score is NaN or infinite.</exception>
    /// <exception cref="InvalidOperationException">No gradient reaches the input.</exception>
    public static Tensor Of(Func<Tensor, Tensor> f, Tensor x)
    {
        float[] values = RowScores.Values("input-x-gradient", f, x), gradient = RowScores.Gradient("input-x-gradient", f, x.Shape, values, x);
        for (int i = 0; i < values.Length; i++) { values[i] *= gradient[i]; }
        return Tensor.Of(x.Shape, values, x.Device);
    }
}
