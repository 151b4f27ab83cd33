using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>What attention's small products work on: rows in whole vectors, tiles of them.</summary>
internal static unsafe class AttentionTiles
{
    /// <summary>C [m, n] (+)= A [m, k]·B [k, n] for up to a tile of rows and whole vectors of columns. A(i, p) lies at a + i·rowA + p·stepA.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Product<L>(int m, int n, int k, float* a, nint rowA, nint stepA, float* b, nint ldb, float* c, nint ldc, bool accumulate) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (k == 0)
        {
            for (int i = 0; i < m && !accumulate; i++) { Clear<L>(c + (i * ldc), n); } // heads of no width: nothing to add up
            return;
        }
        for (int left = n / L.Width; left > 0;)
        {
            int vectors = left == 4 ? 2 : Math.Min(GemmTile.Vectors<L>(), left); // 2 and 2, not 3 and 1: one vector alone leaves the multipliers waiting for loads
            GemmTile.Run<L>(m, vectors, k, a, rowA * sizeof(float), stepA * sizeof(float), b, ldb * sizeof(float), c, ldc, accumulate);
            b += vectors * L.Width;
            c += vectors * L.Width;
            left -= vectors;
        }
    }

    /// <summary>C [m, width] (+)= A [m, k]·B [k, width up to whole vectors], where C's rows need not be whole vectors: then the tile is made in <paramref name="tile"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<L>(int m, int width, int k, float* a, nint rowA, nint stepA, float* b, nint ldb, float* c, nint ldc, bool accumulate, float* tile) where L : struct, IVectorLane<L>, ILane<L>
    {
        int whole = AttentionData.Whole<L>(width);
        if (whole == width)
        {
            Product<L>(m, width, k, a, rowA, stepA, b, ldb, c, ldc, accumulate);
            return;
        }
        Product<L>(m, whole, k, a, rowA, stepA, b, ldb, tile, whole, false);
        for (int i = 0; i < m; i++) { Put<L>(tile + (i * whole), width, 1, c + (i * ldc), accumulate); }
    }

    /// <summary>Rows as they are where they are whole vectors, else a copy with zeros behind each.</summary>
    /// <returns>Where they are, and the floats from one to the next.</returns>
    public static (nint At, nint Row) Whole<L>(float* from, nint row, int rows, int width, float* to) where L : struct, IVectorLane<L>, ILane<L>
    {
        int whole = AttentionData.Whole<L>(width);
        if (whole == width) { return ((nint)from, row); }
        GemmPack.Rows<L>(rows, width, from, row, to, whole);
        return ((nint)to, whole);
    }

    /// <summary>Rows turned round and multiplied: number p of each stands in row p of the result, which is <see cref="AttentionData.Whole{L}"/> of them long.</summary>
    public static void Turn<L>(int width, int rows, float* from, nint row, float* to, float factor) where L : struct, IVectorLane<L>, ILane<L>
    {
        int whole = AttentionData.Whole<L>(rows);
        GemmPack.Columns(width, rows, from, row, to, whole);
        if (factor != 1) { AttentionScores.Times<L>(to, width * whole, factor); }
    }

    /// <summary>x ← 0, in whole vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clear<L>(float* x, int n) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int i = 0; i < n; i += L.Width) { L.Store(0f, ref *x, i); }
    }

    /// <summary>y ← [y +] x·factor, x in whole vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put<L>(float* x, int n, float factor, float* y, bool accumulate) where L : struct, IVectorLane<L>, ILane<L>
    {
        int i = 0;
        for (; i <= n - L.Width; i += L.Width)
        {
            L v = L.Load(in *x, i) * factor;
            L.Store(accumulate ? v + L.Load(in *y, i) : v, ref *y, i);
        }
        for (; i < n; i++) { y[i] = accumulate ? y[i] + (x[i] * factor) : x[i] * factor; }
    }
}
