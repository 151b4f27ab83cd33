using DeepEdu.Kernels;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>The recurrent layers in other operations, step by step: what the fused sequence must equal, and the way that gradients of its gradients take.</summary>
internal static class RecurrentSteps
{
    /// <summary>Every step's h, the last h, and the last c if the cell has one.</summary>
    public static Tensor[] Run(CellKind kind, RecurrentInputs p, RecurrentPadding padding, bool batchFirst, bool reverse, Tensor? mask)
    {
        var device = p.WeightHh.Device;
        int time = batchFirst ? 1 : 0, steps = padding.Steps, gates = CellPlan.Of(kind).Gates, hidden = p.WeightHh.Shape[0] / gates;
        var marks = padding.Marks(device);
        var x = p.X;
        if (x is not null && marks is not null) { x = x.MaskedFill(marks.Equal(0).Unsqueeze(-1), 0); } // padding may hold anything
        var h = p.H0 ?? Tensor.Zeros([padding.Batch, p.WeightHh.Shape[1]], device);
        var c = p.C0 ?? (CellPlan.Of(kind).HasCell ? Tensor.Zeros([padding.Batch, hidden], device) : null);
        var outputs = new Tensor[steps];
        for (int i = 0; i < steps; i++)
        {
            int t = reverse ? steps - 1 - i : i;
            var input = x is not null ? At(x, t).MatMul(p.WeightIh, transB: true) : (p.Turned ? p.WeightIh : p.WeightIh.Transpose(0, 1)).Embedding(batchFirst ? p.Categories![.., t] : p.Categories![t, ..]);
            if (p.BiasIh is not null) { input += p.BiasIh; }
            var (next, cell) = Step(kind, p, input, h, mask is null ? h : h * mask, c, gates);
            if (marks is null) { (h, c, outputs[t]) = (next, cell, next); continue; }
            var counts = At(marks.Unsqueeze(-1), t);
            (h, outputs[t]) = (Tensor.Where(counts, next, h), Tensor.Where(counts, next, Tensor.Zeros([], device)));
            if (c is not null) { c = Tensor.Where(counts, cell!, c); }
        }
        var all = steps > 0 ? Tensor.Stack(outputs, time) : Tensor.Zeros([.. batchFirst ? (int[])[padding.Batch, 0] : [0, padding.Batch], p.WeightHh.Shape[1]], device);
        return c is null ? [all, h] : [all, h, c];

        Tensor At(Tensor values, int t) => values.Narrow(time, t, 1).Squeeze(time);
    }

    // input: x·Wᵢᵀ + bᵢ; seen: h as the products see it
    private static (Tensor H, Tensor? C) Step(CellKind kind, RecurrentInputs p, Tensor input, Tensor h, Tensor seen, Tensor? c, int gates)
    {
        var x = input.Chunk(gates, 1);
        if (kind == CellKind.GruResetBefore) { return (ResetBefore(p, x, h, seen), null); }
        var recurrent = seen.MatMul(p.WeightHh, transB: true);
        if (p.BiasHh is not null) { recurrent += p.BiasHh; }
        var r = recurrent.Chunk(gates, 1);
        if (kind == CellKind.Gru)
        {
            var (reset, update) = ((x[0] + r[0]).Sigmoid(), (x[1] + r[1]).Sigmoid());
            return (Mixed(update, (x[2] + (reset * r[2])).Tanh(), h), null);
        }
        if (kind is CellKind.Tanh or CellKind.Relu) { return (kind == CellKind.Tanh ? (input + recurrent).Tanh() : (input + recurrent).Relu(), null); }
        bool coupled = kind == CellKind.CoupledLstm;
        int first = coupled ? 0 : 1;
        var forget = (x[first] + r[first]).Sigmoid();
        var take = coupled ? 1 - forget : (x[0] + r[0]).Sigmoid();
        var cell = (forget * c!) + (take * (x[first + 1] + r[first + 1]).Tanh());
        var output = (x[first + 2] + r[first + 2]).Sigmoid() * cell.Tanh();
        return (p.WeightHr is null ? output : output.MatMul(p.WeightHr, transB: true), cell);
    }

    private static Tensor ResetBefore(RecurrentInputs p, Tensor[] x, Tensor h, Tensor seen)
    {
        var weights = p.WeightHh.Chunk(3, 0);
        var biases = p.BiasHh?.Chunk(3, 0);
        var (reset, update) = ((x[0] + Product(seen, 0)).Sigmoid(), (x[1] + Product(seen, 1)).Sigmoid());
        return Mixed(update, (x[2] + Product(reset * seen, 2)).Tanh(), h);

        Tensor Product(Tensor of, int gate)
        {
            var product = of.MatMul(weights[gate], transB: true);
            return biases is null ? product : product + biases[gate];
        }
    }

    private static Tensor Mixed(Tensor update, Tensor next, Tensor h) => ((1 - update) * next) + (update * h);
}
