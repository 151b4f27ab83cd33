using DeepEdu.Ops;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Softmax and log-softmax along any axis, and their gradients: a team a row.</summary>
internal static class SoftmaxKernel
{
    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in SoftmaxOp.Forward k) =>
        {
            if (k.Y.Length == 0) { return; }
            var team = d.Teams(k.Outer * k.Inner, k.N, k.Inner > 1, out var how);
            d.Start(how, new Forward { Team = team, X = GpuDevice.Of(k.X), Y = GpuDevice.Of(k.Y), N = k.N, Inner = k.Inner, Log = k.Log ? 1 : 0 });
        });
        device.Register((GpuDevice d, in SoftmaxOp.Backward k) =>
        {
            if (k.Dx.Length == 0) { return; }
            var team = d.Teams(k.Outer * k.Inner, k.N, k.Inner > 1, out var how);
            d.Start(how, new Backward { Team = team, Dy = GpuDevice.Of(k.Dy), Y = GpuDevice.Of(k.Y), Dx = GpuDevice.Of(k.Dx), N = k.N, Inner = k.Inner, Log = k.Log ? 1 : 0 });
        });
    }

    /// <summary>Where row number <paramref name="row"/> of [outer, n, inner] begins; its values lie inner apart.</summary>
    internal static long Begin(int row, int n, int inner) => inner == 1 ? (long)row * n : ((long)((uint)row / (uint)inner) * n * inner) + ((uint)row % (uint)inner);

    internal struct Forward : IGpuKernel
    {
        public Team Team;
        public Floats X, Y;
        public int N, Inner, Log;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int row = Team.Row(first), n = row < Team.Count ? N : 0;
                long begin = Begin(row, N, Inner);
                float max = float.NegativeInfinity, sum = 0;
                for (int i = Team.Me; i < n; i += Team.Size) { max = GpuLane.Max(max, X[begin + ((long)i * Inner)]).V; }
                max = Team.Max(shared, max);
                for (int i = Team.Me; i < n; i += Team.Size)
                {
                    long at = begin + ((long)i * Inner);
                    float e = GpuLane.Exp(X[at] - max).V;
                    if (Log == 0) { Y[at] = e; }
                    sum += e;
                }
                sum = Team.Sum(shared, sum);
                float last = Log != 0 ? GpuLane.Log(sum).V : 1f / sum;
                for (int i = Team.Me; i < n; i += Team.Size)
                {
                    long at = begin + ((long)i * Inner);
                    Y[at] = Log != 0 ? X[at] - max - last : Y[at] * last;
                }
            }
        }
    }

    internal struct Backward : IGpuKernel
    {
        public Team Team;
        public Floats Dy, Y, Dx;
        public int N, Inner, Log;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int row = Team.Row(first), n = row < Team.Count ? N : 0;
                long begin = Begin(row, N, Inner);
                float sum = 0;
                for (int i = Team.Me; i < n; i += Team.Size)
                {
                    long at = begin + ((long)i * Inner);
                    sum += Log != 0 ? Dy[at] : Dy[at] * Y[at];
                }
                sum = Team.Sum(shared, sum);
                for (int i = Team.Me; i < n; i += Team.Size)
                {
                    long at = begin + ((long)i * Inner);
                    Dx[at] = Log != 0 ? Dy[at] - (GpuLane.Exp(Y[at]).V * sum) : Y[at] * (Dy[at] - sum);
                }
            }
        }
    }
}
