using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>y[.., o] = aᵀ·W[o]·b + bias[o]: a [.., left], b [.., right] → [.., outputs]; "weight" [outputs, left, right], "bias" [outputs]. PyTorch's <c>nn.Bilinear(left, right, outputs)</c>.</summary>
public sealed class Bilinear : Module
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <summary>A layer with PyTorch's initial values: both uniform in ±1/√left.</summary>
    /// <param name="left">Size of the last axis of the first input.</param>
    /// <param name="right">Size of the last axis of the second.</param>
    /// <param name="outputs">Size of the last axis of y.</param>
    /// <param name="rng">Where the initial values come from; one child stream is taken.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="init">Other initial values of the weight; the bias then starts at 0.</param>
    public Bilinear(int left, int right, int outputs, Rng rng, bool bias = true, Initializer? init = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(left);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(right);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        ArgumentNullException.ThrowIfNull(rng);
        _weight = new([outputs, left, right]);
        _bias = bias ? new([outputs]) : null;
        var own = rng.Fork();
        float bound = 1 / MathF.Sqrt(left);
        (init ?? Init.Uniform(-bound, bound))(_weight, own);
        if (_bias is not null) { (init is null ? Init.Uniform(-bound, bound) : Init.Zeros())(_bias, own); }
    }

    /// <summary>W [outputs, left, right].</summary>
    public Parameter Weight => _weight;

    /// <summary>The bias [outputs], or none.</summary>
    public Parameter? Bias => _bias;

    /// <summary>aᵀ·W·b + bias.</summary>
    /// <param name="a">[.., left].</param>
    /// <param name="b">[.., right], with the same leading axes.</param>
    /// <exception cref="ShapeException">The inputs end in other sizes, or their leading axes differ.</exception>
    public Tensor Forward(Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        try
        {
            var (o, left, right) = (_weight.Shape[0], _weight.Shape[1], _weight.Shape[2]);
            if (a.Rank == 0 || a.Rank != b.Rank || a.Shape[^1] != left || b.Shape != a.Shape.With(a.Rank - 1, right))
            {
                throw new ShapeException("bilinear", $"{a.Shape} and {b.Shape} must be [.., {left}] and [.., {right}] with the same leading axes", a.Shape, b.Shape);
            }
            // W·b for all outputs in one product, then a dot product with a each
            var wb = b.Linear(_weight.Reshape([o * left, right])).Reshape([.. b.Shape.Sizes[..^1], o, left]);
            var y = (wb * a.Unsqueeze(-2)).Sum(-1);
            return _bias is null ? y : y + _bias;
        }
        catch (ShapeException e) when (Places(e)) { throw; }
    }

    /// <inheritdoc/>
    protected internal override void Parts(Parts p)
    {
        ArgumentNullException.ThrowIfNull(p);
        p.Of(_weight).Of(_bias);
    }
}

/// <summary>a·b / (max(‖a‖, ε) · max(‖b‖, ε)) over an axis, which is gone from the result. PyTorch's <c>nn.CosineSimilarity</c>, Keras' <c>Dot(normalize=True)</c>.</summary>
/// <param name="axis">The axis.</param>
/// <param name="eps">ε.</param>
public sealed class CosineSimilarity(int axis = 1, float eps = 1e-8f) : Module
{
    /// <summary>The cosine of the angle between a and b.</summary>
    public Tensor Forward(Tensor a, Tensor b) => Losses.CosineSimilarity(a, b, axis, eps);
}
