using DeepEdu.Data;
using DeepEdu.Education.Data;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Privacy;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>How a risk network learns.</summary>
internal sealed record RiskOptions(int Epochs, int Batch, ulong Seed) : LearningOptions(Epochs, Batch, Seed, Rate)
{
    /// <summary>Unless another is given.</summary>
    public const double Decay = 0.01;

    /// <summary>The highest rate, and that of a private training.</summary>
    public const double Rate = 5e-3, PrivateRate = 0.02;

    public double WeightDecay { get; init; } = Decay;

    public int Hidden { get; init; } = RiskNet.Usual;

    public float Dropout { get; init; } = RiskNet.Drop;

    /// <summary>Epochs without a better validation loss after which training stops.</summary>
    public int Patience { get; init; } = 6;
}

/// <summary>Trains the risk network on log loss with AdamW; the epoch with the least loss on the validation learners is kept. Counts are scaled by those of the training learners.</summary>
internal sealed class RiskTrainer
{
    private readonly BehaviourLog _log;
    private readonly Split _fold;
    private readonly RiskOptions _options;
    private readonly float[] _weeks; // of all learners, scaled
    private readonly Rng _order;

    public RiskTrainer(BehaviourLog log, Split fold, RiskOptions options)
    {
        (_log, _fold, _options) = (log, fold, options);
        float[] all = [.. log.Learners.SelectMany(l => l.Counts)];
        // privately nothing is taken from the learners but through noise: no scale and no share
        Scaler = options.Privacy is null ? new(all, log.Kinds.Length, [.. fold.Train.SelectMany(l => Enumerable.Range(l * log.Weeks, log.Weeks))]) : ColumnScaler.OfCounts(log.Kinds.Length);
        _weeks = Scaler.Apply(all);
        (Network, _order) = options.Start(rng => new RiskNet(Scaler.Width, options.Privacy is null ? Math.Clamp(fold.Train.Average(l => log.Learners[l].Left is null ? 0f : 1), 0.01f, 0.99f) : 0.5f, rng, options.Hidden, options.Dropout));
        Privacy = options.Privacy?.For(Network, options.Batch, options.Epochs);
    }

    public RiskNet Network { get; }

    /// <summary>What counts go through before the network sees them.</summary>
    public ColumnScaler Scaler { get; }

    /// <summary>Null if it is not private.</summary>
    public PrivateGradients? Privacy { get; }

    public Learned Learned { get; private set; } = Learned.Nothing;

    public void Fit(string phase, IProgress progress, CancellationToken stop)
    {
        PrAuc area = new();
        // privately a row of training is a learner with all its courses
        int[][] rowsOf = _options.Privacy is { } p ? [.. p.Learners, .. _fold.Validation.Select(l => (int[])[l])] : [.. Enumerable.Range(0, _log.Learners.Length).Select(l => (int[])[l])];
        IBatches training = Privacy?.Batches ?? (IBatches)new Batches(_fold.Train, _options.Batch, _order);
        Batches validation = new(Privacy is null ? _fold.Validation : [.. Enumerable.Range(rowsOf.Length - _fold.Validation.Length, _fold.Validation.Length)], 256);
        Learning learning = new(_options, "val_loss") { Patience = _options.Patience, Shown = ["loss", "val_loss", "val_pr_auc"], Phase = $"{phase}  " };
        Learned = learning.Fit<int[]>(Network, new AdamW(Network.Parameters(), new() { WeightDecay = _options.WeightDecay }), batch =>
        {
            int[] rows = [.. batch.SelectMany(b => rowsOf[b])];
            Tensor logits = Network.Forward(Tensor.Wrap(Weeks(rows), [rows.Length, _log.Weeks, Scaler.Width]).To(_options.Device));
            float[] told = logits.ToArray(), left = Array.ConvertAll(rows, r => _log.Learners[r].Left is null ? 0f : 1);
            for (int i = 0; i < rows.Length; i++) { area.Add(told[i], left[i] > 0); }
            return logits.BinaryCrossEntropyWithLogits(Tensor.Wrap(left, [rows.Length]).To(_options.Device));
        }, new()
        {
            Schedule = _options.Falling(training.Count),
            Metrics = [new("pr_auc", area)],
            Privacy = Privacy,
        }, training, validation, progress, stop);
    }

    /// <summary>Chances and profiles of some of the learners.</summary>
    public (float[] Risks, float[][] Profiles) Predict(int[] learners) => Network.Predict(Weeks(learners), learners.Length);

    private float[] Weeks(int[] learners)
    {
        int size = _log.Weeks * Scaler.Width;
        float[] own = new float[learners.Length * size];
        for (int i = 0; i < learners.Length; i++) { _weeks.AsSpan(learners[i] * size, size).CopyTo(own.AsSpan(i * size)); }
        return own;
    }
}
