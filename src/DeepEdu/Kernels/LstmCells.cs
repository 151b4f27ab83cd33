using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>c = σ(f)·c₋₁ + σ(i)·tanh(g), h = σ(o)·tanh(c). Planes i, f, g, o.</summary>
internal readonly unsafe struct LstmUnit : ICell
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Forward<L>(float* g, nint plane, bool keep, float* before, float* state) where L : struct, IVectorLane<L>, ILane<L>
    {
        CellMath.Tanh(L.Load(in *g, 0) * 0.5f, out L pi, out L qi);
        CellMath.Tanh(L.Load(in *g, plane) * 0.5f, out L pf, out L qf);
        CellMath.Tanh(L.Load(in *g, 2 * plane), out L pg, out L qg);
        CellMath.Tanh(L.Load(in *g, 3 * plane) * 0.5f, out L po, out L qo);
        // 1/(qi·qf·qg·qo), taken apart again
        L qif = qi * qf, qgo = qg * qo, r = L.Of(1) / (qif * qgo), rif = r * qgo, rgo = r * qif;
        L i = L.MultiplyAdd(pi * qf, rif * 0.5f, 0.5f), f = L.MultiplyAdd(pf * qi, rif * 0.5f, 0.5f);
        L n = pg * qo * rgo, o = L.MultiplyAdd(po * qg, rgo * 0.5f, 0.5f);
        L cell = L.MultiplyAdd(f, L.Load(in *before, 0), i * n);
        L.Store(cell, ref *state, 0);
        if (keep)
        {
            L.Store(i, ref *g, 0);
            L.Store(f, ref *g, plane);
            L.Store(n, ref *g, 2 * plane);
            L.Store(o, ref *g, 3 * plane);
        }
        return o * CellMath.Tanh(cell);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Backward<L>(float* g, nint plane, float* before, float* state, L dh, float* dState, float* db) where L : struct, IVectorLane<L>, ILane<L>
    {
        L i = L.Load(in *g, 0), f = L.Load(in *g, plane), n = L.Load(in *g, 2 * plane), o = L.Load(in *g, 3 * plane), one = 1f;
        L t = CellMath.Tanh(L.Load(in *state, 0)), d = L.MultiplyAdd(dh * o, L.MultiplyAdd(-t, t, one), L.Load(in *dState, 0));
        L.Store(d * f, ref *dState, 0);
        CellMath.Put(d * n * i * (one - i), g, db, 0);
        CellMath.Put(d * L.Load(in *before, 0) * f * (one - f), g, db, plane);
        CellMath.Put(d * i * L.MultiplyAdd(-n, n, one), g, db, 2 * plane);
        CellMath.Put(dh * t * o * (one - o), g, db, 3 * plane);
    }
}

/// <summary>c = σ(f)·c₋₁ + (1 − σ(f))·tanh(g), h = σ(o)·tanh(c). Planes f, g, o.</summary>
internal readonly unsafe struct CoupledUnit : ICell
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Forward<L>(float* g, nint plane, bool keep, float* before, float* state) where L : struct, IVectorLane<L>, ILane<L>
    {
        CellMath.Sigmoids(L.Load(in *g, 0), L.Load(in *g, 2 * plane), out L f, out L o);
        L n = CellMath.Tanh(L.Load(in *g, plane)), cell = L.MultiplyAdd(f, L.Load(in *before, 0) - n, n);
        L.Store(cell, ref *state, 0);
        if (keep)
        {
            L.Store(f, ref *g, 0);
            L.Store(n, ref *g, plane);
            L.Store(o, ref *g, 2 * plane);
        }
        return o * CellMath.Tanh(cell);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Backward<L>(float* g, nint plane, float* before, float* state, L dh, float* dState, float* db) where L : struct, IVectorLane<L>, ILane<L>
    {
        L f = L.Load(in *g, 0), n = L.Load(in *g, plane), o = L.Load(in *g, 2 * plane), one = 1f;
        L t = CellMath.Tanh(L.Load(in *state, 0)), d = L.MultiplyAdd(dh * o, L.MultiplyAdd(-t, t, one), L.Load(in *dState, 0));
        L.Store(d * f, ref *dState, 0);
        CellMath.Put(d * (L.Load(in *before, 0) - n) * f * (one - f), g, db, 0);
        CellMath.Put(d * (one - f) * L.MultiplyAdd(-n, n, one), g, db, plane);
        CellMath.Put(dh * t * o * (one - o), g, db, 2 * plane);
    }
}
