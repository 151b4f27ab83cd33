using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DeepEdu.Devices;

namespace DeepEdu.Optim;

/// <summary>What <see cref="Lbfgs"/> does to its vectors. Sums are made in double precision and stay where the vectors are: a slot is a row of doubles in a view of floats, whose sum (or largest) is the value. The
/// processor adds up one after the other, writes the whole into the first and 0 into the others; another device writes a part into each.</summary>
internal static class LbfgsKernels
{
    /// <summary>The most parts of a slot.</summary>
    public const int MostParts = 256;

    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    private static Span<double> Doubles(View slot) => MemoryMarshal.Cast<float, double>(CpuDevice.Of(slot));

    // into slots one behind the other
    private static void Put(View slots, ReadOnlySpan<double> values)
    {
        var to = Doubles(slots);
        int each = to.Length / values.Length;
        to.Clear();
        for (int i = 0; i < values.Length; i++) { to[i * each] = values[i]; }
    }

    private static double Total(View slot)
    {
        double sum = 0;
        foreach (double part in Doubles(slot)) { sum += part; }
        return sum;
    }

    // to = a + by·b
    [MethodImpl(Hot)]
    private static void Add(ReadOnlySpan<float> a, double by, ReadOnlySpan<float> b, Span<float> to)
    {
        int i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            var factor = Vector256.Create(by);
            for (; i <= to.Length - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                var (low, high) = Vector256.Widen(Vector256.Create(a[i..]));
                var (first, second) = Vector256.Widen(Vector256.Create(b[i..]));
                Vector256.Narrow(low + (factor * first), high + (factor * second)).CopyTo(to[i..]);
            }
        }
        for (; i < to.Length; i++) { to[i] = (float)(a[i] + (by * b[i])); }
    }

    // to = by·a
    [MethodImpl(Hot)]
    private static void Multiply(ReadOnlySpan<float> a, double by, Span<float> to)
    {
        for (int i = 0; i < to.Length; i++) { to[i] = (float)(by * a[i]); }
    }

    [MethodImpl(Hot)]
    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        int i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i <= a.Length - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                var (low, high) = Vector256.Widen(Vector256.Create(a[i..]));
                var (first, second) = Vector256.Widen(Vector256.Create(b[i..]));
                sum = Next(Next(sum, low * first), high * second);
            }
        }
        for (; i < a.Length; i++) { sum += (double)a[i] * b[i]; }
        return sum;
    }

    // one after the other: the same bits at every width
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Next(double sum, Vector256<double> four) => sum + four[0] + four[1] + four[2] + four[3];

    // magnitudes in the order of their bits, in which NaN is the largest
    [MethodImpl(Hot)]
    private static double Largest(ReadOnlySpan<float> of)
    {
        int largest = 0;
        foreach (int bits in MemoryMarshal.Cast<float, int>(of)) { largest = Math.Max(largest, bits & int.MaxValue); }
        return BitConverter.Int32BitsToSingle(largest);
    }

    /// <summary>A·TimesA − B·TimesB of two slots, or of one that is there, or 0.</summary>
    internal readonly record struct Factor(View A, double TimesA, View B = default, double TimesB = 0)
    {
        /// <summary>On the processor.</summary>
        public double Value => A.IsNone ? 0 : B.IsNone ? Total(A) * TimesA : (Total(A) * TimesA) - (Total(B) * TimesB);
    }

    /// <summary>Into slots: the largest |Gᵢ|, then G·D, y·s and y·y of y = G − Before, s = Length·D; where there is no direction yet Σ|Gᵢ|, 0 and 0.</summary>
    internal readonly record struct Measure(View G, View Before, View D, double Length, View Into) : IKernel
    {
        public const int Slots = 4;

        /// <inheritdoc/>
        public static string Name => "lbfgs measure";

        /// <inheritdoc/>
        public void Run()
        {
            ReadOnlySpan<float> g = CpuDevice.Of(G);
            double largest = Largest(g);
            if (D.IsNone) { Put(Into, [largest, Magnitudes(g), 0, 0]); }
            else
            {
                var (slope, ys, yy) = Products(g, CpuDevice.Of(Before), CpuDevice.Of(D), Length);
                Put(Into, [largest, slope, ys, yy]);
            }
        }

        [MethodImpl(Hot)]
        private static double Magnitudes(ReadOnlySpan<float> g)
        {
            double sum = 0;
            foreach (float v in g) { sum += Math.Abs((double)v); }
            return sum;
        }

        [MethodImpl(Hot)]
        private static (double Slope, double Ys, double Yy) Products(ReadOnlySpan<float> g, ReadOnlySpan<float> before, ReadOnlySpan<float> d, double length)
        {
            double slope = 0, ys = 0, yy = 0;
            for (int i = 0; i < g.Length; i++)
            {
                float y = g[i] - before[i], s = (float)(length * d[i]);
                slope += (double)g[i] * d[i];
                ys += (double)y * s;
                yy += (double)y * y;
            }
            return (slope, ys, yy);
        }
    }

    /// <summary>Y = G − Before, S = Length·D: what is remembered of a step.</summary>
    internal readonly record struct Remember(View G, View Before, View D, double Length, View Y, View S) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "lbfgs remember";

        /// <inheritdoc/>
        public void Run()
        {
            Add(CpuDevice.Of(G), -1, CpuDevice.Of(Before), CpuDevice.Of(Y)); // a difference of floats is rounded to the same in double precision
            Multiply(CpuDevice.Of(D), Length, CpuDevice.Of(S));
        }
    }

    /// <summary>One turn of the two loops of algorithm 7.4, which waits for nothing: D = Scale·(D + By·What), then Next·D into a slot and, if there are two, the largest |Dᵢ| into the second. Where there is no What
    /// it begins: D = −Scale·From.</summary>
    internal readonly record struct Turn(View D, View From, View What, Factor By, double Scale, View Next, View Into, int Slots) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "lbfgs turn";

        /// <inheritdoc/>
        public void Run()
        {
            var d = CpuDevice.Of(D);
            if (What.IsNone) { Multiply(CpuDevice.Of(From), -Scale, d); }
            else
            {
                Add(d, By.Value, CpuDevice.Of(What), d);
                if (Scale != 1) { Multiply(d, Scale, d); }
            }
            double along = Dot(CpuDevice.Of(Next), d);
            if (Slots == 1) { Put(Into, [along]); }
            else { Put(Into, [along, Largest(d)]); }
        }
    }

    /// <summary>W = Start + Length·D.</summary>
    internal readonly record struct Move(View Start, View D, double Length, View W) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "lbfgs move";

        /// <inheritdoc/>
        public void Run()
        {
            W.Block.Changes();
            Add(CpuDevice.Of(Start), Length, CpuDevice.Of(D), CpuDevice.Of(W));
        }
    }
}
