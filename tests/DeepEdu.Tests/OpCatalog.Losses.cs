using DeepEdu.Nn;
using DeepEdu.Ops;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] LossRows =>
    [
        new("mse", x => Losses.Mse(x[0], x[1])) { Big = [[300, 200], [300, 200]] },
        new("mse-weighted", x => Losses.Mse(x[0], x[1], x[2])),
        new("mse-sum", x => Losses.Mse(x[0], x[1], reduction: Reduction.Sum)),
        new("mse-none", x => Losses.Mse(x[0], x[1], reduction: Reduction.None)),
        new("mae", x => Losses.Mae(x[0], x[1])),
        new("huber", x => Losses.Huber(x[0], x[1], 0.7f)),
        new("huber-inside", x => Losses.Huber(x[0], x[1], 5)),
        new("smooth-l1", x => Losses.SmoothL1(x[0], x[1], 5)),
        new("smooth-l1-outside", x => Losses.SmoothL1(x[0], x[1], 0.5f)),
        new("bce-probabilities", x => Losses.BinaryCrossEntropy(x[0], x[1])),
        // the logarithms are cut off at these inputs: a finite difference would leave 0..1
        new("bce-probabilities-saturated", x => Losses.BinaryCrossEntropy(x[0], x[1])) { CheckTolerance = 0 },
        new("kl", x => Losses.KlDivergence(x[0].LogSoftmax(), x[1])),
        new("kl-none", x => Losses.KlDivergence(x[0], x[1], Reduction.None)),
        new("nll", (x, y) => Losses.NegativeLogLikelihood(x[0].LogSoftmax(), y[0], x[1])) { Composed = (x, y) => x[0].CrossEntropy(y[0], x[1]) },
        new("nll-ignored", (x, y) => Losses.NegativeLogLikelihood(x[0], y[0], ignoreIndex: 1)),
        new("nll-none", (x, y) => Losses.NegativeLogLikelihood(x[0], y[0], reduction: Reduction.None)),
        new("cosine-similarity", x => Losses.CosineSimilarity(x[0], x[1])),
        new("cosine-embedding", x => Losses.CosineEmbedding(x[0], x[1], x[2], -0.9f)),
        new("hinge", x => Losses.Hinge(x[0], x[1])),
        new("margin-ranking", x => Losses.MarginRanking(x[0], x[1], x[2], 0.5f)),
        new("triplet", x => Losses.Triplet(x[0], x[1], x[2], 5)),
        new("bpr", x => Losses.Bpr(x[0], x[1])),
    ];
}
