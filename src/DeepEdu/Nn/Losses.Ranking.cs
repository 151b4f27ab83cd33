using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <content>Losses of pairs and triplets, composed of other operations.</content>
public static partial class Losses
{
    /// <summary>a·b / (max(‖a‖, ε)·max(‖b‖, ε)) over an axis, which is gone from the result. <c>torch.nn.functional.cosine_similarity</c>.</summary>
    public static Tensor CosineSimilarity(Tensor a, Tensor b, int axis = -1, float eps = 1e-8f)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        return (a * b).Sum(axis) / (Length(a, axis, eps) * Length(b, axis, eps));
    }

    /// <summary>1 − cos(a, b) where the label is 1, max(0, cos(a, b) − margin) where it is −1: a, b [N, d], labels [N]. <c>torch.nn.CosineEmbeddingLoss</c>.</summary>
    public static Tensor CosineEmbedding(Tensor a, Tensor b, Tensor label, float margin = 0, Reduction reduction = Reduction.Mean, Tensor? weight = null)
    {
        var cosine = CosineSimilarity(a, b);
        Same("cosine-embedding", cosine, label);
        return Reduce("cosine-embedding", Tensor.Where(label.Greater(0), 1 - cosine, (cosine - margin).Relu()), weight, reduction);
    }

    /// <summary>max(0, 1 − t·x) with t = −1 or 1, or its square: Cortes and Vapnik 1995. Keras' <c>Hinge</c> and <c>SquaredHinge</c>.</summary>
    public static Tensor Hinge(Tensor x, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean, bool squared = false)
    {
        Same("hinge", x, target);
        var y = (1 - (target * x)).Relu();
        return Reduce("hinge", squared ? y.Square() : y, weight, reduction);
    }

    /// <summary>The distance x where the label is 1, max(0, margin − x) where it is −1. <c>torch.nn.HingeEmbeddingLoss</c>.</summary>
    public static Tensor HingeEmbedding(Tensor x, Tensor label, float margin = 1, Tensor? weight = null, Reduction reduction = Reduction.Mean)
    {
        Same("hinge-embedding", x, label);
        return Reduce("hinge-embedding", Tensor.Where(label.Greater(0), x, (margin - x).Relu()), weight, reduction);
    }

    /// <summary>max(0, margin − t·(a − b)): a is to rank above b where t = 1, below where t = −1. <c>torch.nn.MarginRankingLoss</c>.</summary>
    public static Tensor MarginRanking(Tensor a, Tensor b, Tensor target, float margin = 0, Reduction reduction = Reduction.Mean, Tensor? weight = null)
    {
        Same("margin-ranking", a, b);
        Same("margin-ranking", a, target);
        return Reduce("margin-ranking", (margin - (target * (a - b))).Relu(), weight, reduction);
    }

    /// <summary>max(0, ‖a − p + ε‖ − ‖a − n + ε‖ + margin) over the last axis: Schroff et al. 2015, arXiv:1503.03832, eq. 1, without squares. <c>torch.nn.TripletMarginLoss</c>.</summary>
    /// <param name="anchor">a.</param>
    /// <param name="positive">p, of the anchor's kind.</param>
    /// <param name="negative">n, of another.</param>
    /// <param name="margin">By how much n is to be farther.</param>
    /// <param name="eps">ε.</param>
    /// <param name="reduction">None gives the shape without its last axis.</param>
    /// <param name="p">Which norm.</param>
    /// <param name="swap">Whether n's distance is the smaller of those from a and from p: Balntas et al. 2016, "Learning local feature descriptors with triplets and shallow convolutional
    /// neural networks", §3.3.</param>
    /// <param name="weight">Multiplies the single losses.</param>
    public static Tensor Triplet(Tensor anchor, Tensor positive, Tensor negative, float margin = 1, float eps = 1e-6f, Reduction reduction = Reduction.Mean, float p = 2, bool swap = false,
        Tensor? weight = null)
    {
        Same("triplet", anchor, positive);
        Same("triplet", anchor, negative);
        Tensor near = (anchor - positive + eps).Norm(p, -1), far = (anchor - negative + eps).Norm(p, -1);
        if (swap) { far = Tensor.Minimum(far, (positive - negative + eps).Norm(p, -1)); }
        return Reduce("triplet", (near - far + margin).Relu(), weight, reduction);
    }

    /// <summary>−ln σ(x − y): the score x of what was chosen is to be above the score y of what was not. Bayesian personalised ranking, Rendle et al. 2009, arXiv:1205.2618, §4.1.</summary>
    public static Tensor Bpr(Tensor chosen, Tensor other, Tensor? weight = null, Reduction reduction = Reduction.Mean)
    {
        Same("bpr", chosen, other);
        return Reduce("bpr", -(chosen - other).LogSigmoid(), weight, reduction);
    }

    // the root of the bounded square: at a vector of zeros the gradient is 0, not 0/0
    private static Tensor Length(Tensor a, int axis, float eps) => a.Square().Sum(axis).Clamp(eps * eps).Sqrt();
}
