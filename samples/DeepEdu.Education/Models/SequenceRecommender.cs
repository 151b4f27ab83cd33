using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Ui;
using DeepEdu.Nn;
using DeepEdu.Optim;
using DeepEdu.Training;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Education.Models;

/// <summary>How a network of sequences learns.</summary>
/// <param name="Kind">Of the network.</param>
/// <param name="Width">Of the network.</param>
/// <inheritdoc cref="LearningOptions"/>
internal sealed record SequenceOptions(RecommendKind Kind, int Epochs, int Batch, int Width, ulong Seed) : LearningOptions(Epochs, Batch, Seed, LearningRate: Kind.LearningRate)
{
    /// <summary>The share left out unless another is given.</summary>
    public const float Usual = 0.5f;

    /// <summary>What the next item is to stand out from: all others (softmax), or one that was drawn (bce).</summary>
    public string Loss { get; init; } = NextItemNet.Softmax;

    /// <summary>The share of values left out while learning.</summary>
    public float Drop { get; init; } = Usual;

    /// <summary>Epochs without a better validation score after which training stops.</summary>
    public int Patience { get; init; } = 10;
}

/// <summary>Trains a network on each next item of every past. The last item of each past is held out to choose the epoch, ranked among all that the user did not take before; the test item plays no part in it.</summary>
internal sealed class SequenceRecommender(SequenceOptions options) : INetworkRecommender
{
    private NextItemNet? _network;
    private float[] _states = [], _vectors = [], _popularity = [];

    public string Name => options.Kind.Title;

    public Learned Learned { get; private set; } = Learned.Nothing;

    public Module Network => Net;

    public Chart[] Charts =>
    [
        new("loss", [new("training", Learned["loss"])]),
        new("ranking of the held-out training item among all", [new("hr@10", Learned["hr@10"]), new("ndcg@10", Learned["ndcg@10"])]),
    ];

    public string Told => $"{Net.Made}; {Net.ParameterCount} parameters; learned by {(options.Loss == NextItemNet.Softmax ? "cross-entropy over all items" : "log loss, beside one item not taken")}, Adam from {options.LearningRate}, {options.Drop} left out. "
        + $"Epoch {Learned.BestEpoch + 1} of {Learned.EpochsRun}, chosen by ndcg@10 of the last training interaction of a user among all items not taken before; it is read, but not learned from, when the test item is told.";

    private NextItemNet Net => _network ?? throw new InvalidOperationException("Fit comes first.");

    public void Fit(Interactions data, IProgress progress, CancellationToken stop)
    {
        var (network, order) = options.Start(rng => options.Kind.Make!(data.Items, options.Width, options.Drop, rng));
        _network = network;
        Interactions all = data.InOrder(), validation = all.LastHeldOut();
        PastExamples examples = new(validation.Past!, network.Window, options.Batch, options.Loss == NextItemNet.Sampled ? ValidationSplit.Others(all) : null, order);
        Learning learning = new(options, "ndcg@10") { HigherIsBetter = true, Patience = options.Patience, Shown = ["loss", "hr@10", "ndcg@10"], Phase = options.Phase };
        Learned = learning.Fit(network, new Adam(network.Parameters(), new() { LearningRate = options.LearningRate }), batch => new Objective(network.Loss(batch, options.Loss), batch.Next.Shape[0]), new()
        {
            EpochNumbers = _ =>
            {
                Read(validation.Past!);
                var ranking = Ranking.EvaluateAll(this, validation);
                return [("hr@10", ranking.HitRate), ("ndcg@10", ranking.Ndcg)];
            },
        }, examples, null, progress, stop);
        Read(all.Past!);
    }

    public void Score(int user, ReadOnlySpan<int> items, Span<float> scores)
    {
        int width = options.Width;
        ReadOnlySpan<float> state = _states.AsSpan(user * width, width);
        for (int i = 0; i < items.Length; i++) { scores[i] = TensorPrimitives.Dot(state, _vectors.AsSpan(items[i] * width, width)) + (_popularity.Length > 0 ? _popularity[items[i]] : 0); }
    }

    // where each user stands, and what every item is, as the network has them now
    private void Read(int[][] pasts)
    {
        _states = Net.Last(pasts);
        _vectors = Net.Vectors.ToArray();
        _popularity = Net.Popularity?.ToArray() ?? [];
    }
}
