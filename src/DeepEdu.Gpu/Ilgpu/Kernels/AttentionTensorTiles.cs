using System.Runtime.CompilerServices;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;
using Fours = ILGPU.ArrayView<DeepEdu.Gpu.Float4>;
using Words = ILGPU.ArrayView<DeepEdu.Gpu.Kernels.Word4>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Two floats that are read at once.</summary>
internal struct Float2
{
    public float X, Y;
}

/// <summary>The products that attention is made of, of blocks of 64 rows by a group of 256 threads.</summary>
internal interface IAttentionProducts
{
    /// <summary>Whether the way back makes the weights of keys and values with a row a key, as it multiplies them; else with a row a query, as the way forward does.</summary>
    static abstract bool KeysAreRows { get; }

    /// <summary>A weight as <see cref="AddTo"/> and <see cref="Put"/> take it.</summary>
    static abstract float Factor(float v);

    /// <summary>Fours of shared memory that rows of a factor take.</summary>
    static abstract int Room { get; }

    /// <summary>What stands before all else in a kernel.</summary>
    void Begin();

    /// <summary>to ← a·bᵀ, of rows of a and b, in shared memory.</summary>
    void Dots(AttentionRow a, long atA, int rowsA, AttentionRow b, long atB, int rowsB, int depth, Fours sa, Fours sb, Fours to);

    /// <summary>y ← y + weights·b, or y ← weights·b, or with weightsᵀ where keys are not rows, of 64 columns from one on.</summary>
    void AddTo(AttentionRow y, long at, int rows, int columns, bool before, Fours weights, bool transposed, AttentionRow b, long atB, int rowsB, Fours sb);

    /// <summary>y ← y·fix + weights·b and, behind the last block, divided by the sum.</summary>
    void Put(AttentionRow y, long at, int rows, int columns, bool before, bool last, Floats fixes, Floats sums, Fours weights, AttentionRow b, long atB, int rowsB, Fours sb);
}

/// <summary>The same by tensor cores: factors are rounded to TF32 on their way to shared memory, 16 along the sum at a time, the next on their way while these are multiplied. Each of the eight warps makes
/// 16 × 32 of the 64 × 64.</summary>
internal struct TensorAttention<R> : IAttentionProducts where R : struct, IWarpRow
{
    // from line to line and from value to value of the factors in shared memory: a warp's reads fall into 32 banks
    private const int Depth = Tile64.Depth, Pitch = Tile64.Pitch, Line = TensorProduct.LinePitch, Along = 72;

    private R _products;

    public static bool KeysAreRows => true;

    public static int Room => (Tile64.Side * Line / 4) + (Tile64.Side / 4);

    private static int Lane => Group.IdxX & 31;

    private static int Row => ((Group.IdxX >> 6) * 16) + (Lane >> 2);

    private static int Column => (Group.IdxX >> 5 & 1) * 32;

    public static float Factor(float v) => BitConverter.Int32BitsToSingle(Tf32.Round(v));

    public void Begin()
    {
        _products = default;
        _products.Begin();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Dots(AttentionRow a, long atA, int rowsA, AttentionRow b, long atB, int rowsB, int depth, Fours sa, Fours sb, Fours to)
    {
        // lines of which eight neighbours write two are four apart: into all banks. Of B a warp reads the lines of a tile in such an order that its sums go to all banks, too
        int me = Group.IdxX, g = Lane >> 2, t = Lane & 3, line = ((me >> 5) * 8) + ((g & 1) * 4) + (g >> 1), word = t * 4, put = ((line * Line) + word) >> 2;
        Words wa = sa.Cast<Word4>(), wb = sb.Cast<Word4>();
        ArrayView<int> x = sa.Cast<int>().SubView((Row * Line) + t), y = sb.Cast<int>().SubView(((Column + ((g & 1) * 4) + (g >> 1)) * Line) + t);
        int hasA = line < rowsA ? depth - word : 0, hasB = line < rowsB ? depth - word : 0;
        atA += (line * a.Row) + word;
        atB += (line * b.Row) + word;
        _products.Start(default, default, default, default);
        Float4 va = Get(a, atA, hasA), vb = Get(b, atB, hasB);
        for (int k0 = 0; k0 < depth; k0 += Depth)
        {
            wa[put] = Pack(va);
            wb[put] = Pack(vb);
            Group.Barrier();
            int next = k0 + Depth;
            if (next < depth)
            {
                va = Get(a, atA + next, hasA - next);
                vb = Get(b, atB + next, hasB - next);
            }
            _products.Add(TensorProduct.Rows<WordsTogether>(x, 0), TensorProduct.Columns<WordsTogether>(y));
            _products.Add(TensorProduct.Rows<WordsTogether>(x.SubView(8), 0), TensorProduct.Columns<WordsTogether>(y.SubView(8)));
            Group.Barrier();
        }
        _products.Show(to.Cast<float>(), (Row * Pitch) + Column + t, 8 * Pitch);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddTo(AttentionRow y, long at, int rows, int columns, bool before, Fours weights, bool transposed, AttentionRow b, long atB, int rowsB, Fours sb)
    {
        float factor = before ? 1f : 0f;
        Multiply(y, at, rows, columns, factor, factor, 1f, 1f, weights, b, atB, rowsB, sb);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(AttentionRow y, long at, int rows, int columns, bool before, bool last, Floats fixes, Floats sums, Fours weights, AttentionRow b, long atB, int rowsB, Fours sb) =>
        Multiply(y, at, rows, columns, before ? fixes[Row] : 0f, before ? fixes[Row + 8] : 0f, last ? Share(sums[Row]) : 1f, last ? Share(sums[Row + 8]) : 1f, weights, b, atB, rowsB, sb);

    private static float Share(float sum) => sum == 0f ? 0f : 1f / sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Multiply(AttentionRow y, long at, int rows, int columns, float upperFactor, float lowerFactor, float upperShare, float lowerShare, Fours weights, AttentionRow b, long atB, int rowsB, Fours sb)
    {
        int me = Group.IdxX, k = me >> 4, column = (me & 15) * 4, put = ((k * Along) + column) >> 2, t = Lane & 3;
        var words = sb.Cast<Word4>();
        ArrayView<int> w = weights.Cast<int>().SubView((Row * Pitch) + t), v = sb.Cast<int>().SubView((t * Along) + Column + (Lane >> 2));
        // this thread's two columns of a tile, of two rows
        int mine = columns - Column - (2 * t), upperColumns = Row < rows ? mine : 0, lowerColumns = Row + 8 < rows ? mine : 0;
        long upper = at + (Row * y.Row) + Column + (2 * t), lower = upper + (8 * y.Row);
        _products.Start(Old(y, upper, lower, upperColumns, lowerColumns, upperFactor, lowerFactor), Old(y, upper + 8, lower + 8, upperColumns - 8, lowerColumns - 8, upperFactor, lowerFactor),
            Old(y, upper + 16, lower + 16, upperColumns - 16, lowerColumns - 16, upperFactor, lowerFactor), Old(y, upper + 24, lower + 24, upperColumns - 24, lowerColumns - 24, upperFactor, lowerFactor));
        atB += (k * b.Row) + column;
        var next = Get(b, atB, k < rowsB ? columns - column : 0);
        for (int k0 = 0; k0 < rowsB; k0 += Depth)
        {
            words[put] = Pack(next);
            Group.Barrier();
            int behind = k0 + Depth;
            if (behind < rowsB) { next = Get(b, atB + (behind * b.Row), k + behind < rowsB ? columns - column : 0); }
            _products.Add(Weights(w), Columns(v));
            _products.Add(Weights(w.SubView(8)), Columns(v.SubView(8 * Along)));
            w = w.SubView(Depth);
            Group.Barrier();
        }
        _products.Store(y, upper, upperColumns, upperShare, lower, lowerColumns, lowerShare);
    }

    // what was there: a factor of 0 says nothing, or nothing that counts
    private static Float4 Old(AttentionRow y, long upper, long lower, int upperColumns, int lowerColumns, float upperFactor, float lowerFactor)
    {
        Float4 v = default;
        if (upperFactor != 0f) { (v.X, v.Y) = Old(y, upper, upperColumns, upperFactor); }
        if (lowerFactor != 0f) { (v.Z, v.W) = Old(y, lower, lowerColumns, lowerFactor); }
        return v;
    }

    private static (float, float) Old(AttentionRow y, long at, int columns, float factor)
    {
        Float2 v = default;
        if (columns > 0 && y.Fours != 0) { v = y.At.Cast<Float2>()[at >> 1]; }
        else if (columns > 0)
        {
            v.X = y.At[at];
            if (columns > 1) { v.Y = y.At[at + 1]; }
        }
        return (v.X * factor, v.Y * factor);
    }

    // four neighbours of a row that has so many
    private static Float4 Get(AttentionRow x, long at, int rest)
    {
        Float4 v = default;
        if (rest <= 0) { return v; }
        if (x.Fours != 0) { return x.At.Cast<Float4>()[at >> 2]; }
        v.X = x.At[at];
        if (rest > 1) { v.Y = x.At[at + 1]; }
        if (rest > 2) { v.Z = x.At[at + 2]; }
        if (rest > 3) { v.W = x.At[at + 3]; }
        return v;
    }

    private static Word4 Pack(Float4 v)
    {
        RawWords raw = default;
        raw.First = v;
        return Tf32.Pack(raw, false);
    }

    private static RowFragment Weights(ArrayView<int> w)
    {
        RowFragment f = default;
        f.R0 = w[0];
        f.R1 = w[8 * Pitch];
        f.R2 = w[4];
        f.R3 = w[(8 * Pitch) + 4];
        return f;
    }

    private static ColumnFragments Columns(ArrayView<int> v)
    {
        ColumnFragments f = default;
        f.X0 = v[0];
        f.Y0 = v[4 * Along];
        f.X1 = v[8];
        f.Y1 = v[(4 * Along) + 8];
        f.X2 = v[16];
        f.Y2 = v[(4 * Along) + 16];
        f.X3 = v[24];
        f.Y3 = v[(4 * Along) + 24];
        return f;
    }
}
