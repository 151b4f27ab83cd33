using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace DeepEdu.Devices;

/// <summary>The threads behind <see cref="Work"/>. One job runs at a time. Each thread has its own part of the chunks, the caller the first one, so that from job to job a thread comes back to what lies in its
/// cache; whoever is through takes chunks from the ends of other parts, so a worker that wakes late delays nobody. A worker that ran out of work spins for a while, because the next job of a training step comes
/// within microseconds and the next step soon, then parks.</summary>
[SuppressMessage("Interoperability", "CA1416:Validate platform compatibility", Justification = "not reached where there are no threads: MaxThreads stays 1")]
internal static class WorkPool
{
    // a worker that is woken may come up on the caller's core, and then it takes the system a millisecond or more to part them: rather spin from one training step to the next
    private const int SpinMicroseconds = 2000;
    private const int AwaitMicroseconds = 100;

    private const int Line = 16; // longs: two cache lines, which the processor fetches in pairs
    private const int MaxUnits = ushort.MaxValue;

    private static readonly object s_gate = new();

    private static Worker[] s_workers = [];
    private static int s_busy;
    private static volatile Job? s_job;
    private static volatile Exception? s_error;
    private static volatile int s_chunks, s_group;
    private static volatile bool s_asleep;
    private static Counter s_pending; // chunks that are not done

    // for each thread, the caller first, the part of the job that nobody has claimed: the job's number in the high 32 bits, then the first chunk, then the one after the last, 16 bits each.
    // The number keeps a worker that still looks at an older job from claiming in this one's place.
    private static volatile long[] s_parts = new long[Line];
    private static uint s_number;

    [ThreadStatic] private static bool t_inside;
    [ThreadStatic] private static bool t_interrupted; // while it waited: it is told when the job, which uses its memory, is done

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
        int units = Math.Min(chunks, MaxUnits);
        s_group = (chunks + units - 1) / units;
        units = (chunks + s_group - 1) / s_group;
        Volatile.Write(ref s_pending.Value, units);
        s_number++;
        for (int i = 0; i < threads; i++)
        {
            long first = (long)units * i / threads, end = (long)units * (i + 1) / threads;
            Interlocked.Exchange(ref s_parts[i * Line], ((long)s_number << 32) | (first << 16) | end);
        }
        for (int i = 0; i < threads - 1; i++) { workers[i].Wake(); }
        TakePart(0);
        Await();
        var error = s_error;
        s_error = null;
        job.Body = default; // hold no references
        t_inside = false;
        Volatile.Write(ref s_busy, 0);
        if (t_interrupted)
        {
            t_interrupted = false;
            Thread.CurrentThread.Interrupt();
        }
        if (error is not null) { ExceptionDispatchInfo.Throw(error); }
        return true;
    }

    private static bool HasPart(int self) => Volatile.Read(ref s_parts[self * Line]) is var part && (ushort)(part >> 16) < (ushort)part;

    // until nothing is left to claim
    private static void TakePart(int self)
    {
        int done = 0;
        for (int unit; (unit = Claim(self)) >= 0; done++)
        {
            // From here on the job cannot end before this chunk does: its fields hold still.
            try
            {
                int group = s_group, end = Math.Min(s_chunks, (unit + 1) * group);
                for (int chunk = unit * group; chunk < end && s_error is null; chunk++) { s_job!.Run(chunk); }
            }
            catch (Exception e)
            {
                s_error = e;
            }
        }
        if (done > 0 && Interlocked.Add(ref s_pending.Value, -done) == 0 && s_asleep) { Rouse(); }
    }

    // its own part from the front, another's from the end
    private static int Claim(int self)
    {
        long[] parts = s_parts;
        int threads = parts.Length / Line;
        for (int i = 0, of = self; i < threads; i++, of = of + 1 == threads ? 0 : of + 1)
        {
            ref long part = ref parts[of * Line];
            while (true)
            {
                long seen = Volatile.Read(ref part);
                int first = (ushort)(seen >> 16), end = (ushort)seen;
                if (first >= end) { break; }
                if (Interlocked.CompareExchange(ref part, i == 0 ? seen + (1 << 16) : seen - 1, seen) == seen) { return i == 0 ? first : end - 1; }
            }
        }
        return -1;
    }

    // The last chunks are with others. One that takes long is with a thread that waits for a core, perhaps for this one: the system put it here when it woke. Yielding in turns would keep
    // both on this core for milliseconds; a thread that sleeps is woken on one that is free.
    private static void Await()
    {
        long patience = Stopwatch.Frequency * AwaitMicroseconds / 1_000_000, since = 0;
        for (int i = 0; Volatile.Read(ref s_pending.Value) != 0; i++)
        {
            Thread.SpinWait(1);
            if (i < 500) { continue; }
            if (since == 0) { since = Stopwatch.GetTimestamp(); }
            else if (Stopwatch.GetTimestamp() - since > patience) { Sleep(); }
        }
    }

    private static void Sleep()
    {
        try
        {
            lock (s_gate)
            {
                s_asleep = true;
                Interlocked.MemoryBarrier(); // the flag before the look at the counter, as the counter before the look at the flag
                while (Volatile.Read(ref s_pending.Value) != 0) { Monitor.Wait(s_gate); }
            }
        }
        catch (ThreadInterruptedException) { t_interrupted = true; }
        s_asleep = false;
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
                long[] parts = s_parts; // nobody claims now
                Array.Resize(ref parts, (count + 1) * Line);
                s_parts = parts;
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

    /// <summary>On cache lines of its own: every thread writes it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Counter
    {
        [FieldOffset(128)] public int Value;
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
            while (Volatile.Read(ref _parked) != 0)
            {
                try
                {
                    lock (_gate)
                    {
                        Volatile.Write(ref _parked, 0);
                        Monitor.Pulse(_gate);
                        return;
                    }
                }
                catch (ThreadInterruptedException) { t_interrupted = true; }
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
                if (allowed && HasPart(_index + 1))
                {
                    TakePart(_index + 1);
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
            if (_index < DeepEduOptions.MaxThreads - 1 && HasPart(_index + 1))
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
