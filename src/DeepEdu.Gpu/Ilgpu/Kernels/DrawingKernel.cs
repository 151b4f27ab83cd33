using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Draws with replacement: a group a row. Each thread adds up its part of the weights in double precision; that in whose part a draw falls goes through it.</summary>
internal static class DrawingKernel
{
    private const int Threads = 256, Fine = -1, None = -2;

    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in Sampling.DrawKernel k) => Run(d, k));

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
        int[] read = new int[all + rows];
        d.Read(result, MemoryMarshal.Cast<int, float>(read.AsSpan()));
        if (read.AsSpan(all).IndexOfAnyExcept(Fine) is var row and >= 0)
        {
            float[] weights = new float[classes];
            d.Read(new(k.Weights.Block, k.Weights.Offset + (row * classes), classes), weights);
            Sampling.CheckRow(weights, k.Of, row, 1); // says what is wrong
        }
        read.AsSpan(0, all).CopyTo(k.Drawn);
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
                int bits = BitConverter.SingleToInt32Bits(w);
                // −0, or from 0 on but neither infinite nor NaN
                if (bits == int.MinValue || (bits >= 0 && bits < 0x7F800000)) { sum += w; }
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
}
