using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>A recurrent layer's inputs that are categories: row q of the gates' input parts is the column of Wᵢ for category q, and the gradient of that column the sum over
/// its rows. The products with one-hot rows, without their zeros.</summary>
/// <param name="categories">One for each row.</param>
/// <param name="count">How many categories there are.</param>
/// <param name="plan">The cell's gates.</param>
/// <param name="hidden">H.</param>
internal readonly unsafe struct CategoryTable(int[] categories, int count, CellPlan plan, int hidden)
{
    private const int ColumnsAChunk = 128; // eight cache lines of each row: fewer come singly, after a wait each

    private int Padded => RecurrentWeights.Padded(hidden);

    /// <summary>gates [rows, planes·Hp] ← bias + the categories' rows of a <see cref="RecurrentWeights.Table"/>, for a stretch of rows.</summary>
    public void Take(int first, int rows, float* table, float* bias, float* gates)
    {
        int width = plan.Input.Count * Padded;
        Work.For(rows, Math.Max(1, CpuDevice.Grain / width),
            new Rows { Categories = categories, First = first, Table = table, Bias = bias, Gates = gates, Width = width, Before = plan.Input.Plane * Padded, Planes = plan.Planes * Padded });
    }

    /// <summary>to [categories, planes of the inputs · Hp] ← for each category the sum of its rows of gates [rows, planes·Hp], those that count, in their order.</summary>
    public void Add(RecurrentRows rows, float* gates, float* to)
    {
        int width = plan.Input.Count * Padded;
        new Span<float>(to, count * width).Clear();
        Work.For(width, ColumnsAChunk, new Columns { Categories = categories, Runs = rows.Runs, Gates = gates + (plan.Input.Plane * Padded), Planes = plan.Planes * Padded, To = to, Width = width });
    }

    private struct Rows : IRange
    {
        public int[] Categories;
        public float* Table, Bias, Gates;
        public int First, Width, Before, Planes;

        public readonly void Run(int from, int to)
        {
            ReadOnlySpan<float> before = new(Bias, Before), bias = new(Bias + Before, Width);
            for (nint q = First + from; q < First + to; q++)
            {
                float* row = Gates + (q * Planes);
                before.CopyTo(new(row, Before)); // planes without inputs
                TensorPrimitives.Add(new(Table + ((nint)Categories[q] * Width), Width), bias, new(row + Before, Width));
            }
        }
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
