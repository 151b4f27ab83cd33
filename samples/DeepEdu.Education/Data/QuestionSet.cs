using System.Text.Json;
using DeepEdu.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Data;

/// <summary>A text and its words.</summary>
internal sealed record WordedText(string Text, string[] Words)
{
    public static WordedText Of(string text) => new(text, [.. WordTokenizer.Split(text)]);

    /// <summary>The same of many texts, each word kept once.</summary>
    public static WordedText Of(string text, Shared<string> words) => new(text, [.. WordTokenizer.Split(text).Select(w => words[w])]);

    /// <summary>Texts of the same words are the same to every ranker, however they are spaced.</summary>
    public string Key => string.Join(' ', Words);
}

/// <summary>Questions, and the answers that there are to choose among.</summary>
/// <param name="Name">Name of the data for reports.</param>
/// <param name="Answers">Each once: those of the same words are one.</param>
/// <param name="Questions">Each with the place of its right answer.</param>
internal sealed record QuestionSet(string Name, WordedText[] Answers, (WordedText Question, int Answer)[] Questions)
{
    private const int FoldCount = 5;

    /// <summary>A fifth of the answers to test with and one to choose by, with all their questions: two ways to ask the same are never in two parts, nor are two answers to the same question.</summary>
    public Split Part(ulong seed)
    {
        int[] groups = Groups();
        if (groups.Distinct().Count() is var count && count < FoldCount) { throw new DataException($"{Name}: {count} different answers are too few for {FoldCount} parts; answers that share a question count as one."); }
        Split[] folds = Folds.ByGroup<int>(groups, FoldCount, new Rng(seed));
        return new(folds[0].Train.Except(folds[1].Test).ToArray(), folds[0].Test, folds[1].Test);
    }

    public static QuestionSet Simulated(ulong seed, int courses) => Of("simulated questions", SimulatedQuestions.Create(seed, courses, ways: 3));

    /// <summary>A table with the columns question and answer, or a <c>.jsonl</c> with these names.</summary>
    public static QuestionSet Read(string path)
    {
        if (!File.Exists(path)) { throw new DataException(Directory.Exists(path) ? $"{path}: is a folder; give the file of questions and answers in it." : $"{path}: no such file."); }
        bool json = path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".jsonl.gz", StringComparison.OrdinalIgnoreCase);
        return Of(TextSource.NameOf(path), json ? JsonLines.Read(path, e => (Field(e, "question"), Field(e, "answer"))) : Rows(path));
    }

    // of each question the first of the answers that hang together with its own: by a question that both are given to, or over other answers
    private int[] Groups()
    {
        int[] first = [.. Enumerable.Range(0, Answers.Length)];
        foreach (var same in Questions.GroupBy(q => q.Question.Key, q => q.Answer, StringComparer.Ordinal))
        {
            foreach (int answer in same)
            {
                int a = First(answer), b = First(same.First());
                first[Math.Max(a, b)] = Math.Min(a, b);
            }
        }
        return [.. Questions.Select(q => First(q.Answer))];

        int First(int answer)
        {
            while (first[answer] != answer) { answer = first[answer]; }
            return answer;
        }
    }

    private static string Field(JsonElement line, string name)
        => line.ValueKind == JsonValueKind.Object && line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text && WordTokenizer.Split(text).Count > 0 ? text
            : throw new FormatException($"no text \"{name}\"; a line is {{\"question\": \"..\", \"answer\": \"..\"}}.");

    private static IEnumerable<(string, string)> Rows(string path)
    {
        const string expected = "a table with the columns question and answer";
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Of(path)))
        {
            string question = row.Fields[TableRow.Column(path, row.Header, "question", expected)], answer = row.Fields[TableRow.Column(path, row.Header, "answer", expected)];
            if (WordTokenizer.Split(question).Count == 0) { throw row.Error("the question has no word."); }
            if (WordTokenizer.Split(answer).Count == 0) { throw row.Error("the answer has no word."); }
            yield return (question, answer);
        }
    }

    private static QuestionSet Of(string name, IEnumerable<(string Question, string Answer)> pairs)
    {
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        Shared<string> words = new(w => w);
        List<WordedText> answers = [];
        List<(WordedText, int)> questions = [];
        foreach (var (question, text) in pairs)
        {
            WordedText answer = WordedText.Of(text, words);
            string key = answer.Key;
            if (places.TryAdd(key, answers.Count)) { answers.Add(answer); }
            questions.Add((WordedText.Of(question, words), places[key]));
        }
        return new(name, [.. answers], [.. questions]);
    }
}
