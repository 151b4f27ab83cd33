using System.Text.Json;
using DeepEdu.Data;
using DeepEdu.Education.Data.Simulated;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Data;

/// <summary>A text and its words.</summary>
internal sealed record WordedText(string Text, string[] Words)
{
    public static WordedText Of(string text) => new(text, [.. WordTokenizer.Split(text)]);
}

/// <summary>Questions, and the answers that there are to choose among.</summary>
/// <param name="Name">Name of the data for reports.</param>
/// <param name="Answers">Each once.</param>
/// <param name="Questions">Each with the place of its right answer.</param>
internal sealed record QuestionSet(string Name, WordedText[] Answers, (WordedText Question, int Answer)[] Questions)
{
    private const int FoldCount = 5;

    /// <summary>A fifth of the answers to test with and one to choose by, with all their questions: two ways to ask the same are never in two parts.</summary>
    public Split Part(ulong seed)
    {
        if (Answers.Length < FoldCount) { throw new DataException($"{Name}: {Answers.Length} different answers are too few for {FoldCount} parts."); }
        Split[] folds = Folds.ByGroup<int>(Array.ConvertAll(Questions, q => q.Answer), FoldCount, new Rng(seed));
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
        List<(WordedText, int)> questions = [];
        foreach (var (question, answer) in pairs)
        {
            if (!places.TryGetValue(answer, out int place)) { places.Add(answer, place = places.Count); }
            questions.Add((WordedText.Of(question), place));
        }
        return new(name, [.. places.OrderBy(p => p.Value).Select(p => WordedText.Of(p.Key))], [.. questions]);
    }
}
