namespace DeepEdu.Education.Data;

/// <summary>A table of learners: numeric features (categories one-hot) and several targets, each a column over the rows.</summary>
/// <param name="Name">Name of the data for reports.</param>
/// <param name="Features">Row by row, <c>FeatureNames.Length</c> values each.</param>
/// <param name="FeatureNames">Names of the feature columns; a category is <c>column=value</c>.</param>
/// <param name="Targets">Target columns by name.</param>
internal sealed record LearnerTable(string Name, float[] Features, string[] FeatureNames, IReadOnlyDictionary<string, float[]> Targets)
{
    public int Rows => Features.Length / FeatureNames.Length;

    public ReadOnlySpan<float> this[int row] => Features.AsSpan(row * FeatureNames.Length, FeatureNames.Length);
}

/// <summary>Reads UCI Student Performance (Cortez and Silva 2008): <c>student-*.csv</c>, fields separated by semicolons, text and some numbers in quotes.
/// The grades G1, G2, G3 (0..20) are the targets, all other columns features.</summary>
internal static class StudentReader
{
    private static readonly string[] s_grades = ["G1", "G2", "G3"];

    public static LearnerTable Read(string folder)
    {
        string path = File.Exists(folder) ? folder : TextSource.Find(folder, "student-*.csv");
        string[] header = [];
        List<(int Line, string[] Fields)> rows = [];
        foreach (var (line, text) in TextSource.Lines(path))
        {
            string[] fields = Split(path, line, text);
            if (header.Length == 0)
            {
                header = fields;
                foreach (string grade in s_grades)
                {
                    if (!header.Contains(grade)) { throw DataException.At(path, line, $"no column '{grade}' in the header; expected the columns of UCI Student Performance, separated by ';'."); }
                }
                continue;
            }
            if (fields.Length != header.Length) { throw DataException.At(path, line, $"{fields.Length} fields, the header has {header.Length}."); }
            rows.Add((line, fields));
        }
        if (rows.Count == 0) { throw new DataException($"{path}: a header but no rows."); }
        Dictionary<string, float[]> targets = [];
        List<(string Name, float[] Values)> columns = [];
        for (int c = 0; c < header.Length; c++)
        {
            if (s_grades.Contains(header[c])) { targets[header[c]] = Grades(path, rows, c, header[c]); }
            else { AddFeature(path, rows, c, header[c], columns); }
        }
        float[] features = new float[rows.Count * columns.Count];
        for (int r = 0; r < rows.Count; r++)
        {
            for (int c = 0; c < columns.Count; c++) { features[r * columns.Count + c] = columns[c].Values[r]; }
        }
        return new(Path.GetFileName(path).Replace(".csv", "", StringComparison.Ordinal).Replace(".gz", "", StringComparison.Ordinal), features, [.. columns.Select(c => c.Name)], targets);
    }

    private static float[] Grades(string path, List<(int Line, string[] Fields)> rows, int column, string name)
        => [.. rows.Select(r =>
        {
            float grade = TextSource.Float(r.Fields[column], path, r.Line);
            return grade is >= 0 and <= 20 ? grade : throw DataException.At(path, r.Line, $"{name} = {grade} is outside 0..20.");
        })];

    /// <summary>A column whose first value is a number must be numbers throughout; any other column is a category: one-hot, or 0/1 when it has two values.</summary>
    private static void AddFeature(string path, List<(int Line, string[] Fields)> rows, int column, string name, List<(string, float[])> columns)
    {
        if (float.TryParse(rows[0].Fields[column], out _))
        {
            columns.Add((name, [.. rows.Select(r => TextSource.Float(r.Fields[column], path, r.Line))]));
            return;
        }
        string[] values = [.. rows.Select(r => r.Fields[column]).Distinct().Order(StringComparer.Ordinal)];
        foreach (string value in values.Length == 2 ? values[1..] : values)
        {
            columns.Add(($"{name}={value}", [.. rows.Select(r => r.Fields[column] == value ? 1f : 0f)]));
        }
    }

    /// <summary>Fields between semicolons; a quoted field may hold semicolons, and doubled quotes stand for one.</summary>
    private static string[] Split(string path, int line, string text)
    {
        List<string> fields = [];
        for (int i = 0; ;)
        {
            if (i < text.Length && text[i] == '"')
            {
                int end = i + 1;
                while (true)
                {
                    end = text.IndexOf('"', end);
                    if (end < 0) { throw DataException.At(path, line, "a quote is never closed."); }
                    if (end + 1 < text.Length && text[end + 1] == '"') { end += 2; } else { break; }
                }
                fields.Add(text[(i + 1)..end].Replace("\"\"", "\"", StringComparison.Ordinal));
                i = end + 1;
                if (i < text.Length && text[i] != ';') { throw DataException.At(path, line, "text after a closing quote."); }
            }
            else
            {
                int end = text.IndexOf(';', i) is var e and >= 0 ? e : text.Length;
                fields.Add(text[i..end]);
                i = end;
            }
            if (i >= text.Length) { return [.. fields]; }
            i++;
        }
    }
}
