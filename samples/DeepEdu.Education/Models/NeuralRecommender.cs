using System.Diagnostics;
using DeepEdu.Autograd;
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

namespace DeepEdu.Education.Models;

/// <summary>How the neural recommender learns.</summary>
internal sealed record NeuralRecommenderOptions(int Factors, int Epochs, int Batch, ulong Seed)
{
    public Device Device { get; init; } = CpuDevice.Instance;

    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Decoupled weight decay. Chosen on the validation interactions of MovieLens-1M: ndcg@10 .571 without, .579 with 0.01, .555 with 0.05.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Random items not taken, drawn anew each epoch, for every item taken.</summary>
    public int NegativesPerPositive { get; init; } = 4;

    /// <summary>The parameters that rank are a running mean over about this many epochs: single epochs differ by half a point of hr@10.</summary>
    public double AveragedEpochs { get; init; } = 2;

    /// <summary>Epochs without a better validation score after which training stops.</summary>
    public int Patience { get; init; } = 5;
}

/// <summary>NeuMF trained on log loss with negatives drawn anew every epoch. One training interaction of each user is held out to choose the epoch;
/// the test item plays no part in it.</summary>
internal sealed class NeuralRecommender(NeuralRecommenderOptions options) : IRecommender
{
    private const int AverageEvery = 32; // steps
    private readonly List<double> _losses = [], _hits = [], _gains = [];
    private NeuMf? _model;

    public string Name => "NeuMF";

    public int EpochsRun => _losses.Count;

    public int BestEpoch { get; private set; }

    public Chart[] Charts =>
    [
        new("log loss", "epoch", [new("training", [.. _losses])]),
        new("ranking of the held-out training item", "epoch", [new("hr@10", [.. _hits]), new("ndcg@10", [.. _gains])]),
    ];

    public void Fit(Interactions data, IProgress progress, CancellationToken stop)
    {
        var rng = new Rng(options.Seed);
        var model = _model = new NeuMf(data.Users, data.Items, options.Factors, rng);
        model.To(options.Device);
        var adam = new AdamW(model.Parameters(), new() { LearningRate = options.LearningRate, WeightDecay = options.WeightDecay });
        var others = ValidationSplit.Others(data);
        var validation = ValidationSplit.HoldOut(data, others, options.Seed);
        int[] items = [.. validation.Train.SelectMany(t => t)], users = [.. validation.Train.SelectMany((t, user) => Enumerable.Repeat(user, t.Length))];
        var draw = rng.Fork();
        double updates = Math.Max(1, options.AveragedEpochs * Steps(users.Length) / AverageEvery);
        var average = new WeightAverage(model.Parameters(), (float)(1 - (1 / updates)));
        var best = new BestEpoch(model);
        for (int epoch = 0; epoch < options.Epochs && epoch - Math.Max(0, best.Epoch) < options.Patience && !stop.IsCancellationRequested; epoch++)
        {
            var clock = Stopwatch.StartNew();
            _losses.Add(Epoch(model, adam, average, users, items, others, draw.Split((ulong)epoch), $"epoch {epoch + 1}/{options.Epochs}", progress, stop));
            using var averaged = average.Apply();
            var ranking = Ranking.Evaluate(this, validation);
            _hits.Add(ranking.HitRate);
            _gains.Add(ranking.Ndcg);
            best.Offer(epoch, ranking.Ndcg);
            progress.Line($"epoch {epoch + 1,2}/{options.Epochs}  loss {_losses[^1]:F4}  valid hr@10 {ranking.HitRate:F4}  ndcg@10 {ranking.Ndcg:F4}  {clock.Elapsed.TotalSeconds:F1} s");
        }
        best.Restore();
        BestEpoch = best.Epoch;
    }

    public void Score(int user, ReadOnlySpan<int> items, Span<float> scores)
    {
        int[] users = new int[items.Length];
        Array.Fill(users, user);
        using var arena = new Arena();
        _model!.Forward(users, Indices.Of(items)).To(CpuDevice.Instance).AsSpan().CopyTo(scores);
    }

    /// <summary>One pass over every interaction and as many drawn negatives as asked for, in random order. Returns the mean loss.</summary>
    private double Epoch(NeuMf model, AdamW adam, WeightAverage average, int[] users, int[] items, NegativeSampler others, Rng rng, string phase, IProgress progress, CancellationToken stop)
    {
        int copies = 1 + options.NegativesPerPositive, count = users.Length * copies, steps = Steps(users.Length);
        int[] order = rng.Permutation(count);
        var negatives = rng.Fork();
        double sum = 0;
        int done = 0;
        for (int step = 0; step < steps && !stop.IsCancellationRequested; step++)
        {
            int n = Math.Min(options.Batch, count - (step * options.Batch));
            int[] user = new int[n], item = new int[n];
            float[] label = new float[n];
            for (int i = 0; i < n; i++)
            {
                // example e is the interaction e / copies itself, or one of the negatives drawn for it
                var (interaction, copy) = Math.DivRem(order[(step * options.Batch) + i], copies);
                user[i] = users[interaction];
                label[i] = copy == 0 ? 1 : 0;
                item[i] = copy == 0 ? items[interaction] : others.Draw(user[i], negatives);
            }
            using var tape = new Tape();
            var loss = model.Forward(user, item).BinaryCrossEntropyWithLogits(Tensor.Wrap(label, [n]).To(options.Device));
            adam.Step(tape.Gradients(loss));
            if (step % AverageEvery == AverageEvery - 1 || step == steps - 1) { average.Update(); }
            sum += (double)loss.Item() * n;
            done += n;
            if (step % 64 == 0) { progress.Step(phase, step, steps); }
        }
        return sum / Math.Max(1, done);
    }

    private int Steps(int interactions) => ((interactions * (1 + options.NegativesPerPositive)) + options.Batch - 1) / options.Batch;
}
