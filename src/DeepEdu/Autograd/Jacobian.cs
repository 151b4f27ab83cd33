using DeepEdu.Tensors;

namespace DeepEdu.Autograd;

/// <summary>All derivatives of a function's values by its input's values, a pass back for each value of the output: for small outputs. PyTorch's <c>torch.autograd.functional.jacobian</c>.
/// <code>
/// Tensor j = Jacobian.Of(x => model.Forward(x), x);   // [outputs.., inputs..]
/// </code></summary>
public static class Jacobian
{
    /// <summary>∂yᵢ/∂xⱼ: the axes of the output, then those of the input. Where the output does not depend on the input it is 0.</summary>
    /// <param name="f">The function; it runs as in use (nothing is dropped) unless <paramref name="training"/>.</param>
    /// <param name="x">Where.</param>
    /// <param name="training">The <see cref="Tape.Training"/> flag under which f runs.</param>
    public static Tensor Of(Func<Tensor, Tensor> f, Tensor x, bool training = false)
    {
        ArgumentNullException.ThrowIfNull(f);
        ArgumentNullException.ThrowIfNull(x);
        float[] all;
        Shape shape;
        using (var tape = new Tape(training))
        {
            tape.Watch(x);
            var y = NullItems.Made(f(x), "jacobian", "f must give a tensor");
            shape = [.. y.Shape, .. x.Shape];
            all = new float[shape.Size];
            bool depends = tape.Wants(y);
            float[] one = new float[y.Size];
            for (int i = 0; depends && i < y.Size; i++)
            {
                one[i] = 1;
                var g = tape.Gradients(y, Tensor.Of(y.Shape, one, y.Device)).Find(x);
                g?.ToArray().CopyTo(all, i * x.Size);
                one[i] = 0;
            }
        }
        return Tensor.Of(shape, all, x.Device);
    }
}
