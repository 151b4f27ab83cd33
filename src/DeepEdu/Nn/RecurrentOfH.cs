using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>What <see cref="Gru"/> and <see cref="SimpleRnn"/> share: their state is h alone.</summary>
public abstract class RecurrentOfH : Recurrent
{
    private protected RecurrentOfH(RecurrentSetup setup, Rng rng) : base(setup, rng) { }

    /// <summary>Runs the layers over whole sequences.</summary>
    /// <param name="x">[batch, steps, inputs], or [steps, batch, inputs].</param>
    /// <param name="state">h before the first step [layers·directions, batch, hidden]; null for 0. Gradients flow into it; <c>Detach</c> stops them.</param>
    /// <param name="lengths">Steps of each sequence, in any order, 0 allowed; null if all are whole. Padding is not read and costs nothing.</param>
    /// <param name="padLeft">Whether padding stands before the sequences, as Keras' <c>pad_sequences</c> puts it.</param>
    /// <param name="mask">Instead of lengths: 1 for each step that counts and 0 for others, in the shape of x's first two axes. What does not count is skipped wherever it stands.</param>
    /// <exception cref="ShapeException">x, the state, the lengths or the mask do not fit.</exception>
    /// <exception cref="ArgumentException">Both lengths and a mask.</exception>
    public RecurrentOutput Run(Tensor x, Tensor? state = null, Indices? lengths = null, bool padLeft = false, Tensor? mask = null)
    {
        var (output, h, _) = Drive(x, state, null, new(lengths, mask, padLeft));
        return new(output, h);
    }

    /// <summary>Runs the layers over one-hot inputs given by the places of their ones: categories [batch, steps], each below <see cref="Recurrent.Inputs"/>.</summary>
    /// <inheritdoc cref="Run(Tensor, Tensor?, Indices?, bool, Tensor?)"/>
    /// <exception cref="ArgumentOutOfRangeException">A category is negative or not below the inputs.</exception>
    public RecurrentOutput Run(Indices categories, Tensor? state = null, Indices? lengths = null, bool padLeft = false, Tensor? mask = null)
    {
        var (output, h, _) = Drive(categories, state, null, new(lengths, mask, padLeft));
        return new(output, h);
    }

    /// <summary>Runs the layers over rows of a table of <see cref="Recurrent.Inputs"/> columns: as over <c>table.Forward(rows)</c>, rows being [batch, steps], but a training step multiplies a row
    /// that comes up again and again with the first layer's weights once, where that pays. What a <see cref="Sequential"/> does by itself, with states, lengths and masks.</summary>
    /// <inheritdoc cref="Run(Tensor, Tensor?, Indices?, bool, Tensor?)"/>
    /// <exception cref="ArgumentOutOfRangeException">A row is not in the table.</exception>
    public RecurrentOutput Run(Embedding table, Indices rows, Tensor? state = null, Indices? lengths = null, bool padLeft = false, Tensor? mask = null)
    {
        var (output, h, _) = Drive(table, rows, state, null, new(lengths, mask, padLeft));
        return new(output, h);
    }
}
