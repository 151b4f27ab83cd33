using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static Shape[] ManyRows => [[300, 130], [130], [130]];

    private static OpRow[] Norms =>
    [
        new("layer-norm", x => x[0].LayerNorm(x[1].Shape, x[1], x[2])) { Big = ManyRows },
        new("layer-norm two axes", x => x[0].LayerNorm(x[1].Shape, x[1], x[2])),
        new("layer-norm plain", x => x[0].LayerNorm([x[0].Shape[^1]], eps: 0.1f)) { Big = [[2, 40_000]] },
        // the mean of values near 1000 is itself rounded to 3e-5, which is 5e-5 of their deviation
        new("layer-norm far from 0", x => x[0].LayerNorm([x[0].Shape[^1]])) { Tolerance = 5e-4f, CheckTolerance = 0 },
        new("rms-norm", x => x[0].RmsNorm(x[1].Shape, x[1])) { Big = ManyRows[..2] },
        new("group-norm", x => x[0].GroupNorm(2, x[1], x[2])),
        new("batch-norm training", x => BatchNorm(x, true)) { Big = [[300, 130], [130], [130], [130], [130]] },
        new("batch-norm in use", x => BatchNorm(x, false)) { Big = [[4, 30, 20, 20], [30], [30], [30], [30]] },
        new("batch-norm plain", x => x[0].BatchNorm(null, null, training: true)) { Big = [[4, 30, 20, 20]] },
        // PyTorch draws other numbers
        new("dropout", x => x[0].Dropout(0.3f, new Rng(5, 2))) { OwnCases = [[[3, 5]], [[70, 300]]], Composed = (x, _) => x[0] * Mask(x[0].Shape, 0.3f) },
        new("dropout of everything", x => x[0].Dropout(1, new Rng(5, 2))) { OwnCases = [[[3, 5]]], Composed = (x, _) => x[0] * Tensor.Zeros([]) },
    ];

    // the running statistics are copies: running the row must not change its inputs
    private static Tensor BatchNorm(Tensor[] x, bool training) =>
        x[0].BatchNorm(Tensor.Of(x[3].Shape, x[3].ToArray()), Tensor.Of(x[4].Shape, x[4].ToArray()), x[1], x[2], training: training);

    private static Tensor Mask(Shape shape, float p)
    {
        float[] mask = new float[shape.Size];
        new Rng(5, 2).FillUniform(mask);
        return Tensor.Of(shape, Array.ConvertAll(mask, u => u < p ? 0 : 1 / (1 - p)));
    }
}
