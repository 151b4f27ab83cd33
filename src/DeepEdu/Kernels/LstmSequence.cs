using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The recurrent part of the LSTM over whole sequences (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; forget gate: Gers et al. 2000,
/// doi:10.1162/089976600300015015). The gates' input parts x·Wᵢᵀ + b are there already, or made
/// step by step, so that no more than one step's gates are ever in memory. Threads take groups of sequences and never wait for each other.</summary>
internal unsafe struct LstmSequence : IChunks
{
    /// <summary>The rows.</summary>
    public LstmRows Rows;

    /// <summary>H, the units.</summary>
    public int Hidden;

    /// <summary>R, the width of h: H, or that of the projection.</summary>
    public int Recurrent;

    /// <summary>Whether this is the way back.</summary>
    public bool Back;

    /// <summary>Whether the gates' values and each step's c are kept for the way back.</summary>
    public bool Keep;

    /// <summary>Gates [rows, 4Hp]: sums, then values, then dL/d(sums). [batch, 4Hp] if they
    /// are made step by step and not kept.</summary>
    public float* Gates;

    /// <summary>Packed Wᵢ [E, 4Hp], if the gates are to be made step by step; else null.</summary>
    public float* Input;

    /// <summary>Then also the inputs [rows, E], and the biases [4Hp].</summary>
    public float* X, Bias;

    /// <summary>E.</summary>
    public int Inputs;

    /// <summary>c after each step [rows, Hp], if kept.</summary>
    public float* Cells;

    /// <summary>c before the first step [batch, Hp]; the last c afterwards, if not kept.</summary>
    public float* Start;

    /// <summary>h after each step [rows, R].</summary>
    public float* Output;

    /// <summary>h before the first step [batch, R], already masked, or null for 0.</summary>
    public float* H0;

    /// <summary>Packed Wₕ: for the way forward or back.</summary>
    public float* Weights;

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

    /// <summary>dL/dh [batch, Rp] and dL/dc [batch, Hp]: of the last state at first, of the initial state afterwards.</summary>
    public float* Dh, Dc;

    /// <summary>dL/d(gate sums), summed over each sequence's steps [batch, 4Hp].</summary>
    public float* Db;

    /// <summary>Runs all groups.</summary>
    public readonly void Run() => Work.Run(Rows.Groups, in this);

    /// <inheritdoc/>
    public readonly void Run(int chunk)
    {
        if (F16.IsSupported) { Run<F16>(chunk); }
        else if (F8.IsSupported) { Run<F8>(chunk); }
        else if (F4.IsSupported) { Run<F4>(chunk); }
        else { Run<F1>(chunk); }
    }

    private readonly void Run<L>(int group) where L : struct, IVectorLane<L>, ILane<L>
    {
        var rows = Rows.InGroup(group);
        if (rows.Length == 0) { return; }
        if (Back) { Backward<L>(rows); } else { Forward<L>(rows); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Forward<L>(ReadOnlySpan<int> group) where L : struct, IVectorLane<L>, ILane<L>
    {
        int hidden = Hidden, recurrent = Recurrent, width = L.Width, padded = LstmWeights.Padded(hidden), steps = Rows.Length[group[0]];
        float** h = stackalloc float*[group.Length], g = stackalloc float*[group.Length], y = stackalloc float*[group.Length];
        float** before = stackalloc float*[group.Length], after = stackalloc float*[group.Length], x = stackalloc float*[group.Length];
        float* recent = Mask is null ? Output : Masked;
        for (int s = 0; s < steps; s++)
        {
            int running = Rows.Running(group, s);
            for (int i = 0; i < running; i++)
            {
                nint r = group[i], q = Rows.First[r] + ((nint)s * Rows.Step), last = q - Rows.Step;
                h[i] = s > 0 ? recent + (last * recurrent) : H0 + (r * recurrent);
                before[i] = s > 0 && Keep ? Cells + (last * padded) : Start + (r * padded);
                after[i] = Keep ? Cells + (q * padded) : Start + (r * padded);
                g[i] = Gates + ((Keep || Input is null ? q : r) * 4 * padded);
                x[i] = X + (q * Inputs);
                y[i] = Projection is null ? Output + (q * hidden) : Raw + ((Keep ? q : r) * hidden);
            }
            bool product = s > 0 || H0 is not null;
            for (int unit = 0; unit < hidden; unit += width)
            {
                float* panel = Weights + ((nint)unit * 4 * recurrent), input = Input + ((nint)unit * 4 * Inputs);
                for (int i = 0; i < running;)
                {
                    int n = LstmTile.Rows<L>(running - i);
                    if (Input is not null)
                    {
                        for (int j = i; j < i + n; j++) { LstmMemory.Copy(Bias + (4 * unit), 4 * width, g[j] + (4 * unit)); }
                        LstmTile.Run<L>(n, 4, Inputs, x + i, input, g + i, 4 * unit, true);
                    }
                    if (product) { LstmTile.Run<L>(n, 4, recurrent, h + i, panel, g + i, 4 * unit, true); }
                    for (n += i; i < n; i++)
                    {
                        L value = LstmGates.Forward<L>(g[i] + (4 * unit), Keep, before[i] + unit, after[i] + unit);
                        if (unit + width <= hidden) { L.Store(value, ref *y[i], unit); } else { Partial.Store(value, y[i] + unit, hidden - unit); }
                    }
                }
            }
            if (Projection is not null) { Project<L>(group[..running], s, y, h); }
            if (Mask is not null) { Masking(group[..running], s); }
        }
    }

    // h = Wᵣ·(σ(o) ⊙ tanh(c)): Sak et al. 2014, arXiv:1402.1128, eq. 7
    private readonly void Project<L>(ReadOnlySpan<int> running, int s, float** raw, float** to) where L : struct, IVectorLane<L>, ILane<L>
    {
        int padded = LstmWeights.Padded(Recurrent);
        for (int i = 0; i < running.Length; i++) { to[i] = Space + ((nint)running[i] * padded); }
        LstmTile.Product<L>(running.Length, Hidden, raw, Projection, to, padded, add: false);
        for (int i = 0; i < running.Length; i++) { LstmMemory.Copy(to[i], Recurrent, Output + (Row(running[i], s) * Recurrent)); }
    }

    private readonly void Masking(ReadOnlySpan<int> running, int s)
    {
        foreach (int r in running) { LstmMemory.Multiply(Output + (Row(r, s) * Recurrent), Mask + ((nint)r * Recurrent), Recurrent, Masked + (Row(r, s) * Recurrent)); }
    }

    private readonly nint Row(int sequence, int step) => Rows.First[sequence] + ((nint)step * Rows.Step);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Backward<L>(ReadOnlySpan<int> group) where L : struct, IVectorLane<L>, ILane<L>
    {
        int hidden = Hidden, width = L.Width, padded = LstmWeights.Padded(hidden), recurrent = LstmWeights.Padded(Recurrent), steps = Rows.Length[group[0]];
        float** g = stackalloc float*[group.Length], dh = stackalloc float*[group.Length], top = stackalloc float*[group.Length];
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
                nint r = group[i], q = Row(group[i], s);
                g[i] = Gates + (q * 4 * padded);
                float* before = s > 0 ? Cells + ((q - Rows.Step) * padded) : Start + (r * padded), c = Cells + (q * padded);
                float* dy = DOutput is null || Projection is not null ? null : DOutput + (q * hidden), dc = Dc + (r * padded), db = Db + (r * 4 * padded);
                for (int unit = 0; unit < hidden; unit += width)
                {
                    L d = L.Load(in *top[i], unit);
                    if (dy is not null) { d += unit + width <= hidden ? L.Load(in *dy, unit) : Partial.Load<L>(dy + unit, hidden - unit); }
                    LstmGates.Backward(g[i] + (4 * unit), before + unit, c + unit, d, dc + unit, db + (4 * unit));
                }
            }
            LstmTile.Product<L>(running, 4 * padded, g, Weights, dh, recurrent, add: false);
            if (Mask is not null)
            {
                for (int i = 0; i < running; i++) { LstmMemory.Multiply(dh[i], Mask + ((nint)group[i] * Recurrent), Recurrent, dh[i]); }
            }
        }
    }

    private readonly void Unproject<L>(ReadOnlySpan<int> running, int s, float** dh, float** total, float** to) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (int i = 0; i < running.Length; i++)
        {
            nint at = Row(running[i], s) * Recurrent;
            total[i] = DTotal + at;
            LstmMemory.Copy(dh[i], Recurrent, total[i]);
            if (DOutput is not null) { LstmMemory.Add(total[i], DOutput + at, Recurrent); }
        }
        LstmTile.Product<L>(running.Length, Recurrent, total, Projection, to, LstmWeights.Padded(Hidden), add: false);
    }
}
