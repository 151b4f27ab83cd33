using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Where the values of an axis stand in order, which the host reads. A thread counts how many of a row come before its value, which is that value's place: no thread waits for another's, and equal values
/// keep their order. n² comparisons of a row, 256 of its values at a time in shared memory; of rows that are too long for that the places are found on the processor.</summary>
internal static class SortingKernel
{
    /// <summary>The longest row, of four thousand million comparisons; no GPU was at hand to find where the processor becomes the quicker one.</summary>
    public const int Longest = 1 << 16;

    private const int Threads = 256;

    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in Sorting.OrderKernel k) => Run(d, k));

    private static void Run(GpuDevice d, in Sorting.OrderKernel k)
    {
        if (k.Where.Length == 0) { return; }
        if (k.N > Longest) { Processor.Run(d, k); return; }
        using var arena = Arena.OfKernel();
        View where = new(d.Allocate(k.Where.Length), 0, k.Where.Length);
        int threads = Math.Min(Threads, (k.N + 31) / 32 * 32), blocks = (k.N + threads - 1) / threads;
        d.Start(new KernelConfig(k.Outer * k.Inner * blocks, threads), new Rank { X = GpuDevice.Of(k.X), Where = GpuDevice.Of(where).Cast<int>(), N = k.N, Inner = k.Inner, K = k.K, Blocks = blocks, Descending = k.Descending ? 1 : 0 });
        d.Read(where, MemoryMarshal.Cast<int, float>(k.Where.AsSpan()));
    }

    /// <summary>Whole numbers in the order of the floats; NaN is the largest, and −0 is 0.</summary>
    internal static int Key(float x)
    {
        int bits = BitConverter.SingleToInt32Bits(x);
        if (bits == int.MinValue) { bits = 0; }
        int key = bits < 0 ? bits ^ int.MaxValue : bits;
        return float.IsNaN(x) ? int.MaxValue : key;
    }

    internal struct Rank : IGpuKernel
    {
        public Floats X;
        public ArrayView<int> Where;
        public int N, Inner, K, Blocks, Descending;

        public readonly void Run()
        {
            var keys = SharedMemory.Allocate<int>(Threads);
            int me = Group.IdxX, threads = Group.DimX, row = (int)((uint)Grid.IdxX / (uint)Blocks), i = ((Grid.IdxX - (row * Blocks)) * threads) + me, rank = 0;
            long begin = SoftmaxKernel.Begin(row, N, Inner);
            int mine = Key(begin, i);
            for (int first = 0; first < N; first += threads)
            {
                keys[me] = Key(begin, first + me);
                Group.Barrier();
                int n = IntrinsicMath.Min(threads, N - first);
                for (int j = 0; j < n; j++)
                {
                    int other = keys[j];
                    if (other < mine || (other == mine && first + j < i)) { rank++; }
                }
                Group.Barrier();
            }
            if (i < N && rank < K) { Where[SoftmaxKernel.Begin(row, K, Inner) + ((long)rank * Inner)] = i; }
        }

        private readonly int Key(long begin, int i)
        {
            if (i >= N) { return 0; }
            int key = SortingKernel.Key(X[begin + ((long)i * Inner)]);
            return Descending != 0 ? ~key : key;
        }
    }
}
