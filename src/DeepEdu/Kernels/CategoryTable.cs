using System.Numerics.Tensors;
using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>A recurrent layer's inputs that are categories: row q of the gates' input parts is the column of Wᵢ for category q, and the gradient of that column the sum over
/// its rows. The products with one-hot rows, without their zeros.</summary>
/// <param name="categories">One for each row.</param>
/// <param name="count">How many categories there are.</param>
/// <param name="plan">The cell's gates.</param>
/// <param name="hidden">H.</param>
internal readonly unsafe struct CategoryTable(int[] categories, int count, CellPlan plan, int hidden)
{
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
        var cut = new Partition(1, categories.Length, width);
        Work.Run(cut.Chunks, new Columns { Categories = categories, Runs = rows.Runs, Gates = gates + (plan.Input.Plane * Padded), Planes = plan.Planes * Padded, To = to, Width = width, Cut = cut });
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

    private struct Columns : IChunks
    {
        public int[] Categories;
        public List<(int From, int Count)> Runs;
        public float* Gates, To;
        public int Planes, Width;
        public Partition Cut;

        public readonly void Run(int chunk)
        {
            Cut.Of(chunk, out _, out _, out int column, out int end);
            foreach (var (from, count) in Runs)
            {
                for (nint q = from; q < from + count; q++)
                {
                    var sum = new Span<float>(To + ((nint)Categories[q] * Width) + column, end - column);
                    TensorPrimitives.Add(sum, new ReadOnlySpan<float>(Gates + (q * Planes) + column, end - column), sum);
                }
            }
        }
    }
}
