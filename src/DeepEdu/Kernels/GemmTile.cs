using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The innermost loop of the matrix product: up to 8 rows × 3 vectors of C stay in registers while k runs. One text for every tile size and lane width:
/// <c>R.Value</c> and <c>V.Value</c> are constants to the JIT, which leaves out the rows and vectors that a tile has not. Eight independent sums hide the latency of
/// the multiply-add; 8 × 3 takes 28 of the 32 registers of AVX-512 and ARM64, 4 × 3 all 16 of AVX2 (Goto and van de Geijn 2008, doi:10.1145/1356052.1356053, section 6).</summary>
internal static unsafe class GemmTile
{
    /// <summary>Vectors side by side in a full tile.</summary>
    public static int Vectors<L>() where L : struct, IVectorLane<L>, ILane<L> => MultipliesApart<L>() ? 2 : 3;

    private const int PrefetchRows = 8;

    /// <summary>Rows of a full tile.</summary>
    public static int Rows<L>() where L : struct, IVectorLane<L>, ILane<L> => typeof(L) == typeof(F16) || AdvSimd.IsSupported ? 8 : MultipliesApart<L>() ? 6 : 4;

    // without a fused multiply-add each product needs a register on its way to its sum: 6 × 2 leaves one of 16
    private static bool MultipliesApart<L>() where L : struct, IVectorLane<L>, ILane<L> => typeof(L) == typeof(F4) && Sse.IsSupported && !Fma.IsSupported;

    /// <summary>C tile (+)= A rows × B panel.</summary>
    /// <param name="rows">1 to 8.</param>
    /// <param name="vectors">1 to 3.</param>
    /// <param name="k">Length of the inner loop, at least 1.</param>
    /// <param name="a">The first value of A.</param>
    /// <param name="rowA">Bytes from one row of A to the next.</param>
    /// <param name="stepA">Bytes from one k to the next in A.</param>
    /// <param name="b">The panel of B, of full vectors.</param>
    /// <param name="stepB">Bytes from one k to the next in B.</param>
    /// <param name="c">Where the tile goes, of full vectors too: nothing here may call a function, which would send all sums through memory.</param>
    /// <param name="ldc">Floats from one row of C to the next.</param>
    /// <param name="accumulate">Whether the sums are added to what C holds.</param>
    /// <param name="bias">Added to each row at the end, or null.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<L>(int rows, int vectors, nint k, float* a, nint rowA, nint stepA, float* b, nint stepB, float* c, nint ldc, bool accumulate, float* bias = null)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16)) { Run<Vector512<float>, Register16>(rows, vectors, k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); }
        else if (typeof(L) == typeof(F8)) { Run<Vector256<float>, Register8>(rows, vectors, k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); }
        else if (typeof(L) == typeof(F4)) { Run<Vector128<float>, Register4>(rows, vectors, k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); }
        else { Run<float, Register1>(rows, vectors, k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Run<X, O>(int rows, int vectors, nint k, float* a, nint rowA, nint stepA, float* b, nint stepB, float* c, nint ldc, bool accumulate, float* bias)
        where X : struct where O : struct, IRegister<X>
    {
        switch ((rows * 3) + vectors)
        {
            case 4: Sum<X, O, N1, N1>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 5: Sum<X, O, N1, N2>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 6: Sum<X, O, N1, N3>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 7: Sum<X, O, N2, N1>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 8: Sum<X, O, N2, N2>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 9: Sum<X, O, N2, N3>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 10: Sum<X, O, N3, N1>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 11: Sum<X, O, N3, N2>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 12: Sum<X, O, N3, N3>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 13: Sum<X, O, N4, N1>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 14: Sum<X, O, N4, N2>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 15: Sum<X, O, N4, N3>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 16: Sum<X, O, N5, N1>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 17: Sum<X, O, N5, N2>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 18: Sum<X, O, N5, N3>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 19: Sum<X, O, N6, N1>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 20: Sum<X, O, N6, N2>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 21: Sum<X, O, N6, N3>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 22: Sum<X, O, N7, N1>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 23: Sum<X, O, N7, N2>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 24: Sum<X, O, N7, N3>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 25: Sum<X, O, N8, N1>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 26: Sum<X, O, N8, N2>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
            case 27: Sum<X, O, N8, N3>(k, a, rowA, stepA, b, stepB, c, ldc, accumulate, bias); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Sum<X, O, R, V>(nint k, float* a, nint rowA, nint stepA, float* b, nint stepB, float* c, nint ldc, bool accumulate, float* bias)
        where X : struct where O : struct, IRegister<X> where R : struct, INumber where V : struct, INumber
    {
        X c00 = default, c01 = default, c02 = default;
        X c10 = default, c11 = default, c12 = default;
        X c20 = default, c21 = default, c22 = default;
        X c30 = default, c31 = default, c32 = default;
        X c40 = default, c41 = default, c42 = default;
        X c50 = default, c51 = default, c52 = default;
        X c60 = default, c61 = default, c62 = default;
        X c70 = default, c71 = default, c72 = default;
        nint r2 = 2 * rowA, r3 = 3 * rowA, r4 = 4 * rowA, r5 = 5 * rowA, r6 = 6 * rowA, r7 = 7 * rowA;
        nint ahead = PrefetchRows * stepB, r8 = 8 * rowA;
        do
        {
            if (Sse.IsSupported && R.Value >= 4)
            {
                // the next tile's rows, a line of one of them after the other: at the first panel of B they are still far away
                if (R.Value == 8) { Sse.Prefetch0((byte*)a + r8 + ((k & 7) * rowA)); }
                // B's rows may lie far apart, which the hardware does not foresee
                Sse.Prefetch0((byte*)b + ahead);
                if (V.Value * O.Width > 16) { Sse.Prefetch0((byte*)b + ahead + 64); }
                if (V.Value * O.Width > 32) { Sse.Prefetch0((byte*)b + ahead + 128); }
            }
            X b0 = O.Load(b), b1 = default, b2 = default, x = O.Broadcast(a);
            if (V.Value > 1) { b1 = O.Load(b + O.Width); }
            if (V.Value > 2) { b2 = O.Load(b + (2 * O.Width)); }
            c00 = O.MultiplyAdd(x, b0, c00);
            if (V.Value > 1) { c01 = O.MultiplyAdd(x, b1, c01); }
            if (V.Value > 2) { c02 = O.MultiplyAdd(x, b2, c02); }
            if (R.Value > 1)
            {
                x = O.Broadcast((float*)((byte*)a + rowA));
                c10 = O.MultiplyAdd(x, b0, c10);
                if (V.Value > 1) { c11 = O.MultiplyAdd(x, b1, c11); }
                if (V.Value > 2) { c12 = O.MultiplyAdd(x, b2, c12); }
            }
            if (R.Value > 2)
            {
                x = O.Broadcast((float*)((byte*)a + r2));
                c20 = O.MultiplyAdd(x, b0, c20);
                if (V.Value > 1) { c21 = O.MultiplyAdd(x, b1, c21); }
                if (V.Value > 2) { c22 = O.MultiplyAdd(x, b2, c22); }
            }
            if (R.Value > 3)
            {
                x = O.Broadcast((float*)((byte*)a + r3));
                c30 = O.MultiplyAdd(x, b0, c30);
                if (V.Value > 1) { c31 = O.MultiplyAdd(x, b1, c31); }
                if (V.Value > 2) { c32 = O.MultiplyAdd(x, b2, c32); }
            }
            if (R.Value > 4)
            {
                x = O.Broadcast((float*)((byte*)a + r4));
                c40 = O.MultiplyAdd(x, b0, c40);
                if (V.Value > 1) { c41 = O.MultiplyAdd(x, b1, c41); }
                if (V.Value > 2) { c42 = O.MultiplyAdd(x, b2, c42); }
            }
            if (R.Value > 5)
            {
                x = O.Broadcast((float*)((byte*)a + r5));
                c50 = O.MultiplyAdd(x, b0, c50);
                if (V.Value > 1) { c51 = O.MultiplyAdd(x, b1, c51); }
                if (V.Value > 2) { c52 = O.MultiplyAdd(x, b2, c52); }
            }
            if (R.Value > 6)
            {
                x = O.Broadcast((float*)((byte*)a + r6));
                c60 = O.MultiplyAdd(x, b0, c60);
                if (V.Value > 1) { c61 = O.MultiplyAdd(x, b1, c61); }
                if (V.Value > 2) { c62 = O.MultiplyAdd(x, b2, c62); }
            }
            if (R.Value > 7)
            {
                x = O.Broadcast((float*)((byte*)a + r7));
                c70 = O.MultiplyAdd(x, b0, c70);
                if (V.Value > 1) { c71 = O.MultiplyAdd(x, b1, c71); }
                if (V.Value > 2) { c72 = O.MultiplyAdd(x, b2, c72); }
            }
            a = (float*)((byte*)a + stepA);
            b = (float*)((byte*)b + stepB);
        }
        while (--k > 0);
        Put<X, O, V>(c, c00, c01, c02, accumulate, bias);
        if (R.Value > 1) { Put<X, O, V>(c += ldc, c10, c11, c12, accumulate, bias); }
        if (R.Value > 2) { Put<X, O, V>(c += ldc, c20, c21, c22, accumulate, bias); }
        if (R.Value > 3) { Put<X, O, V>(c += ldc, c30, c31, c32, accumulate, bias); }
        if (R.Value > 4) { Put<X, O, V>(c += ldc, c40, c41, c42, accumulate, bias); }
        if (R.Value > 5) { Put<X, O, V>(c += ldc, c50, c51, c52, accumulate, bias); }
        if (R.Value > 6) { Put<X, O, V>(c += ldc, c60, c61, c62, accumulate, bias); }
        if (R.Value > 7) { Put<X, O, V>(c += ldc, c70, c71, c72, accumulate, bias); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<X, O, V>(float* c, X c0, X c1, X c2, bool accumulate, float* bias) where X : struct where O : struct, IRegister<X> where V : struct, INumber
    {
        if (accumulate)
        {
            c0 = O.Add(c0, O.Load(c));
            if (V.Value > 1) { c1 = O.Add(c1, O.Load(c + O.Width)); }
            if (V.Value > 2) { c2 = O.Add(c2, O.Load(c + (2 * O.Width))); }
        }
        if (bias != null)
        {
            c0 = O.Add(c0, O.Load(bias));
            if (V.Value > 1) { c1 = O.Add(c1, O.Load(bias + O.Width)); }
            if (V.Value > 2) { c2 = O.Add(c2, O.Load(bias + (2 * O.Width))); }
        }
        O.Store(c0, c);
        if (V.Value > 1) { O.Store(c1, c + O.Width); }
        if (V.Value > 2) { O.Store(c2, c + (2 * O.Width)); }
    }
}
