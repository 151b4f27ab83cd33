using System.Diagnostics;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Search;
using DeepEdu.Education.Ui;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Tasks;

/// <summary>Learns several outcomes together, in one network with a shared trunk, and each alone with the same budget: learners of a table (dense trunk) and handwriting (CNN trunk).</summary>
internal sealed class MultitaskTask : IEducationTask
{
    private const int FoldCount = 10;
    private const string GainText = "relative_gain is the mean over all heads of the share by which the metric is better than that of the same head trained alone. "
        + "Each network keeps the epoch that is best on a fifth of its training rows; ridge sees the same columns.";

    public string Name => "multitask";

    public string NotPrivate => "its scales and bounds are taken from the learners' rows as they are, and its three settings learn from the same rows; of learners, trace and behaviour do.";

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
        => options.Data is null ? [.. Learners(options, progress, stop), .. Handwriting(options, progress, stop)] : [.. Grades(options, options.Data, progress, stop)];

    public IReadOnlyList<string> Tunes(RunOptions options) => ["lr", "batch", "dropout", "weight-decay"];

    public Trials Trials(RunOptions options, IProgress progress)
    {
        if (options.Data is not { } path) { throw new DataException("--search: without --data multitask runs on two sets of data that have nothing to do with each other; give --data."); }
        LearnerTable table = Read(path, progress);
        Head[] heads = GradeHeads(table, []);
        var (scaler, columns, train, _) = Part(table, [], 0, FoldCount, options.Seed);
        return new(table.Name, Print(table), "val_loss", false, Plan(options).Epochs, (its, _, _, stop) =>
        {
            TrainPlan plan = Plan(its);
            MultiTaskModel model = new(Tensor.Of([table.Rows, scaler.Width], columns, plan.Device), heads, train, plan, new Rng(its.Seed).Split(0));
            return model.Fit(stop) ? new(model.LeastValidation, plan.Epochs) : default;
        })
        {
            NotHalved = "each is several small trainings, which are not kept amid their epochs.",
            Folds = FoldCount,
            TestedLater = true,
        };
    }

    private static LearnerTable Read(string path, IProgress progress)
    {
        LearnerTable table = StudentReader.Read(path);
        Announce(progress, table, "G1, G2, G3");
        return table.Rows >= FoldCount ? table : throw new DataException($"{path}: {table.Rows} learners are too few for {FoldCount} folds.");
    }

    private static string Print(LearnerTable table) => Fingerprint.Of([table.Features, .. table.Targets.Values]);

    private static TrainPlan Plan(RunOptions options) => new((inputs, rng) => MultiTaskNet.DenseTrunk(inputs, (float)(options.Dropout ?? 0.2), rng), MultiTaskNet.DenseWidth)
    {
        Device = options.Device,
        Epochs = options.Epochs ?? (options.Quick ? 4 : 40),
        Batch = options.Batch ?? 32,
        LearningRate = options.LearningRate ?? 5e-3,
        WeightDecay = options.WeightDecay ?? TrainPlan.Decay,
        Members = options.Quick ? 1 : TrainPlan.Parts,
    };

    private List<RunResult> Grades(RunOptions options, string path, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        LearnerTable table = Read(path, progress);
        RunFolder kept = RunFolder.Open(options, Name, Print(table));
        // The settings C, B and A of Cortez and Silva 2008: no earlier grade is known, the first, both.
        (string[] Known, SharingContest Contest, List<ColumnScaler> Scalers)[] settings = [.. new (string Suffix, string[] Known)[] { ("", []), ("_b", ["G1"]), ("_a", ["G1", "G2"]) }
            .Select(s => (s.Known, new SharingContest(GradeHeads(table, s.Known), kept, s.Suffix), new List<ColumnScaler>()))];
        TrainPlan plan = Plan(options);
        int folds = options.FoldsOf(FoldCount, 2, progress);
        for (int fold = 0; fold < folds && !stop.IsCancellationRequested; fold++)
        {
            foreach (var (known, contest, scalers) in settings) { scalers.Add(Fold(table, known, contest, fold, FoldCount, plan, options.Seed, stop)); }
            progress.Step($"fold {fold + 1}/{folds}", fold + 1, folds);
            if (settings[0].Contest.HasResults) { progress.Line($"fold {fold + 1}/{folds}  rmse_g3 so far: shared {settings[0].Contest.Shared[0].Value:0.000}, alone {settings[0].Contest.Alone[0].Value:0.000}"); }
        }
        List<RunResult> results = Result(table.Name, $"shared dense trunk, {plan.Members} averaged", [.. settings.Select(s => s.Contest)], gainFirst: false, plan, options, clock,
            $"{(folds < FoldCount ? $"{folds} folds of " : "")}{FoldCount}-fold cross-validation. rmse_g3 knows no earlier grade, rmse_g3_b the first, rmse_g3_a both; with a known grade the heads learn the difference to the last one. "
            + $"Heads: the unknown grades and whether G3 is at least 10. Every model is the mean of {plan.Members} networks. naive is the last known grade, or the mean. {GainText}");
        results = With(results, options, () => Shuffled(table.Name, Cases(table), [.. settings.Select(s => (s.Contest.Heads, s.Contest.Suffix))], folds,
            (contest, setting, fold) => Fold(table, settings[setting].Known, contest, fold, FoldCount, plan, options.Seed, stop), options, progress, stop), stop);
        Save(kept, table, [.. settings.Select(s => Setting(s.Known, s.Contest, s.Scalers))], results, stop);
        return results;
    }

    private List<RunResult> Learners(RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        LearnerTable table = SimulatedLearners.Create(options.Seed, options.Quick ? 500 : 2000);
        Announce(progress, table, string.Join(", ", table.Targets.Keys));
        RunFolder kept = RunFolder.Open(options, $"{Name}-learners", Fingerprint.Of([table.Features, .. table.Targets.Values]));
        SharingContest contest = new([.. table.Targets.Select(t => new Head(t.Key, t.Key == "time" ? HeadKind.Value : HeadKind.YesNo, t.Value))], kept);
        List<ColumnScaler> scalers = [];
        TrainPlan plan = new((inputs, rng) => MultiTaskNet.DenseTrunk(inputs, (float)(options.Dropout ?? 0.1), rng), MultiTaskNet.DenseWidth)
        {
            Device = options.Device,
            Epochs = options.Epochs ?? (options.Quick ? 8 : 20),
            Batch = options.Batch ?? 64,
            LearningRate = options.LearningRate ?? TrainPlan.Rate,
            WeightDecay = options.WeightDecay ?? TrainPlan.Decay,
        };
        const int of = 5;
        int folds = options.FoldsOf(of, 1, progress);
        for (int fold = 0; fold < folds && !stop.IsCancellationRequested; fold++)
        {
            scalers.Add(Fold(table, [], contest, fold, of, plan, options.Seed, stop));
            progress.Step($"learners, fold {fold + 1}/{folds}", fold + 1, folds);
        }
        List<RunResult> results = Result(table.Name, "shared dense trunk", [contest], gainFirst: true, plan, options, clock, $"{(folds < of ? $"{folds} folds of " : "")}{of}-fold cross-validation. {GainText}");
        results = With(results, options, () => Shuffled(table.Name, Cases(table), [(contest.Heads, "")], folds, (shuffled, _, fold) => Fold(table, [], shuffled, fold, of, plan, options.Seed, stop), options, progress, stop), stop);
        Save(kept, table, [Setting([], contest, scalers)], results, stop);
        return results;
    }

    private List<RunResult> Handwriting(RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        ImageSet images = Digits.Load();
        RunFolder kept = RunFolder.Open(options, $"{Name}-digits", Fingerprint.Of(images.Pixels, images.Labels));
        SharingContest contest = new(DigitTasks.Of(images), kept);
        int[] order = new Rng(options.Seed).Permutation(images.Count);
        int[] test = order[..(images.Count / 5)], train = options.Quick ? order[^400..] : order[(images.Count / 5)..];
        progress.Line($"digits 8x8: {train.Length} training and {test.Length} test images, targets digit, odd, loop, slant");
        TrainPlan plan = new((_, rng) => MultiTaskNet.ConvTrunk(images.Height, images.Width, rng), MultiTaskNet.ConvWidth)
        {
            Device = options.Device,
            Epochs = options.Epochs ?? (options.Quick ? 8 : 30),
            Batch = options.Batch ?? 32,
            LearningRate = options.LearningRate ?? 6e-3,
            WeightDecay = options.WeightDecay ?? TrainPlan.Decay,
        };
        void Learn(SharingContest of) => of.Fold(images.Pixels, [1, images.Height, images.Width], train, test, plan, new Rng(options.Seed).Split(1), stop);
        Learn(contest);
        progress.Step("handwriting", 1, 1);
        List<RunResult> results = Result("digits 8x8", "shared CNN trunk", [contest], gainFirst: true, plan, options, clock,
            $"A random fifth of the digits is the test part. Heads: the digit, odd or even, a closed loop (0, 6, 8, 9), and the slant from the image's moments. {GainText}");
        results = With(results, options, () => Shuffled("digits 8x8", Canary.Cases(Enumerable.Range(0, images.Count).Select(i => Canary.Key(images[i]))), [(contest.Heads, "")], 1, (shuffled, _, _) => Learn(shuffled), options, progress, stop), stop);
        if (results.Count > 0)
        {
            OutcomeSetting setting = new([], contest.Outcomes, [(null, contest.Committees[0])]);
            kept.SaveModel(OutcomePredictor.Kind, OutcomePredictor.Sizes([setting]).Set("height", images.Height).Set("width", images.Width), results[0], stop, ("setting-0", setting));
        }
        return results;
    }

    /// <summary>The results with what the canary found, if it was asked for and there is time.</summary>
    private static List<RunResult> With(List<RunResult> results, RunOptions options, Func<CanaryFound?> canary, CancellationToken stop)
        => results.Count == 0 || !options.Canary || stop.IsCancellationRequested ? results : [results[0] with { Canary = canary() }];

    /// <summary>All folds once more where each row takes the answers of another; null if it was stopped.</summary>
    private CanaryFound? Shuffled(string data, int[] cases, (Head[] Heads, string Suffix)[] settings, int folds, Action<SharingContest, int, int> learn, RunOptions options, IProgress progress, CancellationToken stop)
    {
        int[] from = Canary.Shuffle(cases, Canary.Draws(options.Seed));
        SharingContest[] contests = Array.ConvertAll(settings, s => new SharingContest(SharingContest.Shuffled(s.Heads, from), null, s.Suffix));
        for (int fold = 0; fold < folds; fold++)
        {
            for (int s = 0; s < contests.Length; s++)
            {
                learn(contests[s], s, fold);
                if (stop.IsCancellationRequested) { return null; }
            }
            progress.Step($"canary, fold {fold + 1}/{folds}", fold + 1, folds);
        }
        return Canary.Tell(new(Name, data, "Each row takes all answers of another, drawn from all; equal rows take the same. A known grade stays with its row. It finds a test part that is learned from, and rows that stand in both parts; it does not find columns that were filled in after the answers, for these follow the old ones.",
            Canary.Beside([.. contests.SelectMany(c => c.Shared)], rng => [.. contests.SelectMany(c => c.Reshuffled(cases, rng))], options.Seed)), progress);
    }

    private static int[] Cases(LearnerTable table) => Canary.Cases(Enumerable.Range(0, table.Rows).Select(r => Canary.Key(table[r])));

    private static OutcomeSetting Setting(string[] known, SharingContest contest, List<ColumnScaler> scalers)
        => new(known, contest.Outcomes, [.. contest.Committees.Select((c, f) => ((ColumnScaler?)scalers[f], c))]);

    private static void Save(RunFolder kept, LearnerTable table, OutcomeSetting[] settings, List<RunResult> results, CancellationToken stop)
    {
        settings = [.. settings.Where(s => s.Folds.Count > 0)]; // a run may be stopped before the first fold of one is done
        if (settings.Length > 0)
        {
            kept.SaveModel(OutcomePredictor.Kind, OutcomePredictor.Sizes(settings), results[0], stop, [("columns", table.Columns), .. settings.Select((s, i) => ($"setting-{i}", (ISaveState)s))]);
        }
    }

    /// <summary>The unknown grades, last first, each with the last known one; and whether the course is passed.</summary>
    internal static Head[] GradeHeads(LearnerTable table, string[] known)
    {
        float[]? before = known.Length > 0 ? table.Targets[known[^1]] : null;
        return
        [
            .. new[] { "G3", "G2", "G1" }.Where(g => !known.Contains(g))
                .Select(g => new Head(g.ToLowerInvariant(), HeadKind.Value, table.Targets[g]) { Known = before, Weight = g == "G3" ? 1 : 0.3f }),
            new("pass", HeadKind.YesNo, Passed(table.Targets["G3"])) { Known = before is null ? null : Passed(before) },
        ];

        static float[] Passed(float[] grades) => Array.ConvertAll(grades, g => g >= 10 ? 1f : 0f);
    }

    private static ColumnScaler Fold(LearnerTable table, string[] known, SharingContest contest, int fold, int of, TrainPlan plan, ulong seed, CancellationToken stop)
    {
        var (scaler, columns, train, test) = Part(table, known, fold, of, seed);
        contest.Fold(columns, [scaler.Width], train, test, plan, new Rng(seed).Split((ulong)fold), stop);
        return scaler;
    }

    /// <summary>The scaled columns of all rows, and which rows of a fold are learned from and tested.</summary>
    private static (ColumnScaler Scaler, float[] Columns, int[] Train, int[] Test) Part(LearnerTable table, string[] known, int fold, int of, ulong seed)
    {
        int[] order = new Rng(seed).Permutation(table.Rows);
        int[] train = [.. order.Where((_, place) => place % of != fold)], test = [.. order.Where((_, place) => place % of == fold)];
        float[] columns = [.. Enumerable.Range(0, table.Rows).SelectMany(r => (float[])[.. table[r], .. known.Select(k => table.Targets[k][r])])];
        ColumnScaler scaler = new(columns, table.FeatureNames.Length + known.Length, train);
        return (scaler, scaler.Apply(columns), train, test);
    }

    /// <summary>Nothing when stopped before the first fold was done.</summary>
    private List<RunResult> Result(string data, string model, SharingContest[] contests, bool gainFirst, TrainPlan plan, RunOptions options, Stopwatch clock, string protocol)
    {
        contests = [.. contests.Where(c => c.HasResults)];
        if (contests.Length == 0) { return []; }
        Score[] shared = Main(c => c.Shared), alone = [.. Main(c => c.Alone).Select(s => s with { Name = s.Name + "_alone" })], gains = Main(c => c.SharedGains);
        Score gain = Mean(c => c.SharedGains);
        int main = contests.Length;
        return [new(Name, model, data)
        {
            Metrics = gainFirst ? [gain, .. shared, .. alone, .. gains] : [.. shared[..main], .. alone[..main], gain, .. shared[main..], .. alone[main..], .. gains],
            Baselines =
            [
                ("naive", [.. Main(c => c.Guessed), Mean(c => c.NaiveGains)]),
                ("ridge", [.. Main(c => c.Ridged), Mean(c => c.RidgeGains)]),
                ("each alone", [.. Main(c => c.Alone), new("relative_gain", 0)]),
            ],
            Predictions = Told(contests),
            Epochs = plan.Epochs,
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Charts = [.. contests.SelectMany(c => c.Charts)],
            Protocol = protocol,
        }];

        // the main heads of all contests, then the others
        Score[] Main(Func<SharingContest, IReadOnlyList<Score>> scores) => [.. contests.Select(c => scores(c)[0]), .. contests.SelectMany(c => scores(c).Skip(1))];

        Score Mean(Func<SharingContest, IReadOnlyList<Score>> gainsOf) => new("relative_gain", contests.SelectMany(gainsOf).Average(s => s.Value));
    }

    // the truth of all heads, which the first contest has, and what each contest's shared networks told; of classes the likeliest. A run may be stopped between two contests of a fold
    private static Predictions Told(SharingContest[] contests)
    {
        return new(["fold", "row", .. contests[0].Heads.Select(h => h.Name), .. contests.SelectMany(c => c.Heads.Select(h => $"{h.Name}{c.Suffix}_shared"))], Lines());

        IEnumerable<string[]> Lines()
        {
            var told = Array.ConvertAll(contests, c => c.Told.ToArray());
            for (int i = 0; i < told.Min(t => t.Length); i++)
            {
                var (fold, row, _) = told[0][i];
                yield return [Predictions.Number(fold + 1), Predictions.Number(row + 1), .. contests[0].Heads.Select(h => Predictions.Number(h.Targets[row])), .. told.SelectMany((t, c) => t[i].Shared.Select((values, h) =>
                    contests[c].Heads[h].Kind == HeadKind.Class ? Predictions.Number(System.Numerics.Tensors.TensorPrimitives.IndexOfMax(values)) : Predictions.Number(values[0])))];
            }
        }
    }

    private static void Announce(IProgress progress, LearnerTable table, string targets)
        => progress.Line($"{table.Name}: {table.Rows} learners, {table.FeatureNames.Length} features, targets {targets}");
}
