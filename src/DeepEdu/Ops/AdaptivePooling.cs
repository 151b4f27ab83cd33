using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Pooling to a given number of windows, whatever the size of the input: window i of m over an axis of size n is [⌊i·n/m⌋, ⌈(i + 1)·n/m⌉).</summary>
public static class AdaptivePooling
{
    extension(Tensor x)
    {
        /// <summary>The mean of each window. PyTorch's <c>adaptive_avg_pool2d</c>.</summary>
        /// <param name="output">Windows down and across.</param>
        /// <returns>[N, C, oh, ow]. x is [N, C, H, W] or [C, H, W].</returns>
        /// <exception cref="ShapeException">x has other axes, or an empty one.</exception>
        public Tensor AdaptiveAvgPool2d((int H, int W) output)
        {
            ArgumentNullException.ThrowIfNull(x);
            Check("adaptive-avg-pool2d", x, 4, output);
            return x.Shape[^2] % output.H == 0 && x.Shape[^1] % output.W == 0
                ? x.AvgPool2d((x.Shape[^2] / output.H, x.Shape[^1] / output.W)) : Average(Plan(x, x.Shape[^2], output), x, x.Shape.With(x.Rank - 1, output.W).With(x.Rank - 2, output.H));
        }

        /// <summary>The mean of each window along the last axis. PyTorch's <c>adaptive_avg_pool1d</c>.</summary>
        /// <param name="output">How many windows.</param>
        /// <returns>[N, C, output]. x is [N, C, L] or [C, L].</returns>
        /// <exception cref="ShapeException">x has other axes, or an empty one.</exception>
        public Tensor AdaptiveAvgPool1d(int output)
        {
            ArgumentNullException.ThrowIfNull(x);
            Check("adaptive-avg-pool1d", x, 3, (1, output));
            return x.Shape[^1] % output == 0 ? x.AvgPool1d(x.Shape[^1] / output) : Average(Plan(x, 1, (1, output)), x, x.Shape.With(x.Rank - 1, output));
        }

        /// <summary>The largest value of each window; of equals the first has the gradient. PyTorch's <c>adaptive_max_pool2d</c>.</summary>
        /// <param name="output">Windows down and across.</param>
        /// <returns>[N, C, oh, ow]. x is [N, C, H, W] or [C, H, W].</returns>
        /// <exception cref="ShapeException">x has other axes, or an empty one.</exception>
        public Tensor AdaptiveMaxPool2d((int H, int W) output)
        {
            ArgumentNullException.ThrowIfNull(x);
            Check("adaptive-max-pool2d", x, 4, output);
            return x.Shape[^2] % output.H == 0 && x.Shape[^1] % output.W == 0
                ? x.MaxPool2d((x.Shape[^2] / output.H, x.Shape[^1] / output.W)) : Max(Plan(x, x.Shape[^2], output), x, x.Shape.With(x.Rank - 1, output.W).With(x.Rank - 2, output.H));
        }

        /// <summary>The largest value of each window along the last axis; of equals the first has the gradient. PyTorch's <c>adaptive_max_pool1d</c>.</summary>
        /// <param name="output">How many windows.</param>
        /// <returns>[N, C, output]. x is [N, C, L] or [C, L].</returns>
        /// <exception cref="ShapeException">x has other axes, or an empty one.</exception>
        public Tensor AdaptiveMaxPool1d(int output)
        {
            ArgumentNullException.ThrowIfNull(x);
            Check("adaptive-max-pool1d", x, 3, (1, output));
            return x.Shape[^1] % output == 0 ? x.MaxPool1d(x.Shape[^1] / output) : Max(Plan(x, 1, (1, output)), x, x.Shape.With(x.Rank - 1, output));
        }
    }

    private static PoolShape Plan(Tensor x, int height, (int H, int W) output) => new() { Planes = x.Size / (height * x.Shape[^1]), H = height, W = x.Shape[^1], OH = output.H, OW = output.W };

    private static Tensor Average(PoolShape s, Tensor x, Shape output)
    {
        var y = AverageRun(s, x, output, back: false);
        Tape.For(x)?.AddRecordable(y, (x, dy => dy.Linearly(d => AverageRun(s, d, x.Shape, back: true), d => AverageRun(s, d, output, back: false))));
        return y;
    }

    private static Tensor AverageRun(PoolShape s, Tensor from, Shape shape, bool back)
    {
        var to = Tensor.Empty(shape, from.Device);
        from.Device.Launch(new AdaptiveAvgPoolKernel(s, from.View, to.View, back));
        return to;
    }

    private static Tensor Max(PoolShape s, Tensor x, Shape output)
    {
        var y = Tensor.Empty(output, x.Device);
        var tape = Tape.For(x);
        // int32 positions in float memory: they live as long as the tape
        var at = tape is null ? null : Tensor.Empty(output, x.Device);
        x.Device.Launch(new AdaptiveMaxPoolKernel(s, x.View, y.View, at?.View ?? default));
        tape?.AddRecordable(y, (x, dy => Pooling.MaxBack(s, x, dy, at!)));
        return y;
    }

    private static void Check(string op, Tensor x, int rank, (int H, int W) output)
    {
        if (x.Rank != rank && x.Rank != rank - 1) { ThrowRank(op, x, rank == 4 ? "[N, C, H, W]" : "[N, C, L]"); }
        if (output.H < 1 || output.W < 1) { ThrowOutput(op, output); }
        if (x.Shape[^1] < 1 || (rank == 4 && x.Shape[^2] < 1)) { ThrowEmpty(op, x); }
    }

    [DoesNotReturn]
    private static void ThrowRank(string op, Tensor x, string want) => throw new ShapeException(op, $"x {x.Shape} must be {want}, or the same without the batch axis", x.Shape);

    [DoesNotReturn]
    private static void ThrowOutput(string op, (int H, int W) output) => throw new ArgumentException($"{op}: {output} windows; there must be at least one");

    [DoesNotReturn]
    private static void ThrowEmpty(string op, Tensor x) => throw new ShapeException(op, $"x {x.Shape} has nothing to pool", x.Shape);

    /// <summary>Max pooling that keeps where each value came from, as int32 in <paramref name="At"/>.</summary>
    internal readonly unsafe record struct AdaptiveMaxPoolKernel(PoolShape Shape, View X, View Y, View At) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "adaptive-max-pool2d";

        /// <inheritdoc/>
        public void Run()
        {
            fixed (float* x = CpuDevice.Of(X), y = CpuDevice.Of(Y), at = CpuDevice.Of(At)) { PoolAdaptive.Max(Shape, x, y, (int*)at); }
        }
    }

    /// <summary>Average pooling, or its way back.</summary>
    internal readonly unsafe record struct AdaptiveAvgPoolKernel(PoolShape Shape, View From, View To, bool Back) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "adaptive-avg-pool2d";

        /// <inheritdoc/>
        public void Run()
        {
            fixed (float* from = CpuDevice.Of(From), to = CpuDevice.Of(To))
            {
                if (Back) { PoolAdaptive.AverageBack(Shape, from, to); } else { PoolAdaptive.Average(Shape, from, to); }
            }
        }
    }
}
