using System.Diagnostics.CodeAnalysis;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Sequences of different lengths, padded to one, folded over their own steps. What stands in the padding does not matter, and gets a gradient of 0.</summary>
public static class OverTime
{
    extension(Tensor x)
    {
        /// <summary>The mean over the steps of each sequence; 0 where there are none.</summary>
        /// <param name="lengths">[N]: steps of each sequence, 0 to T.</param>
        /// <param name="padLeft">Whether padding comes before the steps, not behind them.</param>
        /// <returns>[N, C]. x is [N, T, C].</returns>
        /// <exception cref="ShapeException">x is not [N, T, C], or there is not one length a sequence.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A length is below 0 or above T.</exception>
        public Tensor MeanOverTime(Indices lengths, bool padLeft = false) => Mean(x, Padding("mean-over-time", x, lengths, padLeft));

        /// <summary>The mean over the steps whose mask is not 0; 0 where there are none.</summary>
        /// <param name="mask">[N, T].</param>
        /// <returns>[N, C]. x is [N, T, C].</returns>
        /// <exception cref="ShapeException">x is not [N, T, C], or the mask is not [N, T].</exception>
        public Tensor MeanOverTime(Tensor mask) => Mean(x, Padding("mean-over-time", x, mask));

        /// <summary>The largest value over the steps of each sequence; 0 where there are none. Equals share the gradient.</summary>
        /// <param name="lengths">[N]: steps of each sequence, 0 to T.</param>
        /// <param name="padLeft">Whether padding comes before the steps, not behind them.</param>
        /// <returns>[N, C]. x is [N, T, C].</returns>
        /// <exception cref="ShapeException">x is not [N, T, C], or there is not one length a sequence.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A length is below 0 or above T.</exception>
        public Tensor MaxOverTime(Indices lengths, bool padLeft = false) => Max(x, Padding("max-over-time", x, lengths, padLeft));

        /// <summary>The largest value over the steps whose mask is not 0; 0 where there are none. Equals share the gradient.</summary>
        /// <param name="mask">[N, T].</param>
        /// <returns>[N, C]. x is [N, T, C].</returns>
        /// <exception cref="ShapeException">x is not [N, T, C], or the mask is not [N, T].</exception>
        public Tensor MaxOverTime(Tensor mask) => Max(x, Padding("max-over-time", x, mask));
    }

    private static Tensor Mean(Tensor x, Tensor padding) => x.MaskedFill(padding, 0).Sum(1) / Steps(padding).Clamp(min: 1);

    private static Tensor Max(Tensor x, Tensor padding) => x.Shape[1] == 0 ? x.Sum(1)
        : x.MaskedFill(padding, float.NegativeInfinity).Max(1).MaskedFill(Steps(padding).Equal(0), 0);

    // [N, 1]
    private static Tensor Steps(Tensor padding) => padding.LogicalNot().Sum(1);

    // 1 where a step is padding: [N, T, 1]
    private static Tensor Padding(string op, Tensor x, Indices lengths, bool padLeft)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(lengths);
        if (x.Rank != 3) { ThrowRank(op, x.Shape); }
        int n = x.Shape[0], steps = x.Shape[1];
        if (lengths.Rank != 1 || lengths.Size != n) { ThrowLengths(op, x.Shape, lengths.Shape); }
        lengths.CheckBelow($"{op}: lengths", steps + 1);
        return IsPadding(lengths, steps, padLeft, x.Device).Unsqueeze(2);
    }

    /// <summary>1 where a step is padding: [N, T]. Of operations alone, so that an inference session follows the lengths of each call.</summary>
    internal static Tensor IsPadding(Indices lengths, int steps, bool padLeft, Device device)
    {
        Tensor length = Tensor.Arange(steps + 1, device).IndexSelect(0, lengths).Unsqueeze(1), step = Tensor.Arange(steps, device);
        return padLeft ? step.Less(steps - length) : step.GreaterOrEqual(length);
    }

    private static Tensor Padding(string op, Tensor x, Tensor mask)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(mask);
        if (x.Rank != 3) { ThrowRank(op, x.Shape); }
        if (mask.Rank != 2 || mask.Shape[0] != x.Shape[0] || mask.Shape[1] != x.Shape[1]) { ThrowMask(op, x.Shape, mask.Shape); }
        Elementwise.SameDevice(op, x, mask);
        return mask.LogicalNot().Reshape([x.Shape[0], x.Shape[1], 1]);
    }

    [DoesNotReturn]
    private static void ThrowRank(string op, Shape x) => throw new ShapeException(op, $"{x} is not [N, T, C]; permute a convolution's [N, C, T] first", x);

    [DoesNotReturn]
    private static void ThrowLengths(string op, Shape x, Shape lengths) => throw new ShapeException(op, $"lengths {lengths} for {x}: one a sequence is expected, [{x[0]}]", x, lengths);

    [DoesNotReturn]
    private static void ThrowMask(string op, Shape x, Shape mask) => throw new ShapeException(op, $"mask {mask} for {x}: [{x[0]},{x[1]}] is expected, one value a step", x, mask);
}
