using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>How a tile of a matrix product is made.</summary>
internal enum ProductTile
{
    /// <summary>64 × 64, 4 × 4 a thread.</summary>
    Small,

    /// <summary>128 × 128, 8 × 8 a thread.</summary>
    Wide,

    /// <summary>128 × 128 by tensor cores, factors rounded to 11 bits.</summary>
    Tf32,

    /// <summary>128 × 128 by tensor cores, factors rounded to 8 bits.</summary>
    BFloat16,
}

/// <summary>Which tile a group makes, of which product, over which terms of its sums. The pieces of one tile stand side by side: they read neighbouring parts of the factors.</summary>
internal readonly struct TilePlace
{
    private readonly int _product;

    public TilePlace(MatMulKernel.Plan p, uint side)
    {
        uint pieces = (uint)p.Pieces, unit = (uint)Grid.IdxX / pieces, piece = (uint)Grid.IdxX % pieces;
        uint product = unit / (uint)p.Tiles, tile = unit % (uint)p.Tiles, products = (uint)Grid.DimX / (pieces * (uint)p.Tiles);
        Row = (int)(tile / (uint)p.Columns * side);
        Column = (int)(tile % (uint)p.Columns * side);
        From = (int)piece * p.Piece;
        End = IntrinsicMath.Min(p.K, From + p.Piece);
        To = (((long)piece * products) + product) * p.M * p.N;
        _product = (int)product;
    }

    /// <summary>The tile's corner.</summary>
    public int Row { get; }

    /// <inheritdoc cref="Row"/>
    public int Column { get; }

    /// <summary>The terms: from the first to behind the last.</summary>
    public int From { get; }

    /// <inheritdoc cref="From"/>
    public int End { get; }

    /// <summary>Where the product begins in C, or in its pieces.</summary>
    public long To { get; }

    /// <summary>The factors of this product; <paramref name="along"/> as in <see cref="Factor"/>.</summary>
    public Factor A(MatMulKernel.Plan p, Floats a, int along)
    {
        p.Batch.Locate(_product, out int which, out _, out _);
        return new(a, which * p.M * p.K, p.M, p.K, End, along, p.FoursA);
    }

    /// <inheritdoc cref="A"/>
    public Factor B(MatMulKernel.Plan p, Floats b, int along)
    {
        p.Batch.Locate(_product, out _, out int which, out _);
        return new(b, which * p.K * p.N, p.N, p.K, End, along, p.FoursB);
    }
}

/// <summary>A factor as it lies in memory: rows of A or columns of B, and values along k.</summary>
internal readonly struct Factor
{
    /// <param name="x">The factors of all products.</param>
    /// <param name="from">Where this one begins.</param>
    /// <param name="lines">Rows of A, columns of B.</param>
    /// <param name="n">Values along k.</param>
    /// <param name="end">Behind the last of them that counts here.</param>
    /// <param name="along">1 if lines lie side by side in memory, 0 if values along k do.</param>
    /// <param name="fours">1 if four can be read at once.</param>
    public Factor(Floats x, int from, int lines, int n, int end, int along, int fours) => (X, From, Lines, N, End, Along, Fours) = (x, from, lines, n, end, along, fours);

    public Floats X { get; }

    public int From { get; }

    public int Lines { get; }

    public int N { get; }

    public int End { get; }

    public int Along { get; }

    public int Fours { get; }
}

/// <summary>Four values of a factor that lie side by side in memory, and those that stand as far along k as one likes. Places fit into 32 bits, as a tensor's do.</summary>
internal readonly struct FactorPlace
{
    private readonly Floats _x;
    private readonly int _at, _step, _k, _end, _lines, _fours;

    public FactorPlace(Factor f, int line, int k)
    {
        (_x, _k, _fours, Along, _lines) = (f.X, k, f.Fours, f.Along, f.Lines - line);
        (_at, _step) = f.Along != 0 ? (f.From + (k * f.Lines) + line, f.Lines) : (f.From + (line * f.N) + k, 1);
        // beyond the last line nothing is read
        _end = line < f.Lines ? f.End : 0;
    }

    /// <inheritdoc cref="Factor.Along"/>
    public int Along { get; }

    /// <summary>The four, 0 beyond the edges.</summary>
    public Float4 Get(int k0)
    {
        Float4 v = default;
        int k = _k + k0, at = _at + (k0 * _step);
        if (k >= _end) { return v; }
        // pieces of sums end on a multiple of four, too. The view is the kernel's argument itself: of a part of it ILGPU does not know that it begins on 16 bytes
        if (_fours != 0) { return _x.Cast<Float4>()[(int)((uint)at >> 2)]; }
        int rest = Along != 0 ? _lines : _end - k;
        v.X = _x[at];
        if (rest > 1) { v.Y = _x[at + 1]; }
        if (rest > 2) { v.Z = _x[at + 2]; }
        if (rest > 3) { v.W = _x[at + 3]; }
        return v;
    }
}
