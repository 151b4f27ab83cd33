using DeepEdu.Devices;
using DeepEdu.Kernels;

namespace DeepEdu.Ops;

/// <summary>The way back from a dense layer: dX = (dY·W) ⊙ slope, db = Σ dY over rows, dW = dYᵀ·X. dY [rows, outputs], W and dW [outputs, inputs], X, slope and dX [rows, inputs], db [outputs].
/// A block of rows is summed and multiplied while it is in the cache; the two products are one piece of work, so that no thread waits for another between them.</summary>
/// <param name="Dy">Gradients of the outputs.</param>
/// <param name="W">The weight.</param>
/// <param name="X">The inputs; needed for dW alone.</param>
/// <param name="Slope">What the gradients of the inputs are multiplied by: the derivative of the function that made them. None if it has no memory.</param>
/// <param name="Dx">Gradients of the inputs, overwritten.</param>
/// <param name="DW">Gradients of the weight, overwritten; not made if it has no memory.</param>
/// <param name="DBias">Gradients of the bias, overwritten; not made if it has no memory.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Inputs">Inputs of a row.</param>
/// <param name="Outputs">Outputs of a row.</param>
internal readonly record struct LinearPull(View Dy, View W, View X, View Slope, View Dx, View DW, View DBias, int Rows, int Inputs, int Outputs) : IKernel
{
    private const int Gap = 32; // floats between the sums of two blocks: two cache lines, or two threads write one by turns

    /// <inheritdoc/>
    public static string Name => "linear-pull";

    /// <inheritdoc/>
    public string Sizes => $"{Rows} × {Outputs} → {Inputs}";

    /// <inheritdoc/>
    public unsafe void Run()
    {
        bool inBlocks = GemmRows.InBlocks(Rows, Inputs, Outputs);
        int step = Outputs + Gap, block = GemmRows.BlockRows(Inputs), blocks = (Rows + block - 1) / block;
        float* sums = inBlocks && !DBias.IsNone ? Scratch.Rows.Take(blocks * step) : null;
        fixed (float* dy = CpuDevice.Of(Dy), w = CpuDevice.Of(W), x = CpuDevice.Of(X), slope = CpuDevice.Of(Slope), dx = CpuDevice.Of(Dx), dw = CpuDevice.Of(DW))
        {
            var weights = new GemmCall { TransA = true, M = Outputs, N = Inputs, K = Rows, A = dy, Lda = Outputs, B = x, Ldb = Inputs, C = dw, Ldc = Inputs };
            if (inBlocks || slope is not null) { GemmRows.Run(false, false, Rows, Inputs, Outputs, dy, w, dx, null, new End(slope, Inputs, sums, Outputs, step, block), weights); }
            else
            {
                Gemm.Run(false, false, Rows, Inputs, Outputs, dy, Outputs, w, Inputs, dx, Inputs);
                Gemm.Run(weights);
            }
        }
        if (DBias.IsNone) { return; }
        if (sums is null) { CpuDevice.Instance.Fold(default(Reductions.SumFold), Dy, 1, Rows, Outputs, DBias); }
        else { CpuDevice.FoldRowsOf(default(Reductions.SumFold), ref *sums, ref CpuDevice.At(DBias), blocks, step, Outputs); }
    }

    private readonly unsafe struct End(float* slope, int inputs, float* sums, int outputs, int step, int block) : IRowsEnd
    {
        public void Run(int row, int rows, float* a, float* c)
        {
            if (slope is not null) { CpuDevice.ZipRange(default(Arithmetic.MulFormula), ref *c, ref *(slope + ((nint)row * inputs)), ref *c, rows * inputs); }
            if (sums is not null) { CpuDevice.FoldRowsOf(default(Reductions.SumFold), ref *a, ref sums[row / block * step], rows, outputs, outputs); }
        }
    }
}
