using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>What a tracer's chances are worth on the test learners of some folds. Answers 2 .. n of each learner count, the first has none before it. Numbers are means over folds, but for what needs many answers: auc_skill and ece are of all folds together.</summary>
/// <param name="set">The data.</param>
/// <param name="name">The tracer.</param>
internal sealed class TracingScores(TracingSet set, string name)
{
    /// <summary>Answers are grouped by how many stand before them; each group ends with so many.</summary>
    public static readonly int[] PositionEnds = [5, 10, 20, 40, 80, 160, int.MaxValue];

    private const int Resamples = 200;
    private readonly List<(int[] Learners, double[][] Chances)> _folds = []; // a row of its own for each answer and tracer would take many times the room of the data

    public string Name => name;

    public Calibration Calibration { get; } = new();

    /// <summary>The area under the ROC curve, mean over folds.</summary>
    public double Auc => Mean(RocAuc);

    /// <summary>Adds the chances of the test learners of one fold.</summary>
    public void Add(int[] learners, IEnumerable<double[]> chances)
    {
        _folds.Add((learners, [.. chances]));
        foreach (Row row in RowsOf(_folds.Count - 1)) { Calibration.Add(row.Chance, row.Right); }
    }

    /// <summary>Adds what a tracer tells of the test learners of one fold.</summary>
    public void Add(int[] learners, ITracer tracer) => Add(learners, learners.Select(l => tracer.Chances(set.Learners[l])));

    public Score[] Scores => [new("auc", Auc), new("accuracy", Mean(Accuracy)), new("rmse", Mean(Rmse)), new("log_loss", Mean(Loss)), new("ece", Calibration.Value), new("auc_skill", SkillAucs().Select(s => s.Auc).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average())];

    /// <summary>The interval of the area in 95 of 100 draws of the test learners: as wholes, for the answers of one hang together. None where the area is undefined: some fold's answers are all right, or all wrong.</summary>
    public Interval? Interval(ulong seed)
    {
        if (double.IsNaN(Auc)) { return null; }
        Row[] all = [.. Rows];
        int[] order = ByChance(all);
        int[] counts = new int[all.Length];
        bool[] right = Array.ConvertAll(all, r => r.Right);
        return Bootstrap.Confidence(Array.ConvertAll(all, r => r.Learner), rows =>
        {
            Array.Clear(counts);
            foreach (int row in rows) { counts[row]++; }
            return Enumerable.Range(0, _folds.Count).Average(fold => Area(all, order, right, counts, fold));
        }, new Rng(seed), Resamples);
    }

    /// <summary>The area of the answers that are given for the first time, or of the rows that repeat one.</summary>
    public double AucOf(RepeatedAnswers repeated, bool again) => Mean(rows => RocAuc(rows.Where(r => repeated.Repeats(r.Learner, r.Position) == again)));

    /// <summary>The area that the same chances have when the test answers are shuffled, those of all folds alike.</summary>
    public Func<Rng, double> Reshuffled(RepeatedAnswers repeated)
    {
        Row[] all = [.. Rows];
        int[] order = ByChance(all), once = [.. Enumerable.Repeat(1, all.Length)];
        Dictionary<int, int[]> answers = all.Select(r => r.Learner).Distinct().ToDictionary(l => l, repeated.Answers);
        int[] cases = Canary.Cases(all.Select(r => (r.Learner, answers[r.Learner][r.Position])));
        return rng =>
        {
            bool[] right = Array.ConvertAll(Canary.Shuffle(cases, rng), row => all[row].Right);
            return Enumerable.Range(0, _folds.Count).Average(fold => Area(all, order, right, once, fold));
        };
    }

    /// <summary>What several tracers tell of the same test answers, one a row; the first one's name is the model's.</summary>
    public static Predictions Told(TracingSet set, TracingScores[] all) => new(["fold", "learner", "answer", "skill", "right", .. all.Select(s => s.Name)], Enumerable.Range(0, all[0]._folds.Count).SelectMany(fold =>
    {
        IEnumerator<Row>[] rows = Array.ConvertAll(all, s => s.RowsOf(fold).GetEnumerator());
        return Lines();

        IEnumerable<string[]> Lines()
        {
            while (Array.TrueForAll(rows, r => r.MoveNext()))
            {
                Row row = rows[0].Current;
                yield return [Predictions.Number(fold + 1), set.Learners[row.Learner].Name, Predictions.Number(row.Position + 1), set.Skills[row.Skill], row.Right ? "1" : "0", .. rows.Select(r => Predictions.Number(r.Current.Chance))];
            }
        }
    }));

    /// <summary>The test learners of a fold, of how many answers each was told, and its mean log loss.</summary>
    public IEnumerable<(int Learner, int Count, double Loss)> ByLearner(int fold) => RowsOf(fold).GroupBy(r => r.Learner).Select(g => (g.Key, g.Count(), Loss(g)));

    /// <summary>For each skill how many answers there are, which share was right, and the area; NaN where all or none are right.</summary>
    public IEnumerable<(int Skill, int Count, double Right, double Auc)> SkillAucs()
        => Rows.GroupBy(r => r.Skill).OrderBy(g => g.Key).Select(g => (g.Key, g.Count(), g.Average(r => r.Right ? 1.0 : 0), RocAuc(g)));

    /// <summary>The log loss of each skill's answers.</summary>
    public MetricFrame<LogLoss> SkillLosses() => Losses(Rows, r => set.Skills[r.Skill]);

    /// <summary>For each group of learners, such as a class, what <see cref="SkillAucs"/> has of a skill, and accuracy and log loss. None where no learner has a group.</summary>
    public IEnumerable<(string Group, int Count, double Right, double Accuracy, double Loss, double Auc)> Groups()
        => set.Learners.All(l => l.Group.Length == 0) ? [] : Rows.GroupBy(r => Group(r.Learner)).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => (g.Key, g.Count(), g.Average(r => r.Right ? 1.0 : 0), Accuracy(g), Loss(g), RocAuc(g)));

    /// <summary>The largest difference of log loss between two groups, in 95 of 100 draws of the test learners; null where there is no second group.</summary>
    public Interval? GroupGap(ulong seed)
    {
        var own = Rows.GroupBy(r => r.Learner).Select(g => (Group: Group(g.Key), Loss: Losses(g, _ => "").Overall)).ToArray();
        if (own.Select(o => o.Group).Distinct().Count() < 2) { return null; }
        return Bootstrap.Confidence(own.Length, drawn =>
        {
            MetricFrame<LogLoss> losses = new(() => new LogLoss());
            foreach (int i in drawn) { losses.For(own[i].Group).Merge(own[i].Loss); }
            return losses.Value;
        }, new Rng(seed), Resamples);
    }

    /// <summary>The area for answers with few before them and with many.</summary>
    public double[] AucByPosition() => [.. PositionEnds.Select((end, i) => RocAuc(Rows.Where(r => r.Position <= end && (i == 0 || r.Position > PositionEnds[i - 1]))))];

    private string Group(int learner) => set.Learners[learner].Group is { Length: > 0 } group ? group : "unknown";

    private static MetricFrame<LogLoss> Losses(IEnumerable<Row> rows, Func<Row, string> group)
    {
        MetricFrame<LogLoss> losses = new(() => new LogLoss());
        foreach (Row row in rows) { losses.For(group(row)).Add(row.Chance, row.Right); }
        return losses;
    }

    private double Mean(Func<IEnumerable<Row>, double> measure)
        => _folds.Count == 0 ? double.NaN : Enumerable.Range(0, _folds.Count).Average(fold => measure(RowsOf(fold)));

    private static double RocAuc(IEnumerable<Row> rows)
    {
        RocAuc auc = new();
        foreach (var row in rows) { auc.Add(row.Chance, row.Right); }
        return auc.Value;
    }

    private IEnumerable<Row> Rows => Enumerable.Range(0, _folds.Count).SelectMany(RowsOf);

    private IEnumerable<Row> RowsOf(int fold)
    {
        foreach (var (l, chances) in _folds[fold].Learners.Zip(_folds[fold].Chances))
        {
            TracedLearner learner = set.Learners[l];
            for (int t = 1; t < learner.Count; t++) { yield return new(fold, l, learner.Skills[t], t, chances[t], learner.Right[t]); }
        }
    }

    private static double Accuracy(IEnumerable<Row> rows) => rows.Average(r => r.Chance >= 0.5 == r.Right ? 1.0 : 0);

    private static double Rmse(IEnumerable<Row> rows) => Math.Sqrt(rows.Average(r => Math.Pow(r.Chance - (r.Right ? 1 : 0), 2)));

    private static double Loss(IEnumerable<Row> rows) => Losses(rows, _ => "").Overall.Value;

    private static int[] ByChance(Row[] rows) => [.. Enumerable.Range(0, rows.Length).OrderBy(i => rows[i].Chance)];

    // the area of one fold's rows, each as often as it was drawn; the rows come in order of their chances
    private static double Area(Row[] rows, int[] order, bool[] right, int[] counts, int fold)
    {
        double below = 0, wins = 0, positives = 0;
        for (int at = 0; at < order.Length;)
        {
            double tiedRight = 0, tiedWrong = 0, chance = rows[order[at]].Chance;
            for (; at < order.Length && rows[order[at]].Chance == chance; at++)
            {
                if (rows[order[at]].Fold != fold) { continue; }
                if (right[order[at]]) { tiedRight += counts[order[at]]; } else { tiedWrong += counts[order[at]]; }
            }
            wins += tiedRight * (below + (0.5 * tiedWrong));
            below += tiedWrong;
            positives += tiedRight;
        }
        return wins / (positives * below);
    }

    private readonly record struct Row(int Fold, int Learner, int Skill, int Position, double Chance, bool Right);
}
