using DeepEdu.Kernels;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>The sizes of a convolution, divided already; see <see cref="ConvShape"/>.</summary>
internal struct ConvSizes(in ConvShape s)
{
    public int Images = s.N, C = s.C, H = s.H, W = s.W, OutC = s.OutC, KH = s.KH, KW = s.KW, StrideH = s.StrideH, StrideW = s.StrideW, PadH = s.PadH, PadW = s.PadW,
        DilationH = s.DilationH, DilationW = s.DilationW, OH = s.OH, OW = s.OW, GroupC = s.GroupC, GroupOut = s.GroupOut;

    /// <summary>Places of x, of y, and taps, taken apart.</summary>
    public ConvSplitter In = new(s.H, s.W), Out = new(s.OH, s.OW), Taps = new(s.KH, s.KW);

    /// <summary>Products of one output.</summary>
    public readonly int K => GroupC * KH * KW;

    /// <summary>Where the first plane of a group's channels begins in x, and in y.</summary>
    public readonly int PlaneIn(int image, int group) => ((image * C) + (group * GroupC)) * H * W;

    /// <inheritdoc cref="PlaneIn"/>
    public readonly int PlaneOut(int image, int group) => ((image * OutC) + (group * GroupOut)) * OH * OW;
}

/// <summary>Takes numbers apart: of an image or channel, a line, and a place in it.</summary>
internal readonly struct ConvSplitter(int lines, int width)
{
    private readonly Divisor _lines = new(Math.Max(1, lines)), _width = new(Math.Max(1, width));

    public ConvSplit Of(int i)
    {
        uint line = _width.Divide((uint)i), outer = _lines.Divide(line);
        ConvSplit s = default;
        (s.Outer, s.Y, s.X) = ((int)outer, (int)(line - (outer * _lines.Value)), (int)((uint)i - (line * _width.Value)));
        return s;
    }
}

/// <summary>What <see cref="ConvSplitter"/> finds.</summary>
internal struct ConvSplit
{
    public int Outer, Y, X;
}

/// <summary>What a k or a column adds to the place of a value of B (<see cref="At"/>: with its line and column, unless a stride divides those), to its line and to its column, and what a k adds to the place
/// of a value of A. Places fit into 32 bits, as a tensor's do.</summary>
internal struct ConvPlace
{
    /// <summary>A line so far away that no other brings it back: nothing is read there.</summary>
    public const int Far = 1 << 28;

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

    /// <summary>Whether four of A's values along k, from a multiple of four on, are always neighbours in memory that begin on a multiple of four.</summary>
    bool FoursA { get; }

    /// <inheritdoc cref="FactorA"/>
    int RowA(int group, int row);

    /// <inheritdoc cref="FactorA"/>
    int StepA { get; }

    float B(ConvPlace k, ConvPlace column);

    /// <summary>Whether neighbours along k, not neighbouring columns, are neighbours in B's memory.</summary>
    static abstract bool RunsAlong { get; }

    /// <summary>Where the value of row 0 goes, and from one row to the next.</summary>
    int To(int group, int piece, int column);

    /// <inheritdoc cref="To"/>
    int ToRow { get; }

    /// <summary>What is added to a row, and whether it is cut at 0.</summary>
    float Plus(int group, int row);

    /// <inheritdoc cref="Plus"/>
    int Cuts { get; }

    /// <summary>C's values.</summary>
    Floats Result { get; }
}

/// <summary>The convolution: weight [out, c·kh·kw] times patches [c·kh·kw, image·oh·ow].</summary>
internal struct ConvForwardProduct : IConvProduct
{
    public ConvSizes S;
    public Floats X, Weight, Bias, Y;
    public int HasBias, Relu;

    /// <summary>From a piece's values to the next's.</summary>
    public int Between;

    public static bool RunsAlong => false;

    public readonly Floats FactorA => Weight;

    public readonly bool FoursA => S.K % 4 == 0;

    public readonly int ToRow => S.OH * S.OW;

    public readonly ConvPlace Along(int k) => ConvTaps.Of(S, k, k);

    public readonly ConvPlace Column(int group, int column)
    {
        var s = S.Out.Of(column);
        return ConvTaps.Place(S.PlaneIn(s.Outer, group), (s.Y * S.StrideH) - S.PadH, (s.X * S.StrideW) - S.PadW, S.W);
    }

    public readonly int RowA(int group, int row) => ((group * S.GroupOut) + row) * S.K;

    public readonly int StepA => S.K;

    public readonly float B(ConvPlace k, ConvPlace at) => ConvTaps.Read(X, k, at, S.H, S.W);

    public readonly int To(int group, int piece, int column)
    {
        var s = S.Out.Of(column);
        return (piece * Between) + S.PlaneOut(s.Outer, group) + (s.Y * S.OW) + s.X;
    }

    public readonly float Plus(int group, int row) => HasBias != 0 ? Bias[(group * S.GroupOut) + row] : 0f;

    public readonly int Cuts => Relu;

    public readonly Floats Result => Y;
}

/// <summary>Whether lines and columns are divided by strides.</summary>
internal interface IConvStrides
{
    /// <inheritdoc cref="IConvStrides"/>
    static abstract bool Divide { get; }
}

/// <summary>Strides of 1.</summary>
internal readonly struct NoStrides : IConvStrides
{
    public static bool Divide => false;
}

/// <summary>Others.</summary>
internal readonly struct SomeStrides : IConvStrides
{
    public static bool Divide => true;
}

/// <summary>dL/dx: weightᵀ [c, out·kh·kw] times the outputs that a tap led to [out·kh·kw, image·h·w].</summary>
internal struct ConvInputProduct<T> : IConvProduct where T : struct, IConvStrides
{
    public ConvSizes S;
    public Floats Dy, Weight, Dx;

    /// <inheritdoc cref="ConvForwardProduct.Between"/>
    public int Between;

    public static bool RunsAlong => false;

    public readonly Floats FactorA => Weight;

    public readonly bool FoursA => false;

    public readonly int ToRow => S.H * S.W;

    public readonly ConvPlace Along(int k)
    {
        var s = S.Taps.Of(k);
        int taps = S.KH * S.KW;
        var p = Place(s.Outer * S.OH * S.OW, -s.Y * S.DilationH, -s.X * S.DilationW);
        p.OfA = (s.Outer * S.GroupC * taps) + (s.Y * S.KW) + s.X;
        return p;
    }

    public readonly ConvPlace Column(int group, int column)
    {
        var s = S.In.Of(column);
        return Place(S.PlaneOut(s.Outer, group), s.Y + S.PadH, s.X + S.PadW);
    }

    public readonly int RowA(int group, int row) => ((group * S.GroupOut * S.GroupC) + row) * S.KH * S.KW;

    public readonly int StepA => S.KH * S.KW;

    public readonly float B(ConvPlace k, ConvPlace at)
    {
        if (!T.Divide) { return ConvTaps.Read(Dy, k, at, S.OH, S.OW); }
        int y = at.Y + k.Y, x = at.X + k.X;
        if (y < 0 || x < 0) { return 0f; }
        int oy = (int)((uint)y / (uint)S.StrideH), ox = (int)((uint)x / (uint)S.StrideW);
        return oy * S.StrideH == y && ox * S.StrideW == x && oy < S.OH && ox < S.OW ? Dy[at.At + k.At + (oy * S.OW) + ox] : 0f;
    }

    public readonly int To(int group, int piece, int column)
    {
        var s = S.In.Of(column);
        return (piece * Between) + S.PlaneIn(s.Outer, group) + (s.Y * S.W) + s.X;
    }

    public readonly float Plus(int group, int row) => 0f;

    public readonly int Cuts => 0;

    public readonly Floats Result => Dx;

    /// <summary>A line and a column of planes of y, apart where a stride divides them.</summary>
    public readonly ConvPlace Place(int plane, int y, int x) => ConvTaps.Place(plane, y, x, T.Divide ? 0 : S.OW);
}

/// <summary>dL/dweight: dy [out, image·oh·ow] times patchesᵀ [image·oh·ow, c·kh·kw], in pieces [pieces, out, c·kh·kw].</summary>
internal struct ConvWeightProduct : IConvProduct
{
    public ConvSizes S;
    public Floats X, Dy, DWeight;

    public static bool RunsAlong => true;

    public readonly Floats FactorA => Dy;

    public readonly bool FoursA => S.OH * S.OW % 4 == 0;

    public readonly int ToRow => S.K;

    public readonly ConvPlace Along(int k)
    {
        var s = S.Out.Of(k);
        var p = ConvTaps.Place(S.PlaneIn(s.Outer, 0), s.Y * S.StrideH, s.X * S.StrideW, S.W);
        p.OfA = S.PlaneOut(s.Outer, 0) + (s.Y * S.OW) + s.X;
        return p;
    }

    public readonly ConvPlace Column(int group, int column)
    {
        var s = S.Taps.Of(column);
        return ConvTaps.Place(S.PlaneIn(0, group) + (s.Outer * S.H * S.W), (s.Y * S.DilationH) - S.PadH, (s.X * S.DilationW) - S.PadW, S.W);
    }

    public readonly int RowA(int group, int row) => S.PlaneOut(0, group) + (row * S.OH * S.OW);

    public readonly int StepA => S.OH * S.OW;

    public readonly float B(ConvPlace k, ConvPlace at) => ConvTaps.Read(X, k, at, S.H, S.W);

    public readonly int To(int group, int piece, int column) => (((piece * S.OutC) + (group * S.GroupOut)) * S.K) + column;

    public readonly float Plus(int group, int row) => 0f;

    public readonly int Cuts => 0;

    public readonly Floats Result => DWeight;
}

/// <summary>What the products share.</summary>
internal static class ConvTaps
{
    /// <summary>A tap of a channel of x.</summary>
    public static ConvPlace Of(ConvSizes s, int tap, int ofA)
    {
        var t = s.Taps.Of(tap);
        var p = Place(t.Outer * s.H * s.W, t.Y * s.DilationH, t.X * s.DilationW, s.W);
        p.OfA = ofA;
        return p;
    }

    /// <summary>A line and a column of planes that begin somewhere; with a width of 0 they stay apart.</summary>
    public static ConvPlace Place(int plane, int y, int x, int width)
    {
        ConvPlace p = default;
        (p.At, p.Y, p.X) = (width == 0 ? plane : plane + (y * width) + x, y, x);
        return p;
    }

    /// <summary>What stands behind a k of a piece; behind the piece's last term, nothing.</summary>
    public static ConvPlace Along<P>(P product, int start, int k, int terms) where P : struct, IConvProduct
    {
        var place = product.Along(start + k);
        if (k >= terms) { place.Y = -ConvPlace.Far; }
        return place;
    }

    /// <summary>A value of planes, 0 beyond their edges.</summary>
    public static float Read(Floats x, ConvPlace k, ConvPlace at, int h, int w) => (uint)(at.Y + k.Y) < (uint)h && (uint)(at.X + k.X) < (uint)w ? x[at.At + k.At] : 0f;
}
