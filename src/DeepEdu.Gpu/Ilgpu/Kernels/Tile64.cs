using System.Runtime.CompilerServices;
using ILGPU;
using Fours = ILGPU.ArrayView<DeepEdu.Gpu.Float4>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Tiles of 64 × 64 values that a group of 256 threads makes, 4 × 4 a thread, from factors [k][64] in shared memory.</summary>
internal static class Tile64
{
    /// <summary>Sides of a tile; threads of a group; how much of the factors is in shared memory at a time.</summary>
    public const int Side = 64, Threads = 256, Depth = 16;

    /// <summary>From one row in shared memory to the next: in fours, and in floats. A little more than a side, so that columns written together fall into different banks.</summary>
    public const int Stride = (Side / 4) + 1, Pitch = 4 * Stride;

    /// <summary>Fours that a factor takes in shared memory, of so many rows as a tile has or are there at a time; a few more, because a view may not begin further behind its end.</summary>
    public const int SideRoom = (Side * Stride) + (Side / 4), DepthRoom = (Depth * Stride) + (Side / 4);

    /// <summary>Which four rows and columns are this thread's. A warp covers 4 × 8 threads of the 16 × 16, so that it reads few different values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Place(out int ty, out int tx)
    {
        // shifts and masks: neither compiler makes them of a remainder
        int me = Group.IdxX;
        ty = ((me >> 6) << 2) + ((me >> 3) & 3);
        tx = ((me >> 2) & 8) + (me & 7);
    }

    /// <summary>sum += aᵀ·b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(Fours a, Fours b, int ty, int tx, ref Quad sum)
    {
        // four steps at a time: their distances are constants, which are part of a load
        Fours y = a.SubView(ty), x = b.SubView(tx);
        for (int k = 0; k < Depth; k += 4)
        {
            sum.Add(y[0], x[0]);
            sum.Add(y[Stride], x[Stride]);
            sum.Add(y[2 * Stride], x[2 * Stride]);
            sum.Add(y[3 * Stride], x[3 * Stride]);
            y = y.SubView(4 * Stride);
            x = x.SubView(4 * Stride);
        }
    }

    /// <summary>The same where a lies the other way: four of its rows from <paramref name="y"/> on, each with 16 values along k.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddAcross(Fours a, Fours b, int y, int tx, ref Quad sum)
    {
        Fours rows = a.SubView(y), x = b.SubView(tx);
        for (int k = 0; k < Depth; k += 4)
        {
            Float4 p = rows[0], q = rows[Stride], r = rows[2 * Stride], s = rows[3 * Stride];
            sum.Add(Of(p.X, q.X, r.X, s.X), x[0]);
            sum.Add(Of(p.Y, q.Y, r.Y, s.Y), x[Stride]);
            sum.Add(Of(p.Z, q.Z, r.Z, s.Z), x[2 * Stride]);
            sum.Add(Of(p.W, q.W, r.W, s.W), x[3 * Stride]);
            rows = rows.SubView(1);
            x = x.SubView(4 * Stride);
        }
    }

    private static Float4 Of(float x, float y, float z, float w)
    {
        Float4 v;
        v.X = x;
        v.Y = y;
        v.Z = z;
        v.W = w;
        return v;
    }
}
