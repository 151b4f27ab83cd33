using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Ui;
using DeepEdu.Memory;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>How a diagnosing network learns.</summary>
/// <param name="Hidden">Units of its first layer.</param>
/// <inheritdoc cref="LearningOptions"/>
internal sealed record DiagnosisOptions(int Hidden, int Epochs, int Batch, ulong Seed) : LearningOptions(Epochs, Batch, Seed, Rate)
{
    /// <summary>Unless another is given.</summary>
    public const float Drop = 0.2f;

    /// <summary>The highest rate.</summary>
    public const double Rate = 5e-3;

    /// <summary>What learners know and items take are expected to be N(0, this): the loss has the logarithm of that added.</summary>
    public float Deviation { get; init; } = 0.7f;

    /// <summary>The share of units left out while learning.</summary>
    public float Dropout { get; init; } = Drop;

    /// <summary>Epochs without a better validation AUC after which training stops.</summary>
    public int Patience { get; init; } = 6;
}

/// <summary>Trains a diagnosing network on the log loss of answers, and a normal prior of learners and items, with Adam; the epoch with the best AUC of the answers to choose by is kept.</summary>
internal sealed class DiagnosisTrainer : IDiagnoser
{
    private const int ToldAtOnce = 1024;
    private readonly DiagnosisSet _set;
    private readonly DiagnosisOptions _options;
    private readonly Rng _order;
    private float[] _mastery = [], _difficulty = [];

    public DiagnosisTrainer(DiagnosisSet set, DiagnosisOptions options)
    {
        (_set, _options) = (set, options);
        (Network, _order) = options.Start(rng => new NeuralDiagnosis(set.Learners.Length, new(set.Items.Length, set.Skills.Length, options.Hidden, options.Dropout, rng), rng));
        Told();
    }

    public string Name => "NeuralCD";

    public NeuralDiagnosis Network { get; }

    public Learned Learned { get; private set; } = Learned.Nothing;

    public void Fit(string phase, IProgress progress, CancellationToken stop)
    {
        RocAuc auc = new();
        float prior = 1 / (2 * _options.Deviation * _options.Deviation * _set.Parts.Train.Length); // an answer's share of it
        Batches training = new(_set.Parts.Train, _options.Batch, _order), validation = new(_set.Parts.Validation, ToldAtOnce);
        Learning learning = new(_options, "val_auc") { HigherIsBetter = true, Patience = _options.Patience, Shown = ["loss", "val_loss", "val_auc"], Phase = phase };
        Learned = learning.Fit<int[]>(Network, new Adam(Network.Parameters()), rows =>
        {
            Tensor logits = Network.Forward(Of(rows, _set.Learner), Of(rows, _set.Item), DiagnosisBatch.Asks(Array.ConvertAll(rows, r => _set.Item[r]), _set.Asks, _set.Skills.Length, _options.Device));
            float[] told = logits.ToArray(), right = Array.ConvertAll(rows, r => _set.Right[r] ? 1f : 0);
            for (int i = 0; i < rows.Length; i++) { auc.Add(told[i], right[i] > 0); }
            Tensor loss = logits.BinaryCrossEntropyWithLogits(Tensor.Wrap(right, [rows.Length]).To(_options.Device));
            return loss + ((Network.Learners.Square().Sum() + Network.Items.Difficulty.Square().Sum()) * prior);
        }, new() { Schedule = _options.Falling(training.Count), Metrics = [new("auc", auc)] }, training, validation, progress, stop);
        Told();
    }

    public double Chance(int learner, int item) => Chances([learner], [item])[0];

    public double[] Chances(int[] learners, int[] items)
    {
        double[] chances = new double[items.Length];
        for (int from = 0; from < items.Length; from += ToldAtOnce)
        {
            Range part = from..Math.Min(items.Length, from + ToldAtOnce);
            using Arena arena = new();
            Tensor told = Network.Forward(Indices.Of(learners[part]), Indices.Of(items[part]), DiagnosisBatch.Asks(items[part], _set.Asks, _set.Skills.Length, _options.Device)).Sigmoid();
            foreach (var (i, p) in told.ToArray().Index()) { chances[from + i] = p; }
        }
        return chances;
    }

    public double? Mastery(int learner, int skill) => _mastery[(learner * _set.Skills.Length) + skill];

    public double? Difficulty(int item) => _set.Asks[item].Average(k => _difficulty[(item * _set.Skills.Length) + k]);

    private static Indices Of(int[] rows, int[] of) => Indices.Wrap(Array.ConvertAll(rows, r => of[r]), [rows.Length]);

    private void Told()
    {
        using Arena arena = new();
        (_mastery, _difficulty) = (Network.Learners.Sigmoid().ToArray(), Network.Items.Difficulty.Sigmoid().ToArray());
    }
}

/// <summary>What a batch of a diagnosing network is made of.</summary>
internal static class DiagnosisBatch
{
    /// <summary>Which skills items ask for, as 0 and 1: [items, skills].</summary>
    public static Tensor Asks(int[] items, int[][] asks, int skills, Device device)
    {
        float[] all = new float[items.Length * skills];
        for (int i = 0; i < items.Length; i++)
        {
            foreach (int k in asks[items[i]]) { all[(i * skills) + k] = 1; }
        }
        return Tensor.Wrap(all, [items.Length, skills]).To(device);
    }
}
