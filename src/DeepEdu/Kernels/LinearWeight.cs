using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>A dense layer's weight [outputs, inputs] as a product with so many rows takes it: as it is; in a session packed once, or of eight bits.</summary>
internal readonly unsafe ref struct LinearWeight
{
    private LinearWeight(Span<float> floats, bool isPacked = false, bool isInt8 = false)
    {
        Floats = floats;
        (IsPacked, IsInt8) = (isPacked, isInt8);
    }

    /// <summary>The memory.</summary>
    public Span<float> Floats { get; }

    /// <summary>Whether it is <see cref="GemmPanels"/>.</summary>
    public bool IsPacked { get; }

    /// <summary>Whether it is <see cref="Int8Panels"/>.</summary>
    public bool IsInt8 { get; }

    /// <summary>The weight for that many rows.</summary>
    public static LinearWeight Of(View weight, int rows, int inputs, int outputs)
    {
        if (!Prepared.KeepsFor(weight)) { return new(CpuDevice.Of(weight)); }
        bool packs = rows >= 16 && inputs > 0 && outputs > 1; // few rows are dot products with it as it is
        var panels = new WeightPanels(outputs, inputs);
        if (!Prepared.RoundsFor(weight)) { return packs ? new(Prepared.Of(weight, panels, default), isPacked: true) : new(CpuDevice.Of(weight)); }
        if (Int8Linear.Takes(rows, inputs)) { return new(Prepared.Of(weight, new Int8Panels(outputs, inputs), default), isInt8: true); }
        return packs ? new(Prepared.Of(weight, new Rounded<WeightPanels>(panels, outputs, inputs), default), isPacked: true)
            : new(Prepared.Of(weight, new Rounded<Plain>(new(outputs, inputs), outputs, inputs), default));
    }

    /// <summary>Y [rows, outputs] ← act(X·Wᵀ + bias).</summary>
    public void Product(int rows, int inputs, int outputs, float* x, float* y, Epilogue end)
    {
        fixed (float* w = Floats)
        {
            if (IsInt8) { Int8Linear.Run(rows, outputs, inputs, x, w, y, end); }
            else { Gemm.Run(false, !IsPacked, rows, outputs, inputs, x, inputs, w, IsPacked ? -inputs : inputs, y, outputs, epilogue: end); }
        }
    }

    /// <summary>Y [rows, outputs] ← X·Wᵀ + bias, finished by blocks of rows.</summary>
    public void Product<E>(int rows, int inputs, int outputs, float* x, float* y, float* bias, E end) where E : struct, IRowsEnd
    {
        fixed (float* w = Floats)
        {
            if (!IsInt8)
            {
                GemmRows.Run(true, IsPacked, rows, outputs, inputs, x, w, y, bias, end);
                return;
            }
            Int8Linear.Run(rows, outputs, inputs, x, w, y, new(bias, false));
            end.Run(0, rows, x, y);
        }
    }
}

/// <summary>A weight [outputs, inputs] as <see cref="GemmPanels.Pack"/> makes it.</summary>
internal readonly record struct WeightPanels(int Outputs, int Inputs) : IPreparation
{
    /// <inheritdoc/>
    public int Length => GemmPanels.Length(Outputs, Inputs);

    /// <inheritdoc/>
    public unsafe void Fill(float* weights, float* to) => GemmPanels.Pack(true, Outputs, Inputs, weights, Inputs, to);
}
