using System.Globalization;

namespace DeepEdu.Education.Data;

/// <summary>A column: numbers with NaN for what is missing, or names with null for it.</summary>
internal sealed record TypedColumn(string Name, float[]? Numbers, string?[]? Names)
{
    /// <summary>How many values are missing.</summary>
    public int Missing => Numbers?.Count(float.IsNaN) ?? Names!.Count(n => n is null);
}

/// <summary>A whole table in memory, column by column.</summary>
internal sealed record TypedTable(string Path, int[] Lines, TypedColumn[] Columns)
{
    public int Rows => Lines.Length;

    public TypedColumn this[string name] => Array.Find(Columns, c => c.Name == name)
        ?? throw DataException.At(Path, 1, $"no column '{name}' in the header; there are {string.Join(", ", Columns.Select(c => c.Name))}.");

    /// <summary>Reads a table with a header. A column whose first value is a number must be numbers throughout; any other is names.</summary>
    public static TypedTable Read(string path, TableFormat format)
    {
        List<TableRow> rows = [.. TextTable.Rows(path, format)];
        if (rows.Count == 0) { throw new DataException($"{path}: a header but no rows."); }
        return new(path, [.. rows.Select(r => r.Line)], [.. rows[0].Header.Select((name, c) => Column(name, c, rows))]);
    }

    private static TypedColumn Column(string name, int c, List<TableRow> rows)
    {
        TableRow? first = rows.Find(r => !r.Misses(c));
        return first is not null && float.TryParse(first.Fields[c], NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            ? new(name, [.. rows.Select(r => r.FloatOrNaN(c))], null)
            : new(name, null, [.. rows.Select(r => r.Misses(c) ? null : r.Fields[c])]);
    }
}
