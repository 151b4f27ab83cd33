using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>What stands in a padding.</summary>
public enum PadMode
{
    /// <summary>One value.</summary>
    Constant,

    /// <summary>The tensor mirrored at its first and last entry, which are not repeated: (b, c | a b c | b, a) padded by 2. NumPy's and PyTorch's reflect.</summary>
    Reflect,

    /// <summary>The first and last entry over and over. NumPy's edge, PyTorch's replicate.</summary>
    Replicate,

    /// <summary>The tensor again from its other end: (b, c | a b c | a, b) padded by 2, round and round where the padding is wider. NumPy's wrap, PyTorch's circular.</summary>
    Circular,
}

/// <summary>Entries added before and behind the axes of a tensor.</summary>
public static class Padding
{
    extension(Tensor x)
    {
        /// <summary>Padding of the last axes: one pair of widths an axis, in the order of the axes. An image [N,C,H,W] gets a frame of one pixel by <c>[(1, 1), (1, 1)]</c>.</summary>
        /// <param name="widths">How many entries go before and behind; the last pair is the last axis'.</param>
        /// <param name="mode">What stands in the padding.</param>
        /// <param name="value">With <see cref="PadMode.Constant"/>: the value.</param>
        /// <exception cref="ShapeException">More pairs than axes, a negative width or too large a one, a mirror as wide as the axis, or nothing to repeat.</exception>
        public Tensor Pad(ReadOnlySpan<(int Before, int After)> widths, PadMode mode = PadMode.Constant, float value = 0)
        {
            ArgumentNullException.ThrowIfNull(x);
            var s = x.Shape;
            int lead = s.Rank - widths.Length;
            if (lead < 0) { ThrowPad(s, $"{widths.Length} pairs of widths for {s.Rank} axes"); }
            for (int i = 0; i < widths.Length; i++)
            {
                var (before, after) = widths[i];
                int n = s[lead + i];
                if (before < 0 || after < 0) { ThrowPad(s, $"widths ({before}, {after}) of axis {lead + i} are negative; cut with a slice instead"); }
                if ((long)before + after + n > int.MaxValue) { ThrowPad(s, $"widths ({before}, {after}) make axis {lead + i} longer than {int.MaxValue}"); }
                if (mode == PadMode.Reflect && Math.Max(before, after) >= Math.Max(n, 1)) { ThrowPad(s, $"axis {lead + i} of size {n} can be mirrored by {Math.Max(0, n - 1)} at most, not ({before}, {after})"); }
                if (mode is PadMode.Replicate or PadMode.Circular && n == 0 && before + after > 0) { ThrowPad(s, $"axis {lead + i} is empty: there is nothing to repeat"); }
            }
            if (mode == PadMode.Constant) { return Constant(x, widths, value); }
            for (int i = 0; i < widths.Length; i++)
            {
                if (widths[i] != (0, 0)) { x = x.IndexSelect(lead + i, Sources(s[lead + i], widths[i].Before, widths[i].After, mode)); }
            }
            return x;
        }
    }

    private static Tensor Constant(Tensor x, ReadOnlySpan<(int Before, int After)> widths, float value)
    {
        var s = x.Shape;
        int lead = s.Rank - widths.Length, start = 0;
        int[] sizes = s.Sizes.ToArray(), steps = new int[s.Rank];
        for (int i = 0; i < widths.Length; i++) { sizes[lead + i] += widths[i].Before + widths[i].After; }
        var y = Tensor.Full(Shape.Create(sizes), value, x.Device);
        Strides.RowMajor(y.Shape, steps);
        for (int i = 0; i < widths.Length; i++) { start += widths[i].Before * steps[lead + i]; }
        y.Put("pad", x, steps, start);
        Tape.For(x)?.AddRecordable(y, (x, dy => dy.Pick("pad", s, steps, start)));
        return y;
    }

    // which entry of an axis of size n stands at each place of the padded axis
    private static Indices Sources(int n, int before, int after, PadMode mode)
    {
        int[] sources = new int[before + n + after];
        for (int i = 0; i < sources.Length; i++)
        {
            int at = i - before;
            sources[i] = mode switch
            {
                PadMode.Replicate => Math.Clamp(at, 0, n - 1),
                PadMode.Circular => ((at % n) + n) % n,
                _ => at < 0 ? -at : at < n ? at : (2 * (n - 1)) - at,
            };
        }
        return sources;
    }

    [DoesNotReturn]
    private static void ThrowPad(Shape x, string why) => throw new ShapeException("pad", $"{x}: {why}", x);
}
