using DeepEdu.Autograd;
using DeepEdu.Gpu.Tests.Cuda;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>How many groups a convolution's products are made by: few tiles are cut along their sums, so that each of 132 multiprocessors has work.</summary>
[Collection(nameof(EmulatedDriver))]
public class ConvGroupsTests
{
    /// <summary>The convolutions of the benchmark's image networks, 32 images: forward, dL/dx where there are eight channels or more, dL/dweight.</summary>
    [EmulatedTheory]
    [InlineData(1, 28, 32, new[] { 338, 0, 169 })]
    [InlineData(32, 13, 64, new[] { 61 * 4, 85 * 3, 5 * 31 })] // without pieces of the sums 61 and 85
    public void ConvolutionsOfFewTilesAreCut(int channels, int side, int outputs, int[] groups)
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        Tensor x = Tensor.Zeros([32, channels, side, side], device), w = Tensor.Zeros([outputs, channels, 3, 3], device);
        using var tape = new Tape();
        tape.Watch(x);
        tape.Watch(w);
        EmulatedDriver.Reset();
        EmulatedDriver.Record = true;
        tape.Gradients(x.Conv2d(w).Sum());
        EmulatedDriver.Record = false;
        int[] counts = [.. EmulatedDriver.Launches.Select(l => l.Grid.X * l.Grid.Y * l.Grid.Z)];
        foreach (int n in groups.Where(n => n > 0)) { Assert.Contains(n, counts); }
    }
}
