using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>The same program on both devices: models moved, trained for a few steps, and compared.</summary>
public class DeviceTrainingTests
{
    private static readonly Dictionary<string, (Func<Rng, (Layer Model, Func<Tensor, Tensor> Forward)> Make, Shape Input)> s_models = new()
    {
        ["mlp"] = (r => Whole(new Dense(6, 16, r), new Relu(), new Dropout(0.2f, r), new LayerNorm(16), new Dense(16, 3, r)), [10, 6]),
        ["cnn"] = (r => Whole(new Conv2d(1, 4, 3, r, padding: 1, bias: false), new Relu(), new MaxPool2d(2), new BatchNorm(4), new Flatten(), new Dense(36, 3, r)), [4, 1, 6, 6]),
        ["lstm"] = (r => Whole(new Lstm(5, 6, r, layers: 2), new Lambda(x => x[.., ^1, ..]), new Dense(6, 3, r)), [3, 7, 5]),
        ["lstm over padded sequences"] = (r =>
        {
            var (lstm, head) = (new Lstm(5, 6, r, bidirectional: true), new Dense(12, 3, r));
            return (new Sequential(lstm, head), x => head.Forward(lstm.Run(x, lengths: Indices.Of(2, 4, 1)).Output.Sum(1)));
        }, [3, 4, 5]),
        ["gru"] = (r => Whole(new Gru(5, 6, r), new Lambda(x => x[.., ^1, ..]), new Dense(6, 3, r)), [3, 4, 5]),
        ["transformer"] = (r => Whole(new TransformerEncoderLayer(8, 2, r, hidden: 12), new Lambda(x => x.Mean(1)), new Dense(8, 3, r)), [3, 5, 8]),
    };

    public static TheoryData<string> Models => [.. s_models.Keys];

    [Theory, MemberData(nameof(Models))]
    public void TrainsAsOnTheProcessor(string name)
    {
        using var device = TestDevice.New();
        Check(name, device);
    }

    internal static void Check(string name, GpuDevice device)
    {
        var (losses0, weights0) = Train(name, CpuDevice.Instance);
        device.Strict = true;
        var (losses1, weights1) = Train(name, device);
        // five steps: rounding in another order grows a little from step to step
        for (int i = 0; i < losses0.Length; i++) { Assert.Equal(losses0[i], losses1[i], 2e-4f); }
        for (int i = 0; i < weights0.Length; i++) { Assert.Equal(weights0[i], weights1[i], 2e-3f); }
        Assert.Equal(0, device.Pool.LiveBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GradientsOfSeveralBatchesAddUpAsOnTheProcessor(bool sparse)
    {
        using var device = TestDevice.New();
        device.Strict = true;
        float[] want = Accumulate(CpuDevice.Instance, sparse), got = Accumulate(device, sparse);
        for (int i = 0; i < want.Length; i++) { Assert.Equal(want[i], got[i], 1e-4f); }
        Assert.Equal(0, device.Pool.LiveBytes);
    }

    [Fact]
    public void AnOperationOnTwoDevicesNamesBoth()
    {
        using var device = TestDevice.New();
        var message = Assert.Throws<InvalidOperationException>(() => Tensor.Ones([2]) + Tensor.Ones([2], device)).Message;
        Assert.Contains("cpu,", message, StringComparison.Ordinal);
        Assert.Contains(device.Name, message, StringComparison.Ordinal);
    }

    private static (float[] Losses, float[] Weights) Train(string name, Device device)
    {
        var rng = new Rng(3);
        var (make, shape) = s_models[name];
        var (model, forward) = make(rng);
        model.To(device);
        var x = Tensor.Normal(shape, new Rng(4)).To(device);
        Indices labels = Enumerable.Range(0, shape[0]).Select(i => i % 3).ToArray();
        // a key's bias has gradient 0 but for rounding, which Adam would make as large as any other
        Optimizer optimizer = name == "transformer" ? new Sgd(model.Parameters(), new() { LearningRate = 0.1 }) : new Adam(model.Parameters(), new() { LearningRate = 0.01 });
        float[] losses = new float[5];
        for (int i = 0; i < losses.Length; i++)
        {
            using var tape = new Tape();
            var loss = forward(x).CrossEntropy(labels);
            losses[i] = loss.Item();
            optimizer.Step(tape.Gradients(loss));
        }
        return (losses, [.. model.Parameters().SelectMany(p => p.Value.ToArray())]);
    }

    private static float[] Accumulate(Device device, bool sparse)
    {
        var rng = new Rng(3);
        var model = new Sequential(new Embedding(9, 4, rng, sparse: sparse), new Dense(4, 3, rng));
        model.To(device);
        var sgd = new Sgd(model.Parameters(), new() { LearningRate = 0.5 });
        var sum = new GradientSum();
        for (int step = 0; step < 2; step++)
        {
            foreach (int[] tokens in new int[][] { [1, 4, 4], [4, 7] })
            {
                using var tape = new Tape();
                sum.Add(tape.Gradients(model.Forward((Indices)tokens).CrossEntropy(Array.ConvertAll(tokens, t => t % 3))), tokens.Length);
            }
            sum.Step(sgd, g => Clip.ByNorm(g, 0.5f));
        }
        return [.. model.Parameters().SelectMany(p => p.Value.ToArray())];
    }

    private static (Layer Model, Func<Tensor, Tensor> Forward) Whole(params Layer[] layers)
    {
        var model = new Sequential(layers);
        return (model, model.Forward);
    }
}
