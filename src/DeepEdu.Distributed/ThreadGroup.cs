using DeepEdu.Collectives;

namespace DeepEdu.Distributed;

/// <summary>Ranks that are threads of one process: to try a program that is meant for several processes, and for its tests.
/// <code>
/// float[][] weights = ThreadGroup.Run(2, group => Train(group));
/// </code></summary>
public sealed class ThreadGroup : ICollective
{
    private readonly Hall _hall;
    private int _exchanges;
    private bool _disposed;

    private ThreadGroup(Hall hall, int rank) => (_hall, Rank) = (hall, rank);

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size => _hall.Size;

    /// <summary>One group, seen from each rank.</summary>
    /// <param name="size">How many ranks.</param>
    /// <param name="timeout">How long a rank waits for the others; 5 minutes if null.</param>
    public static ThreadGroup[] Of(int size, TimeSpan? timeout = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        var hall = new Hall(size, timeout ?? TimeSpan.FromMinutes(5));
        return [.. Enumerable.Range(0, size).Select(r => new ThreadGroup(hall, r))];
    }

    /// <summary>Runs a function once for each rank, on a thread of its own, and waits for all.</summary>
    /// <param name="size">How many ranks.</param>
    /// <param name="body">Given its own view of the group.</param>
    /// <param name="timeout">How long a rank waits for the others; 5 minutes if null.</param>
    /// <returns>What it returned, by rank.</returns>
    /// <exception cref="AggregateException">It threw; the exception that the others stopped for comes first.</exception>
    public static T[] Run<T>(int size, Func<ICollective, T> body, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        var results = new T[Math.Max(0, size)];
        var errors = new List<Exception>();
        Thread[] threads = [.. Of(size, timeout).Select((group, rank) => new Thread(() =>
        {
            try { results[rank] = body(group); }
            catch (Exception e)
            {
                lock (errors) { errors.Add(e); }
                group.Abort(e.Message);
            }
            finally { group.Dispose(); }
        }) { IsBackground = true, Name = $"DeepEdu rank {rank}" })];
        foreach (var thread in threads) { thread.Start(); }
        foreach (var thread in threads) { thread.Join(); }
        return errors.Count == 0 ? results : throw new AggregateException(errors.OrderBy(e => e is CollectiveException));
    }

    /// <inheritdoc/>
    public void Exchange(string what, ReadOnlySpan<ReadOnlyMemory<byte>> to, Span<Memory<byte>> from)
    {
        ArgumentException.ThrowIfNullOrEmpty(what);
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNotEqual(to.Length, Size);
        ArgumentOutOfRangeException.ThrowIfNotEqual(from.Length, Size);
        // two sets in turn: who writes the same set again has met everyone since
        var boxes = _hall.Boxes[_exchanges++ & 1];
        for (int r = 0; r < Size; r++) { boxes[r, Rank].Put(to[r].Span); }
        _hall.Meet(Rank, what);
        for (int r = 0; r < Size; r++) { from[r] = boxes[Rank, r].Content; }
    }

    /// <inheritdoc/>
    public void Abort(string why, int rank = -1) => _hall.Fail(new(rank < 0 || rank == Rank ? $"rank {Rank} gave up: {why}" : why, rank < 0 ? Rank : rank));

    /// <summary>Leaves the group: who still waits for this rank gets an error.</summary>
    public void Dispose()
    {
        if (_disposed) { return; }
        _disposed = true;
        _hall.Fail(new($"rank {Rank} has left the group", Rank));
    }

    private sealed class Box
    {
        private byte[] _bytes = [];
        private int _length;

        public Memory<byte> Content => _bytes.AsMemory(0, _length);

        public void Put(ReadOnlySpan<byte> message)
        {
            if (_bytes.Length < message.Length) { _bytes = GC.AllocateUninitializedArray<byte>(message.Length); }
            message.CopyTo(_bytes);
            _length = message.Length;
        }
    }

    /// <summary>Where the ranks meet.</summary>
    private sealed class Hall
    {
        private readonly string?[] _at;
        private readonly TimeSpan _timeout;
        private readonly object _gate = new();
        private CollectiveException? _failure;
        private int _came, _round;

        public Hall(int size, TimeSpan timeout)
        {
            (Size, _timeout, _at) = (size, timeout, new string?[size]);
            Boxes = [New(), New()];

            Box[,] New()
            {
                var boxes = new Box[size, size];
                for (int i = 0; i < boxes.Length; i++) { boxes[i / size, i % size] = new(); }
                return boxes;
            }
        }

        public int Size { get; }

        /// <summary>By receiver and sender.</summary>
        public Box[][,] Boxes { get; }

        public void Fail(CollectiveException why)
        {
            lock (_gate)
            {
                _failure ??= why;
                Monitor.PulseAll(_gate);
            }
        }

        public void Meet(int rank, string what)
        {
            lock (_gate)
            {
                Check(what);
                _at[rank] = what;
                if (Array.Find(_at, a => a is not null && a != what) is { } other)
                {
                    Fail(new($"rank {Array.IndexOf(_at, other)} is at \"{other}\", rank {rank} at \"{what}\": every rank must do the same, in the same order", rank));
                    Check(what);
                }
                if (++_came == Size)
                {
                    (_came, _round) = (0, _round + 1);
                    Array.Clear(_at);
                    Monitor.PulseAll(_gate);
                    return;
                }
                long end = Environment.TickCount64 + (long)_timeout.TotalMilliseconds;
                for (int round = _round; round == _round;)
                {
                    Check(what);
                    int left = (int)Math.Clamp(end - Environment.TickCount64, 0, int.MaxValue);
                    if (left == 0 || !Monitor.Wait(_gate, left))
                    {
                        int late = Array.IndexOf(_at, null);
                        if (round == _round && _failure is null) { Fail(new($"rank {late} has not come to \"{what}\" within {_timeout.TotalSeconds:0.###} s", late)); }
                    }
                }
            }
        }

        // each gets an exception of its own
        private void Check(string what)
        {
            if (_failure is { } f) { throw new CollectiveException($"{what}: {f.Message}", f.Rank); }
        }
    }
}
