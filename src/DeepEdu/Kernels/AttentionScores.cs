using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DeepEdu.Lanes;
using DeepEdu.Numerics;

namespace DeepEdu.Kernels;

/// <summary>One row of scores, in whole vectors: what lies behind its end becomes weight 0.</summary>
internal static unsafe class AttentionScores
{
    // 0 for places that are there, then −∞: read from 16 − count on; and −∞ for places that are not there, then 0: from 32 − count
    private static ReadOnlySpan<float> Ends =>
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity,
        float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// <summary>s ← s·scale + mask for the first n, −∞ behind them.</summary>
    /// <returns>The largest.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Finish<L>(float* s, int n, float* mask, float scale) where L : struct, IVectorLane<L>, ILane<L>
    {
        L max = float.NegativeInfinity;
        int i = 0;
        if (mask is null)
        {
            for (; i <= n - L.Width; i += L.Width)
            {
                L x = L.Load(in *s, i) * scale;
                L.Store(x, ref *s, i);
                max = L.Max(max, x);
            }
        }
        else
        {
            for (; i <= n - L.Width; i += L.Width)
            {
                L x = L.MultiplyAdd(L.Load(in *s, i), scale, L.Load(in *mask, i));
                L.Store(x, ref *s, i);
                max = L.Max(max, x);
            }
        }
        if (i < n)
        {
            L x = L.Load(in *s, i) * scale;
            if (mask is not null) { x += Partial.Load<L>(mask + i, n - i); }
            x = Ended(x, n - i, float.NegativeInfinity);
            L.Store(x, ref *s, i);
            max = L.Max(max, x);
        }
        return Largest(max);
    }

    /// <summary>s ← e^(s − max).</summary>
    /// <returns>Their sum.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exp<L>(float* s, int n, float max) where L : struct, IVectorLane<L>, ILane<L>
    {
        L sum = 0f, m = max;
        for (int i = 0; i < n; i += L.Width)
        {
            L e = L.Exp(L.Load(in *s, i) - m);
            L.Store(e, ref *s, i);
            sum += e;
        }
        return L.Sum(sum);
    }

    // x in its first places, `rest` behind them, whatever stood there
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Ended<L>(L x, int places, L rest) where L : struct, IVectorLane<L>, ILane<L> => L.WhereEqual(L.Load(in Ends[0], 16 - places), 0f, x, rest);

    /// <summary><paramref name="rest"/> in the first places, x behind them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Begun<L>(L x, int places, L rest) where L : struct, IVectorLane<L>, ILane<L> => L.WhereEqual(L.Load(in Ends[0], 32 - places), 0f, x, rest);

    /// <summary>x ← 0 where the random number is below p, else x·factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Drop<L>(float* x, float* random, int n, float p, float factor) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int i = 0; i < n; i += L.Width) { L.Store(L.WhereGreaterOrEqual(L.Load(in *random, i), p, L.Load(in *x, i) * factor, 0f), ref *x, i); }
    }

    /// <summary>x ← x·factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Times<L>(float* x, int n, float factor) where L : struct, IVectorLane<L>, ILane<L>
    {
        int i = 0;
        for (; i <= n - L.Width; i += L.Width) { L.Store(L.Load(in *x, i) * factor, ref *x, i); }
        for (; i < n; i++) { x[i] *= factor; }
    }

    /// <summary>Σ a·b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot<L>(float* a, float* b, int n) where L : struct, IVectorLane<L>, ILane<L>
    {
        L sum = 0f;
        int i = 0;
        for (; i <= n - L.Width; i += L.Width) { sum = L.MultiplyAdd(L.Load(in *a, i), L.Load(in *b, i), sum); }
        float dot = L.Sum(sum);
        for (; i < n; i++) { dot += a[i] * b[i]; }
        return dot;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest<L>(L x) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16))
        {
            var v = Unsafe.As<L, F16>(ref x).V;
            return Largest(Vector256.Max(v.GetLower(), v.GetUpper()));
        }
        if (typeof(L) == typeof(F8)) { return Largest(Unsafe.As<L, F8>(ref x).V); }
        float max = L.Get(x, 0);
        for (int i = 1; i < L.Width; i++) { max = MathF.Max(max, L.Get(x, i)); }
        return max;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(Vector256<float> x)
    {
        var v = Vector128.Max(x.GetLower(), x.GetUpper());
        v = Vector128.Max(v, Vector128.Shuffle(v, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(v.GetElement(0), v.GetElement(1));
    }
}
