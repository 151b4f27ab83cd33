using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The mean of each window: [N, C, H, W] → [N, C, oh, ow]. PyTorch's <c>nn.AvgPool2d</c>, Keras' <c>AveragePooling2D</c>.</summary>
/// <param name="kernel">Height and width of a window.</param>
/// <param name="stride">Steps between windows; the kernel unless given.</param>
/// <param name="padding">Zeros on each side; at most half the kernel.</param>
/// <param name="countIncludePad">Whether a mean divides by the padding's places too.</param>
/// <param name="ceilMode">Whether a last window that reaches beyond the input counts.</param>
public sealed class AvgPool2d((int H, int W) kernel, (int H, int W)? stride = null, (int H, int W) padding = default, bool countIncludePad = true, bool ceilMode = false) : Layer
{
    /// <summary>Square windows.</summary>
    /// <param name="kernel">Height and width of a window.</param>
    /// <param name="stride">Steps between windows; the kernel unless given.</param>
    /// <param name="padding">Zeros on each side; at most half the kernel.</param>
    /// <param name="countIncludePad">Whether a mean divides by the padding's places too.</param>
    /// <param name="ceilMode">Whether a last window that reaches beyond the input counts.</param>
    public AvgPool2d(int kernel, int? stride = null, int padding = 0, bool countIncludePad = true, bool ceilMode = false)
        : this((kernel, kernel), stride is { } s ? (s, s) : null, (padding, padding), countIncludePad, ceilMode) { }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.AvgPool2d(kernel, stride, padding, countIncludePad, ceilMode); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>The mean of each window along the last axis: [N, C, L] → [N, C, ol]. PyTorch's <c>nn.AvgPool1d</c>, Keras' <c>AveragePooling1D</c> with channels first.</summary>
/// <param name="kernel">Length of a window.</param>
/// <param name="stride">Steps between windows; the kernel unless given.</param>
/// <param name="padding">Zeros on each side; at most half the kernel.</param>
/// <param name="countIncludePad">Whether a mean divides by the padding's places too.</param>
/// <param name="ceilMode">Whether a last window that reaches beyond the input counts.</param>
public sealed class AvgPool1d(int kernel, int? stride = null, int padding = 0, bool countIncludePad = true, bool ceilMode = false) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.AvgPool1d(kernel, stride, padding, countIncludePad, ceilMode); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
