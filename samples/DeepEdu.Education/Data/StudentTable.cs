using DeepEdu.Data;

namespace DeepEdu.Education.Data;

/// <summary>A table of learners: numeric features (categories one-hot) and several targets, each a column over the rows.</summary>
/// <param name="Name">Name of the data for reports.</param>
/// <param name="Features">Row by row, <c>FeatureNames.Length</c> values each.</param>
/// <param name="FeatureNames">Names of the feature columns; a category is <c>column=value</c>.</param>
/// <param name="Targets">Target columns by name.</param>
internal sealed record LearnerTable(string Name, float[] Features, string[] FeatureNames, IReadOnlyDictionary<string, float[]> Targets)
{
    public int Rows => Features.Length / FeatureNames.Length;

    /// <summary>How a table becomes these features.</summary>
    public LearnerColumns Columns { get; init; } = LearnerColumns.Numbers(FeatureNames);

    /// <summary>A table whose columns are the targets and, all others, features (see <see cref="LearnerColumns"/>).</summary>
    public static LearnerTable Of(TypedTable table, params string[] targets)
    {
        LearnerColumns columns = LearnerColumns.Of(table, targets);
        return new(TextSource.NameOf(table.Path), columns.Read(table), columns.FeatureNames, targets.ToDictionary(t => t, t => Target(table[t]))) { Columns = columns };
    }

    /// <summary>Numbers as they are; names as 0, 1, .. in order of their characters, −1 where missing.</summary>
    private static float[] Target(TypedColumn column)
    {
        if (column.Numbers is { } numbers) { return numbers; }
        Categories names = Categories.Fit(column.Names!);
        return Array.ConvertAll(column.Names!, n => (float)names[n] - 1);
    }

    public ReadOnlySpan<float> this[int row] => Features.AsSpan(row * FeatureNames.Length, FeatureNames.Length);
}

/// <summary>Reads UCI Student Performance (Cortez and Silva 2008): <c>student-*.csv</c>, fields separated by semicolons (by commas in copies that went
/// round since), text and some numbers in quotes.
/// The grades G1, G2, G3 (0..20) are the targets, all other columns features.</summary>
internal static class StudentReader
{
    private static readonly string[] s_grades = ["G1", "G2", "G3"];

    public static LearnerTable Read(string folder)
    {
        string path = File.Exists(folder) ? folder : TextSource.Find(folder, "student-*.csv");
        TypedTable table = TypedTable.Read(path, TableFormat.Of(path));
        foreach (string grade in s_grades)
        {
            TypedColumn column = Array.Find(table.Columns, c => c.Name == grade)
                ?? throw DataException.At(path, 1, $"no column '{grade}' in the header; expected the columns of UCI Student Performance.");
            for (int r = 0; r < table.Rows; r++)
            {
                if (column.Numbers is null || column.Numbers[r] is not (>= 0 and <= 20))
                {
                    throw DataException.At(path, table.Lines[r], $"{grade} = {column.Numbers?[r].ToString() ?? column.Names![r]} is outside 0..20.");
                }
            }
        }
        return LearnerTable.Of(table, s_grades);
    }
}
