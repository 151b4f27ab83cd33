using System.Numerics.Tensors;
using DeepEdu.Devices;
using DeepEdu.Memory;

namespace DeepEdu.Kernels;

/// <summary>What both ways of a recurrent layer work on. A view that is none is not there. G is the number of gates, P that of planes; see <see cref="CellPlan"/>.</summary>
internal readonly record struct RecurrentData
{
    /// <summary>The cell.</summary>
    public required CellKind Kind { get; init; }

    /// <summary>The rows of the sequences.</summary>
    public required RecurrentRows Rows { get; init; }

    /// <summary>E.</summary>
    public required int Inputs { get; init; }

    /// <summary>H.</summary>
    public required int Hidden { get; init; }

    /// <summary>Inputs [rows, E]; none where there are categories.</summary>
    public required View X { get; init; }

    /// <summary>Instead of inputs, which one of each row's E values is 1 while the others are 0 [rows].</summary>
    public int[]? Categories { get; init; }

    /// <summary>Whether Wᵢ is turned, [E, G·H]: with categories only.</summary>
    public bool Turned { get; init; }

    /// <summary>R, the width of h: H, or that of the projection.</summary>
    public required int Recurrent { get; init; }

    /// <summary>Wᵢ [G·H, E] and Wₕ [G·H, R] in PyTorch's order.</summary>
    public required View WeightIh { get; init; }

    /// <inheritdoc cref="WeightIh"/>
    public required View WeightHh { get; init; }

    /// <summary>Biases [G·H].</summary>
    public View BiasIh { get; init; }

    /// <inheritdoc cref="BiasIh"/>
    public View BiasHh { get; init; }

    /// <summary>Projection [R, H]; none if h is not projected.</summary>
    public View WeightHr { get; init; }

    /// <summary>What h is multiplied with before it enters the next step's products [batch, R]; none for 1.</summary>
    public View Mask { get; init; }

    /// <summary>Initial h [batch, R] and c [batch, H]; zeros if none.</summary>
    public View H0 { get; init; }

    /// <inheritdoc cref="H0"/>
    public View C0 { get; init; }

    /// <summary>Gates [rows, P·Hp], or [batch, P·Hp] if they are made step by step and not kept; see <see cref="RecurrentSequence"/>.</summary>
    public required View Gates { get; init; }

    /// <summary>The state of each step [rows, Hp]; none if there will be no way back, or the cell has no state.</summary>
    public required View Cells { get; init; }

    /// <summary>The state before the first step [batch, Hp].</summary>
    public required View Start { get; init; }

    /// <summary>h of each step [rows, R].</summary>
    public required View Output { get; init; }

    /// <summary>With a mask, the masked h of each step [rows, R].</summary>
    public View Masked { get; init; }

    /// <summary>With a projection, what is projected: [rows, H], or [batch, H] if there will be no way back.</summary>
    public View Raw { get; init; }

    /// <summary>Where h is reset first, r ⊙ h₋₁: [rows, Hp], or [batch, Hp] if there will be no way back.</summary>
    public View Reset { get; init; }

    /// <summary>Whether there will be a way back.</summary>
    public required bool Keep { get; init; }

    /// <summary>For the profiler.</summary>
    public string Sizes => $"{Rows.Batch} × {Rows.Count / Math.Max(1, Rows.Batch)} × {Inputs} → {Hidden}";

    /// <summary>Units padded to whole vectors.</summary>
    public int Padded => RecurrentWeights.Padded(Hidden);
}

/// <summary>A recurrent layer's way forward: one product of all inputs with Wᵢ, then the steps. For a large batch, both step by step.</summary>
/// <param name="Data">What it works on.</param>
/// <param name="LastH">Becomes h after each sequence's last step [batch, R].</param>
/// <param name="LastC">Becomes c after each sequence's last step [batch, H]; none if the cell has none.</param>
internal readonly record struct RecurrentForward(RecurrentData Data, View LastH, View LastC) : IKernel
{
    /// <inheritdoc/>
    public static string Name => "recurrent";

    /// <inheritdoc/>
    public string Sizes => Data.Sizes;

    /// <inheritdoc/>
    public unsafe void Run()
    {
        var d = Data;
        var plan = CellPlan.Of(d.Kind);
        if (!d.Keep) { d.Rows.Read(); } // a session's call has lengths of its own
        GateSet input = plan.Input, recurrent = plan.Recurrent, late = plan.Late;
        int e = d.Inputs, h = d.Hidden, hp = d.Padded, n = d.Recurrent, np = RecurrentWeights.Padded(n), batch = d.Rows.Batch, planes = plan.Planes * hp;
        bool projects = !d.WeightHr.IsNone, masks = !d.Mask.IsNone, stepwise = d.Rows.Stepwise && d.Categories is null;
        bool int8 = Prepared.RoundsFor(d.WeightHh) && RecurrentInt8.Takes(batch, n) && late.Count == 0;
        using var arena = Arena.OfKernel();
        fixed (float* x = CpuDevice.Of(d.X), bi = CpuDevice.Of(d.BiasIh), bh = CpuDevice.Of(d.BiasHh),
            h0 = CpuDevice.Of(d.H0), c0 = CpuDevice.Of(d.C0), gates = CpuDevice.Of(d.Gates), cells = CpuDevice.Of(d.Cells), start = CpuDevice.Of(d.Start), y = CpuDevice.Of(d.Output),
            lastH = CpuDevice.Of(LastH), lastC = CpuDevice.Of(LastC), mask = CpuDevice.Of(d.Mask), masked = CpuDevice.Of(d.Masked), raw = CpuDevice.Of(d.Raw),
            reset = CpuDevice.Of(d.Reset), inputs = d.Turned ? CpuDevice.Of(d.WeightIh)
                : RecurrentMemory.Prepare(d.WeightIh, new(d.Categories is not null ? RecurrentLayout.Table : stepwise ? RecurrentLayout.Steps : RecurrentLayout.Rows, input, h, e)),
            panels = int8 ? default : RecurrentMemory.Prepare(d.WeightHh, new(RecurrentLayout.Steps, recurrent, h, n)),
            codes = int8 ? Prepared.Of(d.WeightHh, new RecurrentInt8(recurrent, h, n), default) : default, whole = RecurrentMemory.Rent(int8 ? RecurrentSequence.MostParts * batch * Int8Panels.Pairs(n) : 0),
            latePanels = late.Count > 0 ? RecurrentMemory.Prepare(d.WeightHh, new(RecurrentLayout.Steps, late, h, n)) : default,
            projection = projects ? RecurrentMemory.Prepare(d.WeightHr, new(RecurrentLayout.Projection, default, n, h)) : default,
            bias = RecurrentMemory.Rent(planes), space = RecurrentMemory.Rent(projects ? batch * np : 0),
            masked0 = RecurrentMemory.Rent(masks && h0 is not null ? batch * n : 0), turns = RecurrentMemory.Rent(RecurrentSequence.Shares(d) ? Lockstep.Length : 0))
        {
            RecurrentWeights.Bias(bi, bh, plan, h, bias);
            if (!stepwise && d.Categories is null) { Inputs(plan, x, inputs, bias, gates); }
            RecurrentMemory.Pad(plan.HasCell ? c0 : h0, batch, h, start, hp);
            if (turns is not null) { new Span<float>(turns, Lockstep.Length).Clear(); }
            if (masked0 is not null) { RecurrentMemory.Multiply(h0, mask, batch * n, masked0); }
            new RecurrentSequence
            {
                Kind = d.Kind, Rows = d.Rows, Hidden = h, Recurrent = n, Keep = d.Keep, Gates = gates, Cells = cells, Start = start, Output = y, H0 = masked0 is null ? h0 : masked0,
                Weights = panels, LateWeights = latePanels, Reset = reset, Projection = projection, Raw = raw, Space = space, Mask = mask, Masked = masked,
                Input = stepwise ? inputs : null, X = x, Bias = bias, Inputs = e, Turns = turns,
                Table = d.Categories is null ? null : inputs, Categories = d.Categories is null ? default : new(d.Categories, e, plan, h, d.Turned),
                Int8 = codes, Whole = (short*)whole,
            }.Run();
            d.Rows.ClearOthers(y, n);
            if (masks) { d.Rows.ClearOthers(masked, n); }
            for (nint r = 0; r < batch; r++)
            {
                nint steps = d.Rows.Length[r], last = steps > 0 ? d.Rows.At(r, steps - 1) : 0;
                RecurrentMemory.Copy(steps > 0 ? y + (last * n) : h0 is null ? null : h0 + (r * n), n, lastH + (r * n));
                if (plan.HasCell) { RecurrentMemory.Copy(steps > 0 && d.Keep ? cells + (last * hp) : start + (r * hp), h, lastC + (r * h)); }
            }
        }
    }

    // all steps' input parts in one product; planes that have none start from their bias
    private unsafe void Inputs(CellPlan plan, float* x, float* weights, float* bias, float* gates)
    {
        var set = plan.Input;
        int e = Data.Inputs, hp = Data.Padded, planes = plan.Planes * hp;
        var rows = Data.Rows;
        if (rows.AreScattered) { Stretch(0, rows.Count); return; }
        foreach (var (from, count) in rows.Runs) { Stretch(from, count); }

        void Stretch(nint from, int count)
        {
            float* to = gates + (from * planes);
            Gemm.Run(false, true, count, set.Count * hp, e, x + (from * e), e, weights, e, to + (set.Plane * hp), planes, false, new Epilogue(bias + (set.Plane * hp), false));
            for (nint q = 0; q < count && set.Plane > 0; q++) { RecurrentMemory.Copy(bias, set.Plane * hp, to + (q * planes)); }
        }
    }
}

/// <summary>Working memory of a kernel, and rows with and without padding.</summary>
internal static unsafe class RecurrentMemory
{
    /// <summary>Memory of the current arena; its content is undefined.</summary>
    public static Span<float> Rent(int length) => length == 0 ? default : CpuDevice.Of(RentView(length));

    /// <inheritdoc cref="Rent"/>
    public static View RentView(int length) => new(CpuDevice.Instance.Allocate(length), 0, length);

    /// <summary>Weights in a layout for the way forward.</summary>
    public static Span<float> Prepare(View weights, in RecurrentPanels how) =>
        Prepared.RoundsFor(weights) ? Prepared.Of(weights, new Rounded<RecurrentPanels>(how, weights.Length / how.Columns, how.Columns), default)
            : Prepared.Of(weights, how, Prepared.KeepsFor(weights) ? default : Rent(how.Length));

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
