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

    /// <summary>Which four rows and columns are this thread's. A warp covers 4 × 8 threads of the 16 × 16, so that it reads few different values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Place(out int ty, out int tx)
    {
        uint me = (uint)Group.IdxX, warp = me / 32, lane = me % 32;
        ty = (int)((warp / 2 * 4) + (lane / 8));
        tx = (int)((warp % 2 * 8) + (lane % 8));
    }

    /// <summary>sum += aᵀ·b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(Fours a, Fours b, int ty, int tx, ref Quad sum)
    {
        for (int k = 0; k < Depth; k += 4, ty += 4 * Stride, tx += 4 * Stride)
        {
            sum.Add(a[ty], b[tx]);
            sum.Add(a[ty + Stride], b[tx + Stride]);
            sum.Add(a[ty + (2 * Stride)], b[tx + (2 * Stride)]);
            sum.Add(a[ty + (3 * Stride)], b[tx + (3 * Stride)]);
        }
    }

    /// <summary>The same where a lies the other way: four of its rows from <paramref name="y"/> on, each with 16 values along k.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddAcross(Fours a, Fours b, int y, int tx, ref Quad sum)
    {
        for (int k = 0; k < Depth; k += 4, y++, tx += 4 * Stride)
        {
            Float4 p = a[y], q = a[y + Stride], r = a[y + (2 * Stride)], s = a[y + (3 * Stride)];
            sum.Add(Of(p.X, q.X, r.X, s.X), b[tx]);
            sum.Add(Of(p.Y, q.Y, r.Y, s.Y), b[tx + Stride]);
            sum.Add(Of(p.Z, q.Z, r.Z, s.Z), b[tx + (2 * Stride)]);
            sum.Add(Of(p.W, q.W, r.W, s.W), b[tx + (3 * Stride)]);
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
