using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>A module from one tensor to one tensor: what <see cref="Sequential"/> strings together.</summary>
public abstract class Layer : Module
{
    /// <summary>The function.</summary>
    public abstract Tensor Forward(Tensor x);

    /// <summary>The function of tokens or other whole numbers. Only layers that look something up have one.</summary>
    /// <exception cref="InvalidOperationException">The layer takes numbers, not indices.</exception>
    public virtual Tensor Forward(Indices x) => throw new InvalidOperationException($"{Kind}: takes a tensor of numbers, not indices; put an Embedding before it, or make them numbers");

    /// <summary>A table of the layers, with their output shapes for an input of the given shape, parameters and bytes. The values that are run through are zeros, or indices 0 where an embedding comes first.</summary>
    /// <param name="input">The shape of one input, batch axis included: <c>[1, 1, 28, 28]</c>.</param>
    public string Summary(Shape input) => Nn.Summary.Of(this, input);

    /// <summary>One layer that computes this one and then <paramref name="next"/>, with the same results in fewer passes over memory; null if there is none.</summary>
    internal virtual Layer? Fuse(Layer next) => null;
}
