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

    public FactorMemory A(MatMulKernel.Plan p)
    {
        p.Batch.Locate(_product, out int which, out _, out _);
        return new(p.M, p.K, End, (long)which * p.M * p.K, p.TransA, p.FoursA);
    }

    public FactorMemory B(MatMulKernel.Plan p)
    {
        p.Batch.Locate(_product, out _, out int which, out _);
        return new(p.N, p.K, End, (long)which * p.K * p.N, 1 - p.TransB, p.FoursB);
    }
}

/// <summary>A factor as it lies in memory: rows of A or columns of B, and values along k.</summary>
internal readonly struct FactorMemory
{
    private readonly int _lines, _n, _end, _fours;
    private readonly long _from;

    /// <param name="lines">Rows of A, columns of B.</param>
    /// <param name="n">Values along k.</param>
    /// <param name="end">Behind the last of them that counts here.</param>
    /// <param name="from">Where the factor begins.</param>
    /// <param name="along">1 if lines lie side by side in memory, 0 if values along k do.</param>
    /// <param name="fours">1 if four can be read at once.</param>
    public FactorMemory(int lines, int n, int end, long from, int along, int fours) => (_lines, _n, _end, _from, Along, _fours) = (lines, n, end, from, along, fours);

    /// <summary>1 if lines lie side by side in memory, 0 if values along k do.</summary>
    public int Along { get; }

    /// <summary>Four values that lie side by side, 0 beyond the edges.</summary>
    public Float4 Get(Floats x, int line, int k)
    {
        int fast = Along != 0 ? line : k, end = Along != 0 ? _lines : _end;
        Float4 v = default;
        if (Along != 0 ? k >= _end : line >= _lines) { return v; }
        long at = _from + (Along != 0 ? ((long)k * _lines) + line : ((long)line * _n) + k);
        if (_fours != 0 && fast < end) { return x.Cast<Float4>()[at >> 2]; }
        if (fast < end) { v.X = x[at]; }
        if (fast + 1 < end) { v.Y = x[at + 1]; }
        if (fast + 2 < end) { v.Z = x[at + 2]; }
        if (fast + 3 < end) { v.W = x[at + 3]; }
        return v;
    }
}
