using System.Text.Json;
using DeepEdu.Attribution;
using DeepEdu.Autograd;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using DeepEdu.Tests.Nn;

namespace DeepEdu.Tests.Attribution;

/// <summary>Attributions against closed forms of linear scores, their own completeness, finite differences, and PyTorch's numbers (tests/golden/trust.py).</summary>
public class AttributionTests
{
    private static readonly JsonElement s_golden = GoldenLayers.Read("trust.json");
    private static readonly Rng s_rng = new(7);

    [Fact]
    public void OfALinearScoreAllAreItsWeights()
    {
        Tensor w = Tensor.Of([3, 1], [2, -1, 0.5f]), x = Tensor.Of([2, 3], [1, 2, 3, -4, 5, 6]), from = Tensor.Of([2, 3], [1, 1, 1, 0, 0, 2]);
        Func<Tensor, Tensor> f = v => v.MatMul(w) + 7;
        Assert.Equal([2, 1, 0.5f, 2, 1, 0.5f], Saliency.Of(f, x).ToArray());
        Assert.Equal([2, -1, 0.5f, 2, -1, 0.5f], Saliency.Of(f, x, absolute: false).ToArray());
        Assert.Equal([2, -2, 1.5f, -8, -5, 3], InputXGradient.Of(f, x).ToArray());
        foreach (int steps in new[] { 1, 5 })
        {
            var (parts, delta) = IntegratedGradients.Of(f, x, from, steps);
            Assert.Equal([0, -1, 1, -8, -5, 2], parts.ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
            Assert.All(delta, d => Assert.Equal(0, d, 1e-5));
        }
        Assert.Equal([0, -1, 1, -10, -4, 2.5f], Occlusion.Of(f, x, [1], baseline: 1).ToArray());
    }

    /// <summary>n nodes are exact for polynomials of degree 2n − 1: with two, cubes are integrated without an error, with one they are not.</summary>
    [Fact]
    public void TheSumOfTheIntegralIsThatOfGauss()
    {
        Tensor x = Tensor.Of([1, 2], [2, 3]);
        Func<Tensor, Tensor> f = v => (v * v * v * v).Sum(1);
        Assert.Equal([16, 81], IntegratedGradients.Of(f, x, steps: 2).Values.ToArray(), (a, b) => Math.Abs(a - b) < 1e-4);
        Assert.Equal(-97.0 / 2, IntegratedGradients.Of(f, x, steps: 1).ConvergenceDelta[0], 1e-4); // 4(x/2)³x in place of x⁴
        foreach (int n in new[] { 1, 2, 3, 10, 50, 200 })
        {
            var rule = IntegratedGradients.Legendre(n);
            for (int power = 0; power < Math.Min(2 * n, 60); power++) { Assert.Equal(1.0 / (power + 1), rule.Sum(r => r.Weight * Math.Pow(r.Node, power)), 1e-13); }
            Assert.All(rule, r => Assert.InRange(r.Node, 0, 1));
        }
    }

    [Fact]
    public void GradientsEqualPyTorch()
    {
        var (g, f, x, _) = Dense();
        Close(g, "gradient", Saliency.Of(f, x, absolute: false), 1e-5);
        Assert.Equal(Floats(g, "gradient").Select(v => Math.Abs(v)), Saliency.Of(f, x).ToArray().Select(v => (double)v), (a, b) => Math.Abs(a - b) < 1e-5);
        Close(g, "input_x_gradient", InputXGradient.Of(f, x), 1e-5);
    }

    [Theory, InlineData(3), InlineData(50)]
    public void IntegratedGradientsEqualPyTorch(int steps)
    {
        var (g, f, x, baseline) = Dense();
        var (parts, delta) = IntegratedGradients.Of(f, x, baseline, steps);
        Close(g, $"integrated_{steps}", parts, 2e-5);
        Assert.Equal(Floats(g, $"delta_{steps}"), delta, (a, b) => Math.Abs(a - b) < 2e-5);
    }

    [Fact]
    public void OcclusionEqualsPyTorch()
    {
        var (g, f, x, _) = Dense();
        Close(g, "occlusion", Occlusion.Of(f, x, [2], baseline: 0.25f), 1e-5);
        Close(g, "occlusion_grid", Occlusion.Of(v => f(v.Reshape([4, 6])), x.Reshape([4, 2, 3]), [1, 2], [1, 1]), 1e-5);
        Close(g, "occlusion_overhang", Occlusion.Of(f, x, [4], [3], -1), 1e-5);
    }

    [Fact]
    public void WordsOfAnEmbeddingEqualPyTorch()
    {
        var (g, embedding, rest, tokens) = Words();
        var (words, delta) = LayerIntegratedGradients.Of(embedding, rest, tokens, baseline: 0, steps: 20);
        Assert.Equal([3, 5], words.Shape.Sizes.ToArray());
        Close(g, "words", words, 1e-5);
        Assert.Equal(Floats(g, "delta"), delta, (a, b) => Math.Abs(a - b) < 1e-5);
        using Arena arena = new();
        float[] whole = rest(embedding.Forward(tokens)).ToArray(), nothing = rest(embedding.Forward(Indices.Wrap(new int[15], [3, 5]))).ToArray();
        for (int n = 0; n < 3; n++) { Assert.Equal(whole[n] - nothing[n], words.ToArray()[(n * 5)..((n + 1) * 5)].Sum(), 1e-5f); }
    }

    /// <summary>The derivative of the sum of all scores, by central differences.</summary>
    [Fact]
    public void SaliencyIsTheSlopeOfTheScore()
    {
        var (_, f, x, _) = Dense();
        float[] slopes = Saliency.Of(f, x, absolute: false).ToArray(), at = x.ToArray();
        for (int i = 0; i < at.Length; i++)
        {
            float[] up = [.. at], down = [.. at];
            (up[i], down[i]) = (at[i] + 0.01f, at[i] - 0.01f);
            double difference = (f(Tensor.Of(x.Shape, up)).ToArray().Sum(v => (double)v) - f(Tensor.Of(x.Shape, down)).ToArray().Sum(v => (double)v)) / 0.02;
            Assert.Equal(difference, slopes[i], 2e-3);
        }
    }

    /// <summary>Dropout is off, whatever tape is open, and the rows of a batch do not disturb each other.</summary>
    [Fact]
    public void ModelsRunAsInUse()
    {
        Sequential model = new(new Dense(6, 8, s_rng), new Tanh(), new Dropout(0.5f, s_rng), new Dense(8, 1, s_rng));
        Tensor x = Tensor.Normal([3, 6], new Rng(2));
        float[] alone = Saliency.Of(model.Forward, x[1..2]).ToArray();
        using (new Tape())
        {
            Assert.Equal(alone, Saliency.Of(model.Forward, x).ToArray()[6..12], (a, b) => Math.Abs(a - b) < 1e-6);
            Assert.All(IntegratedGradients.Of(model.Forward, x).ConvergenceDelta, d => Assert.Equal(0, d, 1e-5));
        }
    }

    /// <summary>Of a linear model scored by −MSE, shuffling feature j costs 2·wⱼ²·var(xⱼ) on average; scikit-learn's 400 shuffles found the same.</summary>
    [Fact]
    public void PermutationImportanceEqualsItsClosedFormAndScikitLearn()
    {
        var g = s_golden.GetProperty("permutation");
        float[] y = [.. Floats(g, "y").Select(v => (float)v)], w = [.. Floats(g, "coefficients").Select(v => (float)v)];
        float intercept = g.GetProperty("intercept").GetSingle();
        Tensor x = Tensor.Of([300, 4], [.. Floats(g, "x").Select(v => (float)v)]);
        var found = PermutationImportance.Of(rows => -(rows.MatMul(Tensor.Of([4, 1], w)) + intercept).ToArray().Zip(y).Average(p => Math.Pow(p.First - p.Second, 2)), x, new Rng(1), repeats: 400);
        double[] mean = Floats(g, "mean"), deviation = Floats(g, "deviation");
        for (int f = 0; f < 4; f++)
        {
            float[] column = [.. Enumerable.Range(0, 300).Select(n => x.ToArray()[(n * 4) + f])];
            double variance = column.Average(v => Math.Pow(v - column.Average(), 2)), error = 5 * Math.Max(deviation[f], 1e-4) / 20; // five standard errors of 400
            Assert.Equal(2 * w[f] * w[f] * variance, found[f].Mean, error + (0.02 * w[f] * w[f])); // residuals hang together with the shuffled values a little
            Assert.Equal(mean[f], found[f].Mean, 2 * error);
            Assert.Equal(deviation[f], found[f].StandardDeviation, 0.2 * deviation[f]);
            Assert.Equal((f, 400), (found[f].Feature, found[f].Drops.Length));
        }
    }

    /// <summary>A feature over time is shuffled as a whole, and one that the model does not look at costs nothing.</summary>
    [Fact]
    public void AFeatureIsShuffledInAllItsPlaces()
    {
        Tensor x = Tensor.Normal([40, 3, 2], new Rng(4));
        var found = PermutationImportance.Of(rows =>
        {
            float[] v = rows.ToArray();
            for (int n = 0; n < 40; n++)
            {
                int from = Array.IndexOf(x.ToArray(), v[n * 6]); // the first step's feature 0 tells whose it is
                Assert.Equal([x.ToArray()[from + 2], x.ToArray()[from + 4]], new[] { v[(n * 6) + 2], v[(n * 6) + 4] });
            }
            return -Enumerable.Range(0, 40).Sum(n => Math.Abs(v[n * 6] - x.ToArray()[n * 6]));
        }, x, new Rng(1));
        Assert.True(found[0].Mean > 1);
        Assert.Equal([0, 0, 0, 0, 0], found[1].Drops);
    }

    [Fact]
    public void ErrorsSayWhatToDo()
    {
        Tensor x = Tensor.Ones([2, 3]);
        Says<ShapeException>("saliency: the function gave [2,3] for [2,3], not one number a row; choose an output", () => Saliency.Of(v => v, x));
        Says<ShapeException>("input-x-gradient: the input [3] is not [rows, ..]", () => InputXGradient.Of(v => v, Tensor.Ones([3])));
        Says<InvalidOperationException>("integrated-gradients: no gradient reaches the input [2,3]", () => IntegratedGradients.Of(_ => Tensor.Ones([2]), x));
        Says<InvalidOperationException>("saliency: no gradient reaches the input [2,3]", () => Saliency.Of(new Sequential(new Lambda(_ => Tensor.Ones([2, 1])), new Dense(1, 1, s_rng)).Forward, x));
        Says<ShapeException>("integrated-gradients: a baseline [3] for an input [2,3]", () => IntegratedGradients.Of(v => v.Sum(1), x, Tensor.Ones([3])));
        Says<ArgumentException>("occlusion: the score of row 1 is NaN", () => Occlusion.Of(v => Tensor.Of(1, float.NaN), x, [1]));
        Says<ShapeException>("occlusion: a window [4] for rows of [2,3]", () => Occlusion.Of(v => v.Sum(1), x, [4]));
        Says<ShapeException>("occlusion: a stride [3] for rows of [2,3]", () => Occlusion.Of(v => v.Sum(1), x, [2], [3]));
        Says<ShapeException>("layer-integrated-gradients: tokens [4] are not [N, steps]", () => LayerIntegratedGradients.Of(new Embedding(3, 2, s_rng), v => v, Indices.Wrap([0, 1, 2, 0], [4]), 0));
        Says<ShapeException>("permutation-importance: the input [1,3] is not", () => PermutationImportance.Of(_ => 0, Tensor.Ones([1, 3]), new Rng(1)));
        Says<ArgumentException>("permutation-importance: the score of the rows is NaN", () => PermutationImportance.Of(_ => double.NaN, x, new Rng(1)));
        Says<ArgumentException>($"permutation-importance: the score of the rows is {double.NegativeInfinity}; a log loss", () => PermutationImportance.Of(_ => double.NegativeInfinity, x, new Rng(1)));
        Says<ArgumentException>("saliency: the function gave null", () => Saliency.Of(_ => null!, x));
        Assert.Throws<ArgumentOutOfRangeException>(() => IntegratedGradients.Of(v => v.Sum(1), x, steps: 0));
    }

    private static void Says<E>(string text, Func<object> act) where E : Exception => Assert.Contains(text, Assert.Throws<E>(act).Message, StringComparison.Ordinal);

    private static (JsonElement Golden, Func<Tensor, Tensor> Score, Tensor X, Tensor Baseline) Dense()
    {
        var g = s_golden.GetProperty("dense");
        Sequential model = new(new Dense(6, 5, s_rng), new Tanh(), new Dense(5, 3, s_rng));
        Fill(model, g.GetProperty("weights"));
        return (g, x => model.Forward(x)[.., 2], Rows(g, "x"), Rows(g, "baseline"));

        static Tensor Rows(JsonElement g, string name) => Tensor.Of([4, 6], [.. Floats(g, name).Select(v => (float)v)]);
    }

    private static (JsonElement Golden, Embedding Embedding, Func<Tensor, Tensor> OfVectors, Indices Tokens) Words()
    {
        var g = s_golden.GetProperty("lstm");
        Embedding embedding = new(7, 3, s_rng);
        Lstm lstm = new(3, 4, s_rng);
        Dense head = new(4, 1, s_rng);
        Fill(embedding, g.GetProperty("embedding"));
        Fill(lstm, g.GetProperty("lstm"));
        Fill(head, g.GetProperty("head"));
        return (g, embedding, v => head.Forward(lstm.Forward(v).Mean(1)), Indices.Wrap([.. Floats(g, "tokens").Select(t => (int)t)], [3, 5]));
    }

    private static void Fill(Module module, JsonElement weights)
    {
        var parameters = module.Parameters();
        Assert.Equal(weights.GetArrayLength(), parameters.Count);
        for (int i = 0; i < parameters.Count; i++) { parameters[i].Value.CopyFrom([.. weights[i].EnumerateArray().Select(v => v.GetSingle())]); }
    }

    private static double[] Floats(JsonElement g, string name) => [.. g.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];

    private static void Close(JsonElement g, string name, Tensor found, double tolerance)
        => Assert.Equal(Floats(g, name), found.ToArray().Select(v => (double)v), (a, b) => Math.Abs(a - b) <= tolerance * Math.Max(1, Math.Abs(a)));
}
