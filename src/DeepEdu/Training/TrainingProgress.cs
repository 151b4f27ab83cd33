using System.Diagnostics;

namespace DeepEdu.Training;

/// <summary>Where training stands at one moment.</summary>
/// <param name="Epoch">The epoch, 0 first.</param>
/// <param name="Epochs">How many epochs there shall be.</param>
/// <param name="Batch">Batches of this epoch that were learned from.</param>
/// <param name="Batches">Batches an epoch; null if not known.</param>
/// <param name="Step">Steps of the optimiser, over all epochs.</param>
/// <param name="Values">The numbers of this epoch so far; at its end those of validation too.</param>
/// <param name="RowsPerSecond">Rows learned from a second since this call of Fit began.</param>
/// <param name="Elapsed">Since this call of Fit began.</param>
/// <param name="Remaining">To the end of the last epoch, at the speed so far; null if not known.</param>
/// <param name="EpochEnded">Whether the epoch has just ended.</param>
public sealed record TrainingProgress(int Epoch, int Epochs, int Batch, int? Batches, int Step, IReadOnlyDictionary<string, double> Values, double RowsPerSecond,
    TimeSpan Elapsed, TimeSpan? Remaining, bool EpochEnded);

/// <summary>Reports progress some ten times a second, and less often where metrics take long to compute: reporting takes at most a fiftieth of the time.</summary>
internal sealed class ProgressMeter(TrainingRun run, IProgress<TrainingProgress>? to)
{
    private static readonly long s_pause = Stopwatch.Frequency / 10;
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly double _doneBefore = run.Epoch + Part(run);
    private long _next, _rows;

    public void Batch(int rows)
    {
        _rows += rows;
        if (to is null) { return; }
        long now = Stopwatch.GetTimestamp();
        if (now < _next) { return; }
        Report(run.Epoch, run.Batch, run.Now(), false);
        long after = Stopwatch.GetTimestamp();
        _next = after + Math.Max(s_pause, 50 * (after - now));
    }

    // the run stands at the beginning of the next epoch already
    public void Epoch(EpochResult result)
    {
        if (to is not null) { Report(result.Epoch, run.Batches ?? 0, result.Values, true); }
    }

    private void Report(int epoch, int batch, IReadOnlyDictionary<string, double> values, bool ended)
    {
        var elapsed = Stopwatch.GetElapsedTime(_began);
        double done = ended ? epoch + 1 : epoch + Part(run);
        TimeSpan? remaining = done > _doneBefore && (run.Batches is not null || ended) ? elapsed * Math.Max(0, (run.Epochs - done) / (done - _doneBefore)) : null;
        to!.Report(new(epoch, run.Epochs, batch, run.Batches, run.Step, values, _rows / elapsed.TotalSeconds, elapsed, remaining, ended));
    }

    private static double Part(TrainingRun run) => run.Batches is > 0 and var n ? (double)run.Batch / n : 0;
}
