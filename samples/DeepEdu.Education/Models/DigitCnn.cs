using DeepEdu.Autograd;
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
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Education.Models;

/// <summary>How the reader of digits learns.</summary>
internal sealed record DigitCnnOptions(int Epochs, int Batch, ulong Seed)
{
    public Device Device { get; init; } = CpuDevice.Instance;

    /// <summary>The highest rate of a one-cycle schedule.</summary>
    public double LearningRate { get; init; } = 3e-3;

    /// <summary>While learning, images are moved by up to so many pixels each way, drawn anew each time.</summary>
    public int Shift { get; init; }
}

/// <summary>Two convolutions with max pooling and two dense layers (after LeCun et al. 1998, with ReLU and dropout), trained on cross-entropy with Adam. A held-out
/// part of the training images chooses the epoch.</summary>
internal sealed class DigitCnn
{
    private const int PredictBatch = 500;
    private readonly DigitCnnOptions _options;
    private readonly Sequential _net;
    private readonly Batches _order;
    private readonly Rng _shifts;
    private readonly ImageSet _train, _validation;
    private readonly List<double> _trainLoss = [], _validationLoss = [], _trainAccuracy = [], _validationAccuracy = [];

    public DigitCnn(ImageSet train, ImageSet validation, DigitCnnOptions options)
    {
        (_train, _validation, _options) = (train, validation, options);
        Rng rng = new(options.Seed);
        int features = 32 * (train.Height / 4) * (train.Width / 4);
        _net = new Sequential(
            new Conv2d(1, 16, 3, rng, padding: 1, init: Init.KaimingNormal()), new Relu(), new MaxPool2d(2),
            new Conv2d(16, 32, 3, rng, padding: 1, init: Init.KaimingNormal()), new Relu(), new MaxPool2d(2),
            new Flatten(),
            new Dense(features, 128, rng, init: Init.KaimingNormal()), new Relu(), new Dropout(0.5f, rng),
            new Dense(128, train.Classes, rng));
        _net.To(options.Device);
        _order = new Batches(train.Count, options.Batch, rng);
        _shifts = rng.Fork();
    }

    public int EpochsRun => _trainLoss.Count;

    /// <summary>The epoch that was kept, from 0.</summary>
    public int BestEpoch { get; private set; }

    public long ParameterCount => _net.ParameterCount;

    public Chart[] Charts =>
    [
        new("cross-entropy", "epoch", [new("training", [.. _trainLoss]), new("validation", [.. _validationLoss])]),
        new("accuracy", "epoch", [new("training", [.. _trainAccuracy]), new("validation", [.. _validationAccuracy])]),
    ];

    public void Fit(IProgress progress, CancellationToken stop)
    {
        Adam adam = new(_net.Parameters());
        var schedule = Schedule.OneCycle(_options.LearningRate, Math.Max(2, _options.Epochs * _order.Count));
        BestEpoch best = new(_net);
        for (int epoch = 0; epoch < _options.Epochs && !stop.IsCancellationRequested; epoch++)
        {
            var (loss, accuracy) = Epoch(epoch, adam, schedule, progress, stop);
            var (validationLoss, validationAccuracy) = Validate();
            _trainLoss.Add(loss);
            _trainAccuracy.Add(accuracy);
            _validationLoss.Add(validationLoss);
            _validationAccuracy.Add(validationAccuracy);
            best.Offer(epoch, validationAccuracy);
            progress.Line($"epoch {epoch + 1,2}/{_options.Epochs}  loss {loss:F4}  valid loss {validationLoss:F4}  accuracy {validationAccuracy:F4} (best {best.Score:F4} @{best.Epoch + 1})");
        }
        best.Restore();
        BestEpoch = best.Epoch;
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

    /// <summary>Loss and accuracy while learning, dropout and all; both lag behind the model at the epoch's end.</summary>
    private (double Loss, double Accuracy) Epoch(int epoch, Adam adam, Schedule schedule, IProgress progress, CancellationToken stop)
    {
        double loss = 0, right = 0;
        int step = 0, seen = 0;
        foreach (int[] rows in _order.Epoch(epoch))
        {
            if (stop.IsCancellationRequested) { break; }
            using Tape tape = new();
            var x = Tensor.Empty([rows.Length, 1, _train.Height, _train.Width]);
            int[] labels = new int[rows.Length];
            for (int i = 0; i < rows.Length; i++)
            {
                CopyMoved(_train[rows[i]], x.AsSpan().Slice(i * _train.Size, _train.Size), _shifts.Next(-_options.Shift, _options.Shift + 1), _shifts.Next(-_options.Shift, _options.Shift + 1));
                labels[i] = _train.Labels[rows[i]];
            }
            var logits = _net.Forward(x.To(_options.Device));
            var cost = logits.CrossEntropy(labels);
            adam.LearningRate = schedule.At((epoch * _order.Count) + step++);
            adam.Step(tape.Gradients(cost));
            loss += cost.Item() * rows.Length;
            right += Right(logits.To(CpuDevice.Instance).AsSpan(), labels, _train.Classes);
            seen += rows.Length;
            progress.Step($"epoch {epoch + 1}/{_options.Epochs}", step, _order.Count);
        }
        return (loss / Math.Max(1, seen), right / Math.Max(1, seen));
    }

    /// <summary>Copies an image <paramref name="down"/> and <paramref name="right"/> of where it was, over zeros.</summary>
    private void CopyMoved(ReadOnlySpan<float> image, Span<float> to, int down, int right)
    {
        int h = _train.Height, w = _train.Width;
        to.Clear();
        for (int y = Math.Max(0, down); y < Math.Min(h, h + down); y++)
        {
            image.Slice(((y - down) * w) + Math.Max(0, -right), w - Math.Abs(right)).CopyTo(to[((y * w) + Math.Max(0, right))..]);
        }
    }

    private (double Loss, double Accuracy) Validate()
    {
        float[] probabilities = Predict(_validation);
        LogLoss loss = new();
        for (int i = 0; i < _validation.Count; i++) { loss.Add(probabilities.AsSpan(i * _validation.Classes, _validation.Classes), _validation.Labels[i]); }
        return (loss.Value, Right(probabilities, _validation.Labels, _validation.Classes) / (double)_validation.Count);
    }

    private static int Right(ReadOnlySpan<float> scores, ReadOnlySpan<int> labels, int classes)
    {
        int right = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            if (TensorPrimitives.IndexOfMax(scores.Slice(i * classes, classes)) == labels[i]) { right++; }
        }
        return right;
    }
}
