using DeepEdu.Data;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>The training loop on two clouds of points.</summary>
public class TrainerTests
{
    private readonly Tensor _x;
    private readonly Indices _labels;

    public TrainerTests()
    {
        var rng = new Rng(5);
        int[] labels = [.. Enumerable.Range(0, 200).Select(i => i % 2)];
        _labels = labels;
        _x = Tensor.Normal([200, 2], rng) + (2 * _labels.ToTensor().Unsqueeze(1));
    }

    private static Batches Learned => new([.. Enumerable.Range(0, 150)], 16, new Rng(7));

    private static Batches Unseen => new([.. Enumerable.Range(150, 50)], 20);

    [Fact]
    public void FitLearnsAndEvaluateAndPredictAgree()
    {
        var (model, trainer) = New(new());
        double before = trainer.Evaluate(Unseen);
        var history = trainer.Fit(Learned, 20);
        Assert.Equal((20, 19, false), (history.Epochs.Count, history.Best, history.Stopped));
        Assert.True(history.Epochs[^1].Loss < 0.5 * history.Epochs[0].Loss);
        double after = trainer.Evaluate(Unseen);
        Assert.True(after < 0.5 * before, $"{after} after, {before} before");
        var logits = Trainer.Predict(Unseen, rows => model.Forward(_x.IndexSelect(0, rows)));
        Assert.Equal([50, 2], logits.Shape.Sizes.ToArray());
        // one mean over 50 rows against means of three batches, in float32
        Assert.Equal(after, logits.CrossEntropy(_labels.Select([.. Enumerable.Range(150, 50)])).Item(), 1e-5);
    }

    [Fact]
    public void TheSameSeedsGiveTheSameTraining()
    {
        double[] Losses() => [.. New(new() { ClipNorm = 1, Schedule = Schedule.Cosine(0.1, 50) }).Trainer.Fit(Learned, 5).Epochs.Select(e => e.Loss)];
        Assert.Equal(Losses(), Losses());
    }

    [Fact]
    public void TheBestJudgedEpochIsKeptAndPatienceEnds()
    {
        double[] scores = [0.2, 0.7, double.NaN, 0.6, 0.7, 0.9];
        int asked = 0;
        float[][] weights = new float[6][];
        Dense? model = null;
        (model, var trainer) = New(new()
        {
            HigherIsBetter = true,
            Patience = 2,
            Score = () =>
            {
                weights[asked] = model!.Weight.ToArray();
                return scores[asked++];
            },
        });
        var history = trainer.Fit(Learned, 6, Unseen);
        Assert.Equal((5, 1), (history.Epochs.Count, history.Best));
        Assert.Equal(weights[1], model.Weight.ToArray());
        Assert.NotEqual(weights[4], model.Weight.ToArray());
        Assert.All(history.Epochs, e => Assert.True(e.Validation > 0));
    }

    [Fact]
    public void CancellingEndsBeforeTheNextStep()
    {
        using var source = new CancellationTokenSource();
        int steps = 0;
        var model = new Dense(2, 2, new Rng(1));
        var trainer = new Trainer(model, new Sgd(model.Parameters()), rows =>
        {
            if (++steps == 13) { source.Cancel(); }
            return Loss(model, rows);
        });
        var history = trainer.Fit(Learned, 5, stop: source.Token);
        Assert.Equal((13, 1, true), (steps, history.Epochs.Count, history.Stopped));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ProgressIsALineAnEpoch(bool rewrite)
    {
        using var text = new StringWriter { NewLine = "\n" };
        New(new() { Progress = new(text, rewrite) }).Trainer.Fit(Learned, 3, Unseen);
        string[] lines = text.ToString().Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.Matches(@"epoch 3/3  loss \d+\.\d{4}  validation \d+\.\d{4}( \*)?  \d+\.\d s *$", lines[2]);
        Assert.Equal(rewrite, lines[0].StartsWith('\r'));
    }

    [Fact]
    public void MistakesAreNamed()
    {
        Assert.Contains("first axis", Assert.Throws<ShapeException>(() => Trainer.Predict(Unseen, rows => Tensor.Scalar(1))).Message, StringComparison.Ordinal);
        Assert.Contains("no row", Assert.Throws<ShapeException>(() => Trainer.Predict(new Batches(0, 4), rows => Tensor.Zeros([0]))).Message, StringComparison.Ordinal);
        Assert.Contains("shuffled", Assert.Throws<ArgumentException>(() => Trainer.Predict(Learned, rows => Tensor.Zeros([rows.Length]))).Message, StringComparison.Ordinal);
        Assert.Contains("200 at position 1", Assert.Throws<ArgumentOutOfRangeException>(() => _labels.Select([0, 200])).Message, StringComparison.Ordinal);
    }

    private (Dense Model, Trainer Trainer) New(TrainerOptions options)
    {
        var model = new Dense(2, 2, new Rng(1));
        return (model, new(model, new Adam(model.Parameters(), new() { LearningRate = 0.1 }), rows => Loss(model, rows), options));
    }

    private Tensor Loss(Dense model, int[] rows) => model.Forward(_x.IndexSelect(0, rows)).CrossEntropy(_labels.Select(rows));
}
