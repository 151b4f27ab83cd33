using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>One product, or one chunk of it, on one thread: blocks of k, panels of B as wide as a tile, tiles down the rows of A.</summary>
internal static unsafe class GemmBlock
{
    // the longest block of k: a panel of B of this height stays in the second-level cache, a tile's rows of A in the first
    private const int MaxK = 640;
    private const int MaxA = 1 << 17; // floats: half a megabyte of second-level cache
    private const int MaxRows = 384; // that read B in place
    private const int MaxB = 1 << 20; // floats of packed B, read once for each block of A; a block of A is packed anew for so much of B

    /// <summary>k in blocks of like size.</summary>
    public static int BlockK(int k)
    {
        int blocks = (k + MaxK - 1) / MaxK;
        return blocks == 1 ? k : (((k + blocks - 1) / blocks) + 7) & ~7;
    }

    /// <summary>Up to how many rows of A read a B with rows so far apart as it lies, if its columns are whole vectors.</summary>
    public static int InPlaceRows(nint ldb) => (ldb & 1023) == 0 ? MaxRows / 4 : MaxRows;

    /// <summary>C [m, n] (+)= A·B. A(i, p) lies at a + i·rowA + p·stepA; B is [k, n], or [n, k] if transB, or in panels of K rows if ldb is −K (<see cref="GemmPanels.Pack"/>). <paramref name="far"/>: the whole C is larger than a cache near by.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Run<L>(int m, int n, int k, float* a, nint rowA, nint stepA, float* b, nint ldb, bool transB, float* c, nint ldc, bool accumulate, bool far, Epilogue epilogue)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        int rows = GemmTile.Rows<L>(), wide = GemmTile.Vectors<L>() * L.Width, blockK = BlockK(k);
        bool inPanels = ldb < 0;
        if (!inPanels && n < 2 * wide && n > wide) { wide = (((n + 1) / 2) + L.Width - 1) / L.Width * L.Width; } // two panels of like width
        // A is read in place unless that costs cache lines: transposed and read often, or rows a multiple of 4 KiB apart, which fall into the same cache set
        bool packA = stepA == 1 ? n >= 2 * wide && (rowA & 1023) == 0 && m >= 64 : n >= 4 * wide && m >= rows;
        // every panel of B passes over a block of A's rows, which should still be in the second-level cache
        int blockM = packA || n > 2 * wide ? Math.Min((m + rows - 1) / rows * rows, Math.Max(rows, MaxA / blockK / rows * rows)) : m;
        // B is read in place until many rows use it, fewer if its own rows fall into the same cache sets; transposed or with a tail it must be packed
        int inPlace = InPlaceRows(ldb);
        bool packB = !inPanels && (transB || (m > inPlace && blockK > 16 && (long)k * n > 16384));
        // where A is more than a block, panels are packed once for all of its blocks, as many as keep the second-level cache
        bool keepB = packB && m > blockM;
        int blockN = keepB ? Math.Max(wide, MaxB / blockK / wide * wide) : n;
        float* sums = stackalloc float[8 * 48]; // a tile with a tail, whole
        // lines of C that is added to are asked for before the tile's sums are made; those of a large C that is only written wait for nothing, but few of them can be under way at once
        bool fetchC = Sse.IsSupported && (long)m * n > 4096 && k >= 16, ahead = far && Processor.AsksForStores && k >= 16;
        int panelSize = blockK * wide, panelsSize = keepB ? (Math.Min(blockN, n) + wide - 1) / wide * panelSize : panelSize;
        float* panels = Scratch.Panels.Take(panelsSize + (packA ? blockM * blockK : 0)), packed = panels + panelsSize;
        for (int first = 0; first < n; first += blockN)
        {
            int last = Math.Min(n, first + blockN);
            for (int p = 0; p < k; p += blockK)
            {
                int kc = Math.Min(blockK, k - p);
                var after = p + kc == k ? epilogue : default;
                bool add = accumulate || p > 0;
                for (int i = 0; i < m; i += blockM)
                {
                    int mc = Math.Min(blockM, m - i);
                    float* ai = a + (i * rowA) + (p * stepA), panel = panels;
                    nint row = rowA * sizeof(float), step = stepA * sizeof(float), tile = rows * row;
                    if (packA)
                    {
                        PackA<L>(mc, kc, ai, rowA, stepA, packed, rows);
                        ai = packed;
                        (row, step, tile) = (sizeof(float), rows * sizeof(float), rows * kc * sizeof(float));
                    }
                    for (int j = first; j < last; j += wide)
                    {
                        int nc = Math.Min(wide, n - j), vectors = (nc + L.Width - 1) / L.Width, tail = nc % L.Width;
                        float* bj = inPanels ? b - (j * ldb) + (p * wide) : transB ? b + (j * ldb) + p : b + (p * ldb) + j;
                        nint stepB = (inPanels ? wide : ldb) * sizeof(float);
                        if (packB || (tail > 0 && !inPanels))
                        {
                            bool there = keepB && i > 0;
                            if (!there && transB) { GemmPack.Columns(kc, nc, bj, ldb, panel, vectors * L.Width); }
                            else if (!there) { GemmPack.Rows<L>(kc, nc, bj, ldb, panel, vectors * L.Width); }
                            bj = panel;
                            stepB = vectors * L.Width * sizeof(float);
                            if (keepB) { panel += panelSize; }
                        }
                        float* bias = after.Bias is null ? null : after.Bias + j;
                        var end = new TileEnd(add && tail > 0, tail > 0 ? after.From(j) : new(null, after.Relu));
                        float* at = ai, cj = c + (i * ldc) + j;
                        for (int left = mc; left > 0; left -= rows, cj += rows * ldc, at = (float*)((byte*)at + tile))
                        {
                            int mr = Math.Min(left, rows);
                            if (tail == 0)
                            {
                                if (fetchC && add) { Prefetch(cj, ldc, mr, nc); }
                                else if (ahead) { PrefetchNext(left > rows ? cj + (rows * ldc) : c + (i * ldc) + j + nc, ldc, mr, nc); }
                                GemmTile.Run<L>(mr, vectors, kc, at, row, step, bj, stepB, cj, ldc, add, bias);
                                if (after.Relu) { end.PutRows<L>(mr, nc, cj, ldc, cj, ldc); }
                            }
                            else
                            {
                                GemmTile.Run<L>(mr, vectors, kc, at, row, step, bj, stepB, sums, wide, false);
                                end.PutRows<L>(mr, nc, sums, wide, cj, ldc);
                            }
                        }
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float* c, nint ldc, int rows, int columns)
    {
        for (int i = 0; i < rows; i++, c += ldc)
        {
            for (int j = 0; j < columns; j += 16) { Sse.Prefetch0(c + j); }
        }
    }

    // into the second-level cache, where they are not in the way of A and B
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchNext(float* c, nint ldc, int rows, int columns)
    {
        for (int i = 0; i < rows; i++, c += ldc)
        {
            for (int j = 0; j < columns; j += 16) { Sse.Prefetch1(c + j); }
        }
    }

    // groups of `rows` rows, k-major within a group
    private static void PackA<L>(int m, int k, float* a, nint rowA, nint stepA, float* to, int rows) where L : struct, IVectorLane<L>, ILane<L>
    {
        int i = 0;
        if (rowA == 1 && rows == 8)
        {
            for (; i + 32 <= m; i += 32, a += 32 * rowA, to += 32 * k) { GemmPack.FourGroups(k, a, stepA, to); }
        }
        for (; i < m; i += rows, a += rows * rowA, to += rows * k)
        {
            int mr = Math.Min(rows, m - i);
            if (stepA == 1) { GemmPack.Columns(k, mr, a, rowA, to, rows); }
            else if (rows == 8 && F8.IsSupported) { GemmPack.Rows<F8>(k, mr, a, stepA, to, rows); }
            else { GemmPack.Rows<F4>(k, mr, a, stepA, to, rows); }
        }
    }
}
