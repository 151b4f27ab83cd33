using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;
using DeepEdu.Memory;

namespace DeepEdu.Tensors;

/// <summary>float32 values on a device, row-major and contiguous. A tensor knows no operation: each file in <c>Ops</c> adds its own words to it, and so can you.</summary>
[DebuggerDisplay("{DebugText,nq}")]
public partial class Tensor
{
    private Block _block;
    private int _offset, _generation, _watching; // the last: how many open tapes watch it

    private protected Tensor(Shape shape, Device device, Block block, int offset)
        => (Shape, Device, _block, _offset, _generation) = (shape, device, block, offset, block.Generation);

    /// <summary>The sizes of the axes.</summary>
    public Shape Shape { get; }

    /// <summary>Where the values are.</summary>
    public Device Device { get; private set; }

    /// <summary>How many values.</summary>
    public int Size => Shape.Size;

    /// <summary>How many axes.</summary>
    public int Rank => Shape.Rank;

    /// <summary>Whether a gradient is wanted though no operation made this tensor: trainable parameters, and what an open tape watches, on whatever thread.</summary>
    public bool IsLeaf => IsLearned || _watching > 0;

    private protected bool IsLearned { get; set; }

    /// <summary>The tape that recorded the operation that made this tensor, and the operation's number there.</summary>
    internal Arena? Recorder { get; set; }

    internal int Node { get; set; }

    /// <summary>The tensor's memory.</summary>
    /// <exception cref="ObjectDisposedException">The arena or tape in which the tensor was made has closed, or it is a gradient that the tape has passed on.</exception>
    public View View
    {
        get
        {
            if (_block.Generation != _generation) { ThrowClosed(Shape); }
            return new(_block, _offset, Size);
        }
    }

    /// <summary>The same memory under another shape of equal size. No gradient flows through it: <c>Reshape</c> is the operation.</summary>
    public Tensor Alias(Shape shape) => Alias(shape, 0);

    /// <summary>Part of the same memory: <paramref name="shape"/> from value <paramref name="offset"/> on. No gradient flows through it.</summary>
    /// <exception cref="ShapeException">The part reaches beyond the tensor.</exception>
    public Tensor Alias(Shape shape, int offset)
    {
        if (offset < 0 || offset > Size - shape.Size) { throw new ShapeException("alias", $"{shape} from value {offset} does not lie inside {Shape}", Shape, shape); }
        return new(shape, Device, View.Block, _offset + offset);
    }

    /// <summary>The same values without history: no gradient flows back through the result. PyTorch's <c>detach</c>. The memory is shared.</summary>
    public Tensor Detach() => Alias(Shape);

    /// <summary>Lets the tensor outlive the innermost arena or tape: it then belongs to the enclosing one or, outside any, to the garbage collector.
    /// Tensors that share its memory come along. One that was not made in the innermost arena outlives it anyway and stays where it is.</summary>
    /// <returns>This tensor.</returns>
    public Tensor Keep()
    {
        Arena.Release(View.Block);
        return this;
    }

    /// <summary>The one value of a tensor of size 1.</summary>
    /// <exception cref="ShapeException">There is not exactly one value.</exception>
    public float Item()
    {
        if (Size != 1) { throw new ShapeException("item", $"{Shape} holds {Size} values, not one; reduce it (Sum, Mean) or use ToArray", Shape); }
        float value = 0;
        Device.Read(View, new Span<float>(ref value));
        return value;
    }

    /// <summary>A copy of the values, in row-major order.</summary>
    public float[] ToArray()
    {
        float[] values = GC.AllocateUninitializedArray<float>(Size);
        Device.Read(View, values);
        return values;
    }

    /// <summary>The values as whole numbers, such as labels and tokens that were read as numbers. PyTorch's <c>x.long()</c>, but for fractions, which are an error here, and for values beyond
    /// 2²⁴, where float32 has not every whole number: such a value may have been another one.</summary>
    /// <exception cref="ArgumentException">A value is not whole, or beyond ±2²⁴.</exception>
    public Indices ToIndices()
    {
        float[] values = ToArray();
        int[] whole = new int[values.Length];
        for (int i = 0; i < whole.Length; i++)
        {
            whole[i] = (int)values[i];
            if (whole[i] != values[i] || MathF.Abs(values[i]) > 16777216) { ThrowFraction(values[i], i); }
        }
        return Indices.Wrap(whole, Shape);
    }

    /// <summary>The values themselves: writing to the span changes the tensor. On the CPU only.</summary>
    /// <exception cref="InvalidOperationException">The tensor lives on another device.</exception>
    public Span<float> AsSpan()
    {
        if (Device is not CpuDevice) { ThrowElsewhere(Shape, Device); }
        var view = View;
        Recording.Current?.OnHostAccess(view.Block);
        view.Block.Changes();
        return CpuDevice.Of(view);
    }

    /// <summary>So many tapes more watch it; each closes on its own thread.</summary>
    internal void Watched(int more) => Interlocked.Add(ref _watching, more);

    /// <summary>Overwrites the values.</summary>
    /// <exception cref="ShapeException">Another number of values.</exception>
    public void CopyFrom(ReadOnlySpan<float> values)
    {
        if (values.Length != Size) { throw new ShapeException("copy", $"{values.Length} values into {Shape}, which holds {Size}", Shape); }
        Device.Write(values, View);
    }

    /// <summary>Overwrites the values with those of a tensor of the same size, on whatever device.</summary>
    internal void CopyFrom(Tensor values) => CopyFrom(values.Device is CpuDevice ? values.AsSpan() : values.ToArray());

    /// <summary>The same tensor on another device: its values move, and whoever holds it sees them there.</summary>
    internal void MoveTo(Device device)
    {
        if (Device == device) { return; }
        var block = device.AllocatePersistent(Size);
        device.Write(ToArray(), new(block, 0, Size));
        (Device, _block, _offset, _generation) = (device, block, 0, block.Generation);
    }

    private string DebugText => _block.Generation == _generation ? ToString()! : $"float32{Shape}: its memory has gone back";

    [DoesNotReturn]
    private static void ThrowFraction(float value, int at) => throw new ArgumentException(MathF.Abs(value) is > 16777216 and < float.PositiveInfinity
        ? $"to-indices: {value} at position {at} is beyond 2^24, where float32 rounds whole numbers; read it as whole numbers (Npz.ReadIndices), or keep it as Indices"
        : $"to-indices: {value} at position {at} is no whole number; Floor or Round it first");

    [DoesNotReturn]
    private static void ThrowElsewhere(Shape shape, Device device) => throw new InvalidOperationException($"as-span: the tensor {shape} lives on {device.Name}; copy it with ToArray");

    [DoesNotReturn]
    private static void ThrowClosed(Shape shape) =>
        throw new ObjectDisposedException($"Tensor {shape}", "The arena or tape in which this tensor was made has closed, or it is a gradient that the tape has passed on. Call Keep() on it before, or use it inside.");
}
