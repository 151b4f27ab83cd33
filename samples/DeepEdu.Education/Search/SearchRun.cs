using System.Globalization;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Tasks;
using DeepEdu.Education.Ui;
using DeepEdu.Io;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Education.Search;

/// <summary>Tries settings of a task on its validation data, then runs the task with the best. What was tried stands in <c>OUT/search/trials.ckpt</c>, trainings that may go on in <c>OUT/search/trial-N</c>, from which <c>--resume</c> comes to the same end;
/// without <c>--out</c> in a folder for the time being.</summary>
internal static class SearchRun
{
    private const string TunerPart = "tuner", StatePart = "state";

    /// <summary>Whether a folder given by <c>--out</c> holds a search.</summary>
    public static bool HoldsOne(string folder) => File.Exists(Kept(Path.Combine(folder, "search")));

    public static IReadOnlyList<RunResult> Run(IEducationTask task, RunOptions options, IProgress progress, CancellationToken stop)
    {
        SearchAsked asked = options.Search!;
        string folder = options.Out is { } to ? Path.Combine(to, "search") : Directory.CreateTempSubdirectory("deepedu-search-").FullName;
        try
        {
            Trials trials = task.Trials(options with { Search = null }, progress);
            if (asked.By != SearchAsked.Random && trials.NotHalved is { } why) { throw new DataException($"--by {asked.By}: {task.Name} cannot stop a trial and go on with it: {why} Use --by {SearchAsked.Random}."); }
            if (options is { Out: not null, Resume: false }) { Clear(folder, task, options); } // not before the data are read: a run that cannot begin takes nobody's place
            Tuner tuner = asked.Tuner(trials.Epochs, options.Seed, trials.HigherIsBetter);
            CheckpointInfo info = new() { Options = options.Settings(task.Name).Set("--search", asked.Trials).Set("--over", string.Join(' ', asked.Over)).Set("--by", asked.By), Seed = options.Seed, DataHash = trials.Print };
            if (options.Resume)
            {
                CheckpointFile saved = CheckpointFile.Load(Kept(folder));
                saved.Require(info);
                saved.Restore(TunerPart, tuner);
                progress.Line($"taken up after {tuner.Trials.Count(t => t.Told.Count > 0)} of {tuner.Trials.Count} trials");
            }
            else { Save(folder, info, tuner, finished: false); }
            while (tuner.Next() is { } trial)
            {
                string own = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"trial-{trial.Number}"));
                RunOptions its = asked.With(options, trial.Point) with { Out = own, Resume = RunFolder.HoldsARun(own), Until = trial.Until };
                Tried tried = Learn(task, trials, its, $"trial {trial.Number}/{tuner.Trials.Count}, ", progress, stop);
                if (stop.IsCancellationRequested) { return [new(task.Name, "search", trials.Data) { Interrupted = true, Seed = options.Seed, Search = Told(asked, trials, tuner, options) }]; }
                tuner.Tell(trial, tried.Value);
                Save(folder, info, tuner, finished: false);
                if (trial.Until == trials.Epochs && Directory.Exists(own)) { Directory.Delete(own, true); }
                progress.Line($"trial {trial.Number,2}/{tuner.Trials.Count}  {string.Join("  ", asked.Of(trial.Point).Select(o => $"{o.Name} {o.Value}"))}: {(double.IsNaN(tried.Value) ? $"no {trials.Metric}" : $"{trials.Metric} {ResultTable.Number(tried.Value)}")} of {tried.Epochs} epochs{(trial.Until < trials.Epochs ? $" (of {trials.Epochs})" : "")}");
            }
            foreach (string own in Directory.EnumerateDirectories(folder, "trial-*")) { Directory.Delete(own, true); }
            SearchTold told = Told(asked, trials, tuner, options);
            if (tuner.Best is not { } best) { throw new DataException($"--search: none of {tuner.Trials.Count} trials has a {trials.Metric}: either their losses were not finite, and lower rates may help, or the validation part does not have it."); }
            progress.Line($"the best is trial {best.Number}: {told.Best!.Typed}");
            RunOptions final = asked.With(options, best.Point) with { Folds = options.Folds ?? (trials.Folds > 1 ? 1 : null), Resume = options.Resume && RunFolder.HoldsTrainings(Path.Combine(options.Out!, task.Name)) };
            RunResult[] results = [.. task.Run(final, progress, stop).Select((r, i) => i == 0 ? r with { Search = told } : r)];
            Save(folder, info, tuner, finished: !stop.IsCancellationRequested);
            return results;
        }
        finally
        {
            if (options.Out is null) { Directory.Delete(folder, true); }
        }
    }

    private static Tried Learn(IEducationTask task, Trials trials, RunOptions options, string phase, IProgress progress, CancellationToken stop)
    {
        try { return trials.Learn(options, RunFolder.Open(options, task.Name, trials.Print), new Steps(progress, phase), stop); }
        catch (NonFiniteException) { return new(double.NaN, 0); } // such a rate is one of those that a search is to rule out
    }

    private static SearchTold Told(SearchAsked asked, Trials trials, Tuner tuner, RunOptions options)
    {
        TrialTold[] told = [.. tuner.Trials.Where(t => t.Told.Count > 0).Select(t => new TrialTold(t.Number, asked.Of(t.Point), t.Told[^1].Until, t.Value))];
        return new(asked.By, trials.Metric, trials.HigherIsBetter, told, tuner.Best is { } best ? Array.Find(told, t => t.Number == best.Number) : null)
        {
            Logarithms = [.. asked.Over.Where(a => a.Log).Select(a => a.Name)],
            Asked = tuner.Trials.Count,
            Epochs = trials.Epochs,
            Folded = trials.Folds > 1,
            TestedLater = trials.TestedLater && options.Folds > 1,
        };
    }

    private static string Kept(string folder) => Path.Combine(folder, "trials.ckpt");

    private static void Save(string folder, CheckpointInfo info, Tuner tuner, bool finished)
    {
        Directory.CreateDirectory(folder);
        CheckpointFile.Save(Kept(folder), info, (TunerPart, tuner), (StatePart, new StateDict().Set("finished", finished)));
    }

    /// <summary>A finished search gives way, one that was not finished does not, nor does a run.</summary>
    private static void Clear(string folder, IEducationTask task, RunOptions options)
    {
        if (File.Exists(Kept(folder)) && !CheckpointFile.Load(Kept(folder)).State(StatePart).Bool("finished"))
        {
            throw new DataException($"{folder}: holds a search that was not finished; add --resume to go on with it, or give another --out, or delete the folder to begin anew.");
        }
        RunFolder.Open(options, task.Name, ""); // which refuses now, not after the trials
        if (Directory.Exists(folder)) { Directory.Delete(folder, true); }
    }

    /// <summary>Shows how far a trial is; its epochs leave no lines.</summary>
    private sealed class Steps(IProgress to, string phase) : IProgress
    {
        public void Step(string its, int step, int steps) => to.Step(phase + its, step, steps);

        public void Line(string text) { }
    }
}
