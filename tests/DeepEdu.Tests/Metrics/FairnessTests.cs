using System.Text.Json;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Metrics;

/// <summary>Metrics by group: NumPy's numbers (tests/golden/trust.py), and what must hold for any groups.</summary>
public class FairnessTests
{
    private static readonly JsonElement s_golden = GoldenLayers.Read("trust.json").GetProperty("fairness");

    [Fact]
    public void RatesAndDifferencesEqualNumPy()
    {
        var frame = Fairness.Frame(Bools("decided"), Bools("actual"), [.. s_golden.GetProperty("group").EnumerateArray().Select(g => g.GetString()!)]);
        Assert.Equal(["a", "b", "c"], frame.Groups);
        Close("selection", Fairness.SelectionRate);
        Close("true_positive", Fairness.TruePositiveRate);
        Close("false_positive", Fairness.FalsePositiveRate);
        Close("accuracy", m => m.Accuracy);
        Assert.Equal(Number("demographic_parity_difference"), Fairness.DemographicParityDifference(frame), 1e-12);
        Assert.Equal(Number("demographic_parity_ratio"), Fairness.DemographicParityRatio(frame), 1e-12);
        Assert.Equal(Number("equal_opportunity_difference"), Fairness.EqualOpportunityDifference(frame), 1e-12);
        Assert.Equal(Number("equalized_odds_difference"), Fairness.EqualizedOddsDifference(frame), 1e-12);
        Assert.Equal(Number("equalized_odds_ratio"), Fairness.EqualizedOddsRatio(frame), 1e-12);
        double[] accuracy = Doubles("accuracy");
        Assert.Equal(("abc"[Array.IndexOf(accuracy, accuracy.Min())].ToString(), accuracy.Min()), frame.Worst());
        Assert.Equal("abc"[Array.IndexOf(accuracy, accuracy.Max())].ToString(), frame.Worst(higherIsBetter: false).Group);

        void Close(string name, Func<ConfusionMatrix, double> rate) => Assert.Equal(Doubles(name), frame.ByGroup(rate).Select(g => g.Value), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    /// <summary>The mean of the groups' accuracies, weighted by their sizes, is that of all; names and order of groups change nothing.</summary>
    [Fact]
    public void GroupsAddUpToAll()
    {
        var example = from g in Gen.Choose(0, 3) from d in Gen.Choose(0, 1) from a in Gen.Choose(0, 1) select (Group: $"g{g}", Decided: d == 1, Actual: a == 1);
        Prop.ForAll(example.NonEmptyListOf().ToArbitrary(), list =>
        {
            var frame = Frame(list);
            Assert.Equal(frame.Groups.Sum(g => frame[g].Total * frame[g].Accuracy) / list.Count, frame.Overall.Accuracy, 1e-12);
            Assert.Equal(list.Count, frame.Overall.Total);
            var renamed = Frame(list.Select(e => e with { Group = $"{9 - e.Group[1]}" }).Reverse());
            double[] One(MetricFrame<ConfusionMatrix> f) => [Fairness.DemographicParityDifference(f), Fairness.DemographicParityRatio(f), Fairness.EqualizedOddsDifference(f), Fairness.EqualizedOddsRatio(f), f.Value];
            Assert.Equal(One(frame), One(renamed), (a, b) => a.Equals(b) || Math.Abs(a - b) < 1e-12);
            Assert.All(One(frame).Where(v => !double.IsNaN(v)), v => Assert.InRange(v, 0, 1));
            Assert.Equal(frame.Groups.Count < 2, double.IsNaN(frame.Value));
        }).Hold();

        static MetricFrame<ConfusionMatrix> Frame(IEnumerable<(string Group, bool Decided, bool Actual)> of)
            => Fairness.Frame([.. of.Select(e => e.Decided)], [.. of.Select(e => e.Actual)], [.. of.Select(e => e.Group)]);
    }

    [Fact]
    public void GroupsWithoutANumberAreNamedAndLeftOut()
    {
        MetricFrame<RocAuc> areas = new(() => new RocAuc());
        areas.For("one kind").Add(0.5, true);
        Assert.True(double.IsNaN(areas.Value));
        Assert.Contains("metric-frame: the metric is defined for none of 1 groups", Assert.Throws<InvalidOperationException>(() => areas.Worst()).Message, StringComparison.Ordinal);
        foreach (var (group, score, yes) in new[] { ("good", 0.9, true), ("good", 0.1, false), ("bad", 0.1, true), ("bad", 0.9, false) }) { areas.For(group).Add(score, yes); }
        Assert.Equal((1, 0, 1), (areas.Value, areas.Ratio(), areas.Undefined().Count));
        Assert.Equal("one kind", areas.Undefined()[0]);
        Assert.Equal(("bad", 0), areas.Worst());
        Assert.Contains("no group \"other\"; there are bad, good, one kind", Assert.Throws<KeyNotFoundException>(() => areas["other"]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EachGroupHasAMetricOfItsOwn()
    {
        RocAuc one = new();
        MetricFrame<RocAuc> shared = new(() => one);
        shared.For("a").Add(0.5, true);
        Assert.Contains("gives one that a group has; give () => new RocAuc(..)", Assert.Throws<InvalidOperationException>(() => shared.For("b")).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => { _ = shared.Overall; });
        Assert.Equal(["a"], shared.Groups);
        Assert.Contains("gives null", Assert.Throws<InvalidOperationException>(() => new MetricFrame<RocAuc>(() => null!).For("a")).Message, StringComparison.Ordinal);
        MetricFrame<RocAuc> two = new(() => new RocAuc());
        two.For("a").Add(0.5, true);
        two.For("b").Add(0.5, true);
        StateDict state = new();
        two.SaveState(state);
        Assert.Throws<InvalidOperationException>(() => new MetricFrame<RocAuc>(() => one).LoadState(state));
    }

    /// <summary>Two groups with selection rates of 0.2 and 0.5: many examples show it, few leave it open.</summary>
    [Fact]
    public void ALimitIsKeptBrokenOrUndecided()
    {
        Assert.Equal(LimitCheck.Beyond, Check(2000, 0.1));
        Assert.Equal(LimitCheck.Within, Check(2000, 0.5));
        Assert.Equal(LimitCheck.Undecided, Check(40, 0.25));
        Assert.Equal(LimitCheck.Within, Fairness.Check(new(0.05, 0, 0.1), 0.1));
        Assert.Contains("a limit of -1", Assert.Throws<ArgumentOutOfRangeException>(() => Fairness.Check(new(0, 0, 0), -1)).Message, StringComparison.Ordinal);
        Assert.Contains("the interval is NaN", Assert.Throws<ArgumentException>(() => Fairness.Check(new(0, double.NaN, 0), 1)).Message, StringComparison.Ordinal);
        Assert.Contains("a confusion matrix of 3 classes", Assert.Throws<ArgumentException>(() => Fairness.SelectionRate(new(3))).Message, StringComparison.Ordinal);
        Assert.Contains("fairness: 1 groups but 2 decisions", Assert.Throws<ArgumentException>(() => Fairness.Frame([true, true], [true, true], ["a"])).Message, StringComparison.Ordinal);

        static LimitCheck Check(int n, double limit)
        {
            bool[] decided = [.. Enumerable.Range(0, n).Select(i => i % 2 == 0 ? i % 20 < 4 : i % 20 < 10)];
            string[] groups = [.. Enumerable.Range(0, n).Select(i => i % 2 == 0 ? "a" : "b")];
            var gap = Bootstrap.Confidence(n, rows => Fairness.DemographicParityDifference(Fairness.Frame(Array.ConvertAll(rows, r => decided[r]), Array.ConvertAll(rows, r => decided[r]), Array.ConvertAll(rows, r => groups[r]))), new Rng(1), 300);
            Assert.Equal(0.3, gap.Value, 1e-9);
            return Fairness.Check(gap, limit);
        }
    }

    private static double Number(string name) => s_golden.GetProperty(name).GetDouble();

    private static double[] Doubles(string name) => [.. s_golden.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];

    private static bool[] Bools(string name) => [.. Doubles(name).Select(v => v == 1)];
}
