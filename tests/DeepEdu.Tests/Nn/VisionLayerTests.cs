using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>What the catalogue's rows cannot say of convolution, norm, embedding and other layers: how they start, noise, limits, errors.</summary>
public class VisionLayerTests
{
    private readonly Rng _rng = new(3);

    /// <summary>Where the place below is a matter of rounding: PyTorch's numbers, of its float32 (1.13).</summary>
    [Theory]
    [InlineData(2, 82, 42)]
    [InlineData(2, 98, 49)]
    [InlineData(2, 110, 56)]
    [InlineData(2, 322, 161)]
    public void TheNearestPlaceIsPyTorchs(int n, int size, int firstOne) => Assert.Equal(firstOne, Array.IndexOf(Tensor.Arange(n).Reshape(1, 1, n).Upsample1d(size).ToArray(), 1f));

    [Fact]
    public void LayersStartAsPyTorchs()
    {
        // fan-in is the size of one entry of the first axis: of a transposed convolution, out / groups · k · k
        Uniform(new ConvTranspose2d(64, 32, 3, _rng, groups: 2).Weight, 1 / Math.Sqrt(16 * 9));
        Uniform(new ConvTranspose2d(4, 4000, 1, _rng, groups: 1).Bias!, 1 / Math.Sqrt(4000));
        Uniform(new ConvTranspose1d(64, 32, 5, _rng).Weight, 1 / Math.Sqrt(32 * 5));
        Uniform(new DepthwiseConv2d(500, 3, _rng, 2).Weight, 1.0 / 3);
        Uniform(new DepthwiseConv1d(2000, 4, _rng).Weight, 1.0 / 2);
        var separable = new SeparableConv2d(300, 100, 3, _rng, multiplier: 2).Parameters();
        Uniform(separable[0].Value, 1.0 / 3);
        Uniform(separable[1].Value, 1 / Math.Sqrt(600));
        Uniform(new Bilinear(25, 40, 30, _rng).Weight, 1.0 / 5);
        Uniform(new Bilinear(25, 1, 4000, _rng).Bias!, 1.0 / 5);
        float[] table = new EmbeddingBag(300, 200, _rng, padding: 3).Weight.ToArray();
        Assert.Equal(1, Math.Sqrt(table.Average(v => (double)v * v)), 0.02);
        Assert.All(table[600..800], v => Assert.Equal(0, v));
        Same(new Prelu(3).Parameters()[0].Value, 0.25f);
        foreach (var norm in (Layer[])[new GroupNorm(2, 4), new RmsNorm(4), new InstanceNorm(4, affine: true, trackStatistics: true), new BatchNorm(4)])
        {
            foreach (var (name, value) in norm.Parameters()) { Same(value, name == "weight" ? 1 : 0); }
            foreach (var (name, value) in norm.Buffers()) { Same(value, name == "running_var" ? 1 : 0); }
        }

        static void Same(Tensor t, float value) => Assert.All(t.ToArray(), v => Assert.Equal(value, v));

        static void Uniform(Parameter p, double bound)
        {
            float[] values = p.ToArray();
            double std = bound / Math.Sqrt(3);
            Assert.Equal(0, values.Average(), 4 * std / Math.Sqrt(values.Length));
            Assert.Equal(std, Math.Sqrt(values.Average(v => (double)v * v)), 4 * std / Math.Sqrt(values.Length));
            Assert.InRange(values.Max(MathF.Abs), 0.98 * bound, 1.000001 * bound);
        }
    }

    [Fact]
    public void WeightNormStartsAsTheLayerItTakesOver()
    {
        var conv = new Conv2d(2, 3, 3, _rng);
        var x = Tensor.Uniform([1, 2, 5, 5], _rng);
        float[] before = conv.Forward(x).ToArray();
        var norm = new WeightNorm(conv);
        OpCatalogTests.Near(before, norm.Forward(x).ToArray(), 1e-5f, "weight norm");
        Assert.Equal([3, 1, 1, 1], norm.G.Shape.Sizes.ToArray());
        Assert.Contains("Flatten", Assert.Throws<ArgumentException>(() => new WeightNorm(new Flatten())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATiedTableIsCountedOnce()
    {
        var table = new Embedding(10, 4, _rng);
        var head = Dense.Tied(table.Weight, bias: true);
        var model = new TwoParts(table, head);
        Assert.Equal(["table.weight", "head.bias"], model.Parameters().Select(p => p.Name));
        Assert.Equal(50, model.ParameterCount);
        Assert.Same(table.Weight, head.Weight);
    }

    /// <summary>40,000 draws of deviation s: their mean strays by s/200, their deviation by about 0.4 % of it; four of those are allowed.</summary>
    [Fact]
    public void NoiseHasTheStatedMoments()
    {
        var x = Tensor.Full([200, 200], 2);
        Moments(new GaussianNoise(0.5f, _rng), x, 2, 0.5);
        Moments(new GaussianDropout(0.2f, _rng), x, 2, 1);
        // of values with mean 0 and variance 1
        Moments(new AlphaDropout(0.3f, _rng), Tensor.Normal([200, 200], _rng), 0, 1);
        Moments(new Dropout1d(0.2f, _rng), Tensor.Full([200, 200, 1], 2), 2, 1);

        static void Moments(Layer layer, Tensor x, double mean, double std)
        {
            Assert.Same(x, layer.Forward(x));
            using var tape = new Tape();
            float[] y = layer.Forward(x).ToArray();
            Assert.Equal(mean, y.Average(), 8 * std / 200);
            Assert.Equal(std, Math.Sqrt(y.Average(v => (v - mean) * (v - mean))), 0.02 * std);
        }
    }

    [Fact]
    public void ChannelsAreLeftOutWhole()
    {
        using var tape = new Tape();
        var y = new Dropout2d(0.5f, _rng).Forward(Tensor.Ones([8, 16, 3, 3]));
        float[] values = y.ToArray();
        Assert.Contains(0, values);
        Assert.Contains(2, values);
        for (int plane = 0; plane < 128; plane++) { Assert.All(values[(plane * 9)..((plane + 1) * 9)], v => Assert.Equal(values[plane * 9], v)); }
    }

    /// <summary>On a ring a shift of the image is a shift of the answer, whatever the kernel; a constant image stays one in every padding but zeros.</summary>
    [Fact]
    public void PaddingIsTheImageItself()
    {
        var ring = new Conv2d(2, 3, 3, _rng, padding: ConvPadding.Circular(1));
        var x = Tensor.Normal([2, 2, 5, 6], _rng);
        Tensor Shifted(Tensor t) => t.Roll(2, 2).Roll(3, -1);
        OpCatalogTests.Near(Shifted(ring.Forward(x)).ToArray(), ring.Forward(Shifted(x)).ToArray(), 1e-5f, "ring");
        foreach (var padding in (ConvPadding[])[ConvPadding.Circular((2, 1)), ConvPadding.Reflect((2, 1)), ConvPadding.Replicate((2, 1)), ConvPadding.Reflect(ConvPadding.Same)])
        {
            var conv = new Conv2d(1, 1, 3, _rng, padding: padding);
            float[] y = conv.Forward(Tensor.Ones([1, 1, 4, 4])).ToArray();
            Assert.All(y, v => Assert.Equal(y[0], v));
            var image = Tensor.Normal([2, 1, 5, 4], _rng);
            Assert.Equal(conv.Forward(image).Relu().ToArray(), new Sequential(conv, new Relu()).Forward(image).ToArray());
        }
        Assert.Equal([2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0], Tensor.Arange(3).Pad([(4, 4)], PadMode.Circular).ToArray());
    }

    [Fact]
    public void WhatPaddingCannotShowIsNamed()
    {
        Assert.Contains("must not see later steps, which Circular shows", Assert.Throws<ArgumentException>(() => ConvPadding.Circular(ConvPadding.Causal)).Message, StringComparison.Ordinal);
        Assert.Contains("which Reflect shows", Assert.Throws<ArgumentException>(() => ConvPadding.Reflect(ConvPadding.Causal)).Message, StringComparison.Ordinal);
        var conv = new Sequential(new Conv1d(1, 1, 3, _rng, padding: ConvPadding.Reflect(4)));
        Assert.Contains("axis 2 of size 3 can be mirrored by 2 at most, not (4, 4)", Assert.Throws<ShapeException>(() => conv.Forward(Tensor.Ones([1, 1, 3]))).Message, StringComparison.Ordinal);
        Assert.Contains("nothing to repeat", Assert.Throws<ShapeException>(() => Tensor.Zeros([0]).Pad([(1, 0)], PadMode.Circular)).Message, StringComparison.Ordinal);
        Assert.Contains("pad: no widths", Assert.Throws<ArgumentException>(() => new Pad([])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ConstraintsHoldAfterEachStepOfAnyOptimiser()
    {
        float[] start = [3, 4, 0.3f, -0.4f, -6, 8];
        After(Constraint.NonNegative(), [3, 4, 0.3f, 0, 0, 8]);
        After(Constraint.Clamp(-0.35f, 4), [3, 4, 0.3f, -0.35f, -0.35f, 4]);
        Assert.Contains("nothing lies between 1 and -1", Assert.Throws<ArgumentOutOfRangeException>(() => Constraint.Clamp(1, -1)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Constraint.Clamp(float.NaN, 1));
        After(Constraint.MaxNorm(2), [1.2f, 1.6f, 0.3f, -0.4f, -1.2f, 1.6f]);
        After(Constraint.UnitNorm(), [0.6f, 0.8f, 0.6f, -0.8f, -0.6f, 0.8f]);
        After(Constraint.MinMaxNorm(1, 2), [1.2f, 1.6f, 0.6f, -0.8f, -1.2f, 1.6f]);
        // half of the way from 5, 0.5 and 10
        After(Constraint.MinMaxNorm(1, 2, rate: 0.5f), [2.1f, 2.8f, 0.45f, -0.6f, -3.6f, 4.8f]);
        float column = MathF.Sqrt(9 + 0.09f + 36), other = MathF.Sqrt(16 + 0.16f + 64);
        After(Constraint.MaxNorm(2, axes: [0]), [6 / column, 8 / other, 0.6f / column, -0.8f / other, -12 / column, 16 / other]);

        void After(Action<Parameter> constraint, float[] expected)
        {
            var w = new Parameter([3, 2], start) { Constraint = constraint };
            foreach (Optimizer optimizer in (Optimizer[])[new Sgd([("w", w)], new() { LearningRate = 0 }), new Adam([("w", w)], new() { LearningRate = 0 })])
            {
                w.CopyFrom(start);
                using var tape = new Tape();
                optimizer.Step(tape.Gradients((w * w).Sum()));
                OpCatalogTests.Near(expected, w.ToArray(), 1e-5f, "constraint");
            }
        }
    }

    [Fact]
    public void AVectorIsConstrainedAsAWhole()
    {
        var w = new Parameter([2], [3, 4]);
        Constraint.UnitNorm()(w);
        OpCatalogTests.Near([0.6f, 0.8f], w.ToArray(), 1e-5f, "constraint");
    }

    [Fact]
    public void ErrorsSayWhatDoesNotFit()
    {
        Says("conv2d: causal padding needs one time axis", () => _ = new Conv2d(1, 1, 3, _rng, padding: ConvPadding.Causal));
        Says("conv-transpose2d: 2 groups do not divide 3 channels and 4 outputs", () => _ = new ConvTranspose2d(3, 4, 3, _rng, groups: 2));
        Says("conv-transpose2d: stride (2, 2), padding (0, 0), output padding (2, 2)", () => Tensor.Ones([1, 1, 3, 3]).ConvTranspose2d(Tensor.Ones([1, 1, 3, 3]), null, (2, 2), default, (2, 2)));
        Says("conv-transpose2d: x [1,2,3,3] has 2 channels, weight [1,1,3,3] expects 1", () => Tensor.Ones([1, 2, 3, 3]).ConvTranspose2d(Tensor.Ones([1, 1, 3, 3])));
        Says("conv-transpose1d: x [1,1,1] and weight [1,1,1] make an output of 1 × -1; less padding", () => Tensor.Ones([1, 1, 1]).ConvTranspose1d(Tensor.Ones([1, 1, 1]), padding: 1));
        Says("group-norm: 3 groups do not divide 4 channels", () => _ = new GroupNorm(3, 4));
        Says("instance-norm: [4,6] is not [N, C, ..]", () => new InstanceNorm(6).Forward(Tensor.Ones([4, 6])));
        Says("instance-norm: [4,6,1]: a channel of a sample has fewer than two values", () => new InstanceNorm(6).Forward(Tensor.Ones([4, 6, 1])));
        Says("embedding-bag: indices [3]: without offsets", () => new EmbeddingBag(5, 2, _rng).Forward((int[])[1, 2, 3]));
        Says("embedding-bag: weights are for sums, not for BagMode.Mean", () => new EmbeddingBag(5, 2, _rng).Forward(Indices.Of([1, 2], [1, 2]), Tensor.Ones([1, 2])));
        Says("embedding-bag: indices [1,2] with weights [2]", () => new EmbeddingBag(5, 2, _rng, BagMode.Sum).Forward(Indices.Of([1, 2], [1, 2]), Tensor.Ones([2])));
        Says("embedding-bag: offset 1 at position 0: the first is 0", () => new EmbeddingBag(5, 2, _rng).Forward((int[])[1, 2, 3], (int[])[1, 2]));
        Says("mean-over-time: lengths: index 4 at position 1 is outside 0..3", () => Tensor.Ones([2, 3, 1]).MeanOverTime((int[])[3, 4]));
        Says("max-over-time: mask [2,2] for [2,3,1]: [2,3] is expected", () => Tensor.Ones([2, 3, 1]).MaxOverTime(Tensor.Ones([2, 2])));
        Says("prelu: weight [2] for [4,3]", () => new Prelu(2).Forward(Tensor.Ones([4, 3])));
        Says("upsample2d: size (0, 0)", () => new Upsample2d((0, 0)).Forward(Tensor.Ones([1, 1, 2, 2])));
        Says("bilinear: [4,3] and [4,3] must be [.., 3] and [.., 2]", () => new Bilinear(3, 2, 1, _rng).Forward(Tensor.Ones([4, 3]), Tensor.Ones([4, 3])));
        Says("residual: ", () => new Residual(new Dense(3, 2, _rng)).Forward(Tensor.Ones([4, 3])));
        Says("dot: [4,3] and [4,2]", () => Merge.Dot(Tensor.Ones([4, 3]), Tensor.Ones([4, 2])));
        Says("merge add: there is nothing to merge", () => Merge.Add());
        Says("dense: a tied weight must be [outputs, inputs], not [3]", () => Dense.Tied(new Parameter([3])));
        Says("dropout2d: probability 2 is not in [0, 1]", () => _ = new Dropout2d(2, _rng));

        static void Says(string message, Action act) => Assert.StartsWith(message, Assert.ThrowsAny<ArgumentException>(act).Message, StringComparison.Ordinal);
    }

    /// <summary>Sizes as PyTorch's nn.Upsample(scale_factor=s) gives them, though a float is not quite s.</summary>
    [Theory]
    [InlineData(0.7f, 10, 7)]
    [InlineData(1.4f, 5, 7)]
    [InlineData(2.3f, 10, 23)]
    [InlineData(0.1f, 30, 3)]
    [InlineData(1.1f, 10, 11)]
    [InlineData(0.75f, 3, 2)]
    public void AFactorCountsAsItIsWritten(float scale, int size, int expected)
    {
        Assert.Equal(expected, new Upsample2d(scale).Forward(Tensor.Ones([1, 1, size, size])).Shape[3]);
        Assert.Equal(expected, new Upsample1d(scale, ResizeMode.Linear).Forward(Tensor.Ones([1, 1, size])).Shape[2]);
    }

    private sealed class TwoParts(Embedding table, Dense head) : Module
    {
        private readonly Embedding _table = table;
        private readonly Dense _head = head;

        protected internal override void Parts(Parts p) => p.Of(_table).Of(_head);
    }
}
