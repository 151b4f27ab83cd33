using DeepEdu.Data;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Ui;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>How a ranker of answers learns.</summary>
internal sealed record AnswerOptions(int Epochs, int Batch, ulong Seed) : LearningOptions(Epochs, Batch, Seed, Rate)
{
    /// <summary>The highest rate, and the decay, unless others are given.</summary>
    public const double Rate = 3e-3, Decay = 0.01;

    /// <summary>What cosines are divided by: the smaller, the more the nearest wrong answers count.</summary>
    public float Sharpness { get; init; } = 0.1f;

    public int Hidden { get; init; } = AnswerNet.Usual;

    public float Dropout { get; init; } = AnswerNet.Drop;

    public double WeightDecay { get; init; } = Decay;
}

/// <summary>Trains a ranker: each question is to be nearer to its answer than to the other answers of the batch (softmax of cosines, Adam). The epoch with the best mrr on the questions to choose by, among all answers, is kept.</summary>
internal sealed class AnswerTrainer
{
    private readonly QuestionSet _set;
    private readonly Split _part;
    private readonly AnswerOptions _options;
    private readonly int[][] _answers;
    private readonly Rng _order;

    public AnswerTrainer(QuestionSet set, Split part, AnswerOptions options)
    {
        (_set, _part, _options) = (set, part, options);
        Words = Vocabulary.Of([.. part.Train.Select(q => set.Questions[q].Question.Words), .. set.Answers.Select(a => a.Words)]); // the answers are known, whoever asks for them
        _answers = [.. set.Answers.Select(a => Words.Encode(a.Words))];
        (Network, _order) = options.Start(rng => new AnswerNet(Words.Count, rng, options.Hidden, options.Dropout));
    }

    public Vocabulary Words { get; }

    public AnswerNet Network { get; }

    public Learned Learned { get; private set; } = Learned.Nothing;

    /// <summary>The ranker among all answers, as the network is now.</summary>
    public AnswerRanker Ranker => new(Network, Words, _set.Answers);

    public void Fit(IProgress progress, CancellationToken stop)
    {
        Batches training = new(_part.Train, _options.Batch, _order);
        Learning learning = new(_options, "val_mrr") { HigherIsBetter = true, Shown = ["loss", "val_mrr"] };
        Learned = learning.Fit<int[]>(Network, new AdamW(Network.Parameters(), new() { WeightDecay = _options.WeightDecay }), rows =>
        {
            int[] right = [.. rows.Select(r => _set.Questions[r].Answer)], answers = [.. right.Distinct()];
            Tensor asked = Network.Forward([.. rows.Select(r => Words.Encode(_set.Questions[r].Question.Words))]), told = Network.Forward([.. answers.Select(a => _answers[a])]);
            return (asked.MatMul(told, transB: true) / _options.Sharpness).CrossEntropy(Indices.Wrap([.. right.Select(a => Array.IndexOf(answers, a))], [rows.Length]));
        }, new()
        {
            Schedule = _options.Falling(training.Count),
            ClipNorm = 5,
            EpochNumbers = _ => [("val_mrr", AnswerScores.Of(_set, _part.Validation, Ranker).Mrr)],
        }, training, null, progress, stop);
    }
}
