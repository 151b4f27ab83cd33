using DeepEdu.Devices;

namespace DeepEdu.Tensors;

/// <summary>A tensor that is learned. Its memory outlives every arena.</summary>
public sealed class Parameter : Tensor
{
    /// <summary>A parameter with undefined values, to be initialised.</summary>
    public Parameter(Shape shape, Device? device = null)
        : base(shape, device ?? CpuDevice.Instance, (device ?? CpuDevice.Instance).AllocatePersistent(shape.Size), 0) => IsLearned = true;

    /// <summary>A parameter with the given values.</summary>
    /// <exception cref="ShapeException">Their number is not the shape's size.</exception>
    public Parameter(Shape shape, ReadOnlySpan<float> values, Device? device = null) : this(shape, device) => CopyFrom(values);

    /// <summary>A parameter that starts from a copy of a tensor's values, on its device. PyTorch's <c>nn.Parameter(values)</c>.</summary>
    public Parameter(Tensor values) : this(OrThrow(values).Shape, values.Device) => CopyFrom(values.ToArray());

    /// <summary>Whether gradients are computed for it. PyTorch's <c>requires_grad</c>: false freezes it.</summary>
    public bool Trainable
    {
        get => IsLearned;
        set => IsLearned = value;
    }

    /// <summary>What an optimiser does to the values after each step of this parameter: a limit on weights. None if null. Keras' <c>kernel_constraint</c>.</summary>
    public Action<Parameter>? Constraint { get; set; }

    /// <summary>The number of the tape that was open when an optimiser last stepped the parameter, and how many operations it had remembered.</summary>
    internal long SteppedIn { get; set; }

    internal int SteppedAt { get; set; }

    private static Tensor OrThrow(Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values;
    }
}
