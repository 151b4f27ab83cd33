using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>max(x, 0).</summary>
public sealed class Relu : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.MapByOutput(default(Formula), default(LinearOps.WherePositive));

    private readonly struct Formula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Max(x, 0f);
    }
}
