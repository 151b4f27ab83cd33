using System.Globalization;
using DeepEdu.Nn;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>Ends training when a number has not got better for some epochs, and gives the model back the weights of the best one. Keras' <c>EarlyStopping</c>, with the best
/// weights restored unless told otherwise, and also when training ends by itself; after cancellation the weights stay, so that training can go on.</summary>
public sealed class EarlyStopping : Callback
{
    private Monitor? _monitor;
    private Snapshot? _best;
    private int _waited;

    /// <summary>A callback of every process.</summary>
    public EarlyStopping() => InEveryProcess = true;

    /// <summary>The number that is followed.</summary>
    public string Monitor { get; init; } = "val_loss";

    /// <summary>Whether it is an accuracy, not an error.</summary>
    public bool HigherIsBetter { get; init; }

    /// <summary>By how much a value must be better than the best to count.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative or NaN.</exception>
    public double MinDelta { get; init => field = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"early-stopping: a least step of {value} must not be negative"); }

    /// <summary>Epochs in a row that are let pass without getting better; the next one ends training, as in PyTorch's schedulers. Keras' <c>EarlyStopping</c> ends one epoch earlier.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int Patience { get; init => field = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"early-stopping: a patience of {value} epochs must not be negative"); }

    /// <summary>What must be beaten from the first epoch on; NaN for nothing.</summary>
    public double Baseline { get; init; } = double.NaN;

    /// <summary>Whether the model ends as it was after the best epoch. Until one beats the baseline there is none, and the weights stay.</summary>
    public bool RestoreBest { get; init; } = true;

    /// <summary>The best epoch; −1 before the first.</summary>
    public int BestEpoch => _monitor?.BestEpoch ?? -1;

    /// <summary>The best value; NaN before the first.</summary>
    public double Best => BestEpoch < 0 ? double.NaN : Watch.Best;

    private Monitor Watch => _monitor ??= new(Monitor, HigherIsBetter, MinDelta, Baseline);

    /// <inheritdoc/>
    public override void OnBegin(TrainingRun run) => EndIfPatienceIsOver(run); // a training that had been ended, taken up again, has no epoch more

    /// <inheritdoc/>
    public override void OnEpoch(TrainingRun run, EpochResult result)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(result);
        if (Watch.Take(result))
        {
            _waited = 0;
            if (RestoreBest) { _best = run.Model.Snapshot(); }
            return;
        }
        _waited++;
        EndIfPatienceIsOver(run);
    }

    /// <inheritdoc/>
    public override void OnEnd(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (_best is not null && !run.History.Cancelled) { run.Model.Restore(_best); }
    }

    /// <inheritdoc/>
    public override void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("waited", _waited).Set("monitor", Watch).Set("has_best", _best is not null);
        _best?.SaveState(to.Part("weights"));
    }

    /// <inheritdoc/>
    public override void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        from.CopyTo("monitor", Watch);
        _waited = from.Int("waited");
        _best = from.Bool("has_best") ? Snapshot.Of(from.Part("weights")) : null;
    }

    private void EndIfPatienceIsOver(TrainingRun run)
    {
        if (_waited <= Patience) { return; }
        ArgumentNullException.ThrowIfNull(run);
        run.Stop($"{Monitor} has not got better for {_waited} epochs{(BestEpoch < 0 ? "" : string.Create(CultureInfo.InvariantCulture, $": the best was {Best:G6} in epoch {BestEpoch + 1}"))}");
    }
}
