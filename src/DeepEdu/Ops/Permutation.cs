using System.Diagnostics.CodeAnalysis;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>The same values in another order: axes exchanged or walked backwards. The result is a copy, as every tensor is contiguous; the gradient undoes the order.</summary>
public static class Permutation
{
    extension(Tensor x)
    {
        /// <summary>Axes in another order: y[i, j, ..] with axis k of y being axis <paramref name="axes"/>[k] of x.</summary>
        /// <param name="axes">Each axis once; negative ones count from the end.</param>
        /// <exception cref="ShapeException">An axis is missing, twice, or not there.</exception>
        public Tensor Permute(params ReadOnlySpan<int> axes)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            if (axes.Length != s.Rank) { ThrowAxes(s, axes, $"{axes.Length} axes for {s.Rank}"); }
            Span<int> own = stackalloc int[s.Rank], steps = stackalloc int[s.Rank], sizes = stackalloc int[s.Rank];
            Strides.RowMajor(s, own);
            for (int i = 0; i < axes.Length; i++)
            {
                int axis = s.Axis("permute", axes[i]);
                if (own[axis] == int.MinValue) { ThrowAxes(s, axes, $"axis {axes[i]} stands there twice"); }
                (sizes[i], steps[i], own[axis]) = (s[axis], own[axis], int.MinValue);
            }
            return x.Pick("permute", Shape.Create(sizes), steps, 0);
        }

        /// <summary>Two axes exchanged.</summary>
        /// <exception cref="ShapeException">There is no such axis.</exception>
        public Tensor Transpose(int axisA, int axisB)
        {
            ArgumentNullException.ThrowIfNull(x);
            int a = x.Shape.Axis("transpose", axisA), b = x.Shape.Axis("transpose", axisB);
            Span<int> axes = stackalloc int[x.Rank];
            for (int i = 0; i < axes.Length; i++) { axes[i] = i; }
            (axes[a], axes[b]) = (b, a);
            return x.Permute(axes);
        }

        /// <summary>The transposed matrix: [m, n] to [n, m]. A matrix product takes its factors transposed without this copy.</summary>
        /// <exception cref="ShapeException">x is not a matrix.</exception>
        public Tensor T
        {
            get
            {
                ArgumentNullException.ThrowIfNull(x);
                if (x.Rank != 2) { ThrowMatrix(x.Shape); }
                return x.Permute(1, 0);
            }
        }

        /// <summary>The order along the given axes turned round; along all of them if none is given.</summary>
        /// <exception cref="ShapeException">There is no such axis.</exception>
        public Tensor Flip(params ReadOnlySpan<int> axes)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            Span<int> own = stackalloc int[s.Rank], steps = stackalloc int[s.Rank];
            Strides.RowMajor(s, own);
            own.CopyTo(steps);
            int start = 0;
            for (int i = 0; i < (axes.IsEmpty ? s.Rank : axes.Length); i++)
            {
                int axis = axes.IsEmpty ? i : s.Axis("flip", axes[i]);
                if (steps[axis] != own[axis]) { ThrowTwice(s, axes[i]); }
                start += own[axis] * (s[axis] - 1);
                steps[axis] = -own[axis];
            }
            return x.Pick("flip", s, steps, start);
        }

        /// <summary>The diagonal of the last two axes: y[.., i] = x[.., i, i + offset]. [.., m, n] to [.., length of the diagonal].</summary>
        /// <param name="offset">Above the main diagonal if positive, below it if negative.</param>
        /// <exception cref="ShapeException">Fewer than two axes.</exception>
        public Tensor Diagonal(int offset = 0)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            if (s.Rank < 2) { throw new ShapeException("diagonal", $"{s} has no last two axes", s); }
            int rows = s[^2], columns = s[^1], n = Math.Max(0, Math.Min(rows + Math.Min(offset, 0), columns - Math.Max(offset, 0)));
            Span<int> steps = stackalloc int[s.Rank];
            Strides.RowMajor(s, steps);
            steps[^2] = columns + 1;
            int start = offset >= 0 ? offset : -offset * columns;
            return x.Pick("diagonal", [.. s.Sizes[..^2], n], steps[..^1], start);
        }
    }

    [DoesNotReturn]
    private static void ThrowAxes(Shape x, ReadOnlySpan<int> axes, string why) =>
        throw new ShapeException("permute", $"{x} by axes ({string.Join(", ", axes.ToArray())}): {why}; name each of 0..{x.Rank - 1} once", x);

    [DoesNotReturn]
    private static void ThrowMatrix(Shape x) => throw new ShapeException("transpose", $"T is for matrices, not {x}; Transpose(-2, -1) exchanges the last two axes", x);

    [DoesNotReturn]
    private static void ThrowTwice(Shape x, int axis) => throw new ShapeException("flip", $"axis {axis} of {x} is named twice", x);
}
