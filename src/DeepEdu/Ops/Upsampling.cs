using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>What a resized image is made of.</summary>
public enum ResizeMode
{
    /// <summary>The value at the place that is nearest (rounded down, as PyTorch's <c>nearest</c>).</summary>
    Nearest,

    /// <summary>A mixture of the neighbours: two along a line, four in an image (bilinear).</summary>
    Linear,
}

/// <summary>Images and lines made larger or smaller.</summary>
public static class Upsampling
{
    extension(Tensor x)
    {
        /// <summary>The image at another size: place i of the result is taken from i·H/oh (nearest), from (i + ½)·H/oh − ½ (linear), or from i·(H − 1)/(oh − 1) where corners are aligned.
        /// PyTorch's <c>interpolate</c>.</summary>
        /// <param name="size">oh and ow.</param>
        /// <param name="mode">What a value is made of.</param>
        /// <param name="alignCorners">With <see cref="ResizeMode.Linear"/>: whether the outermost values stay the outermost.</param>
        /// <param name="scale">The factors that lead from H and W to oh and ow where these were rounded: places are then i / scale.</param>
        /// <returns>[N, C, oh, ow]. x is [N, C, H, W].</returns>
        /// <exception cref="ShapeException">x is not [N, C, H, W], or H or W is 0.</exception>
        /// <exception cref="ArgumentException">A size below 1, a factor not above 0, or aligned corners of the nearest.</exception>
        public Tensor Upsample2d((int H, int W) size, ResizeMode mode = ResizeMode.Nearest, bool alignCorners = false, (float H, float W)? scale = null)
        {
            ArgumentNullException.ThrowIfNull(x);
            if (x.Rank != 4) { ThrowRank("upsample2d", x, "[N, C, H, W]"); }
            Check("upsample2d", x, x.Shape[2], size, mode, alignCorners, scale);
            return Run(x, [x.Shape[0], x.Shape[1], size.H, size.W], Axis(x.Shape[2], size.H, mode, alignCorners, scale?.H), Axis(x.Shape[3], size.W, mode, alignCorners, scale?.W));
        }

        /// <summary>The line at another length; places as for <c>Upsample2d</c>. PyTorch's <c>interpolate</c> with <c>nearest</c> or <c>linear</c>.</summary>
        /// <param name="size">ol.</param>
        /// <param name="mode">What a value is made of.</param>
        /// <param name="alignCorners">With <see cref="ResizeMode.Linear"/>: whether the outermost values stay the outermost.</param>
        /// <param name="scale">The factor that leads from L to ol where it was rounded.</param>
        /// <returns>[N, C, ol]. x is [N, C, L].</returns>
        /// <exception cref="ShapeException">x is not [N, C, L], or L is 0.</exception>
        /// <exception cref="ArgumentException">A size below 1, a factor not above 0, or aligned corners of the nearest.</exception>
        public Tensor Upsample1d(int size, ResizeMode mode = ResizeMode.Nearest, bool alignCorners = false, float? scale = null)
        {
            ArgumentNullException.ThrowIfNull(x);
            if (x.Rank != 3) { ThrowRank("upsample1d", x, "[N, C, L]"); }
            Check("upsample1d", x, 1, (1, size), mode, alignCorners, scale is { } f ? (1, f) : null);
            return Run(x, [x.Shape[0], x.Shape[1], size], ResizedAxis.Nearest(1, 1, 1), Axis(x.Shape[2], size, mode, alignCorners, scale));
        }
    }

    private static ResizedAxis Axis(int n, int size, ResizeMode mode, bool alignCorners, float? scale)
    {
        double ratio = alignCorners ? size > 1 ? (n - 1.0) / (size - 1) : 0 : scale is { } f ? 1 / (double)f : (double)n / size;
        return mode == ResizeMode.Nearest ? ResizedAxis.Nearest(n, size, (float)ratio) : ResizedAxis.Linear(n, size, ratio, alignCorners);
    }

    private static Tensor Run(Tensor x, Shape shape, ResizedAxis rows, ResizedAxis columns)
    {
        int planes = x.Shape[0] * x.Shape[1];
        var y = Forth(x);
        Tape.For(x)?.AddRecordable(y, (x, dy => dy.Linearly(Back, Forth)));
        return y;

        Tensor Forth(Tensor small)
        {
            var large = Tensor.Empty(shape, small.Device);
            small.Device.Launch(new InterpolateKernel(planes, rows, columns, small.View, large.View, Back: false));
            return large;
        }

        Tensor Back(Tensor large)
        {
            var small = Tensor.Empty(x.Shape, large.Device);
            large.Device.Launch(new InterpolateKernel(planes, rows, columns, small.View, large.View, Back: true));
            return small;
        }
    }

    private static void Check(string op, Tensor x, int height, (int H, int W) size, ResizeMode mode, bool alignCorners, (float H, float W)? scale)
    {
        if (size.H < 1 || size.W < 1 || scale is { } f && !(f.H > 0 && f.W > 0) || (alignCorners && mode == ResizeMode.Nearest)) { ThrowOptions(op, size, mode, alignCorners, scale); }
        if (height < 1 || x.Shape[^1] < 1) { ThrowEmpty(op, x); }
    }

    [DoesNotReturn]
    private static void ThrowRank(string op, Tensor x, string want) => throw new ShapeException(op, $"x {x.Shape} must be {want}; add the batch axis with Unsqueeze(0)?", x.Shape);

    [DoesNotReturn]
    private static void ThrowEmpty(string op, Tensor x) => throw new ShapeException(op, $"x {x.Shape} has nothing to resize", x.Shape);

    [DoesNotReturn]
    private static void ThrowOptions(string op, (int H, int W) size, ResizeMode mode, bool alignCorners, (float H, float W)? scale) => throw new ArgumentException(
        $"{op}: size {size}, mode {mode}, align corners {alignCorners}, scale {scale?.ToString() ?? "none"}: sizes are at least 1, factors above 0, and only Linear aligns corners");

    /// <summary>Resizes planes, or takes the gradient back.</summary>
    internal readonly unsafe record struct InterpolateKernel(int Planes, ResizedAxis Rows, ResizedAxis Columns, View Inner, View Outer, bool Back) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "upsample";

        /// <inheritdoc/>
        public void Run()
        {
            fixed (float* inner = CpuDevice.Of(Inner), outer = CpuDevice.Of(Outer)) { Interpolate.Run(Planes, Rows, Columns, inner, outer, Back); }
        }
    }
}
