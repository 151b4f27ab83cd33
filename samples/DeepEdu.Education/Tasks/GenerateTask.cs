using System.Diagnostics;
using System.Globalization;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Search;
using DeepEdu.Education.Text;
using DeepEdu.Education.Ui;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Tasks;

/// <summary>Learns to write like a text, character by character or word by word.</summary>
internal sealed class GenerateTask : IEducationTask
{
    private const int LongestGram = 6, SampleWords = 300, QuickWords = 50, LettersAWord = 6, ShownLetters = 600;

    public string Name => "generate";

    public string NotPrivate => "whose a text is, is not known, and its words are taken from the texts as they are.";

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        bool words = options.Tokens == "word";
        string kind = Kind(options);
        TextCorpus corpus = Read(options, progress);
        int tokens = corpus.Tokenizer.Count;
        RunFolder kept = RunFolder.Open(options, Name, Print(corpus));
        LanguageTrainer trainer = Trained(corpus, options, kept, progress, stop);
        NGramModel single = new(corpus.Tokens.AsSpan(0, corpus.Test), tokens, 1);
        NGramModel grams = new(corpus.Tokens.AsSpan(0, corpus.Test), tokens, NGramModel.BestOrder(corpus.Tokens[..corpus.Test], corpus.Train, tokens, LongestGram));

        IEnumerable<string> learned = TextPieces.Words(corpus.Tokenizer, corpus.Tokens, corpus.Test);
        int[] prompt = corpus.Tokens[(corpus.Test - Math.Min(50, corpus.Test))..corpus.Test];
        int length = Math.Min(corpus.Tokens.Length - corpus.Test, (options.Quick ? QuickWords : SampleWords) * (words ? 1 : LettersAWord));
        Dictionary<string, string> texts = new() { ["the text itself"] = corpus.Tokenizer.Decode(corpus.Tokens.AsSpan(corpus.Test, length)) };
        RunResult result = new(Name, trainer.Network.Name, corpus.Name)
        {
            Metrics = Scores(trainer.Network),
            Baselines = [.. new[] { grams, single }.DistinctBy(g => g.Name).Select(g => (g.Name, (IReadOnlyList<Score>)Scores(g))), ("the text itself", TextScores.Of(texts["the text itself"], learned))],
            Epochs = trainer.Learned.EpochsRun,
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Charts = [new("nats a token", [new("training", trainer.Learned["loss"]), new("validation", trainer.Learned["val_loss"])])],
            Tables = [new("What goes on after the text learned from", ["writer", "text"], [.. texts.Select(t => (string[])[t.Key, t.Value[..Math.Min(ShownLetters, t.Value.Length)]])])],
            Protocol = $"The last tenth of the text is tested on once, each of its {kind} told from all before it; the tenth before that chooses the epoch ({trainer.Learned.BestEpoch + 1} of {trainer.Learned.EpochsRun}) and the longest n-gram, which then counts it too. "
                + $"nats is the mean negative log-likelihood of one of the {kind}, bits the same to base 2, perplexity e^nats. The other numbers are of {length} {kind} drawn at temperature {Number(new SamplingOptions().Temperature)}: repeated, which share of runs of four words came before in "
                + $"them; copied, which share of runs of six words stands in the text learned from. {trainer.Network.ParameterCount} parameters.",
        };
        kept.SaveModel(TextPredictor.Kind, TextPredictor.Sizes(trainer.Network), result, stop, ("tokenizer", corpus.Tokenizer), ("network", trainer.Network));
        return [result];

        Score[] Scores(ILanguageModel model)
        {
            double nats = model.Nats(corpus.Tokens, corpus.Test);
            string text = texts[model.Name] = corpus.Tokenizer.Decode(model.Continue(prompt, length, new(new(), new Rng(options.Seed), TextCorpus.Special(corpus.Tokenizer))));
            progress.Line(string.Create(CultureInfo.InvariantCulture, $"{model.Name}: {nats:F4} nats on the test part"));
            return [new("perplexity", Math.Exp(nats)), new("nats", nats), new("bits", nats / Math.Log(2)), .. TextScores.Of(text, learned)];
        }
    }

    public IReadOnlyList<string> Tunes(RunOptions options) => ["lr", "batch", "hidden", "dropout", "weight-decay"];

    public IReadOnlyList<(string Task, string[] Metrics)> Measures(RunOptions options) => [(Name, ["perplexity", "nats", "bits", "distinct_1", "distinct_2", "repeated", "copied"])];

    public Trials Trials(RunOptions options, IProgress progress)
    {
        TextCorpus corpus = Read(options, progress);
        return new(corpus.Name, Print(corpus), "val_loss", false, Epochs(options), (its, kept, show, stop) => Trained(corpus, its, kept, show, stop).Learned.Tried);
    }

    private static string Kind(RunOptions options) => options.Tokens == "word" ? "words" : "characters";

    private static TextCorpus Read(RunOptions options, IProgress progress)
    {
        bool words = options.Tokens == "word";
        TextCorpus corpus = options.Data is { } path ? TextCorpus.Read(path, words) : TextCorpus.Simulated(options.Seed, options.Quick ? 40 : 160, words);
        progress.Line($"{corpus.Name}: {corpus.Tokens.Length} {Kind(options)}, {corpus.Tokenizer.Count} different; {corpus.Train} to learn from, {corpus.Test - corpus.Train} to choose by, {corpus.Tokens.Length - corpus.Test} to test on");
        return corpus;
    }

    private static string Print(TextCorpus corpus) => Fingerprint.Of(corpus.Tokens, corpus.Tokenizer.Decode([.. Enumerable.Range(0, corpus.Tokenizer.Count)]));

    private static int Epochs(RunOptions options) => options.Epochs ?? (options.Quick ? 2 : 12);

    private static LanguageTrainer Trained(TextCorpus corpus, RunOptions options, RunFolder kept, IProgress progress, CancellationToken stop)
    {
        bool simulated = options.Data is null;
        LanguageTrainer trainer = new(corpus, new(Epochs(options), options.Batch ?? (simulated ? 16 : 32), options.Hidden ?? (simulated ? 64 : 256), simulated ? 50 : 100, options.Seed)
        {
            Device = options.Device,
            Kept = kept.Training("network"),
            Until = options.Until,
            LearningRate = options.LearningRate ?? LanguageOptions.Rate,
            Dropout = (float)(options.Dropout ?? LanguageNet.Drop),
            WeightDecay = options.WeightDecay ?? LanguageOptions.Decay,
        });
        trainer.Fit(progress, stop);
        return trainer;
    }

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);
}
