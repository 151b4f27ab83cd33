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

    public static LearnerLog Read(string path, Encoding? encoding = null)
    {
        List<TableRow> rows = [.. TextTable.Rows(path, TableFormat.Comma with { Header = false, Quotes = false, Encoding = encoding })];
        // the first line of three is a count alone, of six a name and a count
        int lines = rows[0].Fields.Length switch { 1 => 3, 2 => 6, int n => throw rows[0].Error($"{n} fields; a first line is a count (three lines a learner) or name,count (six).") };
        if (rows.Count % lines != 0) { throw rows[^1].Error($"the file ends within a learner: {rows.Count} lines are not whole groups of {lines}."); }
        List<LearnerSequence> learners = [];
        for (int at = 0; at < rows.Count; at += lines)
        {
            TableRow head = rows[at];
            if (head.Fields.Length != lines / 3) { throw head.Error($"expected {(lines == 3 ? "a count" : "name,count")}, as in the first line; is a line missing before it?"); }
            int count = head.Id(head.Fields.Length - 1);
            learners.Add(lines == 3
                ? new((at / lines).ToString(CultureInfo.InvariantCulture), null, Answers(count, null, rows[at + 1], rows[at + 2], null, null))
                : new(head.Fields[0], null, Answers(count, rows[at + 1], rows[at + 2], rows[at + 3], rows[at + 4], rows[at + 5])));
        }
        return new(TextSource.NameOf(path), [.. learners]) { Named = lines == 6 };
    }

    private static Answer[] Answers(int count, TableRow? items, TableRow skills, TableRow correct, TableRow? times, TableRow? durations)
    {
        bool timed = Given(times, count), measured = Given(durations, count), named = Given(items, count), skilled = Given(skills, count);
        if (!Given(correct, count)) { throw correct.Error("no answers."); }
        Answer[] answers = new Answer[count];
        for (int i = 0; i < count; i++)
        {
            float share = correct.Float(i);
            if (share is not (>= 0 and <= 1)) { throw correct.Error($"answer {i + 1} is {correct.Fields[i]}, outside 0..1."); }
            answers[i] = new(named ? items!.Fields[i].Trim() : null, skilled ? skills.Fields[i].Trim().Split('_') : [], share, timed ? times!.Long(i) : null,
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
}
