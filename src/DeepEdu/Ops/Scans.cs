using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>What has come together so far along an axis; without a kernel by doubling (Hillis and Steele 1986): ⌈log₂ n⌉ passes, each of which joins every value with the one that stands 1, 2, 4, .. before it.</summary>
public static class Scans
{
    extension(Tensor x)
    {
        /// <summary>yᵢ = x₀ · .. · xᵢ along an axis. The gradient is right at zeros too.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor CumProd(int axis)
        {
            ArgumentNullException.ThrowIfNull(x);
            int at = x.Shape.Axis("cumprod", axis);
            return x.Device.Has<RunningProduct>() ? Product(x, at) : ByDoubling(x, at);
        }

        /// <summary>yᵢ = ln(e^x₀ + .. + e^xᵢ) along an axis, without overflow; −∞ adds nothing.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor LogCumSumExp(int axis)
        {
            ArgumentNullException.ThrowIfNull(x);
            return Scan(x, x.Shape.Axis("logcumsumexp", axis), float.NegativeInfinity, static (x, before) => x.LogAddExp(before));
        }
    }

    /// <summary>Running products in other operations.</summary>
    internal static Tensor ByDoubling(Tensor x, int axis) => Scan(x, axis, 1, static (x, before) => x * before);

    private static Tensor Product(Tensor x, int axis)
    {
        int outer = x.Shape.Product(0, axis), n = x.Shape[axis], inner = x.Shape.Product(axis + 1, x.Rank);
        var y = Tensor.Empty(x.Shape, x.Device);
        x.Device.Launch(new RunningProduct(x.View, y.View, outer, n, inner));
        Tape.For(x)?.AddRecordable(y, (x, dy =>
        {
            if (Tape.Recording is { } tape) { return tape.Through(() => ByDoubling(x, axis), dy, x); }
            var dx = Tensor.Empty(x.Shape, x.Device);
            x.Device.Launch(new RunningProductGradient(x.View, y.View, dy.View, dx.View, outer, n, inner));
            return dx;
        }
        ));
        return y;
    }

    private static Tensor Scan(Tensor x, int axis, float nothing, Func<Tensor, Tensor, Tensor> join)
    {
        int n = x.Shape[axis];
        var widths = new (int, int)[x.Rank - axis];
        for (int step = 1; step < n; step *= 2)
        {
            widths[0] = (step, 0);
            x = join(x, x.Narrow(axis, 0, n - step).Pad(widths, value: nothing));
        }
        return x;
    }

    /// <summary>Running products along the middle axis of X [Outer, N, Inner].</summary>
    internal readonly record struct RunningProduct(View X, View Y, int Outer, int N, int Inner) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "running product";

        /// <inheritdoc/>
        public void Run() => new Running<Running.Times>(X, Y, Outer, N, Inner, reverse: false).Run();
    }

    /// <summary>The way back of <see cref="RunningProduct"/>.</summary>
    internal readonly record struct RunningProductGradient(View X, View Y, View Dy, View Dx, int Outer, int N, int Inner) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "running product gradient";

        /// <inheritdoc/>
        public void Run() => new RunningProductPull(X, Y, Dy, Dx, Outer, N, Inner).Run();
    }
}
