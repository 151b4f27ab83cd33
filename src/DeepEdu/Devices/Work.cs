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
