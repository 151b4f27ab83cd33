using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Sums of a table's rows: of a strip of columns after the other, which stay in registers while the rows pass.</summary>
internal static unsafe class BagRows
{
    /// <summary>y = Σ table[rows[j], ·] over the rows that are not <paramref name="skip"/>; their number. Rows are as long as y.</summary>
    public static int Sum(ReadOnlySpan<float> table, ReadOnlySpan<int> rows, Span<float> y, int skip)
    {
        fixed (float* from = table, to = y)
        {
            fixed (int* at = rows)
            {
                if (F16.IsSupported) { return Sum<F16>(from, at, rows.Length, to, y.Length, skip); }
                if (F8.IsSupported) { return Sum<F8>(from, at, rows.Length, to, y.Length, skip); }
                return F4.IsSupported ? Sum<F4>(from, at, rows.Length, to, y.Length, skip) : Sum<F1>(from, at, rows.Length, to, y.Length, skip);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Sum<L>(float* table, int* rows, int count, float* y, int n, int skip) where L : struct, IVectorLane<L>, ILane<L>
    {
        int seen = 0, i = 0;
        for (int j = 0; j < count; j++) { seen += rows[j] == skip ? 0 : 1; }
        for (; i <= n - (4 * L.Width); i += 4 * L.Width)
        {
            L a = 0f, b = a, c = a, d = a;
            for (int j = 0; j < count; j++)
            {
                if (rows[j] == skip) { continue; }
                float* x = table + ((nint)rows[j] * n) + i;
                a += L.Load(in *x, 0);
                b += L.Load(in *x, L.Width);
                c += L.Load(in *x, 2 * L.Width);
                d += L.Load(in *x, 3 * L.Width);
            }
            L.Store(a, ref *y, i);
            L.Store(b, ref *y, i + L.Width);
            L.Store(c, ref *y, i + (2 * L.Width));
            L.Store(d, ref *y, i + (3 * L.Width));
        }
        for (; i < n; i += L.Width)
        {
            int real = Math.Min(L.Width, n - i);
            L a = 0f;
            for (int j = 0; j < count; j++)
            {
                if (rows[j] == skip) { continue; }
                float* x = table + ((nint)rows[j] * n) + i;
                a += real == L.Width ? L.Load(in *x, 0) : Partial.Load<L>(x, real);
            }
            if (real == L.Width) { L.Store(a, ref *y, i); } else { Partial.Store(a, y + i, real); }
        }
        return seen;
    }
}
