using System.Numerics;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>What the threads of a warp do together.</summary>
internal static unsafe class Warps
{
    public static void Nothing(Warp w, Instruction i) { }

    public static void Fence(Warp w, Instruction i) => w.Block.Fence(w);

    public static void Trap(Warp w, Instruction i) => throw w.Block.Fault(w, i, w.Lane(), "the kernel gives up", KernelFault.IllegalInstruction);

    public static void ActiveMask(Warp w, Instruction i)
    {
        for (uint m = w.Active; m != 0; m &= m - 1) { Lanes.Put(w.R + i.D, BitOperations.TrailingZeroCount(m), w.Active); }
    }

    public static void All(Warp w, Instruction i) => Lanes.PutPredicate(w, i.D, (Votes(w, i) & w.Active) == w.Active ? uint.MaxValue : 0);

    public static void Any(Warp w, Instruction i) => Lanes.PutPredicate(w, i.D, (Votes(w, i) & w.Active) != 0 ? uint.MaxValue : 0);

    public static void Ballot(Warp w, Instruction i)
    {
        uint votes = Votes(w, i) & w.Active;
        for (uint m = w.Active; m != 0; m &= m - 1) { Lanes.Put(w.R + i.D, BitOperations.TrailingZeroCount(m), votes); }
    }

    /// <summary>A value of another lane: c holds the last lane of a segment in its low bits, and from bit 8 on the mask of lanes that stay in it.</summary>
    public static void Shuffle(Warp w, Instruction i)
    {
        uint* a = (uint*)(w.R + i.A), b = (uint*)(w.R + i.B), c = (uint*)(w.R + i.C);
        uint* result = stackalloc uint[32];
        uint inside = 0;
        for (uint m = w.Active; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m), by = (int)(b[lane] & 31), clamp = (int)(c[lane] & 31), segment = (int)(c[lane] >> 8 & 31);
            int last = (lane & segment) | (clamp & ~segment), first = lane & segment;
            int from = i.Target switch { 0 => lane - by, 1 => lane + by, 2 => lane ^ by, _ => first | (by & ~segment) };
            bool isInside = i.Target == 0 ? from >= last : from <= last;
            if (!isInside) { from = lane; }
            if ((w.Active >> from & 1) == 0) { throw w.Block.Fault(w, i, lane, $"lane {from} is not there"); }
            result[lane] = a[from];
            if (isInside) { inside |= 1u << lane; }
        }
        for (uint m = w.Active; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            Lanes.Put(w.R + i.D, lane, result[lane]);
        }
        if (i.E >= 0) { Lanes.PutPredicate(w, i.E, inside); }
    }

    private static uint Votes(Warp w, Instruction i)
    {
        uint p = *(uint*)(w.R + i.A);
        return i.IsInverted ? ~p : p;
    }
}
