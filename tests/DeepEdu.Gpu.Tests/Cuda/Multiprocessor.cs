namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>A multiprocessor of an H100 or H200: 65536 registers, given to a warp in units of 256; 227 KiB of shared memory, given in units of 128 bytes, of which each block takes 1 KiB more; 2048 threads; 32 blocks.</summary>
internal static class Multiprocessor
{
    /// <summary>Blocks that it holds at once.</summary>
    /// <param name="threads">Of a block.</param>
    /// <param name="registers">Of a thread; 0 where nobody has said how many, which then limit nothing.</param>
    /// <param name="sharedBytes">Of a block.</param>
    public static int Blocks(int threads, int registers, int sharedBytes)
    {
        int warps = (threads + 31) / 32, perWarp = ((registers * 32) + 255) / 256 * 256;
        int byRegisters = registers == 0 ? int.MaxValue : 65536 / (perWarp * warps), byMemory = (227 << 10) / (((sharedBytes + 127) / 128 * 128) + 1024);
        return Math.Min(Math.Min(32, 2048 / (32 * warps)), Math.Min(byRegisters, byMemory));
    }
}
