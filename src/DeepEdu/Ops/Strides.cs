using DeepEdu.Autograd;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>What permutations, slices, flips and paddings have in common: each is one walk through the tensor, and its gradient the same walk the other way.</summary>
internal static class Strides
{
    /// <summary>How many floats each axis of a row-major tensor steps.</summary>
    public static void RowMajor(Shape shape, Span<int> steps)
    {
        int step = 1;
        for (int i = shape.Rank - 1; i >= 0; i--)
        {
            steps[i] = step;
            step *= shape[i];
        }
    }

    /// <summary>y read from x by the given steps, no value twice. Shares x's memory where the walk is straight. The gradient puts dy back where y came from, 0 elsewhere.</summary>
    public static Tensor Pick(this Tensor x, string op, Shape shape, ReadOnlySpan<int> steps, int start)
    {
        Tensor y;
        if (shape.Size == 0) { start = 0; }
        if (IsStraight(shape, steps)) { y = x.Alias(shape, start); }
        else
        {
            y = Tensor.Empty(shape, x.Device);
            Span<int> own = stackalloc int[shape.Rank];
            RowMajor(shape, own);
            x.Device.Launch(new StridedCopy(x.View, y.View, Walk.Plan(op, shape.Sizes, steps, start, own, 0)));
        }
        if (Tape.For(x) is { } tape)
        {
            int[] kept = steps.ToArray();
            tape.AddRecordable(y, (x, dy => dy.Linearly(d => PutBack(op, d, x.Shape, kept, start), d => d.Pick(op, shape, kept, start))));
        }
        return y;
    }

    /// <summary>Writes part into y by the given steps, which belong to part's axes. Records nothing.</summary>
    public static void Put(this Tensor y, string op, Tensor part, ReadOnlySpan<int> steps, int start)
    {
        Span<int> own = stackalloc int[part.Rank];
        RowMajor(part.Shape, own);
        y.Device.Launch(new StridedCopy(part.View, y.View, Walk.Plan(op, part.Shape.Sizes, own, 0, steps, start)));
    }

    private static Tensor PutBack(string op, Tensor dy, Shape shape, int[] steps, int start)
    {
        if (dy.Size == shape.Size && IsStraight(dy.Shape, steps)) { return dy.Alias(shape); }
        var dx = dy.Size == shape.Size ? Tensor.Empty(shape, dy.Device) : Tensor.Zeros(shape, dy.Device);
        dx.Put(op, dy, steps, start);
        return dx;
    }

    private static bool IsStraight(Shape shape, ReadOnlySpan<int> steps)
    {
        int step = 1;
        for (int i = shape.Rank - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && steps[i] != step) { return shape.Size == 0; }
            step *= shape[i];
        }
        return true;
    }
}
