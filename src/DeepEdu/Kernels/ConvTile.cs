using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>How a tile walks through its factors: segment by segment, so that the patches of a convolution are read where they lie and never copied.</summary>
/// <param name="segments">How many segments there are.</param>
/// <param name="starts">Where in A each segment begins, in bytes from the tile's first value.</param>
/// <param name="length">Steps of a segment.</param>
/// <param name="rowA">Bytes from one row of A to the next.</param>
/// <param name="stepA">Bytes from one step to the next in A.</param>
/// <param name="stepB">Bytes from one step to the next in B, which has no gaps between segments.</param>
internal readonly unsafe struct ConvWalk(nint segments, nint* starts, nint length, nint rowA, nint stepA, nint stepB)
{
    public readonly nint Segments = segments, Length = length, RowA = rowA, StepA = stepA, StepB = stepB;
    public readonly nint* Starts = starts;
}

/// <summary>The innermost loop of every convolution and its gradients: up to 14 rows × 2 vectors of sums stay in registers while a <see cref="ConvWalk"/> runs.
/// A convolution's rows are neighbouring outputs of one line, of which there are few; hence a tile that is taller and narrower than that of the matrix product, and
/// of any height. 14 × 2 takes 31 of the 32 registers of AVX-512, 6 × 2 takes 15 of the 16 of AVX2. As in <see cref="GemmTile"/>, nothing here calls a function.</summary>
internal static unsafe class ConvTile
{
    /// <summary>Vectors side by side in a full tile.</summary>
    public const int Vectors = 2;

    /// <summary>Rows of a full tile.</summary>
    public static int Rows<L>() where L : struct, IVectorLane<L>, ILane<L> => typeof(L) == typeof(F16) || AdvSimd.IsSupported ? 14 : 6;

    /// <summary>Rows of the next tile when <paramref name="left"/> remain: full ones, then two of like height rather than a small last one.</summary>
    public static int Cut<L>(int left) where L : struct, IVectorLane<L>, ILane<L>
    {
        int full = Rows<L>();
        return left <= full ? left : left < 2 * full ? (left + 1) / 2 : full;
    }

    /// <summary>C tile = start + A rows × B, or the same added to C.</summary>
    /// <param name="rows">1 to <see cref="Rows"/>.</param>
    /// <param name="vectors">1 or 2.</param>
    /// <param name="walk">The inner loop.</param>
    /// <param name="a">The first value of A.</param>
    /// <param name="b">The first value of B.</param>
    /// <param name="start">What each row's sums begin with.</param>
    /// <param name="c">The tile's corner in C.</param>
    /// <param name="ldc">Floats from one row of C to the next.</param>
    /// <param name="accumulate">Whether the sums are added to what C holds.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<L>(int rows, int vectors, in ConvWalk walk, float* a, float* b, float* start, float* c, nint ldc, bool accumulate)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16)) { Run<Vector512<float>, Register16>(rows, vectors, in walk, a, b, start, c, ldc, accumulate); }
        else if (typeof(L) == typeof(F8)) { Run<Vector256<float>, Register8>(rows, vectors, in walk, a, b, start, c, ldc, accumulate); }
        else if (typeof(L) == typeof(F4)) { Run<Vector128<float>, Register4>(rows, vectors, in walk, a, b, start, c, ldc, accumulate); }
        else { Run<float, Register1>(rows, vectors, in walk, a, b, start, c, ldc, accumulate); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Run<X, O>(int rows, int vectors, in ConvWalk walk, float* a, float* b, float* start, float* c, nint ldc, bool accumulate)
        where X : struct where O : struct, IRegister<X>
    {
        switch ((rows * 2) + vectors)
        {
            case 3: Sum<X, O, N1, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 4: Sum<X, O, N1, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 5: Sum<X, O, N2, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 6: Sum<X, O, N2, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 7: Sum<X, O, N3, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 8: Sum<X, O, N3, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 9: Sum<X, O, N4, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 10: Sum<X, O, N4, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 11: Sum<X, O, N5, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 12: Sum<X, O, N5, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 13: Sum<X, O, N6, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 14: Sum<X, O, N6, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 15: Sum<X, O, N7, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 16: Sum<X, O, N7, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 17: Sum<X, O, N8, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 18: Sum<X, O, N8, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 19: Sum<X, O, N9, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 20: Sum<X, O, N9, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 21: Sum<X, O, N10, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 22: Sum<X, O, N10, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 23: Sum<X, O, N11, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 24: Sum<X, O, N11, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 25: Sum<X, O, N12, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 26: Sum<X, O, N12, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 27: Sum<X, O, N13, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 28: Sum<X, O, N13, N2>(in walk, a, b, start, c, ldc, accumulate); break;
            case 29: Sum<X, O, N14, N1>(in walk, a, b, start, c, ldc, accumulate); break;
            case 30: Sum<X, O, N14, N2>(in walk, a, b, start, c, ldc, accumulate); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Sum<X, O, R, V>(in ConvWalk walk, float* a, float* b, float* start, float* c, nint ldc, bool accumulate)
        where X : struct where O : struct, IRegister<X> where R : struct, INumber where V : struct, INumber
    {
        X s0 = O.Load(start), s1 = V.Value > 1 ? O.Load(start + O.Width) : default;
        X c00 = s0, c01 = s1;
        X c10 = s0, c11 = s1;
        X c20 = s0, c21 = s1;
        X c30 = s0, c31 = s1;
        X c40 = s0, c41 = s1;
        X c50 = s0, c51 = s1;
        X c60 = s0, c61 = s1;
        X c70 = s0, c71 = s1;
        X c80 = s0, c81 = s1;
        X c90 = s0, c91 = s1;
        X ca0 = s0, ca1 = s1;
        X cb0 = s0, cb1 = s1;
        X cc0 = s0, cc1 = s1;
        X cd0 = s0, cd1 = s1;
        // a pointer for every five rows: fourteen offsets would not fit the general registers
        nint r1 = walk.RowA, r2 = 2 * r1, r3 = 3 * r1, r4 = 4 * r1, stepA = walk.StepA, stepB = walk.StepB, left = walk.Segments;
        nint* from = walk.Starts;
        do
        {
            byte* p = (byte*)a + *from++, q = p + r1 + r4, r = q + r1 + r4;
            nint k = walk.Length;
            do
            {
                X b0 = O.Load(b), b1 = default, x = O.Broadcast((float*)p);
                if (V.Value > 1) { b1 = O.Load(b + O.Width); }
                c00 = O.MultiplyAdd(x, b0, c00);
                if (V.Value > 1) { c01 = O.MultiplyAdd(x, b1, c01); }
                if (R.Value > 1)
                {
                    x = O.Broadcast((float*)(p + r1));
                    c10 = O.MultiplyAdd(x, b0, c10);
                    if (V.Value > 1) { c11 = O.MultiplyAdd(x, b1, c11); }
                }
                if (R.Value > 2)
                {
                    x = O.Broadcast((float*)(p + r2));
                    c20 = O.MultiplyAdd(x, b0, c20);
                    if (V.Value > 1) { c21 = O.MultiplyAdd(x, b1, c21); }
                }
                if (R.Value > 3)
                {
                    x = O.Broadcast((float*)(p + r3));
                    c30 = O.MultiplyAdd(x, b0, c30);
                    if (V.Value > 1) { c31 = O.MultiplyAdd(x, b1, c31); }
                }
                if (R.Value > 4)
                {
                    x = O.Broadcast((float*)(p + r4));
                    c40 = O.MultiplyAdd(x, b0, c40);
                    if (V.Value > 1) { c41 = O.MultiplyAdd(x, b1, c41); }
                }
                if (R.Value > 5)
                {
                    x = O.Broadcast((float*)q);
                    c50 = O.MultiplyAdd(x, b0, c50);
                    if (V.Value > 1) { c51 = O.MultiplyAdd(x, b1, c51); }
                }
                if (R.Value > 6)
                {
                    x = O.Broadcast((float*)(q + r1));
                    c60 = O.MultiplyAdd(x, b0, c60);
                    if (V.Value > 1) { c61 = O.MultiplyAdd(x, b1, c61); }
                }
                if (R.Value > 7)
                {
                    x = O.Broadcast((float*)(q + r2));
                    c70 = O.MultiplyAdd(x, b0, c70);
                    if (V.Value > 1) { c71 = O.MultiplyAdd(x, b1, c71); }
                }
                if (R.Value > 8)
                {
                    x = O.Broadcast((float*)(q + r3));
                    c80 = O.MultiplyAdd(x, b0, c80);
                    if (V.Value > 1) { c81 = O.MultiplyAdd(x, b1, c81); }
                }
                if (R.Value > 9)
                {
                    x = O.Broadcast((float*)(q + r4));
                    c90 = O.MultiplyAdd(x, b0, c90);
                    if (V.Value > 1) { c91 = O.MultiplyAdd(x, b1, c91); }
                }
                if (R.Value > 10)
                {
                    x = O.Broadcast((float*)r);
                    ca0 = O.MultiplyAdd(x, b0, ca0);
                    if (V.Value > 1) { ca1 = O.MultiplyAdd(x, b1, ca1); }
                }
                if (R.Value > 11)
                {
                    x = O.Broadcast((float*)(r + r1));
                    cb0 = O.MultiplyAdd(x, b0, cb0);
                    if (V.Value > 1) { cb1 = O.MultiplyAdd(x, b1, cb1); }
                }
                if (R.Value > 12)
                {
                    x = O.Broadcast((float*)(r + r2));
                    cc0 = O.MultiplyAdd(x, b0, cc0);
                    if (V.Value > 1) { cc1 = O.MultiplyAdd(x, b1, cc1); }
                }
                if (R.Value > 13)
                {
                    x = O.Broadcast((float*)(r + r3));
                    cd0 = O.MultiplyAdd(x, b0, cd0);
                    if (V.Value > 1) { cd1 = O.MultiplyAdd(x, b1, cd1); }
                }
                p += stepA;
                if (R.Value > 5) { q += stepA; }
                if (R.Value > 10) { r += stepA; }
                b = (float*)((byte*)b + stepB);
            }
            while (--k > 0);
        }
        while (--left > 0);
        Put<X, O, V>(c, c00, c01, accumulate);
        if (R.Value > 1) { Put<X, O, V>(c += ldc, c10, c11, accumulate); }
        if (R.Value > 2) { Put<X, O, V>(c += ldc, c20, c21, accumulate); }
        if (R.Value > 3) { Put<X, O, V>(c += ldc, c30, c31, accumulate); }
        if (R.Value > 4) { Put<X, O, V>(c += ldc, c40, c41, accumulate); }
        if (R.Value > 5) { Put<X, O, V>(c += ldc, c50, c51, accumulate); }
        if (R.Value > 6) { Put<X, O, V>(c += ldc, c60, c61, accumulate); }
        if (R.Value > 7) { Put<X, O, V>(c += ldc, c70, c71, accumulate); }
        if (R.Value > 8) { Put<X, O, V>(c += ldc, c80, c81, accumulate); }
        if (R.Value > 9) { Put<X, O, V>(c += ldc, c90, c91, accumulate); }
        if (R.Value > 10) { Put<X, O, V>(c += ldc, ca0, ca1, accumulate); }
        if (R.Value > 11) { Put<X, O, V>(c += ldc, cb0, cb1, accumulate); }
        if (R.Value > 12) { Put<X, O, V>(c += ldc, cc0, cc1, accumulate); }
        if (R.Value > 13) { Put<X, O, V>(c += ldc, cd0, cd1, accumulate); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<X, O, V>(float* c, X c0, X c1, bool accumulate) where X : struct where O : struct, IRegister<X> where V : struct, INumber
    {
        if (accumulate)
        {
            O.Store(O.Add(c0, O.Load(c)), c);
            if (V.Value > 1) { O.Store(O.Add(c1, O.Load(c + O.Width)), c + O.Width); }
        }
        else
        {
            O.Store(c0, c);
            if (V.Value > 1) { O.Store(c1, c + O.Width); }
        }
    }
}
