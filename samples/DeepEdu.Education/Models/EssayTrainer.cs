using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Education.Ui;
using DeepEdu.Memory;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Essays as word ids with their scores on the scale 0..1, and the whole-number ends of the prompt's own scale.</summary>
internal sealed record EncodedEssays(int[][] Tokens, float[] Scores, int Min, int Max)
{
    /// <summary>From 0..1 to the prompt's scale.</summary>
    public double Rescale(float score) => Min + ((double)score * (Max - Min));

    /// <summary>The quadratic weighted kappa of predicted scores in 0..1 for the essays at these places.</summary>
    public double Kappa(ReadOnlySpan<int> places, ReadOnlySpan<float> predicted)
    {
        WeightedKappa kappa = new(Min, Max);
        for (int i = 0; i < places.Length; i++) { kappa.Add(Grade(predicted[i]), Grade(Scores[places[i]])); }
        return kappa.Value;
    }

    private int Grade(float score) => WeightedKappa.Round(Rescale(score), Min, Max);
}

/// <summary>How the essay network learns.</summary>
internal sealed record EssayTrainerOptions(int Epochs, int Batch, ulong Seed)
{
    public Device Device { get; init; } = CpuDevice.Instance;

    /// <summary>The first rate; it falls along half a cosine.</summary>
    public double LearningRate { get; init; } = 3e-3;

    /// <summary>Multiplies the rate for word vectors, each of which is seen a few times only.</summary>
    public double WordRateFactor { get; init; } = 0.3;

    /// <summary>The longest joint gradient.</summary>
    public float ClipNorm { get; init; } = 10;
}

/// <summary>Trains the essay network on mean squared error with Adam; the epoch with the best kappa on the dev part is kept.</summary>
internal sealed class EssayTrainer
{
    private const int PredictBatch = 64;
    private readonly EncodedEssays _essays;
    private readonly int[] _train, _dev;
    private readonly EssayTrainerOptions _options;
    private readonly EssayScorer _model;
    private readonly Rng _order;
    private readonly List<double> _losses = [], _kappas = [];

    public EssayTrainer(EncodedEssays essays, int vocabulary, int[] train, int[] dev, EssayTrainerOptions options)
    {
        (_essays, _train, _dev, _options) = (essays, train, dev, options);
        Rng rng = new(options.Seed);
        float meanScore = train.Average(i => essays.Scores[i]), meanLength = (float)train.Average(i => essays.Tokens[i].Length);
        _model = new(vocabulary, Math.Clamp(meanScore, 0.01f, 0.99f), Math.Max(1, meanLength), rng);
        _model.To(options.Device);
        _order = rng.Fork();
    }

    /// <summary>Mean squared error of each epoch on the scale 0..1, dropout and all.</summary>
    public IReadOnlyList<double> Losses => _losses;

    public IReadOnlyList<double> DevKappas => _kappas;

    public int EpochsRun => _losses.Count;

    /// <summary>The epoch that was kept, from 0.</summary>
    public int BestEpoch { get; private set; } = -1;

    public long ParameterCount => _model.ParameterCount;

    public void Fit(string phase, IProgress progress, CancellationToken stop)
    {
        int steps = (_train.Length + _options.Batch - 1) / _options.Batch;
        var schedule = Schedule.Cosine(_options.LearningRate, _options.Epochs * steps);
        var adam = NewAdam();
        BestEpoch best = new(_model);
        for (int epoch = 0; epoch < _options.Epochs && !stop.IsCancellationRequested; epoch++)
        {
            double sum = 0;
            int step = 0, seen = 0;
            foreach (int[] rows in LengthBatches(_order.Split((ulong)epoch)))
            {
                if (stop.IsCancellationRequested) { break; }
                adam.LearningRate = schedule.At((epoch * steps) + step++);
                sum += Step(rows, adam) * rows.Length;
                seen += rows.Length;
                progress.Step($"{phase} epoch {epoch + 1}/{_options.Epochs}", step, steps);
            }
            _losses.Add(sum / Math.Max(1, seen));
            _kappas.Add(_essays.Kappa(_dev, Predict(_dev)));
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
        foreach (int[] chunk in Enumerable.Range(0, places.Length).OrderBy(i => _essays.Tokens[places[i]].Length).Chunk(PredictBatch))
        {
            using Arena arena = new();
            var y = Forward([.. chunk.Select(i => places[i])]).To(CpuDevice.Instance).AsSpan();
            for (int i = 0; i < chunk.Length; i++) { scores[chunk[i]] = y[i]; }
        }
        return scores;
    }

    private float Step(int[] rows, Adam adam)
    {
        using Tape tape = new();
        var error = Forward(rows) - Tensor.Wrap([.. rows.Select(i => _essays.Scores[i])], [rows.Length]).To(_options.Device);
        var loss = error.Square().Mean();
        var gradients = tape.Gradients(loss);
        Clip.ByNorm(gradients, _options.ClipNorm);
        adam.Step(gradients);
        return loss.Item();
    }

    private Adam NewAdam()
    {
        var words = _model.Parameters().ToLookup(p => ReferenceEquals(p.Value, _model.Words));
        ParameterGroup[] groups = [new([.. words[false]]), new([.. words[true]]) { LearningRateFactor = _options.WordRateFactor }];
        return new Adam(groups);
    }

    private Tensor Forward(int[] rows)
    {
        int[] lengths = [.. rows.Select(i => _essays.Tokens[i].Length)];
        int steps = Math.Max(1, lengths.Max());
        int[] tokens = new int[rows.Length * steps];
        for (int i = 0; i < rows.Length; i++) { _essays.Tokens[rows[i]].CopyTo(tokens, i * steps); }
        return _model.Forward(Indices.Wrap(tokens, [rows.Length, steps]), lengths);
    }

    /// <summary>Batches of essays of like length, in random order: cut from random pieces of eight batches that are each sorted by length.</summary>
    private int[][] LengthBatches(Rng rng)
    {
        var order = rng.Permutation(_train.Length).Select(i => _train[i]);
        int[][] batches = [.. order.Chunk(8 * _options.Batch).SelectMany(piece => piece.OrderBy(i => _essays.Tokens[i].Length).Chunk(_options.Batch))];
        rng.Shuffle(batches.AsSpan());
        return batches;
    }
}
