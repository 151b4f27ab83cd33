using DeepEdu.Tensors;

namespace DeepEdu.Attribution;

/// <summary>|∂f/∂x|: which values of the input the score reacts to most (Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034, section 3). Captum's <c>Saliency</c>.
/// <code>var heat = Saliency.Of(x => model.Forward(x)[.., digit], images);</code></summary>
public static class Saliency
{
    /// <summary>One number a value of the input.</summary>
    /// <param name="f">From rows [N, ..] to one score a row, each of its row alone. It runs as in use: nothing is dropped.</param>
    /// <param name="x">The rows [N, ..].</param>
    /// <param name="absolute">False: the gradient with its sign.</param>
    /// <exception cref="ShapeException">The input is not [N, ..], or the function does not give one number a row.</exception>
    /// <exception cref="ArgumentException">A score is NaN or infinite.</exception>
    /// <exception cref="InvalidOperationException">No gradient reaches the input.</exception>
    public static Tensor Of(Func<Tensor, Tensor> f, Tensor x, bool absolute = true)
    {
        ArgumentNullException.ThrowIfNull(x);
        float[] gradient = RowScores.Gradient("saliency", f, x.Shape, RowScores.Values("saliency", f, x), x);
        return Tensor.Of(x.Shape, absolute ? Array.ConvertAll(gradient, MathF.Abs) : gradient, x.Device);
    }
}
