using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    // enough images and channels for several chunks
    private static readonly Shape[] s_bigConv = [[21, 16, 14, 13], [24, 16, 3, 3], [24]];

    private static OpRow[] Convolution =>
    [
        new("conv2d", x => x[0].Conv2d(x[1], x[2])) { Big = s_bigConv },
        new("conv2d padding 1", x => x[0].Conv2d(x[1], x[2], padding: (1, 1))) { Big = s_bigConv },
        new("conv2d padding 2, 1", x => x[0].Conv2d(x[1], x[2], padding: (2, 1))),
        new("conv2d stride 2", x => x[0].Conv2d(x[1], x[2], stride: (2, 2))) { Big = s_bigConv },
        new("conv2d stride 2, padding 1", x => x[0].Conv2d(x[1], x[2], stride: (2, 2), padding: (1, 1))),
        new("conv2d stride 1, 3, padding 0, 2", x => x[0].Conv2d(x[1], x[2], stride: (1, 3), padding: (0, 2))),
        new("conv2d dilation 2", x => x[0].Conv2d(x[1], x[2], dilation: (2, 2))) { Big = s_bigConv },
        new("conv2d dilation 1, 2, stride 2, 1, padding 1", x => x[0].Conv2d(x[1], x[2], stride: (2, 1), padding: (1, 1), dilation: (1, 2))),
        new("conv2d groups 2", x => x[0].Conv2d(x[1], x[2], groups: 2)) { Big = [[21, 32, 14, 13], [48, 16, 3, 3], [48]] },
        new("conv2d groups 2, stride 2, padding 1", x => x[0].Conv2d(x[1], x[2], stride: (2, 2), padding: (1, 1), groups: 2)) { Big = [[43, 14, 24, 23], [10, 7, 2, 3], [10]] },
        new("conv2d depthwise", x => x[0].Conv2d(x[1], x[2], padding: (1, 1), groups: 8)),
        new("conv2d without bias", x => x[0].Conv2d(x[1])),
        new("conv2d of data", x => x[0].Conv2d(x[1], x[2])),
        new("conv2d fixed weight", x => x[0].Conv2d(x[1], x[2])),
        // CheckTolerance 0: random values lie near the kinks of ReLU and pooling
        new("conv2d relu", x => x[0].Conv2dRelu(x[1], x[2], padding: (1, 1))) { Big = s_bigConv, Composed = (x, _) => x[0].Conv2d(x[1], x[2], padding: (1, 1)).Relu(), CheckTolerance = 0 },
        new("conv2d relu max pool", x => x[0].Conv2dReluMaxPool(x[1], x[2]))
        {
            Big = s_bigConv, Composed = (x, _) => x[0].Conv2d(x[1], x[2]).Relu().MaxPool2d((2, 2)), CheckTolerance = 0,
        },
        new("conv2d relu max pool, stride 2, padding 1", x => x[0].Conv2dReluMaxPool(x[1], null, (2, 2), (1, 1), (1, 2)))
        {
            Composed = (x, _) => x[0].Conv2d(x[1], null, (2, 2), (1, 1), (1, 2)).Relu().MaxPool2d((2, 2)), CheckTolerance = 0,
        },
        new("conv1d", x => x[0].Conv1d(x[1], x[2], stride: 2, padding: 2, dilation: 2)),
        new("conv1d groups", x => x[0].Conv1d(x[1], x[2], groups: 2)),
    ];

    private static OpRow[] Pooling =>
    [
        new("max pool 2", x => x[0].MaxPool2d(2)) { Big = [[9, 40, 30, 31]] },
        new("max pool 3, stride 2, padding 1", x => x[0].MaxPool2d(3, 2, 1)) { Big = [[9, 40, 30, 31]] },
        new("max pool 2×3, stride 1×2, dilation 2×1", x => x[0].MaxPool2d((2, 3), (1, 2), dilation: (2, 1))),
        new("max pool 3, stride 2, ceil", x => x[0].MaxPool2d((3, 3), (2, 2), ceilMode: true)),
        new("max pool 3, padding 1, dilation 2, ceil", x => x[0].MaxPool2d((3, 3), (2, 2), (1, 1), (2, 2), true)),
        new("max pool of equals", x => x[0].MaxPool2d((2, 2), (1, 1))) { CheckTolerance = 0 }, // a kink: no derivative
        new("max pool of NaN", x => x[0].MaxPool2d((2, 2), (1, 1))),
        new("max pool 1d", x => x[0].MaxPool1d(3, 2, 1)),
        new("avg pool 2", x => x[0].AvgPool2d(2)) { Big = [[9, 40, 30, 31]] },
        new("avg pool 3, stride 2, padding 1", x => x[0].AvgPool2d(3, 2, 1)),
        new("avg pool 3, padding 1 not counted", x => x[0].AvgPool2d((3, 3), (2, 2), (1, 1), countIncludePad: false)),
        new("avg pool 2×3, ceil, padding 1", x => x[0].AvgPool2d((2, 3), (2, 2), (1, 1), ceilMode: true)),
        new("avg pool 2, ceil, padding 1 not counted", x => x[0].AvgPool2d((2, 2), (2, 2), (1, 1), false, true)),
        new("avg pool 1d", x => x[0].AvgPool1d(3, 2, 1)),
    ];
}
