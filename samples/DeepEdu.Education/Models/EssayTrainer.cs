using DeepEdu.Data;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Education.Models;

/// <summary>Essays as word ids with their scores on the scale 0..1, and the whole-number ends of the prompt's own scale.</summary>
internal sealed record EncodedEssays(int[][] Tokens, float[] Scores, int Min, int Max)
{
    /// <summary>From 0..1 to the prompt's scale.</summary>
    public double Rescale(float score) => Min + ((double)score * (Max - Min));

    /// <summary>Adds predicted scores in 0..1 of the essays at these places.</summary>
    public void AddTo(WeightedKappa kappa, ReadOnlySpan<int> places, ReadOnlySpan<float> predicted)
    {
        for (int i = 0; i < places.Length; i++) { kappa.Add(Grade(predicted[i]), Grade(Scores[places[i]])); }
    }

    private int Grade(float score) => WeightedKappa.Round(Rescale(score), Min, Max);
}

/// <summary>How the essay network learns.</summary>
internal sealed record EssayOptions(int Epochs, int Batch, ulong Seed) : LearningOptions(Epochs, Batch, Seed, Rate)
{
    /// <summary>The highest rate, unless another is given.</summary>
    public const double Rate = 3e-3;

    /// <summary>Multiplies the rate for word vectors, each of which is seen a few times only.</summary>
    public double WordRateFactor { get; init; } = 0.3;

    public int Hidden { get; init; } = EssayScorer.Usual;

    public float Dropout { get; init; } = EssayScorer.Drop;

    /// <summary>The longest joint gradient.</summary>
    public float ClipNorm { get; init; } = 10;
}

/// <summary>Trains the essay network on mean squared error with Adam; the epoch with the best kappa on the dev part is kept.</summary>
internal sealed class EssayTrainer
{
    private const int DevBatch = 64;
    private readonly EncodedEssays _essays;
    private readonly int[] _train, _dev;
    private readonly EssayOptions _options;
    private readonly Rng _order;

    public EssayTrainer(EncodedEssays essays, int vocabulary, int[] train, int[] dev, EssayOptions options)
    {
        (_essays, _train, _dev, _options) = (essays, train, dev, options);
        float meanScore = train.Average(i => essays.Scores[i]), meanLength = (float)train.Average(i => essays.Tokens[i].Length);
        (Network, _order) = options.Start(rng => new EssayScorer(vocabulary, Math.Clamp(meanScore, 0.01f, 0.99f), Math.Max(1, meanLength), rng, options.Hidden, options.Dropout));
    }

    public EssayScorer Network { get; }

    /// <summary>Its loss is the mean squared error on the scale 0..1, dropout and all.</summary>
    public Learned Learned { get; private set; } = Learned.Nothing;

    public void Fit(string phase, IProgress progress, CancellationToken stop)
    {
        int[] lengths = Array.ConvertAll(_essays.Tokens, t => t.Length);
        LengthBuckets training = new(_train, lengths, _options.Batch, _order, pool: 8);
        Batches dev = new([.. _dev.OrderBy(i => lengths[i])], DevBatch);
        WeightedKappa kappa = new(_essays.Min, _essays.Max);
        Learning learning = new(_options, "val_qwk") { HigherIsBetter = true, Shown = ["loss", "val_loss", "val_qwk"], Phase = $"{phase}  " };
        Learned = learning.Fit<int[]>(Network, NewAdam(), rows =>
        {
            var scores = Network.Forward([.. rows.Select(i => _essays.Tokens[i])]);
            _essays.AddTo(kappa, rows, scores.ToArray());
            return DeepEdu.Nn.Losses.Mse(scores, Tensor.Wrap([.. rows.Select(i => _essays.Scores[i])], [rows.Length]).To(_options.Device));
        }, new()
        {
            Schedule = _options.Falling(training.Count),
            ClipNorm = _options.ClipNorm,
            Metrics = [new("qwk", kappa)],
        }, training, dev, progress, stop);
    }

    private Adam NewAdam()
    {
        var words = Network.Parameters().ToLookup(p => ReferenceEquals(p.Value, Network.Words));
        ParameterGroup[] groups = [new([.. words[false]]), new([.. words[true]]) { LearningRateFactor = _options.WordRateFactor }];
        return new Adam(groups);
    }
}
