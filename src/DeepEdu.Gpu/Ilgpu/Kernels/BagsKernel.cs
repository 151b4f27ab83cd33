using DeepEdu.Autograd;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Bags of embeddings: a thread for each column of a bag, which takes the bag's rows in their order; of sums 128 at a time, and so many of those, so that rounding hardly grows with their number, as on the processor.</summary>
internal static class BagsKernel
{
    // threads that share a column of the maximum's gradient: each minds every so-manieth row of the table
    private const int Owners = 32;

    // rows, and sums of so many, that are added one after the other
    private const int Together = 128;

    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in Bags.BagKernel k) =>
        {
            if (k.Y.Length == 0) { return; }
            using var arena = Arena.OfKernel();
            var y = GpuDevice.Of(k.Y);
            d.Start(k.Y.Length, new Gather
            {
                X = k.X.Length == 0 ? y : GpuDevice.Of(k.X), Y = y, At = (k.At.IsNone ? y : GpuDevice.Of(k.At)).Cast<int>(), Index = d.Upload(k.Index.Span), Starts = d.Upload<int>(k.Starts), Dim = k.Dim, Skip = k.Skip,
                Max = k.Mode == BagMode.Max ? 1 : 0, Mean = k.Mode == BagMode.Mean ? 1 : 0, HasAt = k.At.IsNone ? 0 : 1,
            });
        });
        device.Register((GpuDevice d, in Bags.BagSpreadKernel k) =>
        {
            if (k.Rows.Length == 0) { return; }
            using var arena = Arena.OfKernel();
            d.Start(k.Dy.Length, new Spread { Dy = GpuDevice.Of(k.Dy), Rows = GpuDevice.Of(k.Rows), Index = d.Upload(k.Index.Span), Starts = d.Upload<int>(k.Starts), Dim = k.Dim, Mean = k.Mean ? 1 : 0, Skip = k.Skip });
        });
        device.Register((GpuDevice d, in Bags.BagMaxPullKernel k) =>
        {
            if (k.Dy.Length > 0 && k.Dx.Length > 0) { d.Start((long)k.Dim * Owners, new MaxPull { Dy = GpuDevice.Of(k.Dy), Dx = GpuDevice.Of(k.Dx), At = GpuDevice.Of(k.At).Cast<int>(), Bags = k.Bags, Dim = k.Dim }); }
        });
        device.Register((GpuDevice d, in Bags.ShortenKernel k) =>
        {
            // a row is shortened once, however often it is named: then it has the length
            var rows = RowGradient.Distinct(k.Index.Span, new int[k.Index.Size], -1);
            if (rows.Size == 0 || k.Dim == 0) { return; }
            using var arena = Arena.OfKernel();
            var team = d.Teams(rows.Size, k.Dim, false, out var how);
            d.Start(how, new Shorten { Team = team, Table = GpuDevice.Of(k.Table), Rows = d.Upload(rows.Span), Dim = k.Dim, Limit = k.Limit, P = k.P });
        });
    }

    internal struct Gather : IGpuKernel
    {
        public Floats X, Y;
        public ArrayView<int> At, Index, Starts;
        public int Dim, Skip, Max, Mean, HasAt;

        public readonly void Run()
        {
            for (long to = Grid.GlobalLinearIndex; to < Y.Length; to += (long)Grid.DimX * Group.DimX)
            {
                uint bag = (uint)to / (uint)Dim, column = (uint)to % (uint)Dim;
                int count = 0, from = -1, start = Starts[(int)bag], end = Starts[(int)bag + 1];
                float y = 0, parts = 0, sum = 0;
                for (int i = start; i < end; i++)
                {
                    if (Max == 0 && ((i - start) & (Together - 1)) == 0)
                    {
                        parts += y;
                        y = 0;
                        if (((i - start) & ((Together * Together) - 1)) == 0)
                        {
                            sum += parts;
                            parts = 0;
                        }
                    }
                    int row = Index[i];
                    if (row == Skip) { continue; }
                    float x = X[((long)row * Dim) + column];
                    if (Max == 0) { y += x; }
                    else if (count == 0 || x > y || (float.IsNaN(x) && !float.IsNaN(y)))
                    {
                        y = x;
                        from = row;
                    }
                    count++;
                }
                if (Max == 0) { y = sum + (parts + y); }
                Y[to] = Mean != 0 && count > 1 ? y * (1f / count) : y;
                if (HasAt != 0) { At[to] = from; }
            }
        }
    }

    internal struct Spread : IGpuKernel
    {
        public Floats Dy, Rows;
        public ArrayView<int> Index, Starts;
        public int Dim, Mean, Skip;

        public readonly void Run()
        {
            for (long at = Grid.GlobalLinearIndex; at < Dy.Length; at += (long)Grid.DimX * Group.DimX)
            {
                uint bag = (uint)at / (uint)Dim, column = (uint)at % (uint)Dim;
                int start = Starts[(int)bag], end = Starts[(int)bag + 1], count = 0;
                for (int i = start; i < end; i++) { if (Skip < 0 || Index[i] != Skip) { count++; } }
                float dy = Mean != 0 && count > 1 ? Dy[at] * (1f / count) : Dy[at];
                for (int i = start; i < end; i++) { Rows[((long)i * Dim) + column] = dy; }
            }
        }
    }

    internal struct MaxPull : IGpuKernel
    {
        public Floats Dy, Dx;
        public ArrayView<int> At;
        public int Bags, Dim;

        public readonly void Run()
        {
            for (long i = Grid.GlobalLinearIndex; i < (long)Dim * Owners; i += (long)Grid.DimX * Group.DimX)
            {
                uint owner = (uint)i / (uint)Dim, column = (uint)i - (owner * (uint)Dim);
                for (long b = 0; b < Bags; b++)
                {
                    int row = At[(b * Dim) + column];
                    if (row >= 0 && (row & (Owners - 1)) == owner) { Dx[((long)row * Dim) + column] += Dy[(b * Dim) + column]; }
                }
            }
        }
    }

    internal struct Shorten : IGpuKernel
    {
        public Team Team;
        public Floats Table;
        public ArrayView<int> Rows;
        public int Dim;
        public float Limit, P;

        public readonly void Run()
        {
            var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
            for (long first = Team.First; first < Team.Count; first += Team.Step)
            {
                int which = Team.Row(first), n = which < Team.Count ? Dim : 0;
                long begin = n > 0 ? (long)Rows[which] * Dim : 0;
                float norm = 0;
                bool largest = float.IsPositiveInfinity(P);
                for (int i = Team.Me; i < n; i += Team.Size)
                {
                    float v = GpuLane.Abs(Table[begin + i]).V;
                    if (largest) { norm = GpuLane.Max(norm, v).V; }
                    else { norm += P == 1f ? v : P == 2f ? v * v : v > 0f ? GpuLane.Exp(P * GpuLane.Log(v).V).V : 0f; }
                }
                norm = largest ? Team.Max(shared, norm) : Team.Sum(shared, norm);
                if (P == 2f) { norm = MathF.Sqrt(norm); }
                else if (!largest && P != 1f) { norm = norm > 0f ? GpuLane.Exp(GpuLane.Log(norm).V / P).V : 0f; }
                if (norm > Limit)
                {
                    float factor = Limit / (norm + 1e-7f);
                    for (int i = Team.Me; i < n; i += Team.Size) { Table[begin + i] *= factor; }
                }
            }
        }
    }
}
