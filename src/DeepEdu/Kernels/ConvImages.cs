using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Convolution of small images: a tile's rows are the same pixel of several images, where a line of an image has too few for a tile. Each pixel then meets the taps that lie inside its image and no others: of a 3 × 3 kernel on
/// 4 × 4 pixels a third reads nothing but padding, on 2 × 2 more than half. dW sums over images and pixels, a tap at a time; dX adds for each pixel the products of what read it.</summary>
internal static unsafe class ConvImages
{
    private const int MostFloats = 1 << 17; // of images at a time: they are read for each panel of outputs, and stay in the second-level cache
    private const int Skew = 16; // floats between images: the same pixel of several would fall into one set of the cache

    /// <summary>y = x ∗ weight + bias. packed: the weight's <see cref="ConvForward.Panels"/>.</summary>
    public static void Forward(in ConvShape s, float* x, float* packed, float* bias, float* y)
    {
        for (int n = 0, images = AtOnce(s); n < s.N; n += images)
        {
            var part = s with { N = Math.Min(images, s.N - n) };
            float* from = x + ((nint)n * s.InSize), to = y + ((nint)n * s.OutSize);
            if (F16.IsSupported) { Forward<F16>(part, from, packed, bias, to); }
            else if (F8.IsSupported) { Forward<F8>(part, from, packed, bias, to); }
            else if (F4.IsSupported) { Forward<F4>(part, from, packed, bias, to); }
            else { Forward<F1>(part, from, packed, bias, to); }
        }
    }

    /// <summary>dX where dx is not null, dW where dw is not null, dB where db is not null.</summary>
    public static void Backward(in ConvShape s, float* x, float* weight, float* dy, float* dx, float* dw, float* db)
    {
        int images = AtOnce(s), weights = s.OutC * s.K;
        float* more = s.N > images ? Scratch.Rows.Take(weights + s.OutC) : null;
        for (int n = 0; n < s.N; n += images)
        {
            var part = s with { N = Math.Min(images, s.N - n) };
            float* from = x + ((nint)n * s.InSize), slope = dy + ((nint)n * s.OutSize), to = dx is null ? null : dx + ((nint)n * s.InSize), w = n == 0 || dw is null ? dw : more, b = n == 0 || db is null ? db : more + weights;
            if (F16.IsSupported) { Backward<F16>(part, from, weight, slope, to, w, b); }
            else if (F8.IsSupported) { Backward<F8>(part, from, weight, slope, to, w, b); }
            else if (F4.IsSupported) { Backward<F4>(part, from, weight, slope, to, w, b); }
            else { Backward<F1>(part, from, weight, slope, to, w, b); }
            if (w != dw) { Add(w, dw, weights); }
            if (b != db) { Add(b, db, s.OutC); }
        }
    }

    private static int AtOnce(in ConvShape s) => Math.Clamp(MostFloats / Math.Max(s.InSize, s.OutSize), 28, Math.Max(28, s.N));

    private static void Add(float* from, float* to, int n) => System.Numerics.Tensors.TensorPrimitives.Add(new ReadOnlySpan<float>(to, n), new ReadOnlySpan<float>(from, n), new Span<float>(to, n));

    private static void Forward<L>(in ConvShape s, float* x, float* packed, float* bias, float* y) where L : struct, IVectorLane<L>, ILane<L>
    {
        int panel = ConvLayout.Panel<L>(s.OutC), whole = ConvLayout.Whole<L>(s.OutC), image = s.InSize + Skew;
        float* images = Scratch.Sums.Take(checked((s.N * image) + whole + 32)), start = images + ((nint)s.N * image), zeros = start + whole;
        new Span<float>(zeros, 32).Clear();
        for (int o = 0; o < whole; o++) { start[o] = bias is not null && o < s.OutC ? bias[o] : 0; }
        Work.For(s.N, Math.Max(1, CpuDevice.Grain / Math.Max(1, s.InSize)), new Lay { S = s, X = x, Images = images, Image = image });
        int groups = Groups<L>(s.N);
        Work.Run(whole / panel * groups, new Outputs<L> { S = s, Images = images, Image = image, Packed = packed, Start = start, Zeros = zeros, Y = y, Panel = panel, Groups = groups });
    }

    private static void Backward<L>(in ConvShape s, float* x, float* weight, float* dy, float* dx, float* dw, float* db) where L : struct, IVectorLane<L>, ILane<L>
    {
        int pixels = s.OH * s.OW, panel = ConvLayout.Panel<L>(s.OutC), whole = ConvLayout.Whole<L>(s.OutC), panels = whole / panel, panelIn = ConvLayout.Panel<L>(s.C), wholeIn = ConvLayout.Whole<L>(s.C), image = s.InSize + Skew;
        int imagesSize = dw is null ? 0 : s.N * image, packedSize = dx is null ? 0 : s.KH * s.KW * whole * wholeIn;
        float* zeros = Scratch.Layer.Take(checked(32 + (2 * panels) + (pixels * s.N * whole) + imagesSize + packedSize)), last = zeros + 32 + (2 * panels), images = last + ((nint)pixels * s.N * whole), packed = images + imagesSize;
        nint* starts = (nint*)(zeros + 32);
        new Span<float>(zeros, 32).Clear();
        for (int o = 0; o < panels; o++) { starts[o] = (nint)sizeof(float) * o * pixels * s.N * panel; }
        Work.Run(panels, new Last { S = s, DY = dy, To = last, Panel = panel, DB = db });
        if (dw is not null)
        {
            Work.For(s.N, Math.Max(1, CpuDevice.Grain / Math.Max(1, s.InSize)), new Lay { S = s, X = x, Images = images, Image = image });
            Work.Run(panels * (s.C / s.BlockC), new Weights<L> { S = s, Images = images, Image = image, DY = last, Zeros = zeros, DW = dw, Panel = panel });
        }
        if (dx is null) { return; }
        ConvLayout.PackBackward(in s, weight, panelIn, whole, packed);
        int groups = Groups<L>(s.N);
        Work.Run(wholeIn / panelIn * groups, new Inputs<L> { S = s, DY = last, Packed = packed, Zeros = zeros, Starts = starts, DX = dx, Panels = panels, Panel = panel, PanelIn = panelIn, Groups = groups });
    }

    // tiles of images, of like height
    private static int Groups<L>(int images) where L : struct, IVectorLane<L>, ILane<L> => (images + ConvTile.Rows<L>() - 1) / ConvTile.Rows<L>();

    // images channels last, block by block
    private struct Lay : IRange
    {
        public ConvShape S;
        public float* X, Images;
        public int Image;

        public readonly void Run(int from, int to)
        {
            int block = S.BlockC, plane = S.H * S.W;
            for (int n = from; n < to; n++)
            {
                for (int c = 0; c < S.C; c += block) { ConvLayout.ToLast(block, plane, X + ((nint)n * S.InSize) + (c * plane), plane, Images + ((nint)n * Image) + (c * plane), block); }
            }
        }
    }

    // dy by panels of outputs: [panels, pixels, images, panel]; and its sums
    private struct Last : IChunks
    {
        public ConvShape S;
        public float* DY, To, DB;
        public int Panel;

        public readonly void Run(int chunk)
        {
            int pixels = S.OH * S.OW, o = chunk * Panel, real = Math.Min(Panel, S.OutC - o), size = pixels * S.N * Panel;
            float* to = To + ((nint)chunk * size), sums = stackalloc float[Panel];
            if (real < Panel) { new Span<float>(to, size).Clear(); }
            for (int n = 0; n < S.N; n++) { ConvLayout.ToLast(real, pixels, DY + ((nint)n * S.OutSize) + (o * pixels), pixels, to + (n * Panel), (nint)S.N * Panel); }
            if (DB is null) { return; }
            var sum = new Span<float>(sums, Panel);
            sum.Clear();
            for (int i = 0; i < pixels * S.N; i++) { System.Numerics.Tensors.TensorPrimitives.Add(sum, new ReadOnlySpan<float>(to + (i * Panel), Panel), sum); }
            sum[..real].CopyTo(new(DB + o, real));
        }
    }

    // a panel of outputs for a tile's images
    private struct Outputs<L> : IChunks where L : struct, IVectorLane<L>, ILane<L>
    {
        public ConvShape S;
        public float* Images, Packed, Start, Zeros, Y;
        public int Image, Panel, Groups;

        public readonly void Run(int chunk)
        {
            var (part, group) = Math.DivRem(chunk, Groups);
            int first = (int)((long)S.N * group / Groups), rows = (int)((long)S.N * (group + 1) / Groups) - first, o = part * Panel, real = Math.Min(Panel, S.OutC - o), vectors = real > L.Width ? 2 : 1;
            int pixels = S.OH * S.OW, block = S.BlockC, plane = S.H * S.W, taps = S.KH * S.KW;
            float* sums = Scratch.Images.Take(checked(rows * pixels * Panel)), images = Images + ((nint)first * Image), panel = Packed + ((nint)o * S.K);
            nint none = 0;
            for (int p = 0; p < pixels; p++)
            {
                int oy = p / S.OW, ox = p % S.OW;
                var (y0, y1) = ConvColumns.Inside(S.H, S.KH, S.DilationH, (oy * S.StrideH) - S.PadH);
                var (x0, x1) = ConvColumns.Inside(S.W, S.KW, S.DilationW, (ox * S.StrideW) - S.PadW);
                bool next = false;
                // neighbouring taps are one run, unless they lie apart
                int run = S.DilationW == 1 ? x1 - x0 : 1;
                var walk = new ConvWalk(1, &none, run * block, (nint)sizeof(float) * Image, sizeof(float), (nint)sizeof(float) * Panel);
                for (int c = 0; c < S.C; c += block)
                {
                    for (int ky = y0; ky < y1; ky++)
                    {
                        for (int kx = x0; kx < x1; kx += run)
                        {
                            float* a = images + (c * plane) + (((((nint)oy * S.StrideH) - S.PadH + (ky * S.DilationH)) * S.W) + (ox * S.StrideW) - S.PadW + (kx * S.DilationW)) * block;
                            ConvTile.Run<L>(rows, vectors, in walk, a, panel + (((nint)c * taps) + (((ky * S.KW) + kx) * block)) * Panel, next ? Zeros : Start + o, sums + (p * Panel), pixels * Panel, next);
                            next = true;
                        }
                    }
                }
                for (int n = 0; n < rows && !next; n++) { new Span<float>(Start + o, Panel).CopyTo(new(sums + ((((nint)n * pixels) + p) * Panel), Panel)); }
            }
            for (int n = 0; n < rows; n++) { ConvLayout.ToFirst(real, pixels, sums + ((nint)n * pixels * Panel), Panel, Y + ((nint)(first + n) * S.OutSize) + (o * pixels), pixels); }
        }
    }

    // a panel of outputs and a block of inputs of dW
    private struct Weights<L> : IChunks where L : struct, IVectorLane<L>, ILane<L>
    {
        public ConvShape S;
        public float* Images, DY, Zeros, DW;
        public int Image, Panel;

        public readonly void Run(int chunk)
        {
            int block = S.BlockC, blocks = S.C / block, taps = S.KH * S.KW, pixels = S.OH * S.OW;
            var (part, at) = Math.DivRem(chunk, blocks);
            int o = part * Panel, c = at * block, real = Math.Min(Panel, S.OutC - o), vectors = real > L.Width ? 2 : 1;
            float* sums = Scratch.Images.Take(checked(block * taps * Panel)), images = Images + ((nint)c * S.H * S.W), dy = DY + ((nint)part * pixels * S.N * Panel);
            nint* starts = stackalloc nint[S.OW];
            for (int j = 0; j < S.OW; j++) { starts[j] = (nint)sizeof(float) * j * S.StrideW * block; }
            for (int t = 0; t < taps; t++)
            {
                int ky = t / S.KW, kx = t % S.KW;
                var (x0, x1) = ConvColumns.Inside(S.W, S.OW, S.StrideW, (kx * S.DilationW) - S.PadW);
                bool next = false;
                var walk = new ConvWalk(x1 - x0, starts, S.N, sizeof(float), (nint)sizeof(float) * Image, (nint)sizeof(float) * Panel);
                for (int oy = 0; oy < S.OH && x0 < x1; oy++)
                {
                    int iy = (oy * S.StrideH) - S.PadH + (ky * S.DilationH);
                    if ((uint)iy >= (uint)S.H) { continue; }
                    float* a = images + ((((nint)iy * S.W) + (x0 * S.StrideW) - S.PadW + (kx * S.DilationW)) * block), b = dy + (((nint)oy * S.OW) + x0) * S.N * Panel;
                    for (int i = 0; i < block;)
                    {
                        int rows = ConvTile.Cut<L>(block - i);
                        ConvTile.Run<L>(rows, vectors, in walk, a + i, b, Zeros, sums + ((((nint)i * taps) + t) * Panel), (nint)taps * Panel, next);
                        i += rows;
                    }
                    next = true;
                }
                for (int i = 0; i < block && !next; i++) { new Span<float>(sums + ((((nint)i * taps) + t) * Panel), Panel).Clear(); }
            }
            ConvLayout.ToFirst(real, block * taps, sums, Panel, DW + ((nint)o * S.K) + (c * taps), S.K);
        }
    }

    // a panel of inputs for a tile's images
    private struct Inputs<L> : IChunks where L : struct, IVectorLane<L>, ILane<L>
    {
        public ConvShape S;
        public float* DY, Packed, Zeros, DX;
        public nint* Starts;
        public int Panels, Panel, PanelIn, Groups;

        public readonly void Run(int chunk)
        {
            var (part, group) = Math.DivRem(chunk, Groups);
            int first = (int)((long)S.N * group / Groups), rows = (int)((long)S.N * (group + 1) / Groups) - first, c = part * PanelIn, real = Math.Min(PanelIn, S.C - c), vectors = real > L.Width ? 2 : 1;
            int plane = S.H * S.W, taps = S.KH * S.KW, whole = Panels * Panel;
            float* sums = Scratch.Images.Take(checked(rows * plane * PanelIn)), packed = Packed + ((nint)part * taps * whole * PanelIn);
            var walk = new ConvWalk(Panels, Starts, Panel, (nint)sizeof(float) * Panel, sizeof(float), (nint)sizeof(float) * PanelIn);
            for (int p = 0; p < plane; p++)
            {
                int iy = p / S.W, ix = p % S.W;
                bool next = false;
                for (int t = 0; t < taps; t++)
                {
                    int y = iy + S.PadH - (t / S.KW * S.DilationH), x = ix + S.PadW - (t % S.KW * S.DilationW);
                    if (y < 0 || x < 0 || y % S.StrideH != 0 || x % S.StrideW != 0 || y / S.StrideH >= S.OH || x / S.StrideW >= S.OW) { continue; }
                    float* a = DY + (((((nint)y / S.StrideH * S.OW) + (x / S.StrideW)) * S.N) + first) * Panel;
                    ConvTile.Run<L>(rows, vectors, in walk, a, packed + ((nint)t * whole * PanelIn), Zeros, sums + (p * PanelIn), (nint)plane * PanelIn, next);
                    next = true;
                }
                for (int n = 0; n < rows && !next; n++) { new Span<float>(sums + ((((nint)n * plane) + p) * PanelIn), PanelIn).Clear(); }
            }
            for (int n = 0; n < rows; n++) { ConvLayout.ToFirst(real, plane, sums + ((nint)n * plane * PanelIn), PanelIn, DX + ((nint)(first + n) * S.InSize) + (c * plane), plane); }
        }
    }
}
