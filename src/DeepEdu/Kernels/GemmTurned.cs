using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>C = A·Bᵀ as Cᵀ = B·Aᵀ, on one thread. B is read where it lies, its rows taking the part of A's in the tile; what has to be turned round is A, and each tile of Cᵀ on its way out:
/// less than B where A has few rows.</summary>
internal static unsafe class GemmTurned
{
    private const int MaxM = 64;

    /// <summary>Whether turning A, and C once a block of k, costs less than turning B. In multiply-adds of a tile: what does not exist of a last vector, 12 for a float turned there, 8 for one turned once for all.</summary>
    public static bool Pays<L>(int m, long n, int k) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (m > MaxM) { return false; }
        int whole = Whole<L>(m), blockK = GemmBlock.BlockK(k);
        return ((whole - m) * n * k) + (12 * m * (k + (n * ((k + blockK - 1) / blockK)))) < 8 * n * k;
    }

    /// <summary>C [m, n] (+)= A [m, k] · B [n, k]ᵀ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Run<L>(int m, int n, int k, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, bool accumulate, Epilogue epilogue)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        int wide = GemmTile.Vectors<L>() * L.Width, blockK = GemmBlock.BlockK(k);
        // panels of like width
        int panels = (m + wide - 1) / wide, width = Whole<L>((m + panels - 1) / panels);
        int rows = width < 3 * L.Width ? Math.Max(6, GemmTile.Rows<L>()) : GemmTile.Rows<L>(); // of 16 registers, 6 × 2 take 15
        float* sums = stackalloc float[16 * 48], turned = stackalloc float[16 * 48], packed = Scratch.Panels.Take(panels * width * blockK);
        for (int p = 0; p < k; p += blockK)
        {
            int kc = Math.Min(blockK, k - p);
            for (int i = 0; i < m; i += width)
            {
                int mc = Math.Min(width, m - i);
                GemmPack.Columns(kc, mc, a + (i * lda) + p, lda, packed + ((nint)i * kc), Whole<L>(mc));
            }
            for (int j = 0; j < n; j += 16)
            {
                int columns = Math.Min(16, n - j);
                var end = new TileEnd(accumulate || p > 0, p + kc == k ? epilogue.From(j) : default);
                for (int i = 0; i < m; i += width)
                {
                    int mc = Math.Min(width, m - i), whole = Whole<L>(mc);
                    for (int q = 0; q < columns; q += rows)
                    {
                        float* bq = b + ((j + q) * ldb) + p;
                        GemmTile.Run<L>(Math.Min(rows, columns - q), whole / L.Width, kc, bq, ldb * sizeof(float), sizeof(float), packed + ((nint)i * kc), whole * sizeof(float), sums + (q * whole), whole, false);
                    }
                    GemmPack.Columns(mc, columns, sums, whole, turned, 16);
                    end.PutRows<L>(mc, columns, turned, 16, c + (i * ldc) + j, ldc);
                }
            }
        }
    }

    private static int Whole<L>(int m) where L : struct, IVectorLane<L>, ILane<L> => (m + L.Width - 1) / L.Width * L.Width;
}
