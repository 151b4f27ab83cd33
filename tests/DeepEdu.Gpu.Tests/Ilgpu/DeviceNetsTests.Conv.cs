using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <content>Convolutions: of many channels, whose products are made in tiles, one or several; and of few.</content>
public partial class DeviceNetsTests
{
    private static Case[] Convolutions =>
    [
        new("conv2d", Kernel(2, 3, 7, 6, 5, 3), x => [x[0].Conv2d(x[1], x[2])]),
        new("conv2d without bias, padding 2, 1", Kernel(2, 3, 5, 6, 4, 3)[..2], x => [x[0].Conv2d(x[1], padding: (2, 1))]),
        new("conv2d stride 2, 3, padding 1, dilation 2, 1", Kernel(3, 2, 9, 8, 3, 3), x => [x[0].Conv2d(x[1], x[2], (2, 3), (1, 1), (2, 1))]),
        new("conv2d of many channels", Kernel(1, 9, 9, 8, 66, 3), x => [x[0].Conv2d(x[1], x[2])]),
        new("conv2d of many channels, stride 2, 3, padding 1, dilation 2, 1", Kernel(2, 8, 9, 8, 9, 3), x => [x[0].Conv2d(x[1], x[2], (2, 3), (1, 1), (2, 1))]),
        new("conv2d of many channels, groups", [[1, 18, 5, 4], [20, 9, 2, 3], [20]], x => [x[0].Conv2d(x[1], x[2], padding: (0, 1), groups: 2)]),
        new("conv2d of many channels, relu", Kernel(1, 9, 4, 4, 8, 3), x => [x[0].Conv2dRelu(x[1], x[2], padding: (1, 1))]),
        new("conv2d, sum in pieces", Kernel(3, 1, 17, 16, 8, 2), x => [x[0].Conv2d(x[1], x[2])]),
        new("conv2d, sums of both ways in pieces, relu", Kernel(2, 18, 6, 5, 16, 3), x => [x[0].Conv2dRelu(x[1], x[2], padding: (1, 1))]),
        new("conv2d, sums of both ways in pieces, groups, stride 2", [[1, 32, 5, 6], [34, 16, 3, 3], [34]], x => [x[0].Conv2d(x[1], x[2], (2, 2), groups: 2)]),
        new("conv2d groups", [[2, 6, 5, 4], [9, 2, 3, 2], [9]], x => [x[0].Conv2d(x[1], x[2], padding: (1, 0), groups: 3)]),
        new("conv2d depthwise", [[2, 5, 6, 4], [10, 1, 3, 3], [10]], x => [x[0].Conv2d(x[1], x[2], (2, 1), (1, 1), groups: 5)]),
        new("conv2d relu", Kernel(2, 3, 5, 6, 4, 3), x => [x[0].Conv2dRelu(x[1], x[2], padding: (1, 1))]),
        new("conv2d relu max pool", Kernel(2, 3, 7, 9, 5, 3), x => [x[0].Conv2dReluMaxPool(x[1], x[2])]),
        new("conv1d", [[3, 4, 11], [6, 2, 3], [6]], x => [x[0].Conv1d(x[1], x[2], stride: 2, padding: 1, dilation: 2, groups: 2)]),
        new("conv-transpose2d", [[2, 4, 5, 4], [4, 3, 3, 3], [6]], x => [x[0].ConvTranspose2d(x[1], x[2], (2, 2), (1, 1), (1, 1), groups: 2)]),
    ];

    private static Shape[] Kernel(int images, int channels, int h, int w, int outputs, int side) => [[images, channels, h, w], [outputs, channels, side, side], [outputs]];
}
