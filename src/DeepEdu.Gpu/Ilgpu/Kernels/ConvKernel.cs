using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;
using View = DeepEdu.Devices.View;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Convolutions: products whose factors are read where they lie, with bias and ReLU while the result is in registers; by tensor cores if the device's precision says so.</summary>
internal static class ConvKernel
{
    // terms of a sum over images and pixels that are added up in one piece, at least; and how many tiles keep a large accelerator busy
    private const int PieceTerms = 128, Plenty = 512;

    // terms of the other sums in one piece, at least: the pieces are added up by a launch of its own
    private const int ShareTerms = 64;

    // channels of a group that leave a tile nearly empty
    private const int Few = 8;

    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in Conv.Conv2dKernel k) => Forward(d, k));
        device.Register((GpuDevice d, in Conv.Conv2dGradientKernel k) => Backward(d, k));
    }

    private static void Forward(GpuDevice d, in Conv.Conv2dKernel k)
    {
        if (k.Y.Length == 0) { return; }
        var s = k.Shape;
        using var arena = new Arena();
        bool pools = k.End == ConvEnd.ReluPool;
        var y = pools ? GpuDevice.Of(Rent(d, s.N * s.OutSize)) : GpuDevice.Of(k.Y);
        ConvSizes sizes = new(s);
        Floats x = GpuDevice.Of(k.X, y), weight = GpuDevice.Of(k.Weight), bias = GpuDevice.Of(k.Bias, y);
        int hasBias = k.Bias.IsNone ? 0 : 1, relu = k.End == ConvEnd.Relu ? 1 : 0;
        if (s.GroupOut < Few) { d.Start(y.Length, new ConvDirect { S = sizes, X = x, Weight = weight, Bias = bias, To = y, HasBias = hasBias, Relu = relu }); }
        else
        {
            ConvForwardProduct product = new() { S = sizes, X = x, Weight = weight, Bias = bias, Y = y, HasBias = hasBias, Relu = relu, Between = (int)y.Length };
            int columns = s.N * s.OH * s.OW, pieces = Pieces(d, s.GroupOut, columns, s.K, s.Groups, out int piece);
            if (pieces > 1) { (product.Y, product.HasBias, product.Relu) = (GpuDevice.Of(Rent(d, pieces * (int)y.Length)), 0, 0); }
            Start(d, product, s.GroupOut, columns, s.K, s.Groups, pieces, piece);
            if (pieces > 1) { d.Start(y.Length, new JoinPieces { Parts = product.Y, Bias = bias, To = y, Length = (int)y.Length, Pieces = pieces, N = s.OutC, Inner = s.OH * s.OW, HasBias = hasBias, Relu = relu }); }
        }
        if (!pools) { return; }
        d.Start(k.Y.Length, new ReluPool { From = y, To = GpuDevice.Of(k.Y), At = k.At.IsNone ? y.Cast<byte>() : GpuDevice.Of(k.At).Cast<byte>(), HasAt = k.At.IsNone ? 0 : 1, H = s.OH, W = s.OW });
    }

    private static void Backward(GpuDevice d, in Conv.Conv2dGradientKernel k)
    {
        var s = k.Shape;
        using var arena = new Arena();
        var view = k.DY;
        if (k.End != ConvEnd.None && view.Length > 0)
        {
            // before the pooling and the ReLU
            view = Rent(d, s.N * s.OutSize);
            if (k.End == ConvEnd.Relu) { d.Start(view.Length, new ReluBack { Y = GpuDevice.Of(k.Y), Dy = GpuDevice.Of(k.DY), To = GpuDevice.Of(view) }); }
            else { d.Start(view.Length, new ReluPoolBack { Dy = GpuDevice.Of(k.DY), At = GpuDevice.Of(k.At).Cast<byte>(), To = GpuDevice.Of(view), H = s.OH, W = s.OW }); }
        }
        var dy = GpuDevice.Of(view);
        ConvSizes sizes = new(s);
        if (!k.DX.IsNone && k.DX.Length > 0)
        {
            var (weight, dx) = (GpuDevice.Of(k.Weight), GpuDevice.Of(k.DX));
            if (s.StrideH == 1 && s.StrideW == 1) { Input(d, s, new ConvInputProduct<NoStrides> { S = sizes, Dy = dy, Weight = weight, Dx = dx }); }
            else { Input(d, s, new ConvInputProduct<SomeStrides> { S = sizes, Dy = dy, Weight = weight, Dx = dx }); }
        }
        if (!k.DWeight.IsNone && k.DWeight.Length > 0) { Weight(d, s, sizes, GpuDevice.Of(k.X, dy), dy, k.DWeight); }
        if (!k.DBias.IsNone && k.DBias.Length > 0)
        {
            var sums = Rent(d, s.N * s.OutC);
            d.Fold(default(Reductions.SumFold), view, s.N * s.OutC, s.OH * s.OW, 1, sums);
            d.Fold(default(Reductions.SumFold), sums, 1, s.N, s.OutC, k.DBias);
        }
    }

    private static void Input<T>(GpuDevice d, in ConvShape s, ConvInputProduct<T> product) where T : struct, IConvStrides
    {
        int terms = s.GroupOut * s.KH * s.KW;
        if (s.GroupC < Few) { d.Start(product.Dx.Length, new ConvDirectInput<T> { Product = product }); }
        else
        {
            var dx = product.Dx;
            int columns = s.N * s.H * s.W, pieces = Pieces(d, s.GroupC, columns, terms, s.Groups, out int piece);
            if (pieces > 1) { (product.Dx, product.Between) = (GpuDevice.Of(Rent(d, pieces * (int)dx.Length)), (int)dx.Length); }
            Start(d, product, s.GroupC, columns, terms, s.Groups, pieces, piece);
            if (pieces > 1) { d.Start(dx.Length, new JoinPieces { Parts = product.Dx, Bias = dx, To = dx, Length = (int)dx.Length, Pieces = pieces, N = 1, Inner = 1 }); }
        }
    }

    // where tiles are fewer than multiprocessors, sums are cut so that there are two groups for each: the same bits on one device, not on two
    private static int Pieces(GpuDevice d, int m, int n, int terms, int groups, out int piece)
    {
        int columns = UsesTensorCores(d, m, n) ? 2 * Tile64.Side : Tile64.Side, tiles = Tiles(m) * ((n + columns - 1) / columns) * groups, all = d.Accelerator.NumMultiprocessors;
        int pieces = tiles >= all ? 1 : Math.Clamp(2 * all / Math.Max(1, tiles), 1, Math.Max(1, terms / ShareTerms));
        piece = pieces == 1 ? terms : (terms + (pieces * Tile64.Depth) - 1) / (pieces * Tile64.Depth) * Tile64.Depth;
        return pieces == 1 ? 1 : (terms + piece - 1) / piece;
    }

    // in pieces of the sum where tiles alone are too few; how many depends on sizes only
    private static void Weight(GpuDevice d, in ConvShape s, in ConvSizes sizes, Floats x, Floats dy, View to)
    {
        ConvWeightProduct product = new() { S = sizes, X = x, Dy = dy, DWeight = GpuDevice.Of(to) };
        if (s.GroupOut < Few)
        {
            d.Start(new KernelConfig(Math.Min(to.Length, 65535), ConvDirectWeight.Threads), new ConvDirectWeight { Product = product });
            return;
        }
        int terms = s.N * s.OH * s.OW, tiles = Tiles(s.GroupOut) * Tiles(s.K) * s.Groups, pieces = Math.Max(1, Math.Min((terms + PieceTerms - 1) / PieceTerms, Plenty / tiles));
        int piece = Math.Max(1, (terms + (pieces * Tile64.Depth) - 1) / (pieces * Tile64.Depth)) * Tile64.Depth;
        pieces = Math.Max(1, (terms + piece - 1) / piece);
        var parts = pieces == 1 ? to : Rent(d, pieces * to.Length);
        Start(d, product with { DWeight = GpuDevice.Of(parts) }, s.GroupOut, s.K, terms, s.Groups, pieces, piece);
        if (pieces > 1) { d.Fold(default(Reductions.SumFold), parts, 1, pieces, to.Length, to); }
    }

    private static void Start<P>(GpuDevice d, P product, int m, int n, int k, int groups, int pieces, int piece) where P : struct, IConvProduct
    {
        if (!UsesTensorCores(d, m, n))
        {
            d.Start(new KernelConfig(new Index3D(Tiles(n), Tiles(m), groups * pieces), new Index3D(Tile64.Threads, 1, 1)),
                new ConvTiles<P> { Product = product, M = m, N = n, K = k, Pieces = pieces, Piece = Math.Max(1, piece) });
        }
        else if (d.Accelerator.AcceleratorType == AcceleratorType.CPU) { StartTensor<P, SharedProducts<Tf32>>(d, product, m, n, k, groups, pieces, piece); }
        else { StartTensor<P, TensorCoreProducts<Tf32>>(d, product, m, n, k, groups, pieces, piece); }
    }

    private static void StartTensor<P, W>(GpuDevice d, P product, int m, int n, int k, int groups, int pieces, int piece) where P : struct, IConvProduct where W : struct, IWarpProducts =>
        d.Start(new KernelConfig(new Index3D((n + ConvTensorTiles<P, W>.Columns - 1) / ConvTensorTiles<P, W>.Columns, Tiles(m), groups * pieces), new Index3D(ConvTensorTiles<P, W>.Threads, 1, 1)),
            new ConvTensorTiles<P, W>
            {
                Product = product, M = m, N = n, K = k, Pieces = pieces, Piece = Math.Max(1, piece), Below = ConvTensorTiles<P, W>.Rows / 2 * product.StepA, To = product.Result.LoadEffectiveAddressAsPtr(),
                Fours = product.FoursA && Index(product.FactorA) % 4 == 0 && (pieces == 1 || piece % 4 == 0) ? 1 : 0,
            });

    // both sides of the product fill at least a part of a tile
    private static bool UsesTensorCores(GpuDevice d, int m, int n) => d.UsesTensorCores && Math.Min(m, n) >= TensorProduct.Narrowest;

    private static long Index<V>(V view) where V : struct, IContiguousArrayView => view.Index;

    private static int Tiles(int n) => (n + Tile64.Side - 1) / Tile64.Side;

    private static View Rent(GpuDevice d, int length) => new(d.Allocate(Math.Max(1, length)), 0, length);
}

/// <summary>max(0, the largest of 2 × 2), and which it was; see <see cref="ConvPool"/>.</summary>
internal struct ReluPool : IGpuKernel
{
    public Floats From, To;
    public ArrayView<byte> At;
    public int H, W, HasAt;

    public readonly void Run()
    {
        int h = H / 2, w = W / 2;
        for (long i = Grid.GlobalLinearIndex; i < To.Length; i += (long)Grid.DimX * Group.DimX)
        {
            int x = (int)((uint)i % (uint)w), y = (int)((uint)i / (uint)w % (uint)h);
            long from = ((long)((uint)i / (uint)(w * h)) * H + (2 * y)) * W + (2 * x);
            float max = From[from];
            int which = 0;
            Next(From[from + 1], 1, ref max, ref which);
            Next(From[from + W], 2, ref max, ref which);
            Next(From[from + W + 1], 3, ref max, ref which);
            bool dead = max <= 0f;
            To[i] = dead ? 0f : max;
            if (HasAt != 0) { At[i] = (byte)(dead ? ConvPool.Dead : which); }
        }
    }

    // the first of equals wins, and so does NaN
    private static void Next(float v, int number, ref float max, ref int which)
    {
        if (float.IsNaN(max) || max >= v) { return; }
        max = v;
        which = number;
    }
}

/// <summary>The way back of <see cref="ReluPool"/>: a thread for each value that was pooled, or left over at the edge.</summary>
internal struct ReluPoolBack : IGpuKernel
{
    public Floats Dy, To;
    public ArrayView<byte> At;
    public int H, W;

    public readonly void Run()
    {
        int h = H / 2, w = W / 2;
        for (long i = Grid.GlobalLinearIndex; i < To.Length; i += (long)Grid.DimX * Group.DimX)
        {
            int x = (int)((uint)i % (uint)W), y = (int)((uint)i / (uint)W % (uint)H);
            float v = 0f;
            if (x < 2 * w && y < 2 * h)
            {
                long from = ((long)((uint)i / (uint)(W * H)) * h + (y >> 1)) * w + (x >> 1);
                if (At[from] == ((y & 1) * 2) + (x & 1)) { v = Dy[from]; }
            }
            To[i] = v;
        }
    }
}

/// <summary>dy where the ReLU let something through.</summary>
internal struct ReluBack : IGpuKernel
{
    public Floats Y, Dy, To;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < To.Length; i += (long)Grid.DimX * Group.DimX) { To[i] = Y[i] > 0f ? Dy[i] : 0f; }
    }
}
