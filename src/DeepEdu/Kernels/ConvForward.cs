using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>What follows a convolution while its result is in the cache.</summary>
internal enum ConvEnd
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>max(0, ·).</summary>
    Relu,

    /// <summary>max(0, ·), then the largest of each 2 × 2; a last odd line or column is left out, and never computed.</summary>
    ReluPool,
}

/// <summary>A convolution as a product of weight panels with patches that are read in place from the channels-last image (implicit im2col), block of lines by block.
/// Any stride, padding and dilation; one group.</summary>
internal static unsafe class ConvForward
{
    private const int BlockFloats = 1 << 16; // a block's input and output: a quarter of a megabyte, in the second-level cache
    private const long ChunkWork = 1 << 18; // multiply-adds worth handing to another thread

    /// <summary>y = end(x ∗ weight + bias). packed: the weight's <see cref="Panels"/>. at: bytes [N, pooled pixels, whole vectors of channels] for the way back of pooling, or null.</summary>
    public static void Run(in ConvShape s, ConvEnd end, float* x, float* packed, float* bias, float* y, byte* at)
    {
        if (F16.IsSupported) { Run<F16>(s, end, x, packed, bias, y, at); }
        else if (F8.IsSupported) { Run<F8>(s, end, x, packed, bias, y, at); }
        else if (F4.IsSupported) { Run<F4>(s, end, x, packed, bias, y, at); }
        else { Run<F1>(s, end, x, packed, bias, y, at); }
    }

    /// <summary>Bytes of <c>at</c>.</summary>
    public static int AtLength(in ConvShape s) => checked(s.N * (s.OH / 2) * (s.OW / 2) * Whole(s.OutC));

    private static int Whole(int channels) => F16.IsSupported ? ConvLayout.Whole<F16>(channels)
        : F8.IsSupported ? ConvLayout.Whole<F8>(channels) : F4.IsSupported ? ConvLayout.Whole<F4>(channels) : ConvLayout.Whole<F1>(channels);

    /// <summary>The weight as <see cref="ConvLayout.PackForward"/> makes it for the widest vectors. Images of any size share it.</summary>
    public readonly record struct Panels : IPreparation
    {
        private readonly ConvShape _s;

        /// <summary>The layout of a convolution's weight.</summary>
        public Panels(in ConvShape s) => _s = new(1, s.C, 0, 0, s.OutC, s.KH, s.KW, 1, 1, 0, 0, 1, 1, s.Groups);

        public int Length => _s.K * Whole(_s.OutC);

        public void Fill(float* weights, float* to)
        {
            int panel = F16.IsSupported ? ConvLayout.Panel<F16>(_s.OutC) : F8.IsSupported ? ConvLayout.Panel<F8>(_s.OutC) : F4.IsSupported ? ConvLayout.Panel<F4>(_s.OutC) : ConvLayout.Panel<F1>(_s.OutC);
            ConvLayout.PackForward(in _s, weights, panel, to);
        }
    }

    private static void Run<L>(in ConvShape s, ConvEnd end, float* x, float* packed, float* bias, float* y, byte* at) where L : struct, IVectorLane<L>, ILane<L>
    {
        bool pool = end == ConvEnd.ReluPool;
        int panel = ConvLayout.Panel<L>(s.OutC), whole = ConvLayout.Whole<L>(s.OutC), lines = pool ? s.OH / 2 * 2 : s.OH;
        if (s.N == 0 || s.OutC == 0 || lines == 0 || s.OW < (pool ? 2 : 1)) { return; }
        float* start = Scratch.Sums.Take(whole + (2 * s.Runs));
        nint* segments = (nint*)(start + whole);
        for (int o = 0; o < whole; o++) { start[o] = bias is not null && o < s.OutC ? bias[o] : 0; }
        var all = new Blocks<L>
        {
            S = s, End = end, X = x, Packed = packed, Start = start, Y = y, At = at, Whole = whole, Lines = lines, Columns = pool ? s.OW / 2 * 2 : s.OW,
            Segments = segments, Panel = panel,
        };
        int line = (s.StrideH * s.PaddedW * s.C) + (s.OW * panel), block = Math.Max(2, BlockFloats / line / 2 * 2);
        // few images: cut them, so that there is something for every thread; panels of channels first, for they make even parts. No number depends on the cut
        int threads = DeepEduOptions.MaxThreads, panels = whole / panel;
        int wanted = (int)Math.Min(s.N >= 4 * threads || s.N % threads == 0 ? 1 : threads, Math.Max(1, s.Work / ChunkWork));
        all.Panels = wanted > 1 && panels > 1 ? panels : 1;
        wanted = (wanted + all.Panels - 1) / all.Panels;
        block = Math.Min(block, (lines + wanted - 1) / wanted);
        all.Block = Math.Min(lines, (block + 1) / 2 * 2);
        all.PerImage = (lines + all.Block - 1) / all.Block * all.Panels;
        ConvLayout.Segments(in s, all.InLines, segments);
        Work.For(s.N * all.PerImage, (int)Math.Clamp(ChunkWork * all.PerImage / Math.Max(1, s.Work), 1, 64), all);
    }

    private struct Blocks<L> : IRange where L : struct, IVectorLane<L>, ILane<L>
    {
        public ConvShape S;
        public ConvEnd End;
        public float* X, Packed, Start, Y;
        public byte* At;
        public nint* Segments;
        public int Panel, Whole, Lines, Columns, Block, PerImage, Panels;

        // lines of the input that a block of outputs reads
        public readonly int InLines => ((Block - 1) * S.StrideH) + S.SpanH;

        public readonly void Run(int from, int to)
        {
            int inSize = checked(InLines * S.PaddedW * S.C);
            // the tiles' sums, and the pooled block before it goes back to channels first
            int outSize = checked((End == ConvEnd.ReluPool ? 2 : Block) * Columns * Panel);
            float* image = Scratch.Images.Take(checked(inSize + outSize + (End == ConvEnd.ReluPool ? Block * Columns / 4 * Panel : 0) + 16)), sums = image + ((inSize + 15) / 16 * 16);
            for (int i = from; i < to; i++)
            {
                var (n, part) = Math.DivRem(i, PerImage);
                int first = part / Panels * Block, count = Math.Min(Block, Lines - first), o = Panels == 1 ? 0 : part % Panels * Panel, end = Panels == 1 ? S.OutC : Math.Min(S.OutC, o + Panel);
                // a last, smaller block leaves lines of the image unwritten, which nothing reads
                ConvLayout.Pad(in S, X + ((nint)n * S.InSize), first * S.StrideH, Math.Min(InLines, S.H + (2 * S.PadH) - (first * S.StrideH)), InLines, image);
                for (; o < end; o += Panel)
                {
                    if (End == ConvEnd.ReluPool) { Pooled(n, o, first, count, image, sums, sums + outSize); }
                    else { Plain(n, o, first, count, image, sums); }
                }
            }
        }

        private readonly void Plain(int n, int o, int first, int count, float* image, float* sums)
        {
            int plane = S.OH * S.OW, real = Math.Min(Panel, S.OutC - o);
            for (int i = 0; i < count; i++) { Line(image, i, o, sums + (i * Columns * Panel)); }
            float* y = Y + ((nint)n * S.OutSize) + ((nint)o * plane) + (first * S.OW);
            ConvLayout.ToFirst(real, count * Columns, sums, Panel, y, plane);
            if (End == ConvEnd.Relu)
            {
                for (int c = 0; c < real; c++) { Relu(y + ((nint)c * plane), count * Columns); }
            }
        }

        private readonly void Pooled(int n, int o, int first, int count, float* image, float* sums, float* pooled)
        {
            int width = Columns / 2, plane = Lines / 2 * width, start = first / 2 * width, line = width * Panel;
            byte* at = At is null ? null : At + ((nint)n * plane * Whole) + ((nint)o * plane) + (start * Panel);
            for (int i = 0; i < count / 2; i++)
            {
                Line(image, 2 * i, o, sums);
                Line(image, (2 * i) + 1, o, sums + (2 * line));
                ConvPool.Forward<L>(sums, sums + (2 * line), Panel, width, pooled + (i * line), at is null ? null : at + (i * line));
            }
            ConvLayout.ToFirst(Math.Min(Panel, S.OutC - o), count / 2 * width, pooled, Panel, Y + ((((nint)n * S.OutC) + o) * plane) + start, plane);
        }

        // one line of outputs, a panel of channels
        private readonly void Line(float* image, int i, int o, float* sums)
        {
            nint block = S.BlockC, pixel = S.StrideW * block;
            float* a = image + (i * S.StrideH * S.PaddedW * block), b = Packed + ((nint)o * S.K);
            int vectors = Math.Min(Panel, S.OutC - o) > L.Width ? 2 : 1;
            var walk = new ConvWalk(S.Runs, Segments, S.K / S.Runs, pixel * sizeof(float), sizeof(float), Panel * sizeof(float));
            for (int j = 0; j < Columns;)
            {
                int rows = ConvTile.Cut<L>(Columns - j);
                ConvTile.Run<L>(rows, vectors, in walk, a + (j * pixel), b, Start + o, sums + (j * Panel), Panel, false);
                j += rows;
            }
        }

        private static void Relu(float* x, int n)
        {
            int i = 0;
            for (; i + L.Width <= n; i += L.Width)
            {
                var v = L.Load(in *x, i);
                L.Store(L.WhereGreaterOrEqual(L.Of(0), v, L.Of(0), v), ref *x, i);
            }
            for (; i < n; i++) { x[i] = 0 >= x[i] ? 0 : x[i]; }
        }
    }
}
