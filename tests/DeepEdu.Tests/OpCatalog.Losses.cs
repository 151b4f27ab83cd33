using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

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
        new("kl-sum", x => Losses.KlDivergence(x[0].LogSoftmax(), x[1], Reduction.Sum)),
        new("nll", (x, y) => Losses.NegativeLogLikelihood(x[0].LogSoftmax(), y[0], x[1])) { Composed = (x, y) => x[0].CrossEntropy(y[0], x[1]) },
        new("nll-ignored", (x, y) => Losses.NegativeLogLikelihood(x[0], y[0], ignoreIndex: 1)),
        new("nll-none", (x, y) => Losses.NegativeLogLikelihood(x[0], y[0], reduction: Reduction.None)),
        new("cosine-similarity", x => Losses.CosineSimilarity(x[0], x[1])),
        new("cosine-embedding", x => Losses.CosineEmbedding(x[0], x[1], x[2], -0.9f)),
        new("hinge", x => Losses.Hinge(x[0], x[1])),
        new("margin-ranking", x => Losses.MarginRanking(x[0], x[1], x[2], 0.5f)),
        new("triplet", x => Losses.Triplet(x[0], x[1], x[2], 5)),
        new("triplet-swap", x => Losses.Triplet(x[0], x[1], x[2], 5, p: 1, swap: true)),
        new("triplet-p3", x => Losses.Triplet(x[0], x[1], x[2], 5, p: 3, reduction: Reduction.None)),
        new("hinge-squared", x => Losses.Hinge(x[0], x[1], squared: true)),
        new("hinge-embedding", x => Losses.HingeEmbedding(x[0], x[1], 2)),
        new("margin-ranking-weighted", x => Losses.MarginRanking(x[0], x[1], x[2], 0.5f, Reduction.Sum, x[3])),
        new("poisson", x => Losses.PoissonNll(x[0], x[1])),
        new("poisson-full", x => Losses.PoissonNll(x[0], x[1], full: true, reduction: Reduction.Sum)),
        new("poisson-rate", x => Losses.PoissonNll(x[0], x[1], logInput: false, full: true, eps: 1e-2f, weight: x[2], reduction: Reduction.None)),
        new("gaussian", x => Losses.GaussianNll(x[0], x[1], x[2])),
        new("gaussian-row", x => Losses.GaussianNll(x[0], x[1], x[2], full: true, reduction: Reduction.Sum)),
        new("gaussian-least", x => Losses.GaussianNll(x[0], x[1], x[2], eps: 0.5f)) { CheckTolerance = 0 }, // below ε the gradient is ε's, which differences do not show
        new("focal-binary", x => Losses.BinaryFocal(x[0], x[1])),
        new("focal-binary-plain", x => Losses.BinaryFocal(x[0], x[1], null, 0.5f, x[2], Reduction.None)),
        new("focal-binary-entropy", x => Losses.BinaryFocal(x[0], x[1], 0.7f, 0, reduction: Reduction.Sum)),
        new("focal", (x, y) => Losses.Focal(x[0], y[0])),
        new("focal-weighted", (x, y) => Losses.Focal(x[0], y[0], x[1], 1.5f, 1)),
        new("focal-entropy", (x, y) => Losses.Focal(x[0], y[0], gamma: 0)) { Composed = (x, y) => x[0].CrossEntropy(y[0]) },
        new("infonce", x => Losses.InfoNce(x[0], x[1], 0.5f)),
        new("infonce-symmetric", x => Losses.InfoNce(x[0], x[1], 0.5f, symmetric: true, weight: x[2])),
        new("infonce-negatives", x => Losses.InfoNce(x[0], x[1], 2, normalize: false, negatives: x[2], reduction: Reduction.None)),
        new("sampled-softmax", (x, y) => Losses.SampledSoftmax(x[0], x[1], y[0], ClassSampler.Uniform(7), y[1])),
        new("sampled-softmax-log", (x, y) => Losses.SampledSoftmax(x[0], x[1], y[0], ClassSampler.LogUniform(7), y[1], x[2], reduction: Reduction.None)),
        new("sampled-softmax-hits", (x, y) => Losses.SampledSoftmax(x[0], x[1], y[0], ClassSampler.LogUniform(7), y[1], removeHits: false, reduction: Reduction.Sum)),
        new("coral", (x, y) => Ordinal.Coral(x[0], y[0])),
        new("coral-weighted", (x, y) => Ordinal.Coral(x[0], y[0], x[1], x[2], Reduction.Sum)),
        new("corn", (x, y) => Ordinal.Corn(x[0], y[0])),
        new("corn-none", (x, y) => Ordinal.Corn(x[0], y[0], x[1], Reduction.None)),
        new("soft-kappa", (x, y) => Ordinal.SoftKappa(x[0], y[0])),
        new("soft-kappa-plain", (x, y) => Ordinal.SoftKappa(x[0], y[0], log: false)),
        new("weighted-sum", x => Losses.WeightedSum([x[0].Square().Mean(), x[1].Sum()], [0.3f, 2])),
        new("bpr", x => Losses.Bpr(x[0], x[1])),
        Ctc("ctc", new([14, 40, 30], 9)),
        Ctc("ctc sum", new([70, 9, 12], 34), Reduction.Sum),
        Ctc("ctc none", new([200, 2, 5], 14), Reduction.None),
        Ctc("ctc last blank", new([40, 5, 4], 15), blank: 3),
        Ctc("ctc impossible", new([9, 20, 3], 5), Reduction.None, zeroInfinity: true),
    ];

    // big: targets of all lengths with symbols in a row, in as many or fewer steps
    private static OpRow Ctc(string name, CtcSizes big, Reduction reduction = Reduction.Mean, int blank = 0, bool zeroInfinity = false) =>
        new(name, (x, i) => Losses.Ctc(x[0].LogSoftmax(), i[0], i[1], i[2], blank, reduction, zeroInfinity))
        {
            IndicesArePositions = false,
            Big = [big.X],
            BigIndices = big.Indices(blank),
            Composed = (x, i) =>
            {
                var y = CtcOp.Composed(x[0].LogSoftmax(), i[0], i[1], i[2], blank, zeroInfinity);
                return reduction switch { Reduction.Mean => (y / i[2].ToTensor().Clamp(min: 1)).Mean(), Reduction.Sum => y.Sum(), _ => y };
            },
        };

    private sealed record CtcSizes(int[] Sizes, int Symbols)
    {
        public Shape X => Shape.Create(Sizes);

        public Indices[] Indices(int blank)
        {
            var rng = new Rng(17);
            int n = Sizes[1], classes = Sizes[2];
            var targets = DeepEdu.Tensors.Indices.Uniform([n, Symbols], rng, 0, classes - 1).ToArray();
            int[] lengths = DeepEdu.Tensors.Indices.Uniform([n], rng, 0, Symbols + 1).ToArray(), steps = new int[n];
            for (int i = 0; i < targets.Length; i++) { if (targets[i] >= blank) { targets[i]++; } }
            for (int i = 0; i < n; i++) { steps[i] = Math.Min(Sizes[0], Math.Max(1, 2 * lengths[i]) + (i % 7)); }
            return [DeepEdu.Tensors.Indices.Wrap(targets, [n, Symbols]), DeepEdu.Tensors.Indices.Wrap(steps, [n]), DeepEdu.Tensors.Indices.Wrap(lengths, [n])];
        }
    }
}
