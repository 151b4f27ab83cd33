using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Ops;

/// <summary>The same bits on any number of threads, forward and backward, over random sizes. It sets the number of threads, so it runs alone.</summary>
[Collection("alone")]
public sealed class ThreadProperties : IDisposable
{
    private static readonly Arbitrary<(int[] Sizes, int Threads, int Seed)> s_cases = Gen.Choose(1, 400).ArrayOf(3)
        .SelectMany(sizes => Gen.Choose(2, 9).SelectMany(threads => Gen.Choose(0, 1 << 20).Select(seed => (sizes, threads, seed))))
        .ToArbitrary();

    private readonly int _before = DeepEduOptions.MaxThreads;

    public void Dispose() => DeepEduOptions.MaxThreads = _before;

    [Fact]
    public void AnyNumberOfThreadsGivesTheSameBits() => Properties.Hold(30, Prop.ForAll(s_cases, c =>
    {
        var one = Results(1, c.Sizes, c.Seed);
        var many = Results(c.Threads, c.Sizes, c.Seed);
        for (int i = 0; i < one.Length; i++) { Assert.Equal(one[i].Select(BitConverter.SingleToInt32Bits), many[i].Select(BitConverter.SingleToInt32Bits)); }
    }));

    /// <summary>Convolutions of few images are cut by panels of channels and by lines.</summary>
    [Theory]
    [InlineData(1, 32, 64)]
    [InlineData(1, 3, 16)]
    [InlineData(3, 5, 80)]
    [InlineData(2, 16, 33)]
    public void ConvolutionsOfFewImagesGiveTheSameBits(int images, int channels, int outputs)
    {
        var rng = new Rng(5);
        Tensor x = Tensor.Normal([images, channels, 31, 30], rng), w = Tensor.Normal([outputs, channels, 3, 3], rng), bias = Tensor.Normal([outputs], rng);
        x.AsSpan()[^37] = float.NaN;
        float[][]? one = null;
        foreach (int threads in new[] { 1, 2, 3, 8 })
        {
            DeepEduOptions.MaxThreads = threads;
            float[][] many = [x.Conv2d(w, bias).ToArray(), x.Conv2dRelu(w, bias, padding: (1, 1)).ToArray(), x.Conv2dReluMaxPool(w, bias).ToArray(), x.Conv2d(w, bias).Relu().MaxPool2d((2, 2)).ToArray()];
            one ??= many;
            for (int i = 0; i < one.Length; i++) { Assert.Equal(one[i], many[i]); }
            Assert.Equal(many[2], many[3]);
        }
    }

    /// <summary>Rows longer than a chunk are cut into pieces, one of which may hold nothing but −∞.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ASoftmaxOfLongRowsIsRightAndGivesTheSameBits(bool log)
    {
        const int n = (2 * CpuDevice.Grain) + 777;
        float[] x = Tensor.Normal([2, n], new Rng(8), std: 3).ToArray();
        x.AsSpan(CpuDevice.Grain, CpuDevice.Grain).Fill(float.NegativeInfinity);
        float[]? one = null;
        foreach (int threads in new[] { 1, 2, 8 })
        {
            DeepEduOptions.MaxThreads = threads;
            float[] many = (log ? Tensor.Of([2, n], x).LogSoftmax() : Tensor.Of([2, n], x).Softmax()).ToArray();
            one ??= many;
            Assert.Equal(one, many);
        }
        for (int row = 0; row < 2; row++)
        {
            double sum = x.Skip(row * n).Take(n).Sum(v => Math.Exp(v));
            for (int i = row * n; i < (row + 1) * n; i++)
            {
                double want = log ? x[i] - Math.Log(sum) : Math.Exp(x[i]) / sum;
                // float32 sums of 33,000 values, and a logarithm near −10
                if (double.IsInfinity(want)) { Assert.Equal(want, one![i]); } else { Assert.Equal(want, one![i], log ? 1e-5 : 1e-5 * want); }
            }
        }
    }

    private static float[][] Results(int threads, int[] sizes, int seed)
    {
        DeepEduOptions.MaxThreads = threads;
        var rng = new Rng((ulong)seed);
        int rows = sizes[0], columns = sizes[1], outputs = sizes[2];
        Tensor x = Tensor.Normal([rows, columns], rng), w = Tensor.Normal([outputs, columns], rng), bias = Tensor.Normal([outputs], rng);
        var index = Indices.Wrap([.. Enumerable.Range(0, rows).Select(_ => rng.Next(outputs))], [rows]);
        using var tape = new Tape();
        foreach (var t in (Tensor[])[x, w, bias]) { tape.Watch(t); }
        var h = x.Linear(w, bias, relu: true).Dropout(0.3f, rng).LayerNorm([outputs]);
        var y = h.Softmax() + h.IndexSelect(0, Indices.Wrap([.. index.ToArray().Select(i => i % rows)], [rows])).T.CumSum(-1).T;
        var loss = y.CrossEntropy(index) + y.Var(0).Sum() + y.Square().Mean() + y.Max(-1).LogSumExp();
        var g = tape.Gradients(loss);
        return [y.ToArray(), [loss.Item()], g[x].ToArray(), g[w].ToArray(), g[bias].ToArray()];
    }
}
