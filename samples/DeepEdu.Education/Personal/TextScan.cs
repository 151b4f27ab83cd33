using System.Globalization;
using System.Text;
using DeepEdu.Education.Data;

namespace DeepEdu.Education.Personal;

/// <summary>Where something was found.</summary>
/// <param name="Line">Of the file, from 1.</param>
/// <param name="Column">Of a table; empty where the file is none.</param>
/// <param name="Character">In the field or line, from 1.</param>
/// <param name="Kind">What it seems to be.</param>
internal sealed record Place(int Line, string Column, int Character, string Kind)
{
    public override string ToString() => $"line {Line}{(Column.Length > 0 ? $", {Column}" : "")}, character {Character}: {Kind}";
}

/// <summary>Looks for personal data in the fields of a table or the lines of a text, and writes it again with placeholders if wanted. What was found is never shown, only where.</summary>
internal sealed class TextScan(PersonalData finder)
{
    private static readonly string[] s_texts = [".txt", ".jsonl", ".json", ".md"];

    /// <summary>How often each kind was found.</summary>
    public Dictionary<string, int> Counts { get; } = PersonalData.Kinds.ToDictionary(k => k, _ => 0);

    public List<Place> Places { get; } = [];

    /// <summary>Lines or rows looked at, and how many hold something.</summary>
    public (long All, long Holding) Rows { get; private set; }

    /// <summary>Whether a file is lines of text, by its name; others are tables.</summary>
    public static bool IsText(string path)
    {
        string name = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;
        return Array.Exists(s_texts, e => name.EndsWith(e, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Looks at the lines of a text.</summary>
    public void Lines(string path, Encoding? encoding, string? to)
    {
        using StreamReader reader = TextSource.Reader(path, encoding);
        if (to is null) { All(_ => { }); } else { TableCopy.Create(to, writer => All(line => writer.Write($"{line}\n"))); }

        void All(Action<string> keep)
        {
            int number = 0;
            try
            {
                while (reader.ReadLine() is { } line)
                {
                    var (changed, found) = Look(line, ++number, "");
                    Rows = (Rows.All + 1, Rows.Holding + (found ? 1 : 0));
                    keep(changed);
                }
            }
            catch (InvalidDataException) { throw TextSource.NotGzip(path); }
            catch (DecoderFallbackException) { throw DataException.At(path, number + 1, "from here on not in the encoding taken; give --encoding."); }
        }
    }

    /// <summary>Looks at some columns of a table.</summary>
    public void Table(TableCopy table, int[] columns, string? to)
    {
        if (to is not null) { table.Write(to, Row); }
        else
        {
            foreach (var (line, fields) in table.Rows()) { Row(line, fields); }
        }

        string[] Row(int line, string[] fields)
        {
            bool any = false;
            foreach (int c in columns)
            {
                (fields[c], bool found) = Look(fields[c], line, table.Header[c]);
                any |= found;
            }
            Rows = (Rows.All + 1, Rows.Holding + (any ? 1 : 0));
            return fields;
        }
    }

    /// <summary>All places as a table.</summary>
    public void WritePlaces(string to) => TableCopy.Create(to, writer =>
    {
        writer.Write("line,column,character,kind\n");
        foreach (Place p in Places) { writer.Write(string.Create(CultureInfo.InvariantCulture, $"{p.Line},\"{p.Column.Replace("\"", "\"\"", StringComparison.Ordinal)}\",{p.Character},{p.Kind}\n")); }
    });

    private (string Changed, bool Found) Look(string text, int line, string column)
    {
        List<Finding> found = finder.Find(text);
        foreach (Finding f in found)
        {
            Counts[f.Kind]++;
            Places.Add(new(line, column, f.At + 1, f.Kind));
        }
        return (PersonalData.Replace(text, found), found.Count > 0);
    }
}
