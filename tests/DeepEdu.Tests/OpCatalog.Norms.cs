using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static Shape[] ManyRows => [[300, 130], [130], [130]];

    private static OpRow[] Norms =>
    [
        new("layer-norm", x => x[0].LayerNorm(x[1].Shape, x[1], x[2])) { Big = ManyRows, Composed = (x, _) => Standard(x[0], [-1], 1e-5f) * x[1] + x[2] },
        new("layer-norm two axes", x => x[0].LayerNorm(x[1].Shape, x[1], x[2])) { Composed = (x, _) => Standard(x[0], [-2, -1], 1e-5f) * x[1] + x[2] },
        new("layer-norm plain", x => x[0].LayerNorm([x[0].Shape[^1]], eps: 0.1f)) { Big = [[2, 40_000]], Composed = (x, _) => Standard(x[0], [-1], 0.1f) },
        // the mean of values near 1000 is itself rounded to 3e-5, or a few times that without fused multiply-add: 2e-4 of their deviation
        new("layer-norm far from 0", x => x[0].LayerNorm([x[0].Shape[^1]])) { Tolerance = 2e-3f, CheckTolerance = 0 },
        new("rms-norm", x => x[0].RmsNorm(x[1].Shape, x[1])) { Big = ManyRows[..2], Composed = (x, _) => x[0] * (x[0].Square().Mean(-1, keepDims: true) + 1e-5f).Rsqrt() * x[1] },
        new("group-norm", x => x[0].GroupNorm(2, x[1], x[2])),
        new("group-norm of images", x => x[0].GroupNorm(2, x[1], x[2])) { Big = [[5, 8, 30, 31], [8], [8]], Composed = (x, _) => GroupNorms.Composed(x[0], 2, x[1], x[2], 1e-5f) },
        new("batch-norm training", x => BatchNorm(x, true)) { Big = [[300, 130], [130], [130], [130], [130]], Composed = (x, _) => Channels(x, Standard(x[0], OtherAxes(x[0]), 1e-5f)) },
        new("batch-norm in use", x => BatchNorm(x, false))
        {
            Big = [[4, 30, 20, 20], [30], [30], [30], [30]],
            Composed = (x, _) => Channels(x, (x[0] - Along(x[3], x[0])) * (Along(x[4], x[0]) + 1e-5f).Rsqrt()),
        },
        new("batch-norm plain", x => x[0].BatchNorm(null, null, training: true)) { Big = [[4, 30, 20, 20]], Composed = (x, _) => Standard(x[0], OtherAxes(x[0]), 1e-5f) },
        new("instance-norm training", x => InstanceNorm(x, true)) { Big = [[40, 30, 20], [30], [30], [30], [30]], Composed = (x, _) => Channels(x, Standard(x[0], [.. Enumerable.Range(2, x[0].Rank - 2)], 1e-5f)) },
        new("instance-norm in use", x => InstanceNorm(x, false)) { Composed = (x, _) => Channels(x, (x[0] - Along(x[3], x[0])) * (Along(x[4], x[0]) + 1e-5f).Rsqrt()) },
        new("instance-norm plain", x => x[0].InstanceNorm()) { Composed = (x, _) => Standard(x[0], [.. Enumerable.Range(2, x[0].Rank - 2)], 1e-5f) },
        // PyTorch draws other numbers
        new("dropout", x => x[0].Dropout(0.3f, new Rng(5, 2))) { OwnCases = [[[3, 5]], [[70, 300]]], Composed = (x, _) => x[0] * Mask(x[0].Shape, 0.3f) },
        new("dropout of everything", x => x[0].Dropout(1, new Rng(5, 2))) { OwnCases = [[[3, 5]]], Composed = (x, _) => x[0] * Tensor.Zeros([]) },
    ];

    // the running statistics are copies: running the row must not change its inputs
    private static Tensor BatchNorm(Tensor[] x, bool training) =>
        x[0].BatchNorm(Tensor.Of(x[3].Shape, x[3].ToArray(), x[3].Device), Tensor.Of(x[4].Shape, x[4].ToArray(), x[4].Device), x[1], x[2], training: training);

    private static Tensor InstanceNorm(Tensor[] x, bool training) =>
        x[0].InstanceNorm(Tensor.Of(x[3].Shape, x[3].ToArray(), x[3].Device), Tensor.Of(x[4].Shape, x[4].ToArray(), x[4].Device), x[1], x[2], training: training);

    private static Tensor Standard(Tensor x, int[] axes, float eps) =>
        (x - x.Mean(axes, keepDims: true)) * (x.Var(axes, correction: 0, keepDims: true) + eps).Rsqrt();

    private static Tensor Channels(Tensor[] x, Tensor y) => y * Along(x[1], y) + Along(x[2], y);

    private static Tensor Along(Tensor channels, Tensor x) => channels.Reshape([-1, .. Enumerable.Repeat(1, x.Rank - 2)]);

    private static int[] OtherAxes(Tensor x) => [0, .. Enumerable.Range(2, x.Rank - 2)];

    private static Tensor Mask(Shape shape, float p)
    {
        float[] mask = new float[shape.Size];
        new Rng(5, 2).FillUniform(mask);
        return Tensor.Of(shape, Array.ConvertAll(mask, u => u < p ? 0 : 1 / (1 - p)));
    }
}
