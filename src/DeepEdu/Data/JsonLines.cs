using System.Text;
using System.Text.Json;

namespace DeepEdu.Data;

/// <summary>JSONL files: a JSON value a line. Read one by one, so that memory does not grow with the file. Plain, ".gz" or ".zip".
/// <code>
/// foreach (var (text, score) in JsonLines.Read("essays.jsonl.gz", e => (e.GetProperty("text").GetString()!, e.GetProperty("score").GetInt32()))) { ... }
/// </code></summary>
public static class JsonLines
{
    /// <summary>What each line gives; blank lines are passed over.</summary>
    /// <param name="path">The file.</param>
    /// <param name="parse">From a line's value to what is wanted of it. The value may be used only inside; <c>Clone</c> makes one to keep.</param>
    /// <exception cref="InvalidDataException">A line is no JSON, or <paramref name="parse"/> does not find in it what it looks for. Names file and line.</exception>
    public static IEnumerable<T> Read<T>(string path, Func<JsonElement, T> parse)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(parse);
        return Lines(() => DataFile.Open(path), path, parse);
    }

    internal static IEnumerable<T> Lines<T>(Func<Stream> open, string path, Func<JsonElement, T> parse)
    {
        using var file = open();
        var lines = new ByteLines(file, path);
        while (lines.Next(out var line))
        {
            if (line.Span.Trim(" \t"u8).Length == 0) { continue; }
            yield return Parse(line, parse, path, lines.Number);
        }
    }

    private static T Parse<T>(ReadOnlyMemory<byte> line, Func<JsonElement, T> parse, string path, long number)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return parse(json.RootElement);
        }
        catch (JsonException e) { throw new InvalidDataException($"{path}:{number}: not JSON: {e.Message}", e); }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException) { throw new InvalidDataException($"{path}:{number}: {e.Message.TrimEnd('.')}, in {Excerpt.Of(Encoding.UTF8.GetString(line.Span))}", e); }
    }
}
