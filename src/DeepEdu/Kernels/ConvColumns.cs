using System.Numerics.Tensors;
using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>Convolution as a matrix product of the weight [out, c·kh·kw] with the patches of an image laid out as columns [c·kh·kw, oh·ow]
/// (Chellapilla, Puri and Simard 2006). Any stride, padding, dilation and number of groups.</summary>
internal static unsafe class ConvColumns
{
    // pieces of the batch with a weight gradient of their own: from the batch size only, so that sums have one order for any number of threads
    private const int Pieces = 8;

    /// <summary>y = x ∗ weight + bias.</summary>
    public static void Forward(in ConvShape s, float* x, float* weight, float* bias, float* y) =>
        Work.Run(s.N, new Images { S = s, X = x, Weight = weight, Bias = bias, Y = y });

    /// <summary>dX where dx is not null, dW where dw is not null, dB where db is not null.</summary>
    public static void Backward(in ConvShape s, float* x, float* weight, float* dy, float* dx, float* dw, float* db)
    {
        int pieces = Math.Clamp(s.N, 1, Pieces), size = (s.OutC * s.K) + s.OutC;
        float* sums = Scratch.Layer.Take(checked(size * pieces));
        Work.Run(pieces, new Gradients { S = s, X = x, Weight = weight, DY = dy, DX = dx, Sums = sums, Pieces = pieces, WantsW = dw != null });
        for (int p = 1; p < pieces; p++)
        {
            float* other = sums + ((nint)p * size);
            for (int i = 0; i < size; i++) { sums[i] += other[i]; }
        }
        if (dw != null) { new Span<float>(sums, s.OutC * s.K).CopyTo(new Span<float>(dw, s.OutC * s.K)); }
        if (db != null) { new Span<float>(sums + (s.OutC * s.K), s.OutC).CopyTo(new Span<float>(db, s.OutC)); }
    }

    /// <summary>dX of a convolution without groups: the columns Wᵀ·dY, added where they were read. Where channels are few, their values would leave most lanes of a vector empty; along the pixels they are full.</summary>
    public static void InputGradient(in ConvShape s, float* weight, float* dy, float* dx) =>
        Work.For(s.N, (int)Math.Clamp(CpuDevice.Grain / Math.Max(1, s.Work / 8), 1, s.N), new Inputs { S = s, Weight = weight, DY = dy, DX = dx });

    private struct Inputs : IRange
    {
        public ConvShape S;
        public float* Weight, DY, DX;

        public readonly void Run(int from, int to)
        {
            int pixels = S.OH * S.OW;
            float* columns = Scratch.Images.Take(checked(S.K * pixels));
            for (int n = from; n < to; n++)
            {
                float* dx = DX + ((nint)n * S.InSize);
                new Span<float>(dx, S.InSize).Clear();
                Gemm.Run(true, false, S.K, pixels, S.OutC, Weight, S.K, DY + ((nint)n * S.OutSize), pixels, columns, pixels);
                FromColumns(in S, columns, dx);
            }
        }
    }

    private struct Images : IChunks
    {
        public ConvShape S;
        public float* X, Weight, Bias, Y;

        public readonly void Run(int n)
        {
            int pixels = S.OH * S.OW;
            float* scratch = S.IsPointwise ? null : Scratch.Images.Take(checked(S.K * pixels));
            for (int g = 0; g < S.Groups; g++)
            {
                float* y = Y + ((nint)n * S.OutSize) + (g * S.GroupOut * pixels);
                for (int o = 0; o < S.GroupOut && Bias is not null; o++) { new Span<float>(y + (o * pixels), pixels).Fill(Bias[(g * S.GroupOut) + o]); }
                float* columns = Columns(in S, X + ((nint)n * S.InSize) + (g * S.GroupC * S.H * S.W), scratch);
                Gemm.Run(false, false, S.GroupOut, pixels, S.K, Weight + (g * S.GroupOut * S.K), S.K, columns, pixels, y, pixels, accumulate: Bias is not null);
            }
        }
    }

    private struct Gradients : IChunks
    {
        public ConvShape S;
        public float* X, Weight, DY, DX, Sums;
        public int Pieces;
        public bool WantsW;

        public readonly void Run(int piece)
        {
            int from = (int)((long)S.N * piece / Pieces), to = (int)((long)S.N * (piece + 1) / Pieces), pixels = S.OH * S.OW;
            float* dw = Sums + ((nint)piece * ((S.OutC * S.K) + S.OutC)), db = dw + (S.OutC * S.K);
            new Span<float>(dw, (S.OutC * S.K) + S.OutC).Clear();
            float* scratch = S.IsPointwise ? null : Scratch.Images.Take(checked(S.K * pixels));
            for (int n = from; n < to; n++)
            {
                float* dy = DY + ((nint)n * S.OutSize);
                for (int o = 0; o < S.OutC; o++)
                {
                    db[o] += TensorPrimitives.Sum(new ReadOnlySpan<float>(dy + (o * pixels), pixels));
                }
                if (DX is not null && !S.IsPointwise) { new Span<float>(DX + ((nint)n * S.InSize), S.InSize).Clear(); }
                for (int g = 0; g < S.Groups; g++)
                {
                    nint at = ((nint)n * S.InSize) + (g * S.GroupC * S.H * S.W);
                    float* dyg = dy + (g * S.GroupOut * pixels);
                    if (WantsW)
                    {
                        float* columns = Columns(in S, X + at, scratch);
                        Gemm.Run(false, true, S.GroupOut, S.K, pixels, dyg, pixels, columns, pixels, dw + (g * S.GroupOut * S.K), S.K, accumulate: true);
                    }
                    if (DX is not null)
                    {
                        Gemm.Run(true, false, S.K, pixels, S.GroupOut, Weight + (g * S.GroupOut * S.K), S.K, dyg, pixels, S.IsPointwise ? DX + at : scratch, pixels);
                        if (!S.IsPointwise) { FromColumns(in S, scratch, DX + at); }
                    }
                }
            }
        }
    }

    private static float* Columns(in ConvShape s, float* x, float* scratch)
    {
        if (s.IsPointwise) { return x; }
        ToColumns(in s, x, scratch);
        return scratch;
    }

    private static void ToColumns(in ConvShape s, float* x, float* columns)
    {
        for (int k = 0; k < s.K; k++, columns += s.OH * s.OW) { Read(in s, k % (s.KH * s.KW), x + ((nint)k / (s.KH * s.KW) * s.H * s.W), columns); }
    }

    private static void FromColumns(in ConvShape s, float* columns, float* dx)
    {
        for (int k = 0; k < s.K; k++, columns += s.OH * s.OW) { Add(in s, k % (s.KH * s.KW), columns, dx + ((nint)k / (s.KH * s.KW) * s.H * s.W)); }
    }

    /// <summary>What a tap reads of a channel's plane at each output.</summary>
    public static void Read(in ConvShape s, int tap, float* plane, float* values)
    {
        int ky = tap / s.KW, kx = tap % s.KW;
        var (first, end) = Inside(s.W, s.OW, s.StrideW, (kx * s.DilationW) - s.PadW);
        for (int oy = 0; oy < s.OH; oy++, values += s.OW)
        {
            int iy = (oy * s.StrideH) + (ky * s.DilationH) - s.PadH;
            var row = new Span<float>(values, s.OW);
            if ((uint)iy >= (uint)s.H || first >= end) { row.Clear(); continue; }
            float* from = plane + (iy * s.W) + (first * s.StrideW) + (kx * s.DilationW) - s.PadW;
            row[..first].Clear();
            row[end..].Clear();
            if (s.StrideW == 1) { new Span<float>(from, end - first).CopyTo(row[first..]); }
            else { for (int ox = first; ox < end; ox++, from += s.StrideW) { values[ox] = *from; } }
        }
    }

    /// <summary>Adds a value an output to where the tap read it.</summary>
    public static void Add(in ConvShape s, int tap, float* values, float* plane) => Add(in s, tap, s.OH, s.OW, values, plane);

    /// <summary>The same for the first lines and columns of the outputs.</summary>
    public static void Add(in ConvShape s, int tap, int lines, int columns, float* values, float* plane)
    {
        int ky = tap / s.KW, kx = tap % s.KW;
        var (first, end) = Inside(s.W, columns, s.StrideW, (kx * s.DilationW) - s.PadW);
        for (int oy = 0; oy < lines && first < end; oy++, values += columns)
        {
            int iy = (oy * s.StrideH) + (ky * s.DilationH) - s.PadH;
            if ((uint)iy >= (uint)s.H) { continue; }
            float* to = plane + (iy * s.W) + (first * s.StrideW) + (kx * s.DilationW) - s.PadW;
            if (s.StrideW == 1) { TensorPrimitives.Add(new(to, end - first), new ReadOnlySpan<float>(values + first, end - first), new(to, end - first)); }
            else { for (int ox = first; ox < end; ox++, to += s.StrideW) { *to += values[ox]; } }
        }
    }

    /// <summary>The outputs of an axis whose input, output·stride + offset, exists; the same of the taps at an output, which are a dilation apart.</summary>
    internal static (int First, int End) Inside(int width, int outputs, int stride, int offset)
    {
        int first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
        int end = offset >= width ? 0 : ((width - 1 - offset) / stride) + 1;
        return (Math.Min(first, outputs), Math.Clamp(end, 0, outputs));
    }
}
