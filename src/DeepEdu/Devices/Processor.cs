using System.Runtime.Intrinsics.X86;

namespace DeepEdu.Devices;

/// <summary>What was measured of processors beyond the instructions they have.</summary>
internal static class Processor
{
    private const int Zen4 = 0x19, Zen5 = 0x1A; // families; the first is Zen 3's, too, on which nothing was measured

    /// <summary>Whether stores to lines far away are worth asking for first. Zen 4 has room for 64 stores under way and stands still behind them: a product of 2048 × 512 × 128 gains 14 % by asking. Zen 5 has
    /// room for more, and loses 2 %.</summary>
    public static readonly bool AsksForStores = X86Base.IsSupported && Family() is var (amd, family) && !(amd && family >= Zen5);

    /// <summary>From how many floats on, read and written, a loop writes past the caches, which spares reading the result's lines first. On Zen 4 with 32 MB of third level, chains of sums and products of 16 Mi floats take
    /// .6 to .7 of the time so, of 6 Mi .75, of 1.5 Mi 1.3 times as much; Zen 5 reads the lines so fast that only what is far larger gains.</summary>
    public static readonly int StreamsFrom = X86Base.IsSupported && Family() is (true, Zen4) ? 5 << 20 : 1 << 24;

    /// <summary>The same of copies row by row. Zen 5 takes 1.6 times as long so for rows of 4 KB.</summary>
    public static readonly int CopiesStreamFrom = X86Base.IsSupported && Family() is (true, Zen4) ? 5 << 20 : int.MaxValue;

    // AMD64 Architecture Programmer's Manual, volume 3, appendix E: functions 0 and 1
    private static (bool Amd, int Family) Family()
    {
        var (_, vendor, _, _) = X86Base.CpuId(0, 0);
        var (signature, _, _, _) = X86Base.CpuId(1, 0);
        return (vendor == 0x68747541, ((signature >> 8) & 15) + ((signature >> 20) & 255)); // "Auth"
    }
}
