using DeepEdu.Devices;
using ILGPU;
using ILGPU.Runtime;
using Doubles = ILGPU.ArrayView<double>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>How the threads of a group stand to a matrix by columns in double precision: so many along each of some columns. Both are powers of two.</summary>
internal struct Side
{
    /// <summary>The most threads of a group: the room that a kernel allocates for sums.</summary>
    public const int Most = 512;

    /// <summary>The power of two of threads along a column.</summary>
    public int Bits;

    public readonly int Lanes => 1 << Bits;

    /// <summary>This thread's place along its column.</summary>
    public readonly int Lane => Group.IdxX & (Lanes - 1);

    /// <summary>Columns at a time.</summary>
    public readonly int Columns => Group.DimX >> Bits;

    /// <summary>This thread's column of those.</summary>
    public readonly int Column => Group.IdxX >> Bits;

    /// <summary>The sum over the threads of a column, for each of them. All threads of the group must come.</summary>
    public readonly double Sum(Doubles shared, double v)
    {
        int at = Group.IdxX, me = Lane;
        shared[at] = v;
        Group.Barrier();
        for (int half = Lanes >> 1; half > 0; half >>= 1)
        {
            if (me < half) { shared[at] += shared[at + half]; }
            Group.Barrier();
        }
        double sum = shared[at - me];
        Group.Barrier();
        return sum;
    }

    /// <summary>The sign of the entry that is largest without its own, over the threads of a column; of two as large the positive one's.</summary>
    public readonly int SignOfLargest(Doubles shared, double largest)
    {
        int at = Group.IdxX, me = Lane;
        shared[at] = largest;
        Group.Barrier();
        for (int half = Lanes >> 1; half > 0; half >>= 1)
        {
            if (me < half) { shared[at] = Larger(shared[at], shared[at + half]); }
            Group.Barrier();
        }
        double found = shared[at - me];
        Group.Barrier();
        return found < 0 ? -1 : 1;
    }

    /// <summary>Which of two is larger without its sign; of two as large the positive one.</summary>
    public static double Larger(double a, double b)
    {
        double x = Math.Abs(a), y = Math.Abs(b);
        return y > x || (y == x && b > a) ? b : a;
    }

    /// <summary>√(x² + y²); both are of the size of floats, whose squares double precision holds.</summary>
    public static double Length(double x, double y) => Math.Sqrt((x * x) + (y * y));

    /// <summary>Whether it is 0, by its bits: a comparison may take NaN for it.</summary>
    public static bool IsZero(double x) => (BitConverter.DoubleToInt64Bits(x) & long.MaxValue) == 0;

    /// <summary>Neither infinite nor NaN.</summary>
    public static bool IsFinite(double x) => (BitConverter.DoubleToInt64Bits(x) & long.MaxValue) < 0x7FF0000000000000;
}

/// <summary>Groups for matrices.</summary>
internal static class Sides
{
    /// <summary>Groups of threads for columns of some length.</summary>
    /// <param name="device">The device.</param>
    /// <param name="groups">How many groups.</param>
    /// <param name="along">Values of a column.</param>
    /// <param name="columns">Columns that a group has.</param>
    /// <param name="how">How to launch them.</param>
    public static Side Of(GpuDevice device, int groups, int along, int columns, out KernelConfig how)
    {
        int most = Math.Min(Side.Most, device.Accelerator.MaxNumThreadsPerGroup), wide = PowerOfTwo(columns, 16), lanes = Math.Max(PowerOfTwo(along, most / wide), Math.Max(1, 32 / wide));
        how = new(groups, lanes * wide);
        return new() { Bits = System.Numerics.BitOperations.Log2((uint)lanes) };
    }

    private static int PowerOfTwo(int n, int most) => n >= most ? most : (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, n));
}
