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
using DeepEdu.Education.Text;
using DeepEdu.Education.Ui;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>Grades the essays of one ASAP prompt over the given folds, by the protocol of Taghipour and Ng 2016.</summary>
internal sealed class EssayGrading(RunOptions options)
{
    private const int VocabularySize = 4000;
    private const int ShownOfAKind = 2;
    private const ulong Attack = 0xA77AC; // the streams of attacks, apart from all that a run draws

    public RunResult Run(IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        EssaySet set = AsapReader.Read(options.Data!, options.Prompt);
        progress.Line(set.ToString());
        Fold[] folds = set.Folds[..options.FoldsOf(set.Folds.Length, 1, progress)];
        List<string>[] words = [.. set.Essays.Select(e => EssayWords.Split(e.Text))];
        float[][] lengths = [.. set.Essays.Select(e => LengthFeatures.Of(e.Text))];
        RunFolder kept = RunFolder.Open(options, "grade", Print(set, folds));
        List<FoldScores> model = [], byLength = [], byMean = [];
        List<(double Length, double Mean)> simple = [];
        List<EssayTrainer> trainers = [];
        List<(Vocabulary, EssayScorer)> networks = [];
        ConfusionMatrix confusion = new(set.Max - set.Min + 1);
        List<(GradedEssay, int)> graded = [];
        List<Score[]> sure = [];
        List<TestedEssay> tests = [];
        EssayAttacks attacks = new();
        for (int f = 0; f < folds.Length && (f == 0 || !stop.IsCancellationRequested); f++)
        {
            Fold fold = folds[f];
            var (vocabulary, essays, trainer) = Train(set, words, fold, kept, $"fold-{f + 1}", $"fold {f + 1}/{folds.Length}", progress, stop);
            float[] predicted = trainer.Network.Predict([.. fold.Test.Select(i => essays.Tokens[i])]);
            model.Add(new(set, fold.Test, [.. predicted.Select(essays.Rescale)]));
            confusion.Merge(model[^1].Table);
            (GradedEssay, int)[] Told(int[] places, IEnumerable<float> scores)
                => [.. places.Zip(scores, (i, s) => (new GradedEssay(essays.Rescale(s), words[i].Count, EssayPredictor.Unknown(vocabulary, essays.Tokens[i])), set.Essays[i].Score))];
            var tested = Told(fold.Test, predicted);
            GradeIntervals? intervals = GradeIntervals.Fit(Told(fold.Dev, trainer.Network.Predict([.. fold.Dev.Select(i => essays.Tokens[i])])), set.Min, set.Max);
            sure.Add(Sure(intervals, tested, set));
            EssayOddities? oddities = EssayOddities.Fit([.. fold.Train.Select(i => words[i])]);
            if (oddities is not null && !stop.IsCancellationRequested)
            {
                attacks.Add(oddities, [.. fold.Test.Select(i => words[i])], [.. fold.Train.Select(i => words[i])], made => trainer.Network.Predict([.. made.Select(m => vocabulary.Encode(m))]).Select(s => essays.Rescale(s)), new Rng(options.Seed).Split(Attack + (ulong)f));
            }
            tests.AddRange(fold.Test.Zip(tested, (i, t) => new TestedEssay(i, f, t.Item1.Exact, set.Essays[i].Score, words[i].Count, intervals?.Of(t.Item1), intervals, oddities?.Of(words[i]) ?? [])));
            graded.AddRange(tested);
            trainers.Add(trainer);
            networks.Add((vocabulary, trainer.Network));

            Ridge ridge = new([.. fold.Train.Select(i => lengths[i])], [.. fold.Train.Select(i => (float)set.Essays[i].Score)]);
            double mean = fold.Train.Average(i => (double)set.Essays[i].Score);
            double[] guessed = [.. fold.Test.Select(i => (double)ridge.Predict(lengths[i]))];
            simple.AddRange(guessed.Select(g => (g, mean)));
            byLength.Add(new(set, fold.Test, guessed));
            byMean.Add(new(set, fold.Test, [.. fold.Test.Select(_ => mean)]));
            progress.Line($"fold {f + 1}/{folds.Length}  epoch {trainer.Learned.BestEpoch + 1}: test qwk {model[^1].Qwk:F4}  (ridge on length {byLength[^1].Qwk:F4})");
        }
        RunResult result = Result(set, clock, trainers, model, byLength, byMean) with { Confusion = confusion };
        result = result with { Metrics = [.. result.Metrics, .. sure[0].Select((s, k) => new Score(s.Name, sure.Select(f => f[k].Value).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average())), new Score("odd", attacks.Odd)], Tables = double.IsNaN(attacks.Odd) ? [] : [attacks.Table] };
        result = result with { Predictions = Told(set, tests, simple) };
        if (!stop.IsCancellationRequested) { result = result with { Essays = Shown(set, tests, networks, words) }; }
        if (options.Canary && !stop.IsCancellationRequested) { result = result with { Canary = Shuffled(set, words, folds, kept, progress, stop), Seconds = clock.Elapsed.TotalSeconds }; }
        kept.SaveModel(EssayPredictor.Kind, EssayPredictor.Sizes(set, networks), result, stop, EssayPredictor.Parts(networks, GradeIntervals.Fit(graded, set.Min, set.Max), EssayOddities.Fit(words)));
        return result;
    }

    /// <summary>For a search.</summary>
    public Trials Trials(IProgress progress)
    {
        EssaySet set = AsapReader.Read(options.Data!, options.Prompt);
        progress.Line(set.ToString());
        List<string>[] words = [.. set.Essays.Select(e => EssayWords.Split(e.Text))];
        Fold fold = set.Folds[0];
        return new(set.Name, Print(set, set.Folds[..1]), "val_qwk", true, Epochs, (its, kept, show, stop) => new EssayGrading(its).Train(set, words, fold, kept, "fold-1", "", show, stop).Trainer.Learned.Tried)
        {
            Folds = set.Folds.Length,
            TestedLater = Search.Trials.Meets(fold.Dev, set.Folds.Skip(1).Select(f => f.Test)),
        };
    }

    private int Epochs => options.Epochs ?? (options.Quick ? 2 : 10);

    private static string Print(EssaySet set, Fold[] folds) => Fingerprint.Of([.. set.Essays.Select(e => e.Text), set.Essays.Select(e => e.Score).ToArray(), .. folds.SelectMany(f => (int[][])[f.Train, f.Dev, f.Test])]);

    /// <summary>A test essay, the fold that it was tested in, and what was told of it.</summary>
    private sealed record TestedEssay(int Place, int Fold, double Exact, int Truth, int Words, Interval? Within, GradeIntervals? Intervals, string[] Odd)
    {
        public double Error => Math.Abs(Exact - Truth);

        public bool Review(EssaySet set) => Within is { } within && Intervals!.NeedsReview(within, WeightedKappa.Round(Exact, set.Min, set.Max));
    }

    private static Predictions Told(EssaySet set, List<TestedEssay> tests, List<(double Length, double Mean)> simple) => new(["fold", "essay_id", "truth", "score", "exact", "low", "high", "review", "ridge on length", "mean score"],
        tests.Zip(simple, (t, s) => (string[])[Predictions.Number(t.Fold + 1), Predictions.Number(set.Essays[t.Place].Id), Predictions.Number(t.Truth), Predictions.Number(WeightedKappa.Round(t.Exact, set.Min, set.Max)), Predictions.Number(t.Exact),
            t.Within is { } low ? Predictions.Number(low.Low) : "", t.Within is { } high ? Predictions.Number(high.High) : "", t.Within is null ? "" : t.Review(set) ? "yes" : "no", Predictions.Number(s.Length), Predictions.Number(s.Mean)]));

    /// <summary>Two test essays of the largest errors, two of the widest intervals among those for review, and two whose errors are nearest the middle one; each once.</summary>
    private static ExplainedEssay[] Shown(EssaySet set, List<TestedEssay> tests, List<(Vocabulary Words, EssayScorer Network)> networks, List<string>[] words)
    {
        TestedEssay[] all = [.. tests.Where(t => t.Words > 0).OrderByDescending(t => t.Error).ThenBy(t => t.Place)];
        if (all.Length == 0) { return []; }
        double middle = all[all.Length / 2].Error;
        List<(TestedEssay Essay, string Why)> shown = [];
        void Take(string why, IEnumerable<TestedEssay> from) => shown.AddRange(from.Where(t => !shown.Exists(s => s.Essay == t)).Take(ShownOfAKind).ToArray().Select(t => (t, why)));
        Take("of the largest errors", all);
        Take("for review, of the widest intervals", all.Where(t => t.Review(set)).OrderByDescending(t => t.Within!.Value.Width));
        Take("typical: of an error in the middle", all.OrderBy(t => Math.Abs(t.Error - middle)));
        return [.. shown.Select(s =>
        {
            TestedEssay t = s.Essay;
            var (vocabulary, network) = networks[t.Fold];
            var (points, delta) = network.Explain(vocabulary.Encode(words[t.Place]));
            double unit = set.Max - set.Min;
            return new ExplainedEssay(set.Essays[t.Place].Id, s.Why, set.Essays[t.Place].Text, t.Truth, t.Exact, Array.ConvertAll(points, p => p * unit), delta * unit)
            {
                Within = t.Within is { } within ? string.Create(CultureInfo.InvariantCulture, $"{within.Low:0.0} to {within.High:0.0}") : "",
                Review = string.Join(", ", t.Review(set) ? [EssayPredictor.Wide, .. t.Odd] : t.Odd),
            };
        })];
    }

    private (Vocabulary Words, EncodedEssays Essays, EssayTrainer Trainer) Train(EssaySet set, List<string>[] words, Fold fold, RunFolder kept, string name, string phase, IProgress progress, CancellationToken stop)
    {
        Vocabulary vocabulary = Vocabulary.Of(fold.Train.Select(i => words[i]), VocabularySize);
        EncodedEssays essays = new([.. words.Select(w => vocabulary.Encode(w))], [.. set.Essays.Select(e => (e.Score - set.Min) / (float)(set.Max - set.Min))], set.Min, set.Max);
        EssayTrainer trainer = new(essays, vocabulary.Count, fold.Train, fold.Dev, new(Epochs, options.Batch ?? 8, options.Seed)
        {
            Device = options.Device,
            Kept = kept.Training(name),
            Until = options.Until,
            LearningRate = options.LearningRate ?? EssayOptions.Rate,
            Hidden = options.Hidden ?? EssayScorer.Usual,
            Dropout = (float)(options.Dropout ?? EssayScorer.Drop),
        });
        trainer.Fit(phase, progress, stop);
        return (vocabulary, essays, trainer);
    }

    /// <summary>The same on shuffled scores; null if it was stopped.</summary>
    private CanaryFound? Shuffled(EssaySet set, List<string>[] words, Fold[] folds, RunFolder kept, IProgress progress, CancellationToken stop)
    {
        int[] cases = Canary.Cases(set.Essays.Select(e => e.Text)), from = Canary.Shuffle(cases, Canary.Draws(options.Seed));
        EssaySet shuffled = set with { Essays = [.. set.Essays.Select((e, i) => e with { Score = set.Essays[from[i]].Score })] };
        List<double[]> told = [];
        foreach (var (f, fold) in folds.Index())
        {
            var (_, essays, trainer) = Train(shuffled, words, fold, kept, $"canary-{f + 1}", $"canary, fold {f + 1}/{folds.Length}", progress, stop);
            if (stop.IsCancellationRequested) { return null; }
            told.Add([.. trainer.Network.Predict([.. fold.Test.Select(i => essays.Tokens[i])]).Select(essays.Rescale)]);
        }
        int[] tested = [.. folds.SelectMany(f => f.Test)];
        return Canary.Tell(new("grade", set.Name, "Each essay takes the score of another, drawn from all; essays of the same text take the same. It finds a test part that is learned from, and essays that stand in both parts word for word; it does not find scores that stand in the texts.",
            Canary.Beside([Qwk(shuffled)], rng =>
            {
                int[] again = Canary.Shuffle(Array.ConvertAll(tested, i => cases[i]), rng);
                Essay[] essays = [.. shuffled.Essays];
                for (int i = 0; i < again.Length; i++) { essays[tested[i]] = essays[tested[i]] with { Score = shuffled.Essays[tested[again[i]]].Score }; }
                return [Qwk(shuffled with { Essays = essays })];
            }, options.Seed)), progress);

        Score Qwk(EssaySet truth) => new("qwk", folds.Select((fold, f) => new FoldScores(truth, fold.Test, told[f]).Qwk).Average());
    }

    private RunResult Result(EssaySet set, Stopwatch clock, List<EssayTrainer> trainers, List<FoldScores> model, List<FoldScores> byLength, List<FoldScores> byMean)
    {
        double floor = byLength.Average(f => f.Qwk), reached = model.Average(f => f.Qwk);
        return new("grade", "LSTM", set.Name)
        {
            Metrics = Means(model),
            Baselines = [("ridge on length", Means(byLength)), ("mean score", Means(byMean))],
            Epochs = trainers.Max(t => t.Learned.EpochsRun),
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Charts =
            [
                new("mean squared error while learning", [.. trainers.Select((t, f) => new Curve($"fold {f + 1}", t.Learned["loss"]))]),
                new("dev qwk", [.. trainers.Select((t, f) => new Curve($"fold {f + 1}", t.Learned["val_qwk"]))]),
            ],
            ClassNames = [.. Enumerable.Range(set.Min, set.Max - set.Min + 1).Select(g => $"{g}")],
            Protocol = $"{model.Count} of the {set.Folds.Length} given folds; vocabulary of {VocabularySize} from the training part; in each fold the epoch with the best dev kappa "
                + $"({string.Join(", ", trainers.Select(t => t.Learned.BestEpoch + 1))}); kappa of rounded scores over the prompt's full range; the mean over test folds (qwk {model.Min(f => f.Qwk):F3} to {model.Max(f => f.Qwk):F3}). "
                + $"One network a fold, {trainers[0].Network.ParameterCount} parameters, no pre-trained word vectors, no hand-made features. Differs from Taghipour and Ng: {trainers[0].Network.Hidden} units, mean and sum over "
                + "time, dropout on word vectors, Adam with a falling rate, batches of like length. "
                + $"Intervals are fitted on the dev essays to hold {1 - GradeIntervals.Alpha:P0} of the true scores; coverage says how many they hold of the test essays, interval how wide they are in points, review which share a person shall grade too. rmse_sure and qwk_sure are of the others, mean over the folds that have any: compare the errors, for kappa falls with the spread of the scores that are left. odd says which share of the test essays seems unlike those learned from, so that a person shall grade them too; it counts in no other number."
                + (reached < floor ? $" Ridge regression on eight length features reaches {floor:F3}: raters of this prompt follow length, which the network has to learn from {set.Folds[0].Train.Length} essays." : ""),
        };
    }

    /// <summary>What the intervals fitted on a fold's dev essays are worth on its test essays; NaN where they were too few.</summary>
    private static Score[] Sure(GradeIntervals? intervals, (GradedEssay Essay, int Truth)[] tested, EssaySet set)
    {
        WeightedKappa kappa = new(set.Min, set.Max);
        RegressionError error = new();
        Accuracy held = new(), reviewed = new();
        double width = 0;
        foreach (var (essay, truth) in intervals is null ? [] : tested)
        {
            Interval interval = intervals!.Of(essay);
            int grade = WeightedKappa.Round(essay.Exact, set.Min, set.Max);
            bool review = intervals.NeedsReview(interval, grade);
            held.Add(truth >= interval.Low && truth <= interval.High ? 1 : 0, 1);
            reviewed.Add(review ? 1 : 0, 1);
            width += interval.Width / tested.Length;
            kappa.Add(grade, truth, review ? 0 : 1);
            error.Add(essay.Exact, truth, review ? 0 : 1);
        }
        return [new("coverage", held.Value), new("interval", intervals is null ? double.NaN : width), new("review", reviewed.Value), new("qwk_sure", kappa.Value), new("rmse_sure", error.Rmse)];
    }

    private static Score[] Means(List<FoldScores> folds)
        => [new("qwk", folds.Average(f => f.Qwk)), new("lwk", folds.Average(f => f.Lwk)), new("rmse", folds.Average(f => f.Rmse))];

    /// <summary>How predicted scores (on the prompt's scale) of one fold's test essays do.</summary>
    private sealed class FoldScores
    {
        private readonly WeightedKappa _quadratic, _linear;
        private readonly RegressionError _error = new();

        public FoldScores(EssaySet set, int[] test, double[] predicted)
        {
            (_quadratic, _linear) = (new(set.Min, set.Max), new(set.Min, set.Max, KappaWeights.Linear));
            for (int i = 0; i < test.Length; i++)
            {
                int grade = WeightedKappa.Round(predicted[i], set.Min, set.Max), truth = set.Essays[test[i]].Score;
                _quadratic.Add(grade, truth);
                _linear.Add(grade, truth);
                _error.Add(predicted[i], truth);
            }
        }

        public double Qwk => _quadratic.Value;

        public double Lwk => _linear.Value;

        public double Rmse => _error.Rmse;

        public ConfusionMatrix Table => _quadratic.Table;
    }
}
