using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The mean of each channel: [N, C, ..] → [N, C]. Keras' <c>GlobalAveragePooling1D</c> and <c>2D</c>; PyTorch's <c>nn.AdaptiveAvgPool2d(1)</c>, flattened.</summary>
public sealed class GlobalAvgPool : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.Flatten(2).Mean(2); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>The largest value of each channel: [N, C, ..] → [N, C]. Equals share the gradient. Keras' <c>GlobalMaxPooling1D</c> and <c>2D</c>; PyTorch's <c>x.flatten(2).amax(2)</c>.</summary>
public sealed class GlobalMaxPool : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.Flatten(2).Max(2); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
