using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Max and average pooling. Pooling a whole image to one value is a reduction over its last axes: <c>x.Mean</c>, <c>x.Max</c>.</summary>
public static class Pooling
{
    extension(Tensor x)
    {
        /// <summary>The largest value of each window: y[n, c, i, j] = max over k, l of x[n, c, i·strideH + k·dilationH − paddingH, j·strideW + l·dilationW − paddingW], over what
        /// exists. Of equals the first takes the gradient; NaN is larger than everything. PyTorch's <c>max_pool2d</c>.</summary>
        /// <param name="kernel">Height and width of a window.</param>
        /// <param name="stride">Steps between windows; the kernel unless given.</param>
        /// <param name="padding">Places on each side that never win; at most half the kernel.</param>
        /// <param name="dilation">Steps between the values of a window; (1, 1) unless given.</param>
        /// <param name="ceilMode">Whether a last window that reaches beyond the padded input counts.</param>
        /// <returns>[N, C, oh, ow] with oh = ⌊(H + 2·paddingH − dilationH·(kernelH − 1) − 1) / strideH⌋ + 1, ow alike; rounded up in ceil mode. x is [N, C, H, W] or [C, H, W].</returns>
        /// <exception cref="ShapeException">x has other axes, or the window is larger than the padded input.</exception>
        public Tensor MaxPool2d((int H, int W) kernel, (int H, int W)? stride = null, (int H, int W) padding = default, (int H, int W)? dilation = null, bool ceilMode = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            CheckRank("max-pool2d", x, 4, "[N, C, H, W]");
            var s = Plan("max-pool2d", x, x.Shape[^2], kernel, stride ?? kernel, padding, dilation ?? (1, 1), ceilMode);
            return Max(s, x, x.Shape.With(x.Rank - 1, s.OW).With(x.Rank - 2, s.OH));
        }

        /// <summary>The largest value of each square window: <c>x.MaxPool2d(2)</c>.</summary>
        /// <param name="kernel">Height and width of a window.</param>
        /// <param name="stride">Steps between windows; the kernel unless given.</param>
        /// <param name="padding">Places on each side that never win; at most half the kernel.</param>
        /// <param name="dilation">Steps between the values of a window.</param>
        /// <param name="ceilMode">Whether a last window that reaches beyond the padded input counts.</param>
        /// <returns>[N, C, oh, ow] as with windows of any shape. x is [N, C, H, W] or [C, H, W].</returns>
        /// <exception cref="ShapeException">x has other axes, or the window is larger than the padded input.</exception>
        public Tensor MaxPool2d(int kernel, int? stride = null, int padding = 0, int dilation = 1, bool ceilMode = false) =>
            x.MaxPool2d((kernel, kernel), stride is { } s ? (s, s) : null, (padding, padding), (dilation, dilation), ceilMode);

        /// <summary>The mean of each window; padding counts as zeros, or not at all. PyTorch's <c>avg_pool2d</c>.</summary>
        /// <param name="kernel">Height and width of a window.</param>
        /// <param name="stride">Steps between windows; the kernel unless given.</param>
        /// <param name="padding">Zeros on each side; at most half the kernel.</param>
        /// <param name="countIncludePad">Whether a mean divides by the padding's places too.</param>
        /// <param name="ceilMode">Whether a last window that reaches beyond the padded input counts.</param>
        /// <returns>[N, C, oh, ow] as for max pooling. x is [N, C, H, W] or [C, H, W].</returns>
        /// <exception cref="ShapeException">x has other axes, or the window is larger than the padded input.</exception>
        public Tensor AvgPool2d((int H, int W) kernel, (int H, int W)? stride = null, (int H, int W) padding = default, bool countIncludePad = true, bool ceilMode = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            CheckRank("avg-pool2d", x, 4, "[N, C, H, W]");
            var s = Plan("avg-pool2d", x, x.Shape[^2], kernel, stride ?? kernel, padding, (1, 1), ceilMode);
            return Average(s, x, countIncludePad, x.Shape.With(x.Rank - 1, s.OW).With(x.Rank - 2, s.OH));
        }

        /// <summary>The mean of each square window: <c>x.AvgPool2d(2)</c>.</summary>
        /// <param name="kernel">Height and width of a window.</param>
        /// <param name="stride">Steps between windows; the kernel unless given.</param>
        /// <param name="padding">Zeros on each side; at most half the kernel.</param>
        /// <param name="countIncludePad">Whether a mean divides by the padding's places too.</param>
        /// <param name="ceilMode">Whether a last window that reaches beyond the padded input counts.</param>
        /// <returns>[N, C, oh, ow] as for max pooling. x is [N, C, H, W] or [C, H, W].</returns>
        /// <exception cref="ShapeException">x has other axes, or the window is larger than the padded input.</exception>
        public Tensor AvgPool2d(int kernel, int? stride = null, int padding = 0, bool countIncludePad = true, bool ceilMode = false) =>
            x.AvgPool2d((kernel, kernel), stride is { } s ? (s, s) : null, (padding, padding), countIncludePad, ceilMode);

        /// <summary>The largest value of each window along the last axis. PyTorch's <c>max_pool1d</c>.</summary>
        /// <param name="kernel">Length of a window.</param>
        /// <param name="stride">Steps between windows; the kernel unless given.</param>
        /// <param name="padding">Places on each side that never win; at most half the kernel.</param>
        /// <param name="dilation">Steps between the values of a window.</param>
        /// <param name="ceilMode">Whether a last window that reaches beyond the padded input counts.</param>
        /// <returns>[N, C, ⌊(L + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1]; rounded up in ceil mode. x is [N, C, L] or [C, L].</returns>
        /// <exception cref="ShapeException">x has other axes, or the window is longer than the padded input.</exception>
        public Tensor MaxPool1d(int kernel, int? stride = null, int padding = 0, int dilation = 1, bool ceilMode = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            CheckRank("max-pool1d", x, 3, "[N, C, L]");
            var s = Plan("max-pool1d", x, 1, (1, kernel), (1, stride ?? kernel), (0, padding), (1, dilation), ceilMode);
            return Max(s, x, x.Shape.With(x.Rank - 1, s.OW));
        }

        /// <summary>The mean of each window along the last axis. PyTorch's <c>avg_pool1d</c>.</summary>
        /// <param name="kernel">Length of a window.</param>
        /// <param name="stride">Steps between windows; the kernel unless given.</param>
        /// <param name="padding">Zeros on each side; at most half the kernel.</param>
        /// <param name="countIncludePad">Whether a mean divides by the padding's places too.</param>
        /// <param name="ceilMode">Whether a last window that reaches beyond the padded input counts.</param>
        /// <returns>[N, C, ⌊(L + 2·padding − kernel) / stride⌋ + 1]; rounded up in ceil mode. x is [N, C, L] or [C, L].</returns>
        /// <exception cref="ShapeException">x has other axes, or the window is longer than the padded input.</exception>
        public Tensor AvgPool1d(int kernel, int? stride = null, int padding = 0, bool countIncludePad = true, bool ceilMode = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            CheckRank("avg-pool1d", x, 3, "[N, C, L]");
            var s = Plan("avg-pool1d", x, 1, (1, kernel), (1, stride ?? kernel), (0, padding), (1, 1), ceilMode);
            return Average(s, x, countIncludePad, x.Shape.With(x.Rank - 1, s.OW));
        }
    }

    private static Tensor Max(PoolShape s, Tensor x, Shape output)
    {
        var y = Tensor.Empty(output, x.Device);
        var tape = Tape.For(x);
        // int32 positions in float memory: they live as long as the tape
        var at = tape is null ? null : Tensor.Empty(output, x.Device);
        x.Device.Launch(new MaxPoolKernel(s, x.View, y.View, at?.View ?? default));
        tape?.AddRecordable(y, (x, dy => MaxBack(s, x, dy, at!)));
        return y;
    }

    internal static Tensor MaxBack(PoolShape s, Tensor x, Tensor dy, Tensor at)
    {
        if (Tape.Recording is not null)
        {
            dy = dy.Reshape([s.Planes, s.OH * s.OW]);
            var places = Places(at, dy.Shape, ref dy);
            return Tensor.Zeros([s.Planes, s.H * s.W], x.Device).ScatterAdd(1, places, dy).Reshape(x.Shape);
        }
        var dx = Tensor.Empty(x.Shape, x.Device);
        x.Device.Launch(new MaxPoolGradientKernel(s, dy.View, at.View, dx.View));
        return dx;
    }

    /// <summary>int32 places that lie in float memory. Where one is negative nothing was chosen: dy is 0 there.</summary>
    internal static Indices Places(Tensor at, Shape shape, ref Tensor dy)
    {
        int[] places = MemoryMarshal.Cast<float, int>(at.ToArray()).ToArray();
        if (places.AsSpan().ContainsAnyInRange(int.MinValue, -1))
        {
            dy = dy.MaskedFill(Tensor.Of(shape, Array.ConvertAll(places, p => p < 0 ? 1f : 0), at.Device), 0);
            places = Array.ConvertAll(places, p => Math.Max(0, p));
        }
        return Indices.Wrap(places, shape);
    }

    private static Tensor Average(PoolShape s, Tensor x, bool countPad, Shape output)
    {
        var y = AverageRun(s, x, output, countPad, back: false);
        Tape.For(x)?.AddRecordable(y, (x, dy => dy.Linearly(d => AverageRun(s, d, x.Shape, countPad, back: true), d => AverageRun(s, d, output, countPad, back: false))));
        return y;
    }

    private static Tensor AverageRun(PoolShape s, Tensor from, Shape shape, bool countPad, bool back)
    {
        var to = Tensor.Empty(shape, from.Device);
        from.Device.Launch(new AvgPoolKernel(s, countPad, from.View, to.View, back));
        return to;
    }

    private static PoolShape Plan(string op, Tensor x, int height, (int H, int W) kernel, (int H, int W) stride, (int H, int W) pad, (int H, int W) dilation, bool ceil)
    {
        if (kernel.H < 1 || kernel.W < 1 || stride.H < 1 || stride.W < 1 || dilation.H < 1 || dilation.W < 1
            || pad.H < 0 || pad.W < 0 || 2 * pad.H > kernel.H || 2 * pad.W > kernel.W)
        {
            ThrowOptions(op, kernel, stride, pad, dilation);
        }
        int width = x.Shape[^1];
        int oh = PoolShape.Windows(height, kernel.H, stride.H, pad.H, dilation.H, ceil), ow = PoolShape.Windows(width, kernel.W, stride.W, pad.W, dilation.W, ceil);
        if (height < 1 || width < 1 || oh < 1 || ow < 1) { ThrowKernel(op, x, height, kernel, pad, dilation); }
        return new(x.Size / (height * width), height, width, oh, ow, kernel.H, kernel.W, stride.H, stride.W, pad.H, pad.W, dilation.H, dilation.W);
    }

    private static void CheckRank(string op, Tensor x, int rank, string want)
    {
        if (x.Rank != rank && x.Rank != rank - 1) { ThrowRank(op, x, want); }
    }

    [DoesNotReturn]
    private static void ThrowRank(string op, Tensor x, string want) => throw new ShapeException(op, $"x {x.Shape} must be {want}, or the same without the batch axis", x.Shape);

    [DoesNotReturn]
    private static void ThrowOptions(string op, (int H, int W) kernel, (int H, int W) stride, (int H, int W) pad, (int H, int W) dilation) => throw new ArgumentException(
        $"{op}: kernel {kernel}, stride {stride}, padding {pad}, dilation {dilation}: padding is 0 to half the kernel, the others are at least 1");

    [DoesNotReturn]
    private static void ThrowKernel(string op, Tensor x, int height, (int H, int W) kernel, (int H, int W) pad, (int H, int W) dilation) => throw new ShapeException(op,
        $"x {x.Shape}: the window covers {(dilation.H * (kernel.H - 1)) + 1} × {(dilation.W * (kernel.W - 1)) + 1}, the padded input has only "
        + $"{height + (2 * pad.H)} × {x.Shape[^1] + (2 * pad.W)}; a smaller kernel, or one pooling less?", x.Shape);

    /// <summary>Max pooling that keeps where each value came from, as int32 in <paramref name="At"/>.</summary>
    internal readonly unsafe record struct MaxPoolKernel(PoolShape Shape, View X, View Y, View At) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "max-pool2d";

        /// <inheritdoc/>
        public void Run()
        {
            fixed (float* x = CpuDevice.Of(X), y = CpuDevice.Of(Y), at = CpuDevice.Of(At)) { Pool2d.Max(Shape, x, y, (int*)at); }
        }
    }

    /// <summary>The gradient of max pooling.</summary>
    internal readonly unsafe record struct MaxPoolGradientKernel(PoolShape Shape, View DY, View At, View DX) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "max-pool2d-gradient";

        /// <inheritdoc/>
        public void Run()
        {
            fixed (float* dy = CpuDevice.Of(DY), at = CpuDevice.Of(At), dx = CpuDevice.Of(DX)) { Pool2d.MaxBack(Shape, dy, (int*)at, dx); }
        }
    }

    /// <summary>Average pooling, or its way back.</summary>
    internal readonly unsafe record struct AvgPoolKernel(PoolShape Shape, bool CountPad, View From, View To, bool Back) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "avg-pool2d";

        /// <inheritdoc/>
        public void Run()
        {
            fixed (float* from = CpuDevice.Of(From), to = CpuDevice.Of(To))
            {
                if (Back) { Pool2d.AverageBack(Shape, CountPad, from, to); } else { Pool2d.Average(Shape, CountPad, from, to); }
            }
        }
    }
}
