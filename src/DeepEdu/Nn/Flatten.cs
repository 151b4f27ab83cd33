using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Makes one axis of several: [N, C, H, W] → [N, C·H·W]. PyTorch's <c>nn.Flatten</c>, Keras' <c>Flatten</c>.</summary>
/// <param name="from">The first axis.</param>
/// <param name="to">The last axis, included.</param>
public sealed class Flatten(int from = 1, int to = -1) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.Flatten(from, to); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
