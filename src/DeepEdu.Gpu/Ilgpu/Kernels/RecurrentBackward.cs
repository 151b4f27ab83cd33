using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using DeepEdu.Ops;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>A recurrent layer's way back: a launch a step leaves dL/d(gate sums) in place of the gates; every gradient of weights is one product of them over all rows.</summary>
internal static class RecurrentPull
{
    public static void Run(GpuDevice d, in RecurrentBackward k)
    {
        if (k.Data.Rows.Batch == 0 || k.Data.Hidden == 0) { return; }
        using var arena = new Arena();
        switch (k.Data.Kind)
        {
            case CellKind.Lstm: Run<GpuLstm>(d, k); break;
            case CellKind.CoupledLstm: Run<GpuCoupledLstm>(d, k); break;
            case CellKind.Gru: Run<GpuGru>(d, k); break;
            case CellKind.GruResetBefore: Run<GpuGruBefore>(d, k); break;
            case CellKind.Tanh: Run<GpuTanhCell>(d, k); break;
            default: Run<GpuReluCell>(d, k); break;
        }
    }

    private static void Run<C>(GpuDevice d, in RecurrentBackward k) where C : struct, IGpuCell
    {
        var p = k.Data;
        var steps = new RecurrentSteps(d, p);
        var memory = steps.Memory;
        int h = p.Hidden, r = p.Recurrent, rows = p.Rows.Count, batch = p.Rows.Batch, gates = C.Count, planes = C.Splits ? 4 : gates;
        bool projects = !p.WeightHr.IsNone, resets = p.Kind == CellKind.GruResetBefore;
        View dState = k.DC0.IsNone ? Rent(d, batch * h) : k.DC0, dBias = Rent(d, batch * planes * h);
        if (k.DLastC.IsNone) { d.Fill(dState, 0); } else { d.Copy(k.DLastC, dState); }
        Floats state = GpuDevice.Of(dState), bias = GpuDevice.Of(dBias), wh = GpuDevice.Of(p.WeightHh), any = memory.Gates;
        // what enters the product with Wₕ, and through which columns
        int back = resets ? 2 * h : gates * h;
        var dRecurrent = C.Splits || resets ? GpuDevice.Of(Rent(d, rows * back)) : memory.Gates;
        var dLate = resets ? GpuDevice.Of(Rent(d, rows * h)) : any;
        var total = projects ? GpuDevice.Of(Rent(d, rows * r)) : any;
        HiddenPull none = RecurrentKernels.Nothing(r, any), outer = new()
        {
            Width = r, DOutput = GpuDevice.Of(k.DOutput, any), DLast = GpuDevice.Of(k.DLastH, any), Mask = memory.Mask,
            HasDOutput = k.DOutput.IsNone ? 0 : 1, HasDLast = k.DLastH.IsNone ? 0 : 1, HasMask = memory.HasMask,
        };
        StepPlan next = new() { K = back, Units = r, Shift = 1 };
        BackwardEnd<C> cell = new() { Memory = memory, Pull = projects ? none : outer, DState = state, DBias = bias, DRecurrent = dRecurrent, DLate = dLate, Resets = resets ? 1 : 0 };
        bool whole = !projects && !resets && C.Count > 2 && new Sequences(d, p, steps).Run(
            new BackwardCell<C> { Memory = memory, Pull = outer, DState = state, DBias = bias, DRecurrent = dRecurrent }, wh, dRecurrent, default);
        if (!whole) { d.Fill(dBias, 0); }
        for (int s = whole ? -1 : steps.Count - 1; s >= 0; s--)
        {
            if (projects)
            {
                steps.Run(d, s, new PlainEnd { Pull = outer, To = total, Also = any }, dRecurrent, wh, next);
                steps.Run(d, s, cell, total, GpuDevice.Of(p.WeightHr), new() { K = r, Units = h });
            }
            else { steps.Run(d, s, cell, dRecurrent, wh, next); }
            if (resets)
            {
                steps.Run(d, s, new UnresetEnd { Memory = memory, DState = state, DBias = bias, DRecurrent = dRecurrent }, dLate, wh.SubView(2L * h * h, (long)h * h), new() { K = h, Units = h });
            }
        }
        if (!k.DH0.IsNone)
        {
            bool stateIsH = C.HasState && !CellPlan.Of(p.Kind).HasCell;
            steps.Run(d, -1, new PlainEnd { Pull = outer with { HasDOutput = 0 }, To = GpuDevice.Of(k.DH0), Also = state, BySequence = 1, HasAlso = stateIsH ? 1 : 0 }, dRecurrent, wh, next);
        }
        Biases(d, k, dBias, batch, planes, gates);
        if (!k.DWeightIh.IsNone && p.Categories is not null) { RecurrentCategories.Pull(d, p, memory.Gates, gates * h, k.DWeightIh); }
        else if (!k.DWeightIh.IsNone) { Product(d, memory.Gates, GpuDevice.Of(p.X), k.DWeightIh, gates * h, rows, p.Inputs); }
        if (!k.DX.IsNone && k.DX.Length > 0)
        {
            var dx = GpuDevice.Of(k.DX);
            MatMulKernel.Launch(d, memory.Gates, GpuDevice.Of(p.WeightIh), dx, dx, new() { M = rows, K = gates * h, N = p.Inputs, Batch = new(Broadcast.Flat(1)) }, 1);
        }
        if (!k.DWeightHr.IsNone) { Product(d, total, GpuDevice.Of(p.Raw), k.DWeightHr, r, rows, h); }
        if (k.DWeightHh.IsNone) { return; }
        var entering = GpuDevice.Of(Rent(d, rows * r));
        steps.Entering(d, GpuDevice.Of(p.Output), r, p.H0, entering);
        View dw = k.DWeightHh;
        Product(d, dRecurrent, entering, new(dw.Block, dw.Offset, back * r), back, rows, r);
        if (resets) { Product(d, dLate, memory.Reset, new(dw.Block, dw.Offset + (back * r), h * h), h, rows, h); }
    }

    // of a GRU, bₕ of n receives what r let through
    private static void Biases(GpuDevice d, in RecurrentBackward k, View dBias, int batch, int planes, int gates)
    {
        if (k.DBiasIh.IsNone && k.DBiasHh.IsNone) { return; }
        int h = k.Data.Hidden;
        var sums = Rent(d, planes * h);
        d.Fold(default(Reductions.SumFold), dBias, 1, batch, planes * h, sums);
        if (!k.DBiasIh.IsNone) { d.Copy(new(sums.Block, 0, gates * h), k.DBiasIh); }
        if (k.DBiasHh.IsNone) { return; }
        int same = planes > gates ? gates - 1 : gates;
        d.Copy(new(sums.Block, 0, same * h), new(k.DBiasHh.Block, k.DBiasHh.Offset, same * h));
        if (planes > gates) { d.Copy(new(sums.Block, gates * h, h), new(k.DBiasHh.Block, k.DBiasHh.Offset + (same * h), h)); }
    }

    // to [m, n] ← aᵀ·b over the rows
    private static void Product(GpuDevice d, Floats a, Floats b, View to, int m, int rows, int n)
    {
        if (to.Length == 0) { return; }
        if (rows == 0) { d.Fill(to, 0); return; }
        var c = GpuDevice.Of(to);
        MatMulKernel.Launch(d, a, b, c, c, new() { M = m, K = rows, N = n, TransA = 1, Batch = new(Broadcast.Flat(1)) }, 1);
    }

    private static View Rent(GpuDevice d, int length) => new(d.Allocate(Math.Max(1, length)), 0, length);
}
