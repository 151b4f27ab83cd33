using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>A recurrent layer's inputs that are categories: the gates' input parts of a step are its category's row of a table, and the gradient of that row is the sum over
/// its steps. The products with one-hot vectors, without their zeros.</summary>
/// <param name="Categories">One for each row of the gates, perhaps more behind them.</param>
/// <param name="Count">How many categories there are.</param>
/// <param name="Plan">The cell's gates.</param>
/// <param name="Hidden">H.</param>
/// <param name="Turned">Whether the rows are the gates as a weight has them, [G·H], or planes, [planes of the inputs · Hp].</param>
internal readonly unsafe record struct CategoryTable(int[] Categories, int Count, CellPlan Plan, int Hidden, bool Turned)
{
    private const int ColumnsAChunk = 128; // eight cache lines of each row: fewer come singly, after a wait each
    private const int MostAtOnce = 1024; // whose sums of a chunk stay in the second-level cache

    private int Padded => RecurrentWeights.Padded(Hidden);

    /// <summary>From one row to the next.</summary>
    public int Width => Plan.Input.Count * (Turned ? Hidden : Padded);

    /// <summary>Where the inputs' plane p starts in a row.</summary>
    private int Place(int p) => Turned ? Plan.Input.Of(p) * Hidden : p * Padded;

    /// <summary>gates [planes·Hp] ← bias + a row of the table, for the units from..to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take<L>(float* row, float* bias, float* gates, int from, int to) where L : struct, IVectorLane<L>, ILane<L>
    {
        int first = Plan.Input.Plane, end = first + Plan.Input.Count, padded = Padded, whole = Turned ? Math.Min(to, Hidden - L.Width + 1) : to;
        for (int plane = 0; plane < Plan.Planes; plane++, bias += padded, gates += padded)
        {
            int unit = from;
            if (plane >= first && plane < end)
            {
                float* values = row + Place(plane - first);
                for (; unit < whole; unit += L.Width) { L.Store(L.Load(in *values, unit) + L.Load(in *bias, unit), ref *gates, unit); }
                if (unit < to) { L.Store(Partial.Load<L>(values + unit, Hidden - unit) + L.Load(in *bias, unit), ref *gates, unit); }
                continue;
            }
            for (; unit < to; unit += L.Width) { L.Store(L.Load(in *bias, unit), ref *gates, unit); } // a plane without inputs
        }
    }

    /// <summary>to, of the table's shape, ← for each category the sum of its rows of gates [rows, planes·Hp], those that count, in their order.</summary>
    public void Add(RecurrentRows rows, float* gates, float* to)
    {
        int width = Turned ? Hidden : Padded, planes = Plan.Planes * Padded;
        gates += Plan.Input.Plane * Padded;
        if (Count > MostAtOnce)
        {
            var sorted = Sorted(rows);
            for (int p = 0; p < Plan.Input.Count; p++) { sorted.Product(null, gates + (p * Padded), planes, to + Place(p), Width, width); }
            return;
        }
        new Span<float>(to, Count * Width).Clear();
        for (int p = 0; p < Plan.Input.Count; p++)
        {
            Work.For(width, ColumnsAChunk, new Columns { Categories = Categories, Runs = rows.Runs, Gates = gates + (p * Padded), Planes = planes, To = to + Place(p), Width = Width });
        }
    }

    // each category's rows
    private SparseRows Sorted(RecurrentRows rows)
    {
        var memory = RecurrentMemory.RentView(SparseRows.Room(Count, rows.Count));
        if (rows.AreAll) { return SparseRows.Of(memory, Count, Categories.AsSpan(0, rows.Count), default); }
        var counted = MemoryMarshal.Cast<float, int>(RecurrentMemory.Rent(rows.Count));
        counted.Fill(-1);
        foreach (var (from, count) in rows.Runs) { Categories.AsSpan(from, count).CopyTo(counted[from..]); }
        return SparseRows.Of(memory, Count, counted, default);
    }

    private struct Columns : IRange
    {
        private const nint Ahead = 8; // rows

        public int[] Categories;
        public List<(int From, int Count)> Runs;
        public float* Gates, To;
        public int Planes, Width;

        public readonly void Run(int column, int end)
        {
            foreach (var (from, count) in Runs)
            {
                var categories = Categories.AsSpan(from, count);
                float* gates = Gates + ((nint)from * Planes) + column, sums = To + column;
                if (F16.IsSupported) { Sum<F16>(categories, gates, sums, end - column); }
                else if (F8.IsSupported) { Sum<F8>(categories, gates, sums, end - column); }
                else if (F4.IsSupported) { Sum<F4>(categories, gates, sums, end - column); }
                else { Sum<F1>(categories, gates, sums, end - column); }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private readonly void Sum<L>(ReadOnlySpan<int> categories, float* gates, float* sums, int width) where L : struct, IVectorLane<L>, ILane<L>
        {
            foreach (int category in categories)
            {
                float* sum = sums + ((nint)category * Width), ahead = gates + (Ahead * Planes);
                int i = 0;
                for (; i <= width - L.Width; i += L.Width)
                {
                    if (Sse.IsSupported) { Sse.Prefetch0(ahead + i); } // a row's part is short and the next one far away
                    L.Store(L.Load(in *sum, i) + L.Load(in *gates, i), ref *sum, i);
                }
                for (; i < width; i++) { sum[i] += gates[i]; }
                gates += Planes;
            }
        }
    }
}
