using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>The same seed gives the same bytes: for 1, 2 and 8 threads, twice, and whether batches are made beforehand or not.</summary>
[Collection("alone")]
public sealed class DeterminismTests : IDisposable
{
    private readonly int _threads = DeepEduOptions.MaxThreads;

    public void Dispose() => DeepEduOptions.MaxThreads = _threads;

    [Fact]
    public void WeightsAreByteEqualForAnyNumberOfThreadsAndWorkers()
    {
        var (expected, history) = Train(threads: 1, workers: 0);
        Assert.All(expected, w => Assert.True(float.IsFinite(w)));
        Assert.True(history["loss"][^1] < history["loss"][0]);
        foreach (var (threads, workers) in new[] { (1, 0), (1, 2), (2, 0), (2, 1), (8, 0), (8, 3) })
        {
            var (weights, again) = Train(threads, workers);
            Assert.True(expected.AsSpan().SequenceEqual(weights), $"weights differ with {threads} threads and {workers} workers");
            Assert.Equal(history["loss"], again["loss"]);
            Assert.Equal(history["val_loss"], again["val_loss"]);
        }
    }

    [Fact]
    public void AnotherSeedGivesOtherWeights() => Assert.NotEqual(Train(1, 0).Weights, Train(1, 0, seed: 2).Weights);

    // convolution, batch statistics, dropout, an LSTM and augmentation: wide enough that work is cut over threads
    private static (float[] Weights, History History) Train(int threads, int workers, ulong seed = 1)
    {
        DeepEduOptions.MaxThreads = threads;
        var rng = new Rng(seed);
        var images = Tensor.Normal([96, 1, 12, 12], new Rng(9));
        float[] pixels = images.ToArray();
        int[] labels = [.. Enumerable.Range(0, 96).Select(i => pixels[i * 144] > 0 ? 1 : 0)];
        var data = Dataset.Of(Enumerable.Range(0, 96).Select(i => (X: Tensor.Of([1, 12, 12], pixels.AsSpan(i * 144, 144)), Y: labels[i])).ToArray());
        var net = new Net(rng);
        var loader = DataLoader.Of(data, new Batches(80, 16, rng), samples => (Collate.Stack(samples, s => s.X), Collate.Labels(samples, s => s.Y)), workers,
            augment: (s, r) => (s.X + (0.1f * r.NextGaussian()), s.Y), random: rng);
        var validation = DataLoader.Of(data, new Batches([.. Enumerable.Range(80, 16)], 8), samples => (Collate.Stack(samples, s => s.X), Collate.Labels(samples, s => s.Y)), workers);
        var trainer = new Trainer<(Tensor X, Indices Y)>(net, new AdamW(net.Parameters()), b => net.Forward(b.X).CrossEntropy(b.Y), new() { ClipNorm = 1, Schedule = Schedule.Cosine(1e-2, 20) });
        var history = trainer.Fit(loader, 4, validation);
        return ([.. net.Parameters().SelectMany(p => p.Value.ToArray()), .. net.Buffers().SelectMany(b => b.Value.ToArray())], history);
    }

    private sealed class Net(Rng rng) : Module
    {
        private readonly Conv2d _conv = new(1, 8, 3, rng, padding: 1);
        private readonly BatchNorm _norm = new(8);
        private readonly Lstm _lstm = new(96, 24, rng);
        private readonly Dropout _dropout = new(0.2f, rng);
        private readonly Dense _out = new(24, 2, rng);

        public Tensor Forward(Tensor x)
        {
            var y = _norm.Forward(_conv.Forward(x)).Relu(); // [N, 8, 12, 12]
            y = y.Permute(0, 2, 1, 3).Reshape([x.Shape[0], 12, 96]);
            return _out.Forward(_dropout.Forward(_lstm.Run(y).Output.Mean(1)));
        }

        protected internal override void Parts(Parts p) => p.Of(_conv).Of(_norm).Of(_lstm).Of(_dropout).Of(_out);
    }
}
