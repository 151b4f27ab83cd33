using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The mean of each window: [N, C, H, W] → [N, C, oh, ow]. PyTorch's <c>nn.AvgPool2d</c>, Keras' <c>AveragePooling2D</c>.</summary>
/// <param name="kernel">Height and width of a window.</param>
/// <param name="stride">Steps between windows; the kernel unless given.</param>
/// <param name="padding">Zeros on each side.</param>
/// <param name="countIncludePad">Whether a mean divides by the padding's places too.</param>
public sealed class AvgPool2d(int kernel, int? stride = null, int padding = 0, bool countIncludePad = true) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.AvgPool2d((kernel, kernel), stride is { } s ? (s, s) : null, (padding, padding), countIncludePad);
}

/// <summary>The mean of each channel: [N, C, ..] → [N, C]. Keras' <c>GlobalAveragePooling2D</c>; PyTorch's <c>nn.AdaptiveAvgPool2d(1)</c>, flattened.</summary>
public sealed class GlobalAvgPool : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Flatten(2).Mean(2);
}
