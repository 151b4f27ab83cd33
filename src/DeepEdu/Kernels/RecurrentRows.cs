using System.Buffers;
using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>Where the sequences of a batch lie: step s of sequence r is row <see cref="At"/>(r, s) of every [rows, ..] matrix. Sequences that are worked on together stand
/// in one group, the longest first, so that those still running are always the first ones.</summary>
internal sealed class RecurrentRows
{
    // sequences in a group: what one thread works on at a time
    private const int MaxGroup = 64;

    [ThreadStatic] private static List<(int From, int Count)>? t_runs; // of rows that are done with

    private readonly int _hidden;
    private readonly int[] _keys;
    private readonly Padding? _padding;
    private int[]? _places; // with a mask, the row of each step [batch, steps]

    private RecurrentRows(int batch, int count, int step, int hidden, Padding? padding)
    {
        (First, Length, Order, _keys) = (new int[batch], new int[batch], new int[batch], new int[batch]);
        (Count, Step, _hidden, _padding) = (count, step, hidden, padding);
        Runs.Add((0, count));
    }

    /// <summary>The row of each sequence's first step; where <see cref="Breaks"/> is 0 the next one is always <see cref="Step"/> further.</summary>
    public int[] First { get; }

    /// <summary>Steps of each sequence.</summary>
    public int[] Length { get; }

    /// <summary>Rows from one step to the next; negative where time runs backwards.</summary>
    public int Step { get; }

    /// <summary>Rows of the matrices.</summary>
    public int Count { get; }

    /// <summary>Rows that belong to a sequence, in stretches (first row, how many) in their order: at least one stretch, which may be empty.</summary>
    public List<(int From, int Count)> Runs { get; private set; } = [];

    /// <summary>How many steps, first ones aside, do not stand <see cref="Step"/> rows behind the one before.</summary>
    public int Breaks { get; private set; }

    /// <summary>The sequences in the order of the groups.</summary>
    public int[] Order { get; }

    /// <summary>How many groups.</summary>
    public int Groups { get; private set; }

    /// <summary>How many sequences.</summary>
    public int Batch => First.Length;

    /// <summary>What was said about padding, if anything.</summary>
    public Padding? Given => _padding;

    /// <summary>Whether every row belongs to a sequence.</summary>
    public bool AreAll => Runs[0].Count == Count;

    /// <summary>Whether the stretches are so short that a product for each is slower than one product of everything.</summary>
    public bool AreScattered => Runs.Count * 16 > Count;

    /// <summary>Whether the gates' input parts are best made with the steps: one step of many sequences fills the tiles, and its gates stay in the cache. Of few
    /// sequences, only all steps together do.</summary>
    public bool Stepwise => Batch >= 12 && Count > Batch;

    /// <summary>Sequences of one length, or with padding, by <paramref name="padding"/>; <see cref="Read"/> reads it.</summary>
    public static RecurrentRows Padded(int batch, int steps, bool batchFirst, bool reverse, int hidden, Padding? padding)
    {
        int step = batchFirst ? 1 : batch;
        var rows = new RecurrentRows(batch, batch * steps, reverse ? -step : step, hidden, padding);
        for (int r = 0; r < batch; r++) { (rows.First[r], rows.Length[r]) = ((batchFirst ? r * steps : r) + (reverse ? (steps - 1) * step : 0), steps); }
        rows.Group();
        return rows;
    }

    /// <summary>Sequences one after the other, without padding.</summary>
    public static RecurrentRows Packed(ReadOnlySpan<int> lengths, bool reverse, int hidden)
    {
        int count = 0;
        foreach (int n in lengths) { count += n; }
        var rows = new RecurrentRows(lengths.Length, count, reverse ? -1 : 1, hidden, null);
        for (int r = 0, at = 0; r < lengths.Length; at += lengths[r++]) { (rows.First[r], rows.Length[r]) = (reverse ? at + lengths[r] - 1 : at, lengths[r]); }
        rows.Group();
        return rows;
    }

    /// <summary>The row of a step.</summary>
    public nint At(nint sequence, nint step) => _places is null ? First[sequence] + (step * Step) : _places[(sequence * (Count / Batch)) + step];

    /// <summary>Reads lengths or mask as they are now.</summary>
    public void Read()
    {
        if (_padding is null || Count == 0) { return; }
        int steps = Count / Batch;
        if (_padding.Lengths is { } lengths)
        {
            for (int r = 0; r < Batch; r++)
            {
                int skip = _padding.Left ? steps - lengths[r] : 0;
                (Length[r], First[r]) = (lengths[r], Row(r, Step < 0 ? Math.Max(skip, skip + lengths[r] - 1) : Math.Min(skip, steps - 1)));
            }
        }
        else { ReadMask(steps); }
        FindRuns();
        Group();
    }

    /// <summary>Sets the rows of a matrix to 0 that belong to no sequence.</summary>
    public unsafe void ClearOthers(float* matrix, int width)
    {
        int next = 0;
        foreach (var (from, count) in Runs)
        {
            new Span<float>(matrix + ((nint)next * width), (from - next) * width).Clear();
            next = from + count;
        }
        new Span<float>(matrix + ((nint)next * width), (Count - next) * width).Clear();
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

    private int Row(int sequence, int step) => Math.Abs(Step) == 1 ? (sequence * (Count / Batch)) + step : (step * Batch) + sequence;

    private void ReadMask(int steps)
    {
        float[] counts = _padding!.Counts(Count);
        _places ??= new int[Count];
        Breaks = 0;
        for (int r = 0; r < Batch; r++)
        {
            int n = 0;
            for (int s = 0; s < steps; s++)
            {
                int row = Row(r, s);
                if (counts[row] == 0) { continue; }
                if (n > 0 && row - _places[(r * steps) + n - 1] != Math.Abs(Step)) { Breaks++; }
                _places[(r * steps) + n++] = row;
            }
            if (Step < 0) { _places.AsSpan(r * steps, n).Reverse(); }
            (Length[r], First[r]) = (n, n > 0 ? _places[r * steps] : 0);
        }
    }

    private void FindRuns()
    {
        bool[] counts = ArrayPool<bool>.Shared.Rent(Count);
        counts.AsSpan(0, Count).Clear();
        for (int r = 0; r < Batch; r++)
        {
            for (int s = 0; s < Length[r]; s++) { counts[At(r, s)] = true; }
        }
        if (t_runs is { } spare) { (Runs, t_runs) = (spare, null); }
        Runs.Clear();
        for (int q = 0; q < Count;)
        {
            int to = q;
            while (to < Count && counts[to]) { to++; }
            if (to > q) { Runs.Add((q, to - q)); }
            q = to + 1;
        }
        if (Runs.Count == 0) { Runs.Add((0, 0)); }
        ArrayPool<bool>.Shared.Return(counts);
    }

    /// <summary>Nobody looks at these rows any more: what they hold serves the next ones.</summary>
    public void Leave() => (t_runs, Runs) = (Runs, []);

    // no sequence's numbers depend on its group, so the cut may follow the number of threads without changing a bit
    private void Group()
    {
        int n = Batch;
        bool small = (long)Count * _hidden * _hidden < 1 << 16;
        Groups = Math.Min(n, Math.Max(small ? 1 : DeepEduOptions.MaxThreads, (n + MaxGroup - 1) / MaxGroup));
        for (int r = 0; r < n; r++) { Order[r] = r; }
        if (Length.AsSpan().IndexOfAnyExcept(n == 0 ? 0 : Length[0]) < 0) { return; }
        for (int r = 0; r < n; r++) { _keys[r] = (-Length[r] * n) + r; } // sequences of one length stay in their order, that of memory
        if (AreEven())
        {
            for (int g = 0, at = 0; g < Groups; at += InGroup(g++).Length) { Array.Sort(_keys, Order, at, InGroup(g).Length); }
            return;
        }
        Array.Sort(_keys, Order);
        // dealt like cards: each group gets long and short ones
        Order.CopyTo(_keys);
        for (int g = 0, at = 0; g < Groups; g++)
        {
            for (int r = g; r < n; r += Groups) { Order[at++] = _keys[r]; }
        }
    }

    // whether groups of neighbours have about as many steps each
    private bool AreEven()
    {
        long all = 0, most = 0;
        for (int g = 0; g < Groups; g++)
        {
            long steps = 0;
            foreach (int r in InGroup(g)) { steps += Length[r]; }
            (all, most) = (all + steps, Math.Max(most, steps));
        }
        return most * Groups * 16 <= all * 17;
    }

    /// <summary>Which steps count: the sequences' lengths, or a mask of x's first two axes, 0 where a step does not. Both may have other values each time they are read.</summary>
    internal sealed class Padding(int[]? lengths, bool left, Device device, View mask)
    {
        private float[] _counts = [];

        public int[]? Lengths => lengths;

        public bool Left => left;

        public float[] Counts(int rows)
        {
            if (_counts.Length == 0) { _counts = new float[rows]; }
            device.Read(mask, _counts);
            return _counts;
        }
    }
}
