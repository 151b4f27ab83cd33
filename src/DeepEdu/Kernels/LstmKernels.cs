using System.Numerics.Tensors;
using DeepEdu.Devices;
using DeepEdu.Memory;

namespace DeepEdu.Kernels;

/// <summary>What both ways of an LSTM work on. A view that is none is not there.</summary>
internal readonly record struct LstmData
{
    /// <summary>The rows of the sequences.</summary>
    public required LstmRows Rows { get; init; }

    /// <summary>E.</summary>
    public required int Inputs { get; init; }

    /// <summary>H.</summary>
    public required int Hidden { get; init; }

    /// <summary>Inputs [rows, E].</summary>
    public required View X { get; init; }

    /// <summary>R, the width of h: H, or that of the projection.</summary>
    public required int Recurrent { get; init; }

    /// <summary>Wᵢ [4H, E] and Wₕ [4H, R] in PyTorch's order.</summary>
    public required View WeightIh { get; init; }

    /// <inheritdoc cref="WeightIh"/>
    public required View WeightHh { get; init; }

    /// <summary>Biases [4H].</summary>
    public View BiasIh { get; init; }

    /// <inheritdoc cref="BiasIh"/>
    public View BiasHh { get; init; }

    /// <summary>Projection [R, H]; none if h is not projected.</summary>
    public View WeightHr { get; init; }

    /// <summary>What h is multiplied with before it enters the next step [batch, R]; none for 1.</summary>
    public View Mask { get; init; }

    /// <summary>Initial states [batch, R] and [batch, H]; zeros if none.</summary>
    public View H0 { get; init; }

    /// <inheritdoc cref="H0"/>
    public View C0 { get; init; }

    /// <summary>Gates [rows, 4Hp], or [batch, 4Hp] if they are made step by step and not kept; see <see cref="LstmSequence"/>.</summary>
    public required View Gates { get; init; }

    /// <summary>c of each step [rows, Hp]; none if there will be no way back.</summary>
    public required View Cells { get; init; }

    /// <summary>c before the first step [batch, Hp].</summary>
    public required View Start { get; init; }

    /// <summary>h of each step [rows, R].</summary>
    public required View Output { get; init; }

    /// <summary>With a mask, the masked h of each step [rows, R].</summary>
    public View Masked { get; init; }

    /// <summary>With a projection, what is projected: [rows, H], or [batch, H] if there will be no way back.</summary>
    public View Raw { get; init; }

    /// <summary>Units padded to whole vectors.</summary>
    public int Padded => LstmWeights.Padded(Hidden);
}

/// <summary>The LSTM's way forward: one product of all inputs with Wᵢ, then the steps. For a large batch, both step by step.</summary>
/// <param name="Data">What it works on.</param>
/// <param name="LastH">Becomes h after each sequence's last step [batch, R].</param>
/// <param name="LastC">Becomes c after each sequence's last step [batch, H].</param>
internal readonly record struct LstmForward(LstmData Data, View LastH, View LastC) : IKernel
{
    /// <inheritdoc/>
    public static string Name => "lstm";

    /// <inheritdoc/>
    public unsafe void Run()
    {
        var d = Data;
        int e = d.Inputs, h = d.Hidden, hp = d.Padded, n = d.Recurrent, np = LstmWeights.Padded(n), batch = d.Rows.Batch;
        bool projects = !d.WeightHr.IsNone, masks = !d.Mask.IsNone;
        bool stepwise = d.Rows.Stepwise;
        using var arena = Arena.OfKernel();
        fixed (float* x = CpuDevice.Of(d.X), bi = CpuDevice.Of(d.BiasIh), bh = CpuDevice.Of(d.BiasHh), h0 = CpuDevice.Of(d.H0), c0 = CpuDevice.Of(d.C0), gates = CpuDevice.Of(d.Gates), cells = CpuDevice.Of(d.Cells), start = CpuDevice.Of(d.Start), y = CpuDevice.Of(d.Output),
            lastH = CpuDevice.Of(LastH), lastC = CpuDevice.Of(LastC), mask = CpuDevice.Of(d.Mask), masked = CpuDevice.Of(d.Masked), raw = CpuDevice.Of(d.Raw),
            input = LstmMemory.Prepare(d.WeightIh, new(stepwise ? LstmLayout.Steps : LstmLayout.Rows, h, e)), panels = LstmMemory.Prepare(d.WeightHh, new(LstmLayout.Steps, h, n)),
            projection = projects ? LstmMemory.Prepare(d.WeightHr, new(LstmLayout.Projection, n, h)) : default, bias = LstmMemory.Rent(4 * hp),
            space = LstmMemory.Rent(projects ? batch * np : 0), masked0 = LstmMemory.Rent(masks && h0 is not null ? batch * n : 0))
        {
            LstmWeights.Bias(bi, bh, h, bias);
            if (!stepwise) { Gemm.Run(false, true, d.Rows.Count, 4 * hp, e, x, e, input, e, gates, 4 * hp, false, new Epilogue(bias, false)); }
            LstmMemory.Pad(c0, batch, h, start, hp);
            if (masked0 is not null) { LstmMemory.Multiply(h0, mask, batch * n, masked0); }
            new LstmSequence
            {
                Rows = d.Rows, Hidden = h, Recurrent = n, Keep = cells is not null, Gates = gates, Cells = cells, Start = start, Output = y, H0 = masked0 is null ? h0 : masked0,
                Weights = panels, Projection = projection, Raw = raw, Space = space, Mask = mask, Masked = masked,
                Input = stepwise ? input : null, X = x, Bias = bias, Inputs = e,
            }.Run();
            for (nint r = 0; r < batch; r++)
            {
                nint steps = d.Rows.Length[r], last = d.Rows.First[r] + ((steps - 1) * d.Rows.Step);
                LstmMemory.Copy(steps > 0 ? y + (last * n) : h0 is null ? null : h0 + (r * n), n, lastH + (r * n));
                LstmMemory.Copy(steps > 0 && cells is not null ? cells + (last * hp) : start + (r * hp), h, lastC + (r * h));
            }
        }
    }
}

/// <summary>The LSTM's way back: the steps in reverse order leave dL/d(gate sums) in place of the gates; every other gradient is one product of them over all rows.
/// Gradients whose view is none are not computed.</summary>
/// <param name="Data">What the way forward left.</param>
/// <param name="DOutput">dL/dh of each step [rows, R], or none.</param>
/// <param name="DLastH">dL/dh of the last state [batch, R], or none.</param>
/// <param name="DLastC">dL/dc of the last state [batch, H], or none.</param>
/// <param name="DX">Becomes dL/dx [rows, E].</param>
/// <param name="DWeightIh">Becomes dL/dWᵢ.</param>
/// <param name="DWeightHh">Becomes dL/dWₕ.</param>
/// <param name="DWeightHr">Becomes dL/dWᵣ.</param>
/// <param name="DBias">Becomes dL/db, the same for both biases.</param>
/// <param name="DH0">Becomes dL/dh₀.</param>
/// <param name="DC0">Becomes dL/dc₀.</param>
internal readonly record struct LstmBackward(
    LstmData Data, View DOutput, View DLastH, View DLastC, View DX, View DWeightIh, View DWeightHh, View DWeightHr, View DBias, View DH0, View DC0) : IKernel
{
    /// <inheritdoc/>
    public static string Name => "lstm gradient";

    /// <inheritdoc/>
    public unsafe void Run()
    {
        var d = Data;
        int e = d.Inputs, h = d.Hidden, hp = d.Padded, n = d.Recurrent, np = LstmWeights.Padded(n), batch = d.Rows.Batch, count = d.Rows.Count;
        bool projects = !d.WeightHr.IsNone;
        using var arena = Arena.OfKernel();
        fixed (float* x = CpuDevice.Of(d.X), wi = CpuDevice.Of(d.WeightIh), wh = CpuDevice.Of(d.WeightHh), gates = CpuDevice.Of(d.Gates), cells = CpuDevice.Of(d.Cells),
            start = CpuDevice.Of(d.Start), dy = CpuDevice.Of(DOutput), lastH = CpuDevice.Of(DLastH), lastC = CpuDevice.Of(DLastC), dx = CpuDevice.Of(DX),
            dwi = CpuDevice.Of(DWeightIh), dwr = CpuDevice.Of(DWeightHr), dbias = CpuDevice.Of(DBias), dh0 = CpuDevice.Of(DH0), dc0 = CpuDevice.Of(DC0),
            wr = CpuDevice.Of(d.WeightHr), mask = CpuDevice.Of(d.Mask), raw = CpuDevice.Of(d.Raw),
            dh = LstmMemory.Rent(batch * np), dc = LstmMemory.Rent(batch * hp), db = LstmMemory.Rent(Math.Max(1, batch) * 4 * hp), panels = LstmMemory.Rent(4 * hp * np),
            projection = LstmMemory.Rent(projects ? n * hp : 0), space = LstmMemory.Rent(projects ? batch * hp : 0), total = LstmMemory.Rent(projects ? count * n : 0))
        {
            LstmWeights.PackBackward(wh, h, n, panels);
            if (projects) { LstmWeights.Pack(wr, n, h, projection); }
            LstmMemory.Pad(lastH, batch, n, dh, np);
            LstmMemory.Pad(lastC, batch, h, dc, hp);
            new Span<float>(db, Math.Max(1, batch) * 4 * hp).Clear();
            new LstmSequence
            {
                Rows = d.Rows, Hidden = h, Recurrent = n, Back = true, Gates = gates, Cells = cells, Start = start, DOutput = dy, Dh = dh, Dc = dc, Db = db, Weights = panels,
                Projection = projection, Space = space, DTotal = total, Mask = mask,
            }.Run();
            if (dh0 is not null) { LstmMemory.Trim(dh, batch, np, dh0, n); }
            if (dc0 is not null) { LstmMemory.Trim(dc, batch, hp, dc0, h); }
            if (dbias is not null)
            {
                for (int r = 1; r < batch; r++) { LstmMemory.Add(db, db + ((nint)r * 4 * hp), 4 * hp); }
                LstmWeights.Separate(db, h, 1, dbias);
            }
            if (dwr is not null) { Gemm.Run(true, false, n, h, count, total, n, raw, h, dwr, h); }
            fixed (float* product = LstmMemory.Rent(4 * hp * Math.Max(e, n)))
            {
                if (dwi is not null)
                {
                    Gemm.Run(true, false, e, 4 * hp, count, x, e, gates, 4 * hp, product, 4 * hp);
                    LstmWeights.Separate(product, h, e, dwi);
                }
                if (dx is not null)
                {
                    LstmWeights.Interleave(wi, h, e, product);
                    Gemm.Run(false, false, count, e, 4 * hp, gates, 4 * hp, product, e, dx, e);
                }
                if (!DWeightHh.IsNone) { RecurrentWeights(gates, product); }
            }
        }
    }

    // Σ over steps of h₋₁ᵀ·dGates. h₋₁ is the output one step before, so it is one product of the output with the gates moved by a step, once the first step of
    // each sequence, whose h₋₁ is h₀, is out of the way
    private unsafe void RecurrentWeights(float* gates, float* product)
    {
        var rows = Data.Rows;
        int h = Data.Hidden, n = Data.Recurrent, width = 4 * Data.Padded, shift = Math.Abs(rows.Step), batch = rows.Batch;
        bool starts = !Data.H0.IsNone, masks = !Data.Mask.IsNone;
        fixed (float* y = CpuDevice.Of(masks ? Data.Masked : Data.Output), h0 = CpuDevice.Of(Data.H0), mask = CpuDevice.Of(Data.Mask), dw = CpuDevice.Of(DWeightHh),
            first = LstmMemory.Rent(starts ? batch * width : 0), masked0 = LstmMemory.Rent(starts && masks ? batch * n : 0))
        {
            for (int r = 0; r < batch; r++)
            {
                var to = first is null ? default : new Span<float>(first + ((nint)r * width), width);
                if (rows.Length[r] == 0) { to.Clear(); continue; }
                var from = new Span<float>(gates + ((nint)rows.First[r] * width), width);
                if (first is not null) { from.CopyTo(to); }
                from.Clear();
            }
            float* before = rows.Step > 0 ? y : y + ((nint)shift * n), after = rows.Step > 0 ? gates + ((nint)shift * width) : gates;
            Gemm.Run(true, false, n, width, rows.Count - shift, before, n, after, width, product, width);
            if (starts)
            {
                if (masks) { LstmMemory.Multiply(h0, mask, batch * n, masked0); }
                Gemm.Run(true, false, n, width, batch, masks ? masked0 : h0, n, first, width, product, width, true);
            }
            LstmWeights.Separate(product, h, n, dw);
        }
    }
}

/// <summary>Working memory of a kernel, and rows with and without padding.</summary>
internal static unsafe class LstmMemory
{
    /// <summary>Memory of the current arena; its content is undefined.</summary>
    public static Span<float> Rent(int length) => length == 0 ? default : ((CpuBlock)CpuDevice.Instance.Allocate(length)).Span[..length];

    /// <summary>Weights in a layout for the way forward.</summary>
    public static Span<float> Prepare(View weights, in LstmPanels how) => Prepared.Of(weights, how, Prepared.Keeps ? default : Rent(how.Length));

    /// <summary>to [length] ← from, or 0 if null.</summary>
    public static void Copy(float* from, int length, float* to)
    {
        if (from is null) { new Span<float>(to, length).Clear(); } else { new Span<float>(from, length).CopyTo(new Span<float>(to, length)); }
    }

    /// <summary>to [length] += x.</summary>
    public static void Add(float* to, float* x, int length)
    {
        var sum = new Span<float>(to, length);
        TensorPrimitives.Add(sum, new ReadOnlySpan<float>(x, length), sum);
    }

    /// <summary>to [length] ← a ⊙ b.</summary>
    public static void Multiply(float* a, float* b, int length, float* to) =>
        TensorPrimitives.Multiply(new ReadOnlySpan<float>(a, length), new ReadOnlySpan<float>(b, length), new Span<float>(to, length));

    /// <summary>to [rows, padded] ← from [rows, width], or 0 if null.</summary>
    public static void Pad(float* from, int rows, int width, float* to, int padded)
    {
        for (int r = 0; r < rows; r++)
        {
            var row = new Span<float>(to + ((nint)r * padded), padded);
            if (from is not null) { new Span<float>(from + ((nint)r * width), width).CopyTo(row); }
            row[(from is null ? 0 : width)..].Clear();
        }
    }

    /// <summary>to [rows, width] ← the first columns of from [rows, padded].</summary>
    public static void Trim(float* from, int rows, int padded, float* to, int width)
    {
        for (int r = 0; r < rows; r++) { new Span<float>(from + ((nint)r * padded), width).CopyTo(new Span<float>(to + ((nint)r * width), width)); }
    }
}
