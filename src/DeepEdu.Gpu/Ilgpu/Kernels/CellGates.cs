using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>The gates of a cell in memory, whether its steps are launches or one.</summary>
internal static class CellGates
{
    /// <summary>A step's: what its inputs add to the sums, or, on the way back, its values.</summary>
    public static Gates Load<C>(CellMemory m, StepPlace at) where C : struct, IGpuCell
    {
        Gates g = default;
        g.A = m.Gates[m.Gate(at, C.Count, 0)];
        if (C.Count > 1) { g.B = m.Gates[m.Gate(at, C.Count, 1)]; }
        if (C.Count > 2) { g.C = m.Gates[m.Gate(at, C.Count, 2)]; }
        if (C.Count > 3) { g.D = m.Gates[m.Gate(at, C.Count, 3)]; }
        return g;
    }

    /// <summary>bₕ of a unit.</summary>
    public static Gates Bias<C>(CellMemory m, StepPlace at) where C : struct, IGpuCell
    {
        Gates g = default;
        g.A = m.BiasOf(at, 0);
        if (C.Count > 1) { g.B = m.BiasOf(at, 1); }
        if (C.Count > 2) { g.C = m.BiasOf(at, 2); }
        if (C.Count > 3) { g.D = m.BiasOf(at, 3); }
        return g;
    }

    /// <summary>All that a cell's function takes: the product with h, the inputs' part, the bias. Where the last gate's parts stay apart, the recurrent one is D.</summary>
    public static Gates Sum<C>(Gates product, Gates inputs, Gates bias) where C : struct, IGpuCell
    {
        Gates g = default;
        g.A = product.A + inputs.A + bias.A;
        if (C.Count > 1) { g.B = product.B + inputs.B + bias.B; }
        if (C.Splits) { (g.C, g.D) = (inputs.C, product.C + bias.C); }
        else
        {
            if (C.Count > 2) { g.C = product.C + inputs.C + bias.C; }
            if (C.Count > 3) { g.D = product.D + inputs.D + bias.D; }
        }
        return g;
    }

    /// <summary>Puts values, or dL/d(sums), in their place.</summary>
    public static void Store<C>(CellMemory m, StepPlace at, Gates g) where C : struct, IGpuCell
    {
        m.Gates[m.Gate(at, C.Count, 0)] = g.A.V;
        if (C.Count > 1) { m.Gates[m.Gate(at, C.Count, 1)] = g.B.V; }
        if (C.Count > 2) { m.Gates[m.Gate(at, C.Count, 2)] = g.C.V; }
        if (C.Count > 3) { m.Gates[m.Gate(at, C.Count, 3)] = g.D.V; }
    }

    /// <summary>dL/d(the recurrent product) where the last gate's parts stay apart.</summary>
    public static void StoreRecurrent(CellMemory m, StepPlace at, Gates g, Floats to)
    {
        long from = m.Gate(at, 3, 0), hidden = m.Hidden;
        to[from] = g.A.V;
        to[from + hidden] = g.B.V;
        to[from + (2 * hidden)] = g.D.V;
    }
}
