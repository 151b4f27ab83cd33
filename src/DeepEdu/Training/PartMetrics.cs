using DeepEdu.Collectives;
using DeepEdu.Io;
using DeepEdu.Metrics;

namespace DeepEdu.Training;

/// <summary>Metrics that the loss adds to, counted by parts: a part's examples go to every process, which merges all parts in their order. So each has seen everything, in the same order for any number of processes.</summary>
internal sealed class PartMetrics
{
    private readonly (IMetric Metric, IMetric All)[] _metrics;
    private bool _stale;

    public PartMetrics(IReadOnlyList<TrackedMetric> metrics) => _metrics = [.. metrics.Select(m => m.Metric).Distinct().Select(m => (m, m.Fresh()))];

    /// <summary>Goes on from what the metrics themselves hold.</summary>
    public void Begin()
    {
        foreach (var (metric, all) in _metrics)
        {
            all.Reset();
            all.Take(metric);
        }
        _stale = false;
    }

    /// <summary>Before a part: empties the metrics.</summary>
    public void Enter()
    {
        _stale = true;
        foreach (var (metric, _) in _metrics) { metric.Reset(); }
    }

    /// <summary>After a part.</summary>
    public void Leave(MessageWriter to)
    {
        foreach (var (metric, _) in _metrics) { StateMessage.Write(to, metric); }
    }

    /// <summary>Takes in a part, wherever it was computed; parts come in order.</summary>
    public void Read(ref MessageReader from)
    {
        _stale = true;
        foreach (var (metric, all) in _metrics)
        {
            metric.LoadState(StateMessage.Read(ref from));
            all.Take(metric);
        }
    }

    /// <summary>Lets the metrics themselves hold what all parts have seen.</summary>
    public void Show()
    {
        if (!_stale) { return; }
        foreach (var (metric, all) in _metrics)
        {
            metric.Reset();
            metric.Take(all);
        }
        _stale = false;
    }
}
