using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>The training step of every workload of the benchmark, smaller: the host waits for nothing but the loss that it reads, and nothing runs on the processor.</summary>
public class DeviceStepTests
{
    private static readonly Dictionary<string, Func<GpuDevice, Rng, Step>> s_steps = new()
    {
        ["ncf"] = (d, r) => Ncf(d, r, sparse: false),
        ["ncf sparse"] = (d, r) => Ncf(d, r, sparse: true),
        ["essay"] = (d, r) =>
        {
            Layer[] model = On(d, new Embedding(9, 5, r), new Lstm(5, 6, r), new Dense(6, 1, r));
            var scores = Tensor.Uniform([3], r).To(d);
            return new(new RmsProp(All(model), new() { LearningRate = 1e-3f }), () => Losses.Mse(model[2].Forward(model[1].Forward(model[0].Forward(Ints(9, 3, 4))).Mean(1)).Sigmoid().Squeeze(1), scores));
        },
        ["essays of different lengths"] = (d, r) =>
        {
            var (words, lstm) = (new Embedding(9, 5, r, padding: 0), new Lstm(5, 6, r, bidirectional: true));
            var model = On(d, words, lstm, new Dense(12, 1, r));
            return new(new Adam(All(model), new()), () => model[2].Forward(lstm.Run(words.Forward(Ints(9, 3, 4)), lengths: Indices.Of(2, 4, 1)).Output.Mean(1)).Square().Mean()) { ClipNorm = 1 };
        },
        ["lstm whose groups wait"] = (d, r) =>
        {
            Layer[] model = On(d, new Embedding(9, 5, r), new Lstm(5, 24, r), new Dense(24, 2, r));
            return new(new Adam(All(model), new()), () => model[2].Forward(model[1].Forward(model[0].Forward(Ints(9, 3, 4)))[.., ^1]).CrossEntropy(Ints(2, 3)));
        },
        ["stacked lstm"] = (d, r) =>
        {
            var model = On(d, new Lstm(3, 4, r), new Lstm(4, 4, r), new Dense(4, 3, r));
            var x = Tensor.Normal([4, 3, 3], r).To(d);
            return new(new Adam(All(model), new()), () => model[2].Forward(model[1].Forward(model[0].Forward(x))[.., ^1]).CrossEntropy(Ints(3, 4)));
        },
        ["cnn"] = (d, r) =>
        {
            var model = On(d, new Sequential([.. Trunk(r), new Dense(8, 3, r)]));
            var x = Tensor.Uniform([2, 1, 10, 10], r).To(d);
            return new(new Adam(All(model), new()), () => model[0].Forward(x).CrossEntropy(Ints(3, 2)));
        },
        ["cnn with batch norm, weighted classes"] = (d, r) =>
        {
            var model = On(d, new Conv2d(1, 2, 3, r), new BatchNorm(2), new Flatten(), new Dense(32, 3, r));
            var (x, weights) = (Tensor.Uniform([2, 1, 6, 6], r).To(d), Tensor.Of([3], [1, 2, 3], d));
            return new(new Adam(All(model), new()), () => model[3].Forward(model[2].Forward(model[1].Forward(model[0].Forward(x)))).CrossEntropy(Ints(3, 2), weights));
        },
        ["multitask"] = (d, r) =>
        {
            var model = On(d, new Sequential(Trunk(r)), new Dense(8, 3, r), new Dense(8, 1, r));
            var (x, value) = (Tensor.Uniform([2, 1, 10, 10], r).To(d), Tensor.Uniform([2], r).To(d));
            return new(new Adam(All(model), new()), () =>
            {
                var h = model[0].Forward(x);
                return Losses.NegativeLogLikelihood(model[1].Forward(h).LogSoftmax(), Ints(3, 2), Tensor.Ones([3], d)) + (0.25f * Losses.Mse(model[2].Forward(h).Squeeze(1), value));
            });
        },
        ["dkt"] = (d, r) =>
        {
            var model = On(d, new Lstm(8, 5, r), new Dense(5, 4, r));
            var (correct, mask) = (Tensor.Ones([2, 3]).To(d), Tensor.Of([2, 3], [1, 1, 1, 1, 0, 0], d));
            return new(new Adam(All(model), new()), () =>
            {
                var z = model[1].Forward(model[0].Forward(Ints(8, 2, 3))).Gather(2, Ints(4, 2, 3, 1)).Squeeze(2);
                return (z.BinaryCrossEntropyWithLogits(correct, reduction: Reduction.None) * mask).Sum() / mask.Sum();
            });
        },
        ["charlm"] = (d, r) =>
        {
            var model = On(d, new Sequential(new Embedding(5, 4, r), new Lstm(4, 6, r, layers: 2), new Dense(6, 5, r)));
            return new(new Adam(All(model), new()), () => model[0].Forward(Ints(5, 4, 3)).Reshape([12, 5]).CrossEntropy(Ints(5, 12))) { ClipNorm = 0.01f };
        },
        ["mlp"] = (d, r) =>
        {
            var model = On(d, new Sequential(new Dense(6, 5, r), new Relu(), new Dense(5, 3, r)));
            var x = Tensor.Uniform([4, 6], r).To(d);
            return new(new Sgd(All(model), new() { LearningRate = 0.05f, Momentum = 0.9f }), () => model[0].Forward(x).CrossEntropy(Ints(3, 4)));
        },
        ["attention"] = (d, r) =>
        {
            var (words, places, blocks, head) = (new Embedding(5, 8, r), new LearnedPositions(4, 8, r, Init.Normal()),
                new TransformerEncoder(() => new(8, 2, r, 12, dropout: 0.1f, new Gelu(), normFirst: true), 1, new LayerNorm(8)), new Dense(8, 5, r));
            foreach (Module m in (Module[])[words, places, blocks, head]) { m.To(d); }
            return new(new AdamW([.. words.Parameters(), .. places.Parameters(), .. blocks.Parameters(), .. head.Parameters()], new()),
                () => head.Forward(blocks.Forward(places.Forward(words.Forward(Ints(5, 2, 4))), AttentionMask.Past)).Reshape([8, 5]).CrossEntropy(Ints(5, 8)));
        },
    };

    public static TheoryData<string> Workloads => [.. s_steps.Keys];

    /// <summary>A workload's training step, which returns its loss.</summary>
    internal static Func<float> Of(string workload, GpuDevice device)
    {
        var step = s_steps[workload](device, new Rng(1));
        return () =>
        {
            using var tape = new Tape();
            var loss = step.Loss();
            var gradients = tape.Gradients(loss);
            if (step.ClipNorm > 0) { Clip.ByNorm(gradients, step.ClipNorm); }
            step.Optimizer.Step(gradients);
            return loss.Item();
        };
    }

    [Theory, MemberData(nameof(Workloads))]
    public void WaitsForTheLossAlone(string workload)
    {
        using var device = TestDevice.New();
        device.Strict = true;
        var step = s_steps[workload](device, new Rng(1));
        for (int i = 0; i < 2; i++)
        {
            long before = device.HostWaits;
            using var tape = new Tape();
            var loss = step.Loss();
            var gradients = tape.Gradients(loss);
            if (step.ClipNorm > 0) { Clip.ByNorm(gradients, step.ClipNorm); }
            step.Optimizer.Step(gradients);
            Assert.Equal(before, device.HostWaits);
            Assert.True(float.IsFinite(loss.Item()));
            Assert.Equal(before + 1, device.HostWaits);
        }
    }

    /// <summary>The joint length is found, and gradients are scaled, without reading it: as on the processor.</summary>
    [Theory, InlineData(0.5f), InlineData(1e6f)]
    public void GradientsAreClippedAsOnTheProcessor(float limit)
    {
        using var device = TestDevice.New();
        var (want, got) = (Clipped(Devices.CpuDevice.Instance), Clipped(device));
        for (int i = 0; i < want.Length; i++) { Assert.Equal(want[i], got[i], 1e-6f * MathF.Max(1, MathF.Abs(want[i]))); }

        float[] Clipped(Devices.Device on)
        {
            using var tape = new Tape();
            Tensor a = tape.Watch(Tensor.Of([3], [1, -2, 3], on)), b = tape.Watch(Tensor.Of([2, 2], [4, 0, -1, 2], on));
            var g = tape.Gradients(((a * a).Sum() * b.Sum()) + (b * b).Sum());
            float norm = Clip.ByNorm(g, limit).Item();
            return [norm, .. g[a].ToArray(), .. g[b].ToArray()];
        }
    }

    [Fact]
    public void GradientsThatAreNotFiniteStayAsTheyAre()
    {
        using var device = TestDevice.New();
        using var tape = new Tape();
        Tensor a = tape.Watch(Tensor.Of([2], [float.PositiveInfinity, 3], device)), b = tape.Watch(Tensor.Of([1], [2f], device));
        var g = tape.Gradients((a * a).Sum() + b.Sum());
        Assert.False(float.IsFinite(Clip.ByNorm(g, 1).Item()));
        Assert.Equal([float.PositiveInfinity, 6], g[a].ToArray());
        Assert.Equal([1f], g[b].ToArray());
    }

    private static Step Ncf(GpuDevice d, Rng r, bool sparse)
    {
        Embedding users = new(7, 4, r, sparse: sparse), items = new(6, 4, r, sparse: sparse);
        var tower = new Sequential(new Dense(8, 4, r), new Relu(), new Dense(4, 1, r));
        foreach (Module m in (Module[])[users, items, tower]) { m.To(d); }
        var labels = Tensor.Of([4], [1, 0, 0, 1], d);
        return new(new Adam([.. users.Parameters(), .. items.Parameters(), .. tower.Parameters()], new()),
            () => tower.Forward(Tensor.Concat([users.Forward(Ints(7, 4)), items.Forward(Ints(6, 4))], 1)).Squeeze(1).BinaryCrossEntropyWithLogits(labels));
    }

    private static Layer[] Trunk(Rng r) => [new Conv2d(1, 2, 3, r), new Relu(), new MaxPool2d(2), new Conv2d(2, 3, 3, r), new Relu(), new MaxPool2d(2), new Flatten(), new Dense(3, 8, r), new Relu()];

    private static Layer[] On(GpuDevice device, params Layer[] model)
    {
        foreach (var layer in model) { layer.To(device); }
        return model;
    }

    private static (string, Parameter)[] All(Layer[] model) => [.. model.SelectMany((m, i) => m.Parameters().Select(p => ($"{i}.{p.Name}", p.Value)))];

    // some numbers below a limit
    private static Indices Ints(int below, params int[] sizes)
    {
        Shape shape = [.. sizes];
        return Indices.Of(shape, [.. Enumerable.Range(0, shape.Size).Select(i => i * 7 % below)]);
    }

    private sealed record Step(Optimizer Optimizer, Func<Tensor> Loss)
    {
        public float ClipNorm { get; init; }
    }
}
