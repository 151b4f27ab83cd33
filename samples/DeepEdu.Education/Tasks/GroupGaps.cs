using System.Globalization;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Metrics;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>Whether a model is as good for one group of learners as for another, and whether its list of learners to watch is filled alike.</summary>
/// <param name="log">Who is in which group.</param>
/// <param name="told">Learners, their risks, and how far each is watched.</param>
/// <param name="seed">Of the bootstrap.</param>
internal sealed class GroupGaps(BehaviourLog log, IEnumerable<(int Learner, double Risk, double Watched)> told, ulong seed)
{
    /// <summary>The largest difference that is not pointed out.</summary>
    public const double Limit = 0.1;

    /// <summary>Smaller groups are shown, but no difference is said of them: it would be chance.</summary>
    public const int SmallestGroup = 30;

    private const int Resamples = 200;
    private readonly (int Learner, double Risk, double Watched)[] _rows = [.. told];

    /// <summary>A table of groups and one of their differences; without groups, of all learners.</summary>
    public IEnumerable<ReportTable> Tables()
    {
        ReportTable all = new("By group", ["grouped by", "group", "learners", "leave", "mean risk", "watched", "watched of those who leave", "watched of those who stay", "roc_auc"],
            log.GroupNames.Length == 0 ? [Row("", "all", _rows)] : [.. log.GroupNames.SelectMany((name, k) => _rows.GroupBy(r => Group(r.Learner, k)).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => Row(name, g.Key, [.. g])))]);
        return log.GroupNames.Length == 0 ? [all] : [all, Differences()];
    }

    /// <summary>The largest differences between two groups, by the place of what they are grouped by; an interval of 95 of 100 draws of learners. NaN where there is no second group.</summary>
    public IEnumerable<(string Measure, Interval Gap)> Gaps(int by)
    {
        var rows = _rows.GroupBy(r => Group(r.Learner, by)).Where(g => g.Count() >= SmallestGroup).SelectMany(g => g).OrderBy(r => r.Learner).ToArray();
        int[] learners = NumbersOf(rows.Select(r => log.Learners[r.Learner].Name));
        return
        [
            ("watched (demographic parity)", Gap(r => Fairness.DemographicParityDifference(Decisions(r)))),
            ("watched of those who leave or stay (equalised odds)", Gap(r => Fairness.EqualizedOddsDifference(Decisions(r)))),
            ("roc_auc", Gap(r => Areas(r).Value)),
        ];

        Interval Gap(Func<IEnumerable<(int Learner, double Risk, double Watched)>, double> measure)
            => double.IsNaN(measure(rows)) ? new(double.NaN, double.NaN, double.NaN) : Bootstrap.Confidence(learners, drawn => measure(drawn.Select(i => rows[i])), new Rng(seed), Resamples);

        MetricFrame<ConfusionMatrix> Decisions(IEnumerable<(int Learner, double Risk, double Watched)> of)
        {
            MetricFrame<ConfusionMatrix> frame = new(() => new ConfusionMatrix(2));
            foreach (var row in of) { Add(frame.For(Group(row.Learner, by)), row); }
            return frame;
        }

        MetricFrame<RocAuc> Areas(IEnumerable<(int Learner, double Risk, double Watched)> of)
        {
            MetricFrame<RocAuc> frame = new(() => new RocAuc());
            foreach (var (learner, risk, _) in of) { frame.For(Group(learner, by)).Add(risk, Leaves(learner)); }
            return frame;
        }
    }

    private ReportTable Differences() => new($"Differences between groups of {SmallestGroup} or more: the largest, where 95 of 100 draws of learners lie, and whether that keeps to {Limit.ToString(CultureInfo.InvariantCulture)}",
        ["grouped by", "of", "difference", "low", "high", "limit"],
        [.. log.GroupNames.SelectMany((name, k) => Gaps(k).Where(g => !double.IsNaN(g.Gap.Value)).Select(g => (string[])
            [name, g.Measure, ResultTable.Number(g.Gap.Value), ResultTable.Number(g.Gap.Low), ResultTable.Number(g.Gap.High), Fairness.Check(g.Gap, Limit).ToString().ToLowerInvariant()]))]);

    private string[] Row(string name, string group, (int Learner, double Risk, double Watched)[] rows)
    {
        ConfusionMatrix decisions = new(2);
        RocAuc area = new();
        foreach (var row in rows)
        {
            Add(decisions, row);
            area.Add(row.Risk, Leaves(row.Learner));
        }
        return [name, group, rows.Length.ToString(CultureInfo.InvariantCulture), .. new[] { decisions.Support(1) / decisions.Total, rows.Average(r => r.Risk), Fairness.SelectionRate(decisions),
            Fairness.TruePositiveRate(decisions), Fairness.FalsePositiveRate(decisions), area.Value }.Select(ResultTable.Number)];
    }

    // where there was no room for all of equal risks, a learner is watched in part
    private void Add(ConfusionMatrix decisions, (int Learner, double Risk, double Watched) row)
    {
        int leaves = Leaves(row.Learner) ? 1 : 0;
        decisions.Add(1, leaves, row.Watched);
        decisions.Add(0, leaves, 1 - row.Watched);
    }

    private string Group(int learner, int by) => log.Learners[learner].Groups[by] is { Length: > 0 } group ? group : "unknown";

    private bool Leaves(int learner) => log.Learners[learner].Left is not null;

    private static int[] NumbersOf(IEnumerable<string> names)
    {
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        return [.. names.Select(name => numbers.TryGetValue(name, out int n) ? n : numbers[name] = numbers.Count)];
    }
}
