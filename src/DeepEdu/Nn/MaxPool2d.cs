using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The largest value of each window: [N, C, H, W] → [N, C, oh, ow]. PyTorch's <c>nn.MaxPool2d</c>, Keras' <c>MaxPooling2D</c>.</summary>
/// <param name="kernel">Height and width of a window.</param>
/// <param name="stride">Steps between windows; the kernel unless given.</param>
/// <param name="padding">Places on each side that never win; at most half the kernel.</param>
/// <param name="dilation">Steps between the values of a window; (1, 1) unless given.</param>
/// <param name="ceilMode">Whether a last window that reaches beyond the input counts.</param>
public sealed class MaxPool2d((int H, int W) kernel, (int H, int W)? stride = null, (int H, int W) padding = default, (int H, int W)? dilation = null, bool ceilMode = false) : Layer
{
    /// <summary>Square windows.</summary>
    /// <param name="kernel">Height and width of a window.</param>
    /// <param name="stride">Steps between windows; the kernel unless given.</param>
    /// <param name="padding">Places on each side that never win; at most half the kernel.</param>
    /// <param name="dilation">Steps between the values of a window.</param>
    /// <param name="ceilMode">Whether a last window that reaches beyond the input counts.</param>
    public MaxPool2d(int kernel, int? stride = null, int padding = 0, int dilation = 1, bool ceilMode = false)
        : this((kernel, kernel), stride is { } s ? (s, s) : null, (padding, padding), (dilation, dilation), ceilMode) { }

    internal bool IsTwoByTwo => kernel == (2, 2) && (stride ?? kernel) == (2, 2) && padding == (0, 0) && (dilation ?? (1, 1)) == (1, 1) && !ceilMode;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.MaxPool2d(kernel, stride, padding, dilation, ceilMode); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>The largest value of each window along the last axis: [N, C, L] → [N, C, ol]. PyTorch's <c>nn.MaxPool1d</c>, Keras' <c>MaxPooling1D</c> with channels first.</summary>
/// <param name="kernel">Length of a window.</param>
/// <param name="stride">Steps between windows; the kernel unless given.</param>
/// <param name="padding">Places on each side that never win; at most half the kernel.</param>
/// <param name="dilation">Steps between the values of a window.</param>
/// <param name="ceilMode">Whether a last window that reaches beyond the input counts.</param>
public sealed class MaxPool1d(int kernel, int? stride = null, int padding = 0, int dilation = 1, bool ceilMode = false) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.MaxPool1d(kernel, stride, padding, dilation, ceilMode); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
