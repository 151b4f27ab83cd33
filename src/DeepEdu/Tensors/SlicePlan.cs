using System.Diagnostics.CodeAnalysis;

namespace DeepEdu.Tensors;

/// <summary>What square brackets mean: the walk through memory that picks the part they name.</summary>
internal static class SlicePlan
{
    /// <summary>The sizes and steps of the part's axes, where it begins, and how many axes it has.</summary>
    /// <param name="s">What is sliced.</param>
    /// <param name="slices">What stands in the brackets.</param>
    /// <param name="sizes">Filled; as long as axes and slices together.</param>
    /// <param name="steps">Filled; as long.</param>
    public static (int Rank, int Start) Of(Shape s, ReadOnlySpan<Slice> slices, Span<int> sizes, Span<int> steps)
    {
        int named = 0, ellipses = 0;
        foreach (var slice in slices)
        {
            if (slice.What == Slice.Kind.Ellipsis) { ellipses++; }
            else if (slice.What != Slice.Kind.NewAxis) { named++; }
        }
        if (named > s.Rank || ellipses > 1) { ThrowCount(s, slices, ellipses); }
        int axis = 0, rank = 0, start = 0;
        foreach (var slice in slices)
        {
            switch (slice.What)
            {
                case Slice.Kind.NewAxis:
                    (sizes[rank], steps[rank++]) = (1, 0);
                    break;
                case Slice.Kind.Ellipsis:
                    for (int n = s.Rank - named; n > 0; n--, axis++) { (sizes[rank], steps[rank++]) = (s[axis], Inner(s, axis)); }
                    break;
                case Slice.Kind.Entry:
                    int at = slice.From.GetOffset(s[axis]);
                    if ((uint)at >= (uint)s[axis]) { ThrowEntry(s, axis, slice); }
                    start += at * Inner(s, axis++);
                    break;
                default:
                    int from = slice.From.GetOffset(s[axis]), to = slice.To.GetOffset(s[axis]);
                    if (from < 0 || to > s[axis] || from > to) { ThrowRange(s, axis, slice); }
                    int step = Inner(s, axis);
                    (sizes[rank], steps[rank++]) = (from == to ? 0 : ((to - from - 1) / slice.Stride) + 1, step * slice.Stride);
                    start += from * step;
                    axis++;
                    break;
            }
        }
        for (; axis < s.Rank; axis++) { (sizes[rank], steps[rank++]) = (s[axis], Inner(s, axis)); }
        return (rank, start);
    }

    private static int Inner(Shape s, int axis) => s.Product(axis + 1, s.Rank);

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
