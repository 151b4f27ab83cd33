using System.Numerics.Tensors;
using DeepEdu.Devices;

namespace DeepEdu.Tensors;

/// <content>To and from System.Numerics.Tensors, and as text.</content>
public partial class Tensor
{
    /// <summary>The values themselves with their shape, for System.Numerics.Tensors: nothing is copied, and writing to the span changes the tensor. On the CPU only.
    /// A single value has one axis of size 1.</summary>
    /// <exception cref="InvalidOperationException">The tensor lives on another device.</exception>
    public TensorSpan<float> AsTensorSpan() => new(AsSpan(), Lengths(stackalloc nint[Math.Max(1, Rank)]));

    /// <summary>The values themselves with their shape, for reading. See <see cref="AsTensorSpan"/>.</summary>
    /// <exception cref="InvalidOperationException">The tensor lives on another device.</exception>
    public ReadOnlyTensorSpan<float> AsReadOnlyTensorSpan() => new(AsSpan(), Lengths(stackalloc nint[Math.Max(1, Rank)]));

    /// <summary>A copy of the values, whatever their strides: a tensor owns its memory, so that it cannot outlive a span's.
    /// <see cref="Wrap(float[], Shape)"/> takes an array without a copy.</summary>
    public static Tensor Of(in ReadOnlyTensorSpan<float> values, Device? device = null)
    {
        int[] sizes = new int[values.Rank];
        for (int i = 0; i < sizes.Length; i++) { sizes[i] = checked((int)values.Lengths[i]); }
        float[] flat = GC.AllocateUninitializedArray<float>(checked((int)values.FlattenedLength));
        values.FlattenTo(flat);
        return device is null ? Wrap(flat, Shape.Create(sizes)) : Of(Shape.Create(sizes), flat, device);
    }

    /// <summary>The values as PyTorch prints them, such as "tensor([[1.0000, 0.5000]])".</summary>
    public override string ToString() => TensorText.Of(Device is CpuDevice ? AsSpan() : ToArray(), Shape, Device is CpuDevice ? null : Device.Name);

    private ReadOnlySpan<nint> Lengths(Span<nint> lengths)
    {
        lengths[0] = 1;
        for (int i = 0; i < Rank; i++) { lengths[i] = Shape[i]; }
        return lengths;
    }
}
