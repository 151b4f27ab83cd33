using System.Diagnostics;
using System.Globalization;
using DeepEdu.Attribution;
using DeepEdu.Data;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Search;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Tasks;

/// <summary>Looks at what learners do in the first weeks of a course, tells who will leave it later, and groups learners of like behaviour.</summary>
internal sealed class BehaviourTask : IEducationTask
{
    private const int SeenWeeks = 8, ProfileGroups = 4;

    public string Name => "behaviour";

    public string? NotPrivate => null;

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        var (log, all) = Read(options, progress);
        Split[] folds = all[..options.FoldsOf(all.Length, 1, progress)];
        RunFolder kept = RunFolder.Open(options, Name, Print(log, folds));
        PrivacyPlan? plan = PrivacyPlan.Of(options, Array.ConvertAll(log.Learners, l => l.Name), folds, clip: 3);
        List<RiskTrainer> trainers = [];
        List<(int Learner, float[] Profile)> profiles = [];
        RiskScores model = new(log, "GRU"), share = new(log, "share that leaves"), totals = new(log, "logistic on totals"), weekly = new(log, "logistic on every week");
        for (int f = 0; f < folds.Length && (f == 0 || !stop.IsCancellationRequested); f++)
        {
            Split fold = folds[f];
            RiskTrainer trainer = Train(log, fold, options, plan?.Fold(f), kept, $"fold-{f + 1}", $"fold {f + 1}/{folds.Length}", progress, stop);
            trainers.Add(trainer);
            var (risks, states) = trainer.Predict(fold.Test);
            model.Add(fold.Test, risks.Select(r => (double)r));
            if (f == 0) { profiles.AddRange(fold.Test.Zip(states)); } // networks of other folds have other states
            double mean = fold.Train.Average(l => log.Learners[l].Left is null ? 0.0 : 1);
            share.Add(fold.Test, fold.Test.Select(_ => mean));
            totals.Add(fold.Test, Regressed(log, fold, l => [.. Enumerable.Range(0, log.Kinds.Length).Select(k => MathF.Log(1 + Enumerable.Range(0, log.Weeks).Sum(w => log.Learners[l].Counts[(w * log.Kinds.Length) + k])))]));
            weekly.Add(fold.Test, Regressed(log, fold, l => Array.ConvertAll(log.Learners[l].Counts, c => MathF.Log(1 + c))));
            progress.Line(string.Create(CultureInfo.InvariantCulture, $"fold {f + 1}/{folds.Length}  epoch {trainer.Learned.BestEpoch + 1}; test pr_auc so far {model.PrAuc:F4}  (logistic on every week {weekly.PrAuc:F4})"));
        }
        RunResult result = new(Name, model.Name, log.Name)
        {
            Metrics = model.Scores,
            Baselines = [.. new[] { share, totals, weekly }.Select(b => (b.Name, (IReadOnlyList<Score>)b.Scores))],
            Predictions = Told(log, folds[..trainers.Count], model, share, totals, weekly),
            Epochs = trainers.Max(t => t.Learned.EpochsRun),
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Charts =
            [
                new("validation pr_auc", [.. trainers.Select((t, f) => new Curve($"fold {f + 1}", t.Learned["val_pr_auc"]))]),
                new("validation log loss", [.. trainers.Select((t, f) => new Curve($"fold {f + 1}", t.Learned["val_loss"]))]),
            ],
            Calibration = model.Calibration,
            Tables = [.. new GroupGaps(log, model.Told(), options.Seed).Tables(), Needs(log, trainers[0], folds[0].Test, options.Seed), Profiles(log, profiles, options.Seed)],
            Protocol = $"From weeks 1 to {log.Weeks}, of learners who are still there, whether they leave later. {trainers.Count} folds of whole learners; {(log.Test is null ? "each is tested once" : "the latest presentation is the test part, and who is in it is not learned from in earlier ones")}; "
                + $"{folds[0].Validation.Length} learners {(plan is null ? $"choose the epoch by log loss ({string.Join(", ", trainers.Select(t => t.Learned.BestEpoch + 1))})" : "are looked at while it learns")}. pr_auc of a guess is the share that leaves. lift@10% says how many times more leave among the tenth with "
                + $"the highest risks, caught@10% which share of all who leave is in it, lead_weeks how many weeks after week {log.Weeks} these leave. {trainers[0].Network.ParameterCount} parameters.",
        };
        if (plan is not null)
        {
            result = result with { Privacy = plan.Tell([.. trainers.Select(t => t.Privacy!)], "Counts are scaled by fixed numbers and the output starts at one half, so that nothing else of the learners is in the model but the names of what is counted.") };
            progress.Line(result.Privacy.Line);
        }
        if (options.Canary && !stop.IsCancellationRequested) { result = result with { Canary = Shuffled(log, folds, options, plan, kept, progress, stop), Seconds = clock.Elapsed.TotalSeconds }; }
        kept.SaveModel(RiskPredictor.Kind, RiskPredictor.Sizes(log, trainers), result, stop, [.. RiskPredictor.Parts(log.Kinds, trainers)]);
        return [result];
    }

    private static Predictions Told(BehaviourLog log, Split[] folds, params RiskScores[] all) => new(["fold", "learner", .. log.GroupNames, "left", .. all.Select(s => s.Name)],
        folds.SelectMany((f, k) => f.Test.Select(_ => k + 1)).Zip(all[0].Risks).Select((row, i) => (string[])[Predictions.Number(row.First), log.Learners[row.Second.Learner].Name, .. log.Learners[row.Second.Learner].Groups,
            log.Learners[row.Second.Learner].Left is null ? "0" : "1", .. all.Select(s => Predictions.Number(s.Risks[i].Risk))]));

    public IReadOnlyList<string> Tunes(RunOptions options) => ["lr", "batch", "hidden", "dropout", "weight-decay"];

    public IReadOnlyList<(string Task, string[] Metrics)> Measures(RunOptions options) => [(Name, ["pr_auc", "roc_auc", "lift@10%", "caught@10%", "lead_weeks", "brier", "ece"])];

    public Trials Trials(RunOptions options, IProgress progress)
    {
        var (log, folds) = Read(options, progress);
        return new(log.Name, Print(log, folds[..1]), "val_loss", false, Epochs(options), (its, kept, show, stop) => Train(log, folds[0], its, null, kept, "fold-1", "", show, stop).Learned.Tried)
        {
            Folds = folds.Length,
            TestedLater = Search.Trials.Meets(folds[0].Validation, folds.Skip(1).Select(f => f.Test)),
        };
    }

    private static int Epochs(RunOptions options) => options.Epochs ?? (options.Quick ? 3 : 25);

    private static (BehaviourLog Log, Split[] Folds) Read(RunOptions options, IProgress progress)
    {
        BehaviourLog log = Read(options).Observed(options.Weeks ?? SeenWeeks);
        progress.Line($"{log.Name}: {log.Learners.Length} learners there after week {log.Weeks}, {log.Learners.Count(l => l.Left is not null)} leave later; counted each week: {string.Join(", ", log.Kinds)}");
        return (log, log.Folds(options.Seed));
    }

    private static string Print(BehaviourLog log, Split[] folds) => Fingerprint.Of([string.Join('\n', log.Learners.Select(l => string.Join('\t', [l.Name, .. l.Groups]))), log.Learners.SelectMany(l => l.Counts).ToArray(),
        log.Learners.Select(l => l.Left ?? -1).ToArray(), .. folds.SelectMany(f => (int[][])[f.Train, f.Validation, f.Test])]);

    private static RiskTrainer Train(BehaviourLog log, Split fold, RunOptions options, PrivateFold? plan, RunFolder kept, string name, string phase, IProgress progress, CancellationToken stop)
    {
        RiskTrainer trainer = new(log, fold, new(Epochs(options), options.Batch ?? plan?.Plan.Batch ?? 32, options.Seed)
        {
            Device = options.Device,
            Kept = kept.Training(name),
            Until = options.Until,
            Privacy = plan,
            LearningRate = options.LearningRate ?? (plan is null ? RiskOptions.Rate : RiskOptions.PrivateRate),
            Hidden = options.Hidden ?? RiskNet.Usual,
            Dropout = (float)(options.Dropout ?? RiskNet.Drop),
            WeightDecay = options.WeightDecay ?? RiskOptions.Decay,
        });
        trainer.Fit(phase, progress, stop);
        return trainer;
    }

    /// <summary>The same where who leaves is shuffled over all learners; null if it was stopped.</summary>
    private CanaryFound? Shuffled(BehaviourLog log, Split[] folds, RunOptions options, PrivacyPlan? plan, RunFolder kept, IProgress progress, CancellationToken stop)
    {
        int[] from = Canary.Draws(options.Seed).Permutation(log.Learners.Length);
        BehaviourLog shuffled = log with { Learners = [.. log.Learners.Select((l, i) => l with { Left = log.Learners[from[i]].Left })] };
        RiskScores scores = new(shuffled, "GRU");
        foreach (var (f, fold) in folds.Index())
        {
            RiskTrainer trainer = Train(shuffled, fold, options, plan?.Fold(f), kept, $"canary-{f + 1}", $"canary, fold {f + 1}/{folds.Length}", progress, stop);
            if (stop.IsCancellationRequested) { return null; }
            scores.Add(fold.Test, trainer.Predict(fold.Test).Risks.Select(r => (double)r));
        }
        return Canary.Tell(new(Name, log.Name, "Each learner leaves when another does, drawn from all that are there after the weeks seen. It finds a test part that is learned from; it does not find counts that were made after a learner left, for these follow those who did.",
            Canary.Beside(scores.Areas, scores.Reshuffled, options.Seed)), progress);
    }

    private static BehaviourLog Read(RunOptions options) => options.Data is not { } folder ? SimulatedBehaviour.Create(options.Seed, options.Quick ? 300 : 1000).Log
        : OuladReader.IsHere(folder) ? OuladReader.Read(folder)
        : TextSource.TryFind(folder, "events.csv") is not null ? BehaviourReader.Read(folder)
        : throw new DataException($"{folder}: neither events.csv with learners.csv nor the tables of OULAD (studentInfo.csv, studentRegistration.csv, studentAssessment.csv, assessments.csv) in this folder.");

    /// <summary>Risks of the test learners by logistic regression on standardised features.</summary>
    private static double[] Regressed(BehaviourLog log, Split fold, Func<int, float[]> features)
    {
        float[][] rows = [.. Enumerable.Range(0, log.Learners.Length).Select(features)];
        ColumnScaler scaler = new([.. rows.SelectMany(r => r)], rows[0].Length, fold.Train);
        float[] scaled = scaler.Apply([.. rows.SelectMany(r => r)]);
        float[] Row(int l) => scaled[(l * scaler.Width)..((l + 1) * scaler.Width)];
        Logistic logistic = new(scaler.Width, [.. fold.Train.Select(Row)], [.. fold.Train.Select(l => log.Learners[l].Left is not null)]);
        return Array.ConvertAll(fold.Test, l => logistic.Chance(Row(l)));
    }

    /// <summary>What the network looks at: how far its area falls when a count is shuffled among learners, all weeks together.</summary>
    private static ReportTable Needs(BehaviourLog log, RiskTrainer trainer, int[] test, ulong seed)
    {
        bool[] left = Array.ConvertAll(test, l => log.Learners[l].Left is not null);
        if (!left.Contains(true) || !left.Contains(false)) { return new("What the network looks at: the test learners of the first fold all leave, or all stay", ["counted"], []); }
        Tensor counts = Tensor.Wrap([.. test.SelectMany(l => log.Learners[l].Counts)], [test.Length, log.Weeks, log.Kinds.Length]);
        FeatureImportance[] needs = PermutationImportance.Of(weeks => RocAuc.Of([.. trainer.Network.Predict(trainer.Scaler.Apply(weeks.ToArray()), test.Length).Risks.Select(r => (double)r)], left), counts, new Rng(seed));
        return new("What the network looks at: the fall of roc_auc when a count is shuffled among the test learners of the first fold", ["counted", "fall", "deviation of 5 shuffles"],
            [.. needs.OrderByDescending(n => n.Mean).Select(n => (string[])[log.Kinds[n.Feature], ResultTable.Number(n.Mean), ResultTable.Number(n.StandardDeviation)])]);
    }

    /// <summary>Learners whose profiles are near each other: who they are, in counts a week.</summary>
    private static ReportTable Profiles(BehaviourLog log, List<(int Learner, float[] Profile)> profiles, ulong seed)
    {
        int[] groups = KMeans.Groups([.. profiles.Select(p => p.Profile)], ProfileGroups, new Rng(seed));
        var rows = profiles.Zip(groups).GroupBy(p => p.Second, p => log.Learners[p.First.Learner]).Select(g => (Left: g.Average(l => l.Left is null ? 0.0 : 1), Learners: g.ToArray())).OrderByDescending(g => g.Left);
        return new("Groups of like behaviour (test learners of the first fold)", ["learners", "leave", .. log.Kinds.SelectMany(k => (string[])[$"{k}, first half", $"{k}, second half"])],
            [.. rows.Select(g => (string[])[Text(g.Learners.Length), ResultTable.Number(g.Left), .. Enumerable.Range(0, log.Kinds.Length).SelectMany(k => (string[])
                [Mean(g.Learners, k, 0, (log.Weeks + 1) / 2), Mean(g.Learners, k, log.Weeks / 2, log.Weeks)])])]);

        string Mean(ObservedLearner[] learners, int kind, int from, int to)
            => learners.Average(l => Enumerable.Range(from, to - from).Average(w => (double)l.Counts[(w * log.Kinds.Length) + kind])).ToString("0.00", CultureInfo.InvariantCulture);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
