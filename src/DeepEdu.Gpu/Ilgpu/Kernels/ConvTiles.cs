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

    /// <summary>A value of x, 0 beyond its edges.</summary>
    public readonly float Input(Floats x, int image, int channel, int y, int column) =>
        (uint)y < (uint)H && (uint)column < (uint)W ? x[((((long)image * C) + channel) * H + y) * W + column] : 0f;
}

/// <summary>A number taken apart: of an image or channel, a line, and a place in it.</summary>
internal struct ConvPlace(int i, int lines, int width)
{
    public int Index = i, Outer = (int)((uint)i / (uint)(lines * width)), Y = (int)((uint)i / (uint)width % (uint)lines), X = (int)((uint)i % (uint)width);
}

/// <summary>A product C[m, n] = Σ A[m, k]·B[k, n] for every group of channels, whose factors are read where they lie: no patch is written to memory.</summary>
internal interface IConvProduct
{
    /// <summary>What stands behind a k.</summary>
    ConvPlace Along(int k);

    /// <summary>What stands behind a column.</summary>
    ConvPlace Column(int column);

    float A(int group, int row, ConvPlace k);

    float B(int group, ConvPlace k, ConvPlace column);

    void Put(int group, int piece, int row, ConvPlace column, float v);
}

/// <summary>A group makes a tile of 64 × 64 of the product. Long sums are cut into pieces.</summary>
internal struct ConvTiles<P> : IGpuKernel where P : struct, IConvProduct
{
    public P Product;

    /// <summary>Sizes of the product, and how it is cut along k.</summary>
    public int M, N, K, Pieces, Piece;

    public readonly void Run()
    {
        const int Depth = Tile64.Depth, Pitch = Tile64.Pitch, Side = Tile64.Side;
        var a4 = SharedMemory.Allocate<Float4>(Depth * Tile64.Stride);
        var b4 = SharedMemory.Allocate<Float4>(Depth * Tile64.Stride);
        // what stands behind each k, found once for all threads, two tiles ahead
        var places = SharedMemory.Allocate<ConvPlace>(4 * Depth);
        Floats sa = a4.Cast<float>(), sb = b4.Cast<float>();
        int me = Group.IdxX, row0 = Grid.IdxY * Side, column0 = Grid.IdxX * Side;
        int group = Grid.IdxZ / Pieces, piece = Grid.IdxZ % Pieces, start = piece * Piece, terms = IntrinsicMath.Min(K - start, Piece);
        Tile64.Place(out int ty, out int tx);
        // a thread carries four values of each factor
        int row = me / Depth, ka = me % Depth, column = me % Side, kb = me / Side;
        var place = Product.Column(column0 + column);
        bool inside = column0 + column < N;
        if (me < 2 * Depth) { places[me] = Product.Along(start + me); }
        Group.Barrier();
        Quad sum = default;
        Float4 a = GetA(places, group, row0 + row, ka, terms), b = GetB(places, group, kb, terms, place, inside);
        for (int k = 0; k < terms; k += Depth)
        {
            int to = (ka * Pitch) + row;
            sa[to] = a.X;
            sa[to + 16] = a.Y;
            sa[to + 32] = a.Z;
            sa[to + 48] = a.W;
            to = (kb * Pitch) + column;
            sb[to] = b.X;
            sb[to + (4 * Pitch)] = b.Y;
            sb[to + (8 * Pitch)] = b.Z;
            sb[to + (12 * Pitch)] = b.W;
            if (me < Depth) { places[(k + (2 * Depth) + me) & ((4 * Depth) - 1)] = Product.Along(start + k + (2 * Depth) + me); }
            Group.Barrier();
            if (k + Depth < terms)
            {
                a = GetA(places, group, row0 + row, k + Depth + ka, terms);
                b = GetB(places, group, k + Depth + kb, terms, place, inside);
            }
            Tile64.Add(a4, b4, ty, tx, ref sum);
            Group.Barrier();
        }
        Put(group, piece, row0 + (4 * ty), column0 + (4 * tx), sum.R0.X, sum.R1.X, sum.R2.X, sum.R3.X);
        Put(group, piece, row0 + (4 * ty), column0 + (4 * tx) + 1, sum.R0.Y, sum.R1.Y, sum.R2.Y, sum.R3.Y);
        Put(group, piece, row0 + (4 * ty), column0 + (4 * tx) + 2, sum.R0.Z, sum.R1.Z, sum.R2.Z, sum.R3.Z);
        Put(group, piece, row0 + (4 * ty), column0 + (4 * tx) + 3, sum.R0.W, sum.R1.W, sum.R2.W, sum.R3.W);
    }

    // four rows, 16 apart
    private readonly Float4 GetA(ArrayView<ConvPlace> places, int group, int row, int k, int terms)
    {
        Float4 v = default;
        if (k >= terms) { return v; }
        var along = places[k & ((4 * Tile64.Depth) - 1)];
        if (row < M) { v.X = Product.A(group, row, along); }
        if (row + 16 < M) { v.Y = Product.A(group, row + 16, along); }
        if (row + 32 < M) { v.Z = Product.A(group, row + 32, along); }
        if (row + 48 < M) { v.W = Product.A(group, row + 48, along); }
        return v;
    }

    // four places along k, 4 apart
    private readonly Float4 GetB(ArrayView<ConvPlace> places, int group, int k, int terms, ConvPlace column, bool inside)
    {
        Float4 v = default;
        if (!inside) { return v; }
        const int Mask = (4 * Tile64.Depth) - 1;
        if (k < terms) { v.X = Product.B(group, places[k & Mask], column); }
        if (k + 4 < terms) { v.Y = Product.B(group, places[(k + 4) & Mask], column); }
        if (k + 8 < terms) { v.Z = Product.B(group, places[(k + 8) & Mask], column); }
        if (k + 12 < terms) { v.W = Product.B(group, places[(k + 12) & Mask], column); }
        return v;
    }

    // four values of one column
    private readonly void Put(int group, int piece, int row, int column, float a, float b, float c, float d)
    {
        if (column >= N) { return; }
        var place = Product.Column(column);
        if (row < M) { Product.Put(group, piece, row, place, a); }
        if (row + 1 < M) { Product.Put(group, piece, row + 1, place, b); }
        if (row + 2 < M) { Product.Put(group, piece, row + 2, place, c); }
        if (row + 3 < M) { Product.Put(group, piece, row + 3, place, d); }
    }
}

/// <summary>The convolution: weight [out, c·kh·kw] times patches [c·kh·kw, image·oh·ow].</summary>
internal struct ConvForwardProduct : IConvProduct
{
    public ConvSizes S;
    public Floats X, Weight, Bias, To;
    public int HasBias, Relu;

    public readonly ConvPlace Along(int k) => new(k, S.KH, S.KW);

    public readonly ConvPlace Column(int column) => new(column, S.OH, S.OW);

    public readonly float A(int group, int row, ConvPlace k) => Weight[((long)((group * S.GroupOut) + row) * S.K) + k.Index];

    public readonly float B(int group, ConvPlace k, ConvPlace at) =>
        S.Input(X, at.Outer, (group * S.GroupC) + k.Outer, (at.Y * S.StrideH) - S.PadH + (k.Y * S.DilationH), (at.X * S.StrideW) - S.PadW + (k.X * S.DilationW));

    public readonly void Put(int group, int piece, int row, ConvPlace at, float v)
    {
        int o = (group * S.GroupOut) + row;
        if (HasBias != 0) { v += Bias[o]; }
        if (Relu != 0) { v = v < 0f ? 0f : v; }
        To[((((long)at.Outer * S.OutC) + o) * S.OH + at.Y) * S.OW + at.X] = v;
    }
}

/// <summary>dL/dx: weightᵀ [c, out·kh·kw] times the outputs that a tap led to [out·kh·kw, image·h·w].</summary>
internal struct ConvInputProduct : IConvProduct
{
    public ConvSizes S;
    public Floats Dy, Weight, To;

    public readonly ConvPlace Along(int k) => new(k, S.KH, S.KW);

    public readonly ConvPlace Column(int column) => new(column, S.H, S.W);

    public readonly float A(int group, int row, ConvPlace k) =>
        Weight[(((((long)group * S.GroupOut) + k.Outer) * S.GroupC + row) * S.KH + k.Y) * S.KW + k.X];

    public readonly float B(int group, ConvPlace k, ConvPlace at)
    {
        int y = at.Y + S.PadH - (k.Y * S.DilationH), x = at.X + S.PadW - (k.X * S.DilationW);
        if (y < 0 || x < 0) { return 0f; }
        if (S.StrideH != 1 || S.StrideW != 1)
        {
            int oy = (int)((uint)y / (uint)S.StrideH), ox = (int)((uint)x / (uint)S.StrideW);
            if (oy * S.StrideH != y || ox * S.StrideW != x) { return 0f; }
            y = oy;
            x = ox;
        }
        return y < S.OH && x < S.OW ? Dy[((((long)at.Outer * S.OutC) + (group * S.GroupOut) + k.Outer) * S.OH + y) * S.OW + x] : 0f;
    }

    public readonly void Put(int group, int piece, int row, ConvPlace at, float v) =>
        To[((((long)at.Outer * S.C) + (group * S.GroupC) + row) * S.H + at.Y) * S.W + at.X] = v;
}

/// <summary>dL/dweight: dy [out, image·oh·ow] times patchesᵀ [image·oh·ow, c·kh·kw], in pieces [pieces, out, c·kh·kw].</summary>
internal struct ConvWeightProduct : IConvProduct
{
    public ConvSizes S;
    public Floats X, Dy, To;

    public readonly ConvPlace Along(int k) => new(k, S.OH, S.OW);

    public readonly ConvPlace Column(int column) => new(column, S.KH, S.KW);

    public readonly float A(int group, int row, ConvPlace k) => Dy[((((long)k.Outer * S.OutC) + (group * S.GroupOut) + row) * S.OH + k.Y) * S.OW + k.X];

    public readonly float B(int group, ConvPlace k, ConvPlace at) =>
        S.Input(X, k.Outer, (group * S.GroupC) + at.Outer, (k.Y * S.StrideH) - S.PadH + (at.Y * S.DilationH), (k.X * S.StrideW) - S.PadW + (at.X * S.DilationW));

    public readonly void Put(int group, int piece, int row, ConvPlace at, float v) =>
        To[((((long)piece * S.OutC) + (group * S.GroupOut) + row) * S.K) + at.Index] = v;
}
