using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>A row times a matrix, c = x·B: sums of B's rows. A tile of one row would be three sums in a row of latencies; here eight run at a time, four vectors of even and of odd k.</summary>
internal static unsafe class GemmRow
{
    /// <summary>c [n] (+)= x [k] · B [k, n]; x lies stepX floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Run<L>(int n, int k, float* x, nint stepX, float* b, nint ldb, float* c, bool accumulate, Epilogue epilogue) where L : struct, IVectorLane<L>, ILane<L>
    {
        var end = new TileEnd(accumulate, epilogue);
        int j = 0;
        for (; j + (4 * L.Width) <= n; j += 4 * L.Width)
        {
            L s0 = default, s1 = default, s2 = default, s3 = default, t0 = default, t1 = default, t2 = default, t3 = default;
            float* at = b + j, xp = x;
            int p = k;
            for (; p >= 2; p -= 2, at += 2 * ldb, xp += 2 * stepX)
            {
                float* next = at + ldb;
                L even = L.Of(*xp), odd = L.Of(xp[stepX]);
                s0 = L.MultiplyAdd(even, L.Load(in *at, 0), s0);
                s1 = L.MultiplyAdd(even, L.Load(in *at, L.Width), s1);
                s2 = L.MultiplyAdd(even, L.Load(in *at, 2 * L.Width), s2);
                s3 = L.MultiplyAdd(even, L.Load(in *at, 3 * L.Width), s3);
                t0 = L.MultiplyAdd(odd, L.Load(in *next, 0), t0);
                t1 = L.MultiplyAdd(odd, L.Load(in *next, L.Width), t1);
                t2 = L.MultiplyAdd(odd, L.Load(in *next, 2 * L.Width), t2);
                t3 = L.MultiplyAdd(odd, L.Load(in *next, 3 * L.Width), t3);
            }
            if (p > 0)
            {
                L even = L.Of(*xp);
                s0 = L.MultiplyAdd(even, L.Load(in *at, 0), s0);
                s1 = L.MultiplyAdd(even, L.Load(in *at, L.Width), s1);
                s2 = L.MultiplyAdd(even, L.Load(in *at, 2 * L.Width), s2);
                s3 = L.MultiplyAdd(even, L.Load(in *at, 3 * L.Width), s3);
            }
            end.Put(s0 + t0, c, j);
            end.Put(s1 + t1, c, j + L.Width);
            end.Put(s2 + t2, c, j + (2 * L.Width));
            end.Put(s3 + t3, c, j + (3 * L.Width));
        }
        for (; j < n; j += L.Width)
        {
            int columns = Math.Min(L.Width, n - j);
            L s = default, t = default;
            float* at = b + j, xp = x;
            int p = k;
            for (; p >= 2; p -= 2, at += 2 * ldb, xp += 2 * stepX)
            {
                s = L.MultiplyAdd(L.Of(*xp), Some<L>(at, columns), s);
                t = L.MultiplyAdd(L.Of(xp[stepX]), Some<L>(at + ldb, columns), t);
            }
            if (p > 0) { s = L.MultiplyAdd(L.Of(*xp), Some<L>(at, columns), s); }
            s += t;
            if (columns == L.Width) { end.Put(s, c, j); }
            else { end.Put(s, c, j, columns); }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Some<L>(float* from, int n) where L : struct, IVectorLane<L>, ILane<L> => n == L.Width ? L.Load(in *from, 0) : Partial.Load<L>(from, n);
}
