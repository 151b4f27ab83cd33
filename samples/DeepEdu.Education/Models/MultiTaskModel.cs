using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Education.Models;

/// <summary>How networks are trained; the shared one and those of single tasks alike.</summary>
/// <param name="Trunk">Makes a trunk for rows of so many values.</param>
/// <param name="Width">Values a row that the trunk gives.</param>
internal sealed record TrainPlan(Func<int, Rng, Layer> Trunk, int Width)
{
    /// <summary>A member is validated on one of this many parts of the training rows and learns from the others.</summary>
    public const int Parts = 5;

    public Device Device { get; init; } = CpuDevice.Instance;

    public int Epochs { get; init; } = 30;

    public int Batch { get; init; } = 32;

    /// <summary>The highest rate, and the decay, unless others are given.</summary>
    public const double Rate = 3e-3, Decay = 0.01;

    public double LearningRate { get; init; } = Rate;

    public double WeightDecay { get; init; } = Decay;

    /// <summary>How many networks are averaged, at most <see cref="Parts"/>; each has its own start and its own validation part.</summary>
    public int Members { get; init; } = 1;
}

/// <summary>A committee that learns from some rows; each member keeps the epoch with the least weighted loss on its validation part.</summary>
internal sealed class MultiTaskModel : IStateful
{
    private readonly Tensor _x;
    private readonly Head[] _heads;
    private readonly int[] _train;
    private readonly TrainPlan _plan;
    private readonly Rng _rng;
    private readonly (float Mean, float Deviation)[] _scales;

    /// <summary>A model that has not learned.</summary>
    /// <param name="x">All rows.</param>
    /// <param name="heads">The tasks to learn together.</param>
    /// <param name="train">Rows to learn from and to validate on, in random order.</param>
    /// <param name="plan">Build and budget.</param>
    /// <param name="rng">Equal ones give equal trunks and equal batches, whatever the heads.</param>
    public MultiTaskModel(Tensor x, Head[] heads, int[] train, TrainPlan plan, Rng rng)
    {
        (_x, _heads, _train, _plan, _rng) = (x, heads, train, plan, rng);
        _scales = Array.ConvertAll(heads, h => Scale(h, train));
        Committee = new(Array.ConvertAll(heads, h => new Outcome(h.Name, h.Kind, h.Outputs)), _scales, Make);
        Training = Array.ConvertAll(heads, _ => new double[plan.Epochs]);
        Validation = Array.ConvertAll(heads, _ => new double[plan.Epochs]);
    }

    public Committee Committee { get; }

    /// <summary>The loss of each head on the rows learned from, epoch by epoch, mean over the members.</summary>
    public double[][] Training { get; }

    /// <summary>The loss of each head on the validation rows.</summary>
    public double[][] Validation { get; }

    /// <summary>The least weighted loss of an epoch on the validation rows, mean over the members.</summary>
    public double LeastValidation => Enumerable.Range(0, _plan.Epochs).Min(e => _heads.Select((h, k) => h.Weight * Validation[k][e]).Sum());

    /// <summary>Learns. False when stopped before the end.</summary>
    public bool Fit(CancellationToken stop)
    {
        while (Committee.Count < _plan.Members)
        {
            int m = Committee.Count;
            int[] valid = [.. _train.Where((_, place) => place % TrainPlan.Parts == m)], rows = [.. _train.Where((_, place) => place % TrainPlan.Parts != m)];
            if (!FitMember(rows, valid, _rng.Split((ulong)m), stop)) { return false; }
        }
        return true;
    }

    /// <summary>For each head the predictions, row after row: values in their own unit, or chances.</summary>
    public float[][] Predict(int[] rows)
    {
        float[][] predicted = Committee.Predict(_x.IndexSelect(0, rows));
        for (int h = 0; h < _heads.Length; h++)
        {
            if (_heads[h] is not { Kind: HeadKind.Value, Known: { } known }) { continue; }
            for (int i = 0; i < rows.Length; i++) { predicted[h][i] += known[rows[i]]; }
        }
        return predicted;
    }

    public void SaveState(StateDict to)
    {
        to.Set("committee", Committee);
        for (int h = 0; h < _heads.Length; h++) { to.Set($"training.{h}", Training[h]).Set($"validation.{h}", Validation[h]); }
    }

    public void LoadState(StateDict from)
    {
        from.CopyTo("committee", Committee);
        for (int h = 0; h < _heads.Length; h++) { (Training[h], Validation[h]) = (from.Doubles($"training.{h}"), from.Doubles($"validation.{h}")); }
    }

    private MultiTaskNet Make(int member)
    {
        Rng rng = _rng.Split((ulong)member);
        MultiTaskNet net = new(_plan.Trunk(_x.Size / _x.Shape[0], rng.Split(0)), _plan.Width, _heads.Select(h => h.Outputs), rng.Split(1));
        net.To(_x.Device);
        return net;
    }

    private bool FitMember(int[] rows, int[] valid, Rng rng, CancellationToken stop)
    {
        MultiTaskNet net = Committee.Make();
        AdamW optimizer = new(net.Parameters(), new() { LearningRate = _plan.LearningRate, WeightDecay = _plan.WeightDecay });
        Batches batches = new(rows, _plan.Batch, rng.Split(2));
        Trainer trainer = new(net, optimizer, batch => Objective.Sum([.. Losses(net, batch).Select((loss, h) => (_heads[h].Name, loss, _heads[h].Weight))]), new()
        {
            Schedule = Schedule.Cosine(_plan.LearningRate, _plan.Epochs * batches.Count),
            Callbacks = [new EarlyStopping { Patience = _plan.Epochs }], // never stops; the epoch with the least validation loss is kept
        });
        History history = trainer.Fit(batches, _plan.Epochs, new Batches(valid, Math.Max(1, valid.Length)), stop);
        if (history.Cancelled) { return false; }
        for (int h = 0; h < _heads.Length; h++)
        {
            foreach (EpochResult epoch in history.Epochs)
            {
                Training[h][epoch.Epoch] += epoch[_heads[h].Name] / _plan.Members;
                Validation[h][epoch.Epoch] += epoch[$"val_{_heads[h].Name}"] / _plan.Members;
            }
        }
        Committee.Add(net);
        return true;
    }

    private Tensor[] Losses(MultiTaskNet net, int[] rows)
    {
        Tensor[] outputs = net.Forward(_x.IndexSelect(0, rows));
        for (int h = 0; h < outputs.Length; h++)
        {
            Head head = _heads[h];
            outputs[h] = head.Kind switch
            {
                HeadKind.Value => (outputs[h] - Column(rows, r => (head.Targets[r] - (head.Known?[r] ?? 0) - _scales[h].Mean) / _scales[h].Deviation)).Square().Mean(),
                HeadKind.YesNo => outputs[h].BinaryCrossEntropyWithLogits(Column(rows, r => head.Targets[r])),
                _ => outputs[h].CrossEntropy(Array.ConvertAll(rows, r => (int)head.Targets[r])),
            };
        }
        return outputs;
    }

    private Tensor Column(int[] rows, Converter<int, float> value) => Tensor.Of([rows.Length, 1], Array.ConvertAll(rows, value), _x.Device);

    private static (float, float) Scale(Head head, int[] train)
    {
        if (head.Kind != HeadKind.Value) { return (0, 1); }
        double mean = train.Average(r => (double)head.Targets[r] - (head.Known?[r] ?? 0));
        double variance = train.Average(r => Math.Pow(head.Targets[r] - (head.Known?[r] ?? 0) - mean, 2));
        return ((float)mean, variance > 1e-12 ? (float)Math.Sqrt(variance) : 1);
    }
}
