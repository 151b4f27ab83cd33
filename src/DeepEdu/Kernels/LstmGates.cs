using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The non-linear part of the LSTM for one vector of units, and its way back. Gates lie side by side as [i f g o].
/// <para>tanh is a rational function of degree 13 over 6 (absolute error below 3·10⁻⁷), sigmoid is ½ + ½ tanh(x/2); the four gates share one division.</para></summary>
internal static unsafe class LstmGates
{
    /// <summary>c = σ(f)·c₋₁ + σ(i)·tanh(g), h = σ(o)·tanh(c).</summary>
    /// <param name="g">The four gates' sums; if <paramref name="keep"/>, their values afterwards.</param>
    /// <param name="keep">Whether the way back will need the gates.</param>
    /// <param name="before">c₋₁.</param>
    /// <param name="c">Where c goes.</param>
    /// <returns>h.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Forward<L>(float* g, bool keep, float* before, float* c) where L : struct, IVectorLane<L>, ILane<L>
    {
        Tanh(L.Load(in *g, 0) * 0.5f, out L pi, out L qi);
        Tanh(L.Load(in *g, L.Width) * 0.5f, out L pf, out L qf);
        Tanh(L.Load(in *g, 2 * L.Width), out L pg, out L qg);
        Tanh(L.Load(in *g, 3 * L.Width) * 0.5f, out L po, out L qo);
        // 1/(qi·qf·qg·qo), taken apart again: every q lies in [0.0048, 1]
        L qif = qi * qf, qgo = qg * qo, r = L.Of(1) / (qif * qgo), rif = r * qgo, rgo = r * qif;
        L i = L.MultiplyAdd(pi * qf, rif * 0.5f, 0.5f), f = L.MultiplyAdd(pf * qi, rif * 0.5f, 0.5f);
        L n = pg * qo * rgo, o = L.MultiplyAdd(po * qg, rgo * 0.5f, 0.5f);
        L cell = L.MultiplyAdd(f, L.Load(in *before, 0), i * n);
        L.Store(cell, ref *c, 0);
        if (keep)
        {
            L.Store(i, ref *g, 0);
            L.Store(f, ref *g, L.Width);
            L.Store(n, ref *g, 2 * L.Width);
            L.Store(o, ref *g, 3 * L.Width);
        }
        return o * Tanh(cell);
    }

    /// <summary>The way back of <see cref="Forward"/>: dL/d(gate sums) in place of the gates.</summary>
    /// <param name="g">The gates.</param>
    /// <param name="before">c₋₁.</param>
    /// <param name="c">c.</param>
    /// <param name="dh">dL/dh.</param>
    /// <param name="dc">dL/dc that comes from the next step; dL/dc₋₁ afterwards.</param>
    /// <param name="db">Sums of dL/d(gate sums), added to.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Backward<L>(float* g, float* before, float* c, L dh, float* dc, float* db) where L : struct, IVectorLane<L>, ILane<L>
    {
        L i = L.Load(in *g, 0), f = L.Load(in *g, L.Width), n = L.Load(in *g, 2 * L.Width), o = L.Load(in *g, 3 * L.Width), one = 1f;
        L t = Tanh(L.Load(in *c, 0)), d = L.MultiplyAdd(dh * o, L.MultiplyAdd(-t, t, one), L.Load(in *dc, 0));
        L.Store(d * f, ref *dc, 0);
        Put(d * n * i * (one - i), g, db, 0);
        Put(d * L.Load(in *before, 0) * f * (one - f), g, db, L.Width);
        Put(d * i * L.MultiplyAdd(-n, n, one), g, db, 2 * L.Width);
        Put(dh * t * o * (one - o), g, db, 3 * L.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<L>(L d, float* g, float* db, nint at) where L : struct, IVectorLane<L>, ILane<L>
    {
        L.Store(d, ref *g, at);
        L.Store(L.Load(in *db, at) + d, ref *db, at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Tanh<L>(L x) where L : struct, IVectorLane<L>, ILane<L>
    {
        Tanh(x, out L p, out L q);
        return p / q;
    }

    // tanh x ≈ p / q
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tanh<L>(L x, out L p, out L q) where L : struct, IVectorLane<L>, ILane<L>
    {
        x = L.Clamp(x, -7.90531111f, 7.90531111f);
        L s = x * x;
        p = L.MultiplyAdd(s, -2.76076847e-16f, 2.00018790e-13f);
        p = L.MultiplyAdd(s, p, -8.60467152e-11f);
        p = L.MultiplyAdd(s, p, 5.12229709e-08f);
        p = L.MultiplyAdd(s, p, 1.48572235e-05f);
        p = L.MultiplyAdd(s, p, 6.37261928e-04f);
        p = L.MultiplyAdd(s, p, 4.89352455e-03f) * x;
        q = L.MultiplyAdd(s, 1.19825839e-06f, 1.18534705e-04f);
        q = L.MultiplyAdd(s, q, 2.26843463e-03f);
        q = L.MultiplyAdd(s, q, 4.89352518e-03f);
    }
}
