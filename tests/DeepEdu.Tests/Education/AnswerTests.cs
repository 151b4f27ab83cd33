using System.Globalization;
using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Numerics;

namespace DeepEdu.Tests.Education;

/// <summary>Question answering: parts do not share answers, numbers follow their definitions, the network finds what no word tells, and a saved model answers.</summary>
[Collection("process settings")]
public sealed class AnswerTests : FolderTests
{
    /// <summary>Two ways to ask the same in two parts would let a model learn the test by heart.</summary>
    [Fact]
    public void WaysToAskTheSameAreInOnePart()
    {
        QuestionSet set = QuestionSet.Simulated(1, 10);
        Assert.Equal((240, 80), (set.Questions.Length, set.Answers.Length));
        Split part = set.Part(1);
        int[][] answers = [.. new[] { part.Train, part.Validation, part.Test }.Select(p => p.Select(q => set.Questions[q].Answer).Distinct().ToArray())];
        Assert.Equal(80, answers.Sum(a => a.Length));
        Assert.Equal(80, answers.SelectMany(a => a).Distinct().Count());
        Assert.Equal(240, part.Train.Length + part.Validation.Length + part.Test.Length);
    }

    /// <summary>"So it is." and "so it is ." are the same words: as two answers they would tie always, and lie in two parts.</summary>
    [Fact]
    public void AnswersOfTheSameWordsAreOne()
    {
        string path = Write("faq.csv", "question,answer\n" + string.Concat(Enumerable.Range(0, 10).Select(i => $"What is {i}?,So is {i}.\nTell me {i},\"so  is {i}. \"\n")));
        QuestionSet set = QuestionSet.Read(path);
        Assert.Equal(10, set.Answers.Length);
        Assert.Equal("So is 0.", set.Answers[0].Text);
        Assert.All(set.Questions.Chunk(2), two => Assert.Equal(two[0].Answer, two[1].Answer));
    }

    /// <summary>Question i is given the answers i and i + 1 of its five, spaced otherwise the second time, so that all five hang together.</summary>
    [Fact]
    public void AnswersToTheSameQuestionAreInOnePart()
    {
        string rows = string.Concat(Enumerable.Range(0, 50).Where(i => i % 5 < 4).Select(i => $"What is {i}?,It is {i}.\nwhat is {i} ?,It is {i + 1}.\n"));
        QuestionSet set = QuestionSet.Read(Write("faq.csv", "question,answer\n" + rows));
        Assert.Equal(50, set.Answers.Length);
        Split part = set.Part(1);
        int[][] groups = [.. new[] { part.Train, part.Validation, part.Test }.Select(p => p.Select(q => set.Questions[q].Answer / 5).Distinct().ToArray())];
        Assert.Equal(10, groups.Sum(g => g.Length));
        Assert.Equal([6, 2, 2], groups.Select(g => g.Length));
        Program.Fails("4 different answers are too few for 5 parts; answers that share a question count as one", "answer", "--data",
            Write("few.csv", "question,answer\n" + string.Concat(rows.Split('\n')[..32].Select(r => r + "\n"))));
    }

    [Fact]
    public void WordsAreWeighed()
    {
        WordedText[] answers = [.. new[] { "a b", "a a c c", "d" }.Select(WordedText.Of)];
        // the mean length is 7/3; a stands in two of three, c in one
        float[] bm25 = WordRanking.Bm25(answers).Scores([WordedText.Of("a c x")]).Single();
        double Weight(int count, int having, double length) => Math.Log(1 + ((3 - having + 0.5) / (having + 0.5))) * count * 2.2 / (count + (1.2 * (0.25 + (0.75 * length / (7 / 3.0)))));
        Assert.Equal([Weight(1, 2, 2), Weight(2, 2, 4) + Weight(2, 1, 4), 0], bm25.Select(s => (double)s), (x, y) => Math.Abs(x - y) < 1e-6); // float32
        // of TF-IDF the cosine, but for the length of the question
        double common = Math.Log(4 / 3.0) + 1, rare = Math.Log(4 / 2.0) + 1;
        float[] tfIdf = WordRanking.TfIdf(answers).Scores([WordedText.Of("a")]).Single();
        Assert.Equal([common * common / Math.Sqrt((common * common) + (rare * rare)), 2 * common * common / Math.Sqrt((4 * common * common) + (4 * rare * rare)), 0], tfIdf.Select(s => (double)s), (x, y) => Math.Abs(x - y) < 1e-6);
    }

    [Fact]
    public void NumbersAreThoseOfTheirDefinitions()
    {
        QuestionSet set = new("x", [.. new[] { "one two", "one three", "four" }.Select(WordedText.Of)], [.. Enumerable.Range(0, 3).Select(a => (WordedText.Of("q"), a))]);
        AnswerScores scores = AnswerScores.Of(set, [0, 1, 2], new Fixed([0.9f, 0.5f, 0.1f])); // always the first answer, 0.4 ahead
        Assert.Equal([("mrr", (1 + (1 / 2.0) + (1 / 3.0)) / 3), ("hit@1", 1 / 3.0), ("hit@5", 1), ("token_f1", (1 + 0.5 + 0) / 3), ("answered", 1), ("hit@1_answered", 1 / 3.0)],
            scores.Scores(0.3).Select(s => (s.Name, Math.Round(s.Value, 12))), (x, y) => x.Item1 == y.Item1 && Math.Abs(x.Item2 - y.Item2) < 1e-9);
        Assert.Equal(0, scores.Scores(0.5)[4].Value);
        Assert.True(double.IsNaN(scores.Scores(0.5)[5].Value));
        Assert.Equal(0.4, scores.LeadOfAllBut(0.2), 1e-6);
        Assert.Equal((1 + (1 / 2.0) + (1 / 3.0)) / 3, AnswerScores.Of(set, [0, 1, 2], new Fixed([1, 1, 1])).Mrr, 1e-9); // ties are in random order
    }

    [Fact]
    public void TheNetworkFindsWhatWordsDoNotTell()
    {
        QuestionSet set = QuestionSet.Simulated(2, 16);
        Split part = set.Part(2);
        AnswerTrainer trainer = new(set, part, new(20, 16, 1));
        trainer.Fit(new NoProgress(), default);
        double network = AnswerScores.Of(set, part.Test, trainer.Ranker).Mrr, words = AnswerScores.Of(set, part.Test, WordRanking.Bm25(set.Answers)).Mrr;
        Assert.InRange(words, 0.2, 0.65); // the course is found, its eight facts are not told apart
        Assert.True(network > words + 0.1, $"network {network}, words {words}");
    }

    [Fact]
    public void ATextIsEncodedTheSameBesideOthers()
    {
        AnswerNet network = new(9, new Rng(1));
        float[] alone = network.Encode([[2, 3, 4]]), beside = network.Encode([[5, 6, 7, 8, 2, 3], [2, 3, 4]])[64..];
        Assert.Equal(alone, beside, (x, y) => Math.Abs(x - y) < 1e-6); // float32 on other batch shapes
        Assert.Equal(1, alone.Sum(v => v * v), 1e-5f);
    }

    [Fact]
    public void NumbersDoNotDependOnTheThreadCountButOnTheSeed()
    {
        RunResult one = Run(1, 1), two = Run(1, 2), other = Run(2, 2);
        Assert.Equal(one.Metrics, two.Metrics);
        Assert.NotEqual(one.Metrics, other.Metrics);

        static RunResult Run(ulong seed, int threads) => Program.Run(new AnswerTask(), new() { Quick = true, Seed = seed }, threads);
    }

    [Fact]
    public void QuestionsAreReadAndAnswered()
    {
        string run = Path.Combine(Folder, "run");
        string[] topics = ["tides", "rain", "wind", "snow", "fog", "dew", "hail", "frost"];
        string table = Write("faq.csv", "question,answer\n" + string.Concat(topics.Select(t => $"What makes {t}?,It is how {t} comes.\nWhy is there {t}?,It is how {t} comes.\n")));
        Program.Succeeds("answer", "--quick", "--data", table, "--out", run);
        string[][] rows = Program.Predict(run, Write("new.csv", "question\nWhat makes rain?\n"), "--top", "3");
        Assert.Equal(["question", "rank", "answer", "score", "sure"], rows[0]);
        Assert.Equal(["1", "2", "3"], rows[1..].Select(r => r[1]));
        Assert.All(rows[1..], r => Assert.StartsWith("It is how ", r[2], StringComparison.Ordinal));
        double[] scores = [.. rows[1..].Select(r => double.Parse(r[3], CultureInfo.InvariantCulture))];
        Assert.Equal(scores.OrderDescending(), scores);
        Assert.All(rows[1..], r => Assert.Contains(r[4], new[] { "yes", "no" }));
        string lines = Write("faq.jsonl", string.Concat(topics.Select(t => $"{{\"question\": \"What makes {t}?\", \"answer\": \"It is how {t} comes.\"}}\n{{\"question\": \"Why is there {t}?\", \"answer\": \"It is how {t} comes.\"}}\n")));
        QuestionSet a = QuestionSet.Read(table), b = QuestionSet.Read(lines);
        Assert.Equal(a.Questions.Select(q => (q.Question.Text, q.Answer)), b.Questions.Select(q => (q.Question.Text, q.Answer)));
        Program.Fails("line 3: the answer has no word", "answer", "--data", Write("odd.csv", "question,answer\nWhy?,So.\nWhy?,\n"));
        Program.Fails("odd.jsonl:2: no text \"answer\"", "answer", "--data", Write("odd.jsonl", "{\"question\": \"Why?\", \"answer\": \"So.\"}\n{\"question\": \"Why?\"}\n"));
        Program.Fails("no column 'answer' in the header", "answer", "--data", Write("odd.csv", "question,text\nWhy?,So.\n"));
        Program.Fails("1 different answers are too few for 5 parts", "answer", "--data", Write("odd.csv", "question,answer\nWhy?,So.\n"));
        Program.Fails("is a folder; give the file", "answer", "--data", Folder);
        Program.Fails("line 2: the question has no word", "predict", "--model", run, "--in", Write("odd.csv", "question,x\n,1\n"));
    }

    private sealed class Fixed(float[] scores) : IAnswerer
    {
        public string Name => "fixed";

        public IEnumerable<float[]> Scores(IReadOnlyList<WordedText> questions) => questions.Select(_ => scores);
    }
}
