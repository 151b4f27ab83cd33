using System.Globalization;
using System.Text;

namespace DeepEdu.Education.Data;

/// <summary>Reads knowledge-tracing sequences, several lines a learner. Three lines (Piech et al. 2015): count, skills, answers. Six lines (pyKT): learner and count, questions, skills
/// (several joined by <c>_</c>), answers, times, durations; <c>NA</c> where something is not known.</summary>
internal static class SequenceReader
{
    /// <summary>Whether a file holds such sequences: its first line is a count, or a name and a count.</summary>
    public static bool IsHere(string path, Encoding? encoding = null)
    {
        TableRow first = TextTable.Rows(path, new(';', Header: false, Quotes: false, encoding)).First();
        string[] fields = first.Fields[0].Split(',');
        return first.Fields.Length == 1 && fields.Length <= 2 && int.TryParse(fields[^1], NumberStyles.None, CultureInfo.InvariantCulture, out _);
    }

    public static LearnerLog Read(string path, Encoding? encoding = null) => new(TextSource.NameOf(path), [.. Learners(path, encoding)]);

    /// <summary>One learner after another, none of whom is kept: answers take many times the room of their file.</summary>
    public static IEnumerable<LearnerSequence> Learners(string path, Encoding? encoding = null)
    {
        Names names = new();
        int lines = 0, learner = 0;
        List<TableRow> rows = [];
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Comma with { Header = false, Quotes = false, Encoding = encoding }))
        {
            // the first line of three is a count alone, of six a name and a count
            if (lines == 0) { lines = row.Fields.Length switch { 1 => 3, 2 => 6, int n => throw row.Error($"{n} fields; a first line is a count (three lines a learner) or name,count (six).") }; }
            rows.Add(row);
            if (rows.Count < lines) { continue; }
            TableRow head = rows[0];
            if (head.Fields.Length != lines / 3) { throw head.Error($"expected {(lines == 3 ? "a count" : "name,count")}, as in the first line; is a line missing before it?"); }
            int count = head.Id(head.Fields.Length - 1);
            yield return lines == 3
                ? new(learner.ToString(CultureInfo.InvariantCulture), null, Answers(count, names, null, rows[1], rows[2], null, null)) { Named = false }
                : new(head.Fields[0].Trim(), null, Answers(count, names, rows[1], rows[2], rows[3], rows[4], rows[5]));
            learner++;
            rows.Clear();
        }
        if (rows.Count > 0) { throw rows[^1].Error($"the file ends within a learner: {(learner * lines) + rows.Count} lines are not whole groups of {lines}."); }
    }

    private static Answer[] Answers(int count, Names names, TableRow? items, TableRow skills, TableRow correct, TableRow? times, TableRow? durations)
    {
        bool timed = Given(times, count), measured = Given(durations, count), named = Given(items, count), skilled = Given(skills, count);
        if (!Given(correct, count)) { throw correct.Error("no answers."); }
        Answer[] answers = new Answer[count];
        for (int i = 0; i < count; i++)
        {
            float share = correct.Float(i);
            if (share is not (>= 0 and <= 1)) { throw correct.Error($"answer {i + 1} is {correct.Fields[i]}, outside 0..1."); }
            answers[i] = new(named ? names.Items[items!.Fields[i].Trim()] : null, skilled ? names.Skills[skills.Fields[i].Trim()] : [], share, timed ? times!.Long(i) : null,
                measured ? durations!.FloatOrNaN(i) / 1000 : float.NaN);
        }
        return answers;
    }

    /// <summary>Whether a line tells something: not if it is absent or NA. A comma at its end is none.</summary>
    private static bool Given(TableRow? row, int count)
    {
        if (row is null || (row.Fields.Length == 1 && row.Misses(0) && count != 1)) { return false; }
        if (count == 1 && row.Misses(0)) { return false; }
        int fields = row.Fields.Length > count && row.Fields[^1].Length == 0 ? row.Fields.Length - 1 : row.Fields.Length;
        return fields == count ? true : throw row.Error($"{fields} values for {count} answers.");
    }

    private sealed class Names
    {
        public Shared<string> Items { get; } = new(n => n);

        public Shared<string[]> Skills { get; } = new(n => n.Split('_', StringSplitOptions.TrimEntries));
    }
}
