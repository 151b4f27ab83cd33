using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace DeepEdu.Devices;

/// <summary>Where the time goes: the CPU device's calls of this thread from the profiler's making to its disposal, summed by what they compute and how much of it. Each call
/// costs about .2 µs more meanwhile, once the runtime has compiled it for good, and nothing to speak of otherwise. Calls that a call makes belong to it; work outside the device's calls (shape rules, the tape, the user's own code) is
/// <see cref="Elapsed"/> less the sum.</summary>
/// <example><code>
/// using var profiler = new Profiler();
/// trainingStep();
/// Console.WriteLine(profiler);
/// </code></example>
public sealed class Profiler : IDisposable
{
    [ThreadStatic] private static Profiler? t_current;

    private readonly Dictionary<(string Name, string Sizes), (long Calls, long Ticks)> _rows = [];
    private readonly Profiler? _outer = t_current;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _end;

    /// <summary>Begins to watch this thread's calls, in place of a profiler that already does, until it is disposed.</summary>
    public Profiler() => t_current = this;

    /// <summary>Wall time from the making to the disposal, or until now.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start, _end == 0 ? Stopwatch.GetTimestamp() : _end);

    /// <summary>What was called, the most time first.</summary>
    public IReadOnlyList<ProfiledCall> Calls =>
        [.. _rows.Select(r => new ProfiledCall(r.Key.Name, r.Key.Sizes, r.Value.Calls, Stopwatch.GetElapsedTime(0, r.Value.Ticks))).OrderByDescending(r => r.Total).ThenBy(r => r.Name, StringComparer.Ordinal)];

    /// <summary>Ends watching. Done by the thread that made it; disposing twice does nothing.</summary>
    /// <exception cref="InvalidOperationException">Another thread disposes it, or a profiler made later is still watching.</exception>
    public void Dispose()
    {
        if (_end != 0) { return; }
        if (Environment.CurrentManagedThreadId != _thread || t_current != this) { throw new InvalidOperationException("profiler: it is disposed on another thread than made it, or before one that was made later; use nested using blocks"); }
        _end = Stopwatch.GetTimestamp();
        t_current = _outer;
    }

    /// <summary>A table: what, sizes, calls, milliseconds in all, microseconds a call, share of <see cref="Elapsed"/>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        double whole = Elapsed.TotalMilliseconds, sum = 0;
        text.Append(CultureInfo.InvariantCulture, $"{"call",-28} {"sizes",-24} {"calls",8} {"ms",10} {"µs each",10} {"share",6}\n");
        foreach (var row in Calls)
        {
            double ms = row.Total.TotalMilliseconds;
            sum += ms;
            text.Append(CultureInfo.InvariantCulture, $"{row.Name,-28} {row.Sizes,-24} {row.Calls,8} {ms,10:0.000} {ms * 1000 / row.Calls,10:0.0} {ms / whole,6:0.0 %}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"{"outside the device",-28} {"",-24} {"",8} {whole - sum,10:0.000} {"",10} {(whole - sum) / whole,6:0.0 %}\n");
        return text.ToString();
    }

    /// <summary>A loop over a formula begins; what it calls itself is part of it.</summary>
    internal static Watch Begin<F>(int length) => t_current is null ? default : new(Formula(typeof(F)), Number(length));

    /// <summary>A copy or the like begins.</summary>
    internal static Watch Begin(string name, int length) => t_current is null ? default : new(name, Number(length));

    /// <summary>A kernel begins.</summary>
    internal static Watch Begin<K>(in K kernel) where K : struct, IKernel => t_current is null ? default : new(K.Name, kernel.Sizes);

    private void Add(string name, string sizes, long ticks)
    {
        _rows.TryGetValue((name, sizes), out var row);
        _rows[(name, sizes)] = (row.Calls + 1, row.Ticks + ticks);
        t_current = this;
    }

    // the formula that a loop or a gradient wraps comes first: "Functions.TanhFormula (PullMap)"
    private static string Formula(Type type)
    {
        string whole = type.ToString();
        int open = whole.IndexOf('`', StringComparison.Ordinal);
        if (open < 0) { return Last(whole); }
        string inner = Last(whole[whole.IndexOf('[', StringComparison.Ordinal)..].Trim('[', ']')), outer = Last(whole[..open]);
        return outer == $"{nameof(CpuDevice)}.TwoOfThree" ? inner : $"{inner} ({outer[(outer.LastIndexOf('.') + 1)..]})";
    }

    // DeepEdu.Ops.Activations+GeluPull is Activations.GeluPull
    private static string Last(string type) => type[(type.LastIndexOf('.') + 1)..].Replace('+', '.');

    private static string Number(int n) => n.ToString(CultureInfo.InvariantCulture);

    /// <summary>A call under way; <c>default</c> if nobody watches.</summary>
    internal readonly ref struct Watch
    {
        private readonly Profiler? _profiler;
        private readonly string _name, _sizes;
        private readonly long _start;

        public Watch(string name, string sizes)
        {
            (_profiler, t_current) = (t_current, null);
            (_name, _sizes, _start) = (name, sizes, Stopwatch.GetTimestamp());
        }

        /// <summary>The call has ended.</summary>
        public void Dispose() => _profiler?.Add(_name, _sizes, Stopwatch.GetTimestamp() - _start);
    }
}

/// <summary>Calls of one kind.</summary>
/// <param name="Name">The kernel's name, or the formula's of a loop.</param>
/// <param name="Sizes">What makes up its cost, such as <c>2048×128→512</c>; values computed for a loop.</param>
/// <param name="Calls">How many.</param>
/// <param name="Total">Their time.</param>
public readonly record struct ProfiledCall(string Name, string Sizes, long Calls, TimeSpan Total);
