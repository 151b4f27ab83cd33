using DeepEdu.Tensors;

namespace DeepEdu.Autograd;

/// <summary>Second derivatives of a function of one value, by going back through recorded gradients. PyTorch's <c>torch.autograd.functional.hessian</c> and <c>hvp</c>.
/// <code>
/// Tensor h = Hessian.Of(x => model.Forward(x).Square().Sum(), x);   // [inputs.., inputs..]
/// </code></summary>
public static class Hessian
{
    /// <summary>∂²f/∂xᵢ∂xⱼ: x's axes twice. A pass back for each value of x: for small inputs. Where f is linear it is 0.</summary>
    /// <param name="f">The function; it runs as in use (nothing is dropped) unless <paramref name="training"/>.</param>
    /// <param name="x">Where.</param>
    /// <param name="training">The <see cref="Tape.Training"/> flag under which f runs.</param>
    /// <exception cref="ShapeException">f gives more than one value.</exception>
    /// <exception cref="InvalidOperationException">f uses an operation that cannot be differentiated twice.</exception>
    public static Tensor Of(Func<Tensor, Tensor> f, Tensor x, bool training = false)
    {
        ArgumentNullException.ThrowIfNull(f);
        ArgumentNullException.ThrowIfNull(x);
        return Jacobian.Of(x => Tape.Recording!.SlopeOf(One(f(x)), x) ?? Tensor.Zeros(x.Shape, x.Device), x, training);
    }

    /// <summary>H·v, without H: the derivative of the gradient along v, at the cost of a few passes (Pearlmutter 1994, doi:10.1162/neco.1994.6.1.147).</summary>
    /// <param name="f">A function of the inputs of one value. It may use them through its argument or hold them itself, as a model holds its parameters.</param>
    /// <param name="inputs">Where; those that f does not depend on get 0.</param>
    /// <param name="direction">v: one tensor for each input, of its shape.</param>
    /// <param name="training">The <see cref="Tape.Training"/> flag under which f runs.</param>
    /// <returns>One tensor for each input, of its shape.</returns>
    /// <exception cref="ShapeException">f gives more than one value, or a direction has another shape than its input.</exception>
    /// <exception cref="ArgumentException">There are not as many directions as inputs.</exception>
    /// <exception cref="InvalidOperationException">f uses an operation that cannot be differentiated twice.</exception>
    public static Tensor[] Times(Func<Tensor[], Tensor> f, Tensor[] inputs, IReadOnlyList<Tensor> direction, bool training = false)
    {
        ArgumentNullException.ThrowIfNull(f);
        ArgumentNullException.ThrowIfNull(inputs);
        NullItems.ThrowIfAny<Tensor>(inputs);
        NullItems.ThrowIfAny(direction);
        if (direction.Count != inputs.Length) { throw new ArgumentException($"hessian: {direction.Count} directions for {inputs.Length} inputs; give one for each", nameof(direction)); }
        for (int i = 0; i < inputs.Length; i++)
        {
            if (direction[i].Shape != inputs[i].Shape) { throw new ShapeException("hessian", $"direction {i} is {direction[i].Shape}, its input {inputs[i].Shape}", direction[i].Shape, inputs[i].Shape); }
        }
        using var tape = new Tape(training);
        foreach (var x in inputs) { tape.Watch(x); }
        var slopes = tape.SlopesOf(One(f(inputs)), inputs);
        List<Tensor> outputs = [], seeds = [];
        for (int i = 0; i < slopes.Length; i++)
        {
            if (slopes[i] is not { } slope || !tape.Wants(slope)) { continue; }
            outputs.Add(slope);
            seeds.Add(direction[i]);
        }
        var gradients = outputs.Count == 0 ? null : tape.Gradients([.. outputs], [.. seeds]);
        return Array.ConvertAll(inputs, x => (gradients?.Find(x) ?? Tensor.Zeros(x.Shape, x.Device)).Keep());
    }

    private static Tensor One(Tensor? y) => NullItems.Made(y, "hessian", "f must give one value").Size == 1 ? y : throw new ShapeException("hessian", $"the function must give one value, not {y.Shape}; take its Mean or Sum", y.Shape);
}
