using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace DeepEdu.Devices;

/// <summary>The threads behind <see cref="Work"/>. One job runs at a time; its chunks are claimed one by one by whoever is free, the caller first of all, so a worker
/// that wakes late delays nobody. A worker that ran out of work spins for a while, because the next job of a training step comes within microseconds and the next step soon, then parks.</summary>
internal static class WorkPool
{
    // a worker that is woken may come up on the caller's core, and then it takes the system a millisecond or more to part them: rather spin from one training step to the next
    private const int SpinMicroseconds = 2000;
    private const int AwaitMicroseconds = 100;

    private static readonly object s_gate = new();

    private static Worker[] s_workers = [];
    private static int s_busy;
    private static volatile Job? s_job;
    private static volatile Exception? s_error;
    private static volatile int s_chunks;
    private static volatile bool s_asleep;
    private static Counters s_counters;

    [ThreadStatic] private static bool t_inside;

    /// <summary>Runs the job on up to <paramref name="threads"/> threads; false if the caller must run it alone.</summary>
    public static bool TryRun<T>(int threads, int chunks, in T body) where T : struct, IChunks
    {
        if (t_inside || Interlocked.CompareExchange(ref s_busy, 1, 0) != 0) { return false; }
        var workers = Workers(threads - 1);
        var job = Job<T>.Instance;
        job.Body = body;
        s_job = job;
        s_chunks = chunks;
        s_error = null;
        t_inside = true;
        Volatile.Write(ref s_counters.Pending, chunks);
        // The word is both the job's number and the chunks left, so a late claim by a worker that still looks at an older job cannot succeed.
        long number = (Volatile.Read(ref s_counters.Unclaimed) >> 32) + 1;
        Interlocked.Exchange(ref s_counters.Unclaimed, (number << 32) | (uint)chunks);
        for (int i = 0; i < threads - 1; i++) { workers[i].Wake(); }
        while (TryChunk()) { }
        Await();
        var error = s_error;
        s_error = null;
        job.Body = default; // hold no references
        t_inside = false;
        Volatile.Write(ref s_busy, 0);
        if (error is not null) { ExceptionDispatchInfo.Throw(error); }
        return true;
    }

    private static bool TryChunk()
    {
        while (true)
        {
            long seen = Volatile.Read(ref s_counters.Unclaimed);
            int left = (int)seen;
            if (left == 0) { return false; }
            if (Interlocked.CompareExchange(ref s_counters.Unclaimed, seen - 1, seen) != seen) { continue; }
            // From here on the job cannot end before this chunk does: its fields hold still.
            try
            {
                if (s_error is null) { s_job!.Run(s_chunks - left); }
            }
            catch (Exception e)
            {
                s_error = e;
            }
            if (Interlocked.Decrement(ref s_counters.Pending) == 0 && s_asleep) { Rouse(); }
            return true;
        }
    }

    // The last chunks are with others. One that takes long is with a thread that waits for a core, perhaps for this one: the system put it here when it woke. Yielding in turns would keep
    // both on this core for milliseconds; a thread that sleeps is woken on one that is free.
    private static void Await()
    {
        long patience = Stopwatch.Frequency * AwaitMicroseconds / 1_000_000, since = 0;
        for (int i = 0; Volatile.Read(ref s_counters.Pending) != 0; i++)
        {
            Thread.SpinWait(1);
            if (i < 500) { continue; }
            if (since == 0) { since = Stopwatch.GetTimestamp(); }
            else if (Stopwatch.GetTimestamp() - since > patience) { Sleep(); }
        }
    }

    private static void Sleep()
    {
        lock (s_gate)
        {
            s_asleep = true;
            Interlocked.MemoryBarrier(); // the flag before the look at the counter, as the counter before the look at the flag
            while (Volatile.Read(ref s_counters.Pending) != 0) { Monitor.Wait(s_gate); }
            s_asleep = false;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Rouse()
    {
        lock (s_gate) { Monitor.Pulse(s_gate); }
    }

    // only the owner of the busy flag comes here
    private static Worker[] Workers(int count)
    {
        int old = s_workers.Length;
        if (old < count)
        {
            try
            {
                var workers = s_workers;
                Array.Resize(ref workers, count);
                for (int i = old; i < count; i++) { workers[i] = new Worker(i); }
                s_workers = workers;
            }
            catch
            {
                Volatile.Write(ref s_busy, 0); // the system refused a thread
                throw;
            }
        }
        return s_workers;
    }

    /// <summary>Each on a cache line of its own: every thread writes them.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private struct Counters
    {
        /// <summary>The job's number above, its chunks that nobody has claimed in the low 32 bits.</summary>
        [FieldOffset(128)] public long Unclaimed;

        /// <summary>Chunks that are not done.</summary>
        [FieldOffset(256)] public int Pending;
    }

    private abstract class Job
    {
        public abstract void Run(int chunk);
    }

    // one object for each body type, made once: a call allocates nothing
    private sealed class Job<T> : Job where T : struct, IChunks
    {
        public static readonly Job<T> Instance = new();
        public T Body;

        public override void Run(int chunk) => Body.Run(chunk);
    }

    private sealed class Worker
    {
        private readonly object _gate = new();
        private readonly int _index;
        private int _parked;

        public Worker(int index)
        {
            _index = index;
            new Thread(Loop) { IsBackground = true, Name = $"DeepEdu {index + 1}" }.Start();
        }

        public void Wake()
        {
            if (Volatile.Read(ref _parked) == 0) { return; }
            lock (_gate)
            {
                Volatile.Write(ref _parked, 0);
                Monitor.Pulse(_gate);
            }
        }

        private void Loop()
        {
            t_inside = true;
            long patience = Stopwatch.Frequency * SpinMicroseconds / 1_000_000;
            long idleSince = Stopwatch.GetTimestamp();
            uint spins = 0;
            while (true)
            {
                bool allowed = _index < DeepEduOptions.MaxThreads - 1;
                if (allowed && TryChunk())
                {
                    while (TryChunk()) { }
                    idleSince = Stopwatch.GetTimestamp();
                }
                else if (allowed && Stopwatch.GetTimestamp() - idleSince < patience)
                {
                    Thread.SpinWait(1);
                    if ((++spins & 63) == 0) { Thread.Yield(); } // whoever waits for this core goes first, the caller of the next job among them
                }
                else
                {
                    Park();
                    idleSince = Stopwatch.GetTimestamp();
                }
            }
        }

        private void Park()
        {
            Interlocked.Exchange(ref _parked, 1);
            // a job may have come between the last look and the flag
            if (_index < DeepEduOptions.MaxThreads - 1 && (int)Volatile.Read(ref s_counters.Unclaimed) != 0)
            {
                Volatile.Write(ref _parked, 0);
                return;
            }
            lock (_gate)
            {
                while (Volatile.Read(ref _parked) != 0) { Monitor.Wait(_gate); }
            }
        }
    }
}
