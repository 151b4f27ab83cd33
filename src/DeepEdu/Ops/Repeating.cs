using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Values written several times. The gradient adds up what arrives at the repeats.</summary>
public static class Repeating
{
    extension(Tensor x)
    {
        /// <summary>x broadcast to a shape by NumPy's rule: axes are matched from the last, sizes of 1 repeat. Operators broadcast by themselves, without this copy.</summary>
        /// <param name="sizes">The sizes of the result; −1 keeps x's.</param>
        /// <exception cref="ShapeException">x does not broadcast to them.</exception>
        public Tensor Expand(params ReadOnlySpan<int> sizes)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            int lead = sizes.Length - s.Rank;
            if (lead < 0) { ThrowExpand(s, sizes); }
            int[] to = sizes.ToArray();
            for (int i = 0; i < to.Length; i++)
            {
                int n = i < lead ? 1 : s[i - lead];
                if (to[i] == -1 && i >= lead) { to[i] = n; }
                if (to[i] < 0 || (n != to[i] && n != 1)) { ThrowExpand(s, sizes); }
            }
            return x.Repeated("expand", Shape.Create(to), lead);
        }

        /// <summary>x broadcast to a shape. See <c>Expand</c>.</summary>
        /// <exception cref="ShapeException">x does not broadcast to it.</exception>
        public Tensor BroadcastTo(Shape shape) => x.Expand(shape.Sizes);

        /// <summary>The whole tensor set side by side: axis k of the result is x's, <paramref name="times"/>[k] times over. NumPy's tile, PyTorch's repeat.</summary>
        /// <param name="times">As many numbers as x has axes, or more: x then gets axes of size 1 in front.</param>
        /// <exception cref="ShapeException">Fewer numbers than axes, or a negative one.</exception>
        public Tensor Repeat(params ReadOnlySpan<int> times)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            int lead = times.Length - s.Rank;
            if (lead < 0 || times.ContainsAnyInRange(int.MinValue, -1)) { ThrowRepeat(s, times); }
            int[] inside = new int[2 * times.Length], wide = new int[2 * times.Length], to = new int[times.Length];
            for (int i = 0; i < times.Length; i++)
            {
                int n = i < lead ? 1 : s[i - lead];
                (inside[2 * i], inside[(2 * i) + 1]) = (1, n);
                (wide[2 * i], wide[(2 * i) + 1]) = (times[i], n);
                to[i] = times[i] * n;
            }
            return x.Reshape(inside).Repeated("repeat", Shape.Create(wide), 0).Reshape(to);
        }

        /// <summary>Each entry of an axis <paramref name="times"/> times in a row: (a, b) becomes (a, a, b, b).</summary>
        /// <exception cref="ShapeException">There is no such axis, or the number is negative.</exception>
        public Tensor RepeatInterleave(int times, int axis)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            int at = s.Axis("repeat-interleave", axis);
            if (times < 0) { ThrowRepeat(s, [times]); }
            return x.Reshape(s.Insert(at + 1, 1)).Repeated("repeat-interleave", s.Insert(at + 1, times), 0).Reshape(s.With(at, s[at] * times));
        }
    }

    private static Tensor Repeated(this Tensor x, string op, Shape shape, int lead)
    {
        if (x.Shape == shape) { return x; }
        Span<int> own = stackalloc int[x.Rank], from = stackalloc int[shape.Rank], to = stackalloc int[shape.Rank];
        Strides.RowMajor(x.Shape, own);
        Strides.RowMajor(shape, to);
        from.Clear();
        for (int i = lead; i < shape.Rank; i++) { from[i] = x.Shape[i - lead] == 1 ? 0 : own[i - lead]; }
        var y = Tensor.Empty(shape, x.Device);
        x.Device.Launch(new StridedCopy(x.View, y.View, Walk.Plan(op, shape.Sizes, from, 0, to, 0)));
        Tape.For(x)?.AddRecordable(y, (x, dy => dy.SumTo(x.Shape)));
        return y;
    }

    [DoesNotReturn]
    private static void ThrowExpand(Shape x, ReadOnlySpan<int> sizes) =>
        throw new ShapeException("expand", $"{x} does not broadcast to [{string.Join(',', sizes.ToArray())}]: matched from the last axis, sizes must be equal or x's 1; use Repeat to set copies side by side?", x);

    [DoesNotReturn]
    private static void ThrowRepeat(Shape x, ReadOnlySpan<int> times) =>
        throw new ShapeException("repeat", $"{x} by ({string.Join(", ", times.ToArray())}): give one number for each of the {x.Rank} axes, none negative", x);
}
