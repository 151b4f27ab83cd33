using DeepEdu.Nn;
using DeepEdu.Ops;

namespace DeepEdu.Tests.Nn;

internal static partial class LayerCatalog
{
    private static Dictionary<string, Func<Layer>> Convolutions() => new()
    {
        ["conv1d-causal"] = () => new Conv1d(2, 3, 3, s_rng, padding: ConvPadding.Causal, dilation: 2),
        ["conv1d-causal-stride"] = () => new Conv1d(2, 3, 2, s_rng, stride: 2, padding: ConvPadding.Causal),
        ["conv1d-padding"] = () => new Conv1d(2, 3, 3, s_rng, padding: 2, bias: false),
        ["conv1d-circular"] = () => new Conv1d(2, 3, 3, s_rng, padding: ConvPadding.Circular(2)),
        ["conv1d-causal-replicate"] = () => new Conv1d(2, 3, 3, s_rng, padding: ConvPadding.Replicate(ConvPadding.Causal), dilation: 2),
        ["conv2d-circular"] = () => new Conv2d(2, 3, 3, s_rng, stride: 2, padding: ConvPadding.Circular((2, 1))),
        ["conv2d-reflect"] = () => new Conv2d(2, 3, 3, s_rng, padding: ConvPadding.Reflect(1)),
        ["conv2d-same-replicate"] = () => new Conv2d(2, 3, (4, 3), s_rng, padding: ConvPadding.Replicate(ConvPadding.Same), dilation: (1, 2)),
        ["depthwise2d-reflect"] = () => new DepthwiseConv2d(3, 3, s_rng, padding: ConvPadding.Reflect(1)),
        ["pad"] = () => new Pad([(1, 0), (0, 2)], value: 0.5f),
        ["pad-reflect"] = () => new Pad([(2, 1), (1, 1)], PadMode.Reflect),
        ["pad-circular"] = () => new Pad([(2, 1), (1, 1)], PadMode.Circular),
        ["pad-replicate"] = () => new Pad([(3, 2)], PadMode.Replicate),
        ["conv2d-padding"] = () => new Conv2d(2, 3, 3, s_rng, stride: 2, padding: (2, 1)),
        ["conv2d-groups"] = () => new Conv2d(4, 6, 3, s_rng, padding: 1, groups: 2),
        ["conv2d-same-even"] = () => new Conv2d(2, 3, (4, 3), s_rng, padding: ConvPadding.Same, dilation: (1, 2)),
        ["depthwise2d"] = () => new DepthwiseConv2d(3, 3, s_rng, padding: 1),
        ["depthwise2d-multiplier"] = () => new DepthwiseConv2d(3, (3, 2), s_rng, 2, (2, 1), dilation: (1, 2), bias: false),
        ["depthwise1d"] = () => new DepthwiseConv1d(3, 3, s_rng, 2, stride: 2, padding: 1),
        ["separable2d"] = () => new SeparableConv2d(3, 4, 3, s_rng, multiplier: 2, stride: 2, padding: 1),
        ["separable2d-same"] = () => new SeparableConv2d(2, 3, 3, s_rng, padding: ConvPadding.Same),
        ["separable1d"] = () => new SeparableConv1d(3, 4, 3, s_rng, dilation: 2),
        ["conv-transpose2d"] = () => new ConvTranspose2d(3, 4, 3, s_rng),
        ["conv-transpose2d-all"] = () => new ConvTranspose2d(4, 6, (3, 2), s_rng, (2, 3), (1, 0), (1, 2), (2, 1), groups: 2, bias: false),
        ["conv-transpose1d"] = () => new ConvTranspose1d(3, 4, 4, s_rng, stride: 2, padding: 1, outputPadding: 1),
        ["weight-norm-dense"] = () => new WeightNorm(new Dense(5, 3, s_rng)),
        ["weight-norm-dense-1"] = () => new WeightNorm(new Dense(5, 3, s_rng), 1),
        ["weight-norm-conv1d"] = () => new WeightNorm(new Conv1d(2, 3, 3, s_rng, padding: 1)),
        ["weight-norm-conv2d"] = () => new WeightNorm(new Conv2d(2, 3, 3, s_rng, stride: 2, bias: false)),
        ["weight-norm-conv-transpose1d"] = () => new WeightNorm(new ConvTranspose1d(3, 2, 3, s_rng)),
        ["weight-norm-conv-transpose2d"] = () => new WeightNorm(new ConvTranspose2d(3, 2, 3, s_rng, stride: 2)),
    };
}
