using System.Diagnostics.CodeAnalysis;

namespace DeepEdu.Tensors;

/// <content>Values taken by place or mask, and values put in the place of others: what tensors have under the same names.</content>
public sealed partial class Indices
{
    /// <summary>Whole entries of an axis: y[.., j, ..] = x[.., index[j], ..]. PyTorch's <c>index_select</c>.</summary>
    /// <param name="axis">The axis; negative counts from the end.</param>
    /// <param name="index">Positions on the axis; its own shape takes the axis' place in the result.</param>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A position lies outside the axis.</exception>
    public Indices IndexSelect(int axis, Indices index)
    {
        ArgumentNullException.ThrowIfNull(index);
        int at = Shape.Axis("index-select", axis), n = Shape[at], inner = Shape.Product(at + 1, Rank), m = index.Size;
        index.CheckBelow("index-select", n);
        return Made([.. Shape.Sizes[..at], .. index.Shape, .. Shape.Sizes[(at + 1)..]], to =>
        {
            for (int i = 0; i < to.Length; i += inner) { _values.AsSpan(((i / inner / m * n) + index._values[i / inner % m]) * inner, inner).CopyTo(to.AsSpan(i)); }
        });
    }

    /// <summary>Values along an axis, each by an index of its own: y[o, j, i] = x[o, index[o, j, i], i]: the tokens of the candidates that <c>TopK</c> names.
    /// PyTorch's <c>gather</c>, NumPy's <c>take_along_axis</c>.</summary>
    /// <param name="axis">The axis; negative counts from the end.</param>
    /// <param name="index">Of x's rank; its sizes on the other axes are x's or smaller. The result has its shape.</param>
    /// <exception cref="ShapeException">There is no such axis, or the ranks or sizes do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A position lies outside the axis.</exception>
    public Indices Gather(int axis, Indices index)
    {
        ArgumentNullException.ThrowIfNull(index);
        int at = Shape.Axis("gather", axis);
        bool fits = index.Rank == Rank;
        for (int k = 0; fits && k < Rank; k++) { fits = k == at || index.Shape[k] <= Shape[k]; }
        if (!fits) { ThrowGather(Shape, at, index.Shape); }
        index.CheckBelow("gather", Shape[at]);
        return Made(index.Shape, to =>
        {
            for (int i = 0; i < to.Length; i++)
            {
                int place = 0, step = 1, rest = i;
                for (int k = Rank - 1; k >= 0; k--)
                {
                    place += (k == at ? index._values[i] : rest % index.Shape[k]) * step;
                    (rest, step) = (rest / index.Shape[k], step * Shape[k]);
                }
                to[i] = _values[place];
            }
        });
    }

    /// <summary>x with <paramref name="value"/> wherever the mask is not 0: <c>tokens.MaskedFill(hidden, maskToken)</c>. PyTorch's <c>masked_fill</c>.</summary>
    /// <param name="mask">Of x's shape, or one that is repeated to it.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="ShapeException">The mask does not broadcast to x's shape.</exception>
    public Indices MaskedFill(Tensor mask, int value)
    {
        float[] hidden = Mask("masked-fill", mask);
        return Made(Shape, to => { for (int i = 0; i < to.Length; i++) { to[i] = hidden[i] != 0 ? value : _values[i]; } });
    }

    /// <summary>The values where the mask is not 0, in row order: [count]. PyTorch's <c>x[mask]</c>.</summary>
    /// <param name="mask">Of x's shape.</param>
    /// <exception cref="ShapeException">The mask has another shape.</exception>
    public Indices MaskedSelect(Tensor mask)
    {
        ArgumentNullException.ThrowIfNull(mask);
        if (mask.Shape != Shape) { throw new ShapeException("masked-select", $"indices {Shape} with a mask {mask.Shape}: they must have one shape; Expand the mask?", Shape, mask.Shape); }
        float[] wanted = mask.ToArray();
        return Flatten().Select([.. Enumerable.Range(0, Size).Where(i => wanted[i] != 0)]);
    }

    /// <summary>yes where the condition is not 0, else no. PyTorch's <c>where</c>.</summary>
    /// <param name="condition">Of their shape, or one that is repeated to it.</param>
    /// <param name="yes">Values.</param>
    /// <param name="no">Of the same shape.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Indices Where(Tensor condition, Indices yes, Indices no)
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(yes);
        ArgumentNullException.ThrowIfNull(no);
        if (yes.Shape != no.Shape) { throw new ShapeException("where", $"indices {yes.Shape} and {no.Shape}: they must have one shape", yes.Shape, no.Shape); }
        float[] chosen = yes.Mask("where", condition);
        return Made(yes.Shape, to => { for (int i = 0; i < to.Length; i++) { to[i] = (chosen[i] != 0 ? yes : no)._values[i]; } });
    }

    // a mask's values, repeated to this shape
    private float[] Mask(string op, Tensor mask)
    {
        ArgumentNullException.ThrowIfNull(mask);
        var s = mask.Shape;
        if (s.Rank > Rank || Shape.Broadcast(op, s, Shape) != Shape) { throw new ShapeException(op, $"a mask {s} for indices {Shape}: it does not broadcast to their shape", s, Shape); }
        float[] values = mask.ToArray();
        if (s == Shape) { return values; }
        var wide = s.Reshaped([.. Enumerable.Repeat(1, Rank - s.Rank), .. s.Sizes]);
        float[] all = new float[Size];
        for (int i = 0; i < all.Length; i++) { all[i] = values[PlaceIn(wide, Shape, i)]; }
        return all;
    }

    [DoesNotReturn]
    private static void ThrowGather(Shape x, int axis, Shape index) =>
        throw new ShapeException("gather", $"x {x} and index {index} along axis {axis}: the index needs x's rank, and sizes no larger but on that axis; IndexSelect takes whole entries", x, index);
}
