using DeepEdu.Data;
using DeepEdu.Education.Data;
using DeepEdu.Education.Ui;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>How a language model learns.</summary>
internal sealed record LanguageOptions(int Epochs, int Batch, int Hidden, int Steps, ulong Seed) : LearningOptions(Epochs, Batch, Seed, Rate)
{
    /// <summary>The highest rate, and the decay, unless others are given.</summary>
    public const double Rate = 3e-3, Decay = 0.01;

    /// <summary>The longest joint gradient.</summary>
    public float ClipNorm { get; init; } = 1;

    public float Dropout { get; init; } = LanguageNet.Drop;

    public double WeightDecay { get; init; } = Decay;
}

/// <summary>Trains a language model on stretches of the text with AdamW; the epoch with the least loss on the part to choose by is kept.</summary>
internal sealed class LanguageTrainer
{
    private readonly TextCorpus _corpus;
    private readonly LanguageOptions _options;
    private readonly Rng _order;

    public LanguageTrainer(TextCorpus corpus, LanguageOptions options)
    {
        (_corpus, _options) = (corpus, options);
        (Network, _order) = options.Start(rng => new LanguageNet(corpus.Tokenizer.Count, options.Hidden, rng, options.Dropout));
    }

    public LanguageNet Network { get; }

    public Learned Learned { get; private set; } = Learned.Nothing;

    public void Fit(IProgress progress, CancellationToken stop)
    {
        // a row is the number of a stretch; those to choose by come after those to learn from
        int steps = Math.Min(_options.Steps, Math.Min(_corpus.Train, _corpus.Test - _corpus.Train) - 1), train = (_corpus.Train - 1) / steps, choose = (_corpus.Test - _corpus.Train - 1) / steps;
        Batches training = new(train, _options.Batch, _order), validation = new([.. Enumerable.Range(train, choose)], _options.Batch);
        Learning learning = new(_options, "val_loss") { Shown = ["loss", "val_loss"] };
        Learned = learning.Fit<int[]>(Network, new AdamW(Network.Parameters(), new() { WeightDecay = _options.WeightDecay }), rows =>
        {
            int[] read = new int[rows.Length * steps], next = new int[rows.Length * steps];
            for (int r = 0; r < rows.Length; r++)
            {
                int from = rows[r] < train ? rows[r] * steps : _corpus.Train + ((rows[r] - train) * steps);
                _corpus.Tokens.AsSpan(from, steps).CopyTo(read.AsSpan(r * steps));
                _corpus.Tokens.AsSpan(from + 1, steps).CopyTo(next.AsSpan(r * steps));
            }
            return Network.Forward(Indices.Wrap(read, [rows.Length, steps])).CrossEntropy(Indices.Wrap(next, [next.Length]));
        }, new()
        {
            Schedule = _options.Falling(training.Count),
            ClipNorm = _options.ClipNorm,
        }, training, validation, progress, stop);
    }
}
