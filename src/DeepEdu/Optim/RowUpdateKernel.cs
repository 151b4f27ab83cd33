using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>Steps rows of w [count, Width] and of its statistics by the gradient g [rows, Width] and leaves all other rows. No row stands twice, so chunks do not meet.</summary>
/// <typeparam name="F">The optimiser's formula.</typeparam>
public readonly record struct RowUpdateKernel<F>(F Formula, View W, View G, View S1, View S2, View S3, Indices Rows, int Width) : IKernel, IRange where F : unmanaged, IUpdate
{
    /// <inheritdoc/>
    public static string Name => "row update";

    /// <inheritdoc/>
    public void Run()
    {
        W.Block.Changes();
        Work.For(Rows.Size, Math.Max(1, CpuDevice.Grain / Width), this);
    }

    /// <inheritdoc/>
    public void Run(int from, int to)
    {
        var rows = Rows.Span;
        var body = new CpuDevice.UpdateChunks<F> { Formula = Formula, W = W, G = G, S1 = S1, S2 = S2, S3 = S3 };
        for (; from < to; from++) { body.Step(rows[from] * Width, from * Width, Width); }
    }
}
