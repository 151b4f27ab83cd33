using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>n = tanh(nₓ + σ(r)·nₕ), h = (1 − σ(z))·n + σ(z)·h₋₁. Planes nₕ, r, z, nₓ.</summary>
internal readonly unsafe struct GruUnit : ICell
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Forward<L>(float* g, nint plane, bool keep, float* before, float* state) where L : struct, IVectorLane<L>, ILane<L>
    {
        CellMath.Sigmoids(L.Load(in *g, plane), L.Load(in *g, 2 * plane), out L r, out L z);
        L n = CellMath.Tanh(L.MultiplyAdd(r, L.Load(in *g, 0), L.Load(in *g, 3 * plane))), h = L.MultiplyAdd(z, L.Load(in *before, 0) - n, n);
        L.Store(h, ref *state, 0);
        if (keep)
        {
            L.Store(r, ref *g, plane);
            L.Store(z, ref *g, 2 * plane);
            L.Store(n, ref *g, 3 * plane);
        }
        return h;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Backward<L>(float* g, nint plane, float* before, float* state, L dh, float* dState, float* db) where L : struct, IVectorLane<L>, ILane<L>
    {
        L r = L.Load(in *g, plane), z = L.Load(in *g, 2 * plane), n = L.Load(in *g, 3 * plane), one = 1f;
        L d = dh + L.Load(in *dState, 0), dn = d * (one - z) * L.MultiplyAdd(-n, n, one);
        L.Store(d * z, ref *dState, 0);
        CellMath.Put(dn * L.Load(in *g, 0) * r * (one - r), g, db, plane);
        CellMath.Put(d * (L.Load(in *before, 0) - n) * z * (one - z), g, db, 2 * plane);
        CellMath.Put(dn, g, db, 3 * plane);
        CellMath.Put(dn * r, g, db, 0);
    }
}

/// <summary>n = tanh(nₓ + Wₕ·(σ(r) ⊙ h₋₁)), h = (1 − σ(z))·n + σ(z)·h₋₁. Planes r, z, n.</summary>
internal readonly unsafe struct GruBeforeUnit : ICell
{
    /// <inheritdoc/>
    public static bool Resets => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Reset<L>(float* g, nint plane, float* before, float* to) where L : struct, IVectorLane<L>, ILane<L>
    {
        CellMath.Sigmoids(L.Load(in *g, 0), L.Load(in *g, plane), out L r, out L z);
        L.Store(r, ref *g, 0);
        L.Store(z, ref *g, plane);
        L.Store(r * L.Load(in *before, 0), ref *to, 0);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Forward<L>(float* g, nint plane, bool keep, float* before, float* state) where L : struct, IVectorLane<L>, ILane<L>
    {
        L n = CellMath.Tanh(L.Load(in *g, 2 * plane)), h = L.MultiplyAdd(L.Load(in *g, plane), L.Load(in *before, 0) - n, n);
        L.Store(h, ref *state, 0);
        if (keep) { L.Store(n, ref *g, 2 * plane); }
        return h;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Backward<L>(float* g, nint plane, float* before, float* state, L dh, float* dState, float* db) where L : struct, IVectorLane<L>, ILane<L>
    {
        L z = L.Load(in *g, plane), n = L.Load(in *g, 2 * plane), one = 1f, d = dh + L.Load(in *dState, 0);
        L.Store(d * z, ref *dState, 0);
        CellMath.Put(d * (L.Load(in *before, 0) - n) * z * (one - z), g, db, plane);
        CellMath.Put(d * (one - z) * L.MultiplyAdd(-n, n, one), g, db, 2 * plane);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unreset<L>(float* g, float* before, L dReset, float* dState, float* db) where L : struct, IVectorLane<L>, ILane<L>
    {
        L r = L.Load(in *g, 0);
        CellMath.Put(dReset * L.Load(in *before, 0) * r * (L.Of(1) - r), g, db, 0);
        L.Store(L.MultiplyAdd(dReset, r, L.Load(in *dState, 0)), ref *dState, 0);
    }
}

/// <summary>h = tanh(s).</summary>
internal readonly unsafe struct TanhUnit : ICell
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Forward<L>(float* g, nint plane, bool keep, float* before, float* state) where L : struct, IVectorLane<L>, ILane<L>
    {
        L h = CellMath.Tanh(L.Load(in *g, 0));
        if (keep) { L.Store(h, ref *g, 0); }
        return h;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Backward<L>(float* g, nint plane, float* before, float* state, L dh, float* dState, float* db) where L : struct, IVectorLane<L>, ILane<L>
    {
        L h = L.Load(in *g, 0);
        CellMath.Put(dh * L.MultiplyAdd(-h, h, L.Of(1)), g, db, 0);
    }
}

/// <summary>h = max(0, s).</summary>
internal readonly unsafe struct ReluUnit : ICell
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Forward<L>(float* g, nint plane, bool keep, float* before, float* state) where L : struct, IVectorLane<L>, ILane<L>
    {
        L h = L.Max(L.Load(in *g, 0), L.Of(0));
        if (keep) { L.Store(h, ref *g, 0); }
        return h;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Backward<L>(float* g, nint plane, float* before, float* state, L dh, float* dState, float* db) where L : struct, IVectorLane<L>, ILane<L> =>
        CellMath.Put(L.WhereGreater(L.Load(in *g, 0), L.Of(0), dh, L.Of(0)), g, db, 0);
}
