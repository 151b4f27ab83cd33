namespace DeepEdu.Gpu;

/// <summary>Graphs of the lists that were seen often enough. Whichever was not used for the longest time goes first.</summary>
/// <param name="driver">The driver's functions.</param>
/// <param name="answers">What checks them.</param>
/// <param name="context">The context that its copies belong to.</param>
internal sealed class GraphCache(CudaGraphs driver, CudaAnswers answers, nint context)
{
    /// <summary>The time at which a list becomes a graph: making one costs more than launching its kernels.</summary>
    public const int Repeats = 3;

    /// <summary>Lists to know at a time.</summary>
    public const int Capacity = 64;

    private readonly Dictionary<ulong, Entry> _entries = [];
    private long _now;

    /// <summary>Graphs made so far.</summary>
    public long Made { get; private set; }

    /// <summary>The graph of a list's kernels, or null while it is not known well enough.</summary>
    public WorkGraph? Of(WorkList list)
    {
        if (!_entries.TryGetValue(list.Hash, out var entry) || !entry.Is(list))
        {
            entry?.Graph?.Dispose(); // other kernels with the same hash
            if (_entries.Count == Capacity) { Forget(); }
            _entries[list.Hash] = entry = new(list);
        }
        entry.LastUse = ++_now;
        if (entry.Graph is null && ++entry.Seen >= Repeats)
        {
            entry.Graph = new(driver, answers, context, list);
            Made++;
        }
        return entry.Graph;
    }

    /// <summary>A graph whose launch failed is not used again.</summary>
    public void Drop(WorkList list)
    {
        if (_entries.Remove(list.Hash, out var entry)) { entry.Graph?.Dispose(); }
    }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        foreach (var entry in _entries.Values) { entry.Graph?.Dispose(); }
        _entries.Clear();
    }

    private void Forget()
    {
        var (hash, oldest) = _entries.MinBy(e => e.Value.LastUse);
        oldest.Graph?.Dispose();
        _entries.Remove(hash);
    }

    private sealed class Entry(WorkList list)
    {
        private readonly int[] _kernels = Kernels(list);

        public int Seen;
        public long LastUse;
        public WorkGraph? Graph;

        public bool Is(WorkList list)
        {
            var items = list.Items;
            if (items.Length != _kernels.Length) { return false; }
            for (int i = 0; i < items.Length; i++)
            {
                if (items[i].What.Kernel != _kernels[i]) { return false; }
            }
            return true;
        }

        private static int[] Kernels(WorkList list)
        {
            var items = list.Items;
            int[] kernels = new int[items.Length];
            for (int i = 0; i < kernels.Length; i++) { kernels[i] = items[i].What.Kernel; }
            return kernels;
        }
    }
}
