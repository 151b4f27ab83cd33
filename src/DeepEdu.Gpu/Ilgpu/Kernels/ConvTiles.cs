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

/// <summary>A group of 16 × 16 threads makes a tile of 64 × 64 of the product; a thread keeps 4 × 4 values in registers. Long sums are cut into pieces.</summary>
internal struct ConvTiles<P> : IGpuKernel where P : struct, IConvProduct
{
    /// <summary>Sides of a tile, and threads along each.</summary>
    public const int Tile = 64, Threads = 16;

    private const int Depth = 16, Pitch = Tile + 1;

    public P Product;

    /// <summary>Sizes of the product, and how it is cut along k.</summary>
    public int M, N, K, Pieces, Piece;

    public readonly void Run()
    {
        var sa = SharedMemory.Allocate<float>(Depth * Pitch);
        var sb = SharedMemory.Allocate<float>(Depth * Tile);
        int tx = Group.IdxX, ty = Group.IdxY, me = (ty * Threads) + tx, row0 = Grid.IdxY * Tile, column0 = Grid.IdxX * Tile;
        int group = Grid.IdxZ / Pieces, piece = Grid.IdxZ % Pieces, to = IntrinsicMath.Min(K, (piece + 1) * Piece);
        int column = column0 + (me % Tile);
        var place = Product.Column(column);
        ConvRow r0 = default, r1 = default, r2 = default, r3 = default;
        for (int k0 = piece * Piece; k0 < to; k0 += Depth)
        {
            int da = k0 + (me % Depth);
            var along = Product.Along(da);
            for (int row = me / Depth; row < Tile; row += Threads * Threads / Depth)
            {
                sa[(me % Depth * Pitch) + row] = row0 + row < M && da < to ? Product.A(group, row0 + row, along) : 0f;
            }
            for (int k = me / Tile; k < Depth; k += Threads * Threads / Tile)
            {
                sb[(k * Tile) + (me % Tile)] = column < N && k0 + k < to ? Product.B(group, Product.Along(k0 + k), place) : 0f;
            }
            Group.Barrier();
            for (int k = 0; k < Depth; k++)
            {
                int x = (k * Tile) + tx, y = (k * Pitch) + ty;
                float b0 = sb[x], b1 = sb[x + Threads], b2 = sb[x + (2 * Threads)], b3 = sb[x + (3 * Threads)];
                r0.Add(sa[y], b0, b1, b2, b3);
                r1.Add(sa[y + Threads], b0, b1, b2, b3);
                r2.Add(sa[y + (2 * Threads)], b0, b1, b2, b3);
                r3.Add(sa[y + (3 * Threads)], b0, b1, b2, b3);
            }
            Group.Barrier();
        }
        Put(group, piece, row0 + ty, column0 + tx, r0.V0, r1.V0, r2.V0, r3.V0);
        Put(group, piece, row0 + ty, column0 + tx + Threads, r0.V1, r1.V1, r2.V1, r3.V1);
        Put(group, piece, row0 + ty, column0 + tx + (2 * Threads), r0.V2, r1.V2, r2.V2, r3.V2);
        Put(group, piece, row0 + ty, column0 + tx + (3 * Threads), r0.V3, r1.V3, r2.V3, r3.V3);
    }

    // four values of one column, 16 rows apart
    private readonly void Put(int group, int piece, int row, int column, float a, float b, float c, float d)
    {
        if (column >= N) { return; }
        var place = Product.Column(column);
        if (row < M) { Product.Put(group, piece, row, place, a); }
        if (row + Threads < M) { Product.Put(group, piece, row + Threads, place, b); }
        if (row + (2 * Threads) < M) { Product.Put(group, piece, row + (2 * Threads), place, c); }
        if (row + (3 * Threads) < M) { Product.Put(group, piece, row + (3 * Threads), place, d); }
    }
}

/// <summary>Four products of one row, 16 columns apart.</summary>
internal struct ConvRow
{
    public float V0, V1, V2, V3;

    public void Add(float a, float b0, float b1, float b2, float b3)
    {
        V0 += a * b0;
        V1 += a * b1;
        V2 += a * b2;
        V3 += a * b3;
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
        if (y < 0 || x < 0 || y % S.StrideH != 0 || x % S.StrideW != 0) { return 0f; }
        (y, x) = (y / S.StrideH, x / S.StrideW);
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
