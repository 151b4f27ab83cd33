using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Matrix products: a group makes a tile of C from tiles of A and B in shared memory; a thread keeps 4 × 4 products in registers.</summary>
internal static class MatMulKernel
{
    /// <summary>Sides of a tile of C, and threads along each.</summary>
    internal const int Tile = 64, Threads = 16;

    private const int Depth = 16, Each = Tile / Threads;

    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in MatMul k) => Run(d, k));

    private static void Run(GpuDevice d, in MatMul k)
    {
        if (k.C.Length == 0) { return; }
        if (k.K == 0) { d.Fill(k.C, 0); return; }
        Launch(d, GpuDevice.Of(k.A), GpuDevice.Of(k.B), GpuDevice.Of(k.C), GpuDevice.Of(k.C), new() { M = k.M, K = k.K, N = k.N, TransA = k.TransA ? 1 : 0, TransB = k.TransB ? 1 : 0, Batch = new(k.Batch) }, k.C.Length / (k.M * k.N));
    }

    internal static void Launch(GpuDevice d, Floats a, Floats b, Floats bias, Floats c, Plan plan, int count)
    {
        var run = d.Compiled<float, Action<KernelConfig, Floats, Floats, Floats, Floats, Plan>>(typeof(MatMul), at => at.LoadStreamKernel<Floats, Floats, Floats, Floats, Plan>(Body));
        // the grid's z axis ends at 65535
        for (plan.First = 0; plan.First < count; plan.First += 65535)
        {
            run(new(new Index3D((plan.N + Tile - 1) / Tile, (plan.M + Tile - 1) / Tile, Math.Min(65535, count - plan.First)), new Index3D(Threads, Threads, 1)), a, b, bias, c, plan);
        }
    }

    private static void Body(Floats a, Floats b, Floats bias, Floats c, Plan p)
    {
        var sa = SharedMemory.Allocate<float>(Depth * Tile);
        var sb = SharedMemory.Allocate<float>(Depth * Tile);
        int product = p.First + Grid.IdxZ;
        p.Batch.Locate(product, out int whichA, out int whichB, out _);
        long atA = (long)whichA * p.M * p.K, atB = (long)whichB * p.K * p.N, atC = (long)product * p.M * p.N;
        int row0 = Grid.IdxY * Tile, column0 = Grid.IdxX * Tile, tx = Group.IdxX, ty = Group.IdxY, me = (ty * Threads) + tx;
        Row r0 = default, r1 = default, r2 = default, r3 = default;
        for (int k0 = 0; k0 < p.K; k0 += Depth)
        {
            for (int i = me; i < Depth * Tile; i += Threads * Threads)
            {
                // neighbours in a group read neighbours in memory, whichever way the factor lies
                int ka = p.TransA != 0 ? i / Tile : i % Depth, ra = p.TransA != 0 ? i % Tile : i / Depth;
                int kb = p.TransB != 0 ? i % Depth : i / Tile, cb = p.TransB != 0 ? i / Depth : i % Tile;
                int row = row0 + ra, column = column0 + cb, da = k0 + ka, db = k0 + kb;
                sa[(ka * Tile) + ra] = row < p.M && da < p.K ? a[atA + (p.TransA != 0 ? ((long)da * p.M) + row : ((long)row * p.K) + da)] : 0f;
                sb[(kb * Tile) + cb] = column < p.N && db < p.K ? b[atB + (p.TransB != 0 ? ((long)column * p.K) + db : ((long)db * p.N) + column)] : 0f;
            }
            Group.Barrier();
            for (int k = 0; k < Depth; k++)
            {
                int x = (k * Tile) + tx, y = (k * Tile) + ty;
                float b0 = sb[x], b1 = sb[x + Threads], b2 = sb[x + (2 * Threads)], b3 = sb[x + (3 * Threads)];
                r0.Add(sa[y], b0, b1, b2, b3);
                r1.Add(sa[y + Threads], b0, b1, b2, b3);
                r2.Add(sa[y + (2 * Threads)], b0, b1, b2, b3);
                r3.Add(sa[y + (3 * Threads)], b0, b1, b2, b3);
            }
            Group.Barrier();
        }
        r0.Store(c, bias, atC, row0 + ty, column0 + tx, p);
        r1.Store(c, bias, atC, row0 + ty + Threads, column0 + tx, p);
        r2.Store(c, bias, atC, row0 + ty + (2 * Threads), column0 + tx, p);
        r3.Store(c, bias, atC, row0 + ty + (3 * Threads), column0 + tx, p);
    }

    /// <summary>Sizes, and what happens to a product before it is stored.</summary>
    internal struct Plan
    {
        public int M, K, N, TransA, TransB, First, HasBias, Relu;
        public GpuBroadcast Batch;
    }

    // four values of one row, 16 columns apart
    private struct Row
    {
        private float _0, _1, _2, _3;

        public void Add(float a, float b0, float b1, float b2, float b3)
        {
            _0 += a * b0;
            _1 += a * b1;
            _2 += a * b2;
            _3 += a * b3;
        }

        public readonly void Store(Floats c, Floats bias, long at, int row, int column, Plan p)
        {
            if (row >= p.M) { return; }
            long to = at + ((long)row * p.N);
            Put(c, bias, to, column, _0, p);
            Put(c, bias, to, column + Threads, _1, p);
            Put(c, bias, to, column + (2 * Threads), _2, p);
            Put(c, bias, to, column + (3 * Threads), _3, p);
        }

        private static void Put(Floats c, Floats bias, long row, int column, float v, Plan p)
        {
            if (column >= p.N) { return; }
            if (p.HasBias != 0) { v += bias[column]; }
            if (p.Relu != 0) { v = v < 0f ? 0f : v; }
            c[row + column] = v;
        }
    }
}
