using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>What a recurrent layer is made of.</summary>
internal sealed record RecurrentSetup(string Op, CellKind Kind, int Inputs, int Hidden, int Layers, bool Bidirectional, bool BatchFirst, float Dropout, bool Bias, float RecurrentDropout,
    BidirectionalMerge Merge, Initializer? Init, Initializer? RecurrentInit, int Projection = 0)
{
    /// <summary>Throws if a value makes no sense, or nothing would come of it.</summary>
    public void Check()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Inputs, "inputs");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Hidden, "hidden");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Layers, "layers");
        ArgumentOutOfRangeException.ThrowIfNegative(Projection, "projection");
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(Projection, Hidden, "projection");
        CheckProbability(Dropout, "dropout");
        CheckProbability(RecurrentDropout, "recurrentDropout");
        if (Dropout > 0 && Layers == 1) { throw new ArgumentException($"{Op}: dropout acts between layers, and there is one; put a Dropout after it, or use recurrentDropout"); }
        if (Merge != BidirectionalMerge.Concat && !Bidirectional) { throw new ArgumentException($"{Op}: {Merge} needs two directions; set bidirectional"); }
    }

    private void CheckProbability(float p, string name)
    {
        if (!(p >= 0 && p <= 1)) { throw new ArgumentOutOfRangeException(name, $"{Op}: probability {p} is not in [0, 1]"); }
    }
}

/// <summary>Which steps count; see <c>Lstm.Run</c>.</summary>
internal readonly record struct RecurrentSteps(Indices? Lengths, Tensor? Mask, bool PadLeft);

/// <summary>A layer's input: vectors; or categories, in place of one-hot vectors or, with a table, of its rows.</summary>
internal readonly record struct RecurrentX(Tensor? Dense, Indices? Categories, Tensor? Table)
{
    /// <summary>Vectors in any case.</summary>
    public Tensor Vectors(int inputs, Device device) => Dense ?? Categories!.OneHot(inputs, device);
}

/// <summary>The parameters of one layer and direction; null where there is none.</summary>
internal readonly record struct RecurrentParameters(Parameter WeightIh, Parameter WeightHh, Parameter? BiasIh, Parameter? BiasHh, Parameter? WeightHr)
{
    /// <summary>Names them as PyTorch does.</summary>
    public void Parts(Parts p, string suffix) => p.Of(WeightIh, "weight_ih" + suffix).Of(WeightHh, "weight_hh" + suffix).Of(BiasIh, "bias_ih" + suffix).Of(BiasHh, "bias_hh" + suffix)
        .Of(WeightHr, "weight_hr" + suffix);
}

/// <summary>What <c>Gru.Run</c> and <c>SimpleRnn.Run</c> give.</summary>
/// <param name="Output">The top layer's h of every step: [batch, steps, directions·hidden], or [steps, batch, ..]; 0 on padding.</param>
/// <param name="State">h of each layer and direction after each sequence's own last step: [layers·directions, batch, hidden], as in PyTorch.</param>
public readonly record struct RecurrentOutput(Tensor Output, Tensor State);
