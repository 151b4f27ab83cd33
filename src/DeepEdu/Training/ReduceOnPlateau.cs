using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>Lowers the learning rate when a number of the epochs stops getting better; see <see cref="Plateau"/>.</summary>
public sealed class ReduceOnPlateau : Callback
{
    private readonly string _monitor;
    private readonly PlateauOptions? _options;
    private Plateau? _plateau;
    private StateDict? _saved;

    /// <summary>A callback of every process.</summary>
    /// <param name="monitor">The number that is followed.</param>
    /// <param name="options">How.</param>
    public ReduceOnPlateau(string monitor = "val_loss", PlateauOptions? options = null) => (_monitor, _options, InEveryProcess) = (monitor, options, true);

    /// <inheritdoc/>
    public override void OnBegin(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (_plateau is not null) { return; }
        if (run.HasSchedule) { throw new InvalidOperationException("a schedule sets the learning rate at every step; leave out the schedule or the plateau"); }
        _plateau = new(run.Optimizer, _options);
        if (_saved is not null) { _plateau.LoadState(_saved); }
        _saved = null;
    }

    /// <inheritdoc/>
    public override void OnEpoch(TrainingRun run, EpochResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        _plateau!.Report(result[_monitor]);
    }

    /// <inheritdoc/>
    public override void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        if (_plateau is not null) { _plateau.SaveState(to); }
        else { _saved?.SaveState(to); }
    }

    /// <inheritdoc/>
    public override void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        if (_plateau is not null) { _plateau.LoadState(from); return; }
        // the optimiser is known when training begins; what was saved before that is nothing
        _saved = null;
        if (from.Names.Count > 0) { from.SaveState(_saved = new()); }
    }
}
