using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Metrics;

/// <summary>What golden values of ordinary data do not hold: the ends of ranges, ties, empty texts, and what is refused.</summary>
public class MetricEdgeTests
{
    /// <summary>(low, high], also where low · bins is rounded up past the edge, as 7/25 · 25 is.</summary>
    [Fact]
    public void AChanceOnAnEdgeBelongsToTheBinBelow()
    {
        Calibration calibration = new(25);
        foreach (double p in new[] { 0, 7 / 25.0, 1 }) { calibration.Add(p, true); }
        var bins = calibration.Bins;
        Assert.Equal([0, 6, 24], Enumerable.Range(0, 25).Where(b => bins[b].Count == 1));
        Assert.Equal(new(6 / 25.0, 7 / 25.0, 1, 7 / 25.0, 1), bins[6]);
        Calibration one = new(1);
        one.Add(0.25, true);
        Assert.Equal(0.75, one.Value);
    }

    [Fact]
    public void TextsOfNoTokensAreNothingRight()
    {
        Bleu bleu = new(1);
        Assert.True(double.IsNaN(bleu.Value));
        bleu.Add([], [["a"]]);
        Assert.Equal((0.0, 0.0), (bleu.Value, bleu.Precision(1)));
        bleu.Add(["a"], [["b"]], 0);
        Assert.Equal(0, bleu.Precision(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => bleu.Precision(0));
        // two right tokens of two, for which the reference has three: the brevity penalty alone; of references equally near the shorter counts
        Bleu brief = new(1), near = new(1);
        brief.Add(["a", "b"], [["a", "b", "c"]]);
        near.Add(["a", "b"], [["a", "b", "c"], ["a"]]);
        Assert.Equal((Math.Exp(1 - (3 / 2.0)), 1.0), (brief.Value, near.Value));
    }

    [Fact]
    public void AnEntryNobodyTookCountsAsHalfATake()
    {
        CatalogueUse use = new([0, 4, 8], 8);
        use.Add([0]);
        Assert.Equal((4.0, 2 / 3.0), (use.Novelty, use.Gini));
        use.Add([1, 2]);
        Assert.Equal((1.0, 0.0, (4 + 1) / 3.0), (use.Coverage, use.Gini, use.Novelty));
    }

    /// <summary>The two-sided chance counts the sample itself as a resample; the functions see the whole sample last, in order.</summary>
    [Fact]
    public void ABootstrapCountsItsResamples()
    {
        List<int[]> seen = [];
        double First(int[] rows)
        {
            seen.Add(rows);
            return seen.Count;
        }
        var apart = Bootstrap.Paired(10, First, _ => 0, new Rng(1), 101, 0.5);
        Assert.Equal(new(new(102, 26, 76), 2 / 102.0), apart); // of 1 .. 101
        Assert.Equal(102, seen.Count);
        Assert.All(seen, rows => Assert.True(rows.Length == 10 && rows.All(r => r is >= 0 and < 10)));
        Assert.Equal(Enumerable.Range(0, 10), seen[^1]);
        Assert.Equal(new(new(-3, -3, -3), 0.1), Bootstrap.Paired([1, 0, 1, 0], _ => 0, _ => 3, new Rng(1), 19));
        seen.Clear();
        Bootstrap.Confidence([1, 0, 1, 0], First, new Rng(1), 1);
        Assert.Equal(2, seen.Count);
        Assert.Equal([0, 1, 2, 3], seen[1]);
        Assert.All(seen[0].Chunk(2), pair => Assert.Equal(pair[0] + 2, pair[1])); // drawn as groups
    }

    [Fact]
    public void CorrelationsOfTwoKindsAndOfNextToNothing()
    {
        Assert.Equal(0.8164965809277261, Correlation.KendallTauB([0, 0, 1, 1], [1, 2, 3, 4]), 1e-12); // scipy's
        Assert.Equal(0.4082482904638631, Correlation.KendallTauB([1, 2, 3, 4], [0, 1, 0, 1]), 1e-12);
        Assert.All([Correlation.KendallTauB([1, 1, 1], [1, 2, 3]), Correlation.KendallTauB([1, 2, 3], [1, 1, 1]), Correlation.Pearson([1], [2]), Correlation.Pearson([0, 1e-200], [0, 1]), Correlation.Pearson([0, 1], [0, 1e-200])],
            r => Assert.True(double.IsNaN(r)));
        var rng = new Rng(4);
        for (int i = 0; i < 200; i++)
        {
            double[] x = [.. Enumerable.Range(0, 3 + (i % 20)).Select(_ => (double)rng.NextSingle())], y = Array.ConvertAll(x, v => v * 3), z = Array.ConvertAll(x, v => -v);
            foreach (var of in (Func<ReadOnlySpan<double>, ReadOnlySpan<double>, double>[])[Correlation.Pearson, Correlation.Spearman, Correlation.KendallTauB])
            {
                Assert.InRange(of(x, y), 1 - 1e-12, 1); // rounding leads past 1 in one of three
                Assert.InRange(of(x, z), -1, -1 + 1e-12);
            }
        }
    }

    [Fact]
    public void ADifferenceAtTheLimitIsWithin()
    {
        Assert.Equal(LimitCheck.Within, Fairness.Check(new(0, 0, 0), 0));
        Assert.Equal(LimitCheck.Within, Fairness.Check(new(0.05, 0, 0.1), 0.1));
        Assert.Equal(LimitCheck.Undecided, Fairness.Check(new(0.2, 0.1, 0.3), 0.1));
        Assert.Equal(LimitCheck.Beyond, Fairness.Check(new(0.2, 0.11, 0.3), 0.1));
    }

    [Fact]
    public void TheComplementaryErrorFunctionAtItsSeams()
    {
        Assert.True(double.IsNaN(Normal.Erfc(double.NaN)));
        Assert.Equal((0, 2), (Normal.Erfc(28), Normal.Erfc(-28)));
        Assert.Equal(0.004677734981047266, Normal.Erfc(2), 1e-15); // scipy's
        Assert.Equal(1, Normal.Erfc(Math.BitDecrement(2)) / Normal.Erfc(2), 1e-10);
    }

    [Fact]
    public void EmptyAndMaskedListsAreNoRankings()
    {
        LeaveOneOutRanking one = new(1);
        one.Add(2, [1]);
        one.Add(float.NaN, [1], 0);
        Assert.Equal((1.0, 1.0), (one.HitRate, one.Count));
        ListRanking lists = new(1);
        lists.Add([2, 1], [1, 0]);
        lists.Add([float.NaN, 1], [1, 0], 0);
        Assert.Equal((1.0, 1.0), (lists.HitRate, lists.Count));
    }

    [Fact]
    public void AreasLossesAndScoresByHand()
    {
        Assert.Equal(0.75, RocAuc.Of([0.1, 0.4, 0.35, 0.8], [false, false, true, true])); // scikit-learn's example
        LogLoss never = new(), always = new();
        never.Add(0, true);
        always.Add(1, false);
        Assert.Equal((-Math.Log(2.220446049250313e-16), -Math.Log(2.220446049250313e-16)), (never.Value, always.Value)); // scikit-learn's bound
        DistinctNGrams one = new(1);
        one.Add(["a"]);
        Assert.Equal(1, one.Value);
        TextOverlap empty = new();
        empty.Add(Array.Empty<string>(), [[]]);
        Assert.Equal((1.0, 1.0, 1.0), (empty.ExactMatch, empty.TokenF1, empty.RougeL));
        empty.Add(Array.Empty<string>(), [["a"]]);
        Assert.Equal((0.5, 0.5, 0.5), (empty.ExactMatch, empty.TokenF1, empty.RougeL));
        ListRanking left = new(1), right = new(1);
        foreach (var lists in new[] { left, right }) { lists.Add([1, 2], [0, 0]); }
        left.Merge(right);
        Assert.Equal(2, left.Empty);
        // rows of a tensor weigh as single ones do
        RocAuc mixed = new();
        mixed.Add(Tensor.Of(0.2f, 0.6f), Tensor.Of(0, 1));
        mixed.Add(0.7, false);
        mixed.Add(0.1, true);
        Assert.Equal(0.25, mixed.Value);
    }

    [Fact]
    public void TestsOfModelsThatNeverOrAlwaysDiffer()
    {
        Assert.Equal(new(0, 0, double.NaN, 1, 1), Significance.McNemar([true, false], [true, false]));
        var r = Significance.McNemar([true, true, true, false, true], [false, false, false, true, true]);
        Assert.Equal((3, 1, 0.25, 0.625), (r.OnlyFirst, r.OnlySecond, r.ChiSquared, r.ExactPValue)); // 2·(1 + 4)/16
        bool[] half = [.. Enumerable.Range(0, 4000).Select(i => i % 2 == 0)];
        Assert.Equal(1, Significance.McNemar(half, Array.ConvertAll(half, v => !v)).ExactPValue); // 2⁻⁴⁰⁰⁰ is no double
        bool[] yes = [false, false, true, true];
        double[] right = [1, 2, 3, 4], wrong = [4, 3, 2, 1];
        var best = Significance.DeLong(right, wrong, yes);
        Assert.Equal((1.0, 0.0, 0.0, double.PositiveInfinity, 0.0), (best.First, best.Second, best.StandardError, best.Z, best.PValue));
        Assert.Equal(double.NegativeInfinity, Significance.DeLong(wrong, right, yes).Z);
        Assert.Equal(new(1, 1, 1), Significance.DeLong(right, yes));
        var wide = Significance.DeLong([1, 2, 3, 2.5, 4], [false, false, false, true, true]);
        Assert.True(wide.Value > 0.8 && wide.High == 1, $"{wide}");
    }

    public static TheoryData<string, Action> Refusals => new()
    {
        { "platt-scaling: 1 predictions but 2 targets", () => PlattScaling.Fit([1], [true, false]) },
        { "platt-scaling: score 1 is NaN", () => PlattScaling.Fit([1, double.NaN], [true, false]) },
        { "a threshold on the scores tells the answers apart", () => PlattScaling.Fit([2, 1, 1, 0], [false, false, true, true], smooth: false) },
        { "log-loss: label 5 is outside 0..1", () => new LogLoss().Add([0.5f, 0.5f], 5) },
        { "log-loss: 1.5 is not a probability", () => new LogLoss().Add([1.5f, 0.5f], 0) },
        { "brier-score: -0.5 is not a probability", () => new BrierScore().Add(-0.5, true) },
        { "ranks: a value is NaN", () => Ranks.OfAverage([1, double.NaN]) },
        { "regression-error: 1 predictions but 2 targets", () => new RegressionError().Add(new float[1], new float[2]) },
        { "regression-error: predictions [1] for [2]", () => new RegressionError().Add(Tensor.Ones([1]), Tensor.Ones([2])) },
        { "roc-auc: 1 predictions but 2 targets", () => RocAuc.Of([1], [true, false]) },
        { "mcnemar: 1 predictions but 2 targets", () => Significance.McNemar([true], [true, false]) },
        { "delong: 1 predictions but 2 targets", () => Significance.DeLong([1], [1, 2], [true, false]) },
        { "delong: 1 predictions but 2 targets", () => Significance.DeLong([1, 2], [1], [true, false]) },
        { "delong: 1 predictions but 2 targets", () => Significance.DeLong([1], [true, false]) },
        { "delong: level 0 must lie between 0 and 1", () => Significance.DeLong([1, 2], [true, false], 0) },
        { "delong: level 1 must lie between 0 and 1", () => Significance.DeLong([1, 2], [true, false], 1) },
        { "delong: 1 positives and 2 negatives; two of each", () => Significance.DeLong([1, 2, 3], [true, false, false]) },
        { "delong: 2 positives and 1 negatives; two of each", () => Significance.DeLong([1, 2, 3], [true, true, false]) },
        { "split-conformal-classifier: scores [2] are not [N, C]", () => SplitConformalClassifier.Fit(Tensor.Ones([2]), new[] { 0, 0 }) },
        { "split-conformal-classifier: 2 predictions but 1 targets", () => SplitConformalClassifier.Fit(Tensor.Ones([2, 2]), new[] { 0 }) },
        { "split-conformal-classifier: label 5 is outside 0..1", () => SplitConformalClassifier.Fit(Tensor.Ones([2, 2]), new[] { 0, 5 }) },
        { "split-conformal-classifier: 2 is not a probability", () => SplitConformalClassifier.Fit(Tensor.Of([2, 2], [1, 0, 2, 0]), new[] { 0, 0 }, 0.5) },
        { "split-conformal-classifier: NaN is not a probability", () => SplitConformalClassifier.Fit(Tensor.Ones([2, 1]), new[] { 0, 0 }, 0.5).Set([float.NaN]) },
        { "split-conformal-regressor: 1 predictions but 2 targets", () => SplitConformalRegressor.Fit([1], [1, 2]) },
        { "split-conformal-regressor: prediction 0 is NaN", () => SplitConformalRegressor.Fit([double.NaN], [1]) },
        { "split-conformal-regressor: truth 0 is NaN", () => SplitConformalRegressor.Fit([1], [double.NaN]) },
        { "temperature-scaling: scores [2] are not [N, C]", () => TemperatureScaling.Fit(Tensor.Ones([2]), new[] { 0, 1 }) },
        { "temperature-scaling: 2 predictions but 1 targets", () => TemperatureScaling.Fit(Tensor.Ones([2, 2]), new[] { 0 }) },
        { "temperature-scaling: logit 1 is NaN", () => TemperatureScaling.Fit(Tensor.Of([2, 2], [1, float.NaN, 0, 0]), new[] { 0, 1 }) },
        { "temperature-scaling: 1 predictions but 2 targets", () => TemperatureScaling.Fit([1.0], [true, false]) },
        { "temperature-scaling: all 2 answers are True", () => TemperatureScaling.Fit([1.0, 2], [true, true]) },
        { "text-overlap: beta 0 must be above 0", () => _ = new TextOverlap(0) },
        { "text-overlap: an answer needs at least one right answer", () => new TextOverlap().Add(["a"], []) },
        { "top-k-accuracy: label 5 is outside 0..1", () => new TopKAccuracy(1).Add([1, 2], 5) },
        { "top-k-accuracy: scores [2] are not [N, C]", () => new TopKAccuracy(1).Add(Tensor.Ones([2]), new[] { 0 }) },
        { "weighted-kappa: the range 3..3 needs", () => _ = new WeightedKappa(3, 3) },
        { "weighted-kappa: 1 predictions but 2 targets", () => WeightedKappa.Of([1], [1, 2], 0, 3) },
        { "weighted-kappa", () => new WeightedKappa(1, 3).Add(2, 4) },
        { "weighted-kappa", () => new WeightedKappa(1, 3).Add(2, 0) },
        { "weighted-kappa: cannot merge the range 0..3 into 0..4", () => new WeightedKappa(0, 4).Merge(new WeightedKappa(0, 3)) },
        { "order ('0') must be greater than or equal to '1'", () => _ = new Bleu(0) },
        { "bins ('0') must be greater than or equal to '1'", () => _ = new Calibration(0) },
        { "classes ('0') must be greater than or equal to '1'", () => _ = new ConfusionMatrix(0) },
        { "n ('0') must be greater than or equal to '1'", () => _ = new DistinctNGrams(0) },
        { "k ('0') must be greater than or equal to '1'", () => _ = new LeaveOneOutRanking(0) },
        { "k ('0') must be greater than or equal to '1'", () => _ = new ListRanking(0) },
        { "k ('0') must be greater than or equal to '1'", () => _ = new TopKAccuracy(0) },
        { "popularity ('0') must be greater than or equal to '1'", () => _ = new CatalogueUse([], 1) },
        { "users ('0') must be greater than or equal to '1'", () => _ = new CatalogueUse([1], 0) },
        { "popularity ('-1') must be a non-negative", () => _ = new CatalogueUse([-1], 1) },
        { "resamples ('0') must be greater than or equal to '1'", () => Bootstrap.Confidence(3, _ => 0, new Rng(1), 0) },
        { "bootstrap: level 0 must lie between 0 and 1", () => Bootstrap.Confidence(3, _ => 0, new Rng(1), 1, 0) },
        { "bootstrap: level 1 must lie between 0 and 1", () => Bootstrap.Confidence(3, _ => 0, new Rng(1), 1, 1) },
        { "bootstrap: there is no example to draw", () => Bootstrap.Confidence(0, _ => 0, new Rng(1), 1) },
        { "examples ('-1') must be a non-negative", () => Bootstrap.Confidence(-1, _ => 0, new Rng(1), 1) },
        { "accuracy: 1 predictions but 2 targets", () => new Accuracy().Add([1], [1, 2]) },
        { "confusion-matrix: 1 predictions but 2 targets", () => new ConfusionMatrix(3).Add([1], [1, 2]) },
        { "confusion-matrix: label 5 is outside 0..2", () => new ConfusionMatrix(3).Add(0, 5) },
        { "confusion-matrix: label 3 is outside 0..2", () => _ = new ConfusionMatrix(3)[3, 0] },
        { "confusion-matrix: label 3 is outside 0..2", () => _ = new ConfusionMatrix(3)[0, 3] },
        { "calibration: 1.5 is not a probability", () => new Calibration().Add(1.5, true) },
        { "correlation: predictions [1] for [2]", () => new Correlation().Add(Tensor.Ones([1]), Tensor.Ones([2])) },
        { "spearman: 1 predictions but 2 targets", () => Correlation.Spearman([1], [1, 2]) },
        { "kendall-tau-b: 1 predictions but 2 targets", () => Correlation.KendallTauB([1], [1, 2]) },
        { "fairness: 1 predictions but 2 targets", () => Fairness.Frame([true], [true, false], ["a"]) },
        { "isotonic-regression: 1 predictions but 2 targets", () => IsotonicRegression.Fit([1.0], [true, false]) },
        { "isotonic-regression: score 1 is NaN", () => IsotonicRegression.Fit([1.0, double.NaN], [0.0, 1]) },
        { "isotonic-regression: target 0 is ∞", () => IsotonicRegression.Fit([1.0, 2], [double.PositiveInfinity, 1]) },
        { "isotonic-regression: weight -1", () => IsotonicRegression.Fit([1.0, 2], [0.0, 1], [1, -1]) },
        { "there is no example", () => IsotonicRegression.Fit([], ReadOnlySpan<bool>.Empty) },
        { "isotonic-regression: there is no example", () => IsotonicRegression.Fit([], ReadOnlySpan<double>.Empty) },
        { "list-ranking: 1 predictions but 2 targets", () => new ListRanking().Add([1], [1, 2]) },
    };

    [Theory, MemberData(nameof(Refusals))]
    public void WhatIsRefusedIsNamed(string says, Action wrong) => Assert.Contains(says, Assert.ThrowsAny<ArgumentException>(wrong).Message.Replace("Infinity", "∞", StringComparison.Ordinal), StringComparison.Ordinal);

    public static TheoryData<string, Action> States => new()
    {
        { "confusion-matrix: the state's \"counts\" has 9 numbers, here it has 4", () => new ConfusionMatrix(2).LoadState(Saved(new ConfusionMatrix(3))) },
        { "degree-of-agreement: the state's columns have 1, 2 and 1", () => new DegreeOfAgreement().LoadState(Rows([1], [1, 2], [1], [1], [1])) },
        { "degree-of-agreement: the state's columns have 1, 1 and 2", () => new DegreeOfAgreement().LoadState(Rows([1], [1], [1], [1], [1, 2])) },
        { "an alpha of 0,", () => SplitConformalRegressor.Load(Fit(0, 1, 1)) },
        { "an alpha of 1,", () => SplitConformalRegressor.Load(Fit(1, 1, 1)) },
        { "and 0 examples", () => SplitConformalRegressor.Load(Fit(0.5, 1, 0)) },
        { "isotonic-regression: the state has 0 scores", () => IsotonicRegression.Load(Knots([], [])) },
        { "values that do not rise", () => IsotonicRegression.Load(Knots([1, 2, double.PositiveInfinity], [1, 2, 3])) },
        { "values that do not rise", () => IsotonicRegression.Load(Knots([1, 1, 2], [1, 2, 3])) },
        { "values that do not rise", () => IsotonicRegression.Load(Knots([1, 2, 3], [1, 3, 2])) },
        { "values that do not rise", () => IsotonicRegression.Load(Knots([1, 3, 2], [1, 2, 3])) },
    };

    [Theory, MemberData(nameof(States))]
    public void StatesOfOtherShapesAreNamed(string says, Action wrong) => Assert.Contains(says, Assert.Throws<InvalidDataException>(wrong).Message, StringComparison.Ordinal);

    [Fact]
    public void TheEndsOfWhatCanBeSavedAreTakenUp()
    {
        Assert.Equal((0.0, 1), (SplitConformalRegressor.Load(Fit(0.5, 0, 1)).Radius, SplitConformalRegressor.Load(Fit(0.5, 0, 1)).Count));
        foreach (double t in new[] { TemperatureScaling.Coldest, TemperatureScaling.Hottest }) { Assert.Equal(t, TemperatureScaling.Load(new StateDict().Set("temperature", t)).Temperature); }
    }

    private static StateDict Saved(ConfusionMatrix of)
    {
        StateDict to = new();
        of.SaveState(to);
        return to;
    }

    private static StateDict Rows(long[] skills, long[] items, double[] mastery, double[] answers, double[] weights) =>
        new StateDict().Set("skills", skills).Set("items", items).Set("mastery", mastery).Set("answers", answers).Set("weights", weights);

    private static StateDict Fit(double alpha, double radius, long count) => new StateDict().Set("alpha", alpha).Set("radius", radius).Set("count", count);

    private static StateDict Knots(double[] x, double[] y) => new StateDict().Set("x", x).Set("y", y);
}
