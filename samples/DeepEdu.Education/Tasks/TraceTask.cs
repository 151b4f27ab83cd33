using System.Diagnostics;
using System.Globalization;
using DeepEdu.Data;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Search;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>Traces what learners know: from the answers so far, whether the next one will be right. Learners are in folds as wholes.</summary>
internal sealed class TraceTask : IEducationTask
{
    private const int TableSkills = 30;

    public string Name => "trace";

    public string? NotPrivate => null;

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        TracingKind kind = TracingKind.Of(options.Network);
        TracingSet set = Read(options, progress);
        Split[] folds = set.Folds[..options.FoldsOf(set.Folds.Length, 1, progress)];
        RunFolder kept = RunFolder.Open(options, Name, Print(set, folds));
        PrivacyPlan? plan = PrivacyPlan.Of(options, [.. set.Learners.Select((l, i) => l.Named ? l.Name : $"{i}")], folds, clip: 0.1f);
        RepeatedAnswers repeated = RepeatedAnswers.Find(set);
        if (repeated.Pairs.Length > 0) { progress.Line($"{repeated.Count} rows seem to repeat the answer of the row before ({Named(set, repeated.Pairs[0])} and {repeated.Pairs.Length - 1} more pairs of skills), which flatters auc; auc_once leaves them out{(options.Canary ? "" : ", and --canary shows the leak")}"); }
        TracingScores model = new(set, options.Plus.Any ? $"{kind.Title}+" : kind.Title), mean = new(set, "mean of the skill"), factors = new(set, "logistic on counts (PFA)"), bayesian = new(set, "Bayesian tracing");
        List<TracingTrainer> trainers = Learn(set, folds, "fold", "", model, options, plan, kept, progress, fold =>
        {
            mean.Add(fold.Test, new SkillMean(set, fold.Train));
            factors.Add(fold.Test, new PerformanceFactors(set, fold.Train));
            bayesian.Add(fold.Test, new BayesianTracing(set, fold.Train));
            return string.Create(CultureInfo.InvariantCulture, $"  (Bayesian {bayesian.Auc:F4})");
        }, stop);
        if (double.IsNaN(model.Auc)) { progress.Line("no auc: the test answers of a fold are all right, or all wrong; it takes both to tell them apart"); }
        RunResult result = Result(set, folds, trainers, model, [mean, factors, bayesian], repeated, options.Seed);
        if (kind.TakesPlus) { result = result with { Metrics = [.. result.Metrics, .. Steadiness.Of(set, folds.Zip(trainers, (f, t) => (f, t.Network)))] }; }
        if (plan is not null)
        {
            result = result with { Privacy = plan.Tell([.. trainers.Select(t => t.Privacy!)], "Beside them the model holds the names of the skills, which are read from all answers as they are.") };
            progress.Line(result.Privacy.Line);
        }
        if (options.Canary && !stop.IsCancellationRequested) { result = result with { Canary = Shuffled(set, folds, repeated, model, options, plan, kept, progress, stop) }; }
        result = result with { Seconds = clock.Elapsed.TotalSeconds };
        TracingNet[] networks = [.. trainers.Select(t => t.Network)];
        kept.SaveModel(TracePredictor.Kind, TracePredictor.Sizes(kind, Width(kind, options), networks.Length), result, stop, [.. TracePredictor.Parts(set.Skills, networks)]);
        return [result];
    }

    public IReadOnlyList<string> Tunes(RunOptions options) => ["lr", "batch", "hidden", .. TracingKind.Of(options.Network).TakesDropout ? (string[])["dropout"] : [], .. TracingKind.Of(options.Network).TakesPlus ? (string[])["reconstruct", "wave1", "wave2"] : []];

    public IReadOnlyList<(string Task, string[] Metrics)> Measures(RunOptions options) => [(Name, ["auc", "accuracy", "rmse", "log_loss", "ece", "auc_skill", "auc_low", "auc_high", "auc_once", .. TracingKind.Of(options.Network).TakesPlus ? Steadiness.Names : []])];

    public Trials Trials(RunOptions options, IProgress progress)
    {
        TracingSet set = Read(options, progress);
        Split fold = set.Folds[0];
        return new(set.Name, Print(set, [fold]), "val_auc", true, Epochs(options), (its, kept, show, stop) => Trained(set, fold, "fold-1", "", its, null, 0, kept, show, stop).Learned.Tried)
        {
            Folds = set.Folds.Length,
            TestedLater = Search.Trials.Meets(fold.Validation, set.Folds.Skip(1).Select(f => f.Test)),
        };
    }

    private static TracingSet Read(RunOptions options, IProgress progress)
    {
        TracingKind kind = TracingKind.Of(options.Network);
        if (options.Plus.Any && !kind.TakesPlus) { throw new DataException($"--reconstruct, --wave1 and --wave2 are for --network {string.Join(" and ", TracingKind.All.Where(k => k.TakesPlus).Select(k => k.Name))}, which tells of all skills after each answer; leave them out with --network {kind.Name}."); }
        TracingSet set = options.Data is { } path ? TracingSet.Read(path, options.Seed, options.Columns) : TracingSet.Simulated(options.Seed, options.Quick ? 120 : 300);
        progress.Line($"{set.Name}: {set.Learners.Length} learners, {set.Answers} answers, {set.Skills.Length} skills");
        foreach (string note in set.Notes) { progress.Line(note); }
        return set;
    }

    private static string Print(TracingSet set, Split[] folds) => Fingerprint.Of([set.Skills, .. set.Learners.SelectMany(l => (int[][])[l.Skills, [.. l.Right.Select(r => r ? 1 : 0)]]), .. folds.SelectMany(f => (int[][])[f.Train, f.Validation, f.Test])]);

    private static int Epochs(RunOptions options) => options.Epochs ?? (options.Quick ? 3 : options.Data is null ? 40 : 30);

    private static TracingTrainer Trained(TracingSet set, Split fold, string name, string phase, RunOptions options, PrivacyPlan? plan, int place, RunFolder kept, IProgress progress, CancellationToken stop)
    {
        TracingKind kind = TracingKind.Of(options.Network);
        TracingTrainer trainer = new(set, fold, new(kind, Epochs(options), options.Batch ?? plan?.Batch ?? (options.Data is null ? 16 : 32), Width(kind, options), options.Seed)
        {
            Device = options.Device,
            Kept = kept.Training(name),
            Until = options.Until,
            Plus = options.Plus,
            Dropout = (float?)options.Dropout,
            Privacy = plan?.Fold(place),
            LearningRate = options.LearningRate ?? (plan is null ? kind.LearningRate : TracingOptions.PrivateRate * kind.LearningRate),
        });
        trainer.Fit(phase, progress, stop);
        return trainer;
    }

    /// <summary>Learns from each fold and tells its test learners.</summary>
    /// <param name="set">The data.</param>
    /// <param name="folds">Who is in which part.</param>
    /// <param name="name">Begins the names of the kept trainings.</param>
    /// <param name="phase">What comes before the number of a fold, with a space.</param>
    /// <param name="model">Gets what is told.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="plan">Of private training; null if it was not asked for.</param>
    /// <param name="kept">Where trainings are kept.</param>
    /// <param name="progress">Shows how far it is.</param>
    /// <param name="beside">Does what else belongs to a fold, and what it says ends the fold's line.</param>
    /// <param name="stop">Looked at after each step.</param>
    private static List<TracingTrainer> Learn(TracingSet set, Split[] folds, string name, string phase, TracingScores model, RunOptions options, PrivacyPlan? plan, RunFolder kept, IProgress progress, Func<Split, string> beside, CancellationToken stop)
    {
        List<TracingTrainer> trainers = [];
        for (int f = 0; f < folds.Length && (f == 0 || !stop.IsCancellationRequested); f++)
        {
            Split fold = folds[f];
            TracingTrainer trainer = Trained(set, fold, $"{name}-{f + 1}", $"{phase}fold {f + 1}/{folds.Length}", options, plan, f, kept, progress, stop);
            trainers.Add(trainer);
            model.Add(fold.Test, trainer.Network.Chances([.. fold.Test.Select(l => set.Learners[l])]));
            string more = beside(fold);
            progress.Line(string.Create(CultureInfo.InvariantCulture, $"{phase}fold {f + 1}/{folds.Length}  epoch {trainer.Learned.BestEpoch + 1}; test auc so far {model.Auc:F4}{more}"));
        }
        return trainers;
    }

    /// <summary>The same on answers that are shuffled over all learners; null if it was stopped.</summary>
    private CanaryFound? Shuffled(TracingSet set, Split[] folds, RepeatedAnswers repeated, TracingScores real, RunOptions options, PrivacyPlan? plan, RunFolder kept, IProgress progress, CancellationToken stop)
    {
        TracingSet shuffled = repeated.Shuffled(Canary.Draws(options.Seed));
        TracingScores scores = new(shuffled, real.Name);
        Learn(shuffled, folds, "canary", "canary, ", scores, options, plan, kept, progress, _ => "", stop);
        if (stop.IsCancellationRequested) { return null; }
        Func<Rng, double> again = scores.Reshuffled(repeated);
        CanaryScore[] found = Canary.Beside([new("auc", scores.Auc)], rng => [new("auc", again(rng))], options.Seed);
        string Area(TracingScores of, bool once) => ResultTable.Number(of.AucOf(repeated, !once));
        return Canary.Tell(new(Name, set.Name, "Each answer takes that of another, drawn from all of all learners; rows that seem to be one answer take the same. "
            + "It finds answers that reach the model before it tells them, and rows that repeat an answer; it does not find columns that were filled in after the answer, for these follow the old ones.", found)
        {
            Suspicion = repeated.Pairs.Length == 0 ? "" : $"{repeated.Count} rows seem to repeat the answer of the row before, as {Named(set, repeated.Pairs[0])}: of shuffled answers these have auc {Area(scores, false)}, the others {Area(scores, true)}; of the true ones {Area(real, false)} and {Area(real, true)}. "
                + "Put the skills of one answer into one row, such as 'a;b' in a long table.",
        }, progress);
    }

    // privately a smaller network, for noise grows with it
    private static int Width(TracingKind kind, RunOptions options)
    {
        if (options.Hidden % kind.WidthOf is > 0) { throw new DataException($"--hidden {options.Hidden}: {kind.Title} has {kind.WidthOf} heads; give a multiple of {kind.WidthOf}, and to a search a list of such."); }
        return options.Hidden ?? (options.Data is null || options.Privacy is not null ? kind.Small : kind.Wide);
    }

    private static string Named(TracingSet set, RepeatedPair pair) => $"'{set.Skills[pair.Second]}' after '{set.Skills[pair.First]}', alike in {pair.Alike} of {pair.Places} places";

    private RunResult Result(TracingSet set, Split[] folds, List<TracingTrainer> trainers, TracingScores model, TracingScores[] baselines, RepeatedAnswers repeated, ulong seed)
    {
        Interval? interval = model.Interval(seed);
        Score[] Once(TracingScores of) => repeated.Pairs.Length == 0 ? [] : [new("auc_once", of.AucOf(repeated, again: false))];
        return new(Name, model.Name, set.Name)
        {
            Metrics = [.. model.Scores, .. interval is { } i ? (Score[])[new("auc_low", i.Low), new("auc_high", i.High)] : [], .. Once(model)],
            Baselines = [.. baselines.Select(b => (b.Name, (IReadOnlyList<Score>)[.. b.Scores, .. Once(b)]))],
            Predictions = TracingScores.Told(set, [model, .. baselines]),
            Epochs = trainers.Max(t => t.Learned.EpochsRun),
            Seed = seed,
            Charts =
            [
                new("validation auc", [.. trainers.Select((t, f) => new Curve($"fold {f + 1}", t.Learned["val_auc"]))]),
                new("log loss while learning", [.. trainers.Select((t, f) => new Curve($"fold {f + 1}", t.Learned["loss"]))]),
                new("test auc by the answers before", [.. new[] { model, baselines[^1] }.Select(s => new Curve(s.Name, s.AucByPosition()))])
                {
                    Axis = $"group of answers: up to {string.Join(", ", TracingScores.PositionEnds[..^1])} before it, or more",
                },
            ],
            Calibration = model.Calibration,
            Learners = TracedLives.Of(set, trainers[0].Network, model.ByLearner(0)),
            Tables = [Skills(set, model, baselines[^1]), .. Groups(model, seed)],
            Protocol = $"{trainers.Count} folds; {(set.TestGiven ? "the test learners are given and the same in each" : "every learner is in one part of each")}. Learners are whole: {folds[0].Train.Length} to learn from, {folds[0].Validation.Length} {(trainers[0].Privacy is null ? $"to choose the epoch by ({string.Join(", ", trainers.Select(t => t.Learned.BestEpoch + 1))})" : "to look at while it learns")}, "
                + $"{folds[0].Test.Length} to be tested once. Every answer but a learner's first is told from all before it; several skills of one answer are one skill. "
                + $"Numbers are means over folds; {(interval is null ? "there is no auc and no interval, for the test answers of a fold are all right or all wrong" : "auc_low and auc_high hold 95 of 100 bootstrap draws of test learners")}. auc_skill, the mean over skills, and ece are pooled: of the answers of all folds together. {(repeated.Pairs.Length > 0 ? $"auc_once leaves out the rows that seem to repeat the answer of the row before ({repeated.Count} of all rows). " : "")}{trainers[0].Network.Made}, {trainers[0].Network.ParameterCount} parameters.",
        };
    }

    private static ReportTable Skills(TracingSet set, TracingScores model, TracingScores other)
    {
        Dictionary<int, double> others = other.SkillAucs().ToDictionary(s => s.Skill, s => s.Auc);
        MetricFrame<LogLoss> losses = model.SkillLosses();
        return new($"Skills{(set.Skills.Length > TableSkills ? $": the {TableSkills} most answered" : "")}", ["skill", "answers told", "right", $"log_loss, {model.Name}", $"auc, {model.Name}", $"auc, {other.Name}"],
            [.. model.SkillAucs().OrderByDescending(s => s.Count).Take(TableSkills).Select(s => (string[])
                [set.Skills[s.Skill], s.Count.ToString(CultureInfo.InvariantCulture), ResultTable.Number(s.Right), ResultTable.Number(losses[set.Skills[s.Skill]].Value), ResultTable.Number(s.Auc), ResultTable.Number(others[s.Skill])])]);
    }

    private static IEnumerable<ReportTable> Groups(TracingScores model, ulong seed)
    {
        var groups = model.Groups().ToArray();
        if (groups.Length == 0) { yield break; }
        string gap = model.GroupGap(seed) is { } g ? $": the largest difference of log_loss is {ResultTable.Number(g.Value)}, in 95 of 100 draws of learners {ResultTable.Number(g.Low)} to {ResultTable.Number(g.High)}" : "";
        yield return new($"Groups of learners{gap}", ["group", "answers told", "right", "accuracy", "log_loss", "auc"],
            [.. groups.Select(r => (string[])[r.Group, r.Count.ToString(CultureInfo.InvariantCulture), .. new[] { r.Right, r.Accuracy, r.Loss, r.Auc }.Select(ResultTable.Number)])]);
    }
}
