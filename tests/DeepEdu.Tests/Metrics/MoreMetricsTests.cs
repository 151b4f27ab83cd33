using System.Text.Json;
using DeepEdu.Data;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Metrics;

/// <summary>Metrics of rankings, texts and significance: values of scikit-learn, scipy and of formulas written out (tests/golden/metrics.py), to 1e-9.</summary>
public class MoreMetricsTests
{
    private static readonly JsonElement s_golden = Golden();

    // three of four are right; a score on the threshold says no
    [Fact]
    public void OneScoreSaysYesOrNo()
    {
        Tensor logits = Tensor.Of([2, 2], [1.5f, 0, -2, 3]), answers = Tensor.Of([2, 2], [1, 0, 1, 1]), probabilities = logits.Sigmoid();
        Accuracy accuracy = new(), ofProbabilities = new();
        accuracy.Add(logits, answers, threshold: 0);
        ofProbabilities.Add(probabilities, answers, threshold: 0.5);
        Assert.Equal((0.75, 0.75, 4), (accuracy.Value, ofProbabilities.Value, accuracy.Count));
        ConfusionMatrix table = new(2);
        table.Add(logits, answers, threshold: 0);
        Assert.Equal((1, 0, 1, 2), (table[0, 0], table[0, 1], table[1, 0], table[1, 1]));

        LogLoss loss = new(), single = new();
        BrierScore brier = new(), one = new();
        Correlation together = new(), pairs = new();
        loss.Add(probabilities, answers);
        brier.Add(probabilities, answers);
        together.Add(probabilities, answers);
        foreach (var (p, y) in probabilities.ToArray().Zip(answers.ToArray()))
        {
            single.Add(p, y == 1);
            one.Add(p, y == 1);
            pairs.Add(p, y);
        }
        Assert.Equal((single.Value, one.Value, pairs.Value), (loss.Value, brier.Value, together.Value));
    }

    // 0.1 as a float is above 0.1: the threshold is rounded as the scores are
    [Fact]
    public void AScoreOnTheThresholdSaysNoWhateverItsRounding()
    {
        var accuracy = new Accuracy();
        accuracy.Add(Tensor.Of(0.1f), Tensor.Of(0), threshold: 0.1);
        Assert.Equal(1, accuracy.Value);
    }

    [Fact]
    public void ScoresThatAreNoNumbersAreRefused()
    {
        var accuracy = new Accuracy();
        Assert.Contains("score 1 is NaN", Assert.Throws<ArgumentException>(() => accuracy.Add(Tensor.Of(1, float.NaN), Tensor.Of(1, 0), threshold: 0)).Message, StringComparison.Ordinal);
        Assert.Equal(0, accuracy.Count);
    }

    [Fact]
    public void AnswersThatAreNoneChangeNothing()
    {
        Accuracy accuracy = new();
        Assert.Contains("accuracy: the answer 2 is neither 0 (no) nor 1 (yes)", Assert.Throws<ArgumentException>(() => accuracy.Add(Tensor.Ones([2]), Tensor.Of(1, 2), 0)).Message, StringComparison.Ordinal);
        Assert.Contains("Flatten or Squeeze", Assert.Throws<ShapeException>(() => accuracy.Add(Tensor.Ones([2, 1]), Tensor.Of(1, 0), 0)).Message, StringComparison.Ordinal);
        Assert.Equal(0, accuracy.Count);
        BrierScore brier = new();
        Assert.Contains("apply sigmoid", Assert.Throws<ArgumentOutOfRangeException>(() => brier.Add(Tensor.Of(0.5f, 1.5f), Tensor.Of(1, 0))).Message, StringComparison.Ordinal);
        Assert.True(double.IsNaN(brier.Value));
        Assert.Contains("new ConfusionMatrix(2)", Assert.Throws<InvalidOperationException>(() => new ConfusionMatrix(3).Add(Tensor.Ones([2]), Tensor.Of(1, 0), 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TopKEqualsScikitLearn()
    {
        var g = s_golden.GetProperty("top_k");
        float[] scores = Floats(g.GetProperty("scores"));
        int[] target = Ints(g.GetProperty("target"));
        double[] weight = Doubles(g.GetProperty("weight")), value = Doubles(g.GetProperty("value")), weighted = Doubles(g.GetProperty("weighted"));
        int[] ks = [1, 2, 5];
        for (int c = 0; c < ks.Length; c++)
        {
            TopKAccuracy plain = new(ks[c]), heavy = new(ks[c]);
            plain.Add(scores, target);
            for (int i = 0; i < target.Length; i++) { heavy.Add(scores.AsSpan(i * 6, 6), target[i], weight[i]); }
            Close(value[c], plain.Value);
            Close(weighted[c], heavy.Value);
        }
        TopKAccuracy tied = new(2);
        tied.Add([1, 1, 1], 0);
        Assert.Equal(0, tied.Value);
    }

    [Theory, InlineData(0), InlineData(1)]
    public void AveragePrecisionEqualsScikitLearn(int index)
    {
        var g = s_golden.GetProperty("binary")[index];
        int[] target = Ints(g.GetProperty("target"));
        double[] p = Doubles(g.GetProperty("probability")), weight = Doubles(g.GetProperty("weight"));
        PrAuc plain = new(), weighted = new();
        for (int i = 0; i < p.Length; i++)
        {
            plain.Add(p[i], target[i] == 1);
            weighted.Add(p[i], target[i] == 1, weight[i]);
        }
        Close(g.GetProperty("pr_auc").GetDouble(), plain.Value);
        Close(g.GetProperty("pr_auc_weighted").GetDouble(), weighted.Value);
        PrAuc none = new();
        none.Add(0.3, false);
        Assert.True(double.IsNaN(none.Value));
    }

    [Theory, InlineData(0), InlineData(1)]
    public void CorrelationsByWeightEqualThoseOfRepeatedPairs(int index)
    {
        var g = s_golden.GetProperty("regression")[index];
        double[] y = Doubles(g.GetProperty("target")), p = Doubles(g.GetProperty("predicted"));
        int[] times = Ints(g.GetProperty("times"));
        Correlation c = new();
        for (int i = 0; i < y.Length; i++) { c.Add(y[i], p[i], times[i]); }
        Close(g.GetProperty("pearson_times").GetDouble(), c.PearsonR);
        Close(g.GetProperty("spearman_times").GetDouble(), c.SpearmanRho);
        Close(g.GetProperty("kendall_times").GetDouble(), c.KendallTau);
        Correlation flat = new();
        for (int i = 0; i < 5; i++) { flat.Add(0.1, i, 0.3); }
        Assert.True(double.IsNaN(flat.PearsonR) || Math.Abs(flat.PearsonR) <= 1);
        Assert.True(double.IsNaN(flat.KendallTau));
    }

    [Fact]
    public void ListsAreRankedAsTheFormulasSay()
    {
        var g = s_golden.GetProperty("lists");
        ListRanking ranking = new(g.GetProperty("k").GetInt32()), full = new(100);
        foreach (var list in g.GetProperty("lists").EnumerateArray())
        {
            float[] scores = Floats(list.GetProperty("scores")), relevance = Floats(list.GetProperty("relevance"));
            ranking.Add(scores, relevance);
            full.Add(scores, relevance);
        }
        Close(g.GetProperty("hr").GetDouble(), ranking.HitRate);
        Close(g.GetProperty("recall").GetDouble(), ranking.Recall);
        Close(g.GetProperty("precision").GetDouble(), ranking.Precision);
        Close(g.GetProperty("map").GetDouble(), ranking.Map);
        Close(g.GetProperty("map_full").GetDouble(), full.Map);
        Close(g.GetProperty("mrr").GetDouble(), ranking.Mrr);
        Close(g.GetProperty("ndcg").GetDouble(), ranking.Ndcg);
        ranking.Add([1, 2], [0, 0]);
        Assert.Equal((30, 1), (ranking.Count, ranking.Empty));
        ListRanking tied = new(1);
        tied.Add([1, 1, 1], [0, 1, 0]);
        Assert.Equal(0, tied.HitRate);
        Assert.Equal(1 / 3.0, tied.Mrr);
    }

    [Fact]
    public void CatalogueUseFollowsItsFormulas()
    {
        var g = s_golden.GetProperty("catalogue");
        CatalogueUse use = new(Ints(g.GetProperty("popularity")), g.GetProperty("users").GetInt32());
        Assert.True(double.IsNaN(use.Coverage));
        foreach (var list in g.GetProperty("shown").EnumerateArray()) { use.Add(Ints(list)); }
        Close(g.GetProperty("coverage").GetDouble(), use.Coverage);
        Close(g.GetProperty("gini").GetDouble(), use.Gini);
        Close(g.GetProperty("novelty").GetDouble(), use.Novelty);
    }

    [Fact]
    public void TextsAreMeasuredAsTheFormulasSay()
    {
        var g = s_golden.GetProperty("texts");
        Bleu four = new(), two = new(2), smooth = new(smooth: true);
        TextOverlap overlap = new(), recall = new(1.2);
        DistinctNGrams[] distinct = [new(1), new(2), new(3)];
        Bleu byNumber = new();
        TextOverlap overlapByNumber = new();
        DistinctNGrams distinctByNumber = new(2);
        Dictionary<string, int> numberOf = [];
        int[] Numbered(string[] tokens) => Array.ConvertAll(tokens, t => numberOf.TryAdd(t, numberOf.Count) ? numberOf.Count - 1 : numberOf[t]);
        for (int i = 0; i < g.GetProperty("given").GetArrayLength(); i++)
        {
            string[] given = Texts(g.GetProperty("given")[i]);
            string[][] right = [.. g.GetProperty("right")[i].EnumerateArray().Select(Texts)];
            four.Add(given, right);
            two.Add(given, right);
            if (i < 2) { smooth.Add(given, right); }
            overlap.Add(given, right);
            recall.Add(given, right);
            foreach (var d in distinct) { d.Add(given); }
            int[] numbers = Numbered(given);
            int[][] rightNumbers = Array.ConvertAll(right, Numbered);
            byNumber.Add(numbers, rightNumbers);
            overlapByNumber.Add(numbers, rightNumbers);
            distinctByNumber.Add(numbers);
        }
        Close(four.Value, byNumber.Value);
        Close(overlap.TokenF1, overlapByNumber.TokenF1);
        Close(distinct[1].Value, distinctByNumber.Value);
        Bleu one = new(2);
        one.Add(["a", "b", "c"], [["a", "b", "d"]]);
        Assert.Equal((2 / 3.0, 1 / 2.0), (one.Precision(1), one.Precision(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => one.Precision(3));
        Close(g.GetProperty("bleu4").GetDouble(), four.Value);
        Close(g.GetProperty("bleu2").GetDouble(), two.Value);
        Close(g.GetProperty("bleu4_smooth").GetDouble(), smooth.Value);
        Close(g.GetProperty("exact").GetDouble(), overlap.ExactMatch);
        Close(g.GetProperty("f1").GetDouble(), overlap.TokenF1);
        Close(g.GetProperty("rouge1").GetDouble(), overlap.RougeL);
        Close(g.GetProperty("rouge12").GetDouble(), recall.RougeL);
        Assert.Equal(Doubles(g.GetProperty("distinct")), distinct.Select(d => d.Value), (a, b) => Math.Abs(a - b) < 1e-9);
    }

    [Fact]
    public void PerplexityIsTheExponentOfTheMean()
    {
        var g = s_golden.GetProperty("perplexity");
        double[] nll = Doubles(g.GetProperty("nll")), weight = Doubles(g.GetProperty("weight"));
        Perplexity p = new();
        for (int i = 0; i < nll.Length; i++) { p.Add(nll[i], weight[i]); }
        Close(g.GetProperty("value").GetDouble(), p.Value);
        Close(Math.Log2(p.Value), p.BitsPerToken);
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public void McNemarEqualsScipy(int index)
    {
        var g = s_golden.GetProperty("mcnemar")[index];
        var r = Significance.McNemar([.. Ints(g.GetProperty("first")).Select(v => v == 1)], [.. Ints(g.GetProperty("second")).Select(v => v == 1)]);
        Close(g.GetProperty("chi").GetDouble(), r.ChiSquared);
        Close(g.GetProperty("p").GetDouble(), r.PValue);
        Close(g.GetProperty("exact").GetDouble(), r.ExactPValue);
        Assert.Equal(1, Significance.McNemar([true, false], [true, false]).PValue);
    }

    [Theory, InlineData(0), InlineData(1)]
    public void DeLongEqualsItsDefinition(int index)
    {
        var g = s_golden.GetProperty("delong")[index];
        bool[] positive = [.. Ints(g.GetProperty("target")).Select(v => v == 1)];
        double[] first = Doubles(g.GetProperty("first")), second = Doubles(g.GetProperty("second")), areas = Doubles(g.GetProperty("areas")), interval = Doubles(g.GetProperty("interval90"));
        var r = Significance.DeLong(first, second, positive);
        Close(areas[0], r.First);
        Close(areas[1], r.Second);
        Close(g.GetProperty("se").GetDouble(), r.StandardError);
        Close(g.GetProperty("p").GetDouble(), r.PValue);
        var one = Significance.DeLong(first, positive, 0.9);
        Close(interval[0], one.Low);
        Close(interval[1], one.High);
        Assert.Equal(1, Significance.DeLong(first, first, positive).PValue);
        Assert.Contains("two of each", Assert.Throws<ArgumentException>(() => Significance.DeLong([1, 2], [true, false])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheNormalDistributionAndQuantilesEqualScipyAndNumPy()
    {
        var g = s_golden.GetProperty("normal");
        foreach (var (z, expected) in Doubles(g.GetProperty("z")).Zip(Doubles(g.GetProperty("two_sided")))) { Assert.Equal(1, expected == 0 ? 1 : Normal.TwoSided(z) / expected, 1e-10); }
        foreach (var (p, expected) in Doubles(g.GetProperty("p")).Zip(Doubles(g.GetProperty("quantile")))) { Close(expected, Normal.Quantile(p)); }
        var q = s_golden.GetProperty("quantile");
        foreach (var (share, expected) in Doubles(q.GetProperty("share")).Zip(Doubles(q.GetProperty("value")))) { Close(expected, Bootstrap.Quantile(Doubles(q.GetProperty("sorted")), share)); }
    }

    [Fact]
    public void BootstrapOfAMeanIsAsWideAsTheoryAndOfTwinsWider()
    {
        var rng = new Rng(3);
        double[] values = [.. Enumerable.Range(0, 400).Select(_ => (double)rng.NextGaussian())];
        double Mean(int[] rows) => rows.Average(r => values[r % 400]);
        var alone = Bootstrap.Confidence(400, Mean, new Rng(4), 4000);
        double spread = Math.Sqrt(values.Average(v => Math.Pow(v - values.Average(), 2)));
        // 4000 resamples leave some 2 % of chance in the width
        Assert.Equal(2 * 1.96 * spread / 20, alone.High - alone.Low, 0.1 * spread * 0.196);
        Assert.Equal(values.Average(), alone.Value, 1e-12);
        // each student's answer stands there four times: as certain as one answer each, if students are drawn
        int[] students = [.. Enumerable.Range(0, 1600).Select(i => i % 400)];
        var clustered = Bootstrap.Confidence(students, Mean, new Rng(4), 4000);
        var naive = Bootstrap.Confidence(1600, Mean, new Rng(4), 4000);
        Assert.Equal(alone.High - alone.Low, clustered.High - clustered.Low, 1e-9);
        Assert.Equal(0.5, (naive.High - naive.Low) / (clustered.High - clustered.Low), 0.05);
        Assert.Equal(alone, Bootstrap.Confidence(400, Mean, new Rng(4), 4000));
    }

    [Fact]
    public void PairedBootstrapSeesWhatIntervalsOfEachDoNot()
    {
        var rng = new Rng(5);
        double[] hard = [.. Enumerable.Range(0, 200).Select(_ => 5.0 * rng.NextGaussian())], small = [.. Enumerable.Range(0, 200).Select(_ => 0.1 * rng.NextGaussian())];
        double First(int[] rows) => rows.Average(r => hard[r] + 0.1 + small[r]);
        double Second(int[] rows) => rows.Average(r => hard[r]);
        var paired = Bootstrap.Paired(200, First, Second, new Rng(6));
        Assert.True(paired.Difference.Low > 0 && paired.PValue < 0.01, $"{paired}");
        Assert.InRange(Bootstrap.Paired(200, First, First, new Rng(6)).PValue, 0.99, 1);
        Assert.True(Bootstrap.Paired(Enumerable.Range(0, 200).Select(i => i / 2).ToArray(), First, Second, new Rng(6)).PValue < 0.01);
        Assert.Contains("level 95", Assert.Throws<ArgumentOutOfRangeException>(() => Bootstrap.Confidence(3, First, rng, 10, 95)).Message, StringComparison.Ordinal);
        Assert.Contains("undefined on every", Assert.Throws<ArgumentException>(() => Bootstrap.Confidence(3, _ => double.NaN, rng, 10)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ClassWeightsBalance()
    {
        int[] labels = [0, 0, 0, 1, 0, 0, 0, 3];
        Assert.Equal([8 / (4 * 6f), 2, 0, 2], ClassWeights.Balanced(labels, 4).ToArray());
        Assert.Equal([4f, 4, 0, 4], ClassWeights.EffectiveNumber(labels, 4, 0).ToArray().Select(w => 3 * w), (a, b) => Math.Abs(a - b) < 1e-6);
        float[] some = ClassWeights.EffectiveNumber(labels, 4, 0.9).ToArray();
        Assert.True(some[0] < some[1] && some[1] == some[3] && some[2] == 0);
        Assert.Contains("label 3 at position 7", Assert.Throws<ArgumentOutOfRangeException>(() => ClassWeights.Balanced(labels, 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CountsAreOfWhatIsNotMasked()
    {
        Accuracy accuracy = new();
        PrAuc pr = new();
        RocAuc roc = new();
        Correlation correlation = new();
        RegressionError error = new();
        Perplexity perplexity = new();
        LeaveOneOutRanking ranking = new();
        foreach (double weight in new[] { 2, 0, 0.5 })
        {
            accuracy.Add(1, 1, weight);
            pr.Add(0.5, true, weight);
            roc.Add(0.5, true, weight);
            correlation.Add(1, 2, weight);
            error.Add(1, 2, weight);
            perplexity.Add(1, weight);
            ranking.Add(1, [0], weight);
        }
        Assert.Equal([2.5, 2.5, 2.5, 2.5], [accuracy.Count, error.Count, perplexity.Tokens, ranking.Count]);
        Assert.Equal([2, 2, 2], [pr.Count, roc.Count, correlation.Count]);
    }

    [Fact]
    public void AStateThatDoesNotFitChangesNothing()
    {
        Correlation correlation = new();
        PrAuc pr = new();
        correlation.Add(1, 2);
        pr.Add(0.5, true);
        var short_ = new StateDict().Set("x", [1.0, 2]).Set("y", [1.0]).Set("scores", [0.1, 0.2]).Set("positive", [1L]).Set("weights", [1.0, 1]);
        Assert.Contains("correlation: the state's columns have 2, 1 and 2 numbers", Assert.Throws<InvalidDataException>(() => correlation.LoadState(short_)).Message, StringComparison.Ordinal);
        Assert.Contains("pr-auc", Assert.Throws<InvalidDataException>(() => pr.LoadState(short_)).Message, StringComparison.Ordinal);
        Assert.Equal((1, 1), (correlation.Count, pr.Count));
    }

    [Fact]
    public void MistakesAreNamed()
    {
        Assert.Contains("cannot merge the range 0..3 into 1..4", Assert.Throws<ArgumentException>(() => new WeightedKappa(1, 4).Merge(new WeightedKappa(0, 3))).Message, StringComparison.Ordinal);
        Assert.Contains("at least one reference", Assert.Throws<ArgumentException>(() => new Bleu().Add(["a"], [])).Message, StringComparison.Ordinal);
        Assert.Contains("separates tokens", Assert.Throws<ArgumentException>(() => new DistinctNGrams(1).Add(["a\u001fb"])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Bleu(2).Merge(new Bleu(3)));
        Assert.Throws<ArgumentException>(() => new TopKAccuracy(2).Merge(new TopKAccuracy(3)));
        Assert.Throws<ArgumentException>(() => new ListRanking(2).Merge(new ListRanking(3)));
        Assert.Throws<ArgumentException>(() => new DistinctNGrams(2).Merge(new DistinctNGrams(3)));
        Assert.Throws<ArgumentException>(() => new CatalogueUse([1], 2).Merge(new CatalogueUse([2], 2)));
        Assert.Throws<ArgumentException>(() => new TextOverlap(1).Merge(new TextOverlap(2)));
        Assert.Throws<ArgumentException>(() => new ListRanking().Add([float.NaN], [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ListRanking().Add([1], [-1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CatalogueUse([1, 2], 2).Add([2]));
        Assert.Throws<ArgumentException>(() => new Correlation().Add(double.NaN, 1));
    }

    [Fact]
    public void NumbersThatSayNothingAreRefused()
    {
        Says("roc-auc: the answer 2", () => new RocAuc().Add(Tensor.Of([2], [1, 2]), Tensor.Of([2], [0, 2])));
        Says("pr-auc: the answer NaN", () => new PrAuc().Add(Tensor.Of([1], [1]), Tensor.Of([1], [float.NaN])));
        Says("weighted-kappa: a score is NaN", () => WeightedKappa.Round(double.NaN, 1, 6));
        Says("confusion-matrix: 65536 classes", () => _ = new ConfusionMatrix(65536));
        Says("top-k-accuracy: 4 rows but 8 labels", () => new TopKAccuracy(1).Add(Tensor.Zeros([4, 6]), new[] { 0, 1, 2, 0, 1, 2, 0, 1 }));

        static void Says(string message, Action act) => Assert.StartsWith(message, Assert.ThrowsAny<ArgumentException>(act).Message, StringComparison.Ordinal);
    }

    /// <summary>The mean of three tenths is not 0.1 to the last bit.</summary>
    [Fact]
    public void WhatDoesNotVaryGoesWithNothing()
    {
        double[] same = [0.1, 0.1, 0.1], other = [1, 2, 4];
        Assert.All([Correlation.Pearson(same, other), Correlation.Pearson(other, same), Correlation.Spearman(same, other), Correlation.Pearson([], [])], r => Assert.True(double.IsNaN(r)));
        var weighted = new Correlation();
        for (int i = 0; i < 3; i++) { weighted.Add(other[i], 0.1, 0.3 + i); }
        Assert.True(double.IsNaN(weighted.PearsonR) && double.IsNaN(weighted.SpearmanRho));
    }

    private static JsonElement Golden()
    {
        using Stream stream = typeof(MoreMetricsTests).Assembly.GetManifestResourceStream("metrics.json")!;
        using JsonDocument document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }

    private static int[] Ints(JsonElement e) => [.. e.EnumerateArray().Select(v => v.GetInt32())];

    private static double[] Doubles(JsonElement e) => [.. e.EnumerateArray().Select(v => v.GetDouble())];

    private static float[] Floats(JsonElement e) => [.. e.EnumerateArray().Select(v => (float)v.GetDouble())];

    private static string[] Texts(JsonElement e) => [.. e.EnumerateArray().Select(v => v.GetString()!)];

    private static void Close(double expected, double actual) => Assert.Equal(expected, actual, 1e-9);
}
