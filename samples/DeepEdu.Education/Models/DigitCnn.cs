using DeepEdu.Data;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Education.Models;

/// <summary>How the reader of digits learns.</summary>
internal sealed record DigitCnnOptions(int Epochs, int Batch, ulong Seed) : LearningOptions(Epochs, Batch, Seed, Rate)
{
    /// <summary>The highest rate, unless another is given.</summary>
    public const double Rate = 3e-3;

    /// <summary>While learning, images are moved by up to so many pixels each way, fractions included, drawn anew each time.</summary>
    public int Shift { get; init; }

    public float Dropout { get; init; } = DigitNet.Drop;
}

/// <summary>Trains the reader of digits on cross-entropy with Adam. A held-out part of the training images chooses the epoch.</summary>
internal sealed class DigitCnn
{
    private const int ValidationBatch = 500;
    private readonly DigitCnnOptions _options;
    private readonly Rng _rng;
    private readonly ImageSet _train, _validation;

    public DigitCnn(ImageSet train, ImageSet validation, DigitCnnOptions options)
    {
        (_train, _validation, _options, _rng) = (train, validation, options, new(options.Seed));
        Network = new(train.Height, train.Width, train.Classes, _rng, options.Dropout);
        Network.To(options.Device);
    }

    public DigitNet Network { get; }

    public Learned Learned { get; private set; } = Learned.Nothing;

    public Chart[] Charts =>
    [
        new("cross-entropy", [new("training", Learned["loss"]), new("validation", Learned["val_loss"])]),
        new("accuracy", [new("training", Learned["accuracy"]), new("validation", Learned["val_accuracy"])]),
    ];

    public void Fit(IProgress progress, CancellationToken stop)
    {
        Batches batches = new(_train.Count, _options.Batch, _rng);
        Augmentation? moved = _options.Shift > 0 ? new() { Shift = _options.Shift } : null;
        var training = DataLoader.Of(Of(_train), batches, Stacked, augment: moved is null ? null : (e, rng) => (moved.Apply(e.Image, rng), e.Label), random: _rng);
        var validation = DataLoader.Of(Of(_validation), new Batches(_validation.Count, ValidationBatch), Stacked);
        Accuracy accuracy = new();
        Learning learning = new(_options, "val_accuracy") { HigherIsBetter = true, Shown = ["loss", "val_loss", "val_accuracy"] };
        Learned = learning.Fit(Network, new Adam(Network.Parameters()), batch =>
        {
            var logits = Network.Forward(batch.Images.To(_options.Device));
            accuracy.Add(logits, batch.Labels);
            return logits.CrossEntropy(batch.Labels);
        }, new()
        {
            Schedule = Schedule.OneCycle(_options.LearningRate, Math.Max(2, _options.Epochs * batches.Count)),
            Metrics = [new("accuracy", accuracy)],
        }, training, validation, progress, stop);
    }

    private static IDataset<(Tensor Image, int Label)> Of(ImageSet images)
        => Dataset.Of(images.Count, i => (Image: Tensor.Of([1, images.Height, images.Width], images[i]), Label: images.Labels[i]));

    private static (Tensor Images, Indices Labels) Stacked(IReadOnlyList<(Tensor Image, int Label)> examples)
        => (Collate.Stack(examples, e => e.Image), Collate.Labels(examples, e => e.Label));
}
