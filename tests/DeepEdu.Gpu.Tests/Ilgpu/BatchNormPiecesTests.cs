using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Gpu.Tests.Cuda;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Batch normalisation of few channels with many values goes in pieces, so that each of 132 multiprocessors has work. Values and gradients are rows of <see cref="DeviceRowsTests"/>.</summary>
[Collection(nameof(EmulatedDriver))]
public class BatchNormPiecesTests
{
    [EmulatedTheory]
    [InlineData(32, 64, 56, 8 * 64)] // a team a channel would be 64 groups
    [InlineData(32, 16, 28, 6 * 16)]
    [InlineData(32, 512, 7, 512)] // as it was
    public void LongChannelsAreCut(int images, int channels, int side, int groups)
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        var x = Tensor.Zeros([images, channels, side, side], device);
        using var tape = new Tape();
        tape.Watch(x);
        EmulatedDriver.Reset();
        EmulatedDriver.Record = true;
        var y = x.BatchNorm(null, null);
        EmulatedDriver.Record = false;
        Assert.Equal(groups, EmulatedDriver.Launches.First().Grid.X);
        Assert.Equal(groups == channels ? 1 : 3, EmulatedDriver.Launches.Count);
    }

    [EmulatedTheory, InlineData(9, 3, 32, 33), InlineData(8200, 3, 1, 1)]
    public void WhatRunsIsTheProcessors(int n, int channels, int h, int w)
    {
        using var device = EmulatedDriver.NewDevice();
        float[][] want = Run(CpuDevice.Instance), got = Run(device);
        for (int i = 0; i < want.Length; i++) { for (int j = 0; j < channels; j++) { Assert.Equal(want[i][j], got[i][j], 2e-6f); } }

        float[][] Run(Device on)
        {
            // far from 0, where squares of values would lose what squares around the mean keep
            Tensor x = Tensor.Of(h * w == 1 ? [n, channels] : [n, channels, h, w], [.. Enumerable.Range(0, n * channels * h * w).Select(i => 30 + MathF.Sin(i * 1.7f))], on), mean = Tensor.Ones([channels], on), variance = Tensor.Ones([channels], on);
            using var tape = new Tape();
            x.BatchNorm(mean, variance);
            return [mean.ToArray(), variance.ToArray()];
        }
    }
}
