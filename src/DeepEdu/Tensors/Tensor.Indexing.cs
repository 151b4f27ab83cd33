using System.Runtime.CompilerServices;

namespace DeepEdu.Tensors;

/// <content>Slices in square brackets. C# has no extension indexers, so the brackets stand here; what they do is an operation, and the operation sets it.</content>
public partial class Tensor
{
    internal delegate Tensor SliceOperation(Tensor x, ReadOnlySpan<Slice> slices);

    internal static SliceOperation? SlicedBy { get; set; }

    /// <summary>Part of the tensor: <c>x[1..3, .., ^1]</c>, <c>x[Slice.Ellipsis, 0]</c>, <c>x[Slice.Step(.., 2)]</c>. Axes behind the last one named are taken whole.
    /// Where the part is one stretch of memory (entries or a range of the first axis) it shares x's memory, else it is a copy. The gradient is 0 outside the part.</summary>
    /// <param name="slices">One an axis, outermost first.</param>
    /// <exception cref="ShapeException">More slices than axes, or two ellipses.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An entry or range lies outside its axis.</exception>
    [IndexerName("Slices")]
    public Tensor this[params ReadOnlySpan<Slice> slices] => SlicedBy!(this, slices);
}
