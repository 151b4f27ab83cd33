using DeepEdu.Lanes;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu;

/// <summary>A parameter, its gradient and its statistics; those that are not there are some other view.</summary>
internal struct UpdateTarget
{
    public Floats W, G, S1, S2, S3;

    /// <summary>Whether all of them begin on 16 bytes, which are read and written at once then.</summary>
    public int Fours;

    /// <summary>Steps every <paramref name="step"/>-th value from one on, or so many fours and what is left behind them.</summary>
    public readonly void Step<F>(F formula, int states, long from, long step) where F : unmanaged, IUpdate
    {
        long i = from;
        if (Fours != 0)
        {
            long fours = W.Length >> 2;
            for (; i < fours; i += step) { Four(formula, states, i, i); }
            i = (fours << 2) + from; // three at most
        }
        for (; i < W.Length; i += step) { One(formula, states, i, i); }
    }

    /// <summary>Steps value <paramref name="i"/> along gradient <paramref name="at"/>.</summary>
    public readonly void One<F>(F formula, int states, long i, long at) where F : unmanaged, IUpdate
    {
        GpuLane a = default, b = default, c = default, v = new(W[i]);
        if (states > 0) { a = new(S1[i]); }
        if (states > 1) { b = new(S2[i]); }
        if (states > 2) { c = new(S3[i]); }
        formula.Step(ref v, new GpuLane(G[at]), ref a, ref b, ref c);
        W[i] = v.V;
        if (states > 0) { S1[i] = a.V; }
        if (states > 1) { S2[i] = b.V; }
        if (states > 2) { S3[i] = c.V; }
    }

    /// <summary>The same of fours.</summary>
    public readonly void Four<F>(F formula, int states, long i, long at) where F : unmanaged, IUpdate
    {
        Float4 w = W.Cast<Float4>()[i], g = G.Cast<Float4>()[at], a = default, b = default, c = default;
        if (states > 0) { a = S1.Cast<Float4>()[i]; }
        if (states > 1) { b = S2.Cast<Float4>()[i]; }
        if (states > 2) { c = S3.Cast<Float4>()[i]; }
        Lane(formula, ref w.X, g.X, ref a.X, ref b.X, ref c.X);
        Lane(formula, ref w.Y, g.Y, ref a.Y, ref b.Y, ref c.Y);
        Lane(formula, ref w.Z, g.Z, ref a.Z, ref b.Z, ref c.Z);
        Lane(formula, ref w.W, g.W, ref a.W, ref b.W, ref c.W);
        W.Cast<Float4>()[i] = w;
        if (states > 0) { S1.Cast<Float4>()[i] = a; }
        if (states > 1) { S2.Cast<Float4>()[i] = b; }
        if (states > 2) { S3.Cast<Float4>()[i] = c; }
    }

    private static void Lane<F>(F formula, ref float w, float g, ref float a, ref float b, ref float c) where F : unmanaged, IUpdate
    {
        GpuLane v = new(w), s1 = new(a), s2 = new(b), s3 = new(c);
        formula.Step(ref v, new GpuLane(g), ref s1, ref s2, ref s3);
        (w, a, b, c) = (v.V, s1.V, s2.V, s3.V);
    }
}

internal struct UpdateLoop<F> : IGpuKernel where F : unmanaged, IUpdate
{
    public F Formula;
    public UpdateTarget Target;
    public int States;

    public readonly void Run() => Target.Step(Formula, States, Grid.GlobalLinearIndex, Loops.Stride);
}

/// <summary>Several parameters, each with groups of its own.</summary>
internal struct UpdateManyLoop<F> : IGpuKernel where F : unmanaged, IUpdate
{
    /// <summary>So many parameters.</summary>
    public const int Most = 8;

    public F Formula;
    public int States, Groups;
    private UpdateTarget _0, _1, _2, _3, _4, _5, _6, _7;
    private int _from1, _from2, _from3, _from4, _from5, _from6, _from7;

    public readonly UpdateTarget First => _0;

    /// <summary>A parameter, and the first of its groups.</summary>
    public void Set(int i, in UpdateTarget target, int from)
    {
        switch (i)
        {
            case 0: _0 = target; break;
            case 1: (_1, _from1) = (target, from); break;
            case 2: (_2, _from2) = (target, from); break;
            case 3: (_3, _from3) = (target, from); break;
            case 4: (_4, _from4) = (target, from); break;
            case 5: (_5, _from5) = (target, from); break;
            case 6: (_6, _from6) = (target, from); break;
            default: (_7, _from7) = (target, from); break;
        }
    }

    public readonly void Run()
    {
        int group = Grid.IdxX, from = 0, end = _from1;
        var mine = _0;
        Next(_1, group, _from1, _from2, ref mine, ref from, ref end);
        Next(_2, group, _from2, _from3, ref mine, ref from, ref end);
        Next(_3, group, _from3, _from4, ref mine, ref from, ref end);
        Next(_4, group, _from4, _from5, ref mine, ref from, ref end);
        Next(_5, group, _from5, _from6, ref mine, ref from, ref end);
        Next(_6, group, _from6, _from7, ref mine, ref from, ref end);
        Next(_7, group, _from7, int.MaxValue, ref mine, ref from, ref end);
        mine.Step(Formula, States, ((long)(group - from) * Group.DimX) + Group.IdxX, (long)(IntrinsicMath.Min(end, Groups) - from) * Group.DimX);
    }

    private static void Next(UpdateTarget target, int group, int first, int behind, ref UpdateTarget mine, ref int from, ref int end)
    {
        if (group >= first) { (mine, from, end) = (target, first, behind); }
    }
}
