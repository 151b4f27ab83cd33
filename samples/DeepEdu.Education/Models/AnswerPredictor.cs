using System.Globalization;
using DeepEdu.Data;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Io;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Answers questions with what it was told, best first, and says whether it is sure.</summary>
internal sealed class AnswerPredictor : IPredictor
{
    public const string Kind = "answers";
    private readonly string[] _answers;
    private readonly double _sure;
    private readonly AnswerRanker _ranker;

    private AnswerPredictor(CheckpointFile saved)
    {
        StateDict known = saved.State("answers");
        (_answers, _sure) = (known.Texts("texts"), known.Doubles("sure")[0]);
        Vocabulary words = Vocabulary.Load(saved.State("words"));
        AnswerNet network = new(words.Count, new Rng(0), saved.Info.Options.Has("hidden") ? saved.Info.Options.Int("hidden") : AnswerNet.Usual); // older files know one width
        network.LoadWeights(saved.State("network"));
        _ranker = new(network, words, [.. _answers.Select(WordedText.Of)]);
    }

    public static IPredictor Load(CheckpointFile saved) => new AnswerPredictor(saved);

    /// <summary>The sizes of the network.</summary>
    public static StateDict Sizes(AnswerTrainer trainer) => new StateDict().Set("hidden", trainer.Network.Hidden);

    /// <summary>What the constructor takes.</summary>
    public static IReadOnlyList<(string, ISaveState)> Parts(QuestionSet set, AnswerTrainer trainer, double sure)
        => [("answers", new StateDict().Set("texts", [.. set.Answers.Select(a => a.Text)]).Set("sure", [sure])), ("words", trainer.Words), ("network", trainer.Network)];

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        yield return ["question", "rank", "answer", "score", "sure"];
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Of(path)))
        {
            WordedText question = WordedText.Of(row.Fields[TableRow.Column(path, row.Header, "question", "a table with the column question, for this model answers questions")]);
            if (question.Words.Length == 0) { throw row.Error("the question has no word."); }
            float[] scores = _ranker.Scores([question]).Single();
            string sure = AnswerScores.Lead(scores) >= _sure ? "yes" : "no";
            foreach (var (place, rank) in Enumerable.Range(0, scores.Length).OrderByDescending(a => scores[a]).Take(options.Top).Select((a, r) => (a, r + 1)))
            {
                yield return [question.Text, rank.ToString(CultureInfo.InvariantCulture), _answers[place], scores[place].ToString("0.0000", CultureInfo.InvariantCulture), sure];
            }
        }
    }
}
