using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] EmbeddingBags =>
    [
        new("embedding-bag sum", (x, i) => x[0].EmbeddingBag(i[0], BagMode.Sum)) { Big = [[50, 100]], BigIndices = [Scattered([70, 25], 50)], Composed = (x, i) => x[0].Embedding(i[0]).Sum(1) },
        new("embedding-bag mean", (x, i) => x[0].EmbeddingBag(i[0])) { Big = [[50, 100]], BigIndices = [Scattered([70, 25], 50)], Composed = (x, i) => x[0].Embedding(i[0]).Mean(1) },
        new("embedding-bag max", (x, i) => x[0].EmbeddingBag(i[0], BagMode.Max)) { Big = [[50, 100]], BigIndices = [Scattered([70, 25], 50)] },
        new("embedding-bag sum offsets", (x, i) => x[0].EmbeddingBag(i[0], BagMode.Sum, i[1])),
        new("embedding-bag mean offsets", (x, i) => x[0].EmbeddingBag(i[0], BagMode.Mean, i[1])),
        new("embedding-bag max offsets", (x, i) => x[0].EmbeddingBag(i[0], BagMode.Max, i[1])),
        new("embedding-bag sum padding", (x, i) => x[0].EmbeddingBag(i[0], BagMode.Sum, padding: 3)),
        new("embedding-bag mean padding", (x, i) => x[0].EmbeddingBag(i[0], BagMode.Mean, padding: 3)),
        new("embedding-bag max padding", (x, i) => x[0].EmbeddingBag(i[0], BagMode.Max, padding: 3)),
        new("embedding-bag weights", (x, i) => x[0].EmbeddingBag(i[0], BagMode.Sum, weights: x[1])) { Big = [[50, 100], [70, 25]], BigIndices = [Scattered([70, 25], 50)] },
        new("embedding-bag weights offsets", (x, i) => x[0].EmbeddingBag(i[0], BagMode.Sum, i[1], weights: x[1])),
        new("embedding-bag weights padding", (x, i) => x[0].EmbeddingBag(i[0], BagMode.Sum, padding: 3, weights: x[1])),
    ];

    private static OpRow[] RowsOfSegments =>
    [
        new("segment-sum", (x, i) => x[0].SegmentSum(i[0], 5)) { Big = [[3000, 40]], BigIndices = [Scattered([3000], 5)] },
        new("segment-mean", (x, i) => x[0].SegmentMean(i[0], 5)) { Big = [[3000, 40]], BigIndices = [Scattered([3000], 5)] },
        new("segment-mean of numbers", (x, i) => x[0].SegmentMean(i[0], 5)),
        new("segment-max", (x, i) => x[0].SegmentMax(i[0], 5)) { Big = [[3000, 40]], BigIndices = [Scattered([3000], 5)] },
        new("segment-max of matrices", (x, i) => x[0].SegmentMax(i[0], 5)),
        new("segment-softmax", (x, i) => x[0].SegmentSoftmax(i[0], 5)) { Big = [[3000, 4]], BigIndices = [Scattered([3000], 5)] },
        new("segment-softmax of numbers", (x, i) => x[0].SegmentSoftmax(i[0], 5)) { Composed = (x, i) => (x[0].Exp() / x[0].Exp().SegmentSum(i[0], 5).IndexSelect(0, i[0])) },
        new("segment-softmax of large scores", (x, i) => x[0].SegmentSoftmax(i[0], 5)),
    ];

    private static OpRow[] Resizing =>
    [
        new("upsample2d nearest", x => x[0].Upsample2d((7, 6))) { Big = [[9, 40, 30, 31]], Composed = (x, _) => Nearest(Nearest(x[0], 2, 7), 3, 6) },
        new("upsample2d nearest smaller", x => x[0].Upsample2d((2, 3))),
        new("upsample2d linear", x => x[0].Upsample2d((7, 6), ResizeMode.Linear)) { Big = [[9, 40, 30, 31]] },
        new("upsample2d linear, corners", x => x[0].Upsample2d((7, 6), ResizeMode.Linear, alignCorners: true)),
        new("upsample2d linear smaller", x => x[0].Upsample2d((2, 1), ResizeMode.Linear, alignCorners: true)),
        new("upsample2d linear, scale", x => x[0].Upsample2d((7, 6), ResizeMode.Linear, false, (1.5f, 2.2f))),
        new("upsample1d nearest", x => x[0].Upsample1d(7)),
        new("upsample1d linear", x => x[0].Upsample1d(7, ResizeMode.Linear)),
        new("upsample1d linear, corners", x => x[0].Upsample1d(7, ResizeMode.Linear, alignCorners: true)),
    ];

    private static OpRow[] NoiseAndSlopes =>
    [
        new("prelu", x => x[0].Prelu(x[1])) { Big = [[70, 3, 400], [3]] },
        // PyTorch draws other numbers
        new("channel-dropout", x => x[0].ChannelDropout(0.3f, new Rng(5, 2))) { OwnCases = [[[3, 5, 4]], [[7, 30, 2, 2]]], Composed = (x, _) => x[0] * Mask([x[0].Shape[0], x[0].Shape[1], .. Enumerable.Repeat(1, x[0].Rank - 2)], 0.3f) },
        new("gaussian-noise", x => x[0].GaussianNoise(0.3f, new Rng(5, 2))) { OwnCases = [[[3, 5]], [[70, 300]]], Composed = (x, _) => x[0] + Tensor.Normal(x[0].Shape, new Rng(5, 2), 0, 0.3f) },
        new("gaussian-dropout", x => x[0].GaussianDropout(0.2f, new Rng(5, 2))) { OwnCases = [[[3, 5]], [[70, 300]]], Composed = (x, _) => x[0] * Tensor.Normal(x[0].Shape, new Rng(5, 2), 1, 0.5f) },
        new("alpha-dropout", x => x[0].AlphaDropout(0.25f, new Rng(5, 2))) { OwnCases = [[[3, 5]], [[70, 300]]], Composed = (x, _) => Alpha(x[0], 0.25f) },
        new("alpha-dropout of everything", x => x[0].AlphaDropout(1, new Rng(5, 2))) { OwnCases = [[[3, 5]]], Composed = (x, _) => x[0] * 0 },
    ];

    private static Tensor Nearest(Tensor x, int axis, int size) => x.IndexSelect(axis, Indices.Wrap([.. Enumerable.Range(0, size).Select(i => i * x.Shape[axis] / size)], [size]));

    private static Tensor Alpha(Tensor x, float p)
    {
        const float Low = -1.7580993f;
        float a = 1 / MathF.Sqrt((1 - p) * (1 + (p * Low * Low))), b = -a * p * Low;
        var kept = Mask(x.Shape, p).Greater(0);
        return (((x * kept) + ((1 - kept) * Low)) * a) + b;
    }
}
