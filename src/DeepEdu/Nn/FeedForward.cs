using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Two dense layers with an activation and dropout between, max(0, x·W₁ᵀ + b₁)·W₂ᵀ + b₂, and what goes around them: Vaswani et al. 2017, arXiv:1706.03762, eq. 2. Shared by encoder and decoder layers, which name its parts.</summary>
internal static class FeedForward
{
    public static Tensor Run(Tensor x, Dense first, Layer activation, Dropout dropout, Dense second, Tensor residual, Dropout last)
    {
        var h = first.Fuse(activation) is { } fused ? fused.Forward(x) : activation.Forward(first.Forward(x));
        return second.Forward(dropout.Forward(h), residual, last);
    }
}
