using System.Globalization;
using System.Text;
using System.Text.Json;
using DeepEdu.Io;

namespace DeepEdu.Training;

/// <summary>Writes a line of comma-separated values an epoch, below a line of names. A file that is there already is written over when training begins at its first epoch, and else
/// goes on: epochs that are trained again after a crash take the place of their lines.</summary>
/// <param name="path">The file.</param>
public sealed class CsvLog(string path) : Callback
{
    private const string Head = "epoch,steps,seconds,";
    private string[] _names = [];

    /// <inheritdoc/>
    public override void OnBegin(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _names = [];
        string? header = run.Epoch > 0 && File.Exists(path) ? File.ReadLines(path).FirstOrDefault() : null;
        if (header?.StartsWith(Head, StringComparison.Ordinal) == false) { throw new InvalidDataException($"{path} does not begin with \"{Head}\"; is it another file? Give another path, or move it away"); }
        LogFile.Keep(path, run.Epoch, "", Head);
        if (header is not null) { _names = Fields(header[Head.Length..]); }
    }

    /// <inheritdoc/>
    public override void OnEpoch(TrainingRun run, EpochResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var lines = new StringBuilder();
        if (_names.Length == 0)
        {
            _names = [.. result.Values.Keys];
            lines.Append(Head).AppendJoin(',', _names.Select(Quoted)).Append('\n');
        }
        lines.Append(CultureInfo.InvariantCulture, $"{result.Epoch},{result.Steps},{result.Seconds:F3}");
        foreach (string name in _names) { lines.Append(CultureInfo.InvariantCulture, $",{result[name]:R}"); }
        File.AppendAllText(path, lines.Append('\n').ToString());
    }

    // RFC 4180: a name with a comma or quotation marks stands between quotation marks, its own doubled
    private static string Quoted(string name) => name.AsSpan().IndexOfAny(",\"") < 0 ? name : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string[] Fields(string line)
    {
        List<string> fields = [];
        var field = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '"' && quoted && i + 1 < line.Length && line[i + 1] == '"') { field.Append(line[++i]); }
            else if (line[i] == '"') { quoted = !quoted; }
            else if (line[i] == ',' && !quoted)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else { field.Append(line[i]); }
        }
        return [.. fields, field.ToString()];
    }
}

/// <summary>Writes a JSON object an epoch, each on its line. A file that is there already is written over when training begins at its first epoch, and else goes on. Numbers that JSON
/// does not know (NaN, the infinities) are null.</summary>
/// <param name="path">The file.</param>
public sealed class JsonLog(string path) : Callback
{
    private const string Start = "{\"epoch\":";

    /// <inheritdoc/>
    public override void OnBegin(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (run.Epoch > 0 && File.Exists(path) && File.ReadLines(path).FirstOrDefault() is { } first && !first.StartsWith(Start, StringComparison.Ordinal)) { throw new InvalidDataException($"{path} does not begin with \"{Start}\"; is it another file? Give another path, or move it away"); }
        LogFile.Keep(path, run.Epoch, Start);
    }

    /// <inheritdoc/>
    public override void OnEpoch(TrainingRun run, EpochResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteNumber("epoch", result.Epoch);
            json.WriteNumber("steps", result.Steps);
            json.WriteNumber("seconds", Math.Round(result.Seconds, 3));
            foreach (var (name, value) in result.Values)
            {
                if (double.IsFinite(value)) { json.WriteNumber(name, value); } else { json.WriteNull(name); }
            }
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        using var file = new FileStream(path, FileMode.Append, FileAccess.Write);
        file.Write(line.GetBuffer(), 0, (int)line.Length);
    }
}

/// <summary>What the logs share.</summary>
internal static class LogFile
{
    /// <summary>Keeps the lines of earlier epochs, and the head if there is one; makes the file, and its folder, if there is none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="epoch">The epoch that comes next.</param>
    /// <param name="before">What stands before a line's epoch, behind which is a comma.</param>
    /// <param name="head">How the line of names begins.</param>
    public static void Keep(string path, int epoch, string before, string? head = null)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) { Directory.CreateDirectory(folder); }
        string[] kept = epoch == 0 || !File.Exists(path) ? [] : [.. File.ReadLines(path).Where(l => (head is not null && l.StartsWith(head, StringComparison.Ordinal)) || Epoch(l, before) < epoch)];
        AtomicFile.Write(path, to => to.Write(Encoding.UTF8.GetBytes(string.Concat(kept.Select(l => l + "\n")))));
    }

    // a line without one is of no epoch
    private static int Epoch(string line, string before)
    {
        int end = line.IndexOf(',', StringComparison.Ordinal);
        return end > before.Length && line.StartsWith(before, StringComparison.Ordinal) && int.TryParse(line.AsSpan(before.Length, end - before.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int epoch) ? epoch : int.MaxValue;
    }
}
