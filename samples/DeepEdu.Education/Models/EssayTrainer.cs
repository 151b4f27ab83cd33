using DeepEdu.Autograd;
using DeepEdu.Education.Ui;
using DeepEdu.Memory;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Essays as word ids with their scores on the scale 0..1, and that scale's whole-number ends.</summary>
internal sealed record EncodedEssays(int[][] Tokens, float[] Scores, int Min, int Max)
{
    /// <summary>The quadratic weighted kappa of scores in 0..1 for the essays at these places.</summary>
    public double Kappa(ReadOnlySpan<int> places, ReadOnlySpan<float> predicted)
    {
        WeightedKappa kappa = new(Min, Max);
        for (int i = 0; i < places.Length; i++) { kappa.Add(Grade(predicted[i]), Grade(Scores[places[i]])); }
        return kappa.Value;
    }

    public int Grade(float score) => WeightedKappa.Round(Rescale(score), Min, Max);

    public double Rescale(float score) => Min + ((double)score * (Max - Min));
}

/// <summary>How the essay network learns.</summary>
internal sealed record EssayTraining(int Epochs, int Batch, ulong Seed)
{
    public double LearningRate { get; init; } = 1e-3;

    public float ClipNorm { get; init; } = 10;

    public bool Cosine { get; init; }

    public bool Rms { get; init; }
}

/// <summary>Trains the essay network on mean squared error; the epoch with the best kappa on the dev part is kept.</summary>
internal sealed class EssayTrainer
{
    private readonly EncodedEssays _essays;
    private readonly EssayTraining _options;
    private readonly EssayScorer _model;
    private readonly Rng _order;
    private readonly List<double> _losses = [], _kappas = [];

    public EssayTrainer(EncodedEssays essays, int vocabulary, ReadOnlySpan<int> train, EssayScorerOptions sizes, EssayTraining options)
    {
        (_essays, _options) = (essays, options);
        Rng rng = new(options.Seed);
        float score = 0, length = 0;
        foreach (int i in train)
        {
            score += essays.Scores[i] / train.Length;
            length += essays.Tokens[i].Length / (float)train.Length;
        }
        _model = new(vocabulary, Math.Clamp(score, 0.01f, 0.99f), length, sizes, rng);
        _order = rng.Fork();
    }

    public IReadOnlyList<double> Losses => _losses;

    public IReadOnlyList<double> DevKappas => _kappas;

    public int EpochsRun => _losses.Count;

    /// <summary>The epoch that was kept, from 0.</summary>
    public int BestEpoch { get; private set; }

    public long ParameterCount => _model.ParameterCount;

    public void Fit(int[] train, int[] dev, string phase, IProgress progress, CancellationToken stop)
    {
        Optimizer optimizer = _options.Rms ? new RmsProp(_model.Parameters(), new() { Decay = 0.9, Epsilon = 1e-6 }) : new Adam(_model.Parameters());
        BestEpoch best = new(_model);
        int steps = (train.Length + _options.Batch - 1) / _options.Batch;
        var schedule = _options.Cosine ? Schedule.Cosine(_options.LearningRate, _options.Epochs * steps) : Schedule.Constant(_options.LearningRate);
        for (int epoch = 0; epoch < _options.Epochs && !stop.IsCancellationRequested; epoch++)
        {
            double sum = 0;
            int step = 0, seen = 0;
            foreach (int[] rows in LengthBatches(train, _order.Split((ulong)epoch)))
            {
                if (stop.IsCancellationRequested) { break; }
                using Tape tape = new();
                var error = Forward(rows) - Tensor.Wrap([.. rows.Select(i => _essays.Scores[i])], [rows.Length]);
                var loss = error.Square().Mean();
                var gradients = tape.Gradients(loss);
                Clip.ByNorm(gradients, _options.ClipNorm);
                optimizer.LearningRate = schedule.At((epoch * steps) + step++);
                optimizer.Step(gradients);
                sum += loss.Item() * rows.Length;
                seen += rows.Length;
                progress.Step($"{phase} epoch {epoch + 1}/{_options.Epochs}", step, steps);
            }
            _losses.Add(sum / Math.Max(1, seen));
            _kappas.Add(_essays.Kappa(dev, Predict(dev)));
            best.Offer(epoch, _kappas[^1]);
            progress.Line($"{phase}  epoch {epoch + 1,2}/{_options.Epochs}  loss {_losses[^1]:F4}  dev qwk {_kappas[^1]:F4} (best {best.Score:F4} @{best.Epoch + 1})");
        }
        best.Restore();
        BestEpoch = best.Epoch;
    }

    /// <summary>Scores in 0..1 of the essays at these places.</summary>
    public float[] Predict(int[] places)
    {
        float[] scores = new float[places.Length];
        int[] byLength = [.. Enumerable.Range(0, places.Length).OrderBy(i => _essays.Tokens[places[i]].Length)];
        foreach (int[] chunk in byLength.Chunk(64))
        {
            using Arena arena = new();
            var y = Forward([.. chunk.Select(i => places[i])]).AsSpan();
            for (int i = 0; i < chunk.Length; i++) { scores[chunk[i]] = y[i]; }
        }
        return scores;
    }

    private Tensor Forward(int[] rows)
    {
        int[] lengths = [.. rows.Select(i => _essays.Tokens[i].Length)];
        int steps = Math.Max(1, lengths.Max());
        int[] tokens = new int[rows.Length * steps];
        for (int i = 0; i < rows.Length; i++) { _essays.Tokens[rows[i]].CopyTo(tokens, i * steps); }
        return _model.Forward(Indices.Wrap(tokens, [rows.Length, steps]), lengths);
    }

    /// <summary>Batches of essays of like length, in random order: cut from pieces of eight batches that are each sorted by length.</summary>
    private int[][] LengthBatches(int[] places, Rng rng)
    {
        int[] order = [.. rng.Permutation(places.Length).Select(i => places[i])];
        int[][] batches = [.. order.Chunk(8 * _options.Batch).SelectMany(piece => piece.OrderBy(i => _essays.Tokens[i].Length).Chunk(_options.Batch))];
        rng.Shuffle(batches.AsSpan());
        return batches;
    }
}
