using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The recurrent part of a cell over whole sequences. The gates' input parts x·Wᵢᵀ + b are there already, or made or looked up
/// step by step, so that no more than one step's gates are ever in memory. Threads take groups of sequences and never wait for each other; where there is one group and
/// the weights are many, two of them share the units and wait for each other in each step.</summary>
internal unsafe partial struct RecurrentSequence : IChunks
{
    private const int PairedWeights = 1 << 17; // floats: half a second-level cache
    private const int SharedWeights = 1 << 16; // floats: reading them from the second-level cache takes 1 µs, and waiting for each other .2

    /// <summary>The cell.</summary>
    public CellKind Kind;

    /// <summary>The rows.</summary>
    public RecurrentRows Rows;

    /// <summary>H, the units.</summary>
    public int Hidden;

    /// <summary>R, the width of h: H, or that of the projection.</summary>
    public int Recurrent;

    /// <summary>Whether this is the way back.</summary>
    public bool Back;

    /// <summary>Whether the gates' values and each step's c are kept for the way back.</summary>
    public bool Keep;

    /// <summary>Gates [rows, planes·Hp]: sums, then values, then dL/d(sums). [batch, planes·Hp] if they are made step by step and not kept.</summary>
    public float* Gates;

    /// <summary>Packed Wᵢ, if the gates are to be made step by step; else null.</summary>
    public float* Input;

    /// <summary>Instead of inputs, the table of their categories; else null.</summary>
    public float* Table;

    /// <inheritdoc cref="Table"/>
    public CategoryTable Categories;

    /// <summary>Then also the inputs [rows, E], and the biases [planes·Hp].</summary>
    public float* X, Bias;

    /// <summary>E.</summary>
    public int Inputs;

    /// <summary>The state after each step [rows, Hp], if kept.</summary>
    public float* Cells;

    /// <summary>The state before the first step [batch, Hp]; the last one afterwards, if not kept.</summary>
    public float* Start;

    /// <summary>h after each step [rows, R].</summary>
    public float* Output;

    /// <summary>h before the first step [batch, R], already masked, or null for 0.</summary>
    public float* H0;

    /// <summary>Packed Wₕ: for the way forward or back.</summary>
    public float* Weights;

    /// <summary>Instead of <see cref="Weights"/>, <see cref="RecurrentInt8"/> for the way forward, and room for h as whole numbers: [parts, batch, 2 · <see cref="Int8Panels.Pairs"/>].</summary>
    public float* Int8;

    /// <inheritdoc cref="Int8"/>
    public short* Whole;

    /// <summary>Of a cell that resets h first: the packed part of Wₕ that its product meets, for the way forward or back, and r ⊙ h₋₁, [rows, Hp] if kept, else
    /// [batch, Hp].</summary>
    public float* LateWeights, Reset;

    /// <summary>Packed projection [R, H]: for the way forward or back; null if there is none.</summary>
    public float* Projection;

    /// <summary>With a projection, σ(o) ⊙ tanh(c) of each step, [rows, H] if kept, else [batch, H].</summary>
    public float* Raw;

    /// <summary>With a projection, work space: [batch, Rp] on the way forward, [batch, Hp] on the way back.</summary>
    public float* Space;

    /// <summary>What h is multiplied with before it enters the next step [batch, R], or null for 1.</summary>
    public float* Mask;

    /// <summary>With a mask, the masked h of each step [rows, R].</summary>
    public float* Masked;

    /// <summary>dL/dh of each step [rows, R], or null.</summary>
    public float* DOutput;

    /// <summary>With a projection, dL/dh of each step with what the next step sends back [rows, R].</summary>
    public float* DTotal;

    /// <summary>dL/dh [batch, Rp] and dL/d(state) [batch, Hp], the latter without what passes through h: of the last state at first, of the initial state afterwards.</summary>
    public float* Dh, Dc;

    /// <summary>dL/d(gate sums), summed over each sequence's steps [batch, planes·Hp].</summary>
    public float* Db;

    /// <summary>Memory of <see cref="Lockstep"/>, cleared, if two threads shall share the units of a step; else null.</summary>
    public float* Turns;

    /// <summary>Whether two threads are to share the units: reading the weights then is most of a step, and each thread's half fits its own cache.</summary>
    public static bool Shares(in RecurrentData d) => d.Rows.Groups == 1 && d.Rows.Order.Length <= 2 && DeepEduOptions.MaxThreads > 1
        && CellPlan.Of(d.Kind).Late.Count == 0 && d.WeightHr.IsNone && d.Mask.IsNone && (long)d.WeightHh.Length >= SharedWeights;

    /// <summary>Runs all groups.</summary>
    public readonly void Run() => Work.Run(Turns is null ? Rows.Groups : Lockstep.Parts, in this);

    /// <inheritdoc/>
    public readonly void Run(int chunk)
    {
        switch (Kind)
        {
            case CellKind.Lstm: Run<LstmUnit>(chunk); break;
            case CellKind.CoupledLstm: Run<CoupledUnit>(chunk); break;
            case CellKind.Gru: Run<GruUnit>(chunk); break;
            case CellKind.GruResetBefore: Run<GruBeforeUnit>(chunk); break;
            case CellKind.Tanh: Run<TanhUnit>(chunk); break;
            default: Run<ReluUnit>(chunk); break;
        }
    }

    private readonly void Run<C>(int chunk) where C : struct, ICell
    {
        if (F16.IsSupported) { Run<F16, C>(chunk); }
        else if (F8.IsSupported) { Run<F8, C>(chunk); }
        else if (F4.IsSupported) { Run<F4, C>(chunk); }
        else { Run<F1, C>(chunk); }
    }

    private readonly void Run<L, C>(int chunk) where L : struct, IVectorLane<L>, ILane<L> where C : struct, ICell
    {
        var rows = Rows.InGroup(Turns is null ? chunk : 0);
        if (rows.Length == 0) { return; }
        if (Back) { Backward<L, C>(rows); } else { Forward<L, C>(rows, chunk); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private readonly void Forward<L, C>(ReadOnlySpan<int> group, int part) where L : struct, IVectorLane<L>, ILane<L> where C : struct, ICell
    {
        var plan = CellPlan.Of(Kind);
        var late = plan.Late;
        int hidden = Hidden, recurrent = Recurrent, width = L.Width, padded = RecurrentWeights.Padded(hidden), steps = Rows.Length[group[0]], planes = plan.Planes;
        float** h = stackalloc float*[group.Length], g = stackalloc float*[group.Length], y = stackalloc float*[group.Length], reset = stackalloc float*[group.Length];
        float** before = stackalloc float*[group.Length], after = stackalloc float*[group.Length], x = stackalloc float*[group.Length];
        float* recent = Mask is null ? Output : Masked, each = stackalloc float[MostParts];
        var at = new StepRows(h, g, y, reset, before, after, x);
        bool shares = Turns is not null;
        var turns = shares ? new Lockstep(Turns) : default;
        int half = (padded + (2 * width) - 1) / (2 * width) * width;
        for (int s = shares ? turns.Next : 0; s < steps; s++)
        {
            int running = Rows.Running(group, s);
            for (int i = 0; i < running; i++)
            {
                nint r = group[i], q = Rows.At(r, s), last = s > 0 ? Rows.At(r, s - 1) : 0;
                h[i] = s > 0 ? recent + (last * recurrent) : H0 + (r * recurrent);
                before[i] = s > 0 && Keep ? Cells + (last * padded) : Start + (r * padded);
                after[i] = Keep ? Cells + (q * padded) : Start + (r * padded);
                g[i] = Gates + ((Keep || (Input is null && Table is null) ? q : r) * planes * padded);
                x[i] = Table is null ? X + (q * Inputs) : Table + ((nint)Categories.Categories[q] * Categories.Width);
                y[i] = Projection is null ? Output + (q * hidden) : Raw + ((Keep ? q : r) * hidden);
                reset[i] = Reset + ((Keep ? q : r) * padded);
            }
            bool product = s > 0 || H0 is not null, int8 = Int8 is not null && product;
            short* whole = Whole + ((nint)part * Rows.Batch * 2 * Int8Panels.Pairs(recurrent));
            if (int8)
            {
                for (int i = 0; i < running; i++) { each[i] = Int8Tile.Codes(h[i], recurrent, whole + ((nint)i * 2 * Int8Panels.Pairs(recurrent))); }
            }
            if (shares)
            {
                for (int i = 0; i < Lockstep.Parts; i++)
                {
                    int mine = part ^ i;
                    if (!turns.TryTake(mine, s)) { continue; }
                    int from = mine * half, to = mine == 0 ? half : padded;
                    if (Table is not null) { Look<L>(at, running, from, to); }
                    if (int8) { Units<L, C>(at, running, whole, each, from, to); } else { Units<L, C>(at, running, s, from, to); }
                    turns.Finish(mine, s);
                }
                turns.Await(s);
                continue;
            }
            if (Table is not null) { Look<L>(at, running, 0, padded); }
            if (int8) { Units<L, C>(at, running, whole, each, 0, padded); }
            else { Units<L, C>(at, running, s, 0, padded); }
            if (C.Resets)
            {
                if (Mask is not null) { Multiply(group[..running], reset); }
                if (product) { RecurrentTile.Gates<L>(running, hidden, reset, LateWeights, g, late, padded); }
                for (int i = 0; i < running; i++)
                {
                    for (int unit = 0; unit < hidden; unit += width) { Finish<L, C>(g[i], before[i], after[i], y[i], unit, padded); }
                }
            }
            if (Projection is not null) { Project<L>(group[..running], s, y, h); }
            if (Mask is not null) { Masking(group[..running], s); }
        }
    }

    /// <summary>Where the running sequences' rows of a step are.</summary>
    private readonly struct StepRows(float** h, float** g, float** y, float** reset, float** before, float** after, float** x)
    {
        public readonly float** H = h, G = g, Y = y, Reset = reset, Before = before, After = after, X = x;
    }

    // a row of the table after the other: so the memory tells what comes next
    private readonly void Look<L>(in StepRows rows, int running, int from, int to) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int i = 0; i < running; i++) { Categories.Take<L>(rows.X[i], Bias, rows.G[i], from, to); }
    }

    // a step of the units from..to
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private readonly void Units<L, C>(in StepRows rows, int running, int s, int from, int to) where L : struct, IVectorLane<L>, ILane<L> where C : struct, ICell
    {
        var plan = CellPlan.Of(Kind);
        GateSet inSet = plan.Input, set = plan.Recurrent;
        int width = L.Width, padded = RecurrentWeights.Padded(Hidden), planes = plan.Planes * padded;
        // to and fro: the panels that the last step read last are still in the second-level cache
        bool product = s > 0 || H0 is not null, back = (s & 1) != 0;
        // a single row takes two panels at a time, unless the memory sets the pace: it gives one stream faster than two
        bool pairs = running == 1 && product && Input is null && (long)(to - from) * set.Count * Recurrent <= PairedWeights;
        float** g = rows.G;
        for (int at = from, many; at < to; at += many)
        {
            many = pairs && to - at >= 2 * width ? 2 * width : width;
            int unit = back ? from + to - many - at : at;
            float* panel = Weights + ((nint)unit * set.Count * Recurrent), input = Input + ((nint)unit * inSet.Count * Inputs);
            for (int i = 0; i < running;)
            {
                int n = RecurrentTile.Rows<L>(running - i);
                if (Input is not null)
                {
                    for (int j = i; j < i + n; j++)
                    {
                        for (int p = 0; p < planes; p += padded) { L.Store(L.Load(in *Bias, p + unit), ref *g[j], p + unit); }
                    }
                    RecurrentTile.Run<L>(n, inSet.Count, Inputs, rows.X + i, input, g + i, (inSet.Plane * padded) + unit, padded, true);
                }
                if (product && Sse.IsSupported) { Fetch(rows, i, n, (set.Plane * padded) + unit, unit, set.Count, padded); }
                if (many > width) { RecurrentTile.Two<L>(set.Count, Recurrent, rows.H[0], panel, g[0] + (set.Plane * padded) + unit, padded); }
                else if (product) { RecurrentTile.Run<L>(n, set.Count, Recurrent, rows.H + i, panel, g + i, (set.Plane * padded) + unit, padded, true); }
                for (n += i; i < n; i++)
                {
                    for (int u = unit; u < unit + many; u += width)
                    {
                        if (C.Resets) { C.Reset<L>(g[i] + u, padded, rows.Before[i] + u, rows.Reset[i] + u); }
                        else { Finish<L, C>(g[i], rows.Before[i], rows.After[i], rows.Y[i], u, padded); }
                    }
                }
            }
        }
    }

    // A tile's rows lie far apart, a cache line of each at a time: they are asked for before its sums are made.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(in StepRows rows, int from, int count, int gates, int unit, int planes, int padded)
    {
        for (int i = from; i < from + count; i++)
        {
            float* g = rows.G[i] + gates;
            for (int p = 0; p < planes; p++) { Sse.Prefetch0(g + ((nint)p * padded)); }
            Sse.Prefetch0(rows.Before[i] + unit);
            Sse.Prefetch0(rows.After[i] + unit);
            Sse.Prefetch0(rows.Y[i] + unit);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Finish<L, C>(float* g, float* before, float* after, float* y, int unit, int padded) where L : struct, IVectorLane<L>, ILane<L> where C : struct, ICell
    {
        L value = C.Forward<L>(g + unit, padded, Keep, before + unit, after + unit);
        if (unit + L.Width <= Hidden) { L.Store(value, ref *y, unit); } else { Partial.Store(value, y + unit, Hidden - unit); }
    }

    // h = Wᵣ·(σ(o) ⊙ tanh(c)): Sak et al. 2014, arXiv:1402.1128, eq. 7
    private readonly void Project<L>(ReadOnlySpan<int> running, int s, float** raw, float** to) where L : struct, IVectorLane<L>, ILane<L>
    {
        int padded = RecurrentWeights.Padded(Recurrent);
        for (int i = 0; i < running.Length; i++) { to[i] = Space + ((nint)running[i] * padded); }
        RecurrentTile.Product<L>(running.Length, Hidden, raw, Projection, to, padded, add: false);
        for (int i = 0; i < running.Length; i++) { RecurrentMemory.Copy(to[i], Recurrent, Output + (Rows.At(running[i], s) * Recurrent)); }
    }

    private readonly void Masking(ReadOnlySpan<int> running, int s)
    {
        foreach (int r in running) { RecurrentMemory.Multiply(Output + (Rows.At(r, s) * Recurrent), Mask + ((nint)r * Recurrent), Recurrent, Masked + (Rows.At(r, s) * Recurrent)); }
    }

    // rows of the group's sequences, times their masks
    private readonly void Multiply(ReadOnlySpan<int> running, float** rows)
    {
        for (int i = 0; i < running.Length; i++) { RecurrentMemory.Multiply(rows[i], Mask + ((nint)running[i] * Recurrent), Recurrent, rows[i]); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private readonly void Backward<L, C>(ReadOnlySpan<int> group) where L : struct, IVectorLane<L>, ILane<L> where C : struct, ICell
    {
        var plan = CellPlan.Of(Kind);
        int hidden = Hidden, width = L.Width, padded = RecurrentWeights.Padded(hidden), recurrent = RecurrentWeights.Padded(Recurrent), steps = Rows.Length[group[0]], planes = plan.Planes * padded;
        float** g = stackalloc float*[group.Length], dh = stackalloc float*[group.Length], top = stackalloc float*[group.Length], before = stackalloc float*[group.Length];
        for (int i = 0; i < group.Length; i++)
        {
            dh[i] = Dh + ((nint)group[i] * recurrent);
            top[i] = Projection is null ? dh[i] : Space + ((nint)group[i] * padded);
        }
        for (int s = steps - 1; s >= 0; s--)
        {
            int running = Rows.Running(group, s);
            if (Projection is not null) { Unproject<L>(group[..running], s, dh, g, top); }
            for (int i = 0; i < running; i++)
            {
                nint r = group[i], q = Rows.At(r, s);
                g[i] = Gates + (q * planes);
                before[i] = s > 0 ? Cells + (Rows.At(r, s - 1) * padded) : Start + (r * padded);
                float* state = Cells + (q * padded), dy = DOutput is null || Projection is not null ? null : DOutput + (q * hidden), dState = Dc + (r * padded), db = Db + (r * planes);
                for (int unit = 0; unit < hidden; unit += width)
                {
                    L d = L.Load(in *top[i], unit);
                    if (dy is not null) { d += unit + width <= hidden ? L.Load(in *dy, unit) : Partial.Load<L>(dy + unit, hidden - unit); }
                    C.Backward(g[i] + unit, padded, before[i] + unit, state + unit, d, dState + unit, db + unit);
                }
            }
            if (C.Resets) { Unreset<L, C>(group[..running], plan.Late, planes, g, before, top); }
            for (int i = 0; i < running; i++) { g[i] += plan.Recurrent.Plane * padded; }
            RecurrentTile.Product<L>(running, plan.Recurrent.Count * padded, g, Weights, dh, recurrent, add: false);
            if (Mask is not null) { Multiply(group[..running], dh); }
        }
    }

    // through the product of r ⊙ h₋₁; its gradient takes dh's place for a while, whose content is spent
    private readonly void Unreset<L, C>(ReadOnlySpan<int> running, GateSet late, int planes, float** g, float** before, float** space)
        where L : struct, IVectorLane<L>, ILane<L> where C : struct, ICell
    {
        int padded = RecurrentWeights.Padded(Hidden);
        for (int i = 0; i < running.Length; i++) { g[i] += late.Plane * padded; }
        RecurrentTile.Product<L>(running.Length, late.Count * padded, g, LateWeights, space, padded, add: false);
        for (int i = 0; i < running.Length; i++) { g[i] -= late.Plane * padded; }
        if (Mask is not null) { Multiply(running, space); }
        for (int i = 0; i < running.Length; i++)
        {
            float* dState = Dc + ((nint)running[i] * padded), db = Db + ((nint)running[i] * planes);
            for (int unit = 0; unit < Hidden; unit += L.Width) { C.Unreset(g[i] + unit, before[i] + unit, L.Load(in *space[i], unit), dState + unit, db + unit); }
        }
    }

    private readonly void Unproject<L>(ReadOnlySpan<int> running, int s, float** dh, float** total, float** to) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int i = 0; i < running.Length; i++)
        {
            nint at = Rows.At(running[i], s) * Recurrent;
            total[i] = DTotal + at;
            RecurrentMemory.Copy(dh[i], Recurrent, total[i]);
            if (DOutput is not null) { RecurrentMemory.Add(total[i], DOutput + at, Recurrent); }
        }
        RecurrentTile.Product<L>(running.Length, Recurrent, total, Projection, to, RecurrentWeights.Padded(Hidden), add: false);
    }
}
