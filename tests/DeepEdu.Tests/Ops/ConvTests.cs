using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

[Collection("alone")]
public sealed class ConvTests
{
    // sums of a few hundred float32 products of values below 1, relative to the largest result
    private const float Tolerance = 1e-5f;

    /// <summary>Options, channels and sizes at random, against loops in double precision.</summary>
    [Theory, Trait("Width", "yes")]
    [InlineData(1, 40), InlineData(2, 40)]
    public void MatchesLoopsForAnyOptions(int seed, int cases)
    {
        var random = new Random(seed);
        for (int i = 0; i < cases; i++)
        {
            int c = Pick(1, 2, 3, 8, 20, 32, 64, 96), groups = Pick(1, 1, 1, c % 2 == 0 ? 2 : 1, c);
            var (kh, kw) = Pick((1, 1), (3, 3), (5, 3), (2, 2), (1, 3));
            (int, int) stride = Pick((1, 1), (1, 1), (2, 2), (1, 2), (3, 1)), padding = Pick((0, 0), (1, 1), (2, 2), (0, 1), (2, 0)), dilation = Pick((1, 1), (1, 1), (2, 2), (1, 2), (2, 1));
            int outputs = groups * Pick(1, 2, 7, groups > 2 ? 2 : 16, groups > 2 ? 1 : 33, groups > 2 ? 1 : 48);
            Check(Pick(1, 3), c, 9 + random.Next(3), 7 + random.Next(12), outputs, kh, kw, stride, padding, dilation, groups);
        }

        T Pick<T>(params T[] from) => from[random.Next(from.Length)];
    }

    /// <summary>As far apart as seconds of sound: what a stride takes of the stack does not grow with it.</summary>
    [Fact]
    public void WindowsMayBeFarApart()
    {
        const int stride = 100_000;
        float[]? pooled = null, convolved = null;
        var thread = new Thread(() =>
        {
            var x = Tensor.Arange((2 * stride) + 2).Reshape(1, 1, -1);
            (pooled, convolved) = (x.MaxPool1d(2, stride).ToArray(), x.Conv1d(Tensor.Ones([1, 1, 2]), stride: stride).ToArray());
        }, 256 << 10);
        thread.Start();
        thread.Join();
        Assert.Equal([1, stride + 1, (2 * stride) + 1], pooled!);
        Assert.Equal([1, (2 * stride) + 1, (4 * stride) + 1], convolved!);
    }

    /// <summary>Sizes at which an image is cut into blocks of lines, the batch into pieces, and the weight into panels.</summary>
    [Theory]
    [InlineData(1, 16, 70, 90, 40), InlineData(19, 3, 12, 30, 64), InlineData(2, 64, 33, 31, 64)]
    public void MatchesLoopsForLargerSizes(int n, int c, int h, int w, int outputs) => Check(n, c, h, w, outputs, 3, 3, (1, 1), (1, 1), (1, 1), 1, 5e-5f); // thousands of products in a sum

    /// <summary>Few outputs of many pixels, and gradients of few input channels, for which lanes lie along the pixels.</summary>
    [Theory, Trait("Width", "yes")]
    [InlineData(3, 5, 16, 15, 1, 3, 3, 1, 1, 1), InlineData(2, 20, 14, 14, 4, 3, 3, 1, 1, 1), InlineData(1, 16, 20, 13, 8, 5, 5, 1, 2, 1), InlineData(2, 7, 18, 17, 3, 2, 3, 1, 2, 2)]
    [InlineData(3, 1, 14, 15, 24, 3, 3, 2, 1, 1), InlineData(2, 2, 9, 31, 17, 4, 4, 2, 1, 1), InlineData(2, 3, 12, 12, 16, 5, 5, 1, 2, 1), InlineData(2, 6, 13, 9, 20, 3, 3, 3, 2, 2)]
    public void MatchesLoopsWithFewChannels(int n, int c, int h, int w, int outputs, int kh, int kw, int stride, int padding, int dilation) =>
        Check(n, c, h, w, outputs, kh, kw, (stride, stride), (padding, padding), (dilation, dilation), 1);

    /// <summary>Small images with many channels, which are convolved together: whole chunks and a rest, one image, single pixels, and pointwise.</summary>
    [Theory, Trait("Width", "yes")]
    [InlineData(70, 96, 3, 3, 64, 3, 1, 0, 1), InlineData(13, 128, 4, 5, 96, 3, 2, 1, 1), InlineData(2, 128, 7, 3, 130, 3, 2, 2, 2), InlineData(1, 160, 3, 3, 140, 3, 1, 1, 1), InlineData(5, 200, 4, 5, 220, 1, 1, 0, 1)]
    public void MatchesLoopsForSmallImages(int n, int c, int h, int w, int outputs, int kernel, int stride, int padding, int dilation) =>
        Check(n, c, h, w, outputs, kernel, kernel, (stride, stride), (padding, padding), (dilation, dilation), 1, 5e-5f); // a thousand products in a sum

    /// <summary>Small images, many at a time, whose same pixels are a tile's rows: pixels that no tap reads or that read nothing, a rest of images, images in several parts.</summary>
    [Theory, Trait("Width", "yes")]
    [InlineData(5, 16, 2, 2, 16, 3, 1, 1, 1), InlineData(33, 40, 4, 5, 24, 3, 2, 1, 1), InlineData(15, 32, 7, 7, 48, 3, 1, 1, 1), InlineData(4, 64, 6, 3, 33, 2, 1, 0, 1), InlineData(9, 20, 5, 5, 17, 3, 1, 2, 2), InlineData(6, 17, 7, 8, 18, 2, 3, 0, 1)]
    [InlineData(7, 16, 3, 3, 40, 2, 1, 3, 1), InlineData(60, 130, 8, 8, 16, 3, 1, 1, 1)]
    public void MatchesLoopsForTilesOfImages(int n, int c, int h, int w, int outputs, int kernel, int stride, int padding, int dilation) =>
        Check(n, c, h, w, outputs, kernel, kernel, (stride, stride), (padding, padding), (dilation, dilation), 1, 5e-5f);

    /// <summary>Depthwise convolutions of small planes, whose lanes are channels: whole vectors of them and a rest, padding that reaches further than the kernel, taps apart, strides that leave something.</summary>
    [Theory, Trait("Width", "yes")]
    [InlineData(3, 16, 7, 7, 3, 3, 1, 1, 1), InlineData(2, 37, 14, 13, 5, 5, 2, 2, 1), InlineData(5, 20, 9, 6, 3, 2, 1, 0, 2), InlineData(17, 33, 5, 5, 3, 3, 3, 2, 1), InlineData(2, 16, 4, 5, 1, 1, 2, 1, 1), InlineData(2, 18, 4, 4, 2, 2, 1, 3, 1)]
    [InlineData(40, 48, 1, 31, 1, 7, 1, 0, 1), InlineData(3, 50, 17, 9, 4, 6, 2, 1, 1)]
    public void MatchesLoopsForSmallPlanes(int n, int c, int h, int w, int kh, int kw, int stride, int padding, int dilation) =>
        Check(n, c, h, w, c, kh, kw, (stride, stride), (padding, padding), (dilation, dilation), c);

    /// <summary>More images than a chunk of columns holds.</summary>
    [Fact]
    public void MatchesLoopsForManySmallImages() => Check(2000, 64, 3, 3, 64, 3, 3, (1, 1), (0, 0), (1, 1), 1, 1e-4f);

    [Theory]
    [InlineData(140, 160, 3, 1), InlineData(130, 128, 3, 2), InlineData(32, 1, 4, 1), InlineData(32, 1, 4, 2), InlineData(12, 3, 3, 1), InlineData(32, 4, 3, 1), InlineData(6, 32, 3, 1), InlineData(40, 6, 3, 2)]
    [InlineData(40, 40, 3, 1, 40), InlineData(37, 37, 5, 2, 37)]
    public void EveryWayHasTheSameBitsOnAnyNumberOfThreads(int outputs, int c, int kernel, int stride, int groups = 1)
    {
        int before = DeepEdu.Devices.DeepEduOptions.MaxThreads;
        var rng = new Rng(3);
        Tensor x = Tensor.Uniform(c > 90 ? [40, c, 3, 4] : [19, c, 23, 21], rng, -1, 1), weight = Tensor.Uniform([outputs, c / groups, kernel, kernel], rng, -1, 1);
        float[]? dy = null;
        try
        {
            float[][] runs = Array.ConvertAll((int[])[1, 2, 8], threads =>
            {
                DeepEdu.Devices.DeepEduOptions.MaxThreads = threads;
                var y = x.Conv2d(weight, null, (stride, stride), (1, 1), groups: groups);
                dy ??= Tensor.Uniform(y.Shape, rng, -1, 1).ToArray();
                return (float[])[.. y.ToArray(), .. Gradients(() => x.Conv2d(weight, null, (stride, stride), (1, 1), groups: groups), dy, x, weight).SelectMany(g => g)];
            });
            Assert.Equal(runs[0], runs[1]);
            Assert.Equal(runs[0], runs[2]);
        }
        finally { DeepEdu.Devices.DeepEduOptions.MaxThreads = before; }
    }

    /// <summary>One pass gives the bits of three: the sums are formed in the same order.</summary>
    [Theory, Trait("Width", "yes")]
    [InlineData(3, 1, 28, 28, 32), InlineData(2, 32, 13, 13, 64), InlineData(5, 3, 9, 18, 17), InlineData(1, 8, 64, 66, 48), InlineData(2, 64, 6, 2, 5), InlineData(2, 3, 20, 20, 4)]
    public void FusedHasTheBitsOfTheSeparateOps(int n, int c, int h, int w, int outputs)
    {
        var rng = new Rng(5);
        Tensor x = Tensor.Uniform([n, c, h, w], rng, -1, 1), weight = Tensor.Uniform([outputs, c, 3, 3], rng, -1, 1), bias = Tensor.Uniform([outputs], rng, -1, 1);
        var relu = x.Conv2d(weight, bias, padding: (1, 1)).Relu();
        Assert.Equal(relu.ToArray(), x.Conv2dRelu(weight, bias, padding: (1, 1)).ToArray());
        Assert.Equal(relu.MaxPool2d((2, 2)).ToArray(), x.Conv2dReluMaxPool(weight, bias, padding: (1, 1)).ToArray());
        float[] dy = Tensor.Uniform([n, outputs, h / 2, w / 2], rng, -1, 1).ToArray();
        float[][] separate = Gradients(() => x.Conv2d(weight, bias, padding: (1, 1)).Relu().MaxPool2d((2, 2)), dy, x, weight, bias);
        float[][] fused = Gradients(() => x.Conv2dReluMaxPool(weight, bias, padding: (1, 1)), dy, x, weight, bias);
        for (int i = 0; i < 3; i++) { OpCatalogTests.Near(separate[i], fused[i], Tolerance, $"gradient {i}"); }
        dy = Tensor.Uniform(relu.Shape, rng, -1, 1).ToArray();
        separate = Gradients(() => x.Conv2d(weight, bias, padding: (1, 1)).Relu(), dy, x, weight, bias);
        fused = Gradients(() => x.Conv2dRelu(weight, bias, padding: (1, 1)), dy, x, weight, bias);
        for (int i = 0; i < 3; i++) { OpCatalogTests.Near(separate[i], fused[i], Tolerance, $"gradient {i}"); }
    }

    [Theory]
    [InlineData(2, 0, 3, 2)] // no channel: nothing but the bias
    [InlineData(0, 3, 3, 2)]
    [InlineData(2, 3, 0, 2)]
    public void EmptyAxesAreComputed(int n, int channels, int outputs, int taps)
    {
        using var tape = new Tape();
        Tensor x = tape.Watch(Tensor.Ones([n, channels, 4, 5])), w = tape.Watch(Tensor.Ones([outputs, channels, taps, taps])), b = tape.Watch(Tensor.Full([outputs], 2));
        var y = x.Conv2d(w, b);
        Assert.Equal([n, outputs, 3, 4], y.Shape.Sizes.ToArray());
        Assert.All(y.ToArray(), v => Assert.Equal(2, v));
        Assert.All(x.Conv2dReluMaxPool(w, b).ToArray(), v => Assert.Equal(2, v));
        var g = tape.Gradients(y, Tensor.Ones(y.Shape));
        Assert.All(g[x].ToArray(), d => Assert.Equal(0, d));
        Assert.All(g[w].ToArray(), d => Assert.Equal(0, d));
        Assert.All(g[b].ToArray(), d => Assert.Equal(n * 12, d));
    }

    [Fact]
    public void SquareWindowsAreGivenByOneNumber()
    {
        var x = Tensor.Normal([2, 3, 9, 8], new(1));
        Assert.Equal(x.MaxPool2d((2, 2)).ToArray(), x.MaxPool2d(2).ToArray());
        Assert.Equal(x.MaxPool2d((3, 3), (2, 2), (1, 1), (2, 2), true).ToArray(), x.MaxPool2d(3, 2, 1, 2, true).ToArray());
        Assert.Equal(x.AvgPool2d((2, 2)).ToArray(), x.AvgPool2d(2).ToArray());
        Assert.Equal(x.AvgPool2d((3, 3), (2, 2), (1, 1), false, true).ToArray(), x.AvgPool2d(3, 2, 1, false, true).ToArray());
    }

    [Fact]
    public void AWindowOfNothingButPaddingHasNoGradient()
    {
        // rows −1 and 1 of an input with row 0 alone
        using var tape = new Tape();
        var x = tape.Watch(Tensor.Ones([1, 2, 1, 4]));
        var y = x.MaxPool2d((2, 1), (1, 1), (1, 0), (2, 1));
        Assert.All(y.ToArray(), v => Assert.Equal(float.NegativeInfinity, v));
        Assert.All(tape.Gradients(y, Tensor.Ones(y.Shape))[x].ToArray(), d => Assert.Equal(0, d));
    }

    [Fact]
    public void FusedKeepsNaN()
    {
        var x = Tensor.Zeros([1, 1, 4, 4]);
        x.AsSpan()[5] = float.NaN;
        var one = Tensor.Ones([1, 1, 1, 1]);
        Assert.Equal([float.NaN, 0, 0, 0], x.Conv2dReluMaxPool(one).ToArray());
        Assert.True(float.IsNaN(x.Conv2dRelu(one).ToArray()[5]));
    }

    [Fact]
    public void EmptyBatch()
    {
        Tensor x = Tensor.Zeros([0, 3, 8, 8]), weight = Tensor.Ones([4, 3, 3, 3]), bias = Tensor.Ones([4]);
        Assert.Equal([0, 4, 6, 6], x.Conv2d(weight, bias).Shape);
        Assert.Equal([0, 4, 3, 3], x.Conv2dReluMaxPool(weight, bias).Shape);
        Assert.Equal([0, 3, 4, 4], x.MaxPool2d(2).Shape);
        float[][] d = Gradients(() => x.Conv2d(weight, bias), [], x, weight, bias);
        Assert.All(d[1], v => Assert.Equal(0, v));
    }

    // by columns, which another product has filled, and a channel at a time
    [Theory]
    [InlineData(3, 1, 1)]
    [InlineData(4, 3, 2)]
    [InlineData(4, 3, 4)]
    public void AnEmptyBatchHasNoGradient(int channels, int taps, int groups)
    {
        Tensor weight = Tensor.Ones([4, channels / groups, taps, taps]), bias = Tensor.Ones([4]), full = Tensor.Ones([2, channels, 16, 16]), none = Tensor.Ones([0, channels, 16, 16]);
        int size = 17 - taps;
        Assert.All(Gradients(() => full.Conv2d(weight, bias, groups: groups), Tensor.Ones([2, 4, size, size]).ToArray(), full, weight, bias)[1], d => Assert.Equal(2 * size * size, d));
        float[][] g = Gradients(() => none.Conv2d(weight, bias, groups: groups), [], none, weight, bias);
        Assert.All(g[1], d => Assert.Equal(0, d));
        Assert.All(g[2], d => Assert.Equal(0, d));
    }

    [Fact]
    public void AnInputWithoutGradientGetsNone()
    {
        Tensor x = Tensor.Ones([1, 1, 4, 4]), weight = Tensor.Ones([1, 1, 3, 3]);
        using var tape = new Tape();
        tape.Watch(weight);
        var gradients = tape.Gradients(x.Conv2d(weight).Sum());
        Assert.Null(gradients.Find(x));
        Assert.All(gradients[weight].ToArray(), v => Assert.Equal(4, v));
    }

    [Fact]
    public void ErrorsSayWhatDoesNotFit()
    {
        Tensor x = Tensor.Zeros([2, 3, 8, 8]), weight = Tensor.Zeros([4, 3, 3, 3]);
        Throws("conv2d: x [3,8,8] and weight [4,3,3,3] must be [N, C, H, W] and [out, C / groups, kh, kw]; add the batch axis with Unsqueeze(0)?", () => Tensor.Zeros([3, 8, 8]).Conv2d(weight));
        Throws("conv2d: x [2,3,8,8] has 3 channels, weight [4,5,3,3] expects 5", () => x.Conv2d(Tensor.Zeros([4, 5, 3, 3])));
        Throws("conv2d: x [2,8,8,3] has 8 channels, weight [4,3,3,3] expects 3; the channels come before height and width: permute x?", () => Tensor.Zeros([2, 8, 8, 3]).Conv2d(weight));
        Throws("conv2d: x [2,3,8,8], weight [4,3,3,3]: 2 groups must divide both the 3 input and the 4 output channels", () => x.Conv2d(weight, groups: 2));
        Throws("conv2d: bias [3] with weight [4,3,3,3]: one value for each of the 4 output channels is expected, [4]", () => x.Conv2d(weight, Tensor.Zeros([3])));
        Throws("conv2d: x [2,3,8,8], weight [4,3,3,3]: the kernel covers 9 × 3 (dilation 4, 1), the padded input has only 8 × 8; more padding or a smaller kernel?", () => x.Conv2d(weight, dilation: (4, 1)));
        Throws("conv2d: x [5,8,8] and weight [4,1,3,3] must be [N, C, H, W] and [out, C / groups, kh, kw]; add the axis of the one channel with Unsqueeze(1), or the batch axis with Unsqueeze(0)?", () => Tensor.Zeros([5, 8, 8]).Conv2d(Tensor.Zeros([4, 1, 3, 3])));
        Throws("conv1d: x [3,8] and weight [4,3,3] must be [N, C, L] and [out, C / groups, k]; add the batch axis with Unsqueeze(0)?", () => Tensor.Zeros([3, 8]).Conv1d(Tensor.Zeros([4, 3, 3])));
        Throws("max-pool2d: x [8] must be [N, C, H, W], or the same without the batch axis", () => Tensor.Zeros([8]).MaxPool2d((2, 2)));
        Throws("avg-pool2d: x [1,1,2,2]: the window covers 3 × 3, the padded input has only 2 × 2; a smaller kernel, or one pooling less?", () => Tensor.Zeros([1, 1, 2, 2]).AvgPool2d((3, 3)));
        Throws("max-pool2d: x [1,1,0,2]: the window covers 2 × 2, the padded input has only 2 × 4; a smaller kernel, or one pooling less?", () => Tensor.Zeros([1, 1, 0, 2]).MaxPool2d((2, 2), padding: (1, 1)));
        Assert.Contains("stride (0, 1)", Assert.Throws<ArgumentException>(() => x.Conv2d(weight, stride: (0, 1))).Message, StringComparison.Ordinal);
        Assert.Contains("padding (2, 1)", Assert.Throws<ArgumentException>(() => x.MaxPool2d((2, 2), padding: (2, 1))).Message, StringComparison.Ordinal);
    }

    private static void Throws(string message, Action op) => Assert.Equal(message, Assert.Throws<ShapeException>(op).Message);

    private static void Check(int n, int c, int h, int w, int outputs, int kh, int kw, (int H, int W) stride, (int H, int W) pad, (int H, int W) dilation, int groups,
        float tolerance = Tolerance)
    {
        int oh = Outputs(h, kh, stride.H, pad.H, dilation.H), ow = Outputs(w, kw, stride.W, pad.W, dilation.W);
        if (oh < 1 || ow < 1) { return; }
        string what = $"x [{n},{c},{h},{w}], {outputs} kernels {kh} × {kw}, stride {stride}, padding {pad}, dilation {dilation}, groups {groups}";
        var rng = new Rng(3);
        Tensor x = Tensor.Uniform([n, c, h, w], rng, -1, 1), weight = Tensor.Uniform([outputs, c / groups, kh, kw], rng, -1, 1), bias = Tensor.Uniform([outputs], rng, -1, 1);
        float[] dy = Tensor.Uniform([n, outputs, oh, ow], rng, -1, 1).ToArray();
        double[] y = new double[dy.Length], dx = new double[x.Size], dw = new double[weight.Size], db = new double[outputs];
        float[] xs = x.ToArray(), ws = weight.ToArray(), bs = bias.ToArray();
        int gc = c / groups, go = outputs / groups;
        for (int at = 0; at < y.Length; at++)
        {
            int j = at % ow, i = at / ow % oh, o = at / (ow * oh) % outputs, b = at / (ow * oh * outputs);
            y[at] = bs[o];
            db[o] += dy[at];
            for (int k = 0; k < gc * kh * kw; k++)
            {
                int l = k % kw, m = k / kw % kh, ch = (o / go * gc) + (k / (kw * kh)), iy = (i * stride.H) + (m * dilation.H) - pad.H, ix = (j * stride.W) + (l * dilation.W) - pad.W;
                if (iy < 0 || iy >= h || ix < 0 || ix >= w) { continue; }
                int xi = (((((b * c) + ch) * h) + iy) * w) + ix, wi = (o * gc * kh * kw) + k;
                y[at] += (double)xs[xi] * ws[wi];
                dx[xi] += (double)dy[at] * ws[wi];
                dw[wi] += (double)dy[at] * xs[xi];
            }
        }
        OpCatalogTests.Near(Single(y), x.Conv2d(weight, bias, stride, pad, dilation, groups).ToArray(), tolerance, what);
        float[][] got = Gradients(() => x.Conv2d(weight, bias, stride, pad, dilation, groups), dy, x, weight, bias);
        OpCatalogTests.Near(Single(dx), got[0], tolerance, what + ": dx");
        OpCatalogTests.Near(Single(dw), got[1], tolerance, what + ": dw");
        OpCatalogTests.Near(Single(db), got[2], tolerance, what + ": db");
    }

    private static int Outputs(int size, int kernel, int stride, int pad, int dilation)
    {
        int room = size + (2 * pad) - (dilation * (kernel - 1)) - 1;
        return room < 0 ? 0 : (room / stride) + 1;
    }

    private static float[] Single(double[] x) => Array.ConvertAll(x, v => (float)v);

    private static float[][] Gradients(Func<Tensor> op, float[] dy, params Tensor[] inputs)
    {
        using var tape = new Tape();
        foreach (var x in inputs) { tape.Watch(x); }
        var y = op();
        var gradients = tape.Gradients(y, Tensor.Of(y.Shape, dy));
        float[][] d = Array.ConvertAll(inputs, x => gradients[x].ToArray());
        return d;
    }

    [Fact]
    public void WithoutOutputsXLearnsNothing()
    {
        // the working memory is full of other numbers
        Tensor large = Tensor.Full([2, 20, 16, 16], 1e30f), other = Tensor.Full([40, 20, 3, 3], 1e30f), x = Tensor.Ones([2, 3, 5, 5]), weight = Tensor.Ones([0, 3, 3, 3]);
        float[] dy = new float[2 * 40 * 14 * 14];
        dy.AsSpan().Fill(1e30f);
        Gradients(() => large.Conv2d(other), dy, large, other);
        Assert.All(Gradients(() => x.Conv2d(weight), [], x, weight)[0], d => Assert.Equal(0, d));
    }

    /// <summary>A tap that does not read an infinity learns nothing of it, whatever other taps do: what lies between the lines that it reads counts for nothing.</summary>
    [Theory]
    [InlineData(1, 0, 1, 4)]
    [InlineData(2, 0, 1, 4)]
    [InlineData(2, 1, 1, 4)]
    [InlineData(3, 2, 1, 2)]
    [InlineData(1, 1, 2, 4)]
    [InlineData(2, 0, 1, 1)]
    public void AnInfinityThatATapDoesNotReadIsNotInItsGradient(int stride, int padding, int dilation, int groups)
    {
        const int C = 4, Size = 9, Kernel = 3;
        var rng = new Rng(4);
        for (int at = 0; at < C * Size * Size; at += 5)
        {
            Tensor x = Tensor.Normal([1, C, Size, Size], rng), w = Tensor.Normal([C, C / groups, Kernel, Kernel], rng);
            x.AsSpan()[at] = float.PositiveInfinity;
            using var tape = new Tape();
            tape.Watch(w);
            var y = x.Conv2d(w, null, (stride, stride), (padding, padding), (dilation, dilation), groups);
            var dy = Tensor.Uniform(y.Shape, rng, 1, 2); // no zeros: 0 · ∞ is NaN by right
            float[] dw = tape.Gradients(y, dy)[w].ToArray(), xs = x.ToArray(), dys = dy.ToArray();
            int i = 0, o = y.Shape[2];
            for (int to = 0; to < C; to++)
            {
                for (int c = to / (C / groups) * (C / groups), end = c + (C / groups); c < end; c++)
                {
                    for (int tap = 0; tap < Kernel * Kernel; tap++, i++)
                    {
                        double sum = 0;
                        for (int p = 0; p < o * o; p++)
                        {
                            int row = (p / o * stride) + (tap / Kernel * dilation) - padding, column = (p % o * stride) + (tap % Kernel * dilation) - padding;
                            if ((uint)row < Size && (uint)column < Size) { sum += (double)xs[(((c * Size) + row) * Size) + column] * dys[(to * o * o) + p]; }
                        }
                        if (double.IsInfinity(sum)) { Assert.Equal((float)sum, dw[i]); }
                        else { Assert.True(Math.Abs(sum - dw[i]) < 1e-4, $"infinity at {at}, weight {i}: {dw[i]}, not {sum}"); }
                    }
                }
            }
        }
    }
}
