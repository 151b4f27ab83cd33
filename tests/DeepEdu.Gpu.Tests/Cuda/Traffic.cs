using System.Numerics;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>How the warps of a launch read and write memory: what the accelerator moves, beside the least that could hold what they asked for. A warp's access to global memory takes a sector of 32 bytes for each that any of its
/// threads touches; one of shared memory takes as many rounds as different words of one bank are asked for (32 banks of 4 bytes; 8 and 16 bytes go half and a quarter of the warp at a time).</summary>
internal sealed class Traffic
{
    /// <summary>The launches of this thread's devices while this is set, in the order in which they ran.</summary>
    [field: ThreadStatic]
    public static List<Traffic>? Launches { get; set; }

    /// <summary>The driver's number of the kernel.</summary>
    public required nint Function { get; init; }

    /// <summary>Sectors of global memory, and the fewest that hold as many different words.</summary>
    public long Sectors { get; private set; }

    /// <inheritdoc cref="Sectors"/>
    public long LeastSectors { get; private set; }

    /// <summary>Rounds of shared memory, and how many there would be if no two threads wanted different words of a bank.</summary>
    public long Rounds { get; private set; }

    /// <inheritdoc cref="Rounds"/>
    public long LeastRounds { get; private set; }

    /// <summary>Takes note of a warp's access: each active lane's address.</summary>
    public void Global(Warp w, Instruction i, int bytes)
    {
        Span<long> words = stackalloc long[32 * 4];
        int n = 0;
        for (uint m = w.Active; m != 0; m &= m - 1)
        {
            long address = Access.Address(w, i, BitOperations.TrailingZeroCount(m));
            for (int b = 0; b < bytes; b += 4) { words[n++] = (address + b) >> 2; }
        }
        words = words[..n];
        words.Sort();
        long sector = -1, word = -1;
        int different = 0;
        foreach (long one in words)
        {
            if (one != word) { different++; }
            if (one >> 3 != sector) { Sectors++; }
            (word, sector) = (one, one >> 3);
        }
        LeastSectors += (different + 7) / 8;
    }

    /// <inheritdoc cref="Global"/>
    public void Shared(Warp w, Instruction i, int bytes)
    {
        int together = Math.Min(32, 128 / bytes);
        Span<long> words = stackalloc long[32];
        Span<int> banks = stackalloc int[32];
        for (int from = 0; from < 32; from += together)
        {
            int n = 0;
            for (int lane = from; lane < from + together; lane++)
            {
                if ((w.Active >> lane & 1) == 0) { continue; }
                long address = Access.Address(w, i, lane);
                for (int b = 0; b < bytes; b += 4)
                {
                    long word = (address + b) >> 2;
                    if (!words[..n].Contains(word)) { words[n++] = word; }
                }
            }
            if (n == 0) { continue; }
            banks.Clear();
            int most = 0;
            foreach (long word in words[..n]) { most = Math.Max(most, ++banks[(int)(word & 31)]); }
            Rounds += most;
            LeastRounds++;
        }
    }

    public override string ToString() => FormattableString.Invariant($"global {Sectors} of {LeastSectors} sectors ({(double)Sectors / Math.Max(1, LeastSectors):0.00}), shared {Rounds} of {LeastRounds} rounds ({(double)Rounds / Math.Max(1, LeastRounds):0.00})");
}
