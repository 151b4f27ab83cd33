using System.Diagnostics;
using System.Runtime.CompilerServices;
using DeepEdu.Autograd;
using DeepEdu.Collectives;
using DeepEdu.Data;
using DeepEdu.Memory;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>The loop around a model: epochs of steps, validation, metrics, callbacks, progress, cancellation, and a state from which training goes on to the same bits. The loss
/// function takes a batch and does everything else itself, so models may have several inputs, outputs and losses.
/// <code>
/// var trainer = new Trainer&lt;int[]&gt;(model, new Adam(model.Parameters()), rows => model.Forward(x.IndexSelect(0, rows)).CrossEntropy(labels.Select(rows)));
/// var history = trainer.Fit(new Batches(trainRows, 64, rng), epochs: 10, validation: new Batches(validationRows, 256));
/// </code></summary>
/// <typeparam name="B">A batch, as the data give it.</typeparam>
/// <param name="model">What learns.</param>
/// <param name="optimizer">Moves the model's parameters.</param>
/// <param name="loss">The mean loss of a batch; a tensor of one value will do. It may add to the metrics of the options.</param>
/// <param name="options">How to train.</param>
public partial class Trainer<B>(Module model, Optimizer optimizer, Func<B, Objective> loss, TrainerOptions? options = null) : IStateful
{
    private readonly TrainerOptions _options = Check(options ?? new());
    private readonly Func<B, Objective> _loss = loss ?? throw new ArgumentNullException(nameof(loss));
    private readonly GradientSum _gradients = new();
    private Action<Callback>? _step, _settled;
    private readonly DrawWatch? _draws = options is not null && (options.BatchParts > 1 || options.Collective is { Size: > 1 } || options.Callbacks.Any(c => c is Checkpoints)) ? new() : null;
    private bool _looked, _training, _amidEpoch;

    /// <summary>Where training stands.</summary>
    public TrainingRun Run { get; } = new(model ?? throw new ArgumentNullException(nameof(model)), optimizer ?? throw new ArgumentNullException(nameof(optimizer)), options ?? new());

    /// <summary>Trains until the given number of epochs is reached, counted from the very first; a trainer that was stopped, or whose state was loaded, goes on at the next step.</summary>
    /// <param name="training">What to learn from.</param>
    /// <param name="epochs">How often all of it is seen.</param>
    /// <param name="validation">Evaluated, not learned from, after each epoch.</param>
    /// <param name="stop">Looked at before each step. What was learnt is kept, callbacks are told the end, and <see cref="History.Cancelled"/> is true.</param>
    /// <exception cref="InvalidOperationException">There is no batch, or a callback threw, or the loss depends on a parameter that is neither part of the model nor with the optimiser, or this trainer trains already.</exception>
    /// <exception cref="NonFiniteException">A loss is not finite; see <see cref="TrainerOptions.NonFinite"/>.</exception>
    public History Fit(IBatches<B> training, int epochs, IBatches<B>? validation = null, CancellationToken stop = default)
    {
        foreach (var _ in Epochs(training, epochs, validation, stop)) { }
        return Run.History;
    }

    /// <summary>Trains as <see cref="Fit"/> does, on threads of the pool, and gives each epoch as it is finished; the next one begins when it is asked for. Leaving the loop ends training.</summary>
    /// <param name="training">What to learn from.</param>
    /// <param name="epochs">How often all of it is seen.</param>
    /// <param name="validation">Evaluated, not learned from, after each epoch.</param>
    /// <param name="stop">Looked at before each step; when it is set the sequence ends.</param>
    public IAsyncEnumerable<EpochResult> FitAsync(IBatches<B> training, int epochs, IBatches<B>? validation = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentOutOfRangeException.ThrowIfNegative(epochs);
        return OnThreads(training, epochs, validation, stop);
    }

    private async IAsyncEnumerable<EpochResult> OnThreads(IBatches<B> training, int epochs, IBatches<B>? validation, [EnumeratorCancellation] CancellationToken stop)
    {
        using var each = Epochs(training, epochs, validation, stop).GetEnumerator();
        // not cancelled itself: the loop ends in order
        while (await Task.Run(each.MoveNext, CancellationToken.None).ConfigureAwait(false)) { yield return each.Current; }
    }

    /// <summary>The mean loss and the metrics over data, in use: no dropout, running statistics, no gradient. Names are those of training, without "val_". Metrics keep what they saw of the data,
    /// but for a callback's call amid an epoch, after which they go on with the epoch.</summary>
    /// <exception cref="InvalidOperationException">There is no batch.</exception>
    public IReadOnlyDictionary<string, double> Evaluate(IBatches<B> data)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (!_amidEpoch) { return Measure(data); }
        (IMetric Metric, StateDict Seen)[] epoch = [.. _options.Metrics.Select(m => m.Metric).Distinct().Select(m => (m, StateDict.CopyOf(m)))];
        try { return Measure(data); }
        finally
        {
            foreach (var (metric, seen) in epoch) { metric.LoadState(seen); }
        }
    }

    private OrderedDictionary<string, double> Measure(IBatches<B> data)
    {
        if (InParts) { return MeasureTogether(data, _alone ? Collective.Alone : Group); }
        foreach (var metric in _options.Metrics) { metric.Metric.Reset(); }
        OrderedDictionary<string, double> sums = new() { ["loss"] = 0 };
        double total = 0;
        int batches = 0;
        foreach (var batch in data.Epoch(0))
        {
            using var arena = new Arena();
            var objective = _loss(batch);
            double weight = objective.Weight ?? BatchRows.Of(batch);
            sums["loss"] += objective.Total.Item() * weight;
            foreach (var (name, part) in objective.Parts) { sums[name] = sums.GetValueOrDefault(name) + (part.Item() * weight); }
            total += weight;
            batches++;
        }
        if (batches == 0) { throw NoBatch("evaluate"); }
        foreach (string name in sums.Keys.ToArray()) { sums[name] /= total; }
        foreach (var metric in _options.Metrics) { sums[metric.Name] = metric.Now; }
        return sums;
    }

    /// <inheritdoc/>
    public void SaveState(StateDict to) => Run.SaveState(to);

    /// <inheritdoc/>
    public void LoadState(StateDict from) => Run.LoadState(from);

    private IEnumerable<EpochResult> Epochs(IBatches<B> training, int epochs, IBatches<B>? validation, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentOutOfRangeException.ThrowIfNegative(epochs);
        if (Interlocked.Exchange(ref _training, true)) { throw new InvalidOperationException("trainer: it trains already, on another thread or in the loop around this one; wait for its end, or make a trainer and a model for each"); }
        bool ended = false;
        try
        {
            using var each = Learn(training, epochs, validation, stop).GetEnumerator();
            while (Next(each)) { yield return each.Current; }
            ended = true;
        }
        finally
        {
            if (!ended) { Group.Abort("its training was left before the end"); }
            Volatile.Write(ref _training, false);
        }
    }

    // what goes wrong here is told to the other processes
    private bool Next(IEnumerator<EpochResult> each)
    {
        try { return each.MoveNext(); }
        catch (Exception e)
        {
            Abort(Group, e);
            throw;
        }
    }

    private IEnumerable<EpochResult> Learn(IBatches<B> training, int epochs, IBatches<B>? validation, CancellationToken stop)
    {
        CheckPrivacy(training);
        Run.Begin(epochs, training.Count);
        BeginTogether(training, validation is not null);
        var meter = new ProgressMeter(Run, Group.Rank == 0 ? _options.Progress : null);
        try
        {
            Tell(c => c.OnBegin(Run));
            Agree();
            while (Run.Epoch < epochs && Run.StopReason is null)
            {
                long began = Stopwatch.GetTimestamp();
                if (!LearnEpoch(training, meter, stop)) { break; }
                EpochResult result;
                using (_options.Average?.Apply())
                {
                    result = new(Run.Epoch, Run.Step, Numbers(validation), Stopwatch.GetElapsedTime(began).TotalSeconds);
                    foreach (var metric in _options.Metrics) { metric.Metric.Reset(); }
                    Run.Finish(result);
                    meter.Epoch(result);
                    Tell(c => c.OnEpoch(Run, result));
                }
                Tell(_settled ??= c => c.OnSettled(Run));
                Agree();
                yield return result;
            }
            (Run.History.Cancelled, Run.History.StopReason) = ((InParts ? _cancelled : stop.IsCancellationRequested) && Run.Epoch < epochs && Run.StopReason is null, Run.StopReason);
            Tell(c => c.OnLeaving(Run));
            Settle(c => c.OnEnd(Run));
        }
        finally
        {
            _gradients.Clear();
            foreach (var callback in _options.Callbacks.Where(IsTold)) { callback.Close(); }
        }
    }

    // of the epoch just learned
    private OrderedDictionary<string, double> Numbers(IBatches<B>? validation)
    {
        var values = Run.Now();
        if (validation is not null)
        {
            foreach (var (name, value) in Measure(validation)) { values[$"val_{name}"] = value; }
        }
        if (_options.Privacy is { } privacy) { values["epsilon"] = privacy.Epsilon; }
        foreach (var (name, value) in EpochNumbers()) { values[name] = value; }
        return values;
    }

    private bool LearnEpoch(IBatches<B> training, ProgressMeter meter, CancellationToken stop)
    {
        _amidEpoch = true;
        try { return InParts ? LearnBatchesInParts(training, meter, stop) : LearnBatches(training, meter, stop); }
        finally
        {
            Run.TakeBack();
            _amidEpoch = false;
        }
    }

    // false when it was left before its end
    private bool LearnBatches(IBatches<B> training, ProgressMeter meter, CancellationToken stop)
    {
        if (Run.Batch == 0)
        {
            foreach (var metric in _options.Metrics) { metric.Metric.Reset(); }
        }
        int pending = 0;
        foreach (var batch in training.Epoch(Run.Epoch, Run.Batch))
        {
            if (pending == 0 && (stop.IsCancellationRequested || Run.StopReason is not null)) { return false; }
            if (pending == 0) { Run.Begins(); }
            bool last = ++pending == _options.AccumulateBatches;
            if (!(_options.Privacy is { } privacy ? LearnAlone(batch, privacy, out int rows) : Learn(batch, pending, last, out rows))) { return false; }
            if (last)
            {
                pending = 0;
                Settle(_step ??= c => c.OnStep(Run));
            }
            meter.Batch(rows);
        }
        EndEpoch(pending);
        return true;
    }

    // the last batches may be fewer than those of a step
    private void EndEpoch(int pending)
    {
        if (pending > 0)
        {
            _gradients.Step(optimizer, Bound);
            Stepped();
            Settle(_step ??= c => c.OnStep(Run));
        }
        if (Run.Batch == 0) { throw NoBatch("fit"); }
    }

    // false when it found a loss that is not finite and training shall stop
    private bool Learn(B batch, int number, bool last, out int rows)
    {
        using var tape = new Tape();
        var objective = _draws is null ? _loss(batch) : _draws.During(Run, batch, _loss);
        rows = BatchRows.Of(batch);
        double weight = objective.Weight ?? rows;
        float value = objective.Total.Item();
        if (!float.IsFinite(value) && NotFinite(tape, objective.Total, batch)) { return false; }
        var gradients = tape.Gradients(objective.Total);
        if (!_looked) { ThrowIfForgotten(gradients); }
        if (_options.CheckGradients && !float.IsFinite(Clip.Norm(gradients)) && NotFinite(tape, objective.Total, batch)) { return false; }
        if (number == 1 && _options.Schedule is { } schedule) { optimizer.LearningRate = schedule.At(Run.Step); }
        if (_options.AccumulateBatches > 1) { _gradients.Add(gradients, weight); }
        Run.Learned(value, weight, objective.Parts);
        if (!last) { return true; }
        if (_options.AccumulateBatches > 1) { _gradients.Step(optimizer, Bound); }
        else
        {
            Bound(gradients);
            optimizer.Step(gradients);
        }
        Stepped();
        return true;
    }

    // a field that Parts() does not name would neither learn nor be saved
    private void ThrowIfForgotten(Gradients gradients)
    {
        var known = new HashSet<Tensor>(optimizer.Groups.SelectMany(g => g.Parameters).Concat(model.Parameters()).Select(p => p.Value), ReferenceEqualityComparer.Instance);
        Tensor[] forgotten = [.. gradients.Leaves.Where(leaf => leaf is Parameter && !known.Contains(leaf))];
        if (forgotten.Length > 0)
        {
            throw new InvalidOperationException($"trainer: the loss depends on {forgotten.Length} parameters ({string.Join(", ", forgotten.Take(4).Select(p => p.Shape))}{(forgotten.Length > 4 ? ", .." : "")}) " +
                $"that are neither part of the {model.Kind} nor with the optimiser; does Parts() name every field? Freeze() a module that shall not learn");
        }
        _looked = true;
    }

    private void Stepped()
    {
        Run.Stepped();
        if (Run.Step % _options.AverageEvery == 0) { _options.Average?.Update(); }
    }

    private void Bound(Gradients gradients)
    {
        if (_options.ClipValue is { } most) { Clip.ByValue(gradients, most); }
        if (_options.ClipNorm is { } limit) { Clip.ByNorm(gradients, limit); }
    }

    // whether to stop
    private bool NotFinite(Tape tape, Tensor value, B batch)
    {
        if (_options.NonFinite == NonFinite.Ignore) { return false; }
        _gradients.Clear();
        var error = NonFiniteException.Of(tape, value, Run, batch);
        if (_options.NonFinite == NonFinite.Throw) { throw error; }
        Run.Stop(error.Message);
        return true;
    }

    private void Settle(Action<Callback> what)
    {
        Tell(what);
        Tell(_settled ??= c => c.OnSettled(Run));
    }

    private void Tell(Action<Callback> what)
    {
        foreach (var callback in _options.Callbacks)
        {
            if (!IsTold(callback)) { continue; }
            _alone = !callback.InEveryProcess;
            try { what(callback); }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw new InvalidOperationException($"trainer: callback {callback.Name} failed after step {Run.Step}: {e.Message}", e);
            }
            finally { _alone = false; }
        }
    }

    private static TrainerOptions Check(TrainerOptions options)
    {
        NullItems.ThrowIfAny(options.Callbacks);
        NullItems.ThrowIfAny(options.Metrics);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.AccumulateBatches, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchParts, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.BatchParts, short.MaxValue);
        if (options.Collective is { } group && group.Size > options.BatchParts) { throw new ArgumentException($"trainer: {group.Size} processes and {options.BatchParts} parts a batch: TrainerOptions.BatchParts must be at least {group.Size}, so that each has something to do; keep it for other numbers of processes, and they give the same bits"); }
        ArgumentOutOfRangeException.ThrowIfLessThan(options.AverageEvery, 1);
        var twice = options.Metrics.GroupBy(m => m.Name).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null) { throw new ArgumentException($"trainer: two metrics are called \"{twice.Key}\""); }
        return options.Metrics.FirstOrDefault(m => m.Name is "loss" or "learning_rate") is not { } hides ? options : throw new ArgumentException($"trainer: a metric \"{hides.Name}\" would hide the epoch's own number of that name");
    }

    private static InvalidOperationException NoBatch(string op) => new($"{op}: the data give no batch; are there no rows, or fewer than one batch and the last one is left out?");
}
