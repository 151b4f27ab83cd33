using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>The largest or smallest along an axis and its place, which the host reads; and values put back there.</summary>
internal static class ExtremesKernel
{
    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in Extremes.LocateExtreme k) =>
        {
            if (k.Where.Length == 0) { return; }
            using var arena = Arena.OfKernel();
            View where = new(d.Allocate(k.Where.Length), 0, k.Where.Length);
            var team = d.Teams(k.Where.Length, k.N, k.Inner > 1, out var how);
            d.Start(how, new Locate { Team = team, X = GpuDevice.Of(k.X), Values = GpuDevice.Of(k.Values), Where = GpuDevice.Of(where).Cast<int>(), N = k.N, Inner = k.Inner, Largest = k.Largest ? 1 : 0 });
            d.Read(where, MemoryMarshal.Cast<int, float>(k.Where.AsSpan()));
        });
        device.Register((GpuDevice d, in Extremes.PutBack k) =>
        {
            if (k.Dy.Length == 0) { return; }
            using var arena = Arena.OfKernel();
            d.Start(k.Dy.Length, new Put { Dy = GpuDevice.Of(k.Dy), Dx = GpuDevice.Of(k.Dx), Where = d.Upload<int>(k.Where), N = k.N, Inner = k.Inner });
        });
    }

    internal struct Locate : IGpuKernel
    {
        public Team Team;
        public Floats X, Values;
        public ArrayView<int> Where;
        public int N, Inner, Largest;

        public readonly void Run()
        {
            var keys = SharedMemory.Allocate<int>(Team.MaxThreads);
            var places = SharedMemory.Allocate<int>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int row = Team.Row(first), n = row < Team.Count ? N : 0, best = int.MinValue, place = int.MaxValue;
                long begin = SoftmaxKernel.Begin(row, N, Inner);
                for (int i = Team.Me; i < n; i += Team.Size)
                {
                    int key = Key(X[begin + ((long)i * Inner)]);
                    if (key > best || place == int.MaxValue)
                    {
                        best = key;
                        place = i;
                    }
                }
                place = Team.Largest(keys, places, best, place);
                if (n > 0 && Team.Me == 0)
                {
                    Where[row] = place;
                    Values[row] = X[begin + ((long)place * Inner)];
                }
            }
        }

        // whole numbers in the order of the floats; NaN comes first, and −0 is 0
        private readonly int Key(float x)
        {
            int bits = BitConverter.SingleToInt32Bits(x);
            if (bits == int.MinValue) { bits = 0; }
            int key = bits < 0 ? bits ^ int.MaxValue : bits;
            return float.IsNaN(x) ? int.MaxValue : Largest != 0 ? key : ~key;
        }
    }

    internal struct Put : IGpuKernel
    {
        public Floats Dy, Dx;
        public ArrayView<int> Where;
        public int N, Inner;

        public readonly void Run()
        {
            for (long i = Grid.GlobalLinearIndex; i < Dy.Length; i += (long)Grid.DimX * Group.DimX)
            {
                Dx[SoftmaxKernel.Begin((int)i, N, Inner) + ((long)Where[i] * Inner)] = Dy[i];
            }
        }
    }
}
