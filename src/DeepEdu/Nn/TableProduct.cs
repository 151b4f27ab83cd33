using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>An embedding's rows times the weight of the recurrent layer behind it, table · Wᵀ. In an inference session both stay as they are from call to call: the product is made again only when one of them has changed.</summary>
/// <param name="table">[count, E].</param>
/// <param name="weight">W [G·H, E].</param>
/// <param name="to">[count, G·H].</param>
internal sealed class TableProduct(Tensor table, Tensor weight, View to) : Recording.Call
{
    private (int Table, int Weight, bool Rounds)? _made;

    /// <summary>The product [count, G·H].</summary>
    public static Tensor Of(Tensor table, Tensor weight)
    {
        if (Recording.Current is not { } recording || recording.Owns(table.View.Block) || recording.Owns(weight.View.Block)) { return table.MatMul(weight, transB: true); }
        var y = Tensor.Empty([table.Shape[0], weight.Shape[0]]);
        recording.Run(new TableProduct(table, weight, y.View));
        return y;
    }

    /// <inheritdoc/>
    public override void Run()
    {
        // read first: a change meanwhile makes it stale
        var now = (table.View.Block.Version, weight.View.Block.Version, Prepared.RoundsFor(weight.View));
        if (_made == now) { return; }
        _made = null;
        using var arena = new Arena();
        CpuDevice.Instance.Copy(table.MatMul(now.Item3 ? Rounded() : weight, transB: true).View, to);
        _made = now;
    }

    // a file with weights of eight bits holds these
    private unsafe Tensor Rounded()
    {
        var rounded = Tensor.Empty(weight.Shape);
        fixed (float* from = CpuDevice.Of(weight.View), at = CpuDevice.Of(rounded.View)) { Int8Weights.Round(from, weight.Shape[0], weight.Shape[1], at); }
        return rounded;
    }
}
