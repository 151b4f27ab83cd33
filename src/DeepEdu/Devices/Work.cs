namespace DeepEdu.Devices;

/// <summary>A piece of parallel work, cut into numbered chunks.</summary>
public interface IChunks
{
    /// <summary>Does chunk <paramref name="chunk"/>. Chunks may run in any order, at the same time.</summary>
    void Run(int chunk);
}

/// <summary>Parallel work over a range of indices.</summary>
public interface IRange
{
    /// <summary>Does the indices from <paramref name="from"/> up to, not including, <paramref name="to"/>. Ranges may run in any order, at the same time.</summary>
    void Run(int from, int to);
}

/// <summary>Runs chunks on a small pool of threads of its own. What a chunk is depends on sizes only, never on the number of threads, so results have the same
/// bits on one thread and on many. With <see cref="DeepEduOptions.MaxThreads"/> 1 everything runs on the caller and no thread is ever made.</summary>
public static class Work
{
    /// <summary>Runs chunks 0..<paramref name="chunks"/>−1 and returns when all are done. Called from inside a chunk, or while another thread's work has the pool,
    /// it runs them one after the other on the caller. An exception of a chunk comes out here; chunks that had not begun are left out.</summary>
    public static void Run<T>(int chunks, in T body) where T : struct, IChunks
    {
        int threads = Math.Min(DeepEduOptions.MaxThreads, chunks);
        if (threads <= 1 || !WorkPool.TryRun(threads, chunks, in body)) { Alone(chunks, in body); }
    }

    /// <summary>Two pieces of work that do not need each other, as one: each thread does its part of the first, then its part of the second, and then helps others. Large chunks are best first.</summary>
    internal static void Run<A, B>(int first, in A a, int second, in B b) where A : struct, IChunks where B : struct, IChunks
        => Run(first + second, new Both<A, B>(first, a, second, b, Math.Min(DeepEduOptions.MaxThreads, first + second)));

    /// <summary>Runs chunks 0..<paramref name="chunks"/>−1 one after the other on the caller: for what takes less than some 5 µs, because handing it over costs one or two.</summary>
    internal static void Alone<T>(int chunks, in T body) where T : struct, IChunks
    {
        var inline = body; // one copy, where calls through `in` would make one each
        for (int i = 0; i < chunks; i++) { inline.Run(i); }
    }

    /// <summary>Cuts 0..<paramref name="length"/>−1 into ranges of <paramref name="grain"/> indices, the last one shorter, and runs them as chunks.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="grain"/> is less than 1.</exception>
    public static void For<T>(int length, int grain, in T body) where T : struct, IRange
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(grain, 1);
        int chunks = (int)(((long)length + grain - 1) / grain);
        if (chunks <= 1)
        {
            if (length > 0)
            {
                var inline = body;
                inline.Run(0, length);
            }
            return;
        }
        Run(chunks, new Ranges<T>(length, grain, body));
    }

    // in the order in which threads have their parts: of the first work and of the second for one, then for the next
    private struct Both<A, B>(int first, A a, int second, B b, int threads) : IChunks where A : struct, IChunks where B : struct, IChunks
    {
        private A _a = a;
        private B _b = b;

        public void Run(int chunk)
        {
            for (int i = 0, other = 0; ; i++)
            {
                int end = (int)((long)first * (i + 1) / threads), otherEnd = (int)((long)second * (i + 1) / threads);
                if (chunk < end + other)
                {
                    _a.Run(chunk - other);
                    return;
                }
                if (chunk < end + otherEnd)
                {
                    _b.Run(chunk - end);
                    return;
                }
                other = otherEnd;
            }
        }
    }

    private struct Ranges<T>(int length, int grain, T body) : IChunks where T : struct, IRange
    {
        private T _body = body;

        public void Run(int chunk)
        {
            int from = chunk * grain;
            _body.Run(from, Math.Min(length - from, grain) + from);
        }
    }
}
