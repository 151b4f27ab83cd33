using System.Globalization;
using System.Text;

namespace DeepEdu.Education.Data;

/// <summary>Which column of a long table is what; null where there is none.</summary>
internal sealed record EventColumns
{
    // names that are taken if nothing is said, the first that the header has: ours, ASSISTments 2009 and 2012, and what is common elsewhere
    private static readonly (string Role, string[] Names)[] s_known =
    [
        ("user", ["user_id", "user", "student_id", "student", "learner_id", "learner", "studentid", "uid", "Anon Student Id"]),
        ("item", ["item_id", "item", "problem_id", "question_id", "exercise_id", "problemId", "Problem Name"]),
        ("skills", ["skill_ids", "skill_id", "skill", "skill_name", "concept_id", "knowledge_code", "KC(Default)"]),
        ("correct", ["correct", "score", "is_correct", "answer", "Correct First Attempt"]),
        ("time", ["timestamp", "time", "start_time", "order_id", "startTime", "First Transaction Time"]),
        ("seconds", ["duration", "duration_s", "seconds"]),
        ("milliseconds", ["ms_first_response", "ms_first_response_time", "duration_ms"]),
        ("attempts", ["attempt", "attempt_count", "attempts"]),
        ("hints", ["hint", "hint_count", "hints"]),
        ("group", ["group", "class_id", "school_id", "teacher_id", "student_class_id"]),
    ];

    private readonly Dictionary<string, string> _given = [];

    /// <summary>Nothing said: the header decides.</summary>
    public static EventColumns Found { get; } = new();

    /// <summary>Reads the flag, such as <c>user=learner,item=task,correct=right,time=when</c>. A role with no name (<c>hints=</c>) is left out though the header may have it.</summary>
    public static EventColumns Parse(string flag)
    {
        EventColumns columns = new();
        foreach (string pair in flag.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int equal = pair.IndexOf('=', StringComparison.Ordinal);
            string role = equal < 0 ? pair : pair[..equal].Trim();
            if (equal < 0 || !s_known.Any(k => k.Role == role)) { throw new DataException($"--columns {pair}: expected ROLE=COLUMN with a role of {string.Join(", ", s_known.Select(k => k.Role))}."); }
            if (!columns._given.TryAdd(role, pair[(equal + 1)..].Trim())) { throw new DataException($"--columns: {role} is given twice."); }
        }
        return columns;
    }

    /// <summary>The place of a role's column, −1 where there is none.</summary>
    public int Find(string role, string path, string[] header)
    {
        if (_given.TryGetValue(role, out string? name))
        {
            return name.Length == 0 ? -1 : Place(header, name) is var i and >= 0 ? i
                : throw DataException.At(path, 1, $"no column '{name}' for {role}; there are {string.Join(", ", header)}.");
        }
        return s_known.First(k => k.Role == role).Names.Select(n => Place(header, n)).FirstOrDefault(at => at >= 0, -1);
    }

    /// <summary>Names that are taken for a role if nothing is said.</summary>
    public static IEnumerable<string> Known(string role) => s_known.First(k => k.Role == role).Names;

    // as it is written; or else but for case and spaces around it, if there is one such column
    private static int Place(string[] header, string name)
    {
        if (Array.IndexOf(header, name) is var exact and >= 0) { return exact; }
        int[] alike = [.. Enumerable.Range(0, header.Length).Where(i => header[i].AsSpan().Trim().Equals(name, StringComparison.OrdinalIgnoreCase))];
        return alike.Length == 1 ? alike[0] : -1;
    }
}

/// <summary>Reads answers from a long table, one a row, in any order: learner, item and whether it was right, and what else the columns tell (see <see cref="EventColumns"/>).
/// Several skills are joined by <c>;</c>, <c>_</c> or <c>~~</c>. A row without learner or answer is passed over. Rows of a learner are put in order of time where all of them have one.</summary>
internal static class EventReader
{
    private static readonly string[] s_joins = ["~~", ";", "_"];

    public static LearnerLog Read(string path, EventColumns? columns = null, TableFormat? format = null)
    {
        columns ??= EventColumns.Found;
        Dictionary<string, (string? Group, List<Answer> Answers, long? FirstTime)> learners = [];
        Shared<string> items = new(n => n), groups = new(n => n);
        Shared<string[]> skills = new(Skills);
        int[]? places = null;
        int passedOver = 0;
        foreach (TableRow row in TextTable.Rows(path, format ?? TableFormat.Comma))
        {
            places ??= Places(columns, path, row.Header);
            int user = places[0], correct = places[3];
            if (row.Misses(user) || row.Misses(correct)) { passedOver++; continue; }
            float share = Share(row, correct);
            string? group = Text(row, places[9]) is { } named ? groups[named] : null;
            string name = row.Fields[user].Trim();
            long? time = Time(row, places[4]);
            if (!learners.TryGetValue(name, out var learner)) { learners.Add(name, learner = (group, [], time)); }
            // a row without a time would come before all others of the learner
            if (time is null != learner.FirstTime is null) { throw row.Error($"of the learner '{name}' some rows have a time and others have none, so it is not known what came first; fill it in, leave such rows out, or leave the times out."); }
            learner.Answers.Add(new(Text(row, places[1]) is { } item ? items[item] : null, Text(row, places[2]) is { } asked ? skills[asked] : [], share, time,
                places[5] >= 0 ? row.FloatOrNaN(places[5]) : Number(row, places[6]) / 1000, Number(row, places[7]), Number(row, places[8])));
        }
        if (learners.Count == 0) { throw new DataException($"{path}: no row with a learner and an answer."); }
        return new(TextSource.NameOf(path), [.. learners.Select(l => new LearnerSequence(l.Key, l.Value.Group,
            [.. l.Value.Answers.OrderBy(a => a.Time ?? 0)]))], passedOver); // OrderBy keeps the file's order within one time
    }

    private static int[] Places(EventColumns columns, string path, string[] header)
    {
        int[] places = [.. new[] { "user", "item", "skills", "correct", "time", "seconds", "milliseconds", "attempts", "hints", "group" }.Select(role => columns.Find(role, path, header))];
        string? missing = places[0] < 0 ? "user" : places[3] < 0 ? "correct" : places[1] < 0 && places[2] < 0 ? "item" : null;
        return missing is null ? places : throw DataException.At(path, 1, $"no column for {missing}; name it with --columns {missing}=COLUMN, or call it {EventColumns.Known(missing).First()}. There are {string.Join(", ", header)}.");
    }

    private static string? Text(TableRow row, int column) => column < 0 || row.Misses(column) ? null : row.Fields[column].Trim();

    private static float Number(TableRow row, int column) => column < 0 ? float.NaN : row.FloatOrNaN(column);

    private static float Share(TableRow row, int column)
    {
        float share = row.Fields[column].Trim().ToLowerInvariant() switch { "true" or "yes" or "correct" => 1, "false" or "no" or "incorrect" => 0, _ => row.Float(column) };
        return share is >= 0 and <= 1 ? share : throw row.Error($"an answer of {row.Fields[column]} is outside 0..1.");
    }

    private static string[] Skills(string text)
    {
        string? join = Array.Find(s_joins, j => text.Contains(j, StringComparison.Ordinal));
        return join is null ? [text] : text.Split(join, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>A count as it is, also written as 1180.0, or a date and time as milliseconds since 1970; without a zone it is UTC.</summary>
    private static long? Time(TableRow row, int column)
    {
        if (column < 0 || row.Misses(column)) { return null; }
        string text = row.Fields[column].Trim();
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long count)) { return count; }
        // before dates, which 10.5 would be one of
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
        {
            return double.IsInteger(number) && Math.Abs(number) < 1L << 53 ? (long)number : throw row.Error($"a time of {text}: fractions are not read; give whole numbers, such as milliseconds.");
        }
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time.ToUnixTimeMilliseconds()
            : throw row.Error($"'{text}' is neither a whole number nor a date and time.");
    }
}
