using System.Diagnostics;
using System.Globalization;
using DeepEdu.Data;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Saved;
using DeepEdu.Education.Search;
using DeepEdu.Education.Ui;

namespace DeepEdu.Education.Tasks;

/// <summary>Answers questions by choosing among the answers that there are, and says when it is not sure.</summary>
internal sealed class AnswerTask : IEducationTask
{
    private const double NotAnswered = 0.2; // of the questions to choose by
    private const int ShownErrors = 15;

    public string Name => "answer";

    public string NotPrivate => "its questions and answers are no one's data, and its words are taken from them as they are.";

    public IReadOnlyList<RunResult> Run(RunOptions options, IProgress progress, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        var (set, part) = Read(options, progress);
        RunFolder kept = RunFolder.Open(options, Name, Print(set, part));
        AnswerTrainer trainer = Trained(set, part, options, kept, progress, stop);
        AnswerRanker ranker = trainer.Ranker;
        double sure = Sure(ranker);
        AnswerScores scores = AnswerScores.Of(set, part.Test, ranker);
        RunResult result = new(Name, ranker.Name, set.Name)
        {
            Metrics = scores.Scores(sure),
            Baselines = [.. new IAnswerer[] { WordRanking.Bm25(set.Answers), WordRanking.TfIdf(set.Answers) }.Select(b => (b.Name, (IReadOnlyList<Score>)AnswerScores.Of(set, part.Test, b).Scores(Sure(b))))],
            Predictions = new(["question", "right", "given", "lead", "higher", "tied"], scores.Rows.Select(r => (string[])[set.Questions[r.Question].Question.Text, set.Answers[set.Questions[r.Question].Answer].Text, set.Answers[r.Best].Text,
                Predictions.Number(r.Lead), Predictions.Number(r.Higher), Predictions.Number(r.Tied)])),
            Epochs = trainer.Learned.EpochsRun,
            Seconds = clock.Elapsed.TotalSeconds,
            Seed = options.Seed,
            Charts = [new("cross-entropy within batches", [new("training", trainer.Learned["loss"])]), new("mrr among all answers", [new("validation", trainer.Learned["val_mrr"])])],
            Tables = [Errors(set, scores)],
            Protocol = $"Each question of the test part is asked once, and all {set.Answers.Length} answers are ranked. The answers of the test part, with every way to ask for them, play no part in learning. {part.Validation.Length} questions choose the epoch by mrr "
                + $"({trainer.Learned.BestEpoch + 1} of {trainer.Learned.EpochsRun}), and the lead of the best answer over the next under which none is given: that of all but a fifth of them. answered is the share of test questions that get an answer, hit@1_answered which share "
                + $"of these is right. token_f1 is the overlap of the first answer's words with the right one's. {trainer.Network.ParameterCount} parameters.",
        };
        kept.SaveModel(AnswerPredictor.Kind, AnswerPredictor.Sizes(trainer), result, stop, [.. AnswerPredictor.Parts(set, trainer, sure)]);
        return [result];

        double Sure(IAnswerer answerer) => AnswerScores.Of(set, part.Validation, answerer).LeadOfAllBut(NotAnswered);
    }

    public IReadOnlyList<string> Tunes(RunOptions options) => ["lr", "batch", "hidden", "dropout", "weight-decay"];

    public IReadOnlyList<(string Task, string[] Metrics)> Measures(RunOptions options) => [(Name, ["mrr", "hit@1", "hit@5", "token_f1", "answered", "hit@1_answered"])];

    public Trials Trials(RunOptions options, IProgress progress)
    {
        var (set, part) = Read(options, progress);
        return new(set.Name, Print(set, part), "val_mrr", true, Epochs(options), (its, kept, show, stop) => Trained(set, part, its, kept, show, stop).Learned.Tried);
    }

    private static (QuestionSet Set, Split Part) Read(RunOptions options, IProgress progress)
    {
        QuestionSet set = options.Data is { } path ? QuestionSet.Read(path) : QuestionSet.Simulated(options.Seed, options.Quick ? 12 : 30);
        Split part = set.Part(options.Seed);
        progress.Line($"{set.Name}: {set.Questions.Length} questions, {set.Answers.Length} answers; {part.Train.Length} questions to learn from, {part.Validation.Length} to choose by, {part.Test.Length} to test with");
        return (set, part);
    }

    private static string Print(QuestionSet set, Split part) => Fingerprint.Of([Array.ConvertAll(set.Answers, a => a.Text), Array.ConvertAll(set.Questions, q => q.Question.Text), set.Questions.Select(q => q.Answer).ToArray(), part.Train, part.Validation, part.Test]);

    private static int Epochs(RunOptions options) => options.Epochs ?? (options.Quick ? 4 : 15);

    private static AnswerTrainer Trained(QuestionSet set, Split part, RunOptions options, RunFolder kept, IProgress progress, CancellationToken stop)
    {
        AnswerTrainer trainer = new(set, part, new(Epochs(options), options.Batch ?? 32, options.Seed)
        {
            Device = options.Device,
            Kept = kept.Training("network"),
            Until = options.Until,
            LearningRate = options.LearningRate ?? AnswerOptions.Rate,
            Hidden = options.Hidden ?? AnswerNet.Usual,
            Dropout = (float)(options.Dropout ?? AnswerNet.Drop),
            WeightDecay = options.WeightDecay ?? AnswerOptions.Decay,
        });
        trainer.Fit(progress, stop);
        return trainer;
    }

    /// <summary>What was answered wrongly although it seemed sure.</summary>
    private static ReportTable Errors(QuestionSet set, AnswerScores scores) => new("Surest of the wrong answers", ["question", "given", "right", "lead"],
        [.. scores.Rows.Where(r => !r.Right).OrderByDescending(r => r.Lead).ThenBy(r => r.Question).Take(ShownErrors).Select(r => (string[])
            [set.Questions[r.Question].Question.Text, set.Answers[r.Best].Text, set.Answers[set.Questions[r.Question].Answer].Text, r.Lead.ToString("0.000", CultureInfo.InvariantCulture)])]);
}
