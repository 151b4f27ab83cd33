using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The mean of each of oh × ow windows that cover the image: [N, C, H, W] → [N, C, oh, ow] for any H and W. PyTorch's <c>nn.AdaptiveAvgPool2d</c>, Keras' <c>AdaptiveAveragePooling2D</c>.</summary>
/// <param name="output">oh and ow.</param>
public sealed class AdaptiveAvgPool2d((int H, int W) output) : Layer
{
    /// <summary>As many windows down as across.</summary>
    /// <param name="output">oh and ow.</param>
    public AdaptiveAvgPool2d(int output) : this((output, output)) { }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.AdaptiveAvgPool2d(output); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>The mean of each of ol windows that cover the last axis: [N, C, L] → [N, C, ol]. PyTorch's <c>nn.AdaptiveAvgPool1d</c>.</summary>
/// <param name="output">ol.</param>
public sealed class AdaptiveAvgPool1d(int output) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.AdaptiveAvgPool1d(output); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>The largest value of each of oh × ow windows that cover the image: [N, C, H, W] → [N, C, oh, ow]. PyTorch's <c>nn.AdaptiveMaxPool2d</c>, Keras' <c>AdaptiveMaxPooling2D</c>.</summary>
/// <param name="output">oh and ow.</param>
public sealed class AdaptiveMaxPool2d((int H, int W) output) : Layer
{
    /// <summary>As many windows down as across.</summary>
    /// <param name="output">oh and ow.</param>
    public AdaptiveMaxPool2d(int output) : this((output, output)) { }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.AdaptiveMaxPool2d(output); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}

/// <summary>The largest value of each of ol windows that cover the last axis: [N, C, L] → [N, C, ol]. PyTorch's <c>nn.AdaptiveMaxPool1d</c>.</summary>
/// <param name="output">ol.</param>
public sealed class AdaptiveMaxPool1d(int output) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        try { return x.AdaptiveMaxPool1d(output); }
        catch (ShapeException e) when (Places(e)) { throw; }
    }
}
