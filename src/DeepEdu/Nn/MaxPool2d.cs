using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The largest value of each window: [N, C, H, W] → [N, C, oh, ow]. PyTorch's <c>nn.MaxPool2d</c>, Keras' <c>MaxPooling2D</c>.</summary>
/// <param name="kernel">Height and width of a window.</param>
/// <param name="stride">Steps between windows; the kernel unless given.</param>
/// <param name="padding">Places on each side that never win.</param>
/// <param name="ceilMode">Whether a last window that reaches beyond the input counts.</param>
public sealed class MaxPool2d(int kernel, int? stride = null, int padding = 0, bool ceilMode = false) : Layer
{
    internal bool IsTwoByTwo => kernel == 2 && (stride ?? kernel) == 2 && padding == 0 && !ceilMode;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.MaxPool2d((kernel, kernel), stride is { } s ? (s, s) : null, (padding, padding), null, ceilMode);
}
