using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using DeepEdu.Devices;

namespace DeepEdu.Data;

/// <summary>Does jobs on background threads and gives their results in order. At most <c>ahead</c> results wait or are in the making, so memory is bounded. Whatever a thread
/// throws is thrown at its result's turn. Disposing stops and joins every thread.</summary>
[SuppressMessage("Interoperability", "CA1416:Validate platform compatibility", Justification = "Run makes no crew where there are no threads")]
internal sealed class Prefetch<J, R> : IDisposable
{
    private static int s_alive;

    private readonly Lock _source = new();
    private readonly object _gate = new();
    private readonly IEnumerator<J> _jobs;
    private readonly Func<J, CancellationToken, R> _work;
    private readonly CancellationToken _asked;
    private readonly CancellationTokenSource _stop;
    private readonly (bool Ready, R? Result, ExceptionDispatchInfo? Error)[] _slots;
    private readonly Thread[] _threads;
    private long _claimed, _taken;
    private bool _ended;

    private Prefetch(Func<CancellationToken, IEnumerable<J>> jobs, Func<J, CancellationToken, R> work, int workers, int ahead, CancellationToken stop)
    {
        _asked = stop;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _jobs = jobs(_stop.Token).GetEnumerator();
        (_work, _slots) = (work, new (bool, R?, ExceptionDispatchInfo?)[ahead]);
        _stop.Token.Register(() => { lock (_gate) { Monitor.PulseAll(_gate); } });
        _threads = new Thread[workers];
        for (int i = 0; i < workers; i++)
        {
            _threads[i] = new Thread(Loop) { IsBackground = true, Name = $"DeepEdu data {i}" };
            _threads[i].Start();
        }
    }

    /// <summary>Threads that have not ended, of all loaders of this kind.</summary>
    public static int Alive => Volatile.Read(ref s_alive);

    /// <summary>The results in order; without workers, or where there are no threads, they are made on the caller's, one at a time.</summary>
    public static IEnumerable<R> Run(Func<CancellationToken, IEnumerable<J>> jobs, Func<J, CancellationToken, R> work, int workers, int ahead, CancellationToken stop)
    {
        if (workers == 0 || !DeepEduOptions.HasThreads)
        {
            foreach (var job in jobs(stop))
            {
                stop.ThrowIfCancellationRequested();
                yield return work(job, stop);
            }
            stop.ThrowIfCancellationRequested();
            yield break;
        }
        using var crew = new Prefetch<J, R>(jobs, work, workers, ahead, stop);
        while (crew.TryTake(out var result))
        {
            yield return result!;
            stop.ThrowIfCancellationRequested();
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        foreach (var thread in _threads) { thread.Join(); }
        _jobs.Dispose();
        _stop.Dispose();
    }

    private bool TryTake(out R? result)
    {
        lock (_gate)
        {
            ref var slot = ref _slots[_taken % _slots.Length];
            while (!slot.Ready)
            {
                _asked.ThrowIfCancellationRequested();
                if (_ended && _taken == _claimed)
                {
                    result = default;
                    return false;
                }
                Monitor.Wait(_gate);
            }
            result = slot.Result;
            var error = slot.Error;
            slot = default;
            _taken++;
            Monitor.PulseAll(_gate);
            error?.Throw();
            return true;
        }
    }

    private void Loop()
    {
        Interlocked.Increment(ref s_alive);
        try
        {
            while (TryClaim(out long number, out var job))
            {
                R? result = default;
                ExceptionDispatchInfo? error = null;
                try { result = _work(job!, _stop.Token); }
                catch (Exception e) { error = ExceptionDispatchInfo.Capture(e); }
                Put(number, result, error);
            }
        }
        finally { Interlocked.Decrement(ref s_alive); }
    }

    private bool TryClaim(out long number, out J? job)
    {
        (number, job) = (0, default);
        lock (_source) // one thread at a time waits for room and reads on
        {
            lock (_gate)
            {
                while (!_ended && !_stop.IsCancellationRequested && _claimed - _taken >= _slots.Length) { Monitor.Wait(_gate); }
                if (_ended || _stop.IsCancellationRequested) { return false; }
                number = _claimed;
            }
            try
            {
                bool any = _jobs.MoveNext();
                if (any) { job = _jobs.Current; }
                lock (_gate)
                {
                    if (any) { _claimed++; } else { _ended = true; }
                    Monitor.PulseAll(_gate);
                }
                return any;
            }
            catch (Exception e)
            {
                lock (_gate) { (_claimed, _ended) = (_claimed + 1, true); }
                Put(number, default, ExceptionDispatchInfo.Capture(e));
                return false;
            }
        }
    }

    private void Put(long number, R? result, ExceptionDispatchInfo? error)
    {
        lock (_gate)
        {
            _slots[number % _slots.Length] = (true, result, error);
            Monitor.PulseAll(_gate);
        }
    }
}
