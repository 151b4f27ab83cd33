using System.Text.Json;
using DeepEdu.Metrics;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Metrics;

/// <summary>Fits that make chances honest: against scikit-learn, scipy and NumPy (tests/golden/trust.py), and what must hold for any data.</summary>
public class CalibrationFitTests
{
    private static readonly JsonElement s_golden = GoldenLayers.Read("trust.json");

    [Fact]
    public void TheTemperatureEqualsThatOfSearching()
    {
        var g = s_golden.GetProperty("temperature");
        Tensor logits = Tensor.Of([200, 4], [.. Doubles(g, "logits").Select(v => (float)v)]);
        Indices labels = Indices.Wrap(Ints(g, "labels"), [200]);
        var fit = TemperatureScaling.Fit(logits, labels);
        Assert.Equal(g.GetProperty("temperature").GetDouble(), fit.Temperature, 1e-6); // the search stops within 1e-8 of ln T
        Assert.Equal(g.GetProperty("before").GetDouble(), Loss(logits, labels), 1e-6);
        Assert.Equal(g.GetProperty("after").GetDouble(), Loss(fit.Apply(logits), labels), 1e-6);
        var (scores, yes) = YesNo();
        var two = TemperatureScaling.Fit(scores, yes);
        Assert.Equal(s_golden.GetProperty("yes_no").GetProperty("temperature").GetDouble(), two.Temperature, 1e-6);
        Assert.Equal(1 / (1 + Math.Exp(-3 / two.Temperature)), two.Probability(3), 1e-12);
        Assert.Equal(two.Temperature, Again(two, TemperatureScaling.Load).Temperature);
    }

    [Fact]
    public void PlattScalingEqualsScikitLearn()
    {
        var (scores, yes) = YesNo();
        var g = s_golden.GetProperty("yes_no");
        PlattScaling smooth = PlattScaling.Fit(scores, yes), plain = PlattScaling.Fit(scores, yes, smooth: false);
        Assert.Equal(Doubles(g, "plain"), [plain.Slope, plain.Intercept], (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal(Doubles(g, "smooth"), [smooth.Slope, smooth.Intercept], (a, b) => Math.Abs(a - b) < 1e-7);
        Assert.Equal(Doubles(g, "sklearn_sigmoid"), [smooth.Slope, smooth.Intercept], (a, b) => Math.Abs(a - b) < 1e-6); // its search stops earlier
        Assert.Equal(1 / (1 + Math.Exp(-(2 * smooth.Slope) - smooth.Intercept)), smooth.Probability(2), 1e-12);
        Assert.Equal(smooth.Probability(0.3), Again(smooth, PlattScaling.Load).Probability(0.3));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void IsotonicRegressionEqualsScikitLearn(bool weighted)
    {
        var g = s_golden.GetProperty("isotonic");
        var fit = IsotonicRegression.Fit(Doubles(g, "x"), Doubles(g, "y"), weighted ? Doubles(g, "weight") : []);
        Assert.Equal(Doubles(g, weighted ? "weighted" : "plain"), Doubles(g, "at").Select(fit.Predict), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Equal(fit.Knots, Again(fit, IsotonicRegression.Load).Knots);
        var (scores, yes) = YesNo();
        Assert.Equal(Doubles(g, "chances"), scores.Select(IsotonicRegression.Fit(scores, yes).Predict), (a, b) => Math.Abs(a - b) < 1e-9);
    }

    [Fact]
    public void ConformalQuantilesEqualNumPy()
    {
        var g = s_golden.GetProperty("conformal");
        double[] alpha = Doubles(g, "alpha"), predicted = Doubles(g, "predicted"), actual = Doubles(g, "actual"), hard = Doubles(g, "difficulty");
        float[] chances = [.. Doubles(g, "chances").Select(v => (float)v)];
        for (int a = 0; a < alpha.Length; a++)
        {
            var plain = SplitConformalRegressor.Fit(predicted, actual, alpha[a]);
            var by = SplitConformalRegressor.Fit(predicted, actual, alpha[a], hard);
            Assert.Equal(Doubles(g, "radius")[a], plain.Radius, 1e-12);
            Assert.Equal(Doubles(g, "radius_by_difficulty")[a], by.Radius, 1e-12);
            Assert.Equal(new(5, 5 - (2 * by.Radius), 5 + (2 * by.Radius)), by.Interval(5, 2));
            Assert.Equal(4 * by.Radius, by.Interval(5, 2).Width, 1e-12);
            var sets = SplitConformalClassifier.Fit(Tensor.Of([79, 5], chances), Indices.Wrap(Ints(g, "labels"), [79]), alpha[a]);
            Assert.Equal(Doubles(g, "threshold")[a], sets.Threshold, 1e-12);
            int[] sizes = [.. Enumerable.Range(0, 79).Select(i => sets.Set(chances.AsSpan(i * 5, 5)).Length)];
            Assert.Equal(g.GetProperty("sizes")[a].EnumerateArray().Select(v => v.GetInt32()), sizes);
            Assert.Equal(sizes.Select(s => s != 1), Enumerable.Range(0, 79).Select(i => sets.Abstains(chances.AsSpan(i * 5, 5))));
            Assert.Equal((99, plain.Radius, alpha[a]), (Again(plain, SplitConformalRegressor.Load).Count, Again(plain, SplitConformalRegressor.Load).Radius, plain.Alpha));
            Assert.Equal((sets.Threshold, 79, alpha[a]), (Again(sets, SplitConformalClassifier.Load).Threshold, Again(sets, SplitConformalClassifier.Load).Count, sets.Alpha));
        }
    }

    /// <summary>Of n + 1 exchangeable examples any may be the new one: leaving out each in turn, at least (n+1)(1−α) of them are held, whatever the numbers are.</summary>
    [Fact]
    public void IntervalsAndSetsHoldTheirShare()
    {
        var cases = from n in Gen.Choose(20, 60) from seed in Gen.Choose(0, 100000) from alpha in Gen.Elements(0.05, 0.1, 0.3) select (n, seed, alpha);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            Rng rng = new((ulong)c.seed);
            double[] told = new double[c.n + 1], truth = new double[c.n + 1];
            float[] chances = new float[(c.n + 1) * 3];
            int[] labels = new int[c.n + 1];
            for (int i = 0; i <= c.n; i++)
            {
                (told[i], truth[i], labels[i]) = (rng.NextGaussian(), Math.Round(3 * Math.Pow(rng.NextGaussian(), 3), 1), rng.Next(3));
                for (int k = 0; k < 3; k++) { chances[(i * 3) + k] = rng.NextSingle(); }
            }
            int held = 0, inSet = 0;
            for (int left = 0; left <= c.n; left++)
            {
                var (_, low, high) = SplitConformalRegressor.Fit(Without(told, left), Without(truth, left), c.alpha).Interval(told[left]);
                if (truth[left] >= low - 1e-12 && truth[left] <= high + 1e-12) { held++; }
                float[] others = [.. chances[..(left * 3)], .. chances[((left + 1) * 3)..]];
                if (SplitConformalClassifier.Fit(Tensor.Of([c.n, 3], others), Indices.Wrap(Without(labels, left), [c.n]), c.alpha).Set(chances.AsSpan(left * 3, 3)).Contains(labels[left])) { inSet++; }
            }
            Assert.True(held >= ((c.n + 1) * (1 - c.alpha)) - 1e-9, $"{held} of {c.n + 1} at alpha {c.alpha}");
            Assert.True(inSet >= ((c.n + 1) * (1 - c.alpha)) - 1e-9, $"{inSet} of {c.n + 1} at alpha {c.alpha}");
            Assert.True(held < c.n + 1 || c.alpha * (c.n + 1) < 2, "an interval that holds everything is too wide");
        }).Hold();

        static T[] Without<T>(T[] of, int at) => [.. of[..at], .. of[(at + 1)..]];
    }

    [Fact]
    public void IsotonicRegressionRisesStaysAndKeepsTheMean()
    {
        var pair = from x in Gen.Choose(-5, 5) from y in Gen.Choose(0, 4) from w in Gen.Choose(0, 3) select (X: x / 2.0, Y: y / 4.0, W: (double)w);
        Prop.ForAll(pair.NonEmptyListOf().Where(l => l.Any(p => p.W > 0)).ToArbitrary(), list =>
        {
            double[] x = [.. list.Select(p => p.X)], y = [.. list.Select(p => p.Y)], w = [.. list.Select(p => p.W)];
            var fit = IsotonicRegression.Fit(x, y, w);
            double[] told = Array.ConvertAll(x, fit.Predict), at = [.. Enumerable.Range(-70, 141).Select(i => fit.Predict(i / 20.0))];
            Assert.Equal(at.Order(), at);
            Assert.Equal(told, x.Select(IsotonicRegression.Fit(x, told, w).Predict), (a, b) => Math.Abs(a - b) < 1e-14); // lines between knots round
            Assert.Equal(list.Sum(p => p.W * p.Y), told.Zip(w).Sum(p => p.First * p.Second), 1e-9);
        }).Hold();
    }

    [Fact]
    public void ATemperatureNeverRaisesTheLossItIsFittedOn()
    {
        var cases = from n in Gen.Choose(2, 30) from seed in Gen.Choose(0, 100000) from scale in Gen.Elements(0.01f, 1, 30) select (n, seed, scale);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            Rng rng = new((ulong)c.seed);
            Tensor logits = Tensor.Normal([c.n, 3], rng) * c.scale;
            Indices labels = Indices.Wrap([0, 1, .. Enumerable.Range(2, c.n - 2).Select(_ => rng.Next(3))], [c.n]);
            var fit = TemperatureScaling.Fit(logits, labels);
            Assert.True(Loss(fit.Apply(logits), labels) <= Loss(logits, labels) + 1e-6, $"{Loss(fit.Apply(logits), labels)} after {Loss(logits, labels)} at {fit.Temperature}");
            Assert.InRange(fit.Temperature, TemperatureScaling.Coldest, TemperatureScaling.Hottest);
            Assert.Equal(logits.ArgMax(1).ToArray(), fit.Apply(logits).ArgMax(1).ToArray());
        }).Hold();
    }

    [Fact]
    public void TemperaturesEndWhereNoLogitIsWrongOrAllAre()
    {
        Assert.Equal(TemperatureScaling.Coldest, TemperatureScaling.Fit([-2.0, 1], [false, true]).Temperature);
        Assert.Equal(TemperatureScaling.Hottest, TemperatureScaling.Fit([2.0, -1], [false, true]).Temperature);
        Assert.Equal(1, TemperatureScaling.Fit([0.0, 0], [false, true]).Temperature); // nothing to scale
    }

    /// <summary>Chances do not depend on the unit of the scores, however large or small it is.</summary>
    [Theory, InlineData(1e-200), InlineData(1e-3), InlineData(1e200), InlineData(5e307)]
    public void PlattScalingTakesScoresOfAnyScale(double unit)
    {
        double[] scores = [1, 2, -1, 3, 0.5, -3];
        bool[] yes = [true, false, false, true, true, false];
        PlattScaling plain = PlattScaling.Fit(scores, yes), scaled = PlattScaling.Fit([.. scores.Select(s => s * unit)], yes);
        foreach (double s in scores) { Assert.Equal(plain.Probability(s), scaled.Probability(s * unit), 1e-9); }
    }

    /// <summary>Where a whole step of Newton's leads away from the least loss: its slopes are 0 at what is found, for the targets that Platt's rule gives.</summary>
    [Theory]
    [InlineData(new[] { 1.249, -14989.023, 0, -0.518, -0.001, 568.564, -49.931, -1.863, 0.954, -0.099 }, new[] { 1 })]
    [InlineData(new[] { -0.593, 0, 2.004, 0, 0, 0.572, -1.243, -0.7, -0.439, 0, 0, 0.436, 2, -1.278, 0, -0.711, 1, -0.002, -0.911, 2, 1.097, -0.266, -1.417, 0.204, 1, 0, 6.684, 0.483, 0.003, -80.345 }, new[] { 11, 29 })]
    [InlineData(new[] { 1.0, 2, -1, 3, 0.5, -3 }, new[] { 0, 3, 4 })]
    public void PlattScalingEndsWhereItsLossIsLeast(double[] scores, int[] positive)
    {
        bool[] yes = [.. scores.Select((_, i) => positive.Contains(i))];
        var fit = PlattScaling.Fit(scores, yes);
        double high = (positive.Length + 1.0) / (positive.Length + 2), low = 1.0 / (scores.Length - positive.Length + 2), widest = scores.Max(Math.Abs);
        double[] off = [.. scores.Select((s, i) => fit.Probability(s) - (yes[i] ? high : low))];
        Assert.Equal(0, off.Sum(), 1e-9);
        Assert.Equal(0, off.Zip(scores, (d, s) => d * s / widest).Sum(), 1e-9);
    }

    /// <summary>Logits fifty times as large, whose powers of e are no doubles, want a temperature fifty times as high.</summary>
    [Fact]
    public void LargeLogitsWantAHighTemperature()
    {
        var rng = new Rng(3);
        Tensor logits = Tensor.Normal([60, 3], rng);
        Indices labels = Indices.Wrap([.. Enumerable.Range(0, 60).Select(i => i % 4 == 0 ? rng.Next(3) : logits.ArgMax(1).ToArray()[i])], [60]);
        double plain = TemperatureScaling.Fit(logits, labels).Temperature;
        Assert.InRange(plain, 0.05, 1.9);
        Assert.Equal(50 * plain, TemperatureScaling.Fit(logits * 50, labels).Temperature, 1e-4 * 50 * plain);
    }

    /// <summary>What was not saved by such a fit is refused, not taken up.</summary>
    [Fact]
    public void AStateThatCannotBeIsRefused()
    {
        static void Refused(Func<StateDict, object> load, StateDict state, string text) => Assert.Contains(text, Assert.Throws<InvalidDataException>(() => load(state)).Message, StringComparison.Ordinal);
        Refused(TemperatureScaling.Load, new StateDict().Set("temperature", double.NaN), "temperature-scaling: the state has a temperature of NaN");
        Refused(TemperatureScaling.Load, new StateDict().Set("temperature", 0.0), "temperature-scaling: the state has a temperature of 0");
        Refused(PlattScaling.Load, new StateDict().Set("slope", 1.0).Set("intercept", double.PositiveInfinity), "platt-scaling: the state has a slope of 1");
        Refused(IsotonicRegression.Load, new StateDict().Set("x", [1.0, 2]).Set("y", [1.0]), "isotonic-regression: the state has 2 scores and 1 values");
        Refused(IsotonicRegression.Load, new StateDict().Set("x", [2.0, 1]).Set("y", [1.0, 2]), "isotonic-regression: the state has scores or values that do not rise");
        Refused(IsotonicRegression.Load, new StateDict().Set("x", [1.0, 2]).Set("y", [1.0, double.NaN]), "isotonic-regression: the state has scores or values that do not rise");
        Refused(SplitConformalRegressor.Load, new StateDict().Set("alpha", 3.0).Set("radius", 1.0).Set("count", 9L), "split-conformal-regressor: the state has an alpha of 3");
        Refused(SplitConformalRegressor.Load, new StateDict().Set("alpha", 0.1).Set("radius", -1.0).Set("count", 9L), "a radius of -1");
        Refused(SplitConformalClassifier.Load, new StateDict().Set("alpha", 0.1).Set("threshold", double.NaN).Set("count", 9L), "split-conformal-classifier: the state has an alpha of 0.1, a threshold of NaN");
    }

    [Fact]
    public void ErrorsSayWhatToDo()
    {
        Says<ArgumentException>("temperature-scaling: all 3 answers are 1; examples of at least two kinds are needed", () => TemperatureScaling.Fit(Tensor.Ones([3, 2]), Indices.Wrap([1, 1, 1], [3])));
        Says<ArgumentException>("temperature-scaling: logit 1 is NaN", () => TemperatureScaling.Fit([0, double.NaN], [true, false]));
        Says<ArgumentException>("temperature-scaling: there is no example", () => TemperatureScaling.Fit([], ReadOnlySpan<bool>.Empty));
        Says<ArgumentOutOfRangeException>("temperature-scaling: label 2 is outside 0..1", () => TemperatureScaling.Fit(Tensor.Ones([2, 2]), Indices.Wrap([1, 2], [2])));
        Says<ArgumentException>("platt-scaling: all 2 answers are True", () => PlattScaling.Fit([0, 1], [true, true]));
        Says<ArgumentException>("platt-scaling: all 2 scores are 3; they tell nothing", () => PlattScaling.Fit([3, 3], [true, false]));
        Says<ArgumentException>("platt-scaling: all 10 scores are 0.1; they tell nothing", () => PlattScaling.Fit(Enumerable.Repeat(0.1, 10).ToArray(), [true, .. new bool[9]])); // whose mean is no 0.1
        Says<ArgumentException>("a threshold on the scores tells the answers apart", () => PlattScaling.Fit([0, 1, 1, 2], [false, false, true, true], smooth: false));
        Assert.InRange(PlattScaling.Fit([0, 1, 1, 2], [false, false, true, true]).Probability(2), 0.5, 0.9); // smoothed, they are a few examples
        Says<ArgumentException>("isotonic-regression: there is no example of a weight above 0", () => IsotonicRegression.Fit([1.0], [1.0], [0.0]));
        Says<ArgumentException>("isotonic-regression: the score is NaN", () => IsotonicRegression.Fit([1.0], [1.0]).Predict(double.NaN));
        Says<ArgumentException>("isotonic-regression: all 2 answers are False", () => IsotonicRegression.Fit([1, 2], [false, false]));
        Says<ArgumentException>("isotonic-regression: 2 predictions but 1 targets", () => IsotonicRegression.Fit([1, 2], [1.0]));
        Says<ArgumentException>("isotonic-regression: 2 scores but 1 weights", () => IsotonicRegression.Fit([1, 2], [1.0, 2], [1.0]));
        Says<ArgumentException>("split-conformal-regressor: 2 predictions but 1 difficulties", () => SplitConformalRegressor.Fit([1, 2], [1.0, 2], 0.1, [1.0]));
        Says<ArgumentException>("at least 999999999999 are needed", () => SplitConformalRegressor.Fit([1.0], [1.0], 1e-12));
        Says<ArgumentOutOfRangeException>("split-conformal-regressor: alpha 1 must lie between 0 and 1", () => SplitConformalRegressor.Fit([1.0], [1.0], 1));
        Says<ArgumentOutOfRangeException>("alpha NaN must lie", () => SplitConformalRegressor.Fit([1.0], [1.0], double.NaN));
        Says<ArgumentException>("split-conformal-regressor: 8 examples are too few for alpha 0.1: at least 9 are needed", () => SplitConformalRegressor.Fit(new double[8], new double[8], 0.1));
        Assert.Equal(0, SplitConformalRegressor.Fit(new double[9], new double[9], 0.1).Radius);
        Says<ArgumentException>("a difficulty of 0", () => SplitConformalRegressor.Fit([1.0], [1.0], 0.5, [0.0]));
        Says<ArgumentException>("prediction 0 is NaN", () => SplitConformalRegressor.Fit([1.0], [1.0], 0.5).Interval(double.NaN));
        Says<ArgumentException>("split-conformal-classifier: 1 examples are too few for alpha 0.1", () => SplitConformalClassifier.Fit(Tensor.Ones([1, 2]), Indices.Wrap([0], [1])));
        Says<ArgumentOutOfRangeException>("split-conformal-classifier: 3 is not a probability", () => SplitConformalClassifier.Fit(Tensor.Full([1, 2], 3), Indices.Wrap([0], [1])));
    }

    private static void Says<E>(string text, Func<object> act) where E : Exception => Assert.Contains(text, Assert.Throws<E>(act).Message, StringComparison.Ordinal);

    private static double Loss(Tensor logits, Indices labels)
    {
        float[] z = logits.ToArray();
        int classes = logits.Shape[1];
        return labels.ToArray().Select((y, i) =>
        {
            double[] row = [.. z.AsSpan(i * classes, classes).ToArray().Select(v => (double)v)];
            return row.Max() + Math.Log(row.Sum(v => Math.Exp(v - row.Max()))) - row[y];
        }).Average();
    }

    private static (double[] Scores, bool[] Yes) YesNo() => (Doubles(s_golden.GetProperty("yes_no"), "scores"), [.. Ints(s_golden.GetProperty("yes_no"), "yes").Select(y => y == 1)]);

    private static T Again<T>(T fit, Func<StateDict, T> load) where T : ISaveState
    {
        StateDict state = new();
        fit.SaveState(state);
        return load(state);
    }

    private static double[] Doubles(JsonElement g, string name) => [.. g.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];

    private static int[] Ints(JsonElement g, string name) => [.. g.GetProperty(name).EnumerateArray().Select(v => v.GetInt32())];
}
