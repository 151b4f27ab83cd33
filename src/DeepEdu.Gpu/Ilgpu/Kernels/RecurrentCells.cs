namespace DeepEdu.Gpu.Kernels;

/// <summary>The gates of one unit in PyTorch's order; behind a GRU's three, the recurrent part of n.</summary>
internal struct Gates
{
    public GpuLane A, B, C, D;
}

/// <summary>The non-linear part of a cell for one unit, and its way back; see <see cref="DeepEdu.Kernels.ICell"/>.</summary>
internal interface IGpuCell
{
    /// <summary>Gates of a weight matrix.</summary>
    static abstract int Count { get; }

    /// <summary>Whether values of the state pass from step to step one by one.</summary>
    static abstract bool HasState { get; }

    /// <summary>Whether the two parts of the last gate's sum stay apart, as r acts on one of them.</summary>
    static virtual bool Splits => false;

    /// <summary>From sums to values.</summary>
    /// <returns>h.</returns>
    static abstract GpuLane Forward(ref Gates g, GpuLane before, out GpuLane state);

    /// <summary>From values to dL/d(sums); dL/d(state) becomes dL/d(state before).</summary>
    static abstract void Backward(ref Gates g, GpuLane before, GpuLane state, GpuLane dh, ref GpuLane dState);
}

/// <summary>c = σ(f)·c₋₁ + σ(i)·tanh(g), h = σ(o)·tanh(c).</summary>
internal readonly struct GpuLstm : IGpuCell
{
    public static int Count => 4;

    public static bool HasState => true;

    public static GpuLane Forward(ref Gates g, GpuLane before, out GpuLane state)
    {
        (g.A, g.B, g.C, g.D) = (GpuLane.Sigmoid(g.A), GpuLane.Sigmoid(g.B), GpuLane.Tanh(g.C), GpuLane.Sigmoid(g.D));
        state = (g.B * before) + (g.A * g.C);
        return g.D * GpuLane.Tanh(state);
    }

    public static void Backward(ref Gates g, GpuLane before, GpuLane state, GpuLane dh, ref GpuLane dState)
    {
        GpuLane i = g.A, f = g.B, n = g.C, o = g.D, one = 1f, t = GpuLane.Tanh(state), d = (dh * o * (one - (t * t))) + dState;
        dState = d * f;
        g.A = d * n * i * (one - i);
        g.B = d * before * f * (one - f);
        g.C = d * i * (one - (n * n));
        g.D = dh * t * o * (one - o);
    }
}

/// <summary>c = σ(f)·c₋₁ + (1 − σ(f))·tanh(g), h = σ(o)·tanh(c).</summary>
internal readonly struct GpuCoupledLstm : IGpuCell
{
    public static int Count => 3;

    public static bool HasState => true;

    public static GpuLane Forward(ref Gates g, GpuLane before, out GpuLane state)
    {
        (g.A, g.B, g.C) = (GpuLane.Sigmoid(g.A), GpuLane.Tanh(g.B), GpuLane.Sigmoid(g.C));
        state = (g.A * (before - g.B)) + g.B;
        return g.C * GpuLane.Tanh(state);
    }

    public static void Backward(ref Gates g, GpuLane before, GpuLane state, GpuLane dh, ref GpuLane dState)
    {
        GpuLane f = g.A, n = g.B, o = g.C, one = 1f, t = GpuLane.Tanh(state), d = (dh * o * (one - (t * t))) + dState;
        dState = d * f;
        g.A = d * (before - n) * f * (one - f);
        g.B = d * (one - f) * (one - (n * n));
        g.C = dh * t * o * (one - o);
    }
}

/// <summary>n = tanh(nₓ + σ(r)·nₕ), h = (1 − σ(z))·n + σ(z)·h₋₁.</summary>
internal readonly struct GpuGru : IGpuCell
{
    public static int Count => 3;

    public static bool HasState => true;

    public static bool Splits => true;

    public static GpuLane Forward(ref Gates g, GpuLane before, out GpuLane state)
    {
        (g.A, g.B) = (GpuLane.Sigmoid(g.A), GpuLane.Sigmoid(g.B));
        g.C = GpuLane.Tanh(g.C + (g.A * g.D));
        state = (g.B * (before - g.C)) + g.C;
        return state;
    }

    public static void Backward(ref Gates g, GpuLane before, GpuLane state, GpuLane dh, ref GpuLane dState)
    {
        GpuLane r = g.A, z = g.B, n = g.C, one = 1f, d = dh + dState;
        dState = d * z;
        g.C = d * (one - z) * (one - (n * n));
        g.A = g.C * g.D * r * (one - r);
        g.B = d * (before - n) * z * (one - z);
        g.D = g.C * r;
    }
}

/// <summary>n = tanh(n), h = (1 − z)·n + z·h₋₁, with r and z known; what r is multiplied with, and its way back, lie in <see cref="ResetEnd"/> and <see cref="UnresetEnd"/>.</summary>
internal readonly struct GpuGruBefore : IGpuCell
{
    public static int Count => 3;

    public static bool HasState => true;

    public static GpuLane Forward(ref Gates g, GpuLane before, out GpuLane state)
    {
        g.C = GpuLane.Tanh(g.C);
        state = (g.B * (before - g.C)) + g.C;
        return state;
    }

    public static void Backward(ref Gates g, GpuLane before, GpuLane state, GpuLane dh, ref GpuLane dState)
    {
        GpuLane z = g.B, n = g.C, one = 1f, d = dh + dState;
        dState = d * z;
        g.B = d * (before - n) * z * (one - z);
        g.C = d * (one - z) * (one - (n * n));
    }
}

/// <summary>h = tanh(s).</summary>
internal readonly struct GpuTanhCell : IGpuCell
{
    public static int Count => 1;

    public static bool HasState => false;

    public static GpuLane Forward(ref Gates g, GpuLane before, out GpuLane state)
    {
        state = default;
        return g.A = GpuLane.Tanh(g.A);
    }

    public static void Backward(ref Gates g, GpuLane before, GpuLane state, GpuLane dh, ref GpuLane dState) => g.A = dh * (new GpuLane(1) - (g.A * g.A));
}

/// <summary>h = max(0, s).</summary>
internal readonly struct GpuReluCell : IGpuCell
{
    public static int Count => 1;

    public static bool HasState => false;

    public static GpuLane Forward(ref Gates g, GpuLane before, out GpuLane state)
    {
        state = default;
        return g.A = GpuLane.Max(g.A, 0f);
    }

    public static void Backward(ref Gates g, GpuLane before, GpuLane state, GpuLane dh, ref GpuLane dState) => g.A = GpuLane.WhereGreater(g.A, 0f, dh, 0f);
}
