using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>A group makes a tile of 64 × 64 of the product. Long sums are cut into pieces.</summary>
internal struct ConvTiles<P> : IGpuKernel where P : struct, IConvProduct
{
    public P Product;

    /// <summary>Sizes of the product, and how it is cut along k.</summary>
    public int M, N, K, Pieces, Piece;

    public readonly void Run()
    {
        const int Depth = Tile64.Depth, Side = Tile64.Side, Half = Depth * Tile64.Stride, Places = (4 * Depth) - 1;
        var a4 = SharedMemory.Allocate<Float4>(Half + Tile64.DepthRoom);
        var b4 = SharedMemory.Allocate<Float4>(Half + Tile64.DepthRoom);
        // what stands behind each k, found once for all threads, two tiles ahead
        var places = SharedMemory.Allocate<ConvPlace>(4 * Depth);
        int me = Group.IdxX, row0 = Grid.IdxY * Side, column0 = Grid.IdxX * Side;
        int group = Grid.IdxZ / Pieces, piece = Grid.IdxZ % Pieces, start = piece * Piece, terms = IntrinsicMath.Min(K - start, Piece);
        Tile64.Place(out int ty, out int tx);
        // a thread carries four values of each factor: of A four rows, 16 apart; of B four places along k, 4 apart
        int row = me >> 4, ka = me & (Depth - 1), column = me & (Side - 1), kb = me >> 6, at = 0;
        // what stands behind a thread's column and row of A waits in shared memory, too: ILGPU would find it anew for each tile, division by division
        var own = SharedMemory.Allocate<ConvPlace>(Tile64.Threads);
        var found = Product.Column(group, column0 + column);
        found.OfA = Product.RowA(group, row0 + row);
        if (column0 + column >= N) { found.Y = -ConvPlace.Far; }
        own[me] = found;
        int rows = M - row0 - row;
        Floats sa = a4.Cast<float>().SubView((ka * Tile64.Pitch) + row), sb = b4.Cast<float>().SubView((kb * Tile64.Pitch) + column);
        if (me < 2 * Depth) { places[me] = ConvTaps.Along(Product, start, me, terms); }
        Group.Barrier();
        PutA(sa, GetA(places.SubView(ka), own[me], ka < terms ? rows : 0));
        PutB(sb, GetB(places.SubView(kb), own[me]));
        if (me < Depth) { places[(2 * Depth) + me] = ConvTaps.Along(Product, start, (2 * Depth) + me, terms); }
        Group.Barrier();
        Quad sum = default;
        for (int next = Depth; next < terms; next += Depth)
        {
            var place = own[me];
            var a = GetA(places.SubView((next + ka) & Places), place, next + ka < terms ? rows : 0);
            var b = GetB(places.SubView((next + kb) & Places), place);
            Tile64.Add(a4.SubView(at), b4.SubView(at), ty, tx, ref sum);
            at = Half - at;
            PutA(sa.SubView(4 * at), a);
            PutB(sb.SubView(4 * at), b);
            if (me < Depth) { places[(next + (2 * Depth) + me) & Places] = ConvTaps.Along(Product, start, next + (2 * Depth) + me, terms); }
            Group.Barrier();
        }
        Tile64.Add(a4.SubView(at), b4.SubView(at), ty, tx, ref sum);
        int first = row0 + (4 * ty), across = column0 + (4 * tx);
        Put(group, piece, first, across, sum.R0.X, sum.R1.X, sum.R2.X, sum.R3.X);
        Put(group, piece, first, across + 1, sum.R0.Y, sum.R1.Y, sum.R2.Y, sum.R3.Y);
        Put(group, piece, first, across + 2, sum.R0.Z, sum.R1.Z, sum.R2.Z, sum.R3.Z);
        Put(group, piece, first, across + 3, sum.R0.W, sum.R1.W, sum.R2.W, sum.R3.W);
    }

    private readonly Float4 GetA(ArrayView<ConvPlace> places, ConvPlace own, int rows)
    {
        Float4 v = default;
        int at = own.OfA + places[0].OfA, step = 16 * Product.StepA;
        var x = Product.FactorA;
        if (rows > 0) { v.X = x[at]; }
        if (rows > 16) { v.Y = x[at + step]; }
        if (rows > 32) { v.Z = x[at + (2 * step)]; }
        if (rows > 48) { v.W = x[at + (3 * step)]; }
        return v;
    }

    private readonly Float4 GetB(ArrayView<ConvPlace> places, ConvPlace own)
    {
        Float4 v = default;
        v.X = Product.B(places[0], own);
        v.Y = Product.B(places[4], own);
        v.Z = Product.B(places[8], own);
        v.W = Product.B(places[12], own);
        return v;
    }

    private static void PutA(Floats to, Float4 v) => (to[0], to[16], to[32], to[48]) = (v.X, v.Y, v.Z, v.W);

    private static void PutB(Floats to, Float4 v) => (to[0], to[4 * Tile64.Pitch], to[8 * Tile64.Pitch], to[12 * Tile64.Pitch]) = (v.X, v.Y, v.Z, v.W);

    // four values of one column
    private readonly void Put(int group, int piece, int row, int column, float a, float b, float c, float d)
    {
        if (column >= N) { return; }
        int step = Product.ToRow, to = Product.To(group, piece, column) + (row * step);
        if (row < M) { Put(to, a + Product.Plus(group, row)); }
        if (row + 1 < M) { Put(to + step, b + Product.Plus(group, row + 1)); }
        if (row + 2 < M) { Put(to + (2 * step), c + Product.Plus(group, row + 2)); }
        if (row + 3 < M) { Put(to + (3 * step), d + Product.Plus(group, row + 3)); }
    }

    private readonly void Put(int at, float v)
    {
        var y = Product.Result;
        y[at] = Product.Cuts != 0 && v < 0f ? 0f : v;
    }
}
