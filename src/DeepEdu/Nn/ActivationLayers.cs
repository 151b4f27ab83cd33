using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

// Activations as layers, to stand in a Sequential. The functions are in Ops.

/// <summary>tanh x. PyTorch's <c>nn.Tanh</c>.</summary>
public sealed class Tanh : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Tanh();
}

/// <summary>1 / (1 + e⁻ˣ). PyTorch's <c>nn.Sigmoid</c>.</summary>
public sealed class Sigmoid : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Sigmoid();
}

/// <summary>x · σ(x): Elfwing et al. 2017, arXiv:1702.03118. PyTorch's <c>nn.SiLU</c>.</summary>
public sealed class Silu : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Silu();
}

/// <summary>x · tanh(ln(1 + eˣ)): Misra 2019, arXiv:1908.08681. PyTorch's <c>nn.Mish</c>.</summary>
public sealed class Mish : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Mish();
}

/// <summary>Klambauer et al. 2017, arXiv:1706.02515, eq. 2. PyTorch's <c>nn.SELU</c>.</summary>
public sealed class Selu : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Selu();
}

/// <summary>ln σ(x). PyTorch's <c>nn.LogSigmoid</c>.</summary>
public sealed class LogSigmoid : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.LogSigmoid();
}

/// <summary>clamp(x/6 + ½, 0, 1). PyTorch's <c>nn.Hardsigmoid</c>.</summary>
public sealed class HardSigmoid : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.HardSigmoid();
}

/// <summary>x · clamp(x/6 + ½, 0, 1): Howard et al. 2019, arXiv:1905.02244, §5.2. PyTorch's <c>nn.Hardswish</c>.</summary>
public sealed class HardSwish : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.HardSwish();
}

/// <summary>clamp(x, 0, 6). PyTorch's <c>nn.ReLU6</c>.</summary>
public sealed class Relu6 : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Relu6();
}

/// <summary>x where x &gt; 0, else α(e^(x/α) − 1): Barron 2017, arXiv:1704.07483. PyTorch's <c>nn.CELU</c>.</summary>
/// <param name="alpha">α.</param>
public sealed class Celu(float alpha = 1) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Celu(alpha);
}

/// <summary>a · σ(b) of the two halves of an axis, which becomes half as long: Dauphin et al. 2017, arXiv:1612.08083, §2. PyTorch's <c>nn.GLU</c>.</summary>
/// <param name="axis">The axis; −1 is the last.</param>
public sealed class Glu(int axis = -1) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Glu(axis);
}

/// <summary>clamp(x, −1, 1). PyTorch's <c>nn.Hardtanh</c>.</summary>
public sealed class HardTanh : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.HardTanh();
}

/// <summary>x / (1 + |x|). PyTorch's <c>nn.Softsign</c>.</summary>
public sealed class Softsign : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Softsign();
}

/// <summary>x · Φ(x): Hendrycks and Gimpel 2016, arXiv:1606.08415. PyTorch's <c>nn.GELU</c>.</summary>
/// <param name="approximate">Whether Φ is replaced by its tanh form.</param>
public sealed class Gelu(bool approximate = false) : Layer
{
    internal bool IsApproximate => approximate;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Gelu(approximate);
}

/// <summary>x above 0, slope · x below: Maas et al. 2013. PyTorch's <c>nn.LeakyReLU</c>.</summary>
/// <param name="slope">The slope below 0.</param>
public sealed class LeakyRelu(float slope = 0.01f) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.LeakyRelu(slope);
}

/// <summary>x above 0, α(eˣ − 1) below: Clevert et al. 2015, arXiv:1511.07289. PyTorch's <c>nn.ELU</c>.</summary>
/// <param name="alpha">α.</param>
public sealed class Elu(float alpha = 1) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Elu(alpha);
}

/// <summary>ln(1 + e^(βx)) / β. PyTorch's <c>nn.Softplus</c>.</summary>
/// <param name="beta">β.</param>
/// <param name="threshold">Above this value of βx the result is x itself.</param>
public sealed class Softplus(float beta = 1, float threshold = 20) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Softplus(beta, threshold);
}

/// <summary>eˣ / Σ eˣ along an axis. Losses take logits, so a model that is trained ends before it. PyTorch's <c>nn.Softmax</c>.</summary>
/// <param name="axis">The axis.</param>
public sealed class Softmax(int axis = -1) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Softmax(axis);
}

/// <summary>ln softmax x along an axis. PyTorch's <c>nn.LogSoftmax</c>.</summary>
/// <param name="axis">The axis.</param>
public sealed class LogSoftmax(int axis = -1) : Layer
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.LogSoftmax(axis);
}
