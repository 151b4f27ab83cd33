using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;

namespace DeepEdu.Education.Data;

/// <summary>How a table is written down.</summary>
/// <param name="Separator">Between fields.</param>
/// <param name="Header">Whether the first line names the columns.</param>
/// <param name="Quotes">Whether a field may stand in quotes; if not, quotes are plain characters.</param>
/// <param name="Encoding">How characters are written; found out if null.</param>
internal sealed record TableFormat(char Separator = ',', bool Header = true, bool Quotes = true, Encoding? Encoding = null)
{
    public static TableFormat Comma { get; } = new();

    public static TableFormat Semicolon { get; } = new(';');

    public static TableFormat Tab { get; } = new('\t', Quotes: false);

    /// <summary>Separated by what the first line has most of. Between tabs quotes are plain characters.</summary>
    public static TableFormat Of(string path, Encoding? encoding = null)
    {
        using StreamReader reader = TextSource.Reader(path, encoding);
        string line;
        try { line = reader.ReadLine() ?? ""; }
        catch (InvalidDataException) { throw TextSource.NotGzip(path); }
        char separator = ",;\t".MaxBy(s => line.Count(c => c == s));
        return (separator == '\t' ? Tab : Comma) with { Separator = separator, Encoding = encoding };
    }
}

/// <summary>One row of a table.</summary>
internal sealed record TableRow(string Path, int Line, string[] Header, string[] Fields)
{
    /// <summary>The place of a column by its name.</summary>
    public static int Column(string path, string[] header, string name, string expected)
        => Array.IndexOf(header, name) is var i and >= 0 ? i : throw DataException.At(path, 1, $"no column '{name}' in the header; expected {expected}.");

    /// <summary>Whether the field is empty or says that there is no value.</summary>
    public bool Misses(int column) => IsMissing(Fields[column]);

    public int Int(int column) => TextSource.Int(Fields[column], Path, Line);

    public int Id(int column) => TextSource.Id(Fields[column], Path, Line);

    public long Long(int column) => TextSource.Long(Fields[column], Path, Line);

    public float Float(int column) => TextSource.Float(Fields[column], Path, Line);

    /// <summary>The number, or NaN where it is missing.</summary>
    public float FloatOrNaN(int column) => Misses(column) ? float.NaN : Float(column);

    public DataException Error(string what) => DataException.At(Path, Line, what);

    public static bool IsMissing(string text) => text.AsSpan().Trim() is "" or "NA" or "N/A" or "NaN" or "nan" or "null" or "NULL" or "None" or "?";
}

/// <summary>Reads delimited text with CsvHelper, row by row, plain or gzip; what goes wrong names the file and the line.</summary>
internal static class TextTable
{
    /// <summary>The rows; blank lines are passed over. With a header every row has as many fields as that.</summary>
    public static IEnumerable<TableRow> Rows(string path, TableFormat format)
    {
        using StreamReader reader = TextSource.Reader(path, format.Encoding);
        foreach (TableRow row in Rows(path, reader, format)) { yield return row; }
    }

    /// <summary>The rows of a text that came from <paramref name="path"/>.</summary>
    public static IEnumerable<TableRow> Rows(string path, StreamReader reader, TableFormat format)
    {
        string? bad = null;
        CsvConfiguration settings = new(CultureInfo.InvariantCulture)
        {
            Delimiter = format.Separator.ToString(),
            Mode = format.Quotes ? CsvMode.RFC4180 : CsvMode.NoEscape,
            BadDataFound = _ => bad = "a quote inside a field that does not stand in quotes, or text after a closing one.",
            HasHeaderRecord = false,
        };
        using CsvParser parser = new(reader, settings);
        string[]? header = format.Header ? null : [];
        bool any = false;
        while (true)
        {
            bool more;
            try { more = parser.Read(); }
            catch (InvalidDataException) { throw TextSource.NotGzip(path); }
            catch (DecoderFallbackException e) { throw DataException.At(path, parser.RawRow + 1, $"from here on not in the encoding taken ({e.Message.TrimEnd('.')}); give --encoding."); }
            if (!more) { break; }
            string[] fields = parser.Record!;
            string raw = parser.RawRecord;
            bool open = format.Quotes && raw.AsSpan().Count('"') % 2 != 0;
            int line = parser.RawRow - (open ? raw.AsSpan() : raw.AsSpan().TrimEnd("\r\n")).Count('\n');
            any = true;
            if (open) { throw DataException.At(path, line, "a quote is never closed."); }
            if (bad is not null) { throw DataException.At(path, line, bad); }
            if (header is null)
            {
                header = Array.ConvertAll(fields, f => f.Trim());
                if (header.Length != header.Distinct(StringComparer.Ordinal).Count()) { throw DataException.At(path, line, $"the header names '{header.GroupBy(h => h).First(g => g.Count() > 1).Key}' twice."); }
                continue;
            }
            if (header.Length > 0 && fields.Length != header.Length) { throw DataException.At(path, line, $"{fields.Length} fields, the header has {header.Length}."); }
            yield return new(path, line, header, fields);
        }
        if (!any) { throw new DataException($"{path}: the file is empty."); }
    }
}
