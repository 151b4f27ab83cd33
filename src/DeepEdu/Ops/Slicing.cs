using System.Runtime.CompilerServices;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>What the square brackets of a tensor do.</summary>
internal static class Slicing
{
#pragma warning disable CA2255 // the brackets must work before any other operation has run, and a module initializer needs no reflection
    [ModuleInitializer]
    internal static void Install() => Tensor.SlicedBy = Apply;
#pragma warning restore CA2255

    private static Tensor Apply(Tensor x, ReadOnlySpan<Slice> slices)
    {
        ArgumentNullException.ThrowIfNull(x);
        int most = x.Rank + slices.Length;
        Span<int> sizes = stackalloc int[most], steps = stackalloc int[most];
        var (rank, start) = SlicePlan.Of(x.Shape, slices, sizes, steps);
        return x.Pick("slice", Shape.Create(sizes[..rank]), steps[..rank], start);
    }
}
