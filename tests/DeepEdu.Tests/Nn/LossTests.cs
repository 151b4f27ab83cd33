using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>What the catalogue's golden values do not hold.</summary>
public class LossTests
{
    [Fact]
    public void AnIgnoredLabelHidesEvenAnInfiniteLogarithm()
    {
        using var tape = new Tape();
        var x = tape.Watch(Tensor.Of([2, 2], [float.NegativeInfinity, 0, -1, -2]));
        var loss = Losses.NegativeLogLikelihood(x, new[] { -100, 1 });
        Assert.Equal(2, loss.Item());
        Assert.Equal([0, 0, 0, -1], tape.Gradients(loss)[x].ToArray());
    }

    [Theory, InlineData(Reduction.None), InlineData(Reduction.Sum), InlineData(Reduction.Mean)]
    public void LikelihoodOfLogSoftmaxIsCrossEntropyWithWeightsAndIgnoredLabelsTogether(Reduction reduction)
    {
        int[] labels = [2, 1, 0, 1, 3];
        Tensor x = Tensor.Normal([5, 4], new Rng(2)), w = Tensor.Of(0.5f, 7, 2, 1);
        using var tape = new Tape();
        tape.Watch(x);
        Tensor likelihood = Losses.NegativeLogLikelihood(x.LogSoftmax(), labels, w, 1, reduction), entropy = x.CrossEntropy(labels, w, ignoreIndex: 1, reduction: reduction);
        Assert.Equal(entropy.ToArray(), likelihood.ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(tape.Gradients(entropy.Sum())[x].ToArray(), tape.Gradients(likelihood.Sum())[x].ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
    }

    /// <summary>PyTorch's, with an ε that shows, and distances over the last of three axes.</summary>
    [Theory]
    [InlineData(false, 2f, 0.9043f, 1.0316f, 1.8820f, 2f, 2f)]
    [InlineData(true, 2f, 0.9043f, 1.4598f, 1.8820f, 2f, 2f)]
    public void TripletsEqualPyTorchs(bool swap, params float[] expected)
    {
        Tensor a = Tensor.Of([2, 3, 2], [1, 2, 0, -1, 3, 1, 0.5f, 0.5f, 2, 0, -1, 1]), p = Tensor.Of([2, 3, 2], [1.5f, 1, 1, -1, 2, 2, 0, 1, 1, 1, 0, 0]);
        var n = Tensor.Of([2, 3, 2], [0, 2.5f, -1, 0.5f, 1, 1, 2, 0.5f, 3, -1, 1, 2]);
        var loss = Losses.Triplet(a, p, n, 2, 0.5f, Reduction.None, swap: swap);
        Assert.Equal([2, 3], loss.Shape.Sizes.ToArray());
        Assert.Equal(expected, loss.ToArray(), (x, y) => Math.Abs(x - y) < 1e-4);
    }

    [Fact]
    public void ASingleValueIsABatchOfOne() => Assert.Equal(0.08881f, Losses.KlDivergence(Tensor.Scalar(-1.5f), Tensor.Scalar(0.3f)).Item(), 1e-5f);

    [Fact]
    public void EndsOfTheRangesAreInside()
    {
        Tensor x = Tensor.Of(0f, 1, 0.5f), t = Tensor.Of(0f, 1, 1);
        Assert.Equal(Losses.Mae(x, t).Item(), Losses.SmoothL1(x, t, 0).Item());
        Assert.Equal(MathF.Log(2) / 3, Losses.BinaryCrossEntropy(x, t).Item(), 1e-6f);
        var entropy = x.BinaryCrossEntropyWithLogits(t, reduction: Reduction.None);
        Assert.Equal((entropy * t).ToArray(), Losses.BinaryFocal(x, t, 1, 0, reduction: Reduction.None).ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal((entropy * (1 - t)).ToArray(), Losses.BinaryFocal(x, t, 0, 0, reduction: Reduction.None).ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    private static readonly Tensor s_x = Tensor.Ones([2, 3]), s_turned = Tensor.Ones([3, 2]), s_one = Tensor.Ones([2]);
    private static readonly Indices s_labels = Indices.Of(0, 1);

    public static TheoryData<string, Func<object>> Mistakes => new()
    {
        { "mse: predictions [2,3] with targets [3,2]: they must have one shape; Reshape one of them?", () => Losses.Mse(s_x, s_turned) },
        { "mse: predictions [2,3] with targets [2]: they must have one shape", () => Losses.Mse(s_x, s_one) },
        { "mae: predictions [2,3] with targets [3,2]", () => Losses.Mae(s_x, s_turned) },
        { "huber: predictions [2,3] with targets [3,2]", () => Losses.Huber(s_x, s_turned) },
        { "smooth-l1: predictions [2,3] with targets [3,2]", () => Losses.SmoothL1(s_x, s_turned) },
        { "binary-cross-entropy: predictions [2,1] with targets [2,3]", () => Losses.BinaryCrossEntropy(s_x[.., ..1], s_x) },
        { "kl-divergence: predictions [2,1] with targets [2,3]", () => Losses.KlDivergence(s_x[.., ..1], s_x) },
        { "poisson-nll: predictions [2,1] with targets [2,3]", () => Losses.PoissonNll(s_x[.., ..1], s_x) },
        { "gaussian-nll: predictions [2,3] with targets [2,1]", () => Losses.GaussianNll(s_x, s_x[.., ..1], s_x) },
        { "focal: predictions [2,3] with targets [3,2]", () => Losses.BinaryFocal(s_x, s_turned) },
        { "cosine-embedding: predictions [2] with targets [2,1]", () => Losses.CosineEmbedding(s_x, s_x, s_x[.., ..1]) },
        { "hinge: predictions [2,3] with targets [2,1]", () => Losses.Hinge(s_x, s_x[.., ..1]) },
        { "hinge-embedding: predictions [2,3] with targets [2,1]", () => Losses.HingeEmbedding(s_x, s_x[.., ..1]) },
        { "margin-ranking: predictions [2,3] with targets [2,1]", () => Losses.MarginRanking(s_x, s_x[.., ..1], s_x) },
        { "margin-ranking: predictions [2,3] with targets [2,1]", () => Losses.MarginRanking(s_x, s_x, s_x[.., ..1]) },
        { "triplet: predictions [2,3] with targets [1,3]", () => Losses.Triplet(s_x, s_x[..1], s_x) },
        { "triplet: predictions [2,3] with targets [1,3]", () => Losses.Triplet(s_x, s_x, s_x[..1]) },
        { "bpr: predictions [2,3] with targets [2,1]", () => Losses.Bpr(s_x, s_x[.., ..1]) },
        { "infonce: predictions [2,3] with targets [1,3]", () => Losses.InfoNce(s_x, s_x[..1]) },
        { "infonce: queries [2]: expected [N,d]", () => Losses.InfoNce(s_one, s_one) },
        { "infonce: negatives [2,2] for keys [2,3]: expected [M,3]", () => Losses.InfoNce(s_x, s_x, negatives: s_x[.., ..2]) },
        { "infonce: negatives [3] for keys [2,3]", () => Losses.InfoNce(s_x, s_x, negatives: Tensor.Ones([3])) },
        { "sampled-softmax: x [2], weight [4,3]", () => Sampled(s_one, Tensor.Ones([4, 3]), s_labels, s_labels) },
        { "sampled-softmax: x [2,3], weight [3]", () => Sampled(s_x, Tensor.Ones([3]), s_labels, s_labels) },
        { "sampled-softmax: x [2,3], weight [4,2], labels [2], sampled [2]: expected [N,d], [V,d], [N] and [S]", () => Sampled(s_x, Tensor.Ones([4, 2]), s_labels, s_labels) },
        { "sampled-softmax: x [2,3], weight [4,3], labels [1]", () => Sampled(s_x, Tensor.Ones([4, 3]), Indices.Of(1), s_labels) },
        { "sampled-softmax: x [2,3], weight [4,3], labels [2], sampled [1,2]", () => Sampled(s_x, Tensor.Ones([4, 3]), s_labels, s_labels.Unsqueeze(0)) },
        { "negative-log-likelihood: log-probabilities [2] with labels [2]: expected [N,C] and [N]", () => Losses.NegativeLogLikelihood(s_one, s_labels) },
        { "negative-log-likelihood: log-probabilities [2,3] with labels [1]", () => Losses.NegativeLogLikelihood(s_x, Indices.Of(1)) },
        { "negative-log-likelihood: class weights [2] for log-probabilities [2,3]: expected [3]", () => Losses.NegativeLogLikelihood(s_x, s_labels, s_one) },
        { "negative-log-likelihood: label 3 at position 1 is outside 0..2 and is not the ignored one, -100", () => Losses.NegativeLogLikelihood(s_x, Indices.Of(0, 3)) },
        { "negative-log-likelihood: class weights [2] for log-probabilities [2,3]", () => Losses.Focal(s_x, s_labels, s_one) },
        { "mse: weights [4,2,3] do not broadcast to the losses [2,3]", () => Losses.Mse(s_x, s_x, Tensor.Ones([4, 2, 3])) },
        { "huber: delta 0 must be above 0", () => Losses.Huber(s_x, s_x, 0) },
        { "smooth-l1: beta -1 must not be negative", () => Losses.SmoothL1(s_x, s_x, -1) },
        { "binary-cross-entropy: -0.5 is no probability", () => Losses.BinaryCrossEntropy(Tensor.Of(0.5f, -0.5f), s_one) },
        { "binary-cross-entropy: 1.5 is no probability", () => Losses.BinaryCrossEntropy(Tensor.Of(1.5f, 0.5f), s_one) },
        { "ctc: log-probabilities [4,0,3] with targets [0,2]", () => Losses.Ctc(Tensor.Ones([4, 0, 3]), Indices.Full([0, 2], 1), Indices.Arange(0), Indices.Arange(0)) },
        { "ctc: log-probabilities [4,2,3] with targets [1,2]", () => Losses.Ctc(Tensor.Ones([4, 2, 3]), Indices.Full([1, 2], 1), Indices.Of(4, 4), s_labels) },
        { "ctc: log-probabilities [4,2,3] with targets [2]", () => Losses.Ctc(Tensor.Ones([4, 2, 3]), Indices.Of(1, 1), Indices.Of(4, 4), s_labels) },
        { "ctc: lengths [2,1] and [2,1] for 2 sequences: expected [2] each", () => Losses.Ctc(Tensor.Ones([4, 2, 3]), Indices.Full([2, 2], 1), Indices.Full([2, 1], 1), Indices.Full([2, 1], 1)) },
        { "ctc: lengths [2,1] and [2] for 2 sequences", () => Losses.Ctc(Tensor.Ones([4, 2, 3]), Indices.Full([2, 2], 1), Indices.Full([2, 1], 1), s_labels) },
        { "ctc: symbol 3 at place 0 of target 1 is outside 0..2", () => Losses.Ctc(Tensor.Ones([4, 2, 3]), Indices.Of([2, 2], [1, 1, 3, 1]), Indices.Of(4, 4), Indices.Of(2, 2)) },
        { "coral: importance [2] for logits [2,3]: expected [3]", () => Ordinal.Coral(s_x, s_labels, s_one) },
        { "coral: index 4", () => Ordinal.Coral(s_x, Indices.Of(0, 4)) },
        { "soft-kappa: logits [0,3] hold no row", () => Ordinal.SoftKappa(Tensor.Zeros([0, 3]), Indices.Arange(0)) },
        { "ordinal: index 3", () => Ordinal.Levels(Indices.Of(0, 3), 3) },
        { "grades ('1') must be greater than or equal to '2'", () => Ordinal.Levels(Indices.Of(0), 1) },
        { "ordinal: logits [3]: expected [N,K-1], or [N,K]", () => Ordinal.ExpectedGrades(Tensor.Ones([3])) },
    };

    private static Tensor Sampled(Tensor x, Tensor weight, Indices labels, Indices sampled) => Losses.SampledSoftmax(x, weight, labels, ClassSampler.Uniform(4), sampled);

    [Theory, MemberData(nameof(Mistakes))]
    public void MistakesAreNamed(string says, Func<object> wrong) => Assert.Contains(says, Assert.ThrowsAny<ArgumentException>(wrong).Message, StringComparison.Ordinal);
}
