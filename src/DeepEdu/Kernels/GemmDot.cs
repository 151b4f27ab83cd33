using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>C = A·Bᵀ by dot products, where both factors lie along k and A has few rows: nothing is packed, B is read once for up to four rows of A.</summary>
internal static unsafe class GemmDot
{
    /// <summary>C [m, n] (+)= A [m, k] · B [n, k]ᵀ. Column j of C lies at c + j·stepC, row i at c + i·ldc.</summary>
    public static void Run<L>(int m, int n, int k, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, nint stepC, bool accumulate, Epilogue epilogue)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        if (m == 1 && stepC == 1) { Row<L>(n, k, a, b, ldb, c, accumulate, epilogue); }
        else { Rows<L>(m, n, k, a, lda, b, ldb, c, ldc, stepC, accumulate, epilogue); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Rows<L>(int m, int n, int k, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, nint stepC, bool accumulate, Epilogue epilogue)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        float* sums = stackalloc float[16];
        for (int i = 0; i < m;)
        {
            int rows = m - i >= 4 ? 4 : m - i >= 2 ? 2 : 1;
            float* ai = a + (i * lda);
            for (int j = 0; j < n;)
            {
                int columns = n - j >= 4 ? 4 : 1;
                float* bj = b + (j * ldb);
                if (columns == 1)
                {
                    for (int r = 0; r < rows; r++) { sums[r * 4] = Dot<L>(k, ai + (r * lda), bj); }
                }
                else if (rows == 4) { Dots4<L>(k, ai, lda, bj, ldb, sums); }
                else
                {
                    for (int r = 0; r < rows; r++) { Dots1<L>(k, ai + (r * lda), bj, ldb).Store(sums + (r * 4)); }
                }
                if (stepC == 1 && columns == 4)
                {
                    for (int r = 0; r < rows; r++) { Put(Vector128.Load(sums + (r * 4)), c + ((i + r) * ldc) + j, accumulate, epilogue, j); }
                    j += 4;
                    continue;
                }
                for (int r = 0; r < rows; r++)
                {
                    for (int q = 0; q < columns; q++)
                    {
                        float* at = c + ((i + r) * ldc) + ((j + q) * stepC);
                        float sum = sums[(r * 4) + q];
                        if (accumulate) { sum += *at; }
                        *at = epilogue.Apply(sum, j + q);
                    }
                }
                j += columns;
            }
            i += rows;
        }
    }

    // one row of A and a row of C without gaps: nothing goes through memory
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Row<L>(int n, int k, float* a, float* b, nint ldb, float* c, bool accumulate, Epilogue epilogue) where L : struct, IVectorLane<L>, ILane<L>
    {
        int j = 0;
        for (; j + 4 <= n; j += 4, b += 4 * ldb) { Put(Dots1<L>(k, a, b, ldb), c + j, accumulate, epilogue, j); }
        for (; j < n; j++, b += ldb)
        {
            float sum = Dot<L>(k, a, b);
            c[j] = epilogue.Apply(accumulate ? sum + c[j] : sum, j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(Vector128<float> sum, float* c, bool accumulate, Epilogue epilogue, int column)
    {
        if (accumulate) { sum = Vector128.Load(c) + sum; }
        if (epilogue.Bias is not null) { sum += epilogue.BiasStep == 0 ? Vector128.Create(*epilogue.Bias) : Vector128.Load(epilogue.Bias + column); }
        if (epilogue.Relu) { sum = Vector128.Max(sum, Vector128<float>.Zero); }
        sum.Store(c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Dot<L>(int k, float* a, float* b) where L : struct, IVectorLane<L>, ILane<L>
    {
        L s0 = default, s1 = default, s2 = default, s3 = default;
        int p = 0;
        for (; p + (4 * L.Width) <= k; p += 4 * L.Width)
        {
            s0 = L.MultiplyAdd(L.Load(in *a, p), L.Load(in *b, p), s0);
            s1 = L.MultiplyAdd(L.Load(in *a, p + L.Width), L.Load(in *b, p + L.Width), s1);
            s2 = L.MultiplyAdd(L.Load(in *a, p + (2 * L.Width)), L.Load(in *b, p + (2 * L.Width)), s2);
            s3 = L.MultiplyAdd(L.Load(in *a, p + (3 * L.Width)), L.Load(in *b, p + (3 * L.Width)), s3);
        }
        for (; p + L.Width <= k; p += L.Width) { s0 = L.MultiplyAdd(L.Load(in *a, p), L.Load(in *b, p), s0); }
        if (p < k) { s1 = L.MultiplyAdd(Partial.Load<L>(a + p, k - p), Partial.Load<L>(b + p, k - p), s1); }
        return L.Sum(s0 + s1 + (s2 + s3));
    }

    /// <summary>One row of A, four of B: four dot products, with two sums each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Dots1<L>(int k, float* a, float* b, nint ldb) where L : struct, IVectorLane<L>, ILane<L>
    {
        float* b1 = b + ldb, b2 = b1 + ldb, b3 = b2 + ldb;
        L s0 = default, s1 = default, s2 = default, s3 = default, t0 = default, t1 = default, t2 = default, t3 = default;
        int p = 0;
        for (; p + (2 * L.Width) <= k; p += 2 * L.Width)
        {
            L x = L.Load(in *a, p), y = L.Load(in *a, p + L.Width);
            s0 = L.MultiplyAdd(x, L.Load(in *b, p), s0);
            s1 = L.MultiplyAdd(x, L.Load(in *b1, p), s1);
            s2 = L.MultiplyAdd(x, L.Load(in *b2, p), s2);
            s3 = L.MultiplyAdd(x, L.Load(in *b3, p), s3);
            t0 = L.MultiplyAdd(y, L.Load(in *b, p + L.Width), t0);
            t1 = L.MultiplyAdd(y, L.Load(in *b1, p + L.Width), t1);
            t2 = L.MultiplyAdd(y, L.Load(in *b2, p + L.Width), t2);
            t3 = L.MultiplyAdd(y, L.Load(in *b3, p + L.Width), t3);
        }
        while (p < k)
        {
            int n = Math.Min(k - p, L.Width);
            var x = Some<L>(a + p, n);
            s0 = L.MultiplyAdd(x, Some<L>(b + p, n), s0);
            s1 = L.MultiplyAdd(x, Some<L>(b1 + p, n), s1);
            s2 = L.MultiplyAdd(x, Some<L>(b2 + p, n), s2);
            s3 = L.MultiplyAdd(x, Some<L>(b3 + p, n), s3);
            p += n;
        }
        return Four(s0 + t0, s1 + t1, s2 + t2, s3 + t3);
    }

    // four rows of A, four of B
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Dots4<L>(int k, float* a, nint lda, float* b, nint ldb, float* sums) where L : struct, IVectorLane<L>, ILane<L>
    {
        float* a1 = a + lda, a2 = a1 + lda, a3 = a2 + lda, b1 = b + ldb, b2 = b1 + ldb, b3 = b2 + ldb;
        L s00 = default, s01 = default, s02 = default, s03 = default, s10 = default, s11 = default, s12 = default, s13 = default;
        L s20 = default, s21 = default, s22 = default, s23 = default, s30 = default, s31 = default, s32 = default, s33 = default;
        for (int p = 0; p < k; p += L.Width)
        {
            int n = Math.Min(k - p, L.Width);
            L x0 = Some<L>(a + p, n), x1 = Some<L>(a1 + p, n), x2 = Some<L>(a2 + p, n), x3 = Some<L>(a3 + p, n);
            var y = Some<L>(b + p, n);
            s00 = L.MultiplyAdd(x0, y, s00);
            s10 = L.MultiplyAdd(x1, y, s10);
            s20 = L.MultiplyAdd(x2, y, s20);
            s30 = L.MultiplyAdd(x3, y, s30);
            y = Some<L>(b1 + p, n);
            s01 = L.MultiplyAdd(x0, y, s01);
            s11 = L.MultiplyAdd(x1, y, s11);
            s21 = L.MultiplyAdd(x2, y, s21);
            s31 = L.MultiplyAdd(x3, y, s31);
            y = Some<L>(b2 + p, n);
            s02 = L.MultiplyAdd(x0, y, s02);
            s12 = L.MultiplyAdd(x1, y, s12);
            s22 = L.MultiplyAdd(x2, y, s22);
            s32 = L.MultiplyAdd(x3, y, s32);
            y = Some<L>(b3 + p, n);
            s03 = L.MultiplyAdd(x0, y, s03);
            s13 = L.MultiplyAdd(x1, y, s13);
            s23 = L.MultiplyAdd(x2, y, s23);
            s33 = L.MultiplyAdd(x3, y, s33);
        }
        Four(s00, s01, s02, s03).Store(sums);
        Four(s10, s11, s12, s13).Store(sums + 4);
        Four(s20, s21, s22, s23).Store(sums + 8);
        Four(s30, s31, s32, s33).Store(sums + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Four<L>(L s0, L s1, L s2, L s3) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16) && Avx512F.IsSupported)
        {
            // each lane of 128 bits: the four sums side by side, then the lanes together
            Vector512<float> x0 = Unsafe.As<L, F16>(ref s0).V, x1 = Unsafe.As<L, F16>(ref s1).V, x2 = Unsafe.As<L, F16>(ref s2).V, x3 = Unsafe.As<L, F16>(ref s3).V;
            Vector512<double> a = (Avx512F.UnpackLow(x0, x1) + Avx512F.UnpackHigh(x0, x1)).AsDouble(), b = (Avx512F.UnpackLow(x2, x3) + Avx512F.UnpackHigh(x2, x3)).AsDouble();
            var all = Avx512F.UnpackLow(a, b).AsSingle() + Avx512F.UnpackHigh(a, b).AsSingle();
            var half = all.GetLower() + all.GetUpper();
            return half.GetLower() + half.GetUpper();
        }
        return Vector128.Create(L.Sum(s0), L.Sum(s1), L.Sum(s2), L.Sum(s3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Some<L>(float* from, int n) where L : struct, IVectorLane<L>, ILane<L>
        => n == L.Width ? L.Load(in *from, 0) : Partial.Load<L>(from, n);
}
