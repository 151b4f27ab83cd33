using DeepEdu.Data;
using DeepEdu.Education.Search;
using DeepEdu.Education.Ui;
using DeepEdu.Nn;
using DeepEdu.Optim;
using DeepEdu.Training;

namespace DeepEdu.Education.Models;

/// <summary>How far a training got, and which epoch was kept, from 0.</summary>
internal sealed record Learned(History History, string Monitor, bool HigherIsBetter, int BestEpoch)
{
    /// <summary>Of a network that has not learned.</summary>
    public static Learned Nothing { get; } = new(new(), "", false, -1);

    public int EpochsRun => History.Epochs.Count;

    /// <summary>The best of the number that chose the epoch; NaN where there is none.</summary>
    public double Best => Array.FindAll(EpochsRun == 0 ? [] : this[Monitor], double.IsFinite) is { Length: > 0 } all ? HigherIsBetter ? all.Max() : all.Min() : double.NaN;

    /// <summary>As a trial.</summary>
    public Tried Tried => new(Best, EpochsRun);

    /// <summary>A number of every epoch.</summary>
    public double[] this[string name] => History[name];
}

/// <summary>What the trainings of all commands have in common: epochs show, checkpoints are kept and taken up, and the network ends as it was after the best epoch, a private one as it is after the last.</summary>
/// <param name="Options">What the training was told.</param>
/// <param name="Monitor">The number that chooses the epoch.</param>
internal sealed record Learning(LearningOptions Options, string Monitor)
{
    public bool HigherIsBetter { get; init; }

    /// <summary>Epochs without a better number after which training stops; null: never.</summary>
    public int? Patience { get; init; }

    /// <summary>Numbers in the line of each epoch.</summary>
    public string[] Shown { get; init; } = [];

    /// <summary>What comes before "epoch 3/20", with spaces.</summary>
    public string Phase { get; init; } = "";

    public Learned Fit<B>(Module network, Optimizer optimizer, Func<B, Objective> loss, TrainerOptions options, IBatches<B> training, IBatches<B>? validation, IProgress progress, CancellationToken stop)
    {
        EarlyStopping best = new() { Monitor = Monitor, HigherIsBetter = HigherIsBetter, Patience = (Patience ?? Options.Epochs + 1) - 1 };
        bool isPrivate = Options.Privacy is not null; // then the last epoch is kept: validation learners choose nothing
        EpochLines lines = new(progress, Phase, isPrivate ? [.. Shown, "epsilon"] : Shown);
        using CancellationTokenSource there = CancellationTokenSource.CreateLinkedTokenSource(stop);
        LambdaCallback until = new() { Epoch = (run, _) => StopAt(run) };
        void StopAt(TrainingRun run) { if (run.Epoch >= Options.Until && run.Epoch < Options.Epochs) { there.Cancel(); } }
        Trainer<B> trainer = new(network, optimizer, loss, options with { Callbacks = [.. isPrivate ? (Callback[])[] : [best], lines, .. Options.Until is null ? (Callback[])[] : [until], .. Options.Kept.Callbacks], Progress = lines });
        Options.Kept.Resume(trainer.Run, progress, Phase);
        StopAt(trainer.Run); // it may have been there before
        History history = trainer.Fit(training, Options.Epochs, validation, there.Token);
        return new(history, Monitor, HigherIsBetter, best.BestEpoch >= 0 ? best.BestEpoch : history.Epochs.Count - 1); // where every number is undefined, none is better than the last
    }
}
