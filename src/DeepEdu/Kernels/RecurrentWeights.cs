using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Between PyTorch's order of the gate rows (all of the first gate, all of the second) and the kernels' planes and panels. A plane is one gate's units, padded to
/// whole vectors with 0; a panel holds all gates of one vector of units, so that one tile has what the non-linearity needs.</summary>
internal static unsafe class RecurrentWeights
{
    /// <summary>The widest vector of this machine: units in a block.</summary>
    public static int Width => F16.IsSupported ? 16 : F8.IsSupported ? 8 : F4.IsSupported ? 4 : 1;

    /// <summary>Units padded to whole vectors.</summary>
    public static int Padded(int hidden) => (hidden + Width - 1) / Width * Width;

    /// <summary>Rows of w [gates·H, columns] in the kernels' planes: to [planes of the set · Hp, columns].</summary>
    public static void Planes(float* w, GateSet set, int hidden, int columns, float* to)
    {
        int padded = Padded(hidden);
        for (int p = 0; p < set.Count; p++, to += (nint)padded * columns)
        {
            RecurrentMemory.Copy(w + ((nint)set.Of(p) * hidden * columns), hidden * columns, to);
            new Span<float>(to + ((nint)hidden * columns), (padded - hidden) * columns).Clear();
        }
    }

    /// <summary>A row for each column of w [gates·H, columns], its gates in the kernels' planes: to [columns, planes of the set · Hp].</summary>
    public static void Table(float* w, GateSet set, int hidden, int columns, float* to)
    {
        int padded = Padded(hidden);
        for (int p = 0; p < set.Count; p++) { Transpose(w + ((nint)set.Of(p) * hidden * columns), hidden, columns, to + (p * padded), padded, set.Count * padded); }
    }

    /// <summary>Both biases [G·H], either of which may be null, in the kernels' planes: to [P·Hp].</summary>
    public static void Bias(float* input, float* recurrent, CellPlan plan, int hidden, float* to)
    {
        new Span<float>(to, plan.Planes * Padded(hidden)).Clear();
        AddBias(input, plan.Input, hidden, to);
        AddBias(recurrent, plan.Recurrent, hidden, to);
        AddBias(recurrent, plan.Late, hidden, to);
    }

    private static void AddBias(float* bias, GateSet set, int hidden, float* to)
    {
        if (bias is null) { return; }
        for (int p = 0; p < set.Count; p++) { RecurrentMemory.Add(to + ((nint)(set.Plane + p) * Padded(hidden)), bias + ((nint)set.Of(p) * hidden), hidden); }
    }

    /// <summary>The transpose of from [rows, planes of the set · Hp] to its gates in to [gates·H, rows]: how weight gradients leave.</summary>
    public static void Separate(float* from, GateSet set, int hidden, int rows, float* to)
    {
        int width = Width, padded = Padded(hidden), step = set.Count * padded;
        for (int p = 0; p < set.Count; p++)
        {
            for (int block = 0; block < hidden; block += width)
            {
                float* x = from + ((nint)p * padded) + block, y = to + (((nint)set.Of(p) * hidden) + block) * rows;
                int units = Math.Min(width, hidden - block);
                // eight rows at a time: their lines stay in the cache while each unit reads eight neighbours
                for (int k = 0; k < rows; k += 8)
                {
                    for (int u = 0; u < units; u++)
                    {
                        for (int j = k; j < Math.Min(k + 8, rows); j++) { y[((nint)u * rows) + j] = x[((nint)j * step) + u]; }
                    }
                }
            }
        }
    }

    /// <summary>Panels for h·Wₕᵀ: to [blocks, R, gates of the set · width] of w [gates·H, R].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void PackForward(float* w, GateSet set, int hidden, int recurrent, float* to)
    {
        int width = Width;
        for (int block = 0; block < hidden; block += width)
        {
            for (int p = 0; p < set.Count; p++)
            {
                Transpose(w + (((nint)set.Of(p) * hidden) + block) * recurrent, Math.Min(width, hidden - block), recurrent, to + ((nint)block * set.Count * recurrent) + (p * width), width, set.Count * width);
            }
        }
    }

    /// <summary>Panels for dGates·Wₕ: columns of w [gates·H, R] in stripes of up to four vectors, each [planes of the set · Hp, stripe].</summary>
    public static void PackBackward(float* w, GateSet set, int hidden, int recurrent, float* to)
    {
        int width = Width, padded = Padded(hidden), columns = Padded(recurrent);
        for (int j = 0; j < columns; j += RecurrentTile.Vectors * width)
        {
            int stripe = Math.Min(RecurrentTile.Vectors * width, columns - j), real = Math.Min(stripe, recurrent - j);
            for (int p = 0; p < set.Count; p++)
            {
                for (int unit = 0; unit < padded; unit++, to += stripe) { Row(unit < hidden ? w + (((nint)set.Of(p) * hidden) + unit) * recurrent + j : null, real, to, stripe); }
            }
        }
    }

    /// <summary>Panels for x·Wᵀ: rows of w [outputs, inputs] in stripes of up to four vectors, each [inputs, stripe].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void PackTransposed(float* w, int outputs, int inputs, float* to)
    {
        int padded = Padded(outputs);
        for (int j = 0; j < padded; j += RecurrentTile.Vectors * Width)
        {
            int stripe = Math.Min(RecurrentTile.Vectors * Width, padded - j);
            Transpose(w + ((nint)j * inputs), Math.Min(stripe, outputs - j), inputs, to + ((nint)j * inputs), stripe, stripe);
        }
    }

    /// <summary>Panels for dy·W: columns of w [outputs, inputs] in stripes of up to four vectors, each [outputs, stripe].</summary>
    public static void Pack(float* w, int outputs, int inputs, float* to)
    {
        int padded = Padded(inputs);
        for (int j = 0; j < padded; j += RecurrentTile.Vectors * Width)
        {
            int stripe = Math.Min(RecurrentTile.Vectors * Width, padded - j), real = Math.Min(stripe, inputs - j);
            for (int k = 0; k < outputs; k++, to += stripe) { Row(w + ((nint)k * inputs) + j, real, to, stripe); }
        }
    }

    // to [columns][width] ← the transpose of from [rows, columns], then zeros
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Transpose(float* from, int rows, int columns, float* to, int width, int step)
    {
        for (int k = 0; k < columns; k++, to += step)
        {
            for (int u = 0; u < rows; u++) { to[u] = from[((nint)u * columns) + k]; }
            for (int u = rows; u < width; u++) { to[u] = 0; }
        }
    }

    private static void Row(float* from, int length, float* to, int width)
    {
        var row = new Span<float>(to, width);
        if (from is not null) { new Span<float>(from, length).CopyTo(row); }
        row[(from is null ? 0 : length)..].Clear();
    }
}
