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

    /// <summary>Panels for h·Whᵀ: to [blocks, H, 4·width] of w [4H, H].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackForward(float* w, int hidden, float* to)
    {
        int width = Width;
        for (int block = 0; block < hidden; block += width)
        {
            int units = Math.Min(width, hidden - block);
            for (int gate = 0; gate < 4; gate++)
            {
                float* x = w + (((nint)gate * hidden) + block) * hidden, y = to + ((nint)block * 4 * hidden) + (gate * width);
                for (int k = 0; k < hidden; k++, y += 4 * width)
                {
                    for (int u = 0; u < units; u++) { y[u] = x[((nint)u * hidden) + k]; }
                    for (int u = units; u < width; u++) { y[u] = 0; }
                }
            }
        }
    }

    /// <summary>Panels for dGates·Wh: columns of w [4H, H] in stripes of up to four vectors, each [4Hp, stripe].</summary>
    public static void PackBackward(float* w, int hidden, float* to)
    {
        int width = Width, padded = Padded(hidden);
        for (int j = 0; j < padded; j += LstmTile.Vectors * width)
        {
            int stripe = Math.Min(LstmTile.Vectors * width, padded - j), real = Math.Min(stripe, hidden - j);
            for (int q = 0; q < 4 * padded; q++, to += stripe)
            {
                int unit = (q / (4 * width) * width) + (q % width), gate = q / width % 4;
                var row = new Span<float>(to, stripe);
                if (unit >= hidden) { row.Clear(); continue; }
                new Span<float>(w + (((nint)gate * hidden) + unit) * hidden + j, real).CopyTo(row);
                row[real..].Clear();
            }
        }
    }
}
