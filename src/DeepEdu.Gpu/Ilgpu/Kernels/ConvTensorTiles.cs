using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;
using Floats = ILGPU.ArrayView<float>;
using Words = ILGPU.ArrayView<DeepEdu.Gpu.Kernels.Word4>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>The same product by tensor cores: a group of 128 threads makes 64 × 128, each of its four warps 64 × 32. Factors are gathered where they lie and rounded to TF32 on their way to shared memory,
/// 16 along k at a time, the next while these are multiplied.</summary>
internal struct ConvTensorTiles<P, W> : IGpuKernel where P : struct, IConvProduct where W : struct, IWarpProducts
{
    /// <summary>Threads of a group, and the sides of its tile.</summary>
    public const int Threads = 128, Rows = 64, Columns = Threads;

    // words of a line at a time; lines in shared memory are as far apart as TensorProduct's; places of k for this tile and the next
    private const int Depth = TensorProduct.Depth, Pitch = TensorProduct.LinePitch, HalfA = Rows * Pitch, HalfB = Columns * Pitch, Places = (2 * Depth) - 1;

    public P Product;

    /// <summary>Sizes of the product, how it is cut along k, from a row of A to the one half a tile below, and whether A's values can be read four at a time.</summary>
    public int M, N, K, Pieces, Piece, Below, Fours;

    /// <summary>Where C begins in the accelerator's memory: for instructions that are written out.</summary>
    public long To;

    public readonly void Run()
    {
        Words sa = SharedMemory.Allocate<Word4>(2 * HalfA / 4), sb = SharedMemory.Allocate<Word4>(2 * HalfB / 4);
        // what stands behind each k; behind each column and, with it, each thread's line of A; and where each column goes
        var places = SharedMemory.Allocate<ConvPlace>(Places + 1);
        var columns = SharedMemory.Allocate<ConvPlace>(Columns);
        var ends = SharedMemory.Allocate<int>(Columns);
        int me = Group.IdxX, row0 = Grid.IdxY * Rows, column0 = Grid.IdxX * Columns;
        int group = Grid.IdxZ / Pieces, piece = Grid.IdxZ % Pieces, start = piece * Piece, terms = IntrinsicMath.Min(K - start, Piece);
        W products = default;
        products.Begin();
        var mine = Product.Column(group, column0 + me);
        bool outside = column0 + me >= N;
        if (outside) { mine.Y = -ConvPlace.Far; }
        // four of A along k, of a line and of the one half a tile below
        int line = me >> 2, word = (me & 3) * 4, lines = M - row0 - line;
        mine.OfA = Product.RowA(group, row0 + line);
        columns[me] = mine;
        ends[me] = outside ? -1 : Product.To(group, piece, column0 + me);
        if (me <= Places) { places[me] = ConvTaps.Along(Product, start, me, terms); }
        Group.Barrier();
        PutA(sa, line, word, GetA(places, columns[me].OfA, word, lines > 0 ? terms : 0));
        PutA(sa, line + (Rows / 2), word, GetA(places, columns[me].OfA + Below, word, lines > Rows / 2 ? terms : 0));
        PutB(sb, 0, 0, GetB(places, columns, 0, 0));
        PutB(sb, 0, 1, GetB(places, columns, 0, 1));
        Group.Barrier();
        int g = (me & 31) >> 2, t = me & 3, from = (g * Pitch) + t, fromB = (me & ~31) * Pitch + from, at = 0;
        for (int next = Depth; next < terms; next += Depth)
        {
            ArrayView<int> x = sa.Cast<int>().SubView((at * HalfA) + from), y = sb.Cast<int>().SubView((at * HalfB) + fromB);
            at = 1 - at;
            // half of the next tile is on its way at a time: all of it would take too many registers
            var a = GetA(places, columns[me].OfA, next + word, lines > 0 ? terms : 0);
            var b = GetB(places, columns, next, 0);
            TensorProduct.Multiply<W, WordsTogether, WordsTogether>(ref products, x, y);
            PutA(sa, (at * Rows) + line, word, a);
            PutB(sb, at, 0, b);
            a = GetA(places, columns[me].OfA + Below, next + word, lines > Rows / 2 ? terms : 0);
            b = GetB(places, columns, next, 1);
            TensorProduct.Multiply<W, WordsTogether, WordsTogether>(ref products, x.SubView(8), y.SubView(8));
            PutA(sa, (at * Rows) + line + (Rows / 2), word, a);
            PutB(sb, at, 1, b);
            if (me < Depth) { places[(next + Depth + me) & Places] = ConvTaps.Along(Product, start, next + Depth + me, terms); }
            Group.Barrier();
        }
        ArrayView<int> lastA = sa.Cast<int>().SubView((at * HalfA) + from), lastB = sb.Cast<int>().SubView((at * HalfB) + fromB);
        TensorProduct.Multiply<W, WordsTogether, WordsTogether>(ref products, lastA, lastB);
        TensorProduct.Multiply<W, WordsTogether, WordsTogether>(ref products, lastA.SubView(8), lastB.SubView(8));
        products.Store(new ConvEnd<P>(Product, ends, group, M, To), row0 + g, (me & ~31) + (2 * t));
    }

    // four values of a row of A, which has so many
    private readonly Float4 GetA(ArrayView<ConvPlace> places, int row, int k, int terms)
    {
        Float4 v = default;
        int rest = terms - k;
        if (rest <= 0) { return v; }
        var x = Product.FactorA;
        // constant distances from here on are part of a load
        var p = places.SubView(k & Places);
        if (Fours != 0) { return x.Cast<Float4>()[(int)((uint)(row + p[0].OfA) >> 2)]; }
        v.X = x[row + p[0].OfA];
        if (rest > 1) { v.Y = x[row + p[1].OfA]; }
        if (rest > 2) { v.Z = x[row + p[2].OfA]; }
        if (rest > 3) { v.W = x[row + p[3].OfA]; }
        return v;
    }

    private static void PutA(Words sa, int line, int word, Float4 v) => sa[((line * Pitch) + word) >> 2] = Pack(v);

    // twice four values of B. Neighbours in a group read neighbours in memory: a thread has a column and eight of its values along k; or four of two columns, half a tile apart
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly RawWords GetB(ArrayView<ConvPlace> places, ArrayView<ConvPlace> columns, int k, int half)
    {
        RawWords v = default;
        int me = Group.IdxX;
        if (P.RunsAlong)
        {
            int line = (me >> 2) + (half * (Columns / 2));
            var p = places.SubView((k + ((me & 3) * 4)) & Places);
            var c = columns.SubView(line);
            ConvPlace one = c[0], two = c[Columns / 4], k0 = p[0], k1 = p[1], k2 = p[2], k3 = p[3];
            v.First = Of(Product.B(k0, one), Product.B(k1, one), Product.B(k2, one), Product.B(k3, one));
            v.Second = Of(Product.B(k0, two), Product.B(k1, two), Product.B(k2, two), Product.B(k3, two));
        }
        else
        {
            var p = places.SubView((k + (half * (Depth / 2))) & Places);
            var one = columns[me];
            v.First = Of(Product.B(p[0], one), Product.B(p[1], one), Product.B(p[2], one), Product.B(p[3], one));
            v.Second = Of(Product.B(p[4], one), Product.B(p[5], one), Product.B(p[6], one), Product.B(p[7], one));
        }
        return v;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutB(Words sb, int at, int half, RawWords v)
    {
        int me = Group.IdxX, line = (at * Columns) + me, word = half * (Depth / 2), further = 1;
        if (P.RunsAlong) { (line, word, further) = ((at * Columns) + (me >> 2) + (half * (Columns / 2)), (me & 3) * 4, Columns / 4 * Pitch / 4); }
        var to = sb.SubView(((line * Pitch) + word) >> 2);
        to[0] = Pack(v.First);
        to[further] = Pack(v.Second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Word4 Pack(Float4 v)
    {
        RawWords raw = default;
        raw.First = v;
        return Tf32.Pack(raw, false);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Float4 Of(float x, float y, float z, float w)
    {
        Float4 v = default;
        (v.X, v.Y, v.Z, v.W) = (x, y, z, w);
        return v;
    }
}

/// <summary>Where the products of a convolution by tensor cores go: bias and ReLU by row, columns wherever <paramref name="ends"/> says.</summary>
internal readonly struct ConvEnd<P>(P product, ArrayView<int> ends, int group, int rows, long to) : ITensorEnd where P : struct, IConvProduct
{
    private const string Add = "add.f32 out0, out0, %5; add.f32 out1, out1, %5; add.f32 out2, out2, %6; add.f32 out3, out3, %6; setp.ne.s32 relu, %7, 0; ";
    private const string Store0 = "and.b32 inside, %4, 1; setp.ne.s32 store, inside, 0; @store st.global.f32 [%0], out0; ", Store1 = "and.b32 inside, %4, 2; setp.ne.s32 store, inside, 0; @store st.global.f32 [%1], out1; ",
        Store2 = "and.b32 inside, %4, 4; setp.ne.s32 store, inside, 0; @store st.global.f32 [%2], out2; ", Store3 = "and.b32 inside, %4, 8; setp.ne.s32 store, inside, 0; @store st.global.f32 [%3], out3;";

    private readonly P _product = product;
    private readonly ArrayView<int> _ends = ends;
    private readonly int _group = group, _rows = rows;
    private readonly long _to = to;

    public void Put(Float4 v, int row, int column)
    {
        int left = _ends[column], right = _ends[column + 1], inside = Inside(row, left, right), upper = row * _product.ToRow, lower = upper + (8 * _product.ToRow);
        float above = Plus(row), below = Plus(row + 8);
        var c = _product.Result;
        if ((inside & 1) != 0) { c[left + upper] = End(v.X + above); }
        if ((inside & 2) != 0) { c[right + upper] = End(v.Y + above); }
        if ((inside & 4) != 0) { c[left + lower] = End(v.Z + below); }
        if ((inside & 8) != 0) { c[right + lower] = End(v.W + below); }
    }

    public void PutRegisters(int row, int column)
    {
        int left = _ends[column], right = _ends[column + 1], upper = row * _product.ToRow, lower = upper + (8 * _product.ToRow);
        CudaAsm.Emit(Add + TensorEnd.Cuts + Store0 + Store1 + Store2 + Store3, At(left + upper), At(right + upper), At(left + lower), At(right + lower), Inside(row, left, right), Plus(row), Plus(row + 8), _product.Cuts);
    }

    // a bit for each of the four
    private int Inside(int row, int left, int right)
    {
        int columns = (left >= 0 ? 5 : 0) | (right >= 0 ? 10 : 0), rows = (row < _rows ? 3 : 0) | (row + 8 < _rows ? 12 : 0);
        return columns & rows;
    }

    private long At(int value) => _to + ((long)value * sizeof(float));

    private float Plus(int row) => row < _rows ? _product.Plus(_group, row) : 0f;

    private float End(float v) => _product.Cuts != 0 && v < 0f ? 0f : v;
}
