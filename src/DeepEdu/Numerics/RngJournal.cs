namespace DeepEdu.Numerics;

/// <summary>Notes where each stream of random numbers stood before this thread first drew from it, so that a computation can be run again with the same numbers.</summary>
internal sealed class RngJournal : IDisposable
{
    [ThreadStatic] private static RngJournal? t_current;
    private static int s_open;

    private readonly Dictionary<Rng, (ulong Position, ulong Forks)> _starts = new(ReferenceEqualityComparer.Instance);
    private readonly RngJournal? _outer = t_current;

    private RngJournal() { }

    /// <summary>Whether any thread keeps one: draws look no further if not.</summary>
    public static bool IsAnyOpen => Volatile.Read(ref s_open) != 0;

    /// <summary>Opens one inside the current one; disposing closes it.</summary>
    public static RngJournal Open()
    {
        var journal = new RngJournal();
        Interlocked.Increment(ref s_open);
        return t_current = journal;
    }

    public static void Note(Rng rng)
    {
        for (var journal = t_current; journal is not null; journal = journal._outer) { journal._starts.TryAdd(rng, (rng.Position, rng.Forks)); }
    }

    public void Dispose()
    {
        t_current = _outer;
        Interlocked.Decrement(ref s_open);
    }

    /// <summary>The streams that were drawn from.</summary>
    public IReadOnlyCollection<Rng> Drawn => _starts.Keys;

    /// <summary>Puts every noted stream back to its start until the result is disposed; then each stands where it stood before.</summary>
    public Replayed Replay()
    {
        var before = new (Rng, ulong, ulong)[_starts.Count];
        int i = 0;
        foreach (var (rng, start) in _starts)
        {
            before[i++] = (rng, rng.Position, rng.Forks);
            (rng.Position, rng.Forks) = start;
        }
        return new(before);
    }

    /// <summary>The time of a replay.</summary>
    public readonly struct Replayed((Rng Rng, ulong Position, ulong Forks)[] before) : IDisposable
    {
        public void Dispose()
        {
            foreach (var (rng, position, forks) in before) { (rng.Position, rng.Forks) = (position, forks); }
        }
    }
}
