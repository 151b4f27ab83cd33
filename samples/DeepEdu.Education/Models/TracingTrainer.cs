using DeepEdu.Data;
using DeepEdu.Education.Data;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Privacy;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Education.Models;

/// <summary>How a tracing network learns.</summary>
/// <param name="Kind">Of the network.</param>
/// <param name="Width">Of the network.</param>
/// <inheritdoc cref="LearningOptions"/>
internal sealed record TracingOptions(TracingKind Kind, int Epochs, int Batch, int Width, ulong Seed) : LearningOptions(Epochs, Batch, Seed, Kind.LearningRate)
{
    /// <summary>How many times the rate of its kind a private training has, whose steps are few.</summary>
    public const int PrivateRate = 16;

    public DktPlus Plus { get; init; } = DktPlus.None;

    /// <summary>The share of values left out while learning; the kind's own if null.</summary>
    public float? Dropout { get; init; }

    /// <summary>The longest joint gradient.</summary>
    public float ClipNorm { get; init; } = 5;

    /// <summary>Epochs without a better validation AUC after which training stops.</summary>
    public int Patience { get; init; } = 5;
}

/// <summary>Trains a tracing network on the log loss of each next answer with Adam; the epoch with the best AUC on the validation learners is kept. Privately, a learner with all its sequences is one sample.</summary>
internal sealed class TracingTrainer
{
    private const int Longest = 200; // answers of a piece, as in the protocol of DKVMN
    private const int ValidationBatch = 64;
    private readonly TracedLearner[][] _train; // the pieces of one sequence are apart, all of a learner's sequences together where it is private
    private readonly TracedLearner[] _validation;
    private readonly TracingOptions _options;
    private readonly Rng _order;

    public TracingTrainer(TracingSet set, Split fold, TracingOptions options)
    {
        _options = options;
        (Network, _order) = options.Start(rng => options.Kind.Make(set.Skills.Length, options.Width, options.Plus, options.Dropout, rng));
        int piece = Math.Min(Longest, Network.Window ?? Longest);
        _train = options.Privacy is { } p ? [.. p.Learners.Select(rows => rows.SelectMany(l => Pieces(set.Learners[l], Network.Window ?? int.MaxValue - 1)).ToArray())]
            : [.. fold.Train.SelectMany(l => Pieces(set.Learners[l], piece)).Select(part => (TracedLearner[])[part])];
        _validation = [.. fold.Validation.SelectMany(l => Pieces(set.Learners[l], piece)).OrderBy(p => p.Count)];
        Privacy = options.Privacy?.For(Network, options.Batch, options.Epochs);
    }

    public TracingNet Network { get; }

    /// <summary>Null if it is not private.</summary>
    public PrivateGradients? Privacy { get; }

    public Learned Learned { get; private set; } = Learned.Nothing;

    public void Fit(string phase, IProgress progress, CancellationToken stop)
    {
        RocAuc auc = new();
        TracedLearner[][] all = [.. _train, .. _validation.Select(v => (TracedLearner[])[v])];
        int[] lengths = Array.ConvertAll(all, p => p.Max(s => s.Count));
        IBatches training = Privacy?.Batches ?? (IBatches)new LengthBuckets(Enumerable.Range(0, _train.Length).ToArray(), lengths, _options.Batch, _order, pool: 16);
        Batches validation = new([.. Enumerable.Range(_train.Length, _validation.Length)], ValidationBatch);
        Learning learning = new(_options, "val_auc")
        {
            HigherIsBetter = true,
            Patience = _options.Patience,
            Shown = ["loss", "val_loss", "val_auc"],
            Phase = $"{phase}  ",
        };
        Learned = learning.Fit<int[]>(Network, new Adam(Network.Parameters()), rows => Loss([.. rows.SelectMany(r => all[r])], auc), new()
        {
            Schedule = _options.Falling(training.Count),
            ClipNorm = Privacy is null ? _options.ClipNorm : null,
            Privacy = Privacy,
            Metrics = [new("auc", auc)],
        }, training, validation, progress, stop);
    }

    /// <summary>The mean log loss of all next answers; padding has weight 0.</summary>
    private Objective Loss(TracedLearner[] learners, RocAuc auc)
    {
        int steps = learners.Max(l => l.Count) - 1;
        float[] right = new float[learners.Length * steps], counts = new float[learners.Length * steps];
        for (int l = 0; l < learners.Length; l++)
        {
            for (int t = 1; t < learners[l].Count; t++) { (right[(l * steps) + t - 1], counts[(l * steps) + t - 1]) = (learners[l].Right[t] ? 1 : 0, 1); }
        }
        (Tensor logits, Tensor? added) = Network.Learn(TracedBatch.Of(learners, steps, Network.Skills));
        float[] told = logits.ToArray();
        for (int i = 0; i < told.Length; i++) { auc.Add(told[i], right[i] > 0, counts[i]); }
        Shape shape = [learners.Length, steps];
        Tensor losses = logits.BinaryCrossEntropyWithLogits(Tensor.Wrap(right, shape).To(_options.Device), reduction: Reduction.None);
        return Objective.Weighted(added is null ? losses : losses + added, Tensor.Wrap(counts, shape).To(_options.Device));
    }

    /// <summary>Long sequences in pieces; the last answer of one is the first of the next, so that each but a learner's first is told once.</summary>
    private static IEnumerable<TracedLearner> Pieces(TracedLearner learner, int piece)
    {
        for (int from = 0; from < learner.Count - 1; from += piece)
        {
            yield return learner.Part(from, Math.Min(learner.Count, from + piece + 1));
        }
    }
}
