using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Order along an axis. NaN counts as the largest value, as in PyTorch; equal values keep their order. The positions are read by the host; the values are gathered by them,
/// so the gradient goes back to where each value stood.</summary>
public static class Sorting
{
    extension(Tensor x)
    {
        /// <summary>The values of an axis in order, and where each stood.</summary>
        /// <param name="axis">The axis; negative counts from the end.</param>
        /// <param name="descending">Whether the largest comes first.</param>
        /// <returns>Values and positions, both of x's shape.</returns>
        /// <exception cref="ShapeException">There is no such axis.</exception>
        public (Tensor Values, Indices Indices) Sort(int axis = -1, bool descending = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            int at = x.Shape.Axis("sort", axis);
            var order = Order(x, at, x.Shape[at], descending);
            return (x.Gather(at, order), order);
        }

        /// <summary>Where the values of an axis stand in order: x.Gather(axis, x.ArgSort(axis)) is sorted. Of x's shape.</summary>
        /// <exception cref="ShapeException">There is no such axis.</exception>
        public Indices ArgSort(int axis = -1, bool descending = false)
        {
            ArgumentNullException.ThrowIfNull(x);
            int at = x.Shape.Axis("argsort", axis);
            return Order(x, at, x.Shape[at], descending);
        }

        /// <summary>The k largest (or smallest) values of an axis, in order, and where they stood. Of equal values the earlier comes first.</summary>
        /// <param name="k">How many.</param>
        /// <param name="axis">The axis; negative counts from the end.</param>
        /// <param name="largest">The largest in falling order, or else the smallest in rising order.</param>
        /// <returns>Values and positions, both of x's shape but k long on the axis.</returns>
        /// <exception cref="ShapeException">There is no such axis, or it has fewer than k values.</exception>
        public (Tensor Values, Indices Indices) TopK(int k, int axis = -1, bool largest = true)
        {
            ArgumentNullException.ThrowIfNull(x);
            int at = x.Shape.Axis("top-k", axis);
            if (k < 0 || k > x.Shape[at]) { ThrowTopK(x.Shape, at, k); }
            var order = Order(x, at, k, largest);
            return (x.Gather(at, order), order);
        }

        /// <summary>Each value that x has, once, in rising order; which of them stands at each place of x; and how often each stands there. 0 and −0 are one value, and no NaN equals another.
        /// No gradient. PyTorch's <c>unique(x, return_inverse=True, return_counts=True)</c>, NumPy's with <c>equal_nan=False</c>.</summary>
        /// <returns>Values [k]; Inverse of x's shape, so that x is Values taken by it; Counts [k].</returns>
        public (Tensor Values, Indices Inverse, Indices Counts) Unique()
        {
            ArgumentNullException.ThrowIfNull(x);
            var all = x.Detach().Flatten();
            var order = Order(all, 0, all.Size, false);
            var sorted = all.IndexSelect(0, order);
            int[] starts = all.Size == 0 ? [] : [0, .. Selecting.Places(sorted[1..].NotEqual(sorted[..^1])).Select(i => i + 1)];
            var (inverse, counts) = Runs(order.Span, starts);
            return (sorted.IndexSelect(0, starts), Indices.Wrap(inverse, x.Shape), counts);
        }
    }

    extension(Indices x)
    {
        /// <summary>Each number that x has, once, in rising order; which of them stands at each place of x; and how often each stands there.</summary>
        /// <returns>Values [k]; Inverse of x's shape; Counts [k].</returns>
        public (Indices Values, Indices Inverse, Indices Counts) Unique()
        {
            ArgumentNullException.ThrowIfNull(x);
            int[] sorted = x.ToArray(), order = [.. Enumerable.Range(0, x.Size)];
            Array.Sort(sorted, order);
            List<int> starts = [], values = [];
            for (int i = 0; i < sorted.Length; i++)
            {
                if (i > 0 && sorted[i] == sorted[i - 1]) { continue; }
                starts.Add(i);
                values.Add(sorted[i]);
            }
            var (inverse, counts) = Runs(order, [.. starts]);
            return (values.ToArray(), Indices.Wrap(inverse, x.Shape), counts);
        }
    }

    // of values in this order, with runs of equal ones that begin here: the run of each place, and the runs' lengths
    private static (int[] Inverse, int[] Counts) Runs(ReadOnlySpan<int> order, ReadOnlySpan<int> starts)
    {
        int[] inverse = new int[order.Length], counts = new int[starts.Length];
        for (int run = 0; run < starts.Length; run++)
        {
            int end = run + 1 < starts.Length ? starts[run + 1] : order.Length;
            counts[run] = end - starts[run];
            foreach (int place in order[starts[run]..end]) { inverse[place] = run; }
        }
        return (inverse, counts);
    }

    internal static Indices Order(Tensor x, int axis, int k, bool descending)
    {
        int n = x.Shape[axis], outer = x.Shape.Product(0, axis), inner = x.Shape.Product(axis + 1, x.Rank);
        int[] order = new int[outer * k * inner];
        var kernel = new OrderKernel(x.View, order, outer, n, inner, k, descending);
        if (order.Length == 0) { }
        else { x.Device.Launch(kernel); }
        return Indices.Changing(order, x.Shape.With(axis, k));
    }

    /// <summary>Where the first K values along the middle axis of X [Outer, N, Inner] stand, in order, into Where [Outer, K, Inner].</summary>
    public readonly record struct OrderKernel(View X, int[] Where, int Outer, int N, int Inner, int K, bool Descending) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "order";

        /// <inheritdoc/>
        public void Run()
        {
            int rows = Outer * Inner, rowsAChunk = Math.Max(1, CpuDevice.Grain / 4 / N);
            Work.Run((rows + rowsAChunk - 1) / rowsAChunk, new Rows(X, Where, N, Inner, K, Descending, rows, rowsAChunk));
        }
    }

    private readonly struct Rows(View x, int[] order, int n, int inner, int k, bool descending, int rows, int rowsAChunk) : IChunks
    {
        private const int Few = 32, Many = 128;

        public void Run(int chunk)
        {
            if (SortLanes.Pays(n, k, inner == 1 ? rows : Math.Min(inner, rows)))
            {
                Lanes(chunk * rowsAChunk, Math.Min(rows, (chunk + 1) * rowsAChunk));
                return;
            }
            ulong[] keys = ArrayPool<ulong>.Shared.Rent(n), room = n >= Many ? ArrayPool<ulong>.Shared.Rent(n) : [];
            var values = CpuDevice.Of(x);
            int end = Math.Min(rows, (chunk + 1) * rowsAChunk);
            for (int row = chunk * rowsAChunk; row < end; row++)
            {
                var (o, i) = Math.DivRem(row, inner);
                bool some = k < n / 4;
                int count = some ? Select(values, (o * n * inner) + i, keys) : All(values, (o * n * inner) + i, keys);
                if (!some && n >= Many) { ByDigits(keys.AsSpan(0, n), room); }
                else if (!some && n <= Few) { Place(keys.AsSpan(0, n)); }
                else if (!some || k > Few) { keys.AsSpan(0, count).Sort(); }
                for (int j = 0; j < k; j++) { order[(((o * k) + j) * inner) + i] = (int)(uint)keys[j]; }
            }
            ArrayPool<ulong>.Shared.Return(keys);
            if (n >= Many) { ArrayPool<ulong>.Shared.Return(room); }
        }

        private unsafe void Lanes(int row, int end)
        {
            fixed (float* values = CpuDevice.Of(x))
            fixed (int* to = order) { SortLanes.Order(values, to, row, end, n, inner, k, descending); }
        }

        // each into its place among those before it
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Place(Span<ulong> keys)
        {
            for (int j = 1; j < keys.Length; j++)
            {
                ulong key = keys[j];
                int p = j;
                for (; p > 0 && keys[p - 1] > key; p--) { keys[p] = keys[p - 1]; }
                keys[p] = key;
            }
        }

        // by the value's bits, eight at a time from the lowest: each pass keeps the order of the one before it, and positions rise to begin with
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void ByDigits(Span<ulong> keys, Span<ulong> room)
        {
            Span<int> counts = stackalloc int[4 * 256];
            counts.Clear();
            foreach (ulong key in keys)
            {
                for (int d = 0; d < 4; d++) { counts[(d * 256) + (int)(byte)(key >> (32 + (8 * d)))]++; }
            }
            Span<ulong> from = keys, to = room[..keys.Length];
            for (int d = 0; d < 4; d++)
            {
                var starts = counts.Slice(d * 256, 256);
                int shift = 32 + (8 * d);
                if (starts[(byte)(from[0] >> shift)] == keys.Length) { continue; } // all alike
                for (int b = 0, sum = 0; b < 256; b++) { (starts[b], sum) = (sum, sum + starts[b]); }
                foreach (ulong key in from) { to[starts[(byte)(key >> shift)]++] = key; }
                var other = from;
                from = to;
                to = other;
            }
            if (from != keys) { from.CopyTo(keys); }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private int All(ReadOnlySpan<float> values, int from, ulong[] keys)
        {
            for (int j = 0; j < n; j++) { keys[j] = Key(values[from + (j * inner)], j); }
            return n;
        }

        // keeps those that may be among the first k; few are put in their place at once, of many the worse half goes whenever there are 2k, and the k-th is the bar for the next
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private int Select(ReadOnlySpan<float> values, int from, ulong[] keys)
        {
            int count = 0;
            ulong bar = ulong.MaxValue;
            float last = float.NaN;
            for (int j = 0; j < n;)
            {
                uint wanted = 1;
                int step = 1;
                if (Vector256.IsHardwareAccelerated && inner == 1 && j <= n - 8)
                {
                    // most are worse than the bar, eight at a time; a NaN never is
                    Vector256<float> v = Vector256.LoadUnsafe(in values[from], (nuint)j), least = Vector256.Create(last);
                    wanted = (descending ? Vector256.LessThanOrEqual(v, least) : Vector256.GreaterThanOrEqual(v, least)).ExtractMostSignificantBits() ^ 0xFF;
                    step = 8;
                }
                for (; wanted != 0; wanted &= wanted - 1)
                {
                    int at = j + BitOperations.TrailingZeroCount(wanted);
                    ulong key = Key(values[from + (at * inner)], at);
                    if (key >= bar) { continue; }
                    if (k <= Few) { Insert(keys, ref count, key); }
                    else
                    {
                        keys[count++] = key;
                        if (count < 2 * k) { continue; }
                        keys.AsSpan(0, count).Sort();
                        count = k;
                    }
                    if (count < k) { continue; }
                    bar = keys[k - 1];
                    last = values[from + ((int)(uint)bar * inner)];
                }
                j += step;
            }
            return count;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Insert(ulong[] keys, ref int count, ulong key)
        {
            int p = count < k ? count++ : k - 1;
            for (; p > 0 && keys[p - 1] > key; p--) { keys[p] = keys[p - 1]; }
            keys[p] = key;
        }

        // the bits of a float in the order of its value, then the position: all keys differ, so any sort of them is stable
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private ulong Key(float value, int position)
        {
            uint bits = float.IsNaN(value) ? 0x7FC00000u : value == 0 ? 0 : BitConverter.SingleToUInt32Bits(value);
            bits ^= (uint)((int)bits >> 31) | 0x80000000u;
            return ((ulong)(descending ? ~bits : bits) << 32) | (uint)position;
        }
    }

    [DoesNotReturn]
    private static void ThrowTopK(Shape x, int axis, int k) => throw new ShapeException("top-k", $"{k} values of axis {axis} of {x}, which has {x[axis]}", x);
}
