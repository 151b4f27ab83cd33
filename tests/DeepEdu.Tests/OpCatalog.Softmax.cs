using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static readonly Shape[] s_tall = [[3000, 20]];
    private static readonly Indices[] s_labels = [Indices.Wrap([.. Enumerable.Range(0, 3000).Select(i => i % 7 == 0 ? -100 : i * 3 % 20)], [3000])];

    private static OpRow[] Softmax =>
    [
        new("softmax", x => x[0].Softmax()) { Big = s_tall, Composed = (x, _) => x[0].Exp() / x[0].Exp().Sum(-1, keepDims: true) },
        new("softmax of one class", x => x[0].Softmax()),
        new("softmax 0", x => x[0].Softmax(0)) { Big = s_tall, Composed = (x, _) => x[0].Exp() / x[0].Exp().Sum(0, keepDims: true) },
        new("softmax 1", x => x[0].Softmax(1)) { Big = s_wide },
        new("softmax, special", x => x[0].Softmax(1)),
        new("log softmax", x => x[0].LogSoftmax()) { Big = s_tall, Composed = (x, _) => x[0] - x[0].LogSumExp(-1, keepDims: true) },
        new("log softmax 1", x => x[0].LogSoftmax(1)) { Big = s_wide, Composed = (x, _) => x[0] - x[0].LogSumExp(1, keepDims: true) },
        new("log softmax, special", x => x[0].LogSoftmax(1)),
    ];

    private static OpRow[] CrossEntropy =>
    [
        new("cross-entropy", (x, i) => x[0].CrossEntropy(i[0])) { Big = s_tall, BigIndices = s_labels, Composed = (x, i) => ComposedCrossEntropy(x[0], i[0]).Mean() },
        new("cross-entropy of 40 classes", (x, i) => x[0].CrossEntropy(i[0])) { Composed = (x, i) => ComposedCrossEntropy(x[0], i[0]).Mean() },
        new("cross-entropy sum", (x, i) => x[0].CrossEntropy(i[0], reduction: Reduction.Sum)) { Big = s_tall, BigIndices = s_labels },
        new("cross-entropy none", (x, i) => x[0].CrossEntropy(i[0], reduction: Reduction.None)) { Composed = (x, i) => ComposedCrossEntropy(x[0], i[0]) },
        new("cross-entropy ignoring", (x, i) => x[0].CrossEntropy(i[0])),
        new("cross-entropy ignoring 4, none", (x, i) => x[0].CrossEntropy(i[0], ignoreIndex: 4, reduction: Reduction.None)),
        new("cross-entropy smoothed", (x, i) => x[0].CrossEntropy(i[0], labelSmoothing: 0.1f)) { Big = s_tall, BigIndices = s_labels },
        new("cross-entropy weighted", (x, i) => x[0].CrossEntropy(i[0], x[1])),
        new("cross-entropy weighted smoothed", (x, i) => x[0].CrossEntropy(i[0], x[1], labelSmoothing: 0.2f)),
        new("cross-entropy weighted smoothed sum", (x, i) => x[0].CrossEntropy(i[0], x[1], labelSmoothing: 0.2f, reduction: Reduction.Sum)),
        new("cross-entropy of one", (x, i) => x[0].CrossEntropy(i[0])),
        new("cross-entropy of images", (x, i) => x[0].CrossEntropy(i[0])),
        new("cross-entropy of images, none", (x, i) => x[0].CrossEntropy(i[0], reduction: Reduction.None)),
        new("cross-entropy, special", (x, i) => x[0].CrossEntropy(i[0], reduction: Reduction.None)) { CheckTolerance = 0 }, // logits of ±1000
        new("bce", x => x[0].BinaryCrossEntropyWithLogits(x[1]))
        {
            Big = [[50_000], [50_000]],
            Composed = (x, _) => -((x[1] * x[0].LogSigmoid()) + ((1 - x[1]) * (-x[0]).LogSigmoid())).Mean(),
        },
        new("bce none", x => x[0].BinaryCrossEntropyWithLogits(x[1], reduction: Reduction.None)),
        new("bce weighted sum", x => x[0].BinaryCrossEntropyWithLogits(x[1], weight: x[2], reduction: Reduction.Sum)),
        new("bce positive weights", x => x[0].BinaryCrossEntropyWithLogits(x[1], x[2])),
        new("bce positive weights, none", x => x[0].BinaryCrossEntropyWithLogits(x[1], x[2], reduction: Reduction.None)) { Elementwise = true },
        new("bce, special", x => x[0].BinaryCrossEntropyWithLogits(x[1], reduction: Reduction.None)),
        new("cross-entropy of probabilities", x => x[0].CrossEntropy(x[1])),
        new("cross-entropy of probabilities weighted smoothed", x => x[0].CrossEntropy(x[1], x[2], 0.2f)),
        new("cross-entropy of probabilities sum", x => x[0].CrossEntropy(x[1], reduction: Reduction.Sum)) { Big = [[70, 300, 3], [70, 300, 3]] },
        new("cross-entropy of probabilities none", x => x[0].CrossEntropy(x[1], x[2], reduction: Reduction.None)),
        new("cross-entropy of one row of probabilities", x => x[0].CrossEntropy(x[1])),
    ];

    // −Σ_c onehot(y)_c · ln softmax(x)_c
    private static Tensor ComposedCrossEntropy(Tensor x, Indices labels)
    {
        float[] right = new float[x.Size];
        for (int i = 0; i < labels.Size; i++) { right[(i * x.Shape[1]) + labels.Span[i]] = 1; }
        return -(x.LogSoftmax() * Tensor.Of(x.Shape, right)).Sum(1);
    }
}
