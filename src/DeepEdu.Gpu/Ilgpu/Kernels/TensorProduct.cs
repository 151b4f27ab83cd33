using System.Runtime.CompilerServices;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Floats = ILGPU.ArrayView<float>;
using Words = ILGPU.ArrayView<DeepEdu.Gpu.Kernels.Word4>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Four words side by side, read and written at once.</summary>
internal struct Word4
{
    public int X, Y, Z, W;
}

/// <summary>How words lie in shared memory: as they do in memory, so that four are written at once.</summary>
internal interface IWordLayout
{
    /// <summary>From a line to the next, and from a word to the next.</summary>
    static abstract int LineStep { get; }

    /// <inheritdoc cref="LineStep"/>
    static abstract int WordStep { get; }
}

/// <summary>Words of a line side by side.</summary>
internal readonly struct WordsTogether : IWordLayout
{
    public static int LineStep => TensorProduct.LinePitch;

    public static int WordStep => 1;
}

/// <summary>Lines of a word side by side.</summary>
internal readonly struct LinesTogether : IWordLayout
{
    public static int LineStep => 1;

    public static int WordStep => TensorProduct.WordPitch;
}

/// <summary>Matrix products by tensor cores: a group of 256 threads makes 128 × 128 of C, each of its eight warps 64 × 32. Factors are rounded on their way to shared memory, where 16 words of
/// each line lie at a time, the next on their way while these are multiplied.</summary>
internal static class TensorProduct
{
    /// <summary>Rows or columns below which most of a tile would be empty.</summary>
    public const int Narrowest = 32;

    // sides of a tile; words of a line in shared memory; from line to line where words lie side by side, from word to word where lines do: a warp's reads fall into 32 banks
    internal const int Side = 128, Depth = 16, LinePitch = 20, WordPitch = 136;
    private const int Half = Side * LinePitch;

    /// <summary>Launches the kernel for factors that lie as the plan says.</summary>
    public static void Start<W>(GpuDevice d, KernelConfig how, Floats a, Floats b, Floats bias, Floats c, in MatMulKernel.Plan p) where W : struct, IWord
    {
        if (d.Accelerator.AcceleratorType == AcceleratorType.CPU) { Start<W, SharedProducts<W>>(d, how, a, b, bias, c, p); }
        else { Start<W, TensorCoreProducts<W>>(d, how, a, b, bias, c, p); }
    }

    private static void Start<W, P>(GpuDevice d, KernelConfig how, Floats a, Floats b, Floats bias, Floats c, in MatMulKernel.Plan p) where W : struct, IWord where P : struct, IWarpProducts
    {
        if (p.TransA != 0 && p.TransB != 0) { Start<TensorTile<W, P, LinesTogether, WordsTogether>>(p); }
        else if (p.TransA != 0) { Start<TensorTile<W, P, LinesTogether, LinesTogether>>(p); }
        else if (p.TransB != 0) { Start<TensorTile<W, P, WordsTogether, WordsTogether>>(p); }
        else { Start<TensorTile<W, P, WordsTogether, LinesTogether>>(p); }

        void Start<T>(in MatMulKernel.Plan p) where T : struct, IProductTile => d.Start(how, new ProductKernel<T> { A = a, B = b, Bias = bias, C = c, Plan = p });
    }

    internal static void Body<W, P, A, B>(Floats a, Floats b, Floats bias, Floats c, MatMulKernel.Plan p)
        where W : struct, IWord where P : struct, IWarpProducts where A : struct, IWordLayout where B : struct, IWordLayout
    {
        Words sa = SharedMemory.Allocate<Word4>(2 * Half / 4), sb = SharedMemory.Allocate<Word4>(2 * Half / 4);
        int me = Group.IdxX, warp = me >> 5, g = (me & 31) >> 2, t = me & 3, at = 0;
        P products = default;
        products.Begin();
        TilePlace place = new(p, Side);
        TensorFactor<W, A> fa = new(me, place.Row, place.A(p, a, A.LineStep == 1 ? 1 : 0));
        TensorFactor<W, B> fb = new(me, place.Column, place.B(p, b, B.LineStep == 1 ? 1 : 0));
        fa.Put0(sa, 0, fa.Get0(place.From));
        fa.Put1(sa, 0, fa.Get1(place.From));
        fb.Put0(sb, 0, fb.Get0(place.From));
        fb.Put1(sb, 0, fb.Get1(place.From));
        Group.Barrier();
        int row = (warp >> 2) * 64, column = (warp & 3) * 32;
        for (int next = place.From + (Depth * W.Values); next < place.End; next += Depth * W.Values)
        {
            ArrayView<int> x = fa.From(sa, at, row + g, t), y = fb.From(sb, at, column + g, t);
            // half of the next tile is on its way at a time: all of it would take too many registers
            at = Half - at;
            RawWords ra = fa.Get0(next), rb = fb.Get0(next);
            Multiply<P, A, B>(ref products, x, y);
            fa.Put0(sa, at, ra);
            fb.Put0(sb, at, rb);
            ra = fa.Get1(next);
            rb = fb.Get1(next);
            Multiply<P, A, B>(ref products, x.SubView(8 * A.WordStep), y.SubView(8 * B.WordStep));
            fa.Put1(sa, at, ra);
            fb.Put1(sb, at, rb);
            Group.Barrier();
        }
        ArrayView<int> lastA = fa.From(sa, at, row + g, t), lastB = fb.From(sb, at, column + g, t);
        Multiply<P, A, B>(ref products, lastA, lastB);
        Multiply<P, A, B>(ref products, lastA.SubView(8 * A.WordStep), lastB.SubView(8 * B.WordStep));
        products.Store(new TensorEnd(c, bias, place.To, p), place.Row + row + g, place.Column + column + (2 * t));
    }

    /// <summary>Adds the products of eight words along k, of 64 lines of A and 32 of B from where the views begin.</summary>
    internal static void Multiply<P, A, B>(ref P products, ArrayView<int> a, ArrayView<int> b) where P : struct, IWarpProducts where A : struct, IWordLayout where B : struct, IWordLayout
    {
        var x = Columns<B>(b);
        products.Add0(Rows<A>(a, 0), x);
        products.Add1(Rows<A>(a, 16), x);
        products.Add2(Rows<A>(a, 32), x);
        products.Add3(Rows<A>(a, 48), x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static RowFragment Rows<L>(ArrayView<int> s, int line) where L : struct, IWordLayout
    {
        int from = line * L.LineStep, below = 8 * L.LineStep, behind = 4 * L.WordStep;
        RowFragment f = default;
        f.R0 = s[from];
        f.R1 = s[from + below];
        f.R2 = s[from + behind];
        f.R3 = s[from + below + behind];
        return f;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ColumnFragments Columns<L>(ArrayView<int> s) where L : struct, IWordLayout
    {
        int beside = 8 * L.LineStep, behind = 4 * L.WordStep;
        ColumnFragments f = default;
        f.X0 = s[0];
        f.Y0 = s[behind];
        f.X1 = s[beside];
        f.Y1 = s[beside + behind];
        f.X2 = s[2 * beside];
        f.Y2 = s[(2 * beside) + behind];
        f.X3 = s[3 * beside];
        f.Y3 = s[(3 * beside) + behind];
        return f;
    }

    /// <summary>What a thread carries of a factor to shared memory, twice four words, and how it reads fragments there.</summary>
    private readonly struct TensorFactor<W, L> where W : struct, IWord where L : struct, IWordLayout
    {
        private readonly FactorPlace _0, _1;
        private readonly int _to;

        public TensorFactor(int me, int first, Factor factor)
        {
            // four lines of a word, or four words of a line; the second four are half a tile further
            int line = L.LineStep == 1 ? (me & 31) * 4 : me >> 2, word = L.LineStep == 1 ? me >> 5 : (me & 3) * 4;
            _0 = new(factor, first + line, word * W.Values);
            _1 = new(factor, first + line + MoreLines, (word + MoreWords) * W.Values);
            _to = (line * L.LineStep) + (word * L.WordStep);
        }

        private static int MoreLines => L.LineStep == 1 ? 0 : Side / 2;

        private static int MoreWords => L.LineStep == 1 ? Depth / 2 : 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public RawWords Get0(int k0) => W.Load(_0, k0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public RawWords Get1(int k0) => W.Load(_1, k0);

        public void Put0(Words shared, int at, RawWords raw) => shared[(at + _to) >> 2] = W.Pack(raw, L.LineStep == 1);

        public void Put1(Words shared, int at, RawWords raw) => shared[(at + _to + (MoreLines * L.LineStep) + (MoreWords * L.WordStep)) >> 2] = W.Pack(raw, L.LineStep == 1);

        /// <summary>Shared memory from a line and a word on: from there fragments lie at constant distances, which are part of a load.</summary>
        public ArrayView<int> From(Words shared, int at, int line, int word) => shared.Cast<int>().SubView(at + (line * L.LineStep) + (word * L.WordStep));
    }
}

/// <summary>Where the products of tensor cores go, and what happens to them before: a thread's two of a row, and two eight rows below.</summary>
internal interface ITensorEnd
{
    /// <summary>Stores four values.</summary>
    void Put(Float4 v, int row, int column);

    /// <summary>The same with what stands in the PTX registers out.</summary>
    void PutRegisters(int row, int column);
}

/// <summary>A matrix, with bias and ReLU.</summary>
internal readonly struct TensorEnd(Floats c, Floats bias, long at, MatMulKernel.Plan plan) : ITensorEnd
{
    /// <summary>ReLU of the registers out, if the register relu says so.</summary>
    public const string Cuts = Cut0 + Cut1 + Cut2 + Cut3;

    private const string Add = "add.f32 out0, out0, %3; add.f32 out1, out1, %4; add.f32 out2, out2, %3; add.f32 out3, out3, %4; setp.ne.s32 relu, %5, 0; ";
    private const string Cut0 = "setp.lt.and.f32 cut, out0, 0f00000000, relu; @cut mov.f32 out0, 0f00000000; ", Cut1 = "setp.lt.and.f32 cut, out1, 0f00000000, relu; @cut mov.f32 out1, 0f00000000; ",
        Cut2 = "setp.lt.and.f32 cut, out2, 0f00000000, relu; @cut mov.f32 out2, 0f00000000; ", Cut3 = "setp.lt.and.f32 cut, out3, 0f00000000, relu; @cut mov.f32 out3, 0f00000000; ";
    private const string Store0 = "and.b32 inside, %2, 1; setp.ne.s32 store, inside, 0; @store st.global.f32 [%0], out0; ", Store1 = "and.b32 inside, %2, 2; setp.ne.s32 store, inside, 0; @store st.global.f32 [%0+4], out1; ",
        Store2 = "and.b32 inside, %2, 4; setp.ne.s32 store, inside, 0; @store st.global.f32 [%1], out2; ", Store3 = "and.b32 inside, %2, 8; setp.ne.s32 store, inside, 0; @store st.global.f32 [%1+4], out3;";

    private readonly Floats _c = c, _bias = bias;
    private readonly long _at = at, _to = plan.To;
    private readonly int _m = plan.M, _n = plan.N, _hasBias = plan.HasBias, _relu = plan.Relu;

    public void Put(Float4 v, int row, int column)
    {
        int inside = Inside(row, column);
        long upper = At(row, column), lower = upper + (8L * _n);
        float left = Bias(column), right = Bias(column + 1);
        if ((inside & 1) != 0) { _c[upper] = End(v.X + left); }
        if ((inside & 2) != 0) { _c[upper + 1] = End(v.Y + right); }
        if ((inside & 4) != 0) { _c[lower] = End(v.Z + left); }
        if ((inside & 8) != 0) { _c[lower + 1] = End(v.W + right); }
    }

    public void PutRegisters(int row, int column)
    {
        long upper = _to + (At(row, column) * sizeof(float)), lower = upper + (8L * sizeof(float) * _n);
        CudaAsm.Emit(Add + Cuts + Store0 + Store1 + Store2 + Store3, upper, lower, Inside(row, column), Bias(column), Bias(column + 1), _relu);
    }

    // a bit for each of the four
    private int Inside(int row, int column)
    {
        int columns = (column < _n ? 5 : 0) | (column + 1 < _n ? 10 : 0), rows = (row < _m ? 3 : 0) | (row + 8 < _m ? 12 : 0);
        return columns & rows;
    }

    private long At(int row, int column) => _at + ((long)row * _n) + column;

    private float Bias(int column)
    {
        float v = 0f;
        if (_hasBias != 0 && column < _n) { v = _bias[column]; }
        return v;
    }

    private float End(float v) => _relu != 0 && v < 0f ? 0f : v;
}
