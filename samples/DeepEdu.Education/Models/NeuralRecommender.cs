using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Education.Baselines;
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

namespace DeepEdu.Education.Models;

/// <summary>How the neural recommender learns.</summary>
internal sealed record NeuralRecommenderOptions(int Factors, int Epochs, int Batch, ulong Seed) : LearningOptions(Epochs, Batch, Seed, Rate)
{
    /// <summary>The highest rate, and the decay, unless others are given.</summary>
    public const double Rate = 1e-3, Decay = 0.01;

    /// <summary>Decoupled weight decay. Chosen on the validation interactions of MovieLens-1M: ndcg@10 .571 without, .579 with 0.01, .555 with 0.05.</summary>
    public double WeightDecay { get; init; } = Decay;

    /// <summary>Random items not taken, drawn anew each epoch, for every item taken.</summary>
    public int NegativesPerPositive { get; init; } = 4;

    /// <summary>The parameters that rank are a running mean over about this many epochs: single epochs differ by half a point of hr@10.</summary>
    public double AveragedEpochs { get; init; } = 2;

    /// <summary>Epochs without a better validation score after which training stops.</summary>
    public int Patience { get; init; } = 5;
}

/// <summary>NeuMF trained on log loss with negatives drawn anew every epoch. One training interaction of each user is held out to choose the epoch;
/// the test item plays no part in it.</summary>
internal sealed class NeuralRecommender(NeuralRecommenderOptions options) : INetworkRecommender
{
    private const int AverageEvery = 32; // steps
    private NeuMf? _model;

    public string Name => "NeuMF";

    public Learned Learned { get; private set; } = Learned.Nothing;

    public Module Network => Net;

    public string Told => $"Epoch {Learned.BestEpoch + 1} of {Learned.EpochsRun}, chosen by ndcg@10 of one held-out training interaction a user. AdamW with weight decay {options.WeightDecay}; a running mean of the weights over two epochs ranks.";

    public Chart[] Charts =>
    [
        new("log loss", [new("training", Learned["loss"])]),
        new("ranking of the held-out training item", [new("hr@10", Learned["hr@10"]), new("ndcg@10", Learned["ndcg@10"])]),
    ];

    private NeuMf Net => _model ?? throw new InvalidOperationException("Fit comes first.");

    public void Fit(Interactions data, IProgress progress, CancellationToken stop)
    {
        var (model, order) = options.Start(rng => new NeuMf(data.Users, data.Items, options.Factors, rng));
        _model = model;
        var others = ValidationSplit.Others(data);
        var validation = ValidationSplit.HoldOut(data, others, options.Seed);
        ImplicitExamples examples = new(validation.Train, others, options.NegativesPerPositive, options.Batch, order);
        double updates = Math.Max(1, options.AveragedEpochs * examples.Count / AverageEvery);
        Learning learning = new(options, "ndcg@10") { HigherIsBetter = true, Patience = options.Patience, Shown = ["loss", "hr@10", "ndcg@10"], Phase = options.Phase };
        Learned = learning.Fit(model, new AdamW(model.Parameters(), new() { LearningRate = options.LearningRate, WeightDecay = options.WeightDecay }),
            batch => model.Forward(batch.Users, batch.Items).BinaryCrossEntropyWithLogits(Tensor.Wrap(batch.Taken, [batch.Taken.Length]).To(options.Device)), new()
            {
                Average = new(model.Parameters(), (float)(1 - (1 / updates))),
                AverageEvery = AverageEvery,
                EpochNumbers = _ => Held(Ranking.Evaluate(this, validation)),
            }, examples, null, progress, stop);
    }

    public void Score(int user, ReadOnlySpan<int> items, Span<float> scores)
    {
        int[] users = new int[items.Length];
        Array.Fill(users, user);
        using var arena = new Arena();
        Net.Forward(users, Indices.Of(items)).To(CpuDevice.Instance).AsSpan().CopyTo(scores);
    }

    private static (string, double)[] Held(LeaveOneOutRanking ranking) => [("hr@10", ranking.HitRate), ("ndcg@10", ranking.Ndcg)];
}
