namespace DeepEdu.Tensors;

/// <summary>Saved tensors under names, in memory or still in their file: what a module takes its weights from.</summary>
internal interface ISavedTensors
{
    /// <summary>The names of tensors.</summary>
    IEnumerable<string> TensorNames { get; }

    /// <summary>Whether there is something of this name.</summary>
    bool Has(string name);

    /// <summary>The sizes of a tensor.</summary>
    Shape ShapeOf(string name);

    /// <summary>A tensor.</summary>
    Tensor Tensor(string name);
}
