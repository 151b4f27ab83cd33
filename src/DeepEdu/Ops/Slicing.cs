using System.Diagnostics.CodeAnalysis;
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
        var s = x.Shape;
        int named = 0, ellipses = 0, added = 0;
        foreach (var slice in slices)
        {
            if (slice.What == Slice.Kind.Ellipsis) { ellipses++; }
            else if (slice.What == Slice.Kind.NewAxis) { added++; }
            else { named++; }
        }
        if (named > s.Rank || ellipses > 1) { ThrowCount(s, slices, ellipses); }
        Span<int> own = stackalloc int[s.Rank], sizes = stackalloc int[s.Rank + added], steps = stackalloc int[s.Rank + added];
        Strides.RowMajor(s, own);
        int axis = 0, rank = 0, start = 0;
        foreach (var slice in slices)
        {
            switch (slice.What)
            {
                case Slice.Kind.NewAxis:
                    (sizes[rank], steps[rank++]) = (1, 0);
                    break;
                case Slice.Kind.Ellipsis:
                    for (int n = s.Rank - named; n > 0; n--, axis++) { (sizes[rank], steps[rank++]) = (s[axis], own[axis]); }
                    break;
                case Slice.Kind.Entry:
                    int at = slice.From.GetOffset(s[axis]);
                    if ((uint)at >= (uint)s[axis]) { ThrowEntry(s, axis, slice); }
                    start += at * own[axis++];
                    break;
                default:
                    int from = slice.From.GetOffset(s[axis]), to = slice.To.GetOffset(s[axis]);
                    if (from < 0 || to > s[axis] || from > to) { ThrowRange(s, axis, slice); }
                    (sizes[rank], steps[rank++]) = (from == to ? 0 : ((to - from - 1) / slice.Stride) + 1, own[axis] * slice.Stride);
                    start += from * own[axis++];
                    break;
            }
        }
        for (; axis < s.Rank; axis++) { (sizes[rank], steps[rank++]) = (s[axis], own[axis]); }
        return x.Pick("slice", Shape.Create(sizes[..rank]), steps[..rank], start);
    }

    [DoesNotReturn]
    private static void ThrowCount(Shape x, ReadOnlySpan<Slice> slices, int ellipses) =>
        throw new ShapeException("slice", ellipses > 1 ? $"[{Text(slices)}] has {ellipses} ellipses; one at most" : $"[{Text(slices)}] names more axes than {x} has", x);

    [DoesNotReturn]
    private static void ThrowEntry(Shape x, int axis, Slice slice) =>
        throw new ArgumentOutOfRangeException(null, $"slice: index {slice} on axis {axis} of {x} is outside {(x[axis] == 0 ? "the empty axis" : $"0..{x[axis] - 1}")}");

    [DoesNotReturn]
    private static void ThrowRange(Shape x, int axis, Slice slice) =>
        throw new ArgumentOutOfRangeException(null, $"slice: range {slice} on axis {axis} of {x} is outside 0..{x[axis]} or ends before it begins");

    private static string Text(ReadOnlySpan<Slice> slices)
    {
        var text = new List<string>();
        foreach (var slice in slices) { text.Add(slice.ToString()); }
        return string.Join(", ", text);
    }
}
