using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>Something that is told what happens in a training, and may end it. What it throws ends the training too, with its name in the message.</summary>
public abstract class Callback : IStateful
{
    /// <summary>The name that errors show and under which its state is saved.</summary>
    public virtual string Name => GetType().Name;

    /// <summary>Whether every one of several processes tells it, not rank 0 alone: what changes weights or the learning rate must be. What ends training need not: <see cref="TrainingRun.Stop"/> reaches all.</summary>
    public bool InEveryProcess { get; init; }

    /// <summary>Before the first step of <c>Fit</c>; again when training is taken up.</summary>
    public virtual void OnBegin(TrainingRun run) { }

    /// <summary>After each step of the optimiser.</summary>
    public virtual void OnStep(TrainingRun run) { }

    /// <summary>After each epoch and its validation.</summary>
    public virtual void OnEpoch(TrainingRun run, EpochResult result) { }

    /// <summary>Before <see cref="OnEnd"/>, while the weights are those that training goes on with.</summary>
    internal virtual void OnLeaving(TrainingRun run) { }

    /// <summary>When training has ended, by itself, by a callback or by cancellation. Not after an error.</summary>
    public virtual void OnEnd(TrainingRun run) { }

    /// <summary>When every callback has been told of a step, an epoch or the end: the time to write down where training stands.</summary>
    public virtual void OnSettled(TrainingRun run) { }

    /// <summary>At the very end, after an error too: lets go of files.</summary>
    public virtual void Close() { }

    /// <inheritdoc/>
    public virtual void SaveState(StateDict to) { }

    /// <inheritdoc/>
    public virtual void LoadState(StateDict from) { }
}

/// <summary>A callback of functions.
/// <code>new LambdaCallback { Epoch = (run, result) => { if (result.Loss &lt; 0.01) { run.Stop("good enough"); } } }</code></summary>
public sealed class LambdaCallback : Callback
{
    /// <summary>See <see cref="Callback.OnBegin"/>.</summary>
    public Action<TrainingRun>? Begin { get; init; }

    /// <summary>See <see cref="Callback.OnStep"/>.</summary>
    public Action<TrainingRun>? Step { get; init; }

    /// <summary>See <see cref="Callback.OnEpoch"/>.</summary>
    public Action<TrainingRun, EpochResult>? Epoch { get; init; }

    /// <summary>See <see cref="Callback.OnEnd"/>.</summary>
    public Action<TrainingRun>? End { get; init; }

    /// <inheritdoc/>
    public override void OnBegin(TrainingRun run) => Begin?.Invoke(run);

    /// <inheritdoc/>
    public override void OnStep(TrainingRun run) => Step?.Invoke(run);

    /// <inheritdoc/>
    public override void OnEpoch(TrainingRun run, EpochResult result) => Epoch?.Invoke(run, result);

    /// <inheritdoc/>
    public override void OnEnd(TrainingRun run) => End?.Invoke(run);
}
