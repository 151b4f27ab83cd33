using System.Globalization;
using System.Text;
using DeepEdu.Data;

namespace DeepEdu.Education.Data;

/// <summary>Opens plain and gzip files alike and turns what goes wrong into one line.</summary>
internal static class TextSource
{
    /// <summary>The files in a folder, or an error that says which name is missing. A name matches with or without <c>.gz</c>.</summary>
    public static string Find(string folder, string pattern)
        => TryFind(folder, pattern) ?? throw new DataException($"{folder}: no file {pattern} or {pattern}.gz in this folder.");

    public static string? TryFind(string folder, string pattern) => FindAll(folder, pattern).FirstOrDefault();

    /// <summary>All files of a name, in order of their names.</summary>
    public static string[] FindAll(string folder, string pattern)
    {
        if (!Directory.Exists(folder))
        {
            throw new DataException(File.Exists(folder) ? $"{folder}: is a file; give the folder that holds it." : $"{folder}: no such folder.");
        }
        string[] hits = [.. Directory.EnumerateFiles(folder, pattern), .. Directory.EnumerateFiles(folder, pattern + ".gz")];
        Array.Sort(hits, StringComparer.Ordinal);
        return hits;
    }

    /// <summary>The name of a file without folder and endings, for reports.</summary>
    public static string NameOf(string path)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        foreach (string ending in new[] { ".gz", ".csv", ".tsv", ".txt", ".inter" })
        {
            if (name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) { name = name[..^ending.Length]; }
        }
        return name;
    }

    public static Stream Open(string path)
    {
        try
        {
            if (Directory.Exists(path)) { throw new DataException($"{path}: is a folder; give a file."); }
            Stream file = File.OpenRead(path);
            if (file.Length == 0) { file.Dispose(); throw new DataException($"{path}: the file is empty."); }
            if (!path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) { return file; }
            file.Dispose();
            return DataFile.Open(path); // which notices where one was cut off
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new DataException($"{path}: {e.Message}"); }
    }

    /// <summary>The text of a file. Without an encoding given, a byte order mark decides; without a mark, zero bytes mean UTF-16, and bytes that are no UTF-8 mean Latin-1.</summary>
    public static StreamReader Reader(string path, Encoding? encoding = null)
    {
        try { return new(Open(path), encoding ?? Guess(path), detectEncodingFromByteOrderMarks: true); }
        catch (InvalidDataException) { throw NotGzip(path); }
    }

    /// <summary>The whole text of a file, line ends as <c>\n</c>.</summary>
    public static string ReadAll(string path)
    {
        using StreamReader reader = Reader(path);
        try { return reader.ReadToEnd().ReplaceLineEndings("\n"); }
        catch (InvalidDataException) { throw NotGzip(path); }
    }

    public static DataException NotGzip(string path) => new($"{path}: not a gzip file, or a broken one.");

    /// <summary>An encoding by the name that a flag gives; null if none is given.</summary>
    public static Encoding? EncodingOf(string? name) => name?.ToLowerInvariant() switch
    {
        null => null,
        "utf-8" or "utf8" => new UTF8Encoding(false, true),
        "latin1" or "latin-1" or "iso-8859-1" => Encoding.Latin1,
        "utf-16" or "utf16" or "utf-16le" => Encoding.Unicode,
        "utf-16be" => Encoding.BigEndianUnicode,
        _ => throw new DataException($"--encoding {name}: take utf-8, latin1, utf-16 or utf-16be."),
    };

    private static Encoding Guess(string path)
    {
        byte[] head = new byte[1 << 16];
        using Stream stream = Open(path);
        int n = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false), even = 0, odd = 0;
        for (int i = 0; i < n; i++)
        {
            if (head[i] == 0) { if ((i & 1) == 0) { even++; } else { odd++; } }
        }
        if (Math.Max(even, odd) > n / 8) { return odd > even ? Encoding.Unicode : Encoding.BigEndianUnicode; }
        Decoder strict = new UTF8Encoding(false, true).GetDecoder();
        char[] text = new char[head.Length];
        try
        {
            for (; n > 0; n = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)) { strict.GetChars(head, 0, n, text, 0, flush: n < head.Length); }
        }
        catch (DecoderFallbackException) { return Encoding.Latin1; }
        return new UTF8Encoding(false, true);
    }

    public static int Int(ReadOnlySpan<char> text, string path, int line)
        => int.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            ? value : throw DataException.At(path, line, $"'{text}' is not a whole number.");

    public static long Long(ReadOnlySpan<char> text, string path, int line)
        => long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value : throw DataException.At(path, line, $"'{text}' is not a whole number.");

    public static int Id(ReadOnlySpan<char> text, string path, int line)
        => Int(text, path, line) is var id and >= 0 ? id : throw DataException.At(path, line, $"id {text} is negative; ids count from 0.");

    public static float Float(ReadOnlySpan<char> text, string path, int line)
        => float.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value)
            ? value : throw DataException.At(path, line, $"'{text}' is not a number.");
}
