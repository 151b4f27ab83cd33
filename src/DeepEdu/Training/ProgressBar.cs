using System.Globalization;
using System.Text;

namespace DeepEdu.Training;

/// <summary>Shows training on one line of a terminal: a bar, the time that remains, rows a second, loss and metrics; each epoch leaves its line standing. Where the output is
/// redirected, a plain line an epoch.
/// <code>new TrainerOptions { Progress = ProgressBar.Console() }</code></summary>
/// <param name="to">Where lines are written.</param>
/// <param name="redraw">Whether a carriage return goes back to the beginning of the line, as in a terminal.</param>
/// <param name="width">Columns of the terminal; a longer line is cut while it is redrawn.</param>
public sealed class ProgressBar(TextWriter to, bool redraw, int width = 120) : IProgress<TrainingProgress>
{
    private const int Cells = 20;
    private readonly TextWriter _to = to ?? throw new ArgumentNullException(nameof(to));
    private readonly int _width = width > 1 ? width : throw new ArgumentOutOfRangeException(nameof(width), $"progress-bar: a terminal of {width} columns has no room for a line");
    private int _shown;

    /// <summary>On the console; plain lines if its output is redirected, or in a browser.</summary>
    public static ProgressBar Console()
    {
        if (OperatingSystem.IsBrowser()) { return new(System.Console.Out, redraw: false); }
        bool terminal = !System.Console.IsOutputRedirected;
        return new(System.Console.Out, terminal, terminal && System.Console.WindowWidth > 20 ? System.Console.WindowWidth : 120);
    }

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!value.EpochEnded && !redraw) { return; }
        string line = Line(value);
        if (redraw)
        {
            if (!value.EpochEnded && line.Length >= _width) { line = line[..(_width - 1)]; }
            // blanks over what is left of a longer line
            _to.Write($"\r{line.PadRight(_shown)}");
            _shown = line.Length;
        }
        else { _to.Write(line); }
        if (value.EpochEnded)
        {
            _to.WriteLine();
            _shown = 0;
        }
        _to.Flush();
    }

    private static string Line(TrainingProgress p)
    {
        var culture = CultureInfo.InvariantCulture;
        var line = new StringBuilder().Append(culture, $"epoch {p.Epoch + 1}/{p.Epochs}");
        if (!p.EpochEnded)
        {
            if (p.Batches is > 0 and var n)
            {
                int full = (int)Math.Min(Cells, Cells * (long)p.Batch / n); // data of one's own may give more batches than they said
                line.Append(culture, $"  [{new string('=', full)}{new string(' ', Cells - full)}] {p.Batch}/{n}");
            }
            else { line.Append(culture, $"  batch {p.Batch}"); }
        }
        foreach (var (name, value) in p.Values)
        {
            if (name is "learning_rate" or "val_learning_rate") { continue; }
            line.Append(culture, $"  {name} {value:G4}");
        }
        line.Append(culture, $"  {p.RowsPerSecond:F0} rows/s");
        line.Append(p.EpochEnded || p.Remaining is null ? $"  {Text(p.Elapsed)}" : $"  {Text(p.Remaining.Value)} left");
        return line.ToString();
    }

    private static string Text(TimeSpan t) => t.TotalHours >= 1 ? $"{(int)t.TotalHours}:{t.Minutes:D2}:{t.Seconds:D2}" : t.TotalMinutes >= 1 ? $"{t.Minutes}:{t.Seconds:D2}" : $"{t.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s";
}
