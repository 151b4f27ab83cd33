using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>The same values in the same order under another shape. Nothing is copied: both tensors share one memory, and the gradient is reshaped back.</summary>
public static class Reshaping
{
    extension(Tensor x)
    {
        /// <summary>Another shape of equal size.</summary>
        /// <param name="sizes">The new sizes; one may be −1 and is then computed from the others.</param>
        /// <returns>A tensor of that shape that shares x's memory.</returns>
        /// <exception cref="ShapeException">The sizes do not hold as many values as x, or more than one is −1.</exception>
        [OverloadResolutionPriority(1)]
        public Tensor Reshape(params ReadOnlySpan<int> sizes)
        {
            ArgumentNullException.ThrowIfNull(x);
            return x.Viewed(x.Shape.Reshaped(sizes));
        }

        /// <summary>Another shape of equal size.</summary>
        /// <exception cref="ShapeException">It holds another number of values.</exception>
        public Tensor Reshape(Shape shape) => x.Reshape(shape.Sizes);

        /// <summary>Axes <paramref name="from"/> to <paramref name="to"/>, both included, made one; of the whole tensor unless stated. [N,C,H,W].Flatten(1) is [N, C·H·W].</summary>
        /// <exception cref="ShapeException">There is no such axis, or the first lies behind the last.</exception>
        public Tensor Flatten(int from = 0, int to = -1)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            if (s.Rank == 0) { return x.Viewed([1]); }
            int first = s.Axis("flatten", from), last = s.Axis("flatten", to);
            if (first > last) { ThrowOrder(s, from, to); }
            return x.Viewed([.. s.Sizes[..first], s.Product(first, last + 1), .. s.Sizes[(last + 1)..]]);
        }

        /// <summary>Without every axis of size 1.</summary>
        public Tensor Squeeze()
        {
            ArgumentNullException.ThrowIfNull(x);
            var kept = new List<int>(x.Rank);
            foreach (int n in x.Shape) { if (n != 1) { kept.Add(n); } }
            return x.Viewed([.. kept]);
        }

        /// <summary>Without one axis of size 1.</summary>
        /// <exception cref="ShapeException">There is no such axis, or its size is not 1.</exception>
        public Tensor Squeeze(int axis)
        {
            ArgumentNullException.ThrowIfNull(x);
            int at = x.Shape.Axis("squeeze", axis);
            if (x.Shape[at] != 1) { ThrowSqueeze(x.Shape, axis, x.Shape[at]); }
            return x.Viewed(x.Shape.Without(at));
        }

        /// <summary>With an axis of size 1 put in before <paramref name="axis"/>; −1 puts it last.</summary>
        /// <exception cref="ShapeException">The new axis would lie outside the result.</exception>
        public Tensor Unsqueeze(int axis)
        {
            ArgumentNullException.ThrowIfNull(x);
            int at = axis < 0 ? axis + x.Rank + 1 : axis;
            if ((uint)at > (uint)x.Rank) { ThrowUnsqueeze(x.Shape, axis); }
            return x.Viewed(x.Shape.Insert(at, 1));
        }
    }

    /// <summary>The same values under another shape of equal size.</summary>
    internal static Tensor Viewed(this Tensor x, Shape shape)
    {
        var y = x.Alias(shape);
        Tape.For(x)?.AddRecordable(y, (x, dy => dy.Viewed(x.Shape)));
        return y;
    }

    [DoesNotReturn]
    private static void ThrowOrder(Shape x, int from, int to) =>
        throw new ShapeException("flatten", $"axis {from} of {x} lies behind axis {to}; swap them?", x);

    [DoesNotReturn]
    private static void ThrowSqueeze(Shape x, int axis, int size) =>
        throw new ShapeException("squeeze", $"axis {axis} of {x} has size {size}, not 1; take one entry of it by index instead?", x);

    [DoesNotReturn]
    private static void ThrowUnsqueeze(Shape x, int axis) =>
        throw new ShapeException("unsqueeze", $"axis {axis} for {x}: the new axis can stand at {-x.Rank - 1}..{x.Rank}", x);
}
