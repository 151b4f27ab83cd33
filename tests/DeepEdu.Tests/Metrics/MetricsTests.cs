using System.Text.Json;
using DeepEdu.Metrics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Metrics;

/// <summary>Values of scikit-learn and scipy (tests/golden/metrics.py), to 1e-9: both sides compute in doubles.</summary>
public class MetricsTests
{
    [Fact]
    public void ARowWithoutAHighestScoreIsNoClass()
    {
        var accuracy = new Accuracy();
        var e = Assert.Throws<ArgumentException>(() => accuracy.Add(Tensor.Of([2, 2], [1, 2, float.NaN, 1]), Indices.Of(1, 0)));
        Assert.Contains("accuracy: row 1 has a score that is NaN", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, accuracy.Count);
        Assert.Throws<ArgumentException>(() => new ConfusionMatrix(2).Add(Tensor.Of([1, 2], [float.NaN, 1]), Indices.Of(0)));
        accuracy.Add(Tensor.Of([1, 2], [float.NegativeInfinity, float.PositiveInfinity]), Indices.Of(1));
        Assert.Equal(1, accuracy.Value);
    }

    private const double Tolerance = 1e-9;
    private static readonly JsonElement s_golden = Golden();

    public static TheoryData<int> Classifications => [0, 1, 2];

    [Theory, MemberData(nameof(Classifications))]
    public void ClassificationScoresEqualScikitLearn(int index)
    {
        JsonElement g = s_golden.GetProperty("classification")[index];
        int[] target = Ints(g, "target"), predicted = Ints(g, "predicted");
        double[] weight = Doubles(g, "weight");
        ConfusionMatrix plain = new(g.GetProperty("classes").GetInt32()), weighted = new(plain.Classes);
        Accuracy accuracy = new(), accuracyWeighted = new();
        plain.Add(predicted, target);
        accuracy.Add(predicted, target);
        for (int i = 0; i < target.Length; i++)
        {
            weighted.Add(predicted[i], target[i], weight[i]);
            accuracyWeighted.Add(predicted[i], target[i], weight[i]);
        }
        Close(Number(g, "accuracy"), accuracy.Value);
        Close(Number(g, "accuracy"), plain.Accuracy);
        Close(Number(g, "accuracy_weighted"), accuracyWeighted.Value);
        foreach (Average average in Enum.GetValues<Average>())
        {
            string name = average.ToString().ToLowerInvariant();
            double[] expected = Doubles(g, name), expectedWeighted = Doubles(g, name + "_sample_weight");
            Close(expected[0], plain.Precision(average));
            Close(expected[1], plain.Recall(average));
            Close(expected[2], plain.F1(average));
            Close(expectedWeighted[0], weighted.Precision(average));
            Close(expectedWeighted[1], weighted.Recall(average));
            Close(expectedWeighted[2], weighted.F1(average));
        }
        JsonElement perClass = g.GetProperty("per_class");
        for (int k = 0; k < plain.Classes; k++)
        {
            Close(perClass[0][k].GetDouble(), plain.Precision(k));
            Close(perClass[1][k].GetDouble(), plain.Recall(k));
            Close(perClass[2][k].GetDouble(), plain.F1(k));
        }
    }

    [Theory, InlineData(0), InlineData(1)]
    public void ProbabilityScoresEqualScikitLearn(int index)
    {
        JsonElement g = s_golden.GetProperty("binary")[index];
        int[] target = Ints(g, "target");
        double[] p = Doubles(g, "probability"), weight = Doubles(g, "weight");
        RocAuc auc = new(), aucWeighted = new();
        LogLoss loss = new(), lossWeighted = new();
        BrierScore brier = new(), brierWeighted = new();
        Calibration calibration = new(10);
        for (int i = 0; i < p.Length; i++)
        {
            bool yes = target[i] == 1;
            auc.Add(p[i], yes);
            aucWeighted.Add(p[i], yes, weight[i]);
            loss.Add(p[i], yes);
            lossWeighted.Add(p[i], yes, weight[i]);
            brier.Add(p[i], yes);
            brierWeighted.Add(p[i], yes, weight[i]);
            calibration.Add(p[i], yes);
        }
        Close(Number(g, "auc"), auc.Value);
        Close(Number(g, "auc_weighted"), aucWeighted.Value);
        Close(Number(g, "log_loss"), loss.Value);
        Close(Number(g, "log_loss_weighted"), lossWeighted.Value);
        Close(Number(g, "brier"), brier.Value);
        Close(Number(g, "brier_weighted"), brierWeighted.Value);
        Close(Number(g, "ece"), calibration.Value);
        if (index == 0) // two decimals put values on the edges, where linspace and k/10 differ by one ulp
        {
            ReliabilityBin[] bins = [.. calibration.Bins.Where(b => b.Count > 0)];
            double[] frequency = Doubles(g, "frequency"), confidence = Doubles(g, "confidence");
            Assert.Equal(frequency.Length, bins.Length);
            for (int b = 0; b < bins.Length; b++)
            {
                Close(frequency[b], bins[b].Frequency);
                Close(confidence[b], bins[b].Confidence);
            }
        }
    }

    [Fact]
    public void LogLossOfClassesIsMeanNegativeLogOfTheTrueOne()
    {
        JsonElement g = s_golden.GetProperty("multiclass_log_loss");
        int[] target = Ints(g, "target");
        LogLoss loss = new();
        for (int i = 0; i < target.Length; i++)
        {
            float[] p = [.. g.GetProperty("probability")[i].EnumerateArray().Select(v => (float)v.GetDouble())];
            loss.Add(p, target[i]);
        }
        Close(Number(g, "value"), loss.Value);
    }

    [Theory, InlineData(0), InlineData(1)]
    public void RegressionScoresEqualScikitLearnAndScipy(int index)
    {
        JsonElement g = s_golden.GetProperty("regression")[index];
        double[] target = Doubles(g, "target"), predicted = Doubles(g, "predicted"), weight = Doubles(g, "weight");
        RegressionError error = new(), weighted = new();
        for (int i = 0; i < target.Length; i++)
        {
            error.Add(predicted[i], target[i]);
            weighted.Add(predicted[i], target[i], weight[i]);
        }
        Close(Number(g, "mae"), error.Mae);
        Close(Number(g, "rmse"), error.Rmse);
        Close(Number(g, "r2"), error.R2);
        Close(Number(g, "mae_weighted"), weighted.Mae);
        Close(Number(g, "rmse_weighted"), weighted.Rmse);
        Close(Number(g, "r2_weighted"), weighted.R2);
        Close(Number(g, "pearson"), Correlation.Pearson(target, predicted));
        Close(Number(g, "spearman"), Correlation.Spearman(target, predicted));
        Close(Number(g, "kendall"), Correlation.KendallTauB(target, predicted));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public void KappaEqualsScikitLearnOverTheFixedRange(int index)
    {
        JsonElement g = s_golden.GetProperty("kappa")[index];
        int[] target = Ints(g, "target"), predicted = Ints(g, "predicted");
        int min = g.GetProperty("min").GetInt32(), max = g.GetProperty("max").GetInt32();
        Close(Number(g, "quadratic"), WeightedKappa.Of(predicted, target, min, max));
        Close(Number(g, "linear"), WeightedKappa.Of(predicted, target, min, max, KappaWeights.Linear));
    }

    [Theory, InlineData(Ties.Against), InlineData(Ties.Expected)]
    public void RankingEqualsScikitLearn(Ties ties)
    {
        JsonElement g = s_golden.GetProperty("ranking");
        LeaveOneOutRanking ranking = new(10, ties);
        foreach (JsonElement user in g.GetProperty("scores").EnumerateArray())
        {
            float[] scores = [.. user.EnumerateArray().Select(v => (float)v.GetDouble())];
            ranking.Add(scores[0], scores.AsSpan(1));
        }
        Close(Number(g, "hr"), ranking.HitRate);
        Close(Number(g, "ndcg"), ranking.Ndcg);
        Close(Number(g, "mrr"), ranking.Mrr);
    }

    [Fact]
    public void ConstantScorerGetsNoHits()
    {
        float[] others = new float[99];
        LeaveOneOutRanking against = new(), expected = new(10, Ties.Expected);
        against.Add(0, others);
        expected.Add(0, others);
        Assert.Equal(0, against.HitRate);
        Assert.Equal(99, LeaveOneOutRanking.Rank(0, others));
        Close(0.1, expected.HitRate);
        against.Add(float.NaN, others);
        Assert.Equal(0, against.HitRate);
    }

    [Fact]
    public void UndefinedScoresAreNaN()
    {
        Assert.True(double.IsNaN(RocAuc.Of([0.1, 0.9], [true, true])));
        Assert.True(double.IsNaN(RocAuc.Of([], [])));
        Assert.True(double.IsNaN(new Accuracy().Value));
        Assert.True(double.IsNaN(new LogLoss().Value));
        Assert.True(double.IsNaN(new BrierScore().Value));
        Assert.True(double.IsNaN(new Calibration().Value));
        Assert.True(double.IsNaN(new RegressionError().Rmse));
        Assert.True(double.IsNaN(new LeaveOneOutRanking().HitRate));
        Assert.True(double.IsNaN(Correlation.Pearson([1, 1], [1, 2])));
        Assert.True(double.IsNaN(Correlation.KendallTauB([1], [1])));
        Assert.True(double.IsNaN(WeightedKappa.Of([1, 1], [1, 1], 0, 3)));
        RegressionError constant = new();
        constant.Add(1, 2);
        Assert.True(double.IsNaN(constant.R2));
    }

    [Fact]
    public void MergeEqualsOneStream()
    {
        RegressionError whole = new(), left = new(), right = new();
        RocAuc auc = new(), aucLeft = new(), aucRight = new();
        Calibration bins = new(), binsLeft = new(), binsRight = new();
        WeightedKappa kappa = new(0, 4), kappaLeft = new(0, 4), kappaRight = new(0, 4);
        LeaveOneOutRanking rank = new(2), rankLeft = new(2), rankRight = new(2);
        BrierScore brier = new(), brierLeft = new(), brierRight = new();
        LogLoss loss = new(), lossLeft = new(), lossRight = new();
        Accuracy accuracy = new(), accuracyLeft = new(), accuracyRight = new();
        for (int i = 0; i < 40; i++)
        {
            bool first = i < 13, yes = i % 3 == 0;
            double p = i * 7 % 40 / 40.0, weight = 1 + i % 4;
            Both(whole, left, right, (m) => m.Add(p, 1e6 + i, weight));
            Both(auc, aucLeft, aucRight, (m) => m.Add(p, yes, weight));
            Both(bins, binsLeft, binsRight, (m) => m.Add(p, yes, weight));
            Both(kappa, kappaLeft, kappaRight, (m) => m.Add(i % 5, i * i % 5, weight));
            Both(rank, rankLeft, rankRight, (m) => m.Add(i % 5, [1, 2, 3], weight));
            Both(brier, brierLeft, brierRight, (m) => m.Add(p, yes, weight));
            Both(loss, lossLeft, lossRight, (m) => m.Add(p, yes, weight));
            Both(accuracy, accuracyLeft, accuracyRight, (m) => m.Add(i % 5, i * i % 5, weight));

            void Both<T>(T all, T a, T b, Action<T> add)
            {
                add(all);
                add(first ? a : b);
            }
        }
        left.Merge(right);
        aucLeft.Merge(aucRight);
        binsLeft.Merge(binsRight);
        kappaLeft.Merge(kappaRight);
        rankLeft.Merge(rankRight);
        brierLeft.Merge(brierRight);
        lossLeft.Merge(lossRight);
        accuracyLeft.Merge(accuracyRight);
        Close(whole.Rmse, left.Rmse);
        Assert.Equal(1, whole.R2 / left.R2, 1e-9);
        Close(auc.Value, aucLeft.Value);
        Close(bins.Value, binsLeft.Value);
        Close(kappa.Value, kappaLeft.Value);
        Close(rank.Ndcg, rankLeft.Ndcg);
        Close(brier.Value, brierLeft.Value);
        Close(loss.Value, lossLeft.Value);
        Close(accuracy.Value, accuracyLeft.Value);
    }

    [Fact]
    public void WeightZeroMasks()
    {
        RocAuc auc = new();
        auc.Add(double.NaN, true, 0);
        Assert.Equal(0, auc.Count);
        RegressionError error = new();
        error.Add(5, 1, 0);
        error.Add(3, 1);
        Assert.Equal(2, error.Mae);
    }

    [Fact]
    public void RoundGoesToTheEvenGradeAndKeepsTheRange()
    {
        Assert.Equal(2, WeightedKappa.Round(2.5, 0, 4));
        Assert.Equal(4, WeightedKappa.Round(3.5, 0, 4));
        Assert.Equal(4, WeightedKappa.Round(9, 0, 4));
        Assert.Equal(0, WeightedKappa.Round(-3, 0, 4));
    }

    [Fact]
    public void ErrorsNameTheMetricAndTheFix()
    {
        Assert.Contains("label 3 is outside 0..2", Assert.Throws<ArgumentOutOfRangeException>(() => new ConfusionMatrix(3).Add(3, 0)).Message, StringComparison.Ordinal);
        Assert.Contains("apply sigmoid", Assert.Throws<ArgumentOutOfRangeException>(() => new LogLoss().Add(1.5, true)).Message, StringComparison.Ordinal);
        Assert.Contains("2 predictions but 1 targets", Assert.Throws<ArgumentException>(() => Correlation.Pearson([1, 2], [1])).Message, StringComparison.Ordinal);
        Assert.Contains("round and clamp", Assert.Throws<ArgumentOutOfRangeException>(() => new WeightedKappa(0, 3).Add(4, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("0 masks", Assert.Throws<ArgumentOutOfRangeException>(() => new Accuracy().Add(1, 1, -1)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new RocAuc().Add(double.NaN, true));
        Assert.Throws<ArgumentException>(() => new Calibration(5).Merge(new Calibration(6)));
        Assert.Throws<ArgumentException>(() => new ConfusionMatrix(2).Merge(new ConfusionMatrix(3)));
        Assert.Throws<ArgumentException>(() => new LeaveOneOutRanking(5).Merge(new LeaveOneOutRanking(6)));
    }

    private static JsonElement Golden()
    {
        using Stream stream = typeof(MetricsTests).Assembly.GetManifestResourceStream("metrics.json")!;
        using JsonDocument document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }

    private static double Number(JsonElement g, string name) => g.GetProperty(name).GetDouble();

    private static int[] Ints(JsonElement g, string name) => [.. g.GetProperty(name).EnumerateArray().Select(v => v.GetInt32())];

    private static double[] Doubles(JsonElement g, string name) => [.. g.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];

    private static void Close(double expected, double actual) => Assert.Equal(expected, actual, Tolerance);

    [Fact]
    public void BatchesOfTensorsAreTheExamplesOneByOne()
    {
        Tensor scores = Tensor.Of([3, 3], [0.1f, 0.7f, 0.2f, 0.5f, 0.5f, 0, 0, 0.2f, 0.8f]);
        Indices labels = Indices.Of(1, 1, 0);
        Accuracy accuracy = new();
        accuracy.Add(scores, labels);
        ConfusionMatrix table = new(3);
        table.Add(scores, labels);
        TopKAccuracy two = new(2);
        two.Add(scores, labels);
        Assert.Equal((1 / 3.0, 1 / 3.0, 2 / 3.0), (accuracy.Value, table.Accuracy, two.Value));
        RegressionError error = new();
        error.Add(Tensor.Of(1, 3), Tensor.Of(2, 5));
        Assert.Equal(1.5, error.Mae, 12);
        RocAuc roc = new();
        PrAuc pr = new();
        roc.Add(Tensor.Of(0.9f, 0.2f, 0.4f), Tensor.Of(1, 0, 0));
        pr.Add(Tensor.Of(0.9f, 0.2f, 0.4f), Tensor.Of(1, 0, 0));
        Assert.Equal((1.0, 1.0), (roc.Value, pr.Value));
        Assert.Contains("accuracy: scores [3] are not [N, C]", Assert.Throws<ShapeException>(() => accuracy.Add(Tensor.Ones([3]), labels)).Message, StringComparison.Ordinal);
        Assert.Contains("roc-auc: predictions [3,1] for [3]", Assert.Throws<ShapeException>(() => roc.Add(Tensor.Ones([3, 1]), Tensor.Ones([3]))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => accuracy.Add(scores, Indices.Of(1)));
        // one column of scores has one class, and a label that the loss ignores has none: neither is counted as wrong in silence
        Assert.Contains("label 1 is none of the 1 classes of scores [3,1]; where one score says yes or no", Assert.Throws<ArgumentOutOfRangeException>(() => accuracy.Add(Tensor.Ones([3, 1]), labels)).Message, StringComparison.Ordinal);
        Assert.Contains("label -100 is none of the 3 classes", Assert.Throws<ArgumentOutOfRangeException>(() => accuracy.Add(scores, Indices.Of(1, -100, 0))).Message, StringComparison.Ordinal);
        Assert.Equal(1 / 3.0, accuracy.Value);
    }
}
