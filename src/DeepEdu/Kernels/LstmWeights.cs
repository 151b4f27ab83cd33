using System.Runtime.CompilerServices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Between PyTorch's order of the 4H gate rows (all i, all f, all g, all o) and the kernels' order: blocks of one vector of units, [i f g o] each, so that one
/// tile holds all four gates of its units. Units are padded to whole vectors; the padding is 0.</summary>
internal static unsafe class LstmWeights
{
    /// <summary>The widest vector of this machine: units in a block.</summary>
    public static int Width => F16.IsSupported ? 16 : F8.IsSupported ? 8 : F4.IsSupported ? 4 : 1;

    /// <summary>Units padded to whole vectors.</summary>
    public static int Padded(int hidden) => (hidden + Width - 1) / Width * Width;

    /// <summary>Rows of w [4H, columns] in the kernels' order: to [4Hp, columns].</summary>
    public static void Interleave(float* w, int hidden, int columns, float* to)
    {
        int width = Width, padded = Padded(hidden);
        for (int q = 0; q < 4 * padded; q++)
        {
            int unit = (q / (4 * width) * width) + (q % width), gate = q / width % 4;
            var row = new Span<float>(to + ((nint)q * columns), columns);
            if (unit < hidden) { new Span<float>(w + (((nint)gate * hidden) + unit) * columns, columns).CopyTo(row); } else { row.Clear(); }
        }
    }

    /// <summary>The sum of both biases in the kernels' order: to [4Hp]. Either may be null.</summary>
    public static void Bias(float* first, float* second, int hidden, float* to)
    {
        int width = Width, padded = Padded(hidden);
        for (int q = 0; q < 4 * padded; q++)
        {
            int unit = (q / (4 * width) * width) + (q % width), at = (q / width % 4 * hidden) + unit;
            to[q] = unit < hidden ? (first is null ? 0 : first[at]) + (second is null ? 0 : second[at]) : 0;
        }
    }

    /// <summary>to [4H, rows] ← the transpose of from [rows, 4Hp], in PyTorch's order: how weight gradients leave.</summary>
    public static void Separate(float* from, int hidden, int rows, float* to)
    {
        int width = Width, padded = Padded(hidden);
        for (int gate = 0; gate < 4; gate++)
        {
            for (int block = 0; block < hidden; block += width)
            {
                float* x = from + (4 * block) + (gate * width), y = to + (((nint)gate * hidden) + block) * rows;
                int units = Math.Min(width, hidden - block);
                // eight rows at a time: their lines stay in the cache while each unit reads eight neighbours
                for (int k = 0; k < rows; k += 8)
                {
                    for (int u = 0; u < units; u++)
                    {
                        for (int j = k; j < Math.Min(k + 8, rows); j++) { y[((nint)u * rows) + j] = x[((nint)j * 4 * padded) + u]; }
                    }
                }
            }
        }
    }

    /// <summary>Panels for h·Wₕᵀ: to [blocks, R, 4·width] of w [4H, R].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackForward(float* w, int hidden, int recurrent, float* to)
    {
        int width = Width;
        for (int block = 0; block < hidden; block += width)
        {
            for (int gate = 0; gate < 4; gate++)
            {
                Transpose(w + (((nint)gate * hidden) + block) * recurrent, Math.Min(width, hidden - block), recurrent, to + ((nint)block * 4 * recurrent) + (gate * width), width, 4 * width);
            }
        }
    }

    /// <summary>Panels for dGates·Wₕ: columns of w [4H, R] in stripes of up to four vectors, each [4Hp, stripe].</summary>
    public static void PackBackward(float* w, int hidden, int recurrent, float* to)
    {
        int width = Width, gates = 4 * Padded(hidden), columns = Padded(recurrent);
        for (int j = 0; j < columns; j += LstmTile.Vectors * width)
        {
            int stripe = Math.Min(LstmTile.Vectors * width, columns - j), real = Math.Min(stripe, recurrent - j);
            for (int q = 0; q < gates; q++, to += stripe)
            {
                int unit = (q / (4 * width) * width) + (q % width), gate = q / width % 4;
                Row(unit < hidden ? w + (((nint)gate * hidden) + unit) * recurrent + j : null, real, to, stripe);
            }
        }
    }

    /// <summary>Panels for x·Wᵀ: rows of w [outputs, inputs] in stripes of up to four vectors, each [inputs, stripe].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackTransposed(float* w, int outputs, int inputs, float* to)
    {
        int padded = Padded(outputs);
        for (int j = 0; j < padded; j += LstmTile.Vectors * Width)
        {
            int stripe = Math.Min(LstmTile.Vectors * Width, padded - j);
            Transpose(w + ((nint)j * inputs), Math.Min(stripe, outputs - j), inputs, to + ((nint)j * inputs), stripe, stripe);
        }
    }

    /// <summary>Panels for dy·W: columns of w [outputs, inputs] in stripes of up to four vectors, each [outputs, stripe].</summary>
    public static void Pack(float* w, int outputs, int inputs, float* to)
    {
        int padded = Padded(inputs);
        for (int j = 0; j < padded; j += LstmTile.Vectors * Width)
        {
            int stripe = Math.Min(LstmTile.Vectors * Width, padded - j), real = Math.Min(stripe, inputs - j);
            for (int k = 0; k < outputs; k++, to += stripe) { Row(w + ((nint)k * inputs) + j, real, to, stripe); }
        }
    }

    // to [columns][width] ← the transpose of from [rows, columns], then zeros
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
