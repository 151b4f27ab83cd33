using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Places that the host reads: of values in a sorted row, and of those that are not 0.</summary>
internal static class SearchingKernels
{
    private const int Threads = 256, Each = 16, Piece = Threads * Each;

    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in Selecting.SearchKernel k) => Run(d, k));
        device.Register((GpuDevice d, in Selecting.PlacesKernel k) => Run(d, k));
    }

    private static void Run(GpuDevice d, in Selecting.SearchKernel k)
    {
        using var arena = Arena.OfKernel();
        int count = k.Where.Length;
        View found = new(d.Allocate(count + 1), 0, count + 1);
        var places = GpuDevice.Of(found).Cast<int>();
        var sorted = GpuDevice.Of(k.Sorted, GpuDevice.Of(k.Values));
        d.Start(new KernelConfig(1, Threads), new Unsorted { Sorted = sorted, N = k.Sorted.Length, First = places.SubView(count, 1) });
        d.Start(count, new Search { Sorted = sorted, N = k.Sorted.Length, Values = GpuDevice.Of(k.Values), Where = places.SubView(0, count), Right = k.Right ? 1 : 0 });
        int[] read = new int[count + 1];
        d.Read(found, MemoryMarshal.Cast<int, float>(read.AsSpan()));
        if (read[count] is var at and not int.MaxValue)
        {
            float[] two = new float[2];
            d.Read(new(k.Sorted.Block, k.Sorted.Offset + at - 1, 2), two);
            Selecting.ThrowUnsorted(two[1], at, two[0]);
        }
        read.AsSpan(0, count).CopyTo(k.Where);
    }

    // first how many each piece has, then where they stand
    private static void Run(GpuDevice d, in Selecting.PlacesKernel k)
    {
        using var arena = Arena.OfKernel();
        int pieces = (int)(((long)k.X.Length + Piece - 1) / Piece);
        View counted = new(d.Allocate(pieces), 0, pieces);
        var x = GpuDevice.Of(k.X);
        var starts = GpuDevice.Of(counted).Cast<int>();
        d.Start(new KernelConfig(pieces, Threads), new Places { X = x, Starts = starts, Where = starts, Write = 0 });
        int[] counts = new int[pieces];
        d.Read(counted, MemoryMarshal.Cast<int, float>(counts.AsSpan()));
        int all = 0;
        foreach (ref int count in counts.AsSpan()) { (count, all) = (all, all + count); }
        k.Found.Places = new int[all];
        if (all == 0) { return; }
        View where = new(d.Allocate(all), 0, all);
        d.Start(new KernelConfig(pieces, Threads), new Places { X = x, Starts = d.Upload<int>(counts), Where = GpuDevice.Of(where).Cast<int>(), Write = 1 });
        d.Read(where, MemoryMarshal.Cast<int, float>(k.Found.Places.AsSpan()));
    }

    /// <summary>The first position that comes before the one it follows; the largest number where there is none.</summary>
    internal struct Unsorted : IGpuKernel
    {
        public Floats Sorted;
        public ArrayView<int> First;
        public int N;

        public readonly void Run()
        {
            var firsts = SharedMemory.Allocate<int>(Threads);
            int me = Group.IdxX, first = int.MaxValue;
            for (int i = me + 1; i < N; i += Threads)
            {
                if (first == int.MaxValue && SortingKernel.Key(Sorted[i]) < SortingKernel.Key(Sorted[i - 1])) { first = i; }
            }
            firsts[me] = first;
            Group.Barrier();
            for (int half = Threads >> 1; half > 0; half >>= 1)
            {
                if (me < half) { firsts[me] = IntrinsicMath.Min(firsts[me], firsts[me + half]); }
                Group.Barrier();
            }
            if (me == 0) { First[0] = firsts[0]; }
        }
    }

    internal struct Search : IGpuKernel
    {
        public Floats Sorted, Values;
        public ArrayView<int> Where;
        public int N, Right;

        public readonly void Run()
        {
            for (long i = Grid.GlobalLinearIndex; i < Where.Length; i += Loops.Stride)
            {
                int value = SortingKernel.Key(Values[i]), low = 0, high = N;
                while (low < high)
                {
                    int middle = low + ((high - low) >> 1), there = SortingKernel.Key(Sorted[middle]);
                    if (there < value || (Right != 0 && there == value)) { low = middle + 1; }
                    else { high = middle; }
                }
                Where[i] = low;
            }
        }
    }

    /// <summary>A group a piece of so many neighbours for each thread: how many of them are not 0, or where.</summary>
    internal struct Places : IGpuKernel
    {
        public Floats X;
        public ArrayView<int> Starts, Where;
        public int Write;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<int>(Threads);
            int me = Group.IdxX, mine = 0;
            long from = ((long)Grid.IdxX * Piece) + (me * Each);
            for (int i = 0; i < Each; i++) { mine += IsThere(from + i); }
            shared[me] = mine;
            Group.Barrier();
            // each adds what stands 1, 2, 4, .. before it: Hillis, Steele 1986
            for (int back = 1; back < Threads; back <<= 1)
            {
                int sum = me >= back ? shared[me] + shared[me - back] : shared[me];
                Group.Barrier();
                shared[me] = sum;
                Group.Barrier();
            }
            if (Write == 0)
            {
                if (me == Threads - 1) { Starts[Grid.IdxX] = shared[me]; }
            }
            else
            {
                int to = Starts[Grid.IdxX] + shared[me] - mine;
                for (int i = 0; i < Each; i++)
                {
                    if (IsThere(from + i) == 0) { continue; }
                    Where[to] = (int)(from + i);
                    to++;
                }
            }
        }

        // by its bits: a comparison with 0 may take NaN for it
        private readonly int IsThere(long i)
        {
            if (i >= X.Length) { return 0; }
            return (BitConverter.SingleToInt32Bits(X[i]) & int.MaxValue) != 0 ? 1 : 0;
        }
    }
}
