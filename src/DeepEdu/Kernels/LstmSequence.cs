using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Where the sequences of a batch lie: step s of sequence r is row First[r] + s·Step of every [rows, ..] matrix. Sequences that are worked on together stand
/// in one group, the longest first, so that those still running are always the first ones.</summary>
internal sealed class LstmRows
{
    // sequences in a group: what one thread works on at a time
    private const int MaxGroup = 64;

    /// <summary>The row of each sequence's first step.</summary>
    public required int[] First { get; init; }

    /// <summary>Steps of each sequence.</summary>
    public required int[] Length { get; init; }

    /// <summary>Rows from one step to the next; negative where time runs backwards.</summary>
    public required int Step { get; init; }

    /// <summary>Rows of all sequences together.</summary>
    public required int Count { get; init; }

    /// <summary>The sequences in the order of the groups.</summary>
    public int[] Order { get; private set; } = [];

    /// <summary>How many groups.</summary>
    public int Groups { get; private set; }

    /// <summary>How many sequences.</summary>
    public int Batch => First.Length;

    /// <summary>Sequences of one length.</summary>
    public static LstmRows Uniform(int batch, int steps, bool batchFirst, bool reverse, int hidden)
    {
        int between = batchFirst ? steps : 1, step = batchFirst ? 1 : batch;
        int[] first = new int[batch], length = new int[batch];
        for (int r = 0; r < batch; r++) { (first[r], length[r]) = ((r * between) + (reverse ? (steps - 1) * step : 0), steps); }
        return new LstmRows { First = first, Length = length, Step = reverse ? -step : step, Count = batch * steps }.Group(hidden);
    }

    /// <summary>Sequences one after the other, without padding.</summary>
    public static LstmRows Packed(ReadOnlySpan<int> lengths, bool reverse, int hidden)
    {
        int[] first = new int[lengths.Length];
        int count = 0;
        for (int r = 0; r < first.Length; r++)
        {
            first[r] = reverse ? count + lengths[r] - 1 : count;
            count += lengths[r];
        }
        return new LstmRows { First = first, Length = lengths.ToArray(), Step = reverse ? -1 : 1, Count = count }.Group(hidden);
    }

    // no sequence's numbers depend on its group, so the cut may follow the number of threads without changing a bit
    private LstmRows Group(int hidden)
    {
        int n = Batch;
        bool small = (long)Count * hidden * hidden < 1 << 16;
        Groups = Math.Min(n, Math.Max(small ? 1 : DeepEduOptions.MaxThreads, (n + MaxGroup - 1) / MaxGroup));
        Order = new int[n];
        for (int r = 0; r < n; r++) { Order[r] = r; }
        if (Length.AsSpan().IndexOfAnyExcept(n == 0 ? 0 : Length[0]) < 0) { return this; }
        int[] longest = (int[])Order.Clone();
        Array.Sort(Array.ConvertAll(Length, x => -x), longest);
        // dealt like cards: each group gets long and short ones
        for (int g = 0, at = 0; g < Groups; g++)
        {
            for (int r = g; r < n; r += Groups) { Order[at++] = longest[r]; }
        }
        return this;
    }

    /// <summary>The sequences of a group.</summary>
    public ReadOnlySpan<int> InGroup(int group)
    {
        int size = Batch / Groups, more = Batch % Groups, from = (group * size) + Math.Min(group, more);
        return Order.AsSpan(from, size + (group < more ? 1 : 0));
    }

    /// <summary>How many of a group's sequences have a step <paramref name="step"/>.</summary>
    public int Running(ReadOnlySpan<int> group, int step)
    {
        int n = group.Length;
        while (n > 0 && Length[group[n - 1]] <= step) { n--; }
        return n;
    }
}

/// <summary>The recurrent part of the LSTM over whole sequences (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; forget gate: Gers et al. 2000,
/// doi:10.1162/089976600300015015). The gates' input parts x·Wᵢᵀ + b are there already. Threads take groups of sequences and never wait for each other.</summary>
internal unsafe struct LstmSequence : IChunks
{
    /// <summary>The rows.</summary>
    public LstmRows Rows;

    /// <summary>H.</summary>
    public int Hidden;

    /// <summary>Whether this is the way back.</summary>
    public bool Back;

    /// <summary>Whether the gates' values and each step's c are kept for the way back.</summary>
    public bool Keep;

    /// <summary>Gates [rows, 4Hp]: sums, then values, then dL/d(sums).</summary>
    public float* Gates;

    /// <summary>c after each step [rows, Hp], if kept.</summary>
    public float* Cells;

    /// <summary>c before the first step [batch, Hp]; the last c afterwards, if not kept.</summary>
    public float* Start;

    /// <summary>h after each step [rows, H].</summary>
    public float* Output;

    /// <summary>h before the first step [batch, H], or null for 0.</summary>
    public float* H0;

    /// <summary>Packed Wh: for the way forward or back.</summary>
    public float* Weights;

    /// <summary>dL/dh of each step [rows, H], or null.</summary>
    public float* DOutput;

    /// <summary>dL/dh and dL/dc, [batch, Hp] each: of the last state at first, of the initial state afterwards.</summary>
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
        int hidden = Hidden, width = L.Width, padded = LstmWeights.Padded(hidden), steps = Rows.Length[group[0]];
        float** h = stackalloc float*[group.Length], g = stackalloc float*[group.Length], y = stackalloc float*[group.Length];
        float** before = stackalloc float*[group.Length], after = stackalloc float*[group.Length];
        for (int s = 0; s < steps; s++)
        {
            int running = Rows.Running(group, s);
            for (int i = 0; i < running; i++)
            {
                nint r = group[i], q = Rows.First[r] + ((nint)s * Rows.Step), last = q - Rows.Step;
                h[i] = s > 0 ? Output + (last * hidden) : H0 + (r * hidden);
                before[i] = s > 0 && Keep ? Cells + (last * padded) : Start + (r * padded);
                after[i] = Keep ? Cells + (q * padded) : Start + (r * padded);
                g[i] = Gates + (q * 4 * padded);
                y[i] = Output + (q * hidden);
            }
            bool product = s > 0 || H0 is not null;
            for (int unit = 0; unit < hidden; unit += width)
            {
                float* panel = Weights + ((nint)unit * 4 * hidden);
                for (int i = 0; i < running;)
                {
                    int n = LstmTile.Rows<L>(running - i);
                    if (product) { LstmTile.Run<L>(n, 4, hidden, h + i, panel, g + i, 4 * unit, true); }
                    for (n += i; i < n; i++)
                    {
                        var x = LstmGates.Forward<L>(g[i] + (4 * unit), Keep, before[i] + unit, after[i] + unit);
                        if (unit + width <= hidden) { L.Store(x, ref *y[i], unit); } else { Partial.Store(x, y[i] + unit, hidden - unit); }
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Backward<L>(ReadOnlySpan<int> group) where L : struct, IVectorLane<L>, ILane<L>
    {
        int hidden = Hidden, width = L.Width, padded = LstmWeights.Padded(hidden), steps = Rows.Length[group[0]];
        float** g = stackalloc float*[group.Length], dh = stackalloc float*[group.Length];
        for (int i = 0; i < group.Length; i++) { dh[i] = Dh + ((nint)group[i] * padded); }
        for (int s = steps - 1; s >= 0; s--)
        {
            int running = Rows.Running(group, s);
            for (int i = 0; i < running; i++)
            {
                nint r = group[i], q = Rows.First[r] + ((nint)s * Rows.Step);
                g[i] = Gates + (q * 4 * padded);
                float* before = s > 0 ? Cells + ((q - Rows.Step) * padded) : Start + (r * padded), c = Cells + (q * padded);
                float* dy = DOutput is null ? null : DOutput + (q * hidden), dc = Dc + (r * padded), db = Db + (r * 4 * padded);
                for (int unit = 0; unit < hidden; unit += width)
                {
                    L d = L.Load(in *dh[i], unit);
                    if (dy is not null) { d += unit + width <= hidden ? L.Load(in *dy, unit) : Partial.Load<L>(dy + unit, hidden - unit); }
                    LstmGates.Backward(g[i] + (4 * unit), before + unit, c + unit, d, dc + unit, db + (4 * unit));
                }
            }
            for (int j = 0; j < padded; j += LstmTile.Vectors * width)
            {
                int vectors = Math.Min(LstmTile.Vectors, (padded - j) / width);
                float* panel = Weights + ((nint)j * 4 * padded);
                for (int i = 0; i < running;)
                {
                    int n = LstmTile.Rows<L>(running - i);
                    LstmTile.Run<L>(n, vectors, 4 * padded, g + i, panel, dh + i, j, false);
                    i += n;
                }
            }
        }
    }
}
