using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Devices;
using DeepEdu.Lanes;
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
            int w = Columns.N, wide = Columns.Size;
            float* room = Scratch.Panels.Take(checked(w + (2 * wide)));
            var line = new Span<float>(room, w);
            for (int p = from; p < to; p++)
            {
                float* inner = Inner + ((nint)p * Rows.N * w), outer = Outer + ((nint)p * Rows.Size * wide);
                if (Back)
                {
                    Spread(outer, inner, room + w, room + w + wide);
                    continue;
                }
                for (int i = 0; i < Rows.Size; i++, outer += Columns.Size)
                {
                    float part = Rows.Part[i];
                    Span<float> low = new(inner + (Rows.Low[i] * w), w), high = new(inner + (Rows.High[i] * w), w);
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
            int j = 0;
            if (Avx512F.IsSupported && lows.Length >= 16)
            {
                // sixteen places are made of values that stand in two registers, as long as they lie so near each other
                fixed (int* low = lows, high = highs)
                fixed (float* part = parts, from = x)
                {
                    int last = x.Length - 32;
                    while (j < lows.Length)
                    {
                        // no value behind the line is read
                        int at = Math.Min(j, lows.Length - 16), first = Math.Max(0, Math.Min(low[at], last));
                        if (high[at + 15] - first > 31) { break; }
                        Vector512<float> p = Vector512.Load(part + at), a, b;
                        var start = Vector512.Create(first);
                        Vector512<int> placeLow = Vector512.Load(low + at) - start, placeHigh = Vector512.Load(high + at) - start;
                        var (l, h) = x.Length >= 32 ? (Vector512.Load(from + first), Vector512.Load(from + first + 16)) : Short(from, x.Length);
                        a = Avx512F.PermuteVar16x32x2(l, placeLow, h);
                        b = Avx512F.PermuteVar16x32x2(l, placeHigh, h);
                        var mixed = ((Vector512<float>.One - p) * a) + (p * b);
                        Vector512.ConditionalSelect(Vector512.Equals(p, Vector512<float>.Zero), a, mixed).Store(y + at);
                        j = at + 16;
                    }
                }
            }
            for (; j < lows.Length; j++)
            {
                float part = parts[j], low = x[lows[j]];
                y[j] = part == 0 ? low : ((1 - part) * low) + (part * x[highs[j]]);
            }
        }

        // dx: lines are added up first, of which there are fewer then, then columns. here and next: room for what goes to a line and to the one below it
        private readonly void Spread(float* dy, float* dx, float* here, float* next)
        {
            int wide = Columns.Size, at = 0;
            new Span<float>(here, wide).Clear();
            new Span<float>(next, wide).Clear();
            for (int i = 0; i < Rows.Size; i++, dy += wide)
            {
                for (; at < Rows.Low[i]; at++) { End(ref dx, ref here, ref next); }
                float part = Rows.Part[i];
                Span<float> low = new(here, wide), high = new(next, wide);
                var line = new ReadOnlySpan<float>(dy, wide);
                if (part == 0)
                {
                    TensorPrimitives.Add(line, low, low);
                    continue;
                }
                TensorPrimitives.MultiplyAdd(line, part, high, high);
                TensorPrimitives.MultiplyAdd(line, 1 - part, low, low);
            }
            for (; at < Rows.N; at++) { End(ref dx, ref here, ref next); }
        }

        // one line of dx is complete
        private readonly void End(ref float* dx, ref float* here, ref float* next)
        {
            if (Columns.Times > 0) { Lines.AddGroups(ref *here, ref *dx, Columns.N, Columns.Times); }
            else
            {
                var line = new Span<float>(dx, Columns.N);
                line.Clear();
                Scatter(here, line);
            }
            new Span<float>(here, Columns.Size).Clear();
            float* done = here;
            here = next;
            next = done;
            dx += Columns.N;
        }

        // a line of less than two registers
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static (Vector512<float> Low, Vector512<float> High) Short(float* from, int n) => (Partial.Load<F16>(from, Math.Min(16, n)).V, n > 16 ? Partial.Load<F16>(from + 16, n - 16).V : default);

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
