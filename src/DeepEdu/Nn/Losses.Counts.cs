using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <content>Losses of distributions other than the plain Gaussian and the plain Bernoulli, composed of other operations.</content>
public static partial class Losses
{
    private const float HalfLogTwoPi = 0.918938533f;

    /// <summary>λ − t·ln λ, the negative log-likelihood of a count t under a Poisson distribution with rate λ = eˣ or, if not <paramref name="logInput"/>, λ = x (ln(x + ε)).
    /// <c>torch.nn.PoissonNLLLoss</c>.</summary>
    /// <param name="x">The rate or its logarithm.</param>
    /// <param name="target">Counts; no gradient reaches them.</param>
    /// <param name="logInput">Whether x is the logarithm of the rate.</param>
    /// <param name="full">Adds ln t! by Stirling's formula, t·ln t − t + ½ ln 2πt where t > 1, so that losses of other targets compare.</param>
    /// <param name="eps">ε.</param>
    /// <param name="weight">Multiplies the single losses.</param>
    /// <param name="reduction">None gives x's shape.</param>
    /// <exception cref="ShapeException">x and t differ in shape.</exception>
    public static Tensor PoissonNll(Tensor x, Tensor target, bool logInput = true, bool full = false, float eps = 1e-8f, Tensor? weight = null, Reduction reduction = Reduction.Mean)
    {
        Same("poisson-nll", x, target);
        var t = target.Detach();
        var y = logInput ? x.Exp() - (t * x) : x - (t * (x + eps).Log());
        if (full)
        {
            var above = t.Clamp(1); // where t ≤ 1 nothing is added, and no logarithm of 0 taken
            y += Tensor.Where(t.Greater(1), (above * above.Log()) - above + (0.5f * above.Log()) + HalfLogTwoPi, Tensor.Zeros(t.Shape, t.Device));
        }
        return Reduce("poisson-nll", y, weight, reduction);
    }

    /// <summary>½(ln v + (x − t)²/v), the negative log-likelihood of t under a Gaussian with mean x and variance v, at least ε: Nix and Weigend 1994. <c>torch.nn.GaussianNLLLoss</c>.</summary>
    /// <param name="x">The mean.</param>
    /// <param name="target">t.</param>
    /// <param name="variance">v, of x's shape or broadcasting to it (one for all, or for a row).</param>
    /// <param name="full">Adds ½ ln 2π.</param>
    /// <param name="eps">The least variance; the gradient of a smaller one is that at ε.</param>
    /// <param name="weight">Multiplies the single losses.</param>
    /// <param name="reduction">None gives x's shape.</param>
    /// <exception cref="ShapeException">x and t differ in shape, or v does not broadcast.</exception>
    public static Tensor GaussianNll(Tensor x, Tensor target, Tensor variance, bool full = false, float eps = 1e-6f, Tensor? weight = null, Reduction reduction = Reduction.Mean)
    {
        Same("gaussian-nll", x, target);
        ArgumentNullException.ThrowIfNull(variance);
        if (Shape.Broadcast("gaussian-nll", variance.Shape, x.Shape) != x.Shape)
        {
            throw new ShapeException("gaussian-nll", $"variances {variance.Shape} do not broadcast to the means {x.Shape}", x.Shape, variance.Shape);
        }
        var raised = variance + (variance.Clamp(eps) - variance).Detach();
        var y = 0.5f * (raised.Log() + ((x - target).Square() / raised));
        return Reduce("gaussian-nll", full ? y + HalfLogTwoPi : y, weight, reduction);
    }

    /// <summary>−α_t (1 − p_t)^γ ln p_t, cross-entropy with easy samples turned down: p_t = σ(x) where t = 1 and 1 − σ(x) where t = 0, α_t likewise α and 1 − α.
    /// Lin et al. 2017, arXiv:1708.02002, eq. 5. <c>torchvision.ops.sigmoid_focal_loss</c>, Keras' <c>BinaryFocalCrossentropy</c>.</summary>
    /// <param name="x">Logits.</param>
    /// <param name="target">0 or 1, or between; no gradient reaches them.</param>
    /// <param name="alpha">α in [0, 1], the weight of the positive; null for no weights.</param>
    /// <param name="gamma">γ ≥ 0; 0 is cross-entropy.</param>
    /// <param name="weight">Multiplies the single losses.</param>
    /// <param name="reduction">None gives x's shape.</param>
    /// <exception cref="ShapeException">x and t differ in shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">α or γ lies outside its range.</exception>
    public static Tensor BinaryFocal(Tensor x, Tensor target, float? alpha = 0.25f, float gamma = 2, Tensor? weight = null, Reduction reduction = Reduction.Mean)
    {
        Same("focal", x, target);
        CheckFocal(alpha, gamma);
        var t = target.Detach();
        // 1 − p_t = σ(−x)t + σ(x)(1 − t) keeps its digits where p_t is near 1
        var miss = ((-x).Sigmoid() * t) + (x.Sigmoid() * (1 - t));
        var y = x.BinaryCrossEntropyWithLogits(t, reduction: Reduction.None);
        if (gamma != 0) { y *= miss.Clamp(SmallestNormal).Pow(gamma); }
        if (alpha is { } a) { y *= (t * ((2 * a) - 1)) + (1 - a); }
        return Reduce("focal", y, weight, reduction);
    }

    /// <summary>−α_y (1 − p_y)^γ ln p_y with p = softmax(x): the focal loss of classes. x [N, C], labels [N]; the mean divides by the number of labels that count.
    /// Lin et al. 2017, arXiv:1708.02002, eq. 5. Keras' <c>CategoricalFocalCrossentropy</c>.</summary>
    /// <param name="x">Logits.</param>
    /// <param name="labels">Classes.</param>
    /// <param name="alpha">A weight for each class [C]; null for none.</param>
    /// <param name="gamma">γ ≥ 0; 0 is cross-entropy.</param>
    /// <param name="ignoreIndex">A label that counts neither in loss nor in mean.</param>
    /// <param name="reduction">None gives [N].</param>
    /// <exception cref="ShapeException">Shapes that do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A label that is no class, or γ negative.</exception>
    public static Tensor Focal(Tensor x, Indices labels, Tensor? alpha = null, float gamma = 2, int ignoreIndex = -100, Reduction reduction = Reduction.Mean)
    {
        ArgumentNullException.ThrowIfNull(x);
        CheckFocal(null, gamma);
        var entropy = NegativeLogLikelihood(x.LogSoftmax(), labels, null, ignoreIndex, Reduction.None);
        float[] counts = [.. labels.ToArray().Select(y => y == ignoreIndex ? 0f : 1)];
        // 1 − p_y, where p_y = e^(−entropy)
        var y = gamma == 0 ? entropy : entropy * (1 - (-entropy).Exp()).Clamp(SmallestNormal).Pow(gamma);
        if (alpha is not null)
        {
            if (alpha.Shape != [x.Shape[1]]) { ThrowWeights(x.Shape, alpha.Shape); }
            y *= alpha.Detach().IndexSelect(0, labels.ToArray().Select(l => l == ignoreIndex ? 0 : l).ToArray());
        }
        return reduction switch { Reduction.Mean => y.Sum() / counts.Sum(), Reduction.Sum => y.Sum(), _ => y };
    }

    // (1 − p)^γ has no slope at 0 for γ < 1: 0 there, not infinity
    private const float SmallestNormal = 1.17549435e-38f;

    private static void CheckFocal(float? alpha, float gamma)
    {
        if (alpha is { } a && !(a is >= 0 and <= 1)) { throw new ArgumentOutOfRangeException(nameof(alpha), $"focal: alpha {a} must lie in 0..1"); }
        if (!(gamma >= 0)) { throw new ArgumentOutOfRangeException(nameof(gamma), $"focal: gamma {gamma} must not be negative"); }
    }
}
