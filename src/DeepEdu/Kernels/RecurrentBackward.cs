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
    // of a sum over all rows: such a block of both factors is in the second-level cache, or close to it, while one stripe after the other reads it
    private const int BlockRows = 1024;

    /// <inheritdoc/>
    public static string Name => "recurrent gradient";

    /// <inheritdoc/>
    public string Sizes => Data.Sizes;

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
            if (dwr is not null) { Sum(d.Rows, 0, n, h, total, n, raw, h, dwr); }
            fixed (float* product = RecurrentMemory.Rent(plan.Gates * hp * Math.Max(d.Turned ? 0 : e, n)))
            {
                int width = plan.Input.Count * hp;
                float* dIn = gates + (plan.Input.Plane * hp);
                if (dwi is not null && d.Categories is { } categories) { new CategoryTable(categories, e, plan, h, d.Turned).Add(d.Rows, gates, d.Turned ? dwi : product); }
                else if (dwi is not null || dx is not null)
                {
                    fixed (float* inputs = RecurrentMemory.Rent(dx is null ? 0 : width * e))
                    {
                        if (dx is not null) { RecurrentWeights.Planes(wi, plan.Input, h, e, inputs); }
                        Inputs(d.Rows, e, width, x, dIn, planes, inputs, dwi is null ? null : product, dx);
                    }
                }
                if (dwi is not null && !d.Turned) { RecurrentWeights.Separate(product, plan.Input, h, e, dwi); }
                if (!DWeightHh.IsNone) { RecurrentGradient(plan, gates, product); }
            }
        }
    }

    private unsafe void Bias(float* db, GateSet set, float* to)
    {
        for (int p = 0; p < set.Count; p++) { RecurrentMemory.Copy(db + ((nint)(set.Plane + p) * Data.Padded), Data.Hidden, to + ((nint)set.Of(p) * Data.Hidden)); }
    }

    // dWᵢ ← Σ xᵀ·dGates and dx ← dGates·Wᵢ, a block of rows after the other: the second product finds the block's gradients in the cache where the first has brought them
    private static unsafe void Inputs(RecurrentRows rows, int inputs, int width, float* x, float* gates, int planes, float* weights, float* dWeight, float* dx)
    {
        bool any = false;
        foreach (var (from, count) in rows.Runs)
        {
            for (nint at = from; at < from + count; at += BlockRows, any = true)
            {
                int now = (int)Math.Min(BlockRows, from + count - at);
                float* block = gates + (at * planes);
                if (dWeight is not null) { Gemm.Run(true, false, inputs, width, now, x + (at * inputs), inputs, block, planes, dWeight, width, any); }
                if (dx is not null) { Gemm.Run(false, false, now, inputs, width, block, planes, weights, inputs, dx + (at * inputs), inputs); }
            }
        }
        if (!any && dWeight is not null) { new Span<float>(dWeight, inputs * width).Clear(); }
        if (dx is not null) { rows.ClearOthers(dx, inputs); }
    }

    // to [m, n] ← Σ over the rows q that count of a[q − back]ᵀ·b[q]
    private static unsafe void Sum(RecurrentRows rows, int back, int m, int n, float* a, nint lda, float* b, nint ldb, float* to)
    {
        bool any = false;
        foreach (var (from, count) in rows.Runs)
        {
            nint at = Math.Max(from, back);
            int k = Math.Max(0, Math.Min(from + count, rows.Count + Math.Min(back, 0)) - (int)at);
            for (int now; k > 0 || !any; at += now, k -= now, any = true)
            {
                now = Math.Min(k, BlockRows);
                Gemm.Run(true, false, m, n, now, a + ((at - back) * lda), lda, b + (at * ldb), ldb, to, n, any);
            }
        }
    }

    // Σ over steps of h₋₁ᵀ·dGates. h₋₁ is the output one step before, so it is a product of the output with the gates moved by a step, once the first step of
    // each sequence, whose h₋₁ is h₀, and steps behind one that does not count are out of the way
    private unsafe void RecurrentGradient(CellPlan plan, float* gates, float* product)
    {
        var rows = Data.Rows;
        var (set, late) = (plan.Recurrent, plan.Late);
        int h = Data.Hidden, hp = Data.Padded, n = Data.Recurrent, planes = plan.Planes * hp, width = set.Count * hp, batch = rows.Batch, apart = rows.Breaks;
        bool starts = !Data.H0.IsNone, masks = !Data.Mask.IsNone;
        if (starts) { apart += batch; }
        fixed (float* y = CpuDevice.Of(masks ? Data.Masked : Data.Output), h0 = CpuDevice.Of(Data.H0), mask = CpuDevice.Of(Data.Mask), dw = CpuDevice.Of(DWeightHh), reset = CpuDevice.Of(Data.Reset),
            others = RecurrentMemory.Rent(apart * width), before = RecurrentMemory.Rent(apart * n))
        {
            if (late.Count > 0)
            {
                Sum(rows, 0, n, late.Count * hp, reset, hp, gates + (late.Plane * hp), planes, product);
                RecurrentWeights.Separate(product, late, h, n, dw);
            }
            gates += set.Plane * hp;
            int k = 0;
            for (int r = 0; r < batch; r++)
            {
                for (int s = 0; s < (rows.Breaks > 0 ? rows.Length[r] : Math.Min(1, rows.Length[r])); s++)
                {
                    nint q = rows.At(r, s), last = s > 0 ? rows.At(r, s - 1) : 0;
                    if (s > 0 && q - last == rows.Step) { continue; }
                    float* from = gates + (q * planes), h1 = before + ((nint)k * n);
                    if (s > 0 || starts)
                    {
                        RecurrentMemory.Copy(from, width, others + ((nint)k++ * width));
                        if (s > 0) { RecurrentMemory.Copy(y + (last * n), n, h1); }
                        else if (masks) { RecurrentMemory.Multiply(h0 + ((nint)r * n), mask + ((nint)r * n), n, h1); }
                        else { RecurrentMemory.Copy(h0 + ((nint)r * n), n, h1); }
                    }
                    RecurrentMemory.Copy(null, width, from);
                }
            }
            Sum(rows, rows.Step, n, width, y, n, gates, planes, product);
            if (k > 0) { Gemm.Run(true, false, n, width, k, before, n, others, width, product, width, true); }
            RecurrentWeights.Separate(product, set, h, n, dw);
        }
    }
}
