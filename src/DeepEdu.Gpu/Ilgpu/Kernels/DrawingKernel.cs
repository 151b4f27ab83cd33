using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Draws. With replacement a group has a row: each thread adds up its part of the weights in double precision, and that in whose part a draw falls goes through it. Without, a thread has a class, and
/// counts how many of the row come before it: no more than are drawn, so that of many classes few are compared with all.</summary>
internal static class DrawingKernel
{
    private const int Threads = 256, Fine = -1, None = -2;

    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in Sampling.DrawKernel k) => Run(d, k));
        device.Register((GpuDevice d, in Sampling.OnceKernel k) => Run(d, k));
    }

    private static void Run(GpuDevice d, in Sampling.DrawKernel k)
    {
        using var arena = Arena.OfKernel();
        int classes = k.Of[k.Of.Rank - 1], rows = k.Of.Size / classes, all = k.Drawn.Length;
        View result = new(d.Allocate(all + rows), 0, all + rows);
        var places = GpuDevice.Of(result).Cast<int>();
        d.Start(new KernelConfig(rows, Threads), new Draw
        {
            Weights = GpuDevice.Of(k.Weights), Parts = d.Upload<double>(k.Parts), Drawn = places.SubView(0, all), State = places.SubView(all, rows), K = classes, Count = all / rows,
        });
        Read(d, result, k.Drawn, k.Weights, k.Of, 1);
    }

    private static void Run(GpuDevice d, in Sampling.OnceKernel k)
    {
        using var arena = Arena.OfKernel();
        int classes = k.Of[k.Of.Rank - 1], rows = k.Of.Size / classes, all = k.Drawn.Length, threads = Math.Min(Threads, (classes + 31) / 32 * 32), blocks = (classes + threads - 1) / threads;
        if (all / rows > classes) { Check(d, k.Weights, k.Of, 0, all / rows); }
        View result = new(d.Allocate(all + rows), 0, all + rows);
        var places = GpuDevice.Of(result).Cast<int>();
        d.Start(new KernelConfig(rows * blocks, threads), new Once
        {
            Weights = GpuDevice.Of(k.Weights), Times = d.Upload<double>(k.Times), Drawn = places.SubView(0, all), State = places.SubView(all, rows), K = classes, Count = all / rows, Blocks = blocks,
        });
        Read(d, result, k.Drawn, k.Weights, k.Of, all / rows);
    }

    // draws, and behind them how each row is
    private static void Read(GpuDevice d, View result, int[] drawn, View weights, Shape of, int count)
    {
        int[] read = new int[result.Length];
        d.Read(result, MemoryMarshal.Cast<int, float>(read.AsSpan()));
        if (read.AsSpan(drawn.Length).IndexOfAnyExcept(Fine) is var row and >= 0) { Check(d, weights, of, row, count); }
        read.AsSpan(0, drawn.Length).CopyTo(drawn);
    }

    // says what is wrong
    private static void Check(GpuDevice d, View weights, Shape of, int row, int count)
    {
        float[] own = new float[of[of.Rank - 1]];
        d.Read(new(weights.Block, weights.Offset + (row * own.Length), own.Length), own);
        Sampling.CheckRow(own, of, row, count);
    }

    // a number from 0 on, or −0, and neither infinite nor NaN: 1, else 0
    private static int IsWeight(float w)
    {
        int bits = BitConverter.SingleToInt32Bits(w);
        return bits == int.MinValue || (bits >= 0 && bits < 0x7F800000) ? 1 : 0;
    }

    // when a class's clock ticks: never, where its weight is 0 or none
    private static double Time(double time, float w)
    {
        if (IsWeight(w) == 0) { return double.PositiveInfinity; }
        return w > 0 ? time / w : double.PositiveInfinity;
    }

    internal struct Draw : IGpuKernel
    {
        public Floats Weights;
        public ArrayView<double> Parts;
        public ArrayView<int> Drawn, State;
        public int K, Count;

        public readonly void Run()
        {
            var sums = SharedMemory.Allocate<double>(Threads);
            var wrong = SharedMemory.Allocate<int>(Threads);
            int me = Group.IdxX, row = Grid.IdxX, each = (int)((uint)(K + Threads - 1) / Threads), from = IntrinsicMath.Min(K, me * each), to = IntrinsicMath.Min(K, from + each), bad = 0;
            long begin = (long)row * K, draws = (long)row * Count;
            double sum = 0;
            for (int i = from; i < to; i++)
            {
                float w = Weights[begin + i];
                if (IsWeight(w) != 0) { sum += w; }
                else { bad = 1; }
            }
            sums[me] = sum;
            wrong[me] = bad;
            Group.Barrier();
            if (me == 0)
            {
                // one after the other: parts must not overlap
                double running = 0;
                int any = 0;
                for (int t = 0; t < Threads; t++)
                {
                    running += sums[t];
                    sums[t] = running;
                    any |= wrong[t];
                }
                State[row] = any == 0 && running > 0 ? Fine : None;
            }
            Group.Barrier();
            double end = sums[me], start = me == 0 ? 0 : sums[me - 1], total = sums[Threads - 1];
            for (int j = 0; j < Count; j++)
            {
                double share = Parts[draws + j] * total;
                // a share that is rounded up to the whole is the last part's
                if (share >= start && start < end && (share < end || end >= total)) { Drawn[draws + j] = Class(begin, from, to, start, share); }
                else if (me == 0 && total <= 0) { Drawn[draws + j] = 0; }
            }
        }

        private readonly int Class(long begin, int from, int to, double sum, double share)
        {
            int last = from;
            for (int i = from; i < to && sum <= share; i++)
            {
                float w = Weights[begin + i];
                if (w > 0)
                {
                    sum += w;
                    last = i;
                }
            }
            return last;
        }
    }

    internal struct Once : IGpuKernel
    {
        public Floats Weights;
        public ArrayView<double> Times;
        public ArrayView<int> Drawn, State;

        /// <summary>Classes of a row, draws of it, and groups that share it.</summary>
        public int K, Count, Blocks;

        public readonly void Run()
        {
            var times = SharedMemory.Allocate<double>(Threads);
            var possible = SharedMemory.Allocate<int>(Threads);
            int me = Group.IdxX, threads = Group.DimX, row = (int)((uint)Grid.IdxX / (uint)Blocks), block = Grid.IdxX - (row * Blocks), mine = (block * threads) + me, rank = 0, seen = 0;
            long begin = (long)row * K;
            double own = mine < K ? Time(Times[begin + mine], Weights[begin + mine]) : 0;
            for (int first = 0; first < K; first += threads)
            {
                int i = first + me;
                if (i < K)
                {
                    float w = Weights[begin + i];
                    times[me] = Time(Times[begin + i], w);
                    if (IsWeight(w) == 0) { seen = int.MinValue; }
                    else if (w > 0) { seen++; } // of what cannot be, still less than 0
                }
                Group.Barrier();
                int n = IntrinsicMath.Min(threads, K - first);
                for (int j = 0; j < n && rank < Count; j++)
                {
                    double other = times[j];
                    if (other < own || (other == own && first + j < mine)) { rank++; }
                }
                Group.Barrier();
            }
            if (mine < K && rank < Count) { Drawn[((long)row * Count) + rank] = mine; }
            possible[me] = seen;
            Group.Barrier();
            if (me == 0 && block == 0)
            {
                int sum = 0;
                for (int t = 0; t < threads; t++) { sum = sum < 0 || possible[t] < 0 ? -1 : sum + possible[t]; }
                State[row] = sum >= Count ? Fine : None;
            }
        }
    }
}
