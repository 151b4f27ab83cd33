using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Kernels;

/// <summary>Which places of an axis each place of a resized axis is made of: (1 − Part) · x[Low] + Part · x[High].</summary>
internal sealed class ResizedAxis
{
    private ResizedAxis(int n, int size) => (N, Low, High, Part) = (n, new int[size], new int[size], new float[size]);

    /// <summary>The size before.</summary>
    public int N { get; }

    /// <summary>The size after.</summary>
    public int Size => Low.Length;

    public int[] Low { get; }

    public int[] High { get; }

    public float[] Part { get; }

    /// <summary>How many times each place stands in the result, one after the other; 0 if it is not so simple.</summary>
    public int Times { get; private set; }

    /// <summary>The one place below i · ratio, a product of floats: of places that rounding moves PyTorch has the same.</summary>
    public static ResizedAxis Nearest(int n, int size, float ratio)
    {
        var axis = new ResizedAxis(n, size);
        for (int i = 0; i < size; i++) { axis.Low[i] = axis.High[i] = Math.Min((int)MathF.Floor(i * ratio), n - 1); }
        int times = size / n;
        bool even = size % n == 0 && times is > 1 and <= 16;
        for (int i = 0; even && i < size; i++) { even = axis.Low[i] == i / times; }
        axis.Times = even ? times : 0;
        return axis;
    }

    /// <summary>The two neighbours of (i + ½) · ratio − ½, or of i · ratio where the corners are aligned.</summary>
    public static ResizedAxis Linear(int n, int size, double ratio, bool alignCorners)
    {
        var axis = new ResizedAxis(n, size);
        for (int i = 0; i < size; i++)
        {
            double at = alignCorners ? i * ratio : Math.Max(0, ((i + 0.5) * ratio) - 0.5);
            int low = Math.Min((int)at, n - 1);
            (axis.Low[i], axis.High[i]) = (low, Math.Min(low + 1, n - 1));
            axis.Part[i] = low + 1 < n ? (float)(at - low) : 0;
        }
        return axis;
    }
}

/// <summary>Resizes planes: each line of the result is a mixture of two lines, of which the columns are mixed in turn.</summary>
internal static unsafe class Interpolate
{
    // values worth handing to another thread
    private const int Grain = 32768;

    /// <summary>From [planes, rows.N, columns.N] to [planes, rows.Size, columns.Size] or, back, the gradient the other way.</summary>
    public static void Run(int planes, ResizedAxis rows, ResizedAxis columns, float* inner, float* outer, bool back) =>
        Work.For(planes, Math.Max(1, Grain / Math.Max(1, rows.Size * columns.Size)), new Planes { Rows = rows, Columns = columns, Inner = inner, Outer = outer, Back = back });

    private struct Planes : IRange
    {
        public ResizedAxis Rows, Columns;
        public float* Inner, Outer;
        public bool Back;

        public readonly void Run(int from, int to)
        {
            int w = Columns.N;
            var line = new Span<float>(Scratch.Panels.Take(w), w);
            for (int p = from; p < to; p++)
            {
                float* inner = Inner + ((nint)p * Rows.N * w), outer = Outer + ((nint)p * Rows.Size * Columns.Size);
                if (Back) { new Span<float>(inner, Rows.N * w).Clear(); }
                for (int i = 0; i < Rows.Size; i++, outer += Columns.Size)
                {
                    float part = Rows.Part[i];
                    Span<float> low = new(inner + (Rows.Low[i] * w), w), high = new(inner + (Rows.High[i] * w), w);
                    if (Back)
                    {
                        if (Columns.Times > 0) { Lines.AddGroups(ref *outer, ref line[0], w, Columns.Times); }
                        else
                        {
                            line.Clear();
                            Scatter(outer, line);
                        }
                        if (part != 0) { TensorPrimitives.MultiplyAdd(line, part, high, high); }
                        TensorPrimitives.MultiplyAdd(line, 1 - part, low, low);
                        continue;
                    }
                    if (part == 0 && i > 0 && Rows.Part[i - 1] == 0 && Rows.Low[i - 1] == Rows.Low[i])
                    {
                        Lines.Copy(ref *(outer - Columns.Size), ref *outer, Columns.Size);
                        continue;
                    }
                    if (part == 0 && Columns.Times > 0)
                    {
                        Lines.Repeat(ref low[0], ref *outer, w, Columns.Times);
                        continue;
                    }
                    if (part == 0) { Gather(low, outer); continue; }
                    TensorPrimitives.Multiply(low, 1 - part, line);
                    TensorPrimitives.MultiplyAdd(high, part, line, line);
                    Gather(line, outer);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private readonly void Gather(ReadOnlySpan<float> x, float* y)
        {
            int[] lows = Columns.Low, highs = Columns.High;
            float[] parts = Columns.Part;
            for (int j = 0; j < lows.Length; j++)
            {
                float part = parts[j], low = x[lows[j]];
                y[j] = part == 0 ? low : ((1 - part) * low) + (part * x[highs[j]]);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private readonly void Scatter(float* dy, Span<float> dx)
        {
            int[] lows = Columns.Low, highs = Columns.High;
            float[] parts = Columns.Part;
            for (int j = 0; j < lows.Length; j++)
            {
                float part = parts[j];
                dx[lows[j]] += (1 - part) * dy[j];
                if (part != 0) { dx[highs[j]] += part * dy[j]; }
            }
        }
    }
}
