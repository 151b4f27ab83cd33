using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;
using DeepEdu.Memory;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Education.Models;

/// <summary>How the reader of digits learns.</summary>
internal sealed record DigitCnnOptions(int Epochs, int Batch, ulong Seed)
{
    public Device Device { get; init; } = CpuDevice.Instance;

    /// <summary>The highest rate of a one-cycle schedule.</summary>
    public double LearningRate { get; init; } = 3e-3;

    /// <summary>While learning, images are moved by up to so many pixels each way, fractions included, drawn anew each time.</summary>
    public int Shift { get; init; }
}

/// <summary>Two convolutions with max pooling and two dense layers (after LeCun et al. 1998, with ReLU and dropout), trained on cross-entropy with Adam. A held-out
/// part of the training images chooses the epoch.</summary>
internal sealed class DigitCnn
{
    private const int PredictBatch = 500;
    private readonly DigitCnnOptions _options;
    private readonly Sequential _net;
    private readonly Rng _rng;
    private readonly ImageSet _train, _validation;
    private History _history = new();

    public DigitCnn(ImageSet train, ImageSet validation, DigitCnnOptions options)
    {
        (_train, _validation, _options, _rng) = (train, validation, options, new(options.Seed));
        int features = 32 * (train.Height / 4) * (train.Width / 4);
        _net = new Sequential(
            new Conv2d(1, 16, 3, _rng, padding: 1, init: Init.KaimingNormal()), new Relu(), new MaxPool2d(2),
            new Conv2d(16, 32, 3, _rng, padding: 1, init: Init.KaimingNormal()), new Relu(), new MaxPool2d(2),
            new Flatten(),
            new Dense(features, 128, _rng, init: Init.KaimingNormal()), new Relu(), new Dropout(0.5f, _rng),
            new Dense(128, train.Classes, _rng));
        _net.To(options.Device);
    }

    public int EpochsRun => _history.Epochs.Count;

    /// <summary>The epoch that was kept, from 0.</summary>
    public int BestEpoch { get; private set; }

    public long ParameterCount => _net.ParameterCount;

    public Chart[] Charts =>
    [
        new("cross-entropy", [new("training", _history["loss"]), new("validation", _history["val_loss"])]),
        new("accuracy", [new("training", _history["accuracy"]), new("validation", _history["val_accuracy"])]),
    ];

    public void Fit(IProgress progress, CancellationToken stop)
    {
        Batches batches = new(_train.Count, _options.Batch, _rng);
        Augmentation? moved = _options.Shift > 0 ? new() { Shift = _options.Shift } : null;
        var training = DataLoader.Of(Of(_train), batches, Stacked, augment: moved is null ? null : (e, rng) => (moved.Apply(e.Image, rng), e.Label), random: _rng);
        var validation = DataLoader.Of(Of(_validation), new Batches(_validation.Count, PredictBatch), Stacked);
        Accuracy accuracy = new();
        EarlyStopping best = new() { Monitor = "val_accuracy", HigherIsBetter = true, Patience = _options.Epochs }; // never stops; the best epoch is kept
        EpochLines lines = new(progress, "", "loss", "val_loss", "val_accuracy");
        var trainer = Trainer.For(training, _net, new Adam(_net.Parameters()), batch =>
        {
            var logits = _net.Forward(batch.Images.To(_options.Device));
            accuracy.Add(logits, batch.Labels);
            return logits.CrossEntropy(batch.Labels);
        }, new()
        {
            Schedule = Schedule.OneCycle(_options.LearningRate, Math.Max(2, _options.Epochs * batches.Count)),
            Metrics = [new("accuracy", accuracy)],
            Callbacks = [best, lines],
            Progress = lines,
        });
        _history = trainer.Fit(training, _options.Epochs, validation, stop);
        BestEpoch = best.BestEpoch;
    }

    /// <summary>Class probabilities, an image after another.</summary>
    public float[] Predict(ImageSet images)
    {
        float[] all = new float[images.Count * images.Classes];
        for (int from = 0; from < images.Count; from += PredictBatch)
        {
            int n = Math.Min(PredictBatch, images.Count - from);
            using Arena arena = new();
            var x = Tensor.Of([n, 1, images.Height, images.Width], images.Pixels.AsSpan(from * images.Size, n * images.Size), _options.Device);
            _net.Forward(x).Softmax().To(CpuDevice.Instance).AsSpan().CopyTo(all.AsSpan(from * images.Classes));
        }
        TensorPrimitives.Min(all, 1f, all); // rounding may leave a bit more
        return all;
    }

    private static IDataset<(Tensor Image, int Label)> Of(ImageSet images)
        => Dataset.Of(images.Count, i => (Image: Tensor.Of([1, images.Height, images.Width], images[i]), Label: images.Labels[i]));

    private static (Tensor Images, Indices Labels) Stacked(IReadOnlyList<(Tensor Image, int Label)> examples)
        => (Collate.Stack(examples, e => e.Image), Collate.Labels(examples, e => e.Label));
}
