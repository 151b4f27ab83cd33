using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The innermost loop of the matrix product: up to 8 rows × 3 vectors of C stay in registers while k runs. One text for every tile size and lane width:
/// <c>R.Value</c> and <c>V.Value</c> are constants to the JIT, which leaves out the rows and vectors that a tile has not. Eight independent sums hide the latency of
/// the multiply-add; 8 × 3 takes 28 of the 32 registers of AVX-512, 4 × 3 all 16 of AVX2 (Goto and van de Geijn 2008, doi:10.1145/1356052.1356053, section 6).</summary>
internal static unsafe class GemmTile
{
    /// <summary>Vectors side by side in a full tile.</summary>
    public const int Vectors = 3;

    /// <summary>Rows of a full tile.</summary>
    public static int Rows<L>() where L : struct, IVectorLane<L>, ILane<L> => typeof(L) == typeof(F16) || AdvSimd.IsSupported ? 8 : 4;

    /// <summary>C tile (+)= A rows × B panel.</summary>
    /// <param name="rows">1 to 8.</param>
    /// <param name="vectors">1 to 3.</param>
    /// <param name="k">Length of the inner loop, at least 1.</param>
    /// <param name="a">The first value of A.</param>
    /// <param name="rowA">Bytes from one row of A to the next.</param>
    /// <param name="stepA">Bytes from one k to the next in A.</param>
    /// <param name="b">The panel of B: full vectors, whatever the tile's tail.</param>
    /// <param name="stepB">Bytes from one k to the next in B.</param>
    /// <param name="c">The tile's corner in C.</param>
    /// <param name="ldc">Floats from one row of C to the next.</param>
    /// <param name="end">What happens to the sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<L>(int rows, int vectors, nint k, float* a, nint rowA, nint stepA, float* b, nint stepB, float* c, nint ldc, in TileEnd end)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        switch ((rows * 3) + vectors)
        {
            case 4: Sum<L, N1, N1>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 5: Sum<L, N1, N2>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 6: Sum<L, N1, N3>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 7: Sum<L, N2, N1>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 8: Sum<L, N2, N2>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 9: Sum<L, N2, N3>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 10: Sum<L, N3, N1>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 11: Sum<L, N3, N2>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 12: Sum<L, N3, N3>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 13: Sum<L, N4, N1>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 14: Sum<L, N4, N2>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 15: Sum<L, N4, N3>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 16: Sum<L, N5, N1>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 17: Sum<L, N5, N2>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 18: Sum<L, N5, N3>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 19: Sum<L, N6, N1>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 20: Sum<L, N6, N2>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 21: Sum<L, N6, N3>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 22: Sum<L, N7, N1>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 23: Sum<L, N7, N2>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 24: Sum<L, N7, N3>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 25: Sum<L, N8, N1>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 26: Sum<L, N8, N2>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
            case 27: Sum<L, N8, N3>(k, a, rowA, stepA, b, stepB, c, ldc, in end); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum<L, R, V>(nint k, float* a, nint rowA, nint stepA, float* b, nint stepB, float* c, nint ldc, in TileEnd end)
        where L : struct, IVectorLane<L>, ILane<L> where R : struct, INumber where V : struct, INumber
    {
        L c00 = default, c01 = default, c02 = default;
        L c10 = default, c11 = default, c12 = default;
        L c20 = default, c21 = default, c22 = default;
        L c30 = default, c31 = default, c32 = default;
        L c40 = default, c41 = default, c42 = default;
        L c50 = default, c51 = default, c52 = default;
        L c60 = default, c61 = default, c62 = default;
        L c70 = default, c71 = default, c72 = default;
        nint r2 = 2 * rowA, r3 = 3 * rowA, r4 = 4 * rowA, r5 = 5 * rowA, r6 = 6 * rowA, r7 = 7 * rowA;
        do
        {
            L b0 = L.Load(in *b, 0), b1 = default, b2 = default;
            if (V.Value > 1) { b1 = L.Load(in *b, L.Width); }
            if (V.Value > 2) { b2 = L.Load(in *b, 2 * L.Width); }
            Step<L, V>(L.Of(*a), b0, b1, b2, ref c00, ref c01, ref c02);
            if (R.Value > 1) { Step<L, V>(L.Of(*(float*)((byte*)a + rowA)), b0, b1, b2, ref c10, ref c11, ref c12); }
            if (R.Value > 2) { Step<L, V>(L.Of(*(float*)((byte*)a + r2)), b0, b1, b2, ref c20, ref c21, ref c22); }
            if (R.Value > 3) { Step<L, V>(L.Of(*(float*)((byte*)a + r3)), b0, b1, b2, ref c30, ref c31, ref c32); }
            if (R.Value > 4) { Step<L, V>(L.Of(*(float*)((byte*)a + r4)), b0, b1, b2, ref c40, ref c41, ref c42); }
            if (R.Value > 5) { Step<L, V>(L.Of(*(float*)((byte*)a + r5)), b0, b1, b2, ref c50, ref c51, ref c52); }
            if (R.Value > 6) { Step<L, V>(L.Of(*(float*)((byte*)a + r6)), b0, b1, b2, ref c60, ref c61, ref c62); }
            if (R.Value > 7) { Step<L, V>(L.Of(*(float*)((byte*)a + r7)), b0, b1, b2, ref c70, ref c71, ref c72); }
            a = (float*)((byte*)a + stepA);
            b = (float*)((byte*)b + stepB);
        }
        while (--k > 0);
        Put<L, V>(c, c00, c01, c02, in end);
        if (R.Value > 1) { Put<L, V>(c += ldc, c10, c11, c12, in end); }
        if (R.Value > 2) { Put<L, V>(c += ldc, c20, c21, c22, in end); }
        if (R.Value > 3) { Put<L, V>(c += ldc, c30, c31, c32, in end); }
        if (R.Value > 4) { Put<L, V>(c += ldc, c40, c41, c42, in end); }
        if (R.Value > 5) { Put<L, V>(c += ldc, c50, c51, c52, in end); }
        if (R.Value > 6) { Put<L, V>(c += ldc, c60, c61, c62, in end); }
        if (R.Value > 7) { Put<L, V>(c += ldc, c70, c71, c72, in end); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<L, V>(L x, L b0, L b1, L b2, ref L c0, ref L c1, ref L c2) where L : struct, IVectorLane<L>, ILane<L> where V : struct, INumber
    {
        c0 = L.MultiplyAdd(x, b0, c0);
        if (V.Value > 1) { c1 = L.MultiplyAdd(x, b1, c1); }
        if (V.Value > 2) { c2 = L.MultiplyAdd(x, b2, c2); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<L, V>(float* c, L c0, L c1, L c2, in TileEnd end) where L : struct, IVectorLane<L>, ILane<L> where V : struct, INumber
    {
        if (V.Value > 1) { end.Put(c0, c, 0); }
        else { end.PutLast(c0, c, 0); }
        if (V.Value > 2) { end.Put(c1, c, L.Width); }
        else if (V.Value > 1) { end.PutLast(c1, c, L.Width); }
        if (V.Value > 2) { end.PutLast(c2, c, 2 * L.Width); }
    }

    // numbers that the JIT knows
    private interface INumber { static abstract int Value { get; } }
    private readonly struct N1 : INumber { public static int Value => 1; }
    private readonly struct N2 : INumber { public static int Value => 2; }
    private readonly struct N3 : INumber { public static int Value => 3; }
    private readonly struct N4 : INumber { public static int Value => 4; }
    private readonly struct N5 : INumber { public static int Value => 5; }
    private readonly struct N6 : INumber { public static int Value => 6; }
    private readonly struct N7 : INumber { public static int Value => 7; }
    private readonly struct N8 : INumber { public static int Value => 8; }
}
