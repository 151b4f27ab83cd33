using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>The rectifier whose slope is learned.</summary>
public static class Prelus
{
    extension(Tensor x)
    {
        /// <summary>x above 0, weight · x below: He et al. 2015, arXiv:1502.01852, eq. 1. PyTorch's <c>prelu</c>.</summary>
        /// <param name="weight">[1], or [C] with a slope for each entry of axis 1.</param>
        /// <exception cref="ShapeException">The weight has another shape, or x no axis 1 of C.</exception>
        public Tensor Prelu(Tensor weight)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(weight);
            if (weight.Rank != 1 || (weight.Size != 1 && (x.Rank < 2 || x.Shape[1] != weight.Size))) { ThrowWeight(x.Shape, weight.Shape); }
            return x.Zip(x.Rank > 2 && weight.Size != 1 ? weight.Reshape([weight.Size, .. Enumerable.Repeat(1, x.Rank - 2)]) : x.Rank == 0 ? weight.Reshape([]) : weight, default(PreluFormula), "prelu");
        }
    }

    [DoesNotReturn]
    private static void ThrowWeight(Shape x, Shape weight) => throw new ShapeException("prelu", $"weight {weight} for {x}: it must be [1], or [C] with x [N, C, ..]", x, weight);

    /// <summary>x &gt; 0 ? x : weight · x.</summary>
    public readonly struct PreluFormula : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x, L weight) where L : struct, ILane<L> => L.WhereGreater(x, 0f, x, weight * x);
    }
}
