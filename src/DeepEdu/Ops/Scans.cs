using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>What has come together so far along an axis, made by doubling (Hillis and Steele 1986): ⌈log₂ n⌉ passes, each of which joins every value with the one that stands 1, 2, 4, .. before it.</summary>
public static class Scans
{
    extension(Tensor x)
    {
        /// <summary>yᵢ = x₀ · .. · xᵢ along an axis. The gradient is right at zeros too.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor CumProd(int axis) => Scan(x, x.Shape.Axis("cumprod", axis), 1, static (x, before) => x * before);

        /// <summary>yᵢ = ln(e^x₀ + .. + e^xᵢ) along an axis, without overflow; −∞ adds nothing.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor LogCumSumExp(int axis) => Scan(x, x.Shape.Axis("logcumsumexp", axis), float.NegativeInfinity, static (x, before) => x.LogAddExp(before));
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
}
