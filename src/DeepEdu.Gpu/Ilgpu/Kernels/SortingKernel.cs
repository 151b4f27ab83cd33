using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Where the values of an axis stand in order, which the host reads. A thread counts how many of a run come before its value, which is that value's place: no thread waits for another's, and equal values
/// keep their order. A short row is one run; of a long one two runs are merged at a time, and a value's place is that in its own run and, by halving, that among the other's.</summary>
internal static class SortingKernel
{
    /// <summary>The longest row whose values are all compared with each other, and the values of a run of longer ones. Chosen by counts, not timed on a GPU: comparisons go through shared memory, thousands at a time;
    /// a merge waits for memory some ten times, whatever the row.</summary>
    public const int Direct = 2048, Short = 512;

    private const int Threads = 256;

    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in Sorting.OrderKernel k) => Run(d, k));

    /// <summary>Whole numbers in the order of the floats; NaN is the largest, and −0 is 0.</summary>
    internal static int Key(float x)
    {
        int bits = BitConverter.SingleToInt32Bits(x);
        if (bits == int.MinValue) { bits = 0; }
        int key = bits < 0 ? bits ^ int.MaxValue : bits;
        return float.IsNaN(x) ? int.MaxValue : key;
    }

    private static void Run(GpuDevice d, in Sorting.OrderKernel k)
    {
        if (k.Where.Length == 0) { return; }
        using var arena = Arena.OfKernel();
        var where = Ints(d, k.Where.Length, out var view);
        if (k.N <= Direct) { d.Start(Runs(k.N, k.N, k.Outer * k.Inner, out int blocks), new Rank { Values = Of(k, k.N, blocks), Where = where, K = k.K }); }
        else { Merged(d, k, where); }
        d.Read(view, MemoryMarshal.Cast<int, float>(k.Where.AsSpan()));
    }

    private static void Merged(GpuDevice d, in Sorting.OrderKernel k, ArrayView<int> where)
    {
        int rows = k.Outer * k.Inner, all = rows * k.N;
        ArrayView<int> keys = Ints(d, all, out _), places = Ints(d, all, out _), otherKeys = Ints(d, all, out _), otherPlaces = Ints(d, all, out _);
        d.Start(Runs(k.N, Short, rows, out int blocks), new RankRuns { Values = Of(k, Short, blocks), Keys = keys, Places = places });
        for (long run = Short; run < k.N; run *= 2)
        {
            d.Start(all, new Merge { Keys = keys, Places = places, ToKeys = otherKeys, ToPlaces = otherPlaces, N = k.N, Length = (int)run });
            (keys, places, otherKeys, otherPlaces) = (otherKeys, otherPlaces, keys, places);
        }
        d.Start(where.Length, new First { Places = places, Where = where, N = k.N, K = k.K, Inner = k.Inner });
    }

    private static ArrayView<int> Ints(GpuDevice d, int n, out View view)
    {
        view = new(d.Allocate(n), 0, n);
        return GpuDevice.Of(view).Cast<int>();
    }

    // groups, each of which has so many neighbours of a run
    private static KernelConfig Runs(int n, int run, int rows, out int blocks)
    {
        int threads = Math.Min(Threads, (run + 31) / 32 * 32);
        blocks = (n + threads - 1) / threads;
        return new(rows * blocks, threads);
    }

    private static RunValues Of(in Sorting.OrderKernel k, int run, int blocks) => new() { X = GpuDevice.Of(k.X), N = k.N, Inner = k.Inner, Length = run, Blocks = blocks, Descending = k.Descending ? 1 : 0 };

    /// <summary>Runs of neighbours along the middle axis of X [outer, N, Inner].</summary>
    internal struct RunValues
    {
        public Floats X;
        public int N, Inner, Length, Blocks, Descending;

        public readonly int Row => (int)((uint)Grid.IdxX / (uint)Blocks);

        /// <summary>This thread's value of its row.</summary>
        public readonly int Mine => ((Grid.IdxX - (Row * Blocks)) * Group.DimX) + Group.IdxX;

        /// <summary>Where the group's run begins; a group's values are all in one.</summary>
        public readonly int From
        {
            get
            {
                int first = (Grid.IdxX - (Row * Blocks)) * Group.DimX;
                return first - (int)((uint)first % (uint)Length);
            }
        }

        /// <summary>How many of its run come before this thread's value.</summary>
        public readonly int Rank(ArrayView<int> keys, int from)
        {
            int me = Group.IdxX, threads = Group.DimX, i = Mine, rank = 0, end = IntrinsicMath.Min(N, from + Length);
            long begin = SoftmaxKernel.Begin(Row, N, Inner);
            int mine = Key(begin, i);
            for (int first = from; first < end; first += threads)
            {
                keys[me] = Key(begin, first + me);
                Group.Barrier();
                int n = IntrinsicMath.Min(threads, end - first);
                for (int j = 0; j < n; j++)
                {
                    int other = keys[j];
                    if (other < mine || (other == mine && first + j < i)) { rank++; }
                }
                Group.Barrier();
            }
            return rank;
        }

        public readonly int Key(long begin, int i)
        {
            if (i >= N) { return 0; }
            int key = SortingKernel.Key(X[begin + ((long)i * Inner)]);
            return Descending != 0 ? ~key : key;
        }
    }

    /// <summary>Whole rows, into [outer, K, inner].</summary>
    internal struct Rank : IGpuKernel
    {
        public RunValues Values;
        public ArrayView<int> Where;
        public int K;

        public readonly void Run()
        {
            int rank = Values.Rank(SharedMemory.Allocate<int>(Threads), 0), i = Values.Mine;
            if (i < Values.N && rank < K) { Where[SoftmaxKernel.Begin(Values.Row, K, Values.Inner) + ((long)rank * Values.Inner)] = i; }
        }
    }

    /// <summary>Runs, into [outer · inner, N].</summary>
    internal struct RankRuns : IGpuKernel
    {
        public RunValues Values;
        public ArrayView<int> Keys, Places;

        public readonly void Run()
        {
            int from = Values.From, rank = Values.Rank(SharedMemory.Allocate<int>(Threads), from), i = Values.Mine;
            if (i >= Values.N) { return; }
            long to = ((long)Values.Row * Values.N) + from + rank;
            Keys[to] = Values.Key(SoftmaxKernel.Begin(Values.Row, Values.N, Values.Inner), i);
            Places[to] = i;
        }
    }

    /// <summary>Two runs of each row at a time; of equals the first run's come first.</summary>
    internal struct Merge : IGpuKernel
    {
        public ArrayView<int> Keys, Places, ToKeys, ToPlaces;
        public int N, Length;

        public readonly void Run()
        {
            for (long at = Grid.GlobalLinearIndex; at < Keys.Length; at += Loops.Stride)
            {
                uint row = (uint)at / (uint)N, i = (uint)at - (row * (uint)N);
                // a run's length is a power of two; two may be longer than any row
                long begin = (long)row * N, first = i & ~((2 * (uint)Length) - 1), second = first + Length, end = second + Length;
                if (second > N) { second = N; }
                if (end > N) { end = N; }
                int mine = Keys[at];
                bool isFirst = i < second;
                long low = isFirst ? second : first, high = isFirst ? end : second, other = low;
                while (low < high)
                {
                    long middle = (low + high) >> 1;
                    int there = Keys[begin + middle];
                    if (there < mine || (there == mine && !isFirst)) { low = middle + 1; }
                    else { high = middle; }
                }
                // from where its run begins, behind those of the other that come before it
                long to = begin + (isFirst ? i : i - (second - first)) + (low - other);
                ToKeys[to] = mine;
                ToPlaces[to] = Places[at];
            }
        }
    }

    /// <summary>The first K of each row, into [outer, K, inner].</summary>
    internal struct First : IGpuKernel
    {
        public ArrayView<int> Places, Where;
        public int N, K, Inner;

        public readonly void Run()
        {
            for (long at = Grid.GlobalLinearIndex; at < Where.Length; at += Loops.Stride)
            {
                uint rest = (uint)at / (uint)Inner, inner = (uint)at - (rest * (uint)Inner), outer = rest / (uint)K, rank = rest - (outer * (uint)K);
                Where[at] = Places[(((long)outer * Inner) + inner) * N + rank];
            }
        }
    }
}
