using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] AdaptivePooling =>
    [
        new("adaptive-avg-pool2d", x => x[0].AdaptiveAvgPool2d((3, 2))) { Big = [[9, 40, 29, 31]] },
        new("adaptive-avg-pool2d larger", x => x[0].AdaptiveAvgPool2d((5, 7))),
        new("adaptive-max-pool2d", x => x[0].AdaptiveMaxPool2d((3, 2))) { Big = [[9, 40, 29, 31]] },
        new("adaptive-max-pool2d of NaN", x => x[0].AdaptiveMaxPool2d((2, 2))),
        new("adaptive-avg-pool1d", x => x[0].AdaptiveAvgPool1d(3)),
        new("adaptive-max-pool1d", x => x[0].AdaptiveMaxPool1d(3)),
    ];

    private static OpRow[] PoolingOverTime =>
    [
        new("mean-over-time", (x, i) => x[0].MeanOverTime(i[0])) { Big = [[4, 300, 70]] },
        new("mean-over-time left", (x, i) => x[0].MeanOverTime(i[0], padLeft: true)),
        new("max-over-time", (x, i) => x[0].MaxOverTime(i[0])) { Big = [[4, 300, 70]] },
        new("max-over-time left", (x, i) => x[0].MaxOverTime(i[0], padLeft: true)),
        new("mean-over-time mask", x => x[0].MeanOverTime(s_steps.To(x[0].Device))),
        new("max-over-time mask", x => x[0].MaxOverTime(s_steps.To(x[0].Device))),
    ];

    private static readonly Tensor s_steps = Tensor.Of([4, 5], [0, 1, 0, 2, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1]);
}
