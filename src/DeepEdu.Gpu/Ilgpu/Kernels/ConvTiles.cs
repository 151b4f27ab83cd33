using DeepEdu.Kernels;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>The sizes of a convolution, divided already; see <see cref="ConvShape"/>.</summary>
internal struct ConvSizes(in ConvShape s)
{
    public int Images = s.N, C = s.C, H = s.H, W = s.W, OutC = s.OutC, KH = s.KH, KW = s.KW, StrideH = s.StrideH, StrideW = s.StrideW, PadH = s.PadH, PadW = s.PadW,
        DilationH = s.DilationH, DilationW = s.DilationW, OH = s.OH, OW = s.OW, GroupC = s.GroupC, GroupOut = s.GroupOut;

    /// <summary>Products of one output.</summary>
    public readonly int K => GroupC * KH * KW;

    /// <summary>Where the first plane of a group's channels begins in x, and in y.</summary>
    public readonly int PlaneIn(int image, int group) => ((image * C) + (group * GroupC)) * H * W;

    /// <inheritdoc cref="PlaneIn"/>
    public readonly int PlaneOut(int image, int group) => ((image * OutC) + (group * GroupOut)) * OH * OW;
}

/// <summary>A number taken apart: of an image or channel, a line, and a place in it.</summary>
internal struct ConvSplit(int i, int lines, int width)
{
    public int Outer = (int)((uint)i / (uint)(lines * width)), Y = (int)((uint)i / (uint)width % (uint)lines), X = (int)((uint)i % (uint)width);
}

/// <summary>What a k or a column adds to the place of a value of B, in planes (<see cref="At"/>), lines and columns, and what a k adds to the place of a value of A. Places fit into 32 bits, as a tensor's do.</summary>
internal struct ConvPlace
{
    public int At, Y, X, OfA;
}

/// <summary>A product C[m, n] = Σ A[m, k]·B[k, n] for every group of channels, whose factors are read where they lie: no patch is written to memory.</summary>
internal interface IConvProduct
{
    /// <summary>What stands behind a k.</summary>
    ConvPlace Along(int k);

    /// <summary>What stands behind a column.</summary>
    ConvPlace Column(int group, int column);

    /// <summary>A's values, where those of a row begin, and from one row to the next.</summary>
    Floats FactorA { get; }

    /// <inheritdoc cref="FactorA"/>
    int RowA(int group, int row);

    /// <inheritdoc cref="FactorA"/>
    int StepA { get; }

    float B(ConvPlace k, ConvPlace column);

    /// <summary>Where the value of row 0 goes, and from one row to the next.</summary>
    int To(int group, int piece, int column);

    /// <inheritdoc cref="To"/>
    int ToRow { get; }

    void Put(int group, int row, int at, float v);
}

/// <summary>A group makes a tile of 64 × 64 of the product. Long sums are cut into pieces.</summary>
internal struct ConvTiles<P> : IGpuKernel where P : struct, IConvProduct
{
    public P Product;

    /// <summary>Sizes of the product, and how it is cut along k.</summary>
    public int M, N, K, Pieces, Piece;

    public readonly void Run()
    {
        const int Depth = Tile64.Depth, Pitch = Tile64.Pitch, Side = Tile64.Side, Places = (4 * Depth) - 1;
        var a4 = SharedMemory.Allocate<Float4>(Tile64.DepthRoom);
        var b4 = SharedMemory.Allocate<Float4>(Tile64.DepthRoom);
        // what stands behind each k, found once for all threads, two tiles ahead
        var places = SharedMemory.Allocate<ConvPlace>(4 * Depth);
        int me = Group.IdxX, row0 = Grid.IdxY * Side, column0 = Grid.IdxX * Side;
        int group = Grid.IdxZ / Pieces, piece = Grid.IdxZ % Pieces, start = piece * Piece, terms = IntrinsicMath.Min(K - start, Piece);
        Tile64.Place(out int ty, out int tx);
        // a thread carries four values of each factor: of A four rows, 16 apart; of B four places along k, 4 apart
        int row = me >> 4, ka = me & (Depth - 1), column = me & (Side - 1), kb = me >> 6;
        // what stands behind a thread's column and row of A waits in shared memory, too: ILGPU would find it anew for each tile, division by division
        var own = SharedMemory.Allocate<ConvPlace>(Tile64.Threads);
        var found = Product.Column(group, column0 + column);
        found.OfA = Product.RowA(group, row0 + row);
        own[me] = found;
        int rows = M - row0 - row, step = 16 * Product.StepA;
        int columns = column0 + column < N ? terms : 0; // beyond the last column nothing is read
        Floats sa = a4.Cast<float>().SubView((ka * Pitch) + row), sb = b4.Cast<float>().SubView((kb * Pitch) + column);
        if (me < 2 * Depth) { places[me] = Product.Along(start + me); }
        Group.Barrier();
        Quad sum = default;
        Float4 a = default, b = default;
        for (int k = -Depth; k < terms; k += Depth)
        {
            int next = k + Depth;
            if (next < terms)
            {
                a = default;
                b = default;
                int ofA = next + ka, ofB = next + kb;
                var place = own[me];
                if (ofA < terms)
                {
                    int at = place.OfA + places[ofA & Places].OfA;
                    var x = Product.FactorA;
                    if (rows > 0) { a.X = x[at]; }
                    if (rows > 16) { a.Y = x[at + step]; }
                    if (rows > 32) { a.Z = x[at + (2 * step)]; }
                    if (rows > 48) { a.W = x[at + (3 * step)]; }
                }
                if (ofB < columns) { b.X = Product.B(places[ofB & Places], place); }
                if (ofB + 4 < columns) { b.Y = Product.B(places[(ofB + 4) & Places], place); }
                if (ofB + 8 < columns) { b.Z = Product.B(places[(ofB + 8) & Places], place); }
                if (ofB + 12 < columns) { b.W = Product.B(places[(ofB + 12) & Places], place); }
            }
            if (k >= 0)
            {
                Tile64.Add(a4, b4, ty, tx, ref sum);
                Group.Barrier();
            }
            if (next < terms)
            {
                sa[0] = a.X;
                sa[16] = a.Y;
                sa[32] = a.Z;
                sa[48] = a.W;
                sb[0] = b.X;
                sb[4 * Pitch] = b.Y;
                sb[8 * Pitch] = b.Z;
                sb[12 * Pitch] = b.W;
                if (me < Depth) { places[(next + (2 * Depth) + me) & Places] = Product.Along(start + next + (2 * Depth) + me); }
                Group.Barrier();
            }
        }
        int first = row0 + (4 * ty), across = column0 + (4 * tx);
        Put(group, piece, first, across, sum.R0.X, sum.R1.X, sum.R2.X, sum.R3.X);
        Put(group, piece, first, across + 1, sum.R0.Y, sum.R1.Y, sum.R2.Y, sum.R3.Y);
        Put(group, piece, first, across + 2, sum.R0.Z, sum.R1.Z, sum.R2.Z, sum.R3.Z);
        Put(group, piece, first, across + 3, sum.R0.W, sum.R1.W, sum.R2.W, sum.R3.W);
    }

    // four values of one column
    private readonly void Put(int group, int piece, int row, int column, float a, float b, float c, float d)
    {
        if (column >= N) { return; }
        int step = Product.ToRow, to = Product.To(group, piece, column) + (row * step);
        if (row < M) { Product.Put(group, row, to, a); }
        if (row + 1 < M) { Product.Put(group, row + 1, to + step, b); }
        if (row + 2 < M) { Product.Put(group, row + 2, to + (2 * step), c); }
        if (row + 3 < M) { Product.Put(group, row + 3, to + (3 * step), d); }
    }
}

/// <summary>The convolution: weight [out, c·kh·kw] times patches [c·kh·kw, image·oh·ow].</summary>
internal struct ConvForwardProduct : IConvProduct
{
    public ConvSizes S;
    public Floats X, Weight, Bias, Y;
    public int HasBias, Relu;

    public readonly Floats FactorA => Weight;

    public readonly int ToRow => S.OH * S.OW;

    public readonly ConvPlace Along(int k) => ConvTaps.Of(S, k, k);

    public readonly ConvPlace Column(int group, int column)
    {
        ConvSplit s = new(column, S.OH, S.OW);
        ConvPlace p = default;
        (p.At, p.Y, p.X) = (S.PlaneIn(s.Outer, group), (s.Y * S.StrideH) - S.PadH, (s.X * S.StrideW) - S.PadW);
        return p;
    }

    public readonly int RowA(int group, int row) => ((group * S.GroupOut) + row) * S.K;

    public readonly int StepA => S.K;

    public readonly float B(ConvPlace k, ConvPlace at) => ConvTaps.Read(X, k, at, S.H, S.W);

    public readonly int To(int group, int piece, int column)
    {
        ConvSplit s = new(column, S.OH, S.OW);
        return S.PlaneOut(s.Outer, group) + (s.Y * S.OW) + s.X;
    }

    public readonly void Put(int group, int row, int at, float v)
    {
        if (HasBias != 0) { v += Bias[(group * S.GroupOut) + row]; }
        if (Relu != 0) { v = v < 0f ? 0f : v; }
        Y[at] = v;
    }
}

/// <summary>dL/dx: weightᵀ [c, out·kh·kw] times the outputs that a tap led to [out·kh·kw, image·h·w].</summary>
internal struct ConvInputProduct : IConvProduct
{
    public ConvSizes S;
    public Floats Dy, Weight, Dx;

    public readonly Floats FactorA => Weight;

    public readonly int ToRow => S.H * S.W;

    public readonly ConvPlace Along(int k)
    {
        ConvSplit s = new(k, S.KH, S.KW);
        ConvPlace p = default;
        int taps = S.KH * S.KW;
        (p.At, p.Y, p.X, p.OfA) = (s.Outer * S.OH * S.OW, -s.Y * S.DilationH, -s.X * S.DilationW, (s.Outer * S.GroupC * taps) + (s.Y * S.KW) + s.X);
        return p;
    }

    public readonly ConvPlace Column(int group, int column)
    {
        ConvSplit s = new(column, S.H, S.W);
        ConvPlace p = default;
        (p.At, p.Y, p.X) = (S.PlaneOut(s.Outer, group), s.Y + S.PadH, s.X + S.PadW);
        return p;
    }

    public readonly int RowA(int group, int row) => ((group * S.GroupOut * S.GroupC) + row) * S.KH * S.KW;

    public readonly int StepA => S.KH * S.KW;

    public readonly float B(ConvPlace k, ConvPlace at)
    {
        if (S.StrideH == 1 && S.StrideW == 1) { return ConvTaps.Read(Dy, k, at, S.OH, S.OW); }
        int y = at.Y + k.Y, x = at.X + k.X;
        if (y < 0 || x < 0) { return 0f; }
        int oy = (int)((uint)y / (uint)S.StrideH), ox = (int)((uint)x / (uint)S.StrideW);
        return oy * S.StrideH == y && ox * S.StrideW == x && oy < S.OH && ox < S.OW ? Dy[at.At + k.At + (oy * S.OW) + ox] : 0f;
    }

    public readonly int To(int group, int piece, int column)
    {
        ConvSplit s = new(column, S.H, S.W);
        return S.PlaneIn(s.Outer, group) + (s.Y * S.W) + s.X;
    }

    public readonly void Put(int group, int row, int at, float v) => Dx[at] = v;
}

/// <summary>dL/dweight: dy [out, image·oh·ow] times patchesᵀ [image·oh·ow, c·kh·kw], in pieces [pieces, out, c·kh·kw].</summary>
internal struct ConvWeightProduct : IConvProduct
{
    public ConvSizes S;
    public Floats X, Dy, DWeight;

    public readonly Floats FactorA => Dy;

    public readonly int ToRow => S.K;

    public readonly ConvPlace Along(int k)
    {
        ConvSplit s = new(k, S.OH, S.OW);
        ConvPlace p = default;
        (p.At, p.Y, p.X, p.OfA) = (S.PlaneIn(s.Outer, 0), s.Y * S.StrideH, s.X * S.StrideW, S.PlaneOut(s.Outer, 0) + (s.Y * S.OW) + s.X);
        return p;
    }

    public readonly ConvPlace Column(int group, int column)
    {
        var p = ConvTaps.Of(S, column, 0);
        p.At += S.PlaneIn(0, group);
        p.Y -= S.PadH;
        p.X -= S.PadW;
        return p;
    }

    public readonly int RowA(int group, int row) => S.PlaneOut(0, group) + (row * S.OH * S.OW);

    public readonly int StepA => S.OH * S.OW;

    public readonly float B(ConvPlace k, ConvPlace at) => ConvTaps.Read(X, k, at, S.H, S.W);

    public readonly int To(int group, int piece, int column) => (((piece * S.OutC) + (group * S.GroupOut)) * S.K) + column;

    public readonly void Put(int group, int row, int at, float v) => DWeight[at] = v;
}

/// <summary>What the products share.</summary>
internal static class ConvTaps
{
    /// <summary>A tap of a channel of x.</summary>
    public static ConvPlace Of(ConvSizes s, int tap, int ofA)
    {
        ConvSplit t = new(tap, s.KH, s.KW);
        ConvPlace p = default;
        (p.At, p.Y, p.X, p.OfA) = (t.Outer * s.H * s.W, t.Y * s.DilationH, t.X * s.DilationW, ofA);
        return p;
    }

    /// <summary>A value of planes, 0 beyond their edges.</summary>
    public static float Read(Floats x, ConvPlace k, ConvPlace at, int h, int w)
    {
        int y = at.Y + k.Y, column = at.X + k.X;
        return (uint)y < (uint)h && (uint)column < (uint)w ? x[at.At + k.At + (y * w) + column] : 0f;
    }
}
