using System.Diagnostics;
using System.Globalization;
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

/// <summary>Cognitive diagnosis: from some of a learner's answers, how well it knows each skill, and how it answers other items; and adaptive tests, which choose the items.</summary>
internal sealed class DiagnoseTask : IEducationTask
{
    private const int TableSkills = 30, Small = 32, Wide = 128;

    public string Name => "diagnose";

    public string NotPrivate => "what it learns of a learner is a row of numbers of that learner alone, which noise that hides the learner hides altogether.";

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        DiagnosisSet set = Read(options, progress);
        if (set.Again > 0) { progress.Line($"{set.Again} answers to an item that the learner had answered before are left out: what it knows is taken to stand still"); }
        if (set.WithoutSkill > 0) { progress.Line($"{set.WithoutSkill} answers to items without a skill are left out"); }
        int blind = set.Blind;
        if (blind > set.Parts.Test.Length / 2) { progress.Line(string.Create(CultureInfo.InvariantCulture, $"of {set.Parts.Test.Length} test answers {blind} ask for skills of which no answer of their learner was learned from: skill by skill nothing can be told of them but the mean of the item")); }
        if (set.Repeated.Pairs.Length > 0) { progress.Line($"{set.Repeated.Count} rows seem to repeat the answer of the row before ({Named(set, set.Repeated.Pairs[0])} and {set.Repeated.Pairs.Length - 1} more pairs of items), which may flatter auc; auc_once leaves them out"); }
        RunFolder kept = RunFolder.Open(options, Name, Print(set));
        List<DiagnosisScores> baselines = [];
        ItemResponse? fitted = null;
        foreach (IDiagnoser diagnoser in Baselines(set, progress))
        {
            if (stop.IsCancellationRequested) { break; }
            if (diagnoser is ItemResponse { Parameters: 2 } two) { fitted = two; }
            baselines.Add(new(set, diagnoser));
            progress.Line(string.Create(CultureInfo.InvariantCulture, $"{diagnoser.Name}: test auc {baselines[^1].Auc:F4}"));
        }
        DiagnosisTrainer trainer = Learn(set, options, kept, "network", "", progress, stop);
        DiagnosisScores model = new(set, trainer);
        if (double.IsNaN(model.Auc)) { progress.Line("no auc: the test answers are all right, or all wrong; it takes both to tell them apart"); }
        RunResult result = Result(set, trainer, model, baselines, options);
        if (options.Canary && !stop.IsCancellationRequested) { result = result with { Canary = Shuffled(set, model, options, kept, progress, stop) }; }
        result = result with { Seconds = clock.Elapsed.TotalSeconds };
        kept.SaveModel(DiagnosisPredictor.Kind, DiagnosisPredictor.Sizes(Hidden(options)), result, stop, [.. DiagnosisPredictor.Parts(set, trainer.Network)]);
        return fitted is null || stop.IsCancellationRequested ? [result] : [result, AdaptiveTesting.Run(set, fitted, options, progress, stop)];
    }

    public IReadOnlyList<string> Tunes(RunOptions options) => ["lr", "batch", "hidden", "dropout"];

    public IReadOnlyList<(string Task, string[] Metrics)> Measures(RunOptions options) => [(Name, ["auc", "auc_low", "auc_high", "accuracy", "rmse", "log_loss", "ece", "doa", "auc_once", .. options.Data is null ? (string[])["mastery_rho", "difficulty_rho"] : []]),
        (AdaptiveTesting.Task, ["items", "ability_rmse", "ability_error", "reached", "exposure", "coverage", "gini"])];

    public Trials Trials(RunOptions options, IProgress progress)
    {
        DiagnosisSet set = Read(options, progress);
        return new(set.Name, Print(set), "val_auc", true, Epochs(options), (its, kept, show, stop) => Learn(set, its, kept, "network", "", show, stop).Learned.Tried);
    }

    private static DiagnosisSet Read(RunOptions options, IProgress progress)
    {
        DiagnosisSet set = options.Data is { } path ? DiagnosisSet.Read(path, options.Seed, options.Columns) : DiagnosisSet.Simulated(options.Seed, options.Quick ? 150 : 500);
        progress.Line(set.ToString());
        foreach (string note in set.Notes) { progress.Line(note); }
        return set;
    }

    private static string Print(DiagnosisSet set) => Fingerprint.Of([set.Items, set.Skills, .. set.Asks, set.Learner, set.Item, Array.ConvertAll(set.Right, r => r ? 1 : 0), set.Parts.Train, set.Parts.Validation, set.Parts.Test]);

    private static int Epochs(RunOptions options) => options.Epochs ?? (options.Quick ? 3 : 30);

    private static IEnumerable<IDiagnoser> Baselines(DiagnosisSet set, IProgress progress)
    {
        yield return new ItemMean(set);
        yield return new SkillShare(set);
        for (int parameters = 1; parameters <= 3; parameters++) { yield return new ItemResponse(set, parameters, set.Parts.Train); }
        if (set.Skills.Length <= Dina.MostSkills) { yield return new Dina(set); }
        else { progress.Line($"no DINA: it counts with patterns of skills, of which {set.Skills.Length} skills have too many; it is there up to {Dina.MostSkills} skills"); }
    }

    private static DiagnosisTrainer Learn(DiagnosisSet set, RunOptions options, RunFolder kept, string name, string phase, IProgress progress, CancellationToken stop)
    {
        DiagnosisTrainer trainer = new(set, new(Hidden(options), Epochs(options), options.Batch ?? (options.Data is null ? 64 : 256), options.Seed)
        {
            Device = options.Device,
            Kept = kept.Training(name),
            Until = options.Until,
            LearningRate = options.LearningRate ?? DiagnosisOptions.Rate,
            Dropout = (float)(options.Dropout ?? DiagnosisOptions.Drop),
        });
        trainer.Fit(phase, progress, stop);
        return trainer;
    }

    /// <summary>The same on answers that are shuffled over all learners and items; null if it was stopped.</summary>
    private CanaryFound? Shuffled(DiagnosisSet set, DiagnosisScores real, RunOptions options, RunFolder kept, IProgress progress, CancellationToken stop)
    {
        DiagnosisSet shuffled = set.Shuffled(Canary.Draws(options.Seed));
        DiagnosisScores scores = new(shuffled, Learn(shuffled, options, kept, "canary", "canary, ", progress, stop));
        if (stop.IsCancellationRequested) { return null; }
        Func<Rng, double> again = scores.Reshuffled();
        string Once(DiagnosisScores of) => ResultTable.Number(of.Scores.FirstOrDefault(s => s.Name == "auc_once").Value);
        return Canary.Tell(new(Name, set.Name, "Each answer takes that of another, drawn from all of all learners; rows that seem to be one answer take the same. It finds test answers that are learned from, and rows that repeat an answer.",
            Canary.Beside([new("auc", scores.Auc)], rng => [new("auc", again(rng))], options.Seed))
        {
            Suspicion = set.Repeated.Pairs.Length == 0 ? "" : $"{set.Repeated.Count} rows seem to repeat the answer of the row before, as {Named(set, set.Repeated.Pairs[0])}: without them auc is {Once(scores)} of shuffled answers and {Once(real)} of the true ones. Put the skills of one answer into one row, such as 'a;b' in a long table.",
        }, progress);
    }

    private static int Hidden(RunOptions options) => options.Hidden ?? (options.Data is null ? Small : Wide);

    private static string Named(DiagnosisSet set, RepeatedPair pair) => $"'{set.Items[pair.Second]}' after '{set.Items[pair.First]}', alike in {pair.Alike} of {pair.Places} places";

    private RunResult Result(DiagnosisSet set, DiagnosisTrainer trainer, DiagnosisScores model, List<DiagnosisScores> baselines, RunOptions options)
    {
        Interval? interval = model.Interval(options.Seed);
        HashSet<int> learners = [.. set.Parts.Train.Select(r => set.Learner[r])], items = [.. set.Parts.Train.Select(r => set.Item[r])];
        int unknown = set.Parts.Test.Count(r => !learners.Contains(set.Learner[r]) || !items.Contains(set.Item[r]));
        return new(Name, model.Name, set.Name)
        {
            Metrics = [.. model.Scores[..1], .. interval is { } i ? (Score[])[new("auc_low", i.Low), new("auc_high", i.High)] : [], .. model.Scores[1..]],
            Baselines = [.. baselines.Select(b => (b.Name, (IReadOnlyList<Score>)b.Scores))],
            Predictions = DiagnosisScores.Told(set, [model, .. baselines]),
            Epochs = trainer.Learned.EpochsRun,
            Seed = options.Seed,
            Charts =
            [
                new("validation auc", [new(model.Name, trainer.Learned["val_auc"])]),
                new("log loss", [new("learning", trainer.Learned["loss"]), new("validation", trainer.Learned["val_loss"])]),
            ],
            Calibration = model.Calibration,
            Tables = [Skills(set, trainer, model)],
            Protocol = $"{set.Parts.Train.Length} answers to learn from, {set.Parts.Validation.Length} to choose the epoch by ({trainer.Learned.BestEpoch + 1} of {trainer.Learned.EpochsRun}), {set.Parts.Test.Length} to be tested once{(set.Given ? ", in files of their own" : ": of each learner a fifth is tested and a tenth chooses, drawn")}; the first answer of a learner to an item counts, or every answer where items have no names. Of the test answers {set.Blind} ask for skills of which no answer of their learner was learned from. "
                + $"{(unknown > 0 ? $"{unknown} test answers are of a learner or an item that nothing was learned of. " : "")}{(interval is null ? "There is no auc and no interval, for the test answers are all right or all wrong. " : "auc_low and auc_high hold 95 of 100 bootstrap draws of learners. ")}"
                + $"doa: of two learners who answered a test item differently, how often the one said to know its skill better was right, mean over skills. {(set.Truth is null ? "" : "mastery_rho and difficulty_rho are Spearman's correlations with the planted truth, of mastery the mean over skills. ")}"
                + $"NeuralCD: {trainer.Network.ParameterCount} parameters.",
        };
    }

    private static ReportTable Skills(DiagnosisSet set, DiagnosisTrainer trainer, DiagnosisScores model)
    {
        Dictionary<int, SkillAgreement> agreement = model.Agreement().BySkill().ToDictionary(s => s.Skill);
        var rows = Enumerable.Range(0, set.Item.Length).SelectMany(r => set.Asks[set.Item[r]].Select(k => (Skill: k, Row: r))).GroupBy(p => p.Skill, p => p.Row).OrderByDescending(g => g.Count()).ThenBy(g => g.Key);
        return new($"Skills{(set.Skills.Length > TableSkills ? $": the {TableSkills} most answered" : "")}", ["skill", "items", "answers", "right", "mean mastery", "doa"],
            [.. rows.Take(TableSkills).Select(g => (string[])[set.Skills[g.Key], Text(set.Asks.Count(a => a.Contains(g.Key))), Text(g.Count()), ResultTable.Number(g.Average(r => set.Right[r] ? 1.0 : 0)),
                ResultTable.Number(Enumerable.Range(0, set.Learners.Length).Average(l => trainer.Mastery(l, g.Key)!.Value)), agreement.TryGetValue(g.Key, out SkillAgreement a) && double.IsFinite(a.Agreement) ? ResultTable.Number(a.Agreement) : "–"])]);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
