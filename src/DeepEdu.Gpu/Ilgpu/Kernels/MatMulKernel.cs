using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;
using Fours = ILGPU.ArrayView<DeepEdu.Gpu.Float4>;
using View = DeepEdu.Devices.View;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Matrix products. A group of 256 threads makes a square tile of C; tiles of A and B pass through shared memory, the next while the last is multiplied.
/// A thread keeps 8 × 8 products in registers (tile 128), or 4 × 4 where C is too small to keep the accelerator busy (tile 64). Where even those are too few, long sums over k are cut into
/// pieces, which are added up in their order: each value depends on the sizes and the number of multiprocessors alone.</summary>
internal static class MatMulKernel
{
    /// <summary>Threads of a group.</summary>
    internal const int Threads = 256;

    // sides of a tile of C; how far along k a tile of A or B reaches: 1024 values of each at a time, four a thread
    private const int Wide = 128, WideDepth = 8, Small = 64, SmallDepth = 16;

    // terms of a piece of a sum, at least, and what their number is a multiple of
    private const int PieceTerms = 256, Deepest = 32;

    // between rows in shared memory, so that columns written together fall into different banks
    private const int Pad = 4;

    public static void Register(GpuDevice device) => device.Register((GpuDevice d, in MatMul k) => Run(d, k));

    private static void Run(GpuDevice d, in MatMul k)
    {
        if (k.C.Length == 0) { return; }
        if (k.K == 0) { d.Fill(k.C, 0); return; }
        Launch(d, GpuDevice.Of(k.A), GpuDevice.Of(k.B), GpuDevice.Of(k.C), GpuDevice.Of(k.C), new() { M = k.M, K = k.K, N = k.N, TransA = k.TransA ? 1 : 0, TransB = k.TransB ? 1 : 0, Batch = new(k.Batch) }, k.C.Length / (k.M * k.N));
    }

    internal static void Launch(GpuDevice d, Floats a, Floats b, Floats bias, Floats c, Plan plan, int count)
    {
        long wide = (long)Tiles(plan.M, Wide) * Tiles(plan.N, Wide) * count, small = (long)Tiles(plan.M, Small) * Tiles(plan.N, Small) * count;
        int processors = d.Accelerator.NumMultiprocessors, narrow = Math.Min(plan.M, plan.N);
        var tile = narrow >= TensorProduct.Narrowest && d.UsesTensorCores ? d.MatMulPrecision == MatMulPrecision.High ? ProductTile.Tf32 : ProductTile.BFloat16
            : narrow > Small && wide * Pieces(wide, plan.K, processors) >= processors ? ProductTile.Wide : ProductTile.Small;
        Launch(d, a, b, bias, c, plan, count, tile, Pieces(tile == ProductTile.Small ? small : wide, plan.K, processors));
    }

    /// <summary>How many pieces the sums are cut into: two groups for each multiprocessor, unless pieces become too short for their sums to be worth writing.</summary>
    internal static int Pieces(long tiles, int k, int processors) => tiles >= processors ? 1 : (int)Math.Clamp(2L * processors / tiles, 1, Math.Max(1, k / PieceTerms));

    /// <summary>The same with a tile and a number of pieces of one's choice.</summary>
    internal static void Launch(GpuDevice d, Floats a, Floats b, Floats bias, Floats c, Plan plan, int count, ProductTile tile, int pieces = 1)
    {
        int side = tile == ProductTile.Small ? Small : Wide;
        plan.Columns = Tiles(plan.N, side);
        plan.Tiles = plan.Columns * Tiles(plan.M, side);
        // 16 bytes at a time where each row of each factor begins on 16 bytes
        plan.FoursA = Index(a) % 4 == 0 && (plan.TransA != 0 ? plan.M : plan.K) % 4 == 0 ? 1 : 0;
        plan.FoursB = Index(b) % 4 == 0 && (plan.TransB != 0 ? plan.K : plan.N) % 4 == 0 ? 1 : 0;
        plan.FoursC = Index(c) % 4 == 0 && plan.N % 4 == 0 ? 1 : 0;
        plan.Piece = Math.Max(1, Tiles(Tiles(plan.K, pieces), Deepest)) * Deepest;
        plan.Pieces = pieces = Math.Max(1, Tiles(plan.K, plan.Piece));
        if (pieces == 1) { Start(d, a, b, bias, c, plan, count, tile); return; }
        using var arena = Arena.OfKernel();
        int length = checked(count * plan.M * plan.N);
        var parts = GpuDevice.Of(new View(d.Allocate(checked(pieces * length)), 0, pieces * length));
        Start(d, a, b, parts, parts, plan with { HasBias = 0, Relu = 0, FoursC = plan.N % 4 == 0 ? 1 : 0 }, count * pieces, tile);
        d.Start(length, new JoinPieces { Parts = parts, Bias = bias, To = c, Length = length, Pieces = pieces, N = plan.N, Inner = 1, HasBias = plan.HasBias, Relu = plan.Relu });
    }

    private static void Start(GpuDevice d, Floats a, Floats b, Floats bias, Floats c, Plan plan, int products, ProductTile tile)
    {
        plan.To = c.LoadEffectiveAddressAsPtr();
        KernelConfig how = new(checked(plan.Tiles * products), Threads);
        switch (tile)
        {
            case ProductTile.Wide: d.Start(how, new ProductKernel<WideTile> { A = a, B = b, Bias = bias, C = c, Plan = plan }); break;
            case ProductTile.Small: d.Start(how, new ProductKernel<SmallTile> { A = a, B = b, Bias = bias, C = c, Plan = plan }); break;
            case ProductTile.Tf32: TensorProduct.Start<Tf32>(d, how, a, b, bias, c, plan); break;
            default: TensorProduct.Start<BFloat16Pair>(d, how, a, b, bias, c, plan); break;
        }
    }

    private static long Index<V>(V view) where V : struct, IContiguousArrayView => view.Index;

    private static int Tiles(int n, int side) => (n + side - 1) / side;

    // a line more than the two tiles: a view may not begin further behind its end
    internal static void WideBody(Floats a, Floats b, Floats bias, Floats c, Plan p) =>
        Body<Part8>(SharedMemory.Allocate<Float4>(((2 * WideDepth * (Wide + Pad)) + Wide) / 4), SharedMemory.Allocate<Float4>(((2 * WideDepth * (Wide + Pad)) + Wide) / 4), Wide, WideDepth, a, b, bias, c, p);

    internal static void SmallBody(Floats a, Floats b, Floats bias, Floats c, Plan p) =>
        Body<Part4>(SharedMemory.Allocate<Float4>(((2 * SmallDepth * (Small + Pad)) + Small) / 4), SharedMemory.Allocate<Float4>(((2 * SmallDepth * (Small + Pad)) + Small) / 4), Small, SmallDepth, a, b, bias, c, p);

    private static void Body<P>(Fours sa, Fours sb, uint side, uint depth, Floats a, Floats b, Floats bias, Floats c, Plan p) where P : unmanaged, IPart
    {
        uint me = (uint)Group.IdxX;
        TilePlace place = new(p, side);
        int row0 = place.Row, column0 = place.Column, end = place.End;
        Carried fa = new(me, side, depth, row0, place.A(p, a, p.TransA)), fb = new(me, side, depth, column0, place.B(p, b, 1 - p.TransB));
        // a warp covers 4 × 8 threads of the 16 × 16, so that it reads few different values
        int ty = (int)(((me >> 6) << 2) + ((me >> 3) & 3)), tx = (int)(((me >> 2) & 8) + (me & 7));
        int stride = (int)(side + Pad) >> 2, size = stride * (int)depth, half = (int)side >> 3, at = 0;
        fa.Put(sa, 0, fa.Get(place.From));
        fb.Put(sb, 0, fb.Get(place.From));
        Group.Barrier();
        P part = default;
        for (int next = place.From + (int)depth; next < end; next += (int)depth)
        {
            Float4 nextA = fa.Get(next), nextB = fb.Get(next);
            Multiply(ref part, sa.SubView(at + ty), sb.SubView(at + tx), (int)depth, stride, half);
            at = size - at;
            fa.Put(sa, at, nextA);
            fb.Put(sb, at, nextB);
            Group.Barrier();
        }
        Multiply(ref part, sa.SubView(at + ty), sb.SubView(at + tx), (int)depth, stride, half);
        part.Store(new(c, bias, place.To, p), row0 + (ty * 4), column0 + (tx * 4), (int)side >> 1);
    }

    // two steps at a time: their distances are constants, which are part of a load; of more steps the assembler would load everything first, which registers do not hold
    private static void Multiply<P>(ref P part, Fours y, Fours x, int depth, int stride, int half) where P : unmanaged, IPart
    {
        for (int k = 0; k < depth; k += 2)
        {
            part.Add(y, x, 0, half);
            part.Add(y, x, stride, half);
            y = y.SubView(2 * stride);
            x = x.SubView(2 * stride);
        }
    }

    /// <summary>Sizes, and what happens to a product before it is stored.</summary>
    internal struct Plan
    {
        public int M, K, N, TransA, TransB, HasBias, Relu;
        public GpuBroadcast Batch;
        public int Tiles, Columns, FoursA, FoursB, FoursC;

        /// <summary>Where C begins in the accelerator's memory: for instructions that are written out.</summary>
        public long To;

        /// <summary>Terms of a sum that are added up at a time: a multiple of what is in shared memory, so that pieces begin on 16 bytes.</summary>
        public int Piece;

        /// <summary>How many such pieces there are.</summary>
        public int Pieces;
    }

    /// <summary>What a thread carries of a factor: four values that lie side by side in memory, from the factor to shared memory [k][line].</summary>
    private readonly struct Carried
    {
        private readonly FactorPlace _from;
        private readonly int _to, _stride;

        /// <param name="me">The thread.</param>
        /// <param name="side">Lines of a tile.</param>
        /// <param name="depth">Its values along k.</param>
        /// <param name="first">The tile's first line.</param>
        /// <param name="factor">The factor.</param>
        public Carried(uint me, uint side, uint depth, int first, Factor factor)
        {
            uint across = factor.Along != 0 ? side >> 2 : depth >> 2, slow = me / across, fast = (me & (across - 1)) << 2;
            int line = (int)(factor.Along != 0 ? fast : slow), k = (int)(factor.Along != 0 ? slow : fast);
            _stride = (int)side + Pad;
            (_from, _to) = (new(factor, first + line, k), (k * _stride) + line);
        }

        public Float4 Get(int k0) => _from.Get(k0);

        public void Put(Fours shared, int at, Float4 v)
        {
            if (_from.Along != 0) { shared[at + (_to >> 2)] = v; return; }
            var s = shared.Cast<float>().SubView((at * 4) + _to);
            s[0] = v.X;
            s[_stride] = v.Y;
            s[2 * _stride] = v.Z;
            s[3 * _stride] = v.W;
        }
    }
}
