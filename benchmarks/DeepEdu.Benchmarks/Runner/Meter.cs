using System.Diagnostics;
using System.Globalization;

namespace DeepEdu.Benchmarks.Runner;

/// <summary>Times calls in windows of 0.15 s and drops a window in which other processes used more than 8 % of one processor, as the PyTorch peer does.</summary>
internal static class Meter
{
    private const double Window = 0.15;

    public static (double[] Seconds, double Quiet, bool Noisy) Sample(Action<int> call, double seconds, int least, int most)
    {
        List<double> keep = [], every = [];
        double used = 0, start = Now(), end = start + (4 * seconds);
        int n = 0, windows = 0, good = 0;
        while ((used < seconds || keep.Count < least) && keep.Count < most && (Now() < end || every.Count < least))
        {
            double foreign = Foreign(), opened = Now();
            int from = every.Count;
            do
            {
                double t = Now();
                call(n++);
                every.Add(Now() - t);
            }
            while (Now() - opened < Window);
            double w = Now() - opened;
            windows++;
            if (Foreign() - foreign > Math.Max(0.021, 0.08 * w)) { continue; }
            keep.AddRange(every[from..]);
            used += w;
            good++;
        }
        bool noisy = keep.Count < least;
        double[] all = [.. noisy ? every : keep];
        Array.Sort(all);
        return (all, good / (double)windows, noisy);
    }

    /// <summary>Seconds a call of each, the fastest fifth of blocks of calls run in turn.</summary>
    public static double[] Turns(Action[] all, double seconds)
    {
        const double Block = 0.003;
        List<double>[] blocks = [.. all.Select(_ => new List<double>())];
        WarmUp.Run(_ => Array.ForEach(all, f => f()), most: Math.Max(seconds, 1)); // fewer cases are compiled no sooner
        for (double end = Now() + seconds; Now() < end || blocks[0].Count < 5;)
        {
            for (int i = 0; i < all.Length; i++)
            {
                Thread.Sleep(1);
                for (double warm = Now(); Now() - warm < Block * 0.1;) { all[i](); }
                double start = Now();
                int calls = 0;
                do
                {
                    all[i]();
                    calls++;
                }
                while (Now() - start < Block);
                blocks[i].Add((Now() - start) / calls);
            }
        }
        return [.. blocks.Select(b => Percentile([.. b.Order()], .2))];
    }

    public static double Percentile(double[] sorted, double p) => sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * p))];

    /// <summary>The largest resident set so far, in MB.</summary>
    public static double PeakMegabytes() => Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0;

    public static double Now() => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;

    // processor seconds used so far by everybody else on this machine; 0 where the system does not tell
    private static double Foreign()
    {
        if (!File.Exists("/proc/stat")) { return 0; }
        string line;
        using (var reader = new StreamReader("/proc/stat")) { line = reader.ReadLine() ?? ""; }
        double[] v = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(s => double.Parse(s, CultureInfo.InvariantCulture))];
        using var me = Process.GetCurrentProcess();
        const double TicksASecond = 100;
        return ((v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) / TicksASecond) - me.TotalProcessorTime.TotalSeconds;
    }
}
