using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Running sums: along a row a team goes from stretch to stretch and adds up in double precision; of columns side by side each has a thread.</summary>
internal static class CumulativeKernel
{
    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in Cumulative.RunningSum k) =>
    {
        if (k.X.Length == 0) { return; }
        Floats x = GpuDevice.Of(k.X), y = GpuDevice.Of(k.Y);
        if (k.Inner > 1)
        {
            d.Start((long)k.Outer * k.Inner, new Columns { X = x, Y = y, Count = k.Outer * k.Inner, N = k.N, Inner = k.Inner, Reverse = k.Reverse ? 1 : 0 });
            return;
        }
        var team = d.Teams(k.Outer, k.N, false, out var how);
        d.Start(how, new Rows { Team = team, X = x, Y = y, N = k.N, Reverse = k.Reverse ? 1 : 0 });
    });

    internal struct Columns : IGpuKernel
    {
        public Floats X, Y;
        public int Count, N, Inner, Reverse;

        public readonly void Run()
        {
            for (long column = Grid.GlobalLinearIndex; column < Count; column += (long)Grid.DimX * Group.DimX)
            {
                long at = SoftmaxKernel.Begin((int)column, N, Inner), step = Inner;
                if (Reverse != 0)
                {
                    at += (long)(N - 1) * Inner;
                    step = -step;
                }
                float sum = 0;
                for (int i = 0; i < N; i++, at += step)
                {
                    sum += X[at];
                    Y[at] = sum;
                }
            }
        }
    }

    internal struct Rows : IGpuKernel
    {
        public Team Team;
        public Floats X, Y;
        public int N, Reverse;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<double>(Team.MaxThreads);
            int me = Team.Me, size = Team.Size, at = Group.IdxX;
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int row = Team.Row(first), n = row < Team.Count ? N : 0;
                double before = 0;
                for (int from = 0; from < N; from += size)
                {
                    int i = from + me;
                    long place = ((long)row * N) + (Reverse != 0 ? N - 1 - i : i);
                    shared[at] = i < n ? X[place] : 0.0;
                    Group.Barrier();
                    // each adds what stands 1, 2, 4, .. before it: Hillis, Steele 1986
                    for (int back = 1; back < size; back <<= 1)
                    {
                        double sum = me >= back ? shared[at] + shared[at - back] : shared[at];
                        Group.Barrier();
                        shared[at] = sum;
                        Group.Barrier();
                    }
                    if (i < n) { Y[place] = (float)(before + shared[at]); }
                    before += shared[at - me + size - 1];
                    Group.Barrier();
                }
            }
        }
    }
}
