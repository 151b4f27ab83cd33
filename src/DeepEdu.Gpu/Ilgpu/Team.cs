using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu;

/// <summary>Threads that share a row: a power of two of them, so that several teams fill a group. They fold as a tree, in an order that depends on sizes alone.</summary>
internal struct Team
{
    /// <summary>The most threads of a group: the room that a kernel allocates for its teams.</summary>
    public const int MaxThreads = 1024;

    /// <summary>How many rows there are.</summary>
    public int Count;

    /// <summary>Threads of a team.</summary>
    public int Size;

    /// <summary>From one thread of a team to its next: 1 where the values of a row are neighbours in memory; as much as there are teams in the group where rows are.</summary>
    public int Stride;

    /// <summary>The powers of two: kernels shift rather than divide.</summary>
    public int SizeBits, StrideBits;

    /// <summary>This thread's number in its team.</summary>
    public readonly int Me => Stride == 1 ? Group.IdxX & (Size - 1) : Group.IdxX >> StrideBits;

    /// <summary>The group's first row. From there its threads go on together, so that all meet at the same barriers.</summary>
    public readonly long First => (long)Grid.IdxX * Teams;

    /// <summary>From the group's first row to the next that it takes.</summary>
    public readonly long Step => (long)Grid.DimX * Teams;

    private readonly int Teams => Group.DimX >> SizeBits;

    /// <summary>This thread's row; beyond the last one where there are fewer.</summary>
    public readonly int Row(long first) => (int)first + (Stride == 1 ? Group.IdxX >> SizeBits : Group.IdxX & (Stride - 1));

    /// <summary>The sum of the team's values, for each of its threads.</summary>
    public readonly float Sum(Floats shared, float v)
    {
        if (Size == 1) { return v; }
        int at = Group.IdxX, me = Me;
        shared[at] = v;
        Group.Barrier();
        for (int half = Size >> 1; half > 0; half >>= 1)
        {
            if (me < half) { shared[at] += shared[at + (half * Stride)]; }
            Group.Barrier();
        }
        float sum = shared[at - (me * Stride)];
        Group.Barrier();
        return sum;
    }

    /// <summary>What the team's values are together, for the first of its threads.</summary>
    public readonly float Join<F>(Floats shared, F f, float v) where F : unmanaged, Lanes.IFold
    {
        if (Size == 1) { return v; }
        int at = Group.IdxX, me = Me;
        shared[at] = v;
        Group.Barrier();
        for (int half = Size >> 1; half > 0; half >>= 1)
        {
            if (me < half) { shared[at] = f.Join(new GpuLane(shared[at]), new GpuLane(shared[at + (half * Stride)])).V; }
            Group.Barrier();
        }
        return shared[at];
    }

    /// <summary>The largest of the team's values, for each of its threads.</summary>
    public readonly float Max(Floats shared, float v)
    {
        if (Size == 1) { return v; }
        int at = Group.IdxX, me = Me;
        shared[at] = v;
        Group.Barrier();
        for (int half = Size >> 1; half > 0; half >>= 1)
        {
            if (me < half) { shared[at] = GpuLane.Max(shared[at], shared[at + (half * Stride)]).V; }
            Group.Barrier();
        }
        float max = shared[at - (me * Stride)];
        Group.Barrier();
        return max;
    }

    /// <summary>The number of the largest key, the first of equals, for each of the team's threads.</summary>
    public readonly int Largest(ArrayView<int> keys, ArrayView<int> numbers, int key, int number)
    {
        if (Size == 1) { return number; }
        int at = Group.IdxX, me = Me;
        keys[at] = key;
        numbers[at] = number;
        Group.Barrier();
        for (int half = Size >> 1; half > 0; half >>= 1)
        {
            if (me < half)
            {
                int other = at + (half * Stride), a = keys[at], b = keys[other];
                if (b > a || (b == a && numbers[other] < numbers[at]))
                {
                    keys[at] = b;
                    numbers[at] = numbers[other];
                }
            }
            Group.Barrier();
        }
        int found = numbers[at - (me * Stride)];
        Group.Barrier();
        return found;
    }
}

/// <content>Teams for rows.</content>
public sealed partial class GpuDevice
{
    // threads that keep a large accelerator busy
    private const int Plenty = 1 << 16;

    /// <summary>Teams for so many rows of n values: at least four values a thread.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="n">Values of a row.</param>
    /// <param name="across">Whether rows, not values of a row, are neighbours in memory.</param>
    /// <param name="how">How to launch them.</param>
    internal Team Teams(int rows, int n, bool across, out KernelConfig how)
    {
        int most = Math.Min(Team.MaxThreads, _accelerator.MaxNumThreadsPerGroup), wanted = PowerOfTwo(((long)n + 3) / 4, most), all = PowerOfTwo(rows, 1 << 30), size, teams;
        if (across)
        {
            teams = Math.Min(32, all);
            size = Math.Min(Math.Min(wanted, most / teams), Math.Max(1, Plenty / all));
            teams = Math.Clamp(_group / size, teams, all);
        }
        else
        {
            size = wanted;
            teams = Math.Clamp(_group / size, 1, all);
        }
        how = new((int)Math.Clamp(((long)rows + teams - 1) / teams, 1, 65535), size * teams);
        int stride = across ? teams : 1;
        return new() { Count = rows, Size = size, Stride = stride, SizeBits = System.Numerics.BitOperations.Log2((uint)size), StrideBits = System.Numerics.BitOperations.Log2((uint)stride) };
    }

    private static int PowerOfTwo(long n, int most) => n >= most ? most : (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, n));
}
