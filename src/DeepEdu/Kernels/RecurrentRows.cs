using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>Where the sequences of a batch lie: step s of sequence r is row First[r] + s·Step of every [rows, ..] matrix. Sequences that are worked on together stand
/// in one group, the longest first, so that those still running are always the first ones.</summary>
internal sealed class RecurrentRows
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

    /// <summary>Whether the gates' input parts are best made with the steps: one step of many sequences fills the tiles, and its gates stay in the cache. Of few
    /// sequences, only all steps together do.</summary>
    public bool Stepwise => Batch >= 12 && Count > Batch;

    /// <summary>Sequences of one length.</summary>
    public static RecurrentRows Uniform(int batch, int steps, bool batchFirst, bool reverse, int hidden)
    {
        int between = batchFirst ? steps : 1, step = batchFirst ? 1 : batch;
        int[] first = new int[batch], length = new int[batch];
        for (int r = 0; r < batch; r++) { (first[r], length[r]) = ((r * between) + (reverse ? (steps - 1) * step : 0), steps); }
        return new RecurrentRows { First = first, Length = length, Step = reverse ? -step : step, Count = batch * steps }.Group(hidden);
    }

    /// <summary>Sequences one after the other, without padding.</summary>
    public static RecurrentRows Packed(ReadOnlySpan<int> lengths, bool reverse, int hidden)
    {
        int[] first = new int[lengths.Length];
        int count = 0;
        for (int r = 0; r < first.Length; r++)
        {
            first[r] = reverse ? count + lengths[r] - 1 : count;
            count += lengths[r];
        }
        return new RecurrentRows { First = first, Length = lengths.ToArray(), Step = reverse ? -1 : 1, Count = count }.Group(hidden);
    }

    // no sequence's numbers depend on its group, so the cut may follow the number of threads without changing a bit
    private RecurrentRows Group(int hidden)
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
