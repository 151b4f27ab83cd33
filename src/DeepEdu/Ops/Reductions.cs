using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Sums and their kin.</summary>
public static class Reductions
{
    /// <summary>Adds up.</summary>
    public readonly struct SumFold : IFold
    {
        /// <inheritdoc/>
        public float Start => 0;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => acc + x;

        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }

    /// <summary>Undoes a broadcast: adds up the repeats until the shape is <paramref name="to"/>. The gradient of broadcasting; it records nothing.</summary>
    internal static Tensor SumTo(this Tensor x, Shape to)
    {
        if (x.Shape == to) { return x; }
        // runs of axes that were repeated, from the outermost; neighbours are folded together
        int lead = x.Rank - to.Rank;
        for (int i = 0; i < x.Rank;)
        {
            if (!Repeated(x.Shape, to, i, lead)) { i++; continue; }
            int j = i;
            while (j < x.Rank && (Repeated(x.Shape, to, j, lead) || x.Shape[j] == 1)) { j++; }
            int outer = x.Shape.Product(0, i), n = x.Shape.Product(i, j), inner = x.Shape.Product(j, x.Rank);
            int[] sizes = x.Shape.Sizes.ToArray();
            for (int k = i; k < j; k++) { sizes[k] = 1; }
            var y = Tensor.Empty(Shape.Create(sizes), x.Device);
            x.Device.Fold(default(SumFold), x.View, outer, n, inner, y.View);
            x = y;
            i = j;
        }
        return x.Alias(to);
    }

    private static bool Repeated(Shape from, Shape to, int axis, int lead) => from[axis] != 1 && (axis < lead || to[axis - lead] == 1);

    extension(Tensor x)
    {
        /// <summary>Σ x over every axis, of shape [].</summary>
        public Tensor Sum()
        {
            var y = Tensor.Empty([], x.Device);
            x.Device.Fold(default(SumFold), x.View, 1, x.Size, 1, y.View);
            Tape.For(x)?.Add(y, (x, dy => Repeat(dy, x.Shape)));
            return y;
        }
    }

    /// <summary>A single value everywhere in a shape.</summary>
    private static Tensor Repeat(Tensor value, Shape shape)
    {
        var dx = Tensor.Empty(shape, value.Device);
        value.Device.Zip(default(First), value.View, value.View, dx.View, Broadcasting.Plan("sum", shape, value.Shape, value.Shape, shape));
        return dx;
    }

    private readonly struct First : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b) where L : struct, ILane<L> => a;
    }
}
