using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace DeepEdu.Education.Data;

/// <summary>Opens plain and gzip files alike and turns what goes wrong into one line.</summary>
internal static class TextSource
{
    /// <summary>The files in a folder, or an error that says which name is missing. A name matches with or without <c>.gz</c>.</summary>
    public static string Find(string folder, string pattern)
        => TryFind(folder, pattern) ?? throw new DataException($"{folder}: no file {pattern} or {pattern}.gz in this folder.");

    public static string? TryFind(string folder, string pattern)
    {
        if (!Directory.Exists(folder))
        {
            throw new DataException(File.Exists(folder) ? $"{folder}: is a file; give the folder that holds it." : $"{folder}: no such folder.");
        }
        string[] hits = [.. Directory.EnumerateFiles(folder, pattern), .. Directory.EnumerateFiles(folder, pattern + ".gz")];
        Array.Sort(hits, StringComparer.Ordinal);
        return hits.Length == 0 ? null : hits[0];
    }

    public static Stream Open(string path)
    {
        try
        {
            Stream file = File.OpenRead(path);
            if (file.Length == 0) { file.Dispose(); throw new DataException($"{path}: the file is empty."); }
            return path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionMode.Decompress) : file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new DataException($"{path}: {e.Message}"); }
    }

    /// <summary>The lines with their numbers from 1, trailing CR dropped; blank lines at the end are left out.</summary>
    public static IEnumerable<(int Number, string Text)> Lines(string path)
    {
        using StreamReader reader = new(Open(path), Encoding.UTF8);
        int number = 0;
        bool any = false;
        while (true)
        {
            string? line;
            try { line = reader.ReadLine(); }
            catch (InvalidDataException) { throw new DataException($"{path}: not a gzip file, or a broken one."); }
            if (line is null) { break; }
            number++;
            if (line.AsSpan().Trim().IsEmpty) { continue; }
            any = true;
            yield return (number, line);
        }
        if (!any) { throw new DataException($"{path}: the file is empty."); }
    }

    public static int Int(ReadOnlySpan<char> text, string path, int line)
        => int.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            ? value : throw DataException.At(path, line, $"'{text}' is not a whole number.");

    public static int Id(ReadOnlySpan<char> text, string path, int line)
        => Int(text, path, line) is var id and >= 0 ? id : throw DataException.At(path, line, $"id {text} is negative; ids count from 0.");

    public static float Float(ReadOnlySpan<char> text, string path, int line)
        => float.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value)
            ? value : throw DataException.At(path, line, $"'{text}' is not a number.");
}
