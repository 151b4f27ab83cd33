using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

internal static partial class LayerCatalog
{
    private static readonly int[] s_lengths = [3, 0, 5];

    private static readonly Tensor s_holes = Tensor.Of([3, 5], [1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1]);

    private static Dictionary<string, Func<Layer>> Pools() => new()
    {
        ["max-pool2d-all"] = () => new MaxPool2d((3, 2), (2, 1), (1, 0), (1, 2), ceilMode: true),
        ["max-pool2d-dilation"] = () => new MaxPool2d(2, 2, 1, 2),
        ["max-pool1d"] = () => new MaxPool1d(3),
        ["max-pool1d-all"] = () => new MaxPool1d(2, 3, 1, 2, ceilMode: true),
        ["avg-pool2d-all"] = () => new AvgPool2d((3, 2), (2, 3), (1, 1), countIncludePad: false, ceilMode: true),
        ["avg-pool2d-ceil"] = () => new AvgPool2d(3, 2, ceilMode: true),
        ["avg-pool1d"] = () => new AvgPool1d(3),
        ["avg-pool1d-all"] = () => new AvgPool1d(4, 3, 2, countIncludePad: false, ceilMode: true),
        ["global-avg-pool1d"] = () => new GlobalAvgPool(),
        ["global-max-pool"] = () => new GlobalMaxPool(),
        ["adaptive-avg-pool2d"] = () => new AdaptiveAvgPool2d((3, 4)),
        ["adaptive-avg-pool2d-1"] = () => new AdaptiveAvgPool2d(1),
        ["adaptive-avg-pool1d"] = () => new AdaptiveAvgPool1d(4),
        ["adaptive-max-pool2d"] = () => new AdaptiveMaxPool2d((3, 4)),
        ["adaptive-max-pool2d-5"] = () => new AdaptiveMaxPool2d(5),
        ["adaptive-max-pool1d"] = () => new AdaptiveMaxPool1d(4),
        ["mean-over-time"] = () => new MeanOverTime(),
        ["mean-over-time-lengths"] = () => new With<MeanOverTime>(new(), (l, x) => l.Forward(x, s_lengths)),
        ["mean-over-time-mask"] = () => new With<MeanOverTime>(new(), (l, x) => l.Forward(x, s_holes.To(x.Device))),
        ["max-over-time"] = () => new MaxOverTime(),
        ["max-over-time-lengths"] = () => new With<MaxOverTime>(new(), (l, x) => l.Forward(x, s_lengths)),
        ["max-over-time-mask"] = () => new With<MaxOverTime>(new(), (l, x) => l.Forward(x, s_holes.To(x.Device))),
    };
}
