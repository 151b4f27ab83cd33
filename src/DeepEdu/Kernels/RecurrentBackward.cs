using DeepEdu.Devices;
using DeepEdu.Memory;

namespace DeepEdu.Kernels;

/// <summary>A recurrent layer's way back: the steps in reverse order leave dL/d(gate sums) in place of the gates; every other gradient is one product of them over all
/// rows. Gradients whose view is none are not computed.</summary>
/// <param name="Data">What the way forward left.</param>
/// <param name="DOutput">dL/dh of each step [rows, R], or none.</param>
/// <param name="DLastH">dL/dh of the last state [batch, R], or none.</param>
/// <param name="DLastC">dL/dc of the last state [batch, H], or none.</param>
/// <param name="DX">Becomes dL/dx [rows, E].</param>
/// <param name="DWeightIh">Becomes dL/dWᵢ.</param>
/// <param name="DWeightHh">Becomes dL/dWₕ.</param>
/// <param name="DWeightHr">Becomes dL/dWᵣ.</param>
/// <param name="DBiasIh">Becomes dL/dbᵢ.</param>
/// <param name="DBiasHh">Becomes dL/dbₕ.</param>
/// <param name="DH0">Becomes dL/dh₀.</param>
/// <param name="DC0">Becomes dL/dc₀.</param>
internal readonly record struct RecurrentBackward(RecurrentData Data, View DOutput, View DLastH, View DLastC, View DX, View DWeightIh, View DWeightHh, View DWeightHr,
    View DBiasIh, View DBiasHh, View DH0, View DC0) : IKernel
{
    /// <inheritdoc/>
    public static string Name => "recurrent gradient";

    /// <inheritdoc/>
    public unsafe void Run()
    {
        var d = Data;
        var plan = CellPlan.Of(d.Kind);
        int e = d.Inputs, h = d.Hidden, hp = d.Padded, n = d.Recurrent, np = RecurrentWeights.Padded(n), batch = d.Rows.Batch, count = d.Rows.Count, planes = plan.Planes * hp;
        bool projects = !d.WeightHr.IsNone;
        using var arena = Arena.OfKernel();
        fixed (float* x = CpuDevice.Of(d.X), wi = CpuDevice.Of(d.WeightIh), wh = CpuDevice.Of(d.WeightHh), gates = CpuDevice.Of(d.Gates), cells = CpuDevice.Of(d.Cells),
            start = CpuDevice.Of(d.Start), dy = CpuDevice.Of(DOutput), lastH = CpuDevice.Of(DLastH), lastC = CpuDevice.Of(DLastC), dx = CpuDevice.Of(DX),
            dwi = CpuDevice.Of(DWeightIh), dwr = CpuDevice.Of(DWeightHr), dbi = CpuDevice.Of(DBiasIh), dbh = CpuDevice.Of(DBiasHh), dh0 = CpuDevice.Of(DH0), dc0 = CpuDevice.Of(DC0),
            wr = CpuDevice.Of(d.WeightHr), mask = CpuDevice.Of(d.Mask), raw = CpuDevice.Of(d.Raw),
            dh = RecurrentMemory.Rent(batch * np), dc = RecurrentMemory.Rent(batch * hp), db = RecurrentMemory.Rent(Math.Max(1, batch) * planes),
            panels = RecurrentMemory.Rent(plan.Recurrent.Count * hp * np), latePanels = RecurrentMemory.Rent(plan.Late.Count * hp * np),
            projection = RecurrentMemory.Rent(projects ? n * hp : 0), space = RecurrentMemory.Rent(projects ? batch * hp : 0), total = RecurrentMemory.Rent(projects ? count * n : 0))
        {
            RecurrentWeights.PackBackward(wh, plan.Recurrent, h, n, panels);
            RecurrentWeights.PackBackward(wh, plan.Late, h, n, latePanels);
            if (projects) { RecurrentWeights.Pack(wr, n, h, projection); }
            RecurrentMemory.Pad(lastH, batch, n, dh, np);
            RecurrentMemory.Pad(lastC, batch, h, dc, hp);
            new Span<float>(db, Math.Max(1, batch) * planes).Clear();
            new RecurrentSequence
            {
                Kind = d.Kind, Rows = d.Rows, Hidden = h, Recurrent = n, Back = true, Gates = gates, Cells = cells, Start = start, DOutput = dy, Dh = dh, Dc = dc, Db = db, Weights = panels,
                LateWeights = latePanels, Projection = projection, Space = space, DTotal = total, Mask = mask,
            }.Run();
            if (dh0 is not null)
            {
                if (plan is { HasState: true, HasCell: false }) { RecurrentMemory.Add(dh, dc, batch * np); } // h is the state, too
                RecurrentMemory.Trim(dh, batch, np, dh0, n);
            }
            if (dc0 is not null) { RecurrentMemory.Trim(dc, batch, hp, dc0, h); }
            for (int r = 1; r < batch; r++) { RecurrentMemory.Add(db, db + ((nint)r * planes), planes); }
            if (dbi is not null) { Bias(db, plan.Input, dbi); }
            if (dbh is not null)
            {
                Bias(db, plan.Recurrent, dbh);
                Bias(db, plan.Late, dbh);
            }
            if (dwr is not null) { Gemm.Run(true, false, n, h, count, total, n, raw, h, dwr, h); }
            fixed (float* product = RecurrentMemory.Rent(plan.Gates * hp * Math.Max(e, n)))
            {
                int width = plan.Input.Count * hp;
                float* dIn = gates + (plan.Input.Plane * hp);
                if (dwi is not null)
                {
                    Gemm.Run(true, false, e, width, count, x, e, dIn, planes, product, width);
                    RecurrentWeights.Separate(product, plan.Input, h, e, dwi);
                }
                if (dx is not null)
                {
                    RecurrentWeights.Planes(wi, plan.Input, h, e, product);
                    Gemm.Run(false, false, count, e, width, dIn, planes, product, e, dx, e);
                }
                if (!DWeightHh.IsNone) { RecurrentGradient(plan, gates, product); }
            }
        }
    }

    private unsafe void Bias(float* db, GateSet set, float* to)
    {
        for (int p = 0; p < set.Count; p++) { RecurrentMemory.Copy(db + ((nint)(set.Plane + p) * Data.Padded), Data.Hidden, to + ((nint)set.Of(p) * Data.Hidden)); }
    }

    // Σ over steps of h₋₁ᵀ·dGates. h₋₁ is the output one step before, so it is one product of the output with the gates moved by a step, once the first step of
    // each sequence, whose h₋₁ is h₀, is out of the way
    private unsafe void RecurrentGradient(CellPlan plan, float* gates, float* product)
    {
        var rows = Data.Rows;
        var (set, late) = (plan.Recurrent, plan.Late);
        int h = Data.Hidden, hp = Data.Padded, n = Data.Recurrent, planes = plan.Planes * hp, width = set.Count * hp, shift = Math.Abs(rows.Step), batch = rows.Batch;
        bool starts = !Data.H0.IsNone, masks = !Data.Mask.IsNone;
        fixed (float* y = CpuDevice.Of(masks ? Data.Masked : Data.Output), h0 = CpuDevice.Of(Data.H0), mask = CpuDevice.Of(Data.Mask), dw = CpuDevice.Of(DWeightHh), reset = CpuDevice.Of(Data.Reset),
            first = RecurrentMemory.Rent(starts ? batch * width : 0), masked0 = RecurrentMemory.Rent(starts && masks ? batch * n : 0))
        {
            if (late.Count > 0)
            {
                Gemm.Run(true, false, n, late.Count * hp, rows.Count, reset, hp, gates + (late.Plane * hp), planes, product, late.Count * hp);
                RecurrentWeights.Separate(product, late, h, n, dw);
            }
            gates += set.Plane * hp;
            for (int r = 0; r < batch; r++)
            {
                var to = first is null ? default : new Span<float>(first + ((nint)r * width), width);
                if (rows.Length[r] == 0) { to.Clear(); continue; }
                var from = new Span<float>(gates + ((nint)rows.First[r] * planes), width);
                if (first is not null) { from.CopyTo(to); }
                from.Clear();
            }
            float* before = rows.Step > 0 ? y : y + ((nint)shift * n), after = rows.Step > 0 ? gates + ((nint)shift * planes) : gates;
            Gemm.Run(true, false, n, width, rows.Count - shift, before, n, after, planes, product, width);
            if (starts)
            {
                if (masks) { RecurrentMemory.Multiply(h0, mask, batch * n, masked0); }
                Gemm.Run(true, false, n, width, batch, masks ? masked0 : h0, n, first, width, product, width, true);
            }
            RecurrentWeights.Separate(product, set, h, n, dw);
        }
    }
}
