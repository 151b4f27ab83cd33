using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The cells that <see cref="RecurrentSequence"/> runs.</summary>
internal enum CellKind
{
    /// <summary>Gates i, f, g, o.</summary>
    Lstm,

    /// <summary>Gates f, g, o; i = 1 − f.</summary>
    CoupledLstm,

    /// <summary>Gates r, z, n; r acts on the product of h₋₁.</summary>
    Gru,

    /// <summary>Gates r, z, n; r acts on h₋₁ itself.</summary>
    GruResetBefore,

    /// <summary>One sum and tanh.</summary>
    Tanh,

    /// <summary>One sum and max(0, ·).</summary>
    Relu,
}

/// <summary>Which gates of a weight matrix feed which planes: gate <c>Gate + (p + Turn) mod Count</c> feeds plane <c>Plane + p</c>.</summary>
internal readonly record struct GateSet(int Plane, int Count, int Gate = 0, int Turn = 0)
{
    /// <summary>The gate of the set's plane p.</summary>
    public int Of(int p) => Gate + ((p + Turn) % Count);
}

/// <summary>How a cell's gate sums lie in memory: planes side by side, each the units padded to whole vectors.</summary>
/// <param name="Gates">Gates in a weight matrix.</param>
/// <param name="Planes">Planes of sums.</param>
/// <param name="Input">Where x·Wᵢᵀ goes.</param>
/// <param name="Recurrent">Where h₋₁·Wₕᵀ goes.</param>
/// <param name="Late">Where (r ⊙ h₋₁)·Wₕᵀ goes, once r is known; of count 0 if there is no such product.</param>
/// <param name="HasCell">Whether the cell's state is another than h.</param>
/// <param name="HasState">Whether values of the state pass from step to step one by one, not through a product only.</param>
internal sealed record CellPlan(int Gates, int Planes, GateSet Input, GateSet Recurrent, GateSet Late, bool HasCell, bool HasState)
{
    private static readonly CellPlan s_lstm = Simple(4) with { HasCell = true, HasState = true }, s_coupled = Simple(3) with { HasCell = true, HasState = true }, s_plain = Simple(1);

    // n's two sums stay apart, for r acts on one of them: planes n of h, r, z, n of x
    private static readonly CellPlan s_gru = new(3, 4, new(1, 3), new(0, 3, 0, 2), default, false, true);

    private static readonly CellPlan s_before = new(3, 3, new(0, 3), new(0, 2), new(2, 1, 2), false, true);

    /// <summary>The plan of a cell.</summary>
    public static CellPlan Of(CellKind kind) => kind switch
    {
        CellKind.Lstm => s_lstm,
        CellKind.CoupledLstm => s_coupled,
        CellKind.Gru => s_gru,
        CellKind.GruResetBefore => s_before,
        _ => s_plain,
    };

    private static CellPlan Simple(int gates) => new(gates, gates, new(0, gates), new(0, gates), default, false, false);
}

/// <summary>The non-linear part of a cell for one vector of units, and its way back. g points at the first of the gate sums, the next is one plane behind it.
/// "State" is c of an LSTM and h of a GRU: what is passed on value by value.</summary>
internal unsafe interface ICell
{
    /// <summary>Whether a product of r ⊙ h₋₁ stands between <see cref="Reset"/> and <see cref="Forward"/>.</summary>
    static virtual bool Resets => false;

    /// <summary>From the gate sums (their values afterwards, if <paramref name="keep"/>) and the state before to the state and h.</summary>
    static abstract L Forward<L>(float* g, nint plane, bool keep, float* before, float* state) where L : struct, IVectorLane<L>, ILane<L>;

    /// <summary>The way back: dL/d(gate sums) in place of the gates, added to db; dL/d(state before) in place of dL/d(state) that comes from the next step.</summary>
    static abstract void Backward<L>(float* g, nint plane, float* before, float* state, L dh, float* dState, float* db) where L : struct, IVectorLane<L>, ILane<L>;

    /// <summary>First half of <see cref="Forward"/>: the product's factor r ⊙ h₋₁.</summary>
    static virtual void Reset<L>(float* g, nint plane, float* before, float* to) where L : struct, IVectorLane<L>, ILane<L> { }

    /// <summary>Second half of <see cref="Backward"/>, from dL/d(r ⊙ h₋₁).</summary>
    static virtual void Unreset<L>(float* g, float* before, L dReset, float* dState, float* db) where L : struct, IVectorLane<L>, ILane<L> { }
}

/// <summary>What cells share. tanh is a rational function of degree 13 over 6 (absolute error below 3·10⁻⁷), sigmoid is ½ + ½ tanh(x/2); gates share a division.</summary>
internal static unsafe class CellMath
{
    /// <summary>Stores dL/d(gate sum) and adds it to db.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put<L>(L d, float* g, float* db, nint at) where L : struct, IVectorLane<L>, ILane<L>
    {
        L.Store(d, ref *g, at);
        L.Store(L.Load(in *db, at) + d, ref *db, at);
    }

    /// <summary>σ(a) and σ(b).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Sigmoids<L>(L a, L b, out L sa, out L sb) where L : struct, IVectorLane<L>, ILane<L>
    {
        Tanh(a * 0.5f, out L pa, out L qa);
        Tanh(b * 0.5f, out L pb, out L qb);
        L r = L.Of(0.5f) / (qa * qb);
        sa = L.MultiplyAdd(pa * qb, r, 0.5f);
        sb = L.MultiplyAdd(pb * qa, r, 0.5f);
    }

    /// <summary>tanh x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static L Tanh<L>(L x) where L : struct, IVectorLane<L>, ILane<L>
    {
        Tanh(x, out L p, out L q);
        return p / q;
    }

    /// <summary>tanh x ≈ p / q, q in [0.0048, 1].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Tanh<L>(L x, out L p, out L q) where L : struct, IVectorLane<L>, ILane<L>
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
