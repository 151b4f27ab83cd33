using DeepEdu.Devices;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Ui;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>The models of the education program, each trained for an epoch on a handful of made-up examples, on the processor and on a device: the same program, the same losses.</summary>
public class DeviceEducationTests
{
    // an epoch of a few steps, in which rounding in another order grows a little
    private const double Tolerance = 1e-3;

    [Fact]
    public void TheRecommenderLearnsTheSame() => Same(device =>
    {
        Interactions data = new("made up", 4, 9, [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, 7, 8]], [3, 5, 7, 0], [[4, 5], [6, 7], [0, 1], [2, 3]]);
        NeuralRecommender model = new(new(4, 1, 16, 1) { Device = device });
        model.Fit(data, new Quiet(), default);
        float[] scores = new float[3];
        model.Score(1, [0, 4, 8], scores);
        return [.. model.Charts[0].Curves[0].Values, .. scores];
    });

    [Fact]
    public void TheReaderOfDigitsLearnsTheSame() => Same(device =>
    {
        float[] pixels = new float[12 * 64];
        new Rng(2).FillUniform(pixels, 0, 1);
        ImageSet images = new(8, 8, pixels, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2], 3);
        DigitCnn model = new(images.Take([0, 1, 2, 3, 4, 5, 6, 7]), images.Take([8, 9, 10, 11]), new(1, 4, 1) { Device = device, Shift = 1 });
        model.Fit(new Quiet(), default);
        return [.. model.Charts[0].Curves[0].Values, .. model.Network.Predict(images)];
    });

    [Fact]
    public void TheGraderOfEssaysLearnsTheSame() => Same(device =>
    {
        EncodedEssays essays = new([[1, 2, 3], [4, 5], [2, 2, 6, 1], [3], [5, 1, 4], [6, 6]], [0.2f, 0.8f, 0.5f, 0.1f, 0.6f, 0.9f], 0, 10);
        EssayTrainer model = new(essays, 7, [0, 1, 2, 3], [4, 5], new(1, 2, 1) { Device = device });
        model.Fit("fold", new Quiet(), default);
        return [.. model.Learned["loss"], .. model.Network.Predict([essays.Tokens[0], essays.Tokens[4]])];
    });

    [Fact]
    public void SeveralTasksAreLearnedTheSame() => Same(device =>
    {
        float[] x = new float[20], values = new float[10];
        new Rng(3).FillNormal(x);
        new Rng(4).FillNormal(values);
        Head[] heads = [new("value", HeadKind.Value, values), new("pass", HeadKind.YesNo, [1, 0, 1, 0, 1, 0, 1, 0, 1, 0]), new("kind", HeadKind.Class, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]) { Outputs = 3 }];
        TrainPlan plan = new((inputs, r) => MultiTaskNet.DenseTrunk(inputs, 0.1f, r), 16) { Epochs = 1, Batch = 4 };
        MultiTaskModel model = new(Tensor.Of([10, 2], x, device), heads, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], plan, new(5));
        Assert.True(model.Fit(default));
        return [.. model.Training.SelectMany(t => t), .. model.Predict([0, 9]).SelectMany(p => p).Select(p => (double)p)];
    });

    private static void Same(Func<Device, double[]> train)
    {
        double[] want = train(CpuDevice.Instance);
        using var device = TestDevice.New();
        device.Strict = true;
        double[] got = train(device);
        Assert.Equal(want.Length, got.Length);
        for (int i = 0; i < want.Length; i++) { Assert.Equal(want[i], got[i], Tolerance); }
    }

    private sealed class Quiet : IProgress
    {
        public void Step(string phase, int step, int steps) { }

        public void Line(string text) { }
    }
}
