namespace DeepEdu.Io;

/// <summary>What an ONNX file says besides the model.</summary>
public sealed record OnnxOptions
{
    /// <summary>Names of the inputs, in the order in which the forward pass asks for them; else "input", or "input_0", "input_1" and so on.</summary>
    public IReadOnlyList<string>? InputNames { get; init; }

    /// <summary>Names of the results; else "output", or "output_0", "output_1" and so on.</summary>
    public IReadOnlyList<string>? OutputNames { get; init; }

    /// <summary>The axis of each input that is the batch, whose size the file leaves open; null for an input without one. Unless given, it is axis 0 of every input; with an empty list there is
    /// none, and the file is for the given sizes alone.</summary>
    public IReadOnlyList<int?>? BatchAxes { get; init; }
}
