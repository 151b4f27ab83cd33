using DeepEdu.Devices;
using DeepEdu.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Copies along a walk: a thread a value, in the order of what is written; where reading lies across, tiles are turned in shared memory.</summary>
internal static class StridedCopyKernel
{
    /// <summary>Side of a tile, and how many of its rows are read at once.</summary>
    internal const int Tile = 32, Rows = 8;

    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in StridedCopy k) =>
    {
        Walk walk = k.Walk;
        int count = walk.Count, last = walk.Rank - 1;
        if (count == 0) { return; }
        var from = GpuDevice.Of(k.From);
        var to = GpuDevice.Of(k.To);
        if (walk.To[last] == 1 && walk.From[last] is not (0 or 1) && walk.Sizes[last] > 1 && StridedCopy.BringAcross(ref walk)) { Turn(d, from, to, walk, count); }
        else if (InFours(walk) && k.From.Offset % 4 == 0 && k.To.Offset % 4 == 0)
        {
            for (int i = 0; i < walk.Rank; i++) { (walk.From[i], walk.To[i]) = (walk.From[i] / 4, walk.To[i] / 4); }
            (walk.Sizes[last], walk.From[last], walk.To[last], walk.FromStart, walk.ToStart) = (walk.Sizes[last] / 4, 1, 1, walk.FromStart / 4, walk.ToStart / 4);
            d.Start(count / 4, new WalkedCopy<Float4> { From = Fours(from), To = Fours(to), FromStart = walk.FromStart, ToStart = walk.ToStart, Count = count / 4, Walk = Steps(walk) });
        }
        else { d.Start(count, new WalkedCopy<float> { From = from, To = to, FromStart = walk.FromStart, ToStart = walk.ToStart, Count = count, Walk = Steps(walk) }); }
    });

    /// <summary>to [n, m] ← from [m, n], transposed.</summary>
    internal static void Transpose(GpuDevice d, ArrayView<float> from, ArrayView<float> to, int m, int n)
    {
        Walk walk = default;
        walk.Rank = 2;
        (walk.Sizes[0], walk.From[0], walk.To[0]) = (n, 1, m);
        (walk.Sizes[1], walk.From[1], walk.To[1]) = (m, n, 1);
        if (m > 0 && n > 0) { Turn(d, from, to, walk, m * n); }
    }

    // runs of four floats on either side, beginning on 16 bytes
    private static bool InFours(in Walk w)
    {
        int last = w.Rank - 1;
        if (w.From[last] != 1 || w.To[last] != 1 || (w.Sizes[last] | w.FromStart | w.ToStart) % 4 != 0) { return false; }
        for (int i = 0; i < last; i++) { if ((w.From[i] | w.To[i]) % 4 != 0) { return false; } }
        return true;
    }

    private static ArrayView<Float4> Fours(ArrayView<float> v) => v.SubView(0, v.Length & -4).Cast<Float4>();

    private static GpuBroadcast Steps(in Walk w)
    {
        Broadcast how = default;
        how.Rank = w.Rank;
        (how.Sizes, how.A, how.B) = (w.Sizes, w.From, w.To);
        return new(how);
    }

    private static void Turn(GpuDevice d, ArrayView<float> from, ArrayView<float> to, in Walk walk, int count)
    {
        int last = walk.Rank - 1, k = walk.Sizes[last - 1], n = walk.Sizes[last];
        var outer = Steps(walk with { Rank = last - 1 });
        var kernel = new TurnedCopy
        {
            From = from, To = to, FromStart = walk.FromStart, ToStart = walk.ToStart, K = k, N = n, StepFrom = walk.From[last], StepTo = walk.To[last - 1],
            TilesK = (k + Tile - 1) / Tile, TilesN = (n + Tile - 1) / Tile, Outer = outer,
        };
        kernel.Tiles = count / (k * n) * kernel.TilesK * kernel.TilesN;
        d.Start(new KernelConfig(new Index3D(Math.Min(kernel.Tiles, 1 << 16), 1, 1), new Index3D(Tile, Rows, 1)), kernel);
    }

    internal struct WalkedCopy<T> : IGpuKernel where T : unmanaged
    {
        public ArrayView<T> From, To;
        public int FromStart, ToStart, Count;
        public GpuBroadcast Walk;

        public readonly void Run()
        {
            for (long i = Grid.GlobalLinearIndex; i < Count; i += (long)Grid.DimX * Group.DimX)
            {
                Walk.Locate((int)i, out int from, out int to, out _);
                To[ToStart + to] = From[FromStart + from];
            }
        }
    }

    // to[i·StepTo + j] = from[j·StepFrom + i] for i < K, j < N, in each matrix
    internal struct TurnedCopy : IGpuKernel
    {
        public ArrayView<float> From, To;
        public int FromStart, ToStart, K, N, StepFrom, StepTo, TilesK, TilesN, Tiles;
        public GpuBroadcast Outer;

        public readonly void Run()
        {
            // a column more, so that neither side meets one bank twice
            var tile = SharedMemory.Allocate<float>(Tile * (Tile + 1));
            for (int t = Grid.IdxX; t < Tiles; t += Grid.DimX)
            {
                uint rest = (uint)t / (uint)TilesN;
                int j = (int)((uint)t % (uint)TilesN) * Tile, i = (int)(rest % (uint)TilesK) * Tile;
                Outer.Locate((int)(rest / (uint)TilesK), out int from, out int to, out _);
                from += FromStart + i;
                to += ToStart + j;
                for (int r = Group.IdxY; r < Tile; r += Rows)
                {
                    if (i + Group.IdxX < K && j + r < N) { tile[(r * (Tile + 1)) + Group.IdxX] = From[from + ((j + r) * StepFrom) + Group.IdxX]; }
                }
                Group.Barrier();
                for (int r = Group.IdxY; r < Tile; r += Rows)
                {
                    if (i + r < K && j + Group.IdxX < N) { To[to + ((i + r) * StepTo) + Group.IdxX] = tile[(Group.IdxX * (Tile + 1)) + r]; }
                }
                Group.Barrier();
            }
        }
    }
}
