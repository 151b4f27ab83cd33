using System.Runtime.Intrinsics.X86;

namespace DeepEdu.Kernels;

/// <summary>What was measured of processors beyond the instructions they have.</summary>
internal static class Processor
{
    private const int Zen5 = 0x1A;

    /// <summary>Whether stores to lines far away are worth asking for first. Zen 4 has room for 64 stores under way and stands still behind them: a product of 2048 × 512 × 128 gains 14 % by asking. Zen 5 has
    /// room for more, and loses 2 %.</summary>
    public static readonly bool AsksForStores = X86Base.IsSupported && Family() is var (amd, family) && !(amd && family >= Zen5);

    // AMD64 Architecture Programmer's Manual, volume 3, appendix E: functions 0 and 1
    private static (bool Amd, int Family) Family()
    {
        var (_, vendor, _, _) = X86Base.CpuId(0, 0);
        var (signature, _, _, _) = X86Base.CpuId(1, 0);
        return (vendor == 0x68747541, ((signature >> 8) & 15) + ((signature >> 20) & 255)); // "Auth"
    }
}
