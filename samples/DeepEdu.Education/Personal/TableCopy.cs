using System.Globalization;
using System.IO.Compression;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using DeepEdu.Education.Data;
using DeepEdu.Io;

namespace DeepEdu.Education.Personal;

/// <summary>A table with a header, read row by row and written again changed: of any size in little memory, as a whole or not at all, never over a file that is there. Written in UTF-8 with the separator of the original; gzip if the name ends so.</summary>
internal sealed class TableCopy(string path, Encoding? encoding = null)
{
    private readonly TableFormat _format = TableFormat.Of(path, encoding);

    /// <summary>The names of the columns.</summary>
    public string[] Header { get; } = First(path, encoding);

    public string Path => path;

    /// <summary>The places of columns by their names.</summary>
    /// <exception cref="DataException">There is no such column; says which there are.</exception>
    public int[] Places(string names) => [.. names.Split(',', StringSplitOptions.TrimEntries).Select(name => Array.IndexOf(Header, name) is var at and >= 0 ? at
        : throw new DataException($"--columns {names}: no column '{name}' in {path}; there are {string.Join(", ", Header)}."))];

    /// <summary>The rows after the header, each with as many fields, and the line that each stands in.</summary>
    public IEnumerable<(int Line, string[] Fields)> Rows()
    {
        foreach (TableRow row in TextTable.Rows(path, _format)) { yield return (row.Line, row.Fields); }
    }

    /// <summary>Writes the header and those rows that come out of a change.</summary>
    /// <param name="to">A file that is not there yet.</param>
    /// <param name="change">Gives the fields to write; null: the row is left out.</param>
    public void Write(string to, Func<int, string[], string[]?> change) => Create(to, writer =>
    {
        CsvConfiguration settings = new(CultureInfo.InvariantCulture) { Delimiter = _format.Separator.ToString(), Mode = _format.Quotes ? CsvMode.RFC4180 : CsvMode.NoEscape, NewLine = "\n" };
        using CsvWriter csv = new(writer, settings, leaveOpen: true);
        Record(Header);
        foreach (var (line, fields) in Rows())
        {
            if (change(line, fields) is { } changed) { Record(changed); }
        }

        void Record(string[] fields)
        {
            foreach (string field in fields) { csv.WriteField(field); }
            csv.NextRecord();
        }
    });

    /// <summary>Refuses what a file must not be written over.</summary>
    public static void MustBeNew(string to)
    {
        if (File.Exists(to) || Directory.Exists(to)) { throw new DataException($"--out {to}: is there already, and nothing is written over; give another name, or delete it first."); }
    }

    /// <summary>Writes a file that is not there yet, as a whole or not at all.</summary>
    public static void Create(string to, Action<StreamWriter> write)
    {
        MustBeNew(to);
        AtomicFile.Write(to, file =>
        {
            using GZipStream? packed = to.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new(file, CompressionLevel.Optimal, leaveOpen: true) : null;
            using StreamWriter writer = new(packed ?? file, new UTF8Encoding(false), leaveOpen: true);
            write(writer);
        });
    }

    private static string[] First(string path, Encoding? encoding)
        => TextTable.Rows(path, TableFormat.Of(path, encoding) with { Header = false }).First().Fields is var header && header.Distinct(StringComparer.Ordinal).Count() == header.Length ? header
            : throw DataException.At(path, 1, $"the header names '{header.GroupBy(h => h).First(g => g.Count() > 1).Key}' twice.");
}
