using DeepEdu.Nn;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>Where a training stands: what callbacks see, and what a checkpoint holds so that it goes on to the same bits.</summary>
public sealed class TrainingRun : IStateful
{
    private readonly TrainerOptions _options;
    private readonly OrderedDictionary<string, double> _parts = [], _partsBefore = [];
    private (int Batch, double LastLoss, double LossSum, double Weight)? _before;
    private double _lossSum, _weight;

    internal TrainingRun(Module model, Optimizer optimizer, TrainerOptions options) => (Model, Optimizer, _options) = (model, optimizer, options);

    /// <summary>What learns.</summary>
    public Module Model { get; }

    /// <summary>Moves the model's parameters.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>The epoch that runs or comes next, 0 first.</summary>
    public int Epoch { get; private set; }

    /// <summary>How many epochs there shall be.</summary>
    public int Epochs { get; internal set; }

    /// <summary>Batches of this epoch that were learned from.</summary>
    public int Batch { get; private set; }

    /// <summary>Batches an epoch; null if not known.</summary>
    public int? Batches { get; internal set; }

    /// <summary>Steps of the optimiser, over all epochs.</summary>
    public int Step { get; private set; }

    /// <summary>The loss of the last batch; NaN before the first.</summary>
    public double LastLoss { get; private set; } = double.NaN;

    /// <summary>The mean loss of this epoch so far; NaN before its first batch.</summary>
    public double Loss => _lossSum / _weight;

    /// <summary>The epochs that were finished.</summary>
    public History History { get; } = new();

    internal string? StopReason { get; private set; }

    /// <summary>Called before somebody looks at the metrics.</summary>
    internal Action? Look { get; set; }

    internal bool HasSchedule => _options.Schedule is not null;

    /// <summary>Ends training after this step.</summary>
    public void Stop(string reason)
    {
        ArgumentException.ThrowIfNullOrEmpty(reason);
        StopReason ??= reason;
    }

    /// <summary>The numbers of this epoch so far: "loss", its parts, metrics, "learning_rate".</summary>
    public OrderedDictionary<string, double> Now()
    {
        Look?.Invoke();
        OrderedDictionary<string, double> values = new() { ["loss"] = Loss };
        foreach (var (name, sum) in _parts) { values[name] = sum / _weight; }
        foreach (var metric in _options.Metrics) { values[metric.Name] = metric.Now; }
        values["learning_rate"] = Optimizer.LearningRate;
        return values;
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        Look?.Invoke();
        to.Set("model", Model).Set("optimizer", Optimizer).Set("history", History)
            .Set("epoch", Epoch).Set("batch", Batch).Set("step", Step).Set("last_loss", LastLoss).Set("loss_sum", _lossSum).Set("weight", _weight)
            .Set("part_names", [.. _parts.Keys]).Set("part_sums", [.. _parts.Values]);
        foreach (var (name, part) in Stateful()) { to.Set(name, part); }
        foreach (var (name, rng) in _options.Streams) { to.Part("streams").Set(name, rng); }
    }

    /// <inheritdoc/>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        from.CopyTo("model", Model);
        from.CopyTo("optimizer", Optimizer);
        from.CopyTo("history", History);
        (Epoch, Batch, Step, LastLoss, _lossSum, _weight) = (from.Int("epoch"), from.Int("batch"), from.Int("step"), from.Double("last_loss"), from.Double("loss_sum"), from.Double("weight"));
        _parts.Clear();
        foreach (var (name, sum) in from.Texts("part_names").Zip(from.Doubles("part_sums"))) { _parts[name] = sum; }
        foreach (var (name, part) in Stateful()) { from.CopyTo(name, part); }
        foreach (var (name, rng) in _options.Streams) { from.Part("streams").CopyTo(name, rng); }
    }

    internal void Begin(int epochs, int? batches)
    {
        (Epochs, Batches, StopReason) = (epochs, batches, null);
        (History.Cancelled, History.StopReason) = (false, null);
    }

    /// <summary>Remembers where it stands before the batches of a step.</summary>
    internal void Begins()
    {
        _before = (Batch, LastLoss, _lossSum, _weight);
        _partsBefore.Clear();
        foreach (var (name, sum) in _parts) { _partsBefore[name] = sum; }
    }

    /// <summary>Back to before the batches of a step that was not made: their gradients are gone, and they come again.</summary>
    internal void TakeBack()
    {
        if (_before is not { } before) { return; }
        (Batch, LastLoss, _lossSum, _weight) = before;
        _parts.Clear();
        foreach (var (name, sum) in _partsBefore) { _parts[name] = sum; }
        _before = null;
    }

    internal void Learned(double loss, double weight, ReadOnlySpan<(string Name, Tensor Loss)> parts)
    {
        Learned(loss);
        Saw(loss, weight, parts);
    }

    /// <summary>A batch is done. One without a sample has no loss.</summary>
    internal void Learned(double loss)
    {
        Batch++;
        if (!double.IsNaN(loss)) { LastLoss = loss; }
    }

    /// <summary>Takes losses into the epoch's means.</summary>
    internal void Saw(double loss, double weight, ReadOnlySpan<(string Name, Tensor Loss)> parts)
    {
        _lossSum += loss * weight;
        _weight += weight;
        foreach (var (name, part) in parts) { SawPart(name, part.Item(), weight); }
    }

    /// <summary>Takes in one of the losses that a loss is made of.</summary>
    internal void SawPart(string name, double value, double weight) => _parts[name] = _parts.GetValueOrDefault(name) + (value * weight);

    internal void Stepped()
    {
        Step++;
        _before = null;
    }

    internal void Finish(EpochResult result)
    {
        History.Add(result);
        (Epoch, Batch, _lossSum, _weight) = (Epoch + 1, 0, 0, 0);
        _parts.Clear();
    }

    private IEnumerable<(string Name, IStateful Part)> Stateful()
    {
        foreach (var metric in _options.Metrics.DistinctBy(m => m.Metric)) { yield return ($"metrics.{metric.Name}", metric.Metric); }
        for (int i = 0; i < _options.Callbacks.Count; i++) { yield return ($"callbacks.{i}.{_options.Callbacks[i].Name}", _options.Callbacks[i]); }
        if (_options.Average is { } average) { yield return ("average", average); }
        if (_options.Privacy is { } privacy) { yield return ("privacy", privacy); }
        foreach (var (name, part) in _options.Parts) { yield return ($"parts.{name}", part); }
    }
}
