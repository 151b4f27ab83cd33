using DeepEdu.Collectives;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Optim;
using DeepEdu.Privacy;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>What happens when a loss is NaN or infinite.</summary>
public enum NonFinite
{
    /// <summary>A <see cref="NonFiniteException"/> that names the operation, the layer, the step and the sample; the weights are as before the step.</summary>
    Throw,

    /// <summary>Training ends, with the same text as <see cref="History.StopReason"/>; the weights are as before the step.</summary>
    Stop,

    /// <summary>Nothing: the step is taken.</summary>
    Ignore,
}

/// <summary>A metric whose value each epoch shows. The loss function adds examples to it; the trainer resets it before training and before validation.</summary>
/// <param name="Name">Its name; on validation data "val_" comes before it.</param>
/// <param name="Metric">What is reset and saved.</param>
/// <param name="Value">The number that is shown; null: the metric's own.</param>
public sealed record TrackedMetric(string Name, IMetric Metric, Func<double>? Value = null)
{
    internal double Now => Value is null ? Metric.Value : Value();
}

/// <summary>Settings of a <see cref="Trainer{B}"/>.</summary>
public sealed record TrainerOptions
{
    /// <summary>The learning rate of each step, counted over all epochs; the optimiser's own if null.</summary>
    public Schedule? Schedule { get; init; }

    /// <summary>The longest joint gradient; see <see cref="Clip.ByNorm"/>. No limit if null.</summary>
    public float? ClipNorm { get; init; }

    /// <summary>The largest value of a gradient; see <see cref="Clip.ByValue"/>. No limit if null.</summary>
    public float? ClipValue { get; init; }

    /// <summary>Makes every step private: the loss is asked for one row at a time, and steps go along the cut and noised sum of their gradients. The trainer must be one of row numbers
    /// (<see cref="Trainer"/>), and fit the batches that this was made with. An epoch's numbers tell "epsilon" too; all others of training and validation data are as they are, not private. A checkpoint
    /// holds the key of the noise. Limits of gradients apply after the noise.</summary>
    public PrivateGradients? Privacy { get; init; }

    /// <summary>How many batches make one step: their gradients are averaged by weight, as if they were one batch. The last step of an epoch may have fewer.</summary>
    public int AccumulateBatches { get; init; } = 1;

    /// <summary>Into how many parts each batch is cut: the loss is asked for one part at a time, each with random numbers of its own, and steps go along the average by weight. With the same parts, one process and
    /// several give the same bits; memory is that of one part. Batch normalisation sees one part at a time. See docs/distributed.md.</summary>
    public int BatchParts { get; init; } = 1;

    /// <summary>The processes that train together, each with some of the <see cref="BatchParts"/>: make model, optimiser, data and options alike in each. All begin where rank 0 stands. Null: this process by itself.</summary>
    public ICollective? Collective { get; init; }

    /// <summary>Metrics that the loss function adds to. With <see cref="BatchParts"/> they hold one part while it runs; callbacks find all that was seen in <see cref="TrainingRun.Now"/>.</summary>
    public IReadOnlyList<TrackedMetric> Metrics { get; init; } = [];

    /// <summary>Told what happens, in this order.</summary>
    public IReadOnlyList<Callback> Callbacks { get; init; } = [];

    /// <summary>Where progress is reported, such as a <see cref="ProgressBar"/>; nowhere if null. Of several processes rank 0 reports.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Further numbers of each epoch, computed after validation: the ranking of held-out items, the error of generated text. Callbacks follow them by name. Of several processes rank 0 computes them.
    /// <code>EpochNumbers = run => [("hr@10", Rank(heldOut))], Callbacks = [new EarlyStopping { Monitor = "hr@10", HigherIsBetter = true }]</code></summary>
    public Func<TrainingRun, IEnumerable<(string Name, double Value)>>? EpochNumbers { get; init; }

    /// <summary>A running mean of the model's weights, updated after every <see cref="AverageEvery"/> steps and saved with the training. It stands in the weights' place while an epoch is
    /// validated and callbacks look at it, so that <see cref="EarlyStopping"/> keeps the best mean; use <see cref="WeightAverage.Apply"/> after training that ends otherwise.
    /// <see cref="Checkpoints.LoadModel"/> gives the means too. Keras' <c>use_ema</c>.</summary>
    public WeightAverage? Average { get; init; }

    /// <summary>Steps between two updates of <see cref="Average"/>.</summary>
    public int AverageEvery { get; init; } = 1;

    /// <summary>What happens when a loss is NaN or infinite.</summary>
    public NonFinite NonFinite { get; init; } = NonFinite.Throw;

    /// <summary>Looks at every gradient before each step, so that NaN is found where it arises and not in the next loss; costs a pass over the gradients.</summary>
    public bool CheckGradients { get; init; }

    /// <summary>Other things that change while training and belong into a checkpoint: a running mean of the weights, say.</summary>
    public IReadOnlyList<(string Name, IStateful Value)> Parts { get; init; } = [];

    /// <summary>Random numbers that the loss function draws, whose position belongs into a checkpoint.</summary>
    public IReadOnlyList<(string Name, Rng Value)> Streams { get; init; } = [];
}
