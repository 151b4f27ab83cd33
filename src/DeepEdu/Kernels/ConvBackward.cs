using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The gradients of <see cref="ConvForward"/>, image by image, channels last. dW[k, o] = Σ over pixels of patch[pixel, k] · dY[pixel, o] reads patches in place; dX takes each tap's
/// product dY · Wᵀ and adds it where the tap read, which costs the same for any stride.</summary>
internal static unsafe class ConvBackward
{
    private const long PieceWork = 1 << 20; // multiply-adds, about, that repay sums of their own

    // pieces of the batch with sums of their own: from the sizes only, so that a sum has one order for any number of threads
    private const int MaxPieces = 8;

    /// <summary>The arguments.</summary>
    internal struct Task
    {
        /// <summary>The sizes.</summary>
        public ConvShape S;

        /// <summary>What followed the convolution.</summary>
        public ConvEnd End;

        /// <summary>The input, the weight, the output (needed after ReLU), its gradient.</summary>
        public float* X, Weight, Y, DY;

        /// <summary>The gradients; null where none is wanted.</summary>
        public float* DX, DWeight, DBias;

        /// <summary>What pooling kept.</summary>
        public byte* At;
    }

    /// <summary>Fills dX, dW and dB.</summary>
    public static void Run(in Task task)
    {
        if (F16.IsSupported) { Run<F16>(task); }
        else if (F8.IsSupported) { Run<F8>(task); }
        else if (F4.IsSupported) { Run<F4>(task); }
        else { Run<F1>(task); }
    }

    private static void Run<L>(in Task task) where L : struct, IVectorLane<L>, ILane<L>
    {
        var s = task.S;
        bool pool = task.End == ConvEnd.ReluPool;
        int panel = ConvLayout.Panel<L>(s.OutC), whole = ConvLayout.Whole<L>(s.OutC), panelIn = ConvLayout.Panel<L>(s.C), wholeIn = ConvLayout.Whole<L>(s.C), lines = pool ? s.OH / 2 * 2 : s.OH, columns = pool ? s.OW / 2 * 2 : s.OW;
        int pieces = (int)Math.Clamp(s.N * s.Work / PieceWork, 1, Math.Min(MaxPieces, Math.Max(1, s.N)));
        int sumSize = (s.K * whole) + whole, packedSize = task.DX is null || s.HasFewInputs ? 0 : checked(s.KH * s.KW * whole * wholeIn);
        int starts = Math.Max(lines, whole / panel);
        float* zeros = Scratch.Layer.Take(checked(32 + packedSize + (sumSize * pieces) + (4 * starts))), packed = zeros + 32, sums = packed + packedSize;
        nint* pixels = (nint*)(sums + (sumSize * pieces)), panels = pixels + starts;
        new Span<float>(zeros, 32).Clear();
        if (packedSize > 0) { ConvLayout.PackBackward(in s, task.Weight, panelIn, whole, packed); }
        for (int i = 0; i < lines; i++) { pixels[i] = (nint)sizeof(float) * i * s.StrideH * s.PaddedW * s.BlockC; }
        for (int o = 0; o < whole / panel; o++) { panels[o] = (nint)sizeof(float) * o * lines * columns * panel; }
        var all = new Images<L>
        {
            T = task, Packed = packed, Zeros = zeros, Sums = sums, SumSize = sumSize, PixelStarts = pixels, PanelStarts = panels, Pieces = pieces,
            Lines = lines, Columns = columns, Panel = panel, Whole = whole, PanelIn = panelIn, WholeIn = wholeIn,
        };
        Work.Run(pieces, all);
        if (task.DWeight is not null)
        {
            var fold = new Fold<L> { S = s, Sums = sums, SumSize = sumSize, Pieces = pieces, Panel = panel, DWeight = task.DWeight };
            Work.For(s.C, Math.Max(1, 4096 / (s.KH * s.KW * whole)), fold);
        }
        if (task.DBias is null) { return; }
        for (int o = 0; o < s.OutC; o++)
        {
            float sum = 0;
            for (int p = 0; p < pieces; p++) { sum += sums[((nint)p * sumSize) + (s.K * whole) + o]; }
            task.DBias[o] = sum;
        }
    }

    // adds the pieces' sums in order and puts them into the weight's layout, for some input channels
    private struct Fold<L> : IRange where L : struct, IVectorLane<L>, ILane<L>
    {
        public ConvShape S;
        public float* Sums, DWeight;
        public int SumSize, Pieces, Panel;

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public readonly void Run(int from, int to)
        {
            int taps = S.KH * S.KW, k = S.K, outputs = S.OutC, block = S.BlockC;
            float* line = stackalloc float[L.Width];
            for (int c = from; c < to; c++)
            {
                for (int t = 0; t < taps; t++)
                {
                    float* sums = Sums + ((nint)ConvLayout.Row(c, t, block, taps) * Panel), dw = DWeight + (c * taps) + t;
                    for (int o = 0; o < outputs; o += L.Width)
                    {
                        float* at = sums + ((nint)(o / Panel * Panel) * k) + (o % Panel);
                        L sum = L.Load(in *at, 0);
                        for (int p = 1; p < Pieces; p++) { sum += L.Load(in *at, (nint)p * SumSize); }
                        L.Store(sum, ref *line, 0);
                        int real = Math.Min(L.Width, outputs - o);
                        for (int j = 0; j < real; j++, dw += k) { *dw = line[j]; }
                    }
                }
            }
        }
    }

    private struct Images<L> : IChunks where L : struct, IVectorLane<L>, ILane<L>
    {
        public Task T;
        public float* Packed, Zeros, Sums;
        public nint* PixelStarts, PanelStarts;
        public int SumSize, Pieces, Lines, Columns, Panel, Whole, PanelIn, WholeIn;

        public readonly void Run(int piece)
        {
            ref readonly var s = ref T.S;
            int from = (int)((long)s.N * piece / Pieces), to = (int)((long)s.N * (piece + 1) / Pieces), pixels = Lines * Columns;
            float* dw = Sums + ((nint)piece * SumSize), db = dw + (s.K * Whole);
            new Span<float>(dw, SumSize).Clear();
            if (pixels == 0)
            {
                if (T.DX is not null) { new Span<float>(T.DX + ((nint)from * s.InSize), (to - from) * s.InSize).Clear(); }
                return;
            }
            int inLines = ((Lines - 1) * s.StrideH) + s.SpanH, paddedH = s.H + (2 * s.PadH);
            int imageSize = Vectors(checked(inLines * s.PaddedW * s.C)), dySize = checked(pixels * Whole), dxSize = T.DX is null ? 0 : s.HasFewInputs ? checked(s.K * pixels) : checked(paddedH * s.PaddedW * WholeIn);
            int tempSize = T.End == ConvEnd.None ? 0 : T.End == ConvEnd.Relu ? s.OutSize : pixels / 4 * Panel;
            float* dy = Scratch.Images.Take(checked(imageSize + dySize + dxSize + tempSize)), dx = dy + dySize, image = dx + dxSize, temp = image + imageSize;
            if (Whole > s.OutC) { new Span<float>(dy, dySize).Clear(); }
            for (int n = from; n < to; n++)
            {
                if (T.End == ConvEnd.ReluPool) { Unpool(n, temp, dy, db); }
                else { LoadDY(n, temp, dy, db); }
                if (T.DWeight is not null)
                {
                    ConvLayout.Pad(in s, T.X + ((nint)n * s.InSize), 0, inLines, inLines, image);
                    AddDW(image, inLines, dy, dw);
                }
                if (T.DX is not null && s.HasFewInputs) { AddColumns(dy, dx, T.DX + ((nint)n * s.InSize)); }
                else if (T.DX is not null)
                {
                    new Span<float>(dx, dxSize).Clear();
                    AddDX(dy, dx);
                    ConvLayout.Unpad(in s, dx, PanelIn, T.DX + ((nint)n * s.InSize));
                }
            }
        }

        private static int Vectors(int floats) => (floats + 15) / 16 * 16;

        private readonly void Unpool(int n, float* pooled, float* dy, float* db)
        {
            int width = Columns / 2, height = Lines / 2, plane = width * height, line = width * Panel;
            float* from = T.DY + ((nint)n * T.S.OutC * plane);
            byte* at = T.At + ((nint)n * plane * Whole);
            for (int o = 0; o < T.S.OutC; o += Panel, at += plane * Panel, from += plane * Panel, dy += Lines * Columns * Panel)
            {
                int real = Math.Min(Panel, T.S.OutC - o);
                if (real < Panel) { new Span<float>(pooled, plane * Panel).Clear(); }
                ConvLayout.ToLast(real, plane, from, plane, pooled, Panel);
                for (int i = 0; i < height; i++)
                {
                    float* above = dy + (4 * i * line);
                    ConvPool.Backward<L>(pooled + (i * line), at + (i * line), Panel, width, above, above + (2 * line), db + o);
                }
            }
        }

        private readonly void LoadDY(int n, float* masked, float* to, float* db)
        {
            int plane = Lines * Columns;
            float* dy = T.DY + ((nint)n * T.S.OutSize);
            if (T.End == ConvEnd.Relu)
            {
                Mask(dy, T.Y + ((nint)n * T.S.OutSize), masked, T.S.OutSize);
                dy = masked;
            }
            for (int o = 0; o < T.S.OutC; o++) { db[o] += Sum(dy + (o * plane), plane); }
            for (int o = 0; o < T.S.OutC; o += Panel, dy += Panel * plane, to += Panel * plane) { ConvLayout.ToLast(Math.Min(Panel, T.S.OutC - o), plane, dy, plane, to, Panel); }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Mask(float* dy, float* y, float* to, int n)
        {
            int i = 0;
            for (; i + L.Width <= n; i += L.Width) { L.Store(L.WhereGreaterOrEqual(L.Of(0), L.Load(in *y, i), L.Of(0), L.Load(in *dy, i)), ref *to, i); }
            for (; i < n; i++) { to[i] = 0 >= y[i] ? 0 : dy[i]; }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static float Sum(float* x, int n)
        {
            L a = L.Of(0), b = a;
            int i = 0;
            for (; i + (2 * L.Width) <= n; i += 2 * L.Width)
            {
                a += L.Load(in *x, i);
                b += L.Load(in *x, i + L.Width);
            }
            float sum = L.Sum(a + b);
            for (; i < n; i++) { sum += x[i]; }
            return sum;
        }

        private readonly void AddDW(float* image, int inLines, float* dy, float* dw)
        {
            ref readonly var s = ref T.S;
            int block = s.BlockC, pixels = Lines * Columns;
            // rows of a product are the neighbouring values of a patch: a line of it, or a tap where they lie apart
            int run = s.K / s.Runs;
            var walk = new ConvWalk(Lines, PixelStarts, Columns, sizeof(float), (nint)sizeof(float) * s.StrideW * block, (nint)sizeof(float) * Panel);
            for (int o = 0; o < s.OutC; o += Panel, dy += (nint)pixels * Panel)
            {
                int vectors = Math.Min(Panel, s.OutC - o) > L.Width ? 2 : 1;
                for (int c = 0; c < s.C; c += block)
                {
                    for (int ky = 0; ky < s.KH; ky++)
                    {
                        for (int kx = 0; kx < s.RunsW; kx++)
                        {
                            float* a = image + ((nint)c * inLines * s.PaddedW) + (block * ((ky * s.DilationH * s.PaddedW) + (kx * s.DilationW)));
                            for (int left = run; left > 0;)
                            {
                                int rows = ConvTile.Cut<L>(left);
                                ConvTile.Run<L>(rows, vectors, in walk, a, dy, Zeros, dw, Panel, true);
                                left -= rows;
                                a += rows;
                                dw += rows * Panel;
                            }
                        }
                    }
                }
            }
        }

        // the columns Wᵀ·dY, added where they were read: few inputs would leave most lanes of a tile empty
        private readonly void AddColumns(float* dy, float* columns, float* dx)
        {
            ref readonly var s = ref T.S;
            int pixels = Lines * Columns, taps = s.KH * s.KW;
            for (int o = 0; o < s.OutC; o += Panel, dy += (nint)pixels * Panel)
            {
                Gemm.Run(true, true, s.K, pixels, Math.Min(Panel, s.OutC - o), T.Weight + ((nint)o * s.K), s.K, dy, Panel, columns, pixels, accumulate: o > 0);
            }
            new Span<float>(dx, s.InSize).Clear();
            for (int k = 0; k < s.K; k++, columns += pixels) { ConvColumns.Add(in s, k % taps, Lines, Columns, columns, dx + ((nint)k / taps * s.H * s.W)); }
        }

        private readonly void AddDX(float* dy, float* dx)
        {
            ref readonly var s = ref T.S;
            float* b = Packed;
            nint ld = (nint)s.StrideW * PanelIn, line = (nint)s.PaddedW * PanelIn;
            var walk = new ConvWalk(Whole / Panel, PanelStarts, Panel, (nint)sizeof(float) * Panel, sizeof(float), (nint)sizeof(float) * PanelIn);
            for (int c = 0; c < s.C; c += PanelIn, dx += (s.H + (2 * s.PadH)) * line)
            {
                int vectors = Math.Min(PanelIn, s.C - c) > L.Width ? 2 : 1;
                for (int t = 0; t < s.KH * s.KW; t++, b += (nint)Whole * PanelIn)
                {
                    float* tap = dx + (t / s.KW * s.DilationH * line) + (t % s.KW * s.DilationW * PanelIn);
                    for (int i = 0; i < Lines; i++)
                    {
                        float* a = dy + ((nint)i * Columns * Panel), to = tap + (i * s.StrideH * line);
                        for (int j = 0; j < Columns;)
                        {
                            int rows = ConvTile.Cut<L>(Columns - j);
                            ConvTile.Run<L>(rows, vectors, in walk, a + ((nint)j * Panel), b, Zeros, to + (j * ld), ld, true);
                            j += rows;
                        }
                    }
                }
            }
        }
    }
}
