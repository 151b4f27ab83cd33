using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>A block's scores turned round: a row for each key, the queries side by side in it. What is done query by query, the largest and the sum, then runs across vectors, not inside them.
/// Each method does one vector of queries; <c>edge</c> is how many of the n keys the first of them sees, each further query seeing one more, and <c>n</c> what the last one sees.</summary>
internal static unsafe class AttentionColumns
{
    /// <summary>Scores become e^(score − largest), 0 where a key is not seen and up to <paramref name="end"/>. What was summed before counts e^(largest before − largest) as much: <paramref name="before"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Weights<L>(float* s, nint row, int n, int end, int edge, float* mask, float* largest, float* sums, float* before) where L : struct, IVectorLane<L>, ILane<L>
    {
        L last = L.Load(in *largest, 0), a = last, b = last, c = last, d = last;
        float* x = s;
        int j = 0;
        if (mask is not null)
        {
            for (float* y = s; j < n; j++, y += row, mask += row) { L.Store(L.Load(in *y, 0) + L.Load(in *mask, 0), ref *y, 0); }
            j = 0;
        }
        for (; j + 4 <= edge; j += 4, x += 4 * row)
        {
            // NaN, of which nothing is greater, comes back in the sum
            L x0 = L.Load(in *x, 0), x1 = L.Load(in *x, row), x2 = L.Load(in *x, 2 * row), x3 = L.Load(in *x, 3 * row);
            a = L.WhereGreater(x0, a, x0, a);
            b = L.WhereGreater(x1, b, x1, b);
            c = L.WhereGreater(x2, c, x2, c);
            d = L.WhereGreater(x3, d, x3, d);
        }
        for (; j < n; j++, x += row)
        {
            L x0 = L.Load(in *x, 0);
            if (j >= edge)
            {
                x0 = AttentionScores.Begun(x0, j - edge + 1, float.NegativeInfinity);
                L.Store(x0, ref *x, 0);
            }
            a = L.WhereGreater(x0, a, x0, a);
        }
        a = L.WhereGreater(a, b, a, b);
        c = L.WhereGreater(c, d, c, d);
        a = L.WhereGreater(a, c, a, c);
        L from = L.WhereEqual(a, float.NegativeInfinity, 0f, a), sum = 0f; // no key seen: −∞ less 0 is still −∞
        for (x = s, j = 0; j < n; j++, x += row)
        {
            L e = L.Exp(L.Load(in *x, 0) - from);
            L.Store(e, ref *x, 0);
            sum += e;
        }
        for (; j < end; j++, x += row) { L.Store(0f, ref *x, 0); }
        L less = L.Exp(last - from);
        L.Store(less, ref *before, 0);
        L.Store(L.MultiplyAdd(L.Load(in *sums, 0), less, sum), ref *sums, 0);
        L.Store(a, ref *largest, 0);
    }

    /// <summary>Scores s become weights p = e^(s + mask − logSum), d = dL/dp becomes p·(d − delta)·scale; both 0 where a key is not seen, and up to <paramref name="end"/>.
    /// Without <paramref name="delta"/> these are all keys of the queries, and it is Σ p·d / Σ p: logSum, rounded, is off by 10⁻⁵ where scores are around 100, and so is Σ p from 1. All p of a query are then
    /// off by one factor, which is of no account, but d less a delta that is off by it would be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Pulls<L>(float* s, float* d, nint row, int n, int end, int edge, float* mask, float scale, float* logSum, float* delta) where L : struct, IVectorLane<L>, ILane<L>
    {
        L shift = -L.Load(in *logSum, 0), sum = 0f, all = 0f;
        float* x = s, y = d;
        int j = 0;
        for (; j < n; j++, x += row, y += row)
        {
            L p = L.Load(in *x, 0) + shift;
            if (mask is not null)
            {
                p += L.Load(in *mask, 0);
                mask += row;
            }
            p = L.Exp(p);
            if (j >= edge) { p = AttentionScores.Begun(p, j - edge + 1, 0f); }
            L.Store(p, ref *x, 0);
            all += p;
            sum = L.MultiplyAdd(p, L.Load(in *y, 0), sum);
        }
        for (; j < end; j++, x += row, y += row)
        {
            L.Store(0f, ref *x, 0);
            L.Store(0f, ref *y, 0);
        }
        L take = (delta is null ? L.WhereEqual(all, 0f, 0f, sum / all) : L.Load(in *delta, 0)) * -scale; // no key seen: nothing is taken from 0
        for (j = 0; j < n; j++, s += row, d += row)
        {
            L p = L.Load(in *s, 0) * L.MultiplyAdd(L.Load(in *d, 0), scale, take);
            L.Store(j < edge ? p : AttentionScores.Begun(p, j - edge + 1, 0f), ref *d, 0);
        }
    }
}
