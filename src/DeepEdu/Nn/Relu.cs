using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>max(x, 0). In a <see cref="Sequential"/> it is computed by the layer before it where that can. PyTorch's <c>nn.ReLU</c>.</summary>
public sealed class Relu : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Relu();
}
