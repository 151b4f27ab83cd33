using System.Diagnostics;
using System.Globalization;

namespace DeepEdu.Training;

/// <summary>Shows training on one line of a terminal, which each step writes anew and each epoch leaves standing; where the output is redirected, a plain line an epoch.
/// <code>new TrainerOptions { Progress = new(Console.Out, rewrite: !Console.IsOutputRedirected) }</code></summary>
/// <param name="to">Where lines are written.</param>
/// <param name="rewrite">Whether a carriage return goes back to the beginning of the line, as in a terminal.</param>
public sealed class ProgressLine(TextWriter to, bool rewrite)
{
    private static readonly long s_pause = Stopwatch.Frequency / 10;
    private long _shown;
    private int _width;

    internal void Step(int epoch, int epochs, int step, int steps, double loss)
    {
        long now = Stopwatch.GetTimestamp();
        if (!rewrite || now - _shown < s_pause) { return; }
        _shown = now;
        Write(string.Create(CultureInfo.InvariantCulture, $"epoch {epoch + 1}/{epochs}  step {step}/{steps}  loss {loss:F4}"));
    }

    internal void Epoch(EpochResult result, int epochs, bool best)
    {
        string validation = result.Validation is { } v ? string.Create(CultureInfo.InvariantCulture, $"  validation {v:F4}") : "";
        string score = result.Score is { } s ? string.Create(CultureInfo.InvariantCulture, $"  score {s:F4}") : "";
        Write(string.Create(CultureInfo.InvariantCulture, $"epoch {result.Epoch + 1}/{epochs}  loss {result.Loss:F4}{validation}{score}{(best && result.Judged is not null ? " *" : "")}  {result.Seconds:F1} s"));
        to.WriteLine();
        _width = 0;
    }

    // blanks over what is left of a longer line
    private void Write(string line)
    {
        to.Write(rewrite ? $"\r{line.PadRight(_width)}" : line);
        _width = line.Length;
    }
}
