using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The innermost loop of the recurrent products: up to 6 rows × 4 vectors of C stay in registers while k runs. Rows are given by their addresses, for the
/// rows of one time step lie far apart. The vectors are the gates of one vector of units, so that a tile is ready for the non-linearity; each value is one
/// sum over k in order, hence the same bits in a tile of any size.</summary>
internal static unsafe class RecurrentTile
{
    /// <summary>Vectors side by side in a full tile.</summary>
    public const int Vectors = 4;

    /// <summary>Rows that the next tile takes of <paramref name="left"/>.</summary>
    public static int Rows<L>(int left) where L : struct, IVectorLane<L>, ILane<L> => !IsLarge<L>() || left < 4 ? Math.Min(left, 2) : left is 4 or 5 or 8 ? 4 : 6;

    /// <summary>C (+)= A·B for rows given by their addresses and B packed in stripes of up to four vectors, each [k, stripe].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Product<L>(int rows, int k, float** a, float* panels, float** c, int columns, bool add) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int j = 0; j < columns; j += Vectors * L.Width)
        {
            int vectors = Math.Min(Vectors, (columns - j) / L.Width);
            for (int i = 0; i < rows;)
            {
                int n = Rows<L>(rows - i);
                Run<L>(n, vectors, k, a + i, panels + ((nint)j * k), c + i, j, L.Width, add);
                i += n;
            }
        }
    }

    /// <summary>The same where a stripe is the gates of one vector of units; they go to the set's planes of C, each <c>plane</c> long.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Gates<L>(int rows, int k, float** a, float* panels, float** c, GateSet set, int plane) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int unit = 0; unit < plane; unit += L.Width)
        {
            for (int i = 0; i < rows;)
            {
                int n = Rows<L>(rows - i);
                Run<L>(n, set.Count, k, a + i, panels + ((nint)unit * set.Count * k), c + i, (set.Plane * plane) + unit, plane, true);
                i += n;
            }
        }
    }

    /// <summary>C[i][at..] (+)= Σₖ A[i][k] · B[k] for rows i, where B is a panel of <paramref name="vectors"/> vectors for each k.</summary>
    /// <param name="rows">1, 2, 4 or 6.</param>
    /// <param name="vectors">1 to 4.</param>
    /// <param name="k">Length of the inner loop, at least 1.</param>
    /// <param name="a">Addresses of the rows of A.</param>
    /// <param name="b">The panel.</param>
    /// <param name="c">Addresses of the rows of C.</param>
    /// <param name="at">Where the tile begins in a row of C.</param>
    /// <param name="gap">From one vector of a tile's row of C to the next.</param>
    /// <param name="add">Whether C's values are added.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Run<L>(int rows, int vectors, nint k, float** a, float* b, float** c, nint at, nint gap, bool add) where L : struct, IVectorLane<L>, ILane<L>
    {
        switch (vectors)
        {
            case 1: Run<L, N1>(rows, k, a, b, c, at, gap, add); break;
            case 2: Run<L, N2>(rows, k, a, b, c, at, gap, add); break;
            case 3: Run<L, N3>(rows, k, a, b, c, at, gap, add); break;
            default: Run<L, N4>(rows, k, a, b, c, at, gap, add); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run<L, V>(int rows, nint k, float** a, float* b, float** c, nint at, nint gap, bool add) where L : struct, IVectorLane<L>, ILane<L> where V : struct, INumber
    {
        if (IsLarge<L>() && rows == 6) { Sum<L, N6, V>(k, a, b, c, at, gap, add); }
        else if (IsLarge<L>() && rows == 4) { Sum<L, N4, V>(k, a, b, c, at, gap, add); }
        else if (rows == 2) { Sum<L, N2, V>(k, a, b, c, at, gap, add); }
        else { Sum<L, N1, V>(k, a, b, c, at, gap, add); }
    }

    /// <summary>C[at..] += Σₖ a[k] · B[k] for one row and two panels that follow each other: eight sums hide the multiply-add's latency, four do not.</summary>
    public static void Two<L>(int vectors, nint k, float* a, float* b, float* c, nint gap) where L : struct, IVectorLane<L>, ILane<L>
    {
        switch (vectors)
        {
            case 1: Two<L, N1>(k, a, b, c, gap); break;
            case 2: Two<L, N2>(k, a, b, c, gap); break;
            case 3: Two<L, N3>(k, a, b, c, gap); break;
            default: Two<L, N4>(k, a, b, c, gap); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Two<L, V>(nint k, float* a, float* b, float* c, nint gap) where L : struct, IVectorLane<L>, ILane<L> where V : struct, INumber
    {
        L c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
        float* d = b + (V.Value * L.Width * k);
        for (nint i = 0; i < k; i++)
        {
            L x = a[i];
            c0 = L.MultiplyAdd(x, L.Load(in *b, 0), c0);
            if (V.Value > 1) { c1 = L.MultiplyAdd(x, L.Load(in *b, L.Width), c1); }
            if (V.Value > 2) { c2 = L.MultiplyAdd(x, L.Load(in *b, 2 * L.Width), c2); }
            if (V.Value > 3) { c3 = L.MultiplyAdd(x, L.Load(in *b, 3 * L.Width), c3); }
            d0 = L.MultiplyAdd(x, L.Load(in *d, 0), d0);
            if (V.Value > 1) { d1 = L.MultiplyAdd(x, L.Load(in *d, L.Width), d1); }
            if (V.Value > 2) { d2 = L.MultiplyAdd(x, L.Load(in *d, 2 * L.Width), d2); }
            if (V.Value > 3) { d3 = L.MultiplyAdd(x, L.Load(in *d, 3 * L.Width), d3); }
            b += V.Value * L.Width;
            d += V.Value * L.Width;
        }
        Put<L, V>(c, gap, true, c0, c1, c2, c3);
        Put<L, V>(c + L.Width, gap, true, d0, d1, d2, d3);
    }

    // 24 sums, 4 vectors of B and one value of A need 29 registers; where there are 16, two rows fill them
    private static bool IsLarge<L>() where L : struct, IVectorLane<L>, ILane<L> => typeof(L) == typeof(F16) || AdvSimd.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Sum<L, R, V>(nint k, float** a, float* b, float** c, nint at, nint gap, bool add)
        where L : struct, IVectorLane<L>, ILane<L> where R : struct, INumber where V : struct, INumber
    {
        L c00 = default, c01 = default, c02 = default, c03 = default;
        L c10 = default, c11 = default, c12 = default, c13 = default;
        L c20 = default, c21 = default, c22 = default, c23 = default;
        L c30 = default, c31 = default, c32 = default, c33 = default;
        L c40 = default, c41 = default, c42 = default, c43 = default;
        L c50 = default, c51 = default, c52 = default, c53 = default;
        float* a0 = a[0], a1 = null, a2 = null, a3 = null, a4 = null, a5 = null;
        if (R.Value > 1) { a1 = a[1]; }
        if (R.Value > 2) { a2 = a[2]; a3 = a[3]; }
        if (R.Value > 4) { a4 = a[4]; a5 = a[5]; }
        for (nint i = 0; i < k; i++)
        {
            L b0 = L.Load(in *b, 0), b1 = default, b2 = default, b3 = default;
            if (V.Value > 1) { b1 = L.Load(in *b, L.Width); }
            if (V.Value > 2) { b2 = L.Load(in *b, 2 * L.Width); }
            if (V.Value > 3) { b3 = L.Load(in *b, 3 * L.Width); }
            Step<L, V>(a0[i], b0, b1, b2, b3, ref c00, ref c01, ref c02, ref c03);
            if (R.Value > 1) { Step<L, V>(a1[i], b0, b1, b2, b3, ref c10, ref c11, ref c12, ref c13); }
            if (R.Value > 2) { Step<L, V>(a2[i], b0, b1, b2, b3, ref c20, ref c21, ref c22, ref c23); }
            if (R.Value > 2) { Step<L, V>(a3[i], b0, b1, b2, b3, ref c30, ref c31, ref c32, ref c33); }
            if (R.Value > 4) { Step<L, V>(a4[i], b0, b1, b2, b3, ref c40, ref c41, ref c42, ref c43); }
            if (R.Value > 4) { Step<L, V>(a5[i], b0, b1, b2, b3, ref c50, ref c51, ref c52, ref c53); }
            b += V.Value * L.Width;
        }
        Put<L, V>(c[0] + at, gap, add, c00, c01, c02, c03);
        if (R.Value > 1) { Put<L, V>(c[1] + at, gap, add, c10, c11, c12, c13); }
        if (R.Value > 2) { Put<L, V>(c[2] + at, gap, add, c20, c21, c22, c23); }
        if (R.Value > 2) { Put<L, V>(c[3] + at, gap, add, c30, c31, c32, c33); }
        if (R.Value > 4) { Put<L, V>(c[4] + at, gap, add, c40, c41, c42, c43); }
        if (R.Value > 4) { Put<L, V>(c[5] + at, gap, add, c50, c51, c52, c53); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<L, V>(L x, L b0, L b1, L b2, L b3, ref L c0, ref L c1, ref L c2, ref L c3) where L : struct, IVectorLane<L>, ILane<L> where V : struct, INumber
    {
        c0 = L.MultiplyAdd(x, b0, c0);
        if (V.Value > 1) { c1 = L.MultiplyAdd(x, b1, c1); }
        if (V.Value > 2) { c2 = L.MultiplyAdd(x, b2, c2); }
        if (V.Value > 3) { c3 = L.MultiplyAdd(x, b3, c3); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<L, V>(float* c, nint gap, bool add, L c0, L c1, L c2, L c3) where L : struct, IVectorLane<L>, ILane<L> where V : struct, INumber
    {
        Put(c, 0, add, c0);
        if (V.Value > 1) { Put(c, gap, add, c1); }
        if (V.Value > 2) { Put(c, 2 * gap, add, c2); }
        if (V.Value > 3) { Put(c, 3 * gap, add, c3); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<L>(float* c, nint at, bool add, L sum) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (add) { sum += L.Load(in *c, at); }
        L.Store(sum, ref *c, at);
    }

    // numbers that the JIT knows
    private interface INumber { static abstract int Value { get; } }
    private readonly struct N1 : INumber { public static int Value => 1; }
    private readonly struct N2 : INumber { public static int Value => 2; }
    private readonly struct N3 : INumber { public static int Value => 3; }
    private readonly struct N4 : INumber { public static int Value => 4; }
    private readonly struct N6 : INumber { public static int Value => 6; }
}
