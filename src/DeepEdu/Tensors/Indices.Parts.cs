using System.Runtime.CompilerServices;

namespace DeepEdu.Tensors;

/// <content>Parts of indices, other shapes, and several put together.</content>
public sealed partial class Indices
{
    /// <summary>A copy of a part: <c>tokens[.., 0]</c>, <c>labels[..8]</c>, <c>tokens[Slice.Step(.., 2)]</c>. Axes behind the last one named are taken whole.</summary>
    /// <param name="slices">One an axis, outermost first.</param>
    /// <exception cref="ShapeException">More slices than axes, or two ellipses.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An entry or range lies outside its axis.</exception>
    public Indices this[params ReadOnlySpan<Slice> slices]
    {
        get
        {
            int most = Rank + slices.Length;
            Span<int> sizes = stackalloc int[most], steps = stackalloc int[most];
            var (rank, start) = SlicePlan.Of(Shape, slices, sizes, steps);
            return Pick(Shape.Create(sizes[..rank]), steps[..rank].ToArray(), start);
        }
    }

    /// <summary>The same values under another shape of equal size.</summary>
    /// <param name="sizes">The new sizes; one may be −1 and is then computed from the others.</param>
    /// <exception cref="ShapeException">The sizes do not hold as many values, or more than one is −1.</exception>
    [OverloadResolutionPriority(1)]
    public Indices Reshape(params ReadOnlySpan<int> sizes) => new(Shape.Reshaped(sizes), _values);

    /// <summary>The same values under another shape of equal size.</summary>
    /// <exception cref="ShapeException">It holds another number of values.</exception>
    public Indices Reshape(Shape shape) => Reshape(shape.Sizes);

    /// <summary>All values on one axis.</summary>
    public Indices Flatten() => new([Size], _values);

    /// <summary>Without one axis of size 1.</summary>
    /// <exception cref="ShapeException">There is no such axis, or its size is not 1.</exception>
    public Indices Squeeze(int axis)
    {
        int at = Shape.Axis("squeeze", axis);
        if (Shape[at] != 1) { throw new ShapeException("squeeze", $"axis {axis} of {Shape} has size {Shape[at]}, not 1; take one entry of it by index instead?", Shape); }
        return new(Shape.Without(at), _values);
    }

    /// <summary>With an axis of size 1 put in before <paramref name="axis"/>; −1 puts it last.</summary>
    /// <exception cref="ShapeException">The new axis would lie outside the result.</exception>
    public Indices Unsqueeze(int axis)
    {
        int at = axis < 0 ? axis + Rank + 1 : axis;
        if ((uint)at > (uint)Rank) { throw new ShapeException("unsqueeze", $"axis {axis} for {Shape}: the new axis can stand at {-Rank - 1}..{Rank}", Shape); }
        return new(Shape.Insert(at, 1), _values);
    }

    /// <summary>Rows and columns exchanged, copied.</summary>
    /// <exception cref="ShapeException">Not a matrix.</exception>
    public Indices T => Rank == 2 ? Pick([Shape[1], Shape[0]], [1, Shape[1]], 0) : throw new ShapeException("indices", $"T is for matrices, not {Shape}", Shape);

    /// <summary>Indices one behind the other along an axis that they have: the tokens so far and the next ones.</summary>
    /// <param name="parts">At least one; sizes equal but along the axis.</param>
    /// <param name="axis">The axis; negative counts from the end.</param>
    /// <exception cref="ShapeException">No part, no such axis, or another size or rank.</exception>
    public static Indices Concat(ReadOnlySpan<Indices> parts, int axis = 0)
    {
        NullItems.ThrowIfAny(parts);
        if (parts.IsEmpty) { throw new ShapeException("concat", "there is nothing to put together"); }
        var s = parts[0].Shape;
        int at = s.Axis("concat", axis), n = 0, outer = s.Product(0, at), inner = s.Product(at + 1, s.Rank);
        for (int i = 0; i < parts.Length; i++)
        {
            var p = parts[i].Shape;
            if (p.Rank != s.Rank || p.With(at, s[at]) != s) { throw new ShapeException("concat", $"indices 0 are {s}, indices {i} are {p}; ranks and sizes must be equal but on axis {at}", s, p); }
            n += p[at];
        }
        var all = parts.ToArray();
        return Made(s.With(at, n), to =>
        {
            int start = 0;
            foreach (var part in all)
            {
                int run = part.Shape[at] * inner;
                for (int o = 0; o < outer; o++) { part._values.AsSpan(o * run, run).CopyTo(to.AsSpan((o * n * inner) + start)); }
                start += run;
            }
        });
    }

    /// <summary>Indices of one shape as the entries of a new axis.</summary>
    /// <param name="parts">At least one, all of one shape.</param>
    /// <param name="axis">Where the new axis stands in the result; −1 is last.</param>
    /// <exception cref="ShapeException">Nothing, or two shapes, or no such place.</exception>
    public static Indices Stack(ReadOnlySpan<Indices> parts, int axis = 0)
    {
        NullItems.ThrowIfAny(parts);
        var wide = new Indices[parts.Length];
        for (int i = 0; i < wide.Length; i++)
        {
            if (parts[i].Shape != parts[0].Shape) { throw new ShapeException("stack", $"indices 0 are {parts[0].Shape}, indices {i} are {parts[i].Shape}; all must have one shape", parts[0].Shape, parts[i].Shape); }
            wide[i] = parts[i].Unsqueeze(axis);
        }
        return wide.Length == 0 ? throw new ShapeException("stack", "there is nothing to put together") : Concat(wide, axis);
    }

    private Indices Pick(Shape shape, int[] steps, int start) => Made(shape, to => Walk(shape, steps, start, to));

    // an odometer: the innermost axis runs in the loop, the others in a list of counters
    private void Walk(Shape shape, int[] steps, int start, int[] to)
    {
        if (to.Length == 0) { return; }
        int last = shape.Rank - 1, run = last < 0 ? 1 : shape[last], step = last < 0 ? 0 : steps[last];
        Span<int> count = stackalloc int[shape.Rank];
        for (int at = 0; at < to.Length;)
        {
            if (step == 1) { _values.AsSpan(start, run).CopyTo(to.AsSpan(at)); }
            else { for (int i = 0; i < run; i++) { to[at + i] = _values[start + (i * step)]; } }
            at += run;
            for (int axis = last - 1; axis >= 0; axis--)
            {
                start += steps[axis];
                if (++count[axis] < shape[axis]) { break; }
                start -= count[axis] * steps[axis];
                count[axis] = 0;
            }
        }
    }
}
