using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Tensors put together along an axis, and taken apart again.</summary>
public static class Joining
{
    extension(Tensor x)
    {
        /// <summary>Tensors one behind the other along an axis that they have. The gradient is cut into their parts.</summary>
        /// <param name="parts">At least one; sizes equal but along the axis.</param>
        /// <param name="axis">The axis; negative counts from the end.</param>
        /// <exception cref="ShapeException">No tensor, no such axis, or another size or rank.</exception>
        public static Tensor Concat(ReadOnlySpan<Tensor> parts, int axis = 0)
        {
            if (parts.IsEmpty) { ThrowNone("concat"); }
            NullItems.ThrowIfAny(parts);
            var s = parts[0].Shape;
            int at = s.Axis("concat", axis);
            long n = 0;
            for (int i = 0; i < parts.Length; i++)
            {
                var p = parts[i].Shape;
                if (p.Rank != s.Rank || p.With(at, s[at]) != s) { ThrowParts("concat", s, p, i, at); }
                Elementwise.SameDevice("concat", parts[0], parts[i]);
                n += p[at];
            }
            if (n > int.MaxValue) { ThrowMany("concat", s, parts.Length, at, n); }
            var y = Tensor.Empty(s.With(at, (int)n), parts[0].Device);
            Span<int> steps = stackalloc int[s.Rank];
            Strides.RowMajor(y.Shape, steps);
            int start = 0;
            foreach (var p in parts)
            {
                y.Put("concat", p, steps, start);
                start += p.Shape[at] * steps[at];
            }
            if (Tape.For(parts) is { } tape)
            {
                var inputs = parts.ToArray();
                tape.AddRecordable([y], inputs, (dOutputs, dInputs) =>
                {
                    int from = 0;
                    for (int i = 0; i < inputs.Length; i++)
                    {
                        int size = inputs[i].Shape[at];
                        if (tape.Wants(inputs[i])) { dInputs[i] = dOutputs[0]!.Narrow(at, from, size); }
                        from += size;
                    }
                });
            }
            return y;
        }

        /// <summary>Tensors of one shape as the entries of a new axis.</summary>
        /// <param name="parts">At least one, all of one shape.</param>
        /// <param name="axis">Where the new axis stands in the result; −1 is last.</param>
        /// <exception cref="ShapeException">No tensor, or two shapes, or no such place.</exception>
        public static Tensor Stack(ReadOnlySpan<Tensor> parts, int axis = 0)
        {
            if (parts.IsEmpty) { ThrowNone("stack"); }
            NullItems.ThrowIfAny(parts);
            var wide = new Tensor[parts.Length];
            for (int i = 0; i < parts.Length; i++)
            {
                if (parts[i].Shape != parts[0].Shape) { ThrowParts("stack", parts[0].Shape, parts[i].Shape, i, -1); }
                wide[i] = parts[i].Unsqueeze(axis);
            }
            return Tensor.Concat(wide, axis);
        }

        /// <summary><paramref name="length"/> entries of an axis from <paramref name="start"/> on. Along the first axis the result shares x's memory.</summary>
        /// <exception cref="ShapeException">There is no such axis, or the entries reach beyond it.</exception>
        public Tensor Narrow(int axis, int start, int length)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            int at = s.Axis("narrow", axis);
            if (start < 0 || length < 0 || start > s[at] - length) { ThrowNarrow(s, at, start, length); }
            if (length == s[at]) { return x; }
            Span<int> steps = stackalloc int[s.Rank];
            Strides.RowMajor(s, steps);
            return x.Pick("narrow", s.With(at, length), steps, start * steps[at]);
        }

        /// <summary>Parts of the given sizes along an axis. Their gradients are joined in one step.</summary>
        /// <exception cref="ShapeException">There is no such axis, or the sizes do not add up to it.</exception>
        public Tensor[] Split(ReadOnlySpan<int> sizes, int axis = 0)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            int at = s.Axis("split", axis), sum = 0;
            foreach (int n in sizes)
            {
                if (n < 0 || n > s[at] - sum) { ThrowSplit(s, sizes, at); }
                sum += n;
            }
            if (sum != s[at] || sizes.IsEmpty) { ThrowSplit(s, sizes, at); }
            var parts = new Tensor[sizes.Length];
            var steps = new int[s.Rank];
            Strides.RowMajor(s, steps);
            // one step for all parts: as many narrows would each make a gradient of x's size
            var plain = x.Detach();
            for (int i = 0, from = 0; i < parts.Length; from += sizes[i++])
            {
                parts[i] = plain.Pick("split", s.With(at, sizes[i]), steps, from * steps[at]);
            }
            Tape.For(x)?.AddRecordable(parts, [x], (dOutputs, dInputs) =>
            {
                if (Tape.Recording is not null)
                {
                    var whole = dOutputs.ToArray();
                    dInputs[0] = Tensor.Concat([.. parts.Select((part, i) => whole[i] ?? Tensor.Zeros(part.Shape, part.Device))], at);
                    return;
                }
                var dx = dOutputs.Contains(null) ? Tensor.Zeros(s, x.Device) : Tensor.Empty(s, x.Device);
                for (int i = 0, from = 0; i < parts.Length; from += parts[i++].Shape[at])
                {
                    if (dOutputs[i] is { } dy) { dx.Put("split", dy, steps, from * steps[at]); }
                }
                dInputs[0] = dx;
            });
            return parts;
        }

        /// <summary>Parts of <paramref name="size"/> entries along an axis; the last may be smaller.</summary>
        /// <exception cref="ShapeException">There is no such axis, or the size is not positive.</exception>
        public Tensor[] Split(int size, int axis = 0)
        {
            ArgumentNullException.ThrowIfNull(x);
            int n = x.Shape[x.Shape.Axis("split", axis)];
            if (size <= 0) { ThrowPositive("split", x.Shape, size); }
            int[] sizes = new int[Math.Max(1, (n + size - 1) / size)];
            for (int i = 0; i < sizes.Length; i++) { sizes[i] = Math.Min(size, n - (i * size)); }
            return x.Split(sizes, axis);
        }

        /// <summary>At most <paramref name="parts"/> parts along an axis, each ⌈n / parts⌉ long but the last, which may be smaller. PyTorch's chunk.</summary>
        /// <exception cref="ShapeException">There is no such axis, or the number is not positive.</exception>
        public Tensor[] Chunk(int parts, int axis = 0)
        {
            ArgumentNullException.ThrowIfNull(x);
            int n = x.Shape[x.Shape.Axis("chunk", axis)];
            if (parts <= 0) { ThrowPositive("chunk", x.Shape, parts); }
            return x.Split(Math.Max(1, (n + parts - 1) / parts), axis);
        }

        /// <summary>Entries of an axis moved on by <paramref name="shift"/> places; those that fall off the end come in at the front.</summary>
        /// <exception cref="ShapeException">There is no such axis.</exception>
        public Tensor Roll(int shift, int axis)
        {
            ArgumentNullException.ThrowIfNull(x);
            int at = x.Shape.Axis("roll", axis), n = x.Shape[at];
            if (n == 0 || shift % n == 0) { return x; }
            var y = Rolled(x, n - (((shift % n) + n) % n), at);
            Tape.For(x)?.AddRecordable(y, (x, dy => dy.Roll(-shift, at)));
            return y;
        }
    }

    // entries from cut on, then those before
    private static Tensor Rolled(Tensor x, int cut, int axis)
    {
        var y = Tensor.Empty(x.Shape, x.Device);
        Span<int> steps = stackalloc int[x.Rank];
        Strides.RowMajor(x.Shape, steps);
        int n = x.Shape[axis], step = steps[axis];
        x.Device.Launch(new StridedCopy(x.View, y.View, Walk.Plan("roll", x.Shape.With(axis, n - cut).Sizes, steps, cut * step, steps, 0)));
        x.Device.Launch(new StridedCopy(x.View, y.View, Walk.Plan("roll", x.Shape.With(axis, cut).Sizes, steps, 0, steps, (n - cut) * step)));
        return y;
    }

    [DoesNotReturn]
    private static void ThrowNone(string op) => throw new ShapeException(op, "no tensor was given; it needs at least one");

    [DoesNotReturn]
    private static void ThrowMany(string op, Shape first, int parts, int axis, long size) =>
        throw new ShapeException(op, $"{parts} tensors, {first} and on: {size} entries on axis {axis} are more than {int.MaxValue}", first);

    [DoesNotReturn]
    private static void ThrowParts(string op, Shape first, Shape other, int i, int axis) =>
        throw new ShapeException(op, axis < 0 ? $"tensor 0 is {first}, tensor {i} is {other}; all must have one shape"
            : $"tensor 0 is {first}, tensor {i} is {other}; ranks and sizes must be equal but on axis {axis}{(first.Rank == other.Rank ? "" : "; add an axis with Unsqueeze?")}", first, other);

    [DoesNotReturn]
    private static void ThrowNarrow(Shape x, int axis, int start, int length) =>
        throw new ShapeException("narrow", $"{length} entries from {start} on do not lie inside axis {axis} of {x}", x);

    [DoesNotReturn]
    private static void ThrowSplit(Shape x, ReadOnlySpan<int> sizes, int axis) =>
        throw new ShapeException("split", $"sizes ({string.Join(", ", sizes.ToArray())}) do not add up to {x[axis]}, the size of axis {axis} of {x}", x);

    [DoesNotReturn]
    private static void ThrowPositive(string op, Shape x, int size) => throw new ShapeException(op, $"{x} into parts: {size} is not positive", x);
}
