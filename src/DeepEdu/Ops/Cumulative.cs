using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Running sums.</summary>
public static class Cumulative
{
    extension(Tensor x)
    {
        /// <summary>yᵢ = x₀ + .. + xᵢ along an axis, or from the end: yᵢ = xᵢ + .. + xₙ₋₁. The gradient is the running sum of dy the other way.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor CumSum(int axis, bool reverse = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            int at = x.Shape.Axis("cumsum", axis);
            var y = Run(x, at, reverse);
            Tape.For(x)?.AddRecordable(y, (x, dy => dy.CumSum(at, !reverse)));
            return y;
        }
    }

    private static Tensor Run(Tensor x, int axis, bool reverse)
    {
        var y = Tensor.Empty(x.Shape, x.Device);
        x.Device.Launch(new RunningSum(x.View, y.View, x.Shape.Product(0, axis), x.Shape[axis], x.Shape.Product(axis + 1, x.Rank), reverse));
        return y;
    }

    /// <summary>Running sums along the middle axis of X [Outer, N, Inner].</summary>
    public readonly record struct RunningSum(View X, View Y, int Outer, int N, int Inner, bool Reverse) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "running sum";

        /// <inheritdoc/>
        public void Run() => new Running<Running.Plus>(X, Y, Outer, N, Inner, Reverse).Run();
    }
}
