using DeepEdu.Autograd;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>Grades and back, and samplers.</summary>
public class OrdinalTests
{
    [Fact]
    public void LevelsSayWhichThresholdsAGradePasses() =>
        Assert.Equal([0, 0, 0, 1, 1, 0, 1, 1, 1], Ordinal.Levels(new[] { 0, 2, 3 }, 4).ToArray());

    [Fact]
    public void LogitsBecomeGrades()
    {
        var x = Tensor.Of([3, 3], [2f, 1, -1, -1, 3, 3, 5, 5, 5]);
        Assert.Equal([2, 2, 3], Ordinal.CoralGrades(x).ToArray());
        // σ(2)σ(1) = .64, the second row's first factor is below ½, and σ(5)³ = .98
        Assert.Equal([2, 0, 3], Ordinal.CornGrades(x).ToArray());
        float[] p = Ordinal.CornProbabilities(x).ToArray();
        Assert.Equal(0.6439f, p[1], 1e-4f);
        Assert.Equal(0.2689f * 0.9526f * 0.9526f, p[5], 1e-4f);
        Assert.Equal([1, 0], Ordinal.ExpectedGrades(Tensor.Of([2, 3], [0f, 0, 0, 9, 0, 1])).ToArray());
    }

    [Fact]
    public void AGradeMustBeMoreLikelyThanNot()
    {
        Assert.Equal([0, 1, 0], Ordinal.CoralGrades(Tensor.Of([3, 2], [0f, 0, 0.1f, 0, -1, 0])).ToArray());
        // σ(0) = ½; σ(1)σ(0.2) = .40 and σ(3)σ(2) = .84: a product, whose factors may all be above ½
        Assert.Equal([0, 1, 2], Ordinal.CornGrades(Tensor.Of([3, 2], [0f, 5, 1, 0.2f, 3, 2])).ToArray());
        Assert.Equal([0, 1], Ordinal.Levels(new[] { 0, 1 }, 2).ToArray());
    }

    [Fact]
    public void SoftKappaOfCertainRowsIsOneMinusKappa()
    {
        int[] truth = [0, 1, 2, 3, 3, 1, 0, 2], guess = [0, 2, 2, 3, 1, 1, 1, 2];
        var certain = Tensor.Of([8, 4], [.. guess.SelectMany(g => Enumerable.Range(0, 4).Select(k => k == g ? 50f : 0))]);
        double kappa = WeightedKappa.Of(guess, truth, 0, 3);
        Assert.Equal(1 - kappa, Ordinal.SoftKappa(certain, truth, log: false).Item(), 1e-5f);
        Assert.Equal(Math.Log(1 - kappa), Ordinal.SoftKappa(certain, truth).Item(), 1e-5f);
        Assert.True(float.IsFinite(Ordinal.SoftKappa(certain[..1], new[] { 0 }).Item()));
    }

    [Theory]
    [InlineData("coral")]
    [InlineData("corn")]
    [InlineData("kappa")]
    public void ALayerLearnsGradesInOrder(string kind)
    {
        var rng = new Rng(3);
        var x = Tensor.Uniform([200, 1], rng, -2, 2);
        int[] grades = Array.ConvertAll(x.ToArray(), v => v < -1 ? 0 : v < 0.2f ? 1 : v < 1.3f ? 2 : 3);
        Layer layer = kind switch { "coral" => new CoralLayer(1, 4, rng), "corn" => new Dense(1, 3, rng), _ => new Dense(1, 4, rng) };
        var adam = new Adam(layer.Parameters(), new() { LearningRate = 0.1 });
        for (int i = 0; i < 300; i++)
        {
            using var tape = new Tape();
            var y = layer.Forward(x);
            adam.Step(tape.Gradients(kind switch { "coral" => Ordinal.Coral(y, grades), "corn" => Ordinal.Corn(y, grades), _ => Ordinal.SoftKappa(y, grades) }));
        }
        var output = layer.Forward(x);
        int[] found = (kind switch { "coral" => Ordinal.CoralGrades(output), "corn" => Ordinal.CornGrades(output), _ => Ordinal.ExpectedGrades(output) }).ToArray();
        Assert.InRange(found.Zip(grades).Count(p => p.First == p.Second), kind == "kappa" ? 150 : 180, 200); // kappa ranks more than it names
        Assert.All(found.Zip(grades), p => Assert.InRange(Math.Abs(p.First - p.Second), 0, 1));
    }

    [Fact]
    public void CoralsLayerHasOneWeightForAllThresholds()
    {
        var layer = new CoralLayer(5, 4, new Rng(1));
        Assert.Equal(["weight", "bias"], layer.Parameters().Select(p => p.Name));
        Assert.Equal([1f, 2 / 3f, 1 / 3f], layer.Parameters()[1].Value.ToArray());
        float[] y = layer.Forward(Tensor.Ones([2, 5])).ToArray();
        Assert.Equal(1 / 3f, y[0] - y[1], 1e-6f);
    }

    [Fact]
    public void ShapesAndLabelsAreChecked()
    {
        var x = Tensor.Ones([2, 3]);
        Assert.Contains("[N,K-1]", Assert.Throws<ShapeException>(() => Ordinal.Coral(x, new[] { 1 })).Message, StringComparison.Ordinal);
        Assert.Contains("corn: index 4", Assert.Throws<ArgumentOutOfRangeException>(() => Ordinal.Corn(x, new[] { 3, 4 })).Message, StringComparison.Ordinal);
        Assert.Contains("soft-kappa: index 3", Assert.Throws<ArgumentOutOfRangeException>(() => Ordinal.SoftKappa(x, new[] { 0, 3 })).Message, StringComparison.Ordinal);
        Assert.Contains("gamma -1", Assert.Throws<ArgumentOutOfRangeException>(() => Losses.Focal(x, new[] { 0, 1 }, gamma: -1)).Message, StringComparison.Ordinal);
        Assert.Contains("alpha 2", Assert.Throws<ArgumentOutOfRangeException>(() => Losses.BinaryFocal(x, x, 2)).Message, StringComparison.Ordinal);
        Assert.Contains("temperature 0", Assert.Throws<ArgumentOutOfRangeException>(() => Losses.InfoNce(x, x, 0)).Message, StringComparison.Ordinal);
        Assert.Contains("symmetric", Assert.Throws<ArgumentException>(() => Losses.InfoNce(x, x, symmetric: true, negatives: x)).Message, StringComparison.Ordinal);
        Assert.Contains("gaussian-nll: [2]", Assert.Throws<ShapeException>(() => Losses.GaussianNll(x, x, Tensor.Ones([2]))).Message, StringComparison.Ordinal);
        Assert.Contains("5 classes", Assert.Throws<ShapeException>(() => Losses.SampledSoftmax(x, x, new[] { 0, 1 }, ClassSampler.Uniform(5), new[] { 1 })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SamplersDrawWhatTheySayTheyDraw(bool logUniform)
    {
        var sampler = logUniform ? ClassSampler.LogUniform(12) : ClassSampler.Uniform(12);
        const int n = 60_000;
        var drawn = sampler.Sample(n, new Rng(8)).ToArray().GroupBy(c => c).ToDictionary(g => g.Key, g => g.Count());
        Assert.Equal(1, Enumerable.Range(0, 12).Sum(sampler.Probability), 1e-12);
        for (int c = 0; c < 12; c++)
        {
            double p = sampler.Probability(c);
            // five standard deviations of a binomial count
            Assert.InRange(drawn[c], (n * p) - (5 * Math.Sqrt(n * p)), (n * p) + (5 * Math.Sqrt(n * p)));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => sampler.Probability(12));
    }

    /// <summary>With many samples the corrected gradient comes near the full softmax's: the point of the correction.</summary>
    [Fact]
    public void ManySamplesComeNearTheFullSoftmax()
    {
        var rng = new Rng(9);
        Tensor x = Tensor.Normal([8, 5], rng), w = Tensor.Normal([30, 5], rng);
        int[] labels = [.. Enumerable.Range(0, 8).Select(_ => rng.Next(30))];
        foreach (var sampler in new[] { ClassSampler.Uniform(30), ClassSampler.LogUniform(30) })
        {
            using var tape = new Tape();
            tape.Watch(x);
            float[] full = tape.Gradients(x.MatMul(w, transB: true).CrossEntropy(labels, reduction: Reduction.Sum))[x].ToArray();
            // hits stay: they stand for the label's own share of the sum
            float[] sampled = tape.Gradients(Losses.SampledSoftmax(x, w, labels, sampler, sampler.Sample(50_000, rng), removeHits: false, reduction: Reduction.Sum))[x].ToArray();
            for (int i = 0; i < full.Length; i++) { Assert.Equal(full[i], sampled[i], 0.05f); } // a mean over 50000 draws
        }
    }
}
