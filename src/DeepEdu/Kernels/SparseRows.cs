using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Where the entries of a sparse matrix stand, row by row: those of row i are numbers start[i] to start[i + 1], in the order in which they were given; of each its column, and which of the given
/// ones it is. In memory for <see cref="Room"/> floats, as int32: of the matrix, or of one step of learning.</summary>
/// <param name="memory">start, then columns, then numbers.</param>
/// <param name="rows">How many rows.</param>
/// <param name="room">Entries that there is room for.</param>
internal readonly struct SparseRows(View memory, int rows, int room)
{
    private const int Ahead = 8; // entries: what their columns name is asked for before it is needed

    /// <summary>How many rows.</summary>
    public int Rows => rows;

    /// <summary>How many entries, at most.</summary>
    public int Count => room;

    private Span<int> Memory => MemoryMarshal.Cast<float, int>(CpuDevice.Of(memory));

    /// <summary>Floats of memory for so many rows and entries.</summary>
    public static int Room(int rows, int entries) => checked(rows + 2 + (2 * entries));

    /// <summary>Sorts entries by row.</summary>
    /// <param name="memory">Becomes the result's.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="row">Of each entry.</param>
    /// <param name="column">Of each entry; its number if empty.</param>
    /// <param name="skip">Entries of this row are left out.</param>
    public static SparseRows Of(View memory, int rows, ReadOnlySpan<int> row, ReadOnlySpan<int> column, int skip = -1)
    {
        var sorted = new SparseRows(memory, rows, row.Length);
        Span<int> all = sorted.Memory, start = all[..(rows + 2)], columns = all.Slice(rows + 2, row.Length), order = all.Slice(rows + 2 + row.Length, row.Length);
        start.Clear();
        foreach (int r in row) { if (r != skip) { start[r + 2]++; } }
        for (int i = 2; i < start.Length; i++) { start[i] += start[i - 1]; }
        for (int e = 0; e < row.Length; e++)
        {
            if (row[e] == skip) { continue; }
            int at = start[row[e] + 1]++; // where row r goes on is where row r + 1 begins, in the end
            (columns[at], order[at]) = (column.IsEmpty ? e : column[e], e);
        }
        return sorted;
    }

    /// <summary>y [rows, n] = this · x, each entry's value at its number in <paramref name="values"/>; 1 if that is null. Rows do not meet: the same bits on any number of threads.</summary>
    public unsafe void Product(float* values, float* x, float* y, int n) => Product(values, x, n, y, n, n);

    /// <summary>The same of the first n columns of matrices whose rows stand so far apart.</summary>
    public unsafe void Product(float* values, float* x, int stepX, float* y, int stepY, int n) => Work.For(rows, Grain(n), new Products(this, values, x, stepX, y, stepY, n));

    /// <summary>Of each entry the product of row i of y and the row of x that its column names, into its number in <paramref name="values"/>.</summary>
    public unsafe void Dots(float* values, float* x, float* y, int n) => Work.For(rows, Grain(n), new EntryDots(this, values, x, y, n));

    private int Grain(int n) => (int)Math.Clamp((long)CpuDevice.Grain * rows / Math.Max(1, (long)n * (room + rows)), 1, Math.Max(1, rows));

    private readonly unsafe struct Products(SparseRows a, float* values, float* x, int stepX, float* y, int stepY, int n) : IRange
    {
        public void Run(int from, int to)
        {
            if (F16.IsSupported) { a.Product<F16>(from, to, values, x, stepX, y, stepY, n); }
            else if (F8.IsSupported) { a.Product<F8>(from, to, values, x, stepX, y, stepY, n); }
            else if (F4.IsSupported) { a.Product<F4>(from, to, values, x, stepX, y, stepY, n); }
            else { a.Product<F1>(from, to, values, x, stepX, y, stepY, n); }
        }
    }

    private readonly unsafe struct EntryDots(SparseRows a, float* values, float* x, float* y, int n) : IRange
    {
        public void Run(int from, int to)
        {
            if (F16.IsSupported) { a.Dots<F16>(from, to, values, x, y, n); }
            else if (F8.IsSupported) { a.Dots<F8>(from, to, values, x, y, n); }
            else if (F4.IsSupported) { a.Dots<F4>(from, to, values, x, y, n); }
            else { a.Dots<F1>(from, to, values, x, y, n); }
        }
    }

    // four vectors of a row stay in registers while its entries pass; not fused, so that bits are those of messages in memory, on any device
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private unsafe void Product<L>(int from, int to, float* values, float* x, nint stepX, float* y, nint stepY, int n) where L : struct, IVectorLane<L>, ILane<L>
    {
        fixed (int* start = Memory)
        {
            int* column = start + rows + 2, number = column + room;
            int last = start[rows] - 1;
            for (int i = from; i < to; i++)
            {
                float* row = y + (i * stepY);
                int first = start[i], end = start[i + 1], c = 0;
                for (; c + (4 * L.Width) <= n; c += 4 * L.Width)
                {
                    L a0 = 0f, a1 = 0f, a2 = 0f, a3 = 0f;
                    for (int e = first; e < end; e++)
                    {
                        float* v = x + (column[e] * stepX) + c;
                        if (Sse.IsSupported)
                        {
                            float* later = x + (column[Math.Min(last, e + Ahead)] * stepX) + c;
                            for (int line = 0; line < 4 * L.Width; line += 16) { Sse.Prefetch0(later + line); }
                        }
                        L w = values is null ? 1f : values[number[e]];
                        a0 += w * L.Load(in *v, 0);
                        a1 += w * L.Load(in *v, L.Width);
                        a2 += w * L.Load(in *v, 2 * L.Width);
                        a3 += w * L.Load(in *v, 3 * L.Width);
                    }
                    L.Store(a0, ref *row, c);
                    L.Store(a1, ref *row, c + L.Width);
                    L.Store(a2, ref *row, c + (2 * L.Width));
                    L.Store(a3, ref *row, c + (3 * L.Width));
                }
                for (; c < n; c += L.Width)
                {
                    int count = Math.Min(n - c, L.Width);
                    L a = 0f;
                    for (int e = first; e < end; e++)
                    {
                        float* v = x + (column[e] * stepX) + c;
                        a += (count == L.Width ? L.Load(in *v, 0) : Partial.Load<L>(v, count)) * (values is null ? 1f : values[number[e]]);
                    }
                    if (count == L.Width) { L.Store(a, ref *row, c); }
                    else { Partial.Store(a, row + c, count); }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private unsafe void Dots<L>(int from, int to, float* values, float* x, float* y, int n) where L : struct, IVectorLane<L>, ILane<L>
    {
        fixed (int* start = Memory)
        {
            int* column = start + rows + 2, number = column + room;
            for (int i = from; i < to; i++)
            {
                for (int e = start[i]; e < start[i + 1]; e++) { values[number[e]] = AttentionScores.Dot<L>(y + ((nint)i * n), x + ((nint)column[e] * n), n); }
            }
        }
    }
}
