using ILGPU;
using ILGPU.Runtime.Cuda;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>16 × 32 TF32 products of a warp, four tiles 16 × 8 side by side, whose sums begin with values. Thread 4g + t holds columns 2t and 2t + 1 of rows g and g + 8 of each.</summary>
internal interface IWarpRow
{
    /// <summary>What stands before all else in a kernel.</summary>
    void Begin();

    /// <summary>What the sums of the four tiles begin with: this thread's two of the upper row, then of the lower.</summary>
    void Start(Float4 c0, Float4 c1, Float4 c2, Float4 c3);

    /// <summary>Adds rows of A times columns of B.</summary>
    void Add(RowFragment a, ColumnFragments b);

    /// <summary>Writes the sums to shared memory: where the first of this thread's upper row goes, and from there to the lower.</summary>
    void Show(Floats to, int at, int below);

    /// <summary>Writes the sums times a share, where that is 0 zeros: where the first of either row goes, and how many columns there are from it on.</summary>
    void Store(AttentionRow y, long upper, int upperColumns, float upperShare, long lower, int lowerColumns, float lowerShare);
}

/// <summary>In a GPU's tensor cores. The sums are PTX registers with names of their own; written to memory by the instruction that reads them, none passes through memory of the thread.</summary>
internal struct TensorCoreRow : IWarpRow
{
    private const string Scale = "mul.f32 %0, ", By = ", %1; @none mov.f32 %0, 0f00000000;";

    public readonly void Begin() => CudaAsm.Emit(".reg .f32 acc<16>; .reg .pred none;");

    public readonly void Start(Float4 c0, Float4 c1, Float4 c2, Float4 c3)
    {
        CudaAsm.Emit("mov.f32 acc0, %0; mov.f32 acc1, %1; mov.f32 acc2, %2; mov.f32 acc3, %3;", c0.X, c0.Y, c0.Z, c0.W);
        CudaAsm.Emit("mov.f32 acc4, %0; mov.f32 acc5, %1; mov.f32 acc6, %2; mov.f32 acc7, %3;", c1.X, c1.Y, c1.Z, c1.W);
        CudaAsm.Emit("mov.f32 acc8, %0; mov.f32 acc9, %1; mov.f32 acc10, %2; mov.f32 acc11, %3;", c2.X, c2.Y, c2.Z, c2.W);
        CudaAsm.Emit("mov.f32 acc12, %0; mov.f32 acc13, %1; mov.f32 acc14, %2; mov.f32 acc15, %3;", c3.X, c3.Y, c3.Z, c3.W);
    }

    public readonly void Add(RowFragment a, ColumnFragments b) => default(TensorCoreProducts<Tf32>).Add0(a, b);

    public readonly void Show(Floats to, int at, int below)
    {
        CudaAsm.Emit("mov.f32 %0, acc0;", out to[at]);
        CudaAsm.Emit("mov.f32 %0, acc1;", out to[at + 4]);
        CudaAsm.Emit("mov.f32 %0, acc2;", out to[at + below]);
        CudaAsm.Emit("mov.f32 %0, acc3;", out to[at + below + 4]);
        CudaAsm.Emit("mov.f32 %0, acc4;", out to[at + 8]);
        CudaAsm.Emit("mov.f32 %0, acc5;", out to[at + 12]);
        CudaAsm.Emit("mov.f32 %0, acc6;", out to[at + below + 8]);
        CudaAsm.Emit("mov.f32 %0, acc7;", out to[at + below + 12]);
        CudaAsm.Emit("mov.f32 %0, acc8;", out to[at + 16]);
        CudaAsm.Emit("mov.f32 %0, acc9;", out to[at + 20]);
        CudaAsm.Emit("mov.f32 %0, acc10;", out to[at + below + 16]);
        CudaAsm.Emit("mov.f32 %0, acc11;", out to[at + below + 20]);
        CudaAsm.Emit("mov.f32 %0, acc12;", out to[at + 24]);
        CudaAsm.Emit("mov.f32 %0, acc13;", out to[at + 28]);
        CudaAsm.Emit("mov.f32 %0, acc14;", out to[at + below + 24]);
        CudaAsm.Emit("mov.f32 %0, acc15;", out to[at + below + 28]);
    }

    public readonly void Store(AttentionRow y, long upper, int upperColumns, float upperShare, long lower, int lowerColumns, float lowerShare)
    {
        CudaAsm.Emit("setp.eq.f32 none, %0, 0f00000000;", upperShare);
        if (y.Fours != 0)
        {
            // one by one, a warp would touch each of its sectors twice
            long to = y.Address + (upper * sizeof(float));
            if (upperColumns > 0) { CudaAsm.Emit("mul.f32 acc0, acc0, %1; mul.f32 acc1, acc1, %1; @none mov.f32 acc0, 0f00000000; @none mov.f32 acc1, 0f00000000; st.global.v2.f32 [%0], {acc0,acc1};", to, upperShare); }
            if (upperColumns > 8) { CudaAsm.Emit("mul.f32 acc4, acc4, %1; mul.f32 acc5, acc5, %1; @none mov.f32 acc4, 0f00000000; @none mov.f32 acc5, 0f00000000; st.global.v2.f32 [%0+32], {acc4,acc5};", to, upperShare); }
            if (upperColumns > 16) { CudaAsm.Emit("mul.f32 acc8, acc8, %1; mul.f32 acc9, acc9, %1; @none mov.f32 acc8, 0f00000000; @none mov.f32 acc9, 0f00000000; st.global.v2.f32 [%0+64], {acc8,acc9};", to, upperShare); }
            if (upperColumns > 24) { CudaAsm.Emit("mul.f32 acc12, acc12, %1; mul.f32 acc13, acc13, %1; @none mov.f32 acc12, 0f00000000; @none mov.f32 acc13, 0f00000000; st.global.v2.f32 [%0+96], {acc12,acc13};", to, upperShare); }
            CudaAsm.Emit("setp.eq.f32 none, %0, 0f00000000;", lowerShare);
            to = y.Address + (lower * sizeof(float));
            if (lowerColumns > 0) { CudaAsm.Emit("mul.f32 acc2, acc2, %1; mul.f32 acc3, acc3, %1; @none mov.f32 acc2, 0f00000000; @none mov.f32 acc3, 0f00000000; st.global.v2.f32 [%0], {acc2,acc3};", to, lowerShare); }
            if (lowerColumns > 8) { CudaAsm.Emit("mul.f32 acc6, acc6, %1; mul.f32 acc7, acc7, %1; @none mov.f32 acc6, 0f00000000; @none mov.f32 acc7, 0f00000000; st.global.v2.f32 [%0+32], {acc6,acc7};", to, lowerShare); }
            if (lowerColumns > 16) { CudaAsm.Emit("mul.f32 acc10, acc10, %1; mul.f32 acc11, acc11, %1; @none mov.f32 acc10, 0f00000000; @none mov.f32 acc11, 0f00000000; st.global.v2.f32 [%0+64], {acc10,acc11};", to, lowerShare); }
            if (lowerColumns > 24) { CudaAsm.Emit("mul.f32 acc14, acc14, %1; mul.f32 acc15, acc15, %1; @none mov.f32 acc14, 0f00000000; @none mov.f32 acc15, 0f00000000; st.global.v2.f32 [%0+96], {acc14,acc15};", to, lowerShare); }
            return;
        }
        if (upperColumns > 0) { CudaAsm.Emit(Scale + "acc0" + By, out y.At[upper], upperShare); }
        if (upperColumns > 1) { CudaAsm.Emit(Scale + "acc1" + By, out y.At[upper + 1], upperShare); }
        if (upperColumns > 8) { CudaAsm.Emit(Scale + "acc4" + By, out y.At[upper + 8], upperShare); }
        if (upperColumns > 9) { CudaAsm.Emit(Scale + "acc5" + By, out y.At[upper + 9], upperShare); }
        if (upperColumns > 16) { CudaAsm.Emit(Scale + "acc8" + By, out y.At[upper + 16], upperShare); }
        if (upperColumns > 17) { CudaAsm.Emit(Scale + "acc9" + By, out y.At[upper + 17], upperShare); }
        if (upperColumns > 24) { CudaAsm.Emit(Scale + "acc12" + By, out y.At[upper + 24], upperShare); }
        if (upperColumns > 25) { CudaAsm.Emit(Scale + "acc13" + By, out y.At[upper + 25], upperShare); }
        CudaAsm.Emit("setp.eq.f32 none, %0, 0f00000000;", lowerShare);
        if (lowerColumns > 0) { CudaAsm.Emit(Scale + "acc2" + By, out y.At[lower], lowerShare); }
        if (lowerColumns > 1) { CudaAsm.Emit(Scale + "acc3" + By, out y.At[lower + 1], lowerShare); }
        if (lowerColumns > 8) { CudaAsm.Emit(Scale + "acc6" + By, out y.At[lower + 8], lowerShare); }
        if (lowerColumns > 9) { CudaAsm.Emit(Scale + "acc7" + By, out y.At[lower + 9], lowerShare); }
        if (lowerColumns > 16) { CudaAsm.Emit(Scale + "acc10" + By, out y.At[lower + 16], lowerShare); }
        if (lowerColumns > 17) { CudaAsm.Emit(Scale + "acc11" + By, out y.At[lower + 17], lowerShare); }
        if (lowerColumns > 24) { CudaAsm.Emit(Scale + "acc14" + By, out y.At[lower + 24], lowerShare); }
        if (lowerColumns > 25) { CudaAsm.Emit(Scale + "acc15" + By, out y.At[lower + 25], lowerShare); }
    }
}

/// <summary>The same without tensor cores, for tests.</summary>
internal struct SharedRow : IWarpRow
{
    private SharedProducts<Tf32> _products;

    public void Begin() => _products.Begin();

    public void Start(Float4 c0, Float4 c1, Float4 c2, Float4 c3) => _products.Start(c0, c1, c2, c3);

    public void Add(RowFragment a, ColumnFragments b) => _products.Add0(a, b);

    public readonly void Show(Floats to, int at, int below)
    {
        Show(_products.First.C0, to, at, below);
        Show(_products.First.C1, to, at + 8, below);
        Show(_products.First.C2, to, at + 16, below);
        Show(_products.First.C3, to, at + 24, below);
    }

    public readonly void Store(AttentionRow y, long upper, int upperColumns, float upperShare, long lower, int lowerColumns, float lowerShare)
    {
        Store(_products.First.C0, y.At, upper, upperColumns, upperShare, lower, lowerColumns, lowerShare);
        Store(_products.First.C1, y.At, upper + 8, upperColumns - 8, upperShare, lower + 8, lowerColumns - 8, lowerShare);
        Store(_products.First.C2, y.At, upper + 16, upperColumns - 16, upperShare, lower + 16, lowerColumns - 16, lowerShare);
        Store(_products.First.C3, y.At, upper + 24, upperColumns - 24, upperShare, lower + 24, lowerColumns - 24, lowerShare);
    }

    private static void Show(Float4 c, Floats to, int at, int below)
    {
        to[at] = c.X;
        to[at + 4] = c.Y;
        to[at + below] = c.Z;
        to[at + below + 4] = c.W;
    }

    private static void Store(Float4 c, Floats y, long upper, int upperColumns, float upperShare, long lower, int lowerColumns, float lowerShare)
    {
        if (upperColumns > 0) { y[upper] = upperShare == 0f ? 0f : c.X * upperShare; }
        if (upperColumns > 1) { y[upper + 1] = upperShare == 0f ? 0f : c.Y * upperShare; }
        if (lowerColumns > 0) { y[lower] = lowerShare == 0f ? 0f : c.Z * lowerShare; }
        if (lowerColumns > 1) { y[lower + 1] = lowerShare == 0f ? 0f : c.W * lowerShare; }
    }
}
