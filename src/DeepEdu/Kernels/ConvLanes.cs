using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Depthwise convolution of small planes with channels along the lanes: a plane's lines are too short for vectors of pixels, and copying them one by one costs more than their taps. A vector of channels needs no whole lines, and its
/// weight's gradient no sums across lanes. The gradient of x is the same loop over dy, spread by the stride, with the taps from the last to the first.</summary>
internal static unsafe class ConvLanes
{
    private const long ChunkWork = 1 << 16; // multiply-adds worth handing to another thread
    private const long PieceWork = 1 << 18; // multiply-adds, about, that repay sums of their own
    private const int Parts = 16; // of the weight's gradient: from the sizes only, so that a sum has one order for any number of threads

    /// <summary>y = x ∗ weight + bias.</summary>
    public static void Forward(in ConvShape s, float* x, float* weight, float* bias, float* y)
    {
        if (F16.IsSupported) { Forward<Vector512<float>, Register16>(s, x, weight, bias, y); }
        else if (F8.IsSupported) { Forward<Vector256<float>, Register8>(s, x, weight, bias, y); }
        else if (F4.IsSupported) { Forward<Vector128<float>, Register4>(s, x, weight, bias, y); }
        else { Forward<float, Register1>(s, x, weight, bias, y); }
    }

    /// <summary>dX where dx is not null, dW where dw is not null, dB where db is not null.</summary>
    public static void Backward(in ConvShape s, float* x, float* weight, float* dy, float* dx, float* dw, float* db)
    {
        if (F16.IsSupported) { Backward<Vector512<float>, Register16>(s, x, weight, dy, dx, dw, db); }
        else if (F8.IsSupported) { Backward<Vector256<float>, Register8>(s, x, weight, dy, dx, dw, db); }
        else if (F4.IsSupported) { Backward<Vector128<float>, Register4>(s, x, weight, dy, dx, dw, db); }
        else { Backward<float, Register1>(s, x, weight, dy, dx, dw, db); }
    }

    private static void Forward<X, O>(in ConvShape s, float* x, float* weight, float* bias, float* y) where X : struct where O : struct, IRegister<X> =>
        Work.For(Blocks<X, O>(s) * s.N, Grain<X, O>(s, 1), new Images<X, O> { S = s, From = x, Weight = weight, Bias = bias, Y = y });

    private static void Backward<X, O>(in ConvShape s, float* x, float* weight, float* dy, float* dx, float* dw, float* db)
        where X : struct where O : struct, IRegister<X>
    {
        int blocks = Blocks<X, O>(s), taps = s.KH * s.KW, size = (taps + 1) * O.Width;
        int pieces = (int)Math.Clamp(s.N * s.Work / PieceWork, 1, Math.Max(1, Math.Min(s.N, (Parts + blocks - 1) / blocks)));
        float* sums = Scratch.Layer.Take(checked(size * blocks * pieces));
        Work.For(blocks * pieces, Grain<X, O>(s, 3 * ((s.N + pieces - 1) / pieces)), new Pieces<X, O> { S = s, From = x, Weight = weight, DY = dy, DX = dx, Sums = sums, Count = pieces, WantsW = dw is not null, WantsB = db is not null });
        for (int b = 0; b < blocks && (dw is not null || db is not null); b++)
        {
            float* all = sums + ((nint)b * pieces * size);
            for (int p = 1; p < pieces; p++) { System.Numerics.Tensors.TensorPrimitives.Add(new ReadOnlySpan<float>(all, size), new ReadOnlySpan<float>(all + (p * size), size), new Span<float>(all, size)); }
            int first = b * O.Width, real = Math.Min(O.Width, s.C - first);
            if (dw is not null) { ConvLayout.ToFirst(real, taps, all, O.Width, dw + ((nint)first * taps), taps); }
            if (db is not null) { new Span<float>(all + (taps * O.Width), real).CopyTo(new Span<float>(db + first, real)); }
        }
    }

    private static int Blocks<X, O>(in ConvShape s) where X : struct where O : struct, IRegister<X> => (s.C + O.Width - 1) / O.Width;

    private static int Grain<X, O>(in ConvShape s, int images) where X : struct where O : struct, IRegister<X> =>
        (int)Math.Clamp(ChunkWork / Math.Max(1, (long)images * O.Width * s.OH * s.OW * s.K), 1, 1 << 20);

    // an image's block of channels, channels last, in the middle of zeros
    private static void Lay<X, O>(in ConvShape s, int real, float* x, float* flat, float* image) where X : struct where O : struct, IRegister<X>
    {
        int w = O.Width;
        bool bare = s.PadH == 0 && s.PadW == 0;
        ConvLayout.ToLast(real, s.H * s.W, x, s.H * s.W, bare ? image : flat, w);
        if (!bare) { Spread<X, O>(flat, s.H, s.W, image + (((nint)s.PadH * s.PaddedW) + s.PadW) * w, (nint)s.PaddedW * w, w); }
    }

    // lines of vectors to lines and columns further apart
    private static void Spread<X, O>(float* from, int lines, int columns, float* to, nint line, nint column) where X : struct where O : struct, IRegister<X>
    {
        for (int i = 0; i < lines; i++, to += line)
        {
            float* t = to;
            for (int j = 0; j < columns; j++, from += O.Width, t += column) { O.Store(O.Load(from), t); }
        }
    }

    // lines × columns of results, each the start and the taps' sum; image: lineStep and columnStep floats from result to result, next and tap from tap to tap
    private static void Correlate<X, O>(float* image, nint lineStep, nint columnStep, int kh, int kw, nint next, nint tap, float* weights, float* start, float* to, int lines, int columns) where X : struct where O : struct, IRegister<X>
    {
        for (int i = 0; i < lines; i++, image += lineStep)
        {
            for (int j = 0; j < columns;)
            {
                int left = columns - j, count = left <= 8 ? left : left < 16 ? (left + 1) / 2 : 8;
                Sum<X, O>(count, image + (j * columnStep), columnStep, kh, kw, next, tap, weights, start, to);
                j += count;
                to += count * O.Width;
            }
        }
    }

    private static void Sum<X, O>(int count, float* a, nint step, int kh, int kw, nint next, nint tap, float* weights, float* start, float* to) where X : struct where O : struct, IRegister<X>
    {
        switch (count)
        {
            case 1: Sum<X, O, N1>(a, step, kh, kw, next, tap, weights, start, to); break;
            case 2: Sum<X, O, N2>(a, step, kh, kw, next, tap, weights, start, to); break;
            case 3: Sum<X, O, N3>(a, step, kh, kw, next, tap, weights, start, to); break;
            case 4: Sum<X, O, N4>(a, step, kh, kw, next, tap, weights, start, to); break;
            case 5: Sum<X, O, N5>(a, step, kh, kw, next, tap, weights, start, to); break;
            case 6: Sum<X, O, N6>(a, step, kh, kw, next, tap, weights, start, to); break;
            case 7: Sum<X, O, N7>(a, step, kh, kw, next, tap, weights, start, to); break;
            default: Sum<X, O, N8>(a, step, kh, kw, next, tap, weights, start, to); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Sum<X, O, R>(float* a, nint step, int kh, int kw, nint next, nint tap, float* weights, float* start, float* to)
        where X : struct where O : struct, IRegister<X> where R : struct, INumber
    {
        nint w = O.Width;
        X c0 = O.Load(start), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
        for (int y = 0; y < kh; y++, a += next)
        {
            float* p = a;
            for (int x = 0; x < kw; x++, p += tap, weights += w)
            {
                X by = O.Load(weights);
                float* q = p + (4 * step);
                c0 = O.MultiplyAdd(O.Load(p), by, c0);
                if (R.Value > 1) { c1 = O.MultiplyAdd(O.Load(p + step), by, c1); }
                if (R.Value > 2) { c2 = O.MultiplyAdd(O.Load(p + (2 * step)), by, c2); }
                if (R.Value > 3) { c3 = O.MultiplyAdd(O.Load(p + (3 * step)), by, c3); }
                if (R.Value > 4) { c4 = O.MultiplyAdd(O.Load(q), by, c4); }
                if (R.Value > 5) { c5 = O.MultiplyAdd(O.Load(q + step), by, c5); }
                if (R.Value > 6) { c6 = O.MultiplyAdd(O.Load(q + (2 * step)), by, c6); }
                if (R.Value > 7) { c7 = O.MultiplyAdd(O.Load(q + (3 * step)), by, c7); }
            }
        }
        O.Store(c0, to);
        if (R.Value > 1) { O.Store(c1, to + w); }
        if (R.Value > 2) { O.Store(c2, to + (2 * w)); }
        if (R.Value > 3) { O.Store(c3, to + (3 * w)); }
        if (R.Value > 4) { O.Store(c4, to + (4 * w)); }
        if (R.Value > 5) { O.Store(c5, to + (5 * w)); }
        if (R.Value > 6) { O.Store(c6, to + (6 * w)); }
        if (R.Value > 7) { O.Store(c7, to + (7 * w)); }
    }

    // sums of up to four neighbouring taps' weights += Σ over the results of what the tap read · dy
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Dot<X, O, R>(float* image, nint lineStep, nint columnStep, nint tap, float* dy, int lines, int columns, float* sums) where X : struct where O : struct, IRegister<X> where R : struct, INumber
    {
        nint w = O.Width;
        X c0 = O.Load(sums), c1 = R.Value > 1 ? O.Load(sums + w) : default, c2 = R.Value > 2 ? O.Load(sums + (2 * w)) : default, c3 = R.Value > 3 ? O.Load(sums + (3 * w)) : default;
        for (int i = 0; i < lines; i++, image += lineStep)
        {
            float* p = image;
            for (int j = 0; j < columns; j++, p += columnStep, dy += w)
            {
                X d = O.Load(dy);
                c0 = O.MultiplyAdd(O.Load(p), d, c0);
                if (R.Value > 1) { c1 = O.MultiplyAdd(O.Load(p + tap), d, c1); }
                if (R.Value > 2) { c2 = O.MultiplyAdd(O.Load(p + (2 * tap)), d, c2); }
                if (R.Value > 3) { c3 = O.MultiplyAdd(O.Load(p + (3 * tap)), d, c3); }
            }
        }
        O.Store(c0, sums);
        if (R.Value > 1) { O.Store(c1, sums + w); }
        if (R.Value > 2) { O.Store(c2, sums + (2 * w)); }
        if (R.Value > 3) { O.Store(c3, sums + (3 * w)); }
    }

    // a block of an image's channels at a time, all images of a block one after the other
    private struct Images<X, O> : IRange where X : struct where O : struct, IRegister<X>
    {
        public ConvShape S;
        public float* From, Weight, Bias, Y;

        public readonly void Run(int from, int to)
        {
            int w = O.Width, taps = S.KH * S.KW, inner = S.H * S.W, pixels = S.OH * S.OW, padded = (S.H + (2 * S.PadH)) * S.PaddedW, room = checked((padded + inner + pixels + taps + 1) * w);
            float* image = Scratch.Images.Take(room), flat = image + (padded * w), sums = flat + (inner * w), weights = sums + (pixels * w), start = weights + (taps * w);
            new Span<float>(image, room).Clear();
            for (int i = from, laid = -1; i < to; i++)
            {
                var (block, n) = Math.DivRem(i, S.N);
                int first = block * w, real = Math.Min(w, S.C - first);
                if (block != laid)
                {
                    ConvLayout.ToLast(real, taps, Weight + ((nint)first * taps), taps, weights, w);
                    if (Bias is not null) { new Span<float>(Bias + first, real).CopyTo(new Span<float>(start, real)); }
                    laid = block;
                }
                Lay<X, O>(in S, real, From + ((((nint)n * S.C) + first) * inner), flat, image);
                Correlate<X, O>(image, (nint)S.StrideH * S.PaddedW * w, S.StrideW * w, S.KH, S.KW, (nint)S.DilationH * S.PaddedW * w, S.DilationW * w, weights, start, sums, S.OH, S.OW);
                ConvLayout.ToFirst(real, pixels, sums, w, Y + ((((nint)n * S.C) + first) * pixels), pixels);
            }
        }
    }

    // a block of channels of some images at a time
    private struct Pieces<X, O> : IRange where X : struct where O : struct, IRegister<X>
    {
        public ConvShape S;
        public float* From, Weight, DY, DX, Sums;
        public int Count;
        public bool WantsW, WantsB;

        public readonly void Run(int from, int to)
        {
            int w = O.Width, taps = S.KH * S.KW, inner = S.H * S.W, pixels = S.OH * S.OW, padded = (S.H + (2 * S.PadH)) * S.PaddedW, bordered = DX is null ? 0 : (S.H + S.SpanH - 1) * (S.W + S.SpanW - 1);
            int room = checked((padded + inner + pixels + bordered + taps + 1) * w);
            float* image = Scratch.Images.Take(room), flat = image + (padded * w), dy = flat + (inner * w), border = dy + (pixels * w), weights = border + (bordered * w), none = weights + (taps * w);
            new Span<float>(image, room).Clear();
            for (int u = from; u < to; u++)
            {
                var (block, piece) = Math.DivRem(u, Count);
                int first = block * w, real = Math.Min(w, S.C - first), at = (int)((long)S.N * piece / Count), end = (int)((long)S.N * (piece + 1) / Count);
                float* sums = Sums + ((nint)u * (taps + 1) * w);
                new Span<float>(sums, (taps + 1) * w).Clear();
                if (DX is not null)
                {
                    ConvLayout.ToLast(real, taps, Weight + ((nint)first * taps), taps, weights, w);
                    for (int t = 0; t < taps / 2; t++) { Swap(weights + (t * w), weights + ((taps - 1 - t) * w)); }
                }
                for (int n = at; n < end; n++)
                {
                    nint plane = ((nint)n * S.C) + first;
                    ConvLayout.ToLast(real, pixels, DY + (plane * pixels), pixels, dy, w);
                    if (WantsB) { AddBias(dy, pixels, sums + (taps * w)); }
                    if (WantsW)
                    {
                        Lay<X, O>(in S, real, From + (plane * inner), flat, image);
                        AddWeights(image, dy, sums);
                    }
                    if (DX is null) { continue; }
                    Border(dy, border);
                    Correlate<X, O>(border, (nint)(S.W + S.SpanW - 1) * w, w, S.KH, S.KW, (nint)S.DilationH * (S.W + S.SpanW - 1) * w, S.DilationW * w, weights, none, flat, S.H, S.W);
                    ConvLayout.ToFirst(real, inner, flat, w, DX + (plane * inner), inner);
                }
            }
        }

        private static void Swap(float* a, float* b)
        {
            X t = O.Load(a);
            O.Store(O.Load(b), a);
            O.Store(t, b);
        }

        private static void AddBias(float* dy, int pixels, float* sum)
        {
            X b = O.Load(sum);
            for (int i = 0; i < pixels; i++, dy += O.Width) { b = O.Add(b, O.Load(dy)); }
            O.Store(b, sum);
        }

        private readonly void AddWeights(float* image, float* dy, float* sums)
        {
            int w = O.Width;
            nint line = (nint)S.StrideH * S.PaddedW * w, column = S.StrideW * w, tap = S.DilationW * w;
            for (int ky = 0; ky < S.KH; ky++)
            {
                for (int kx = 0; kx < S.KW;)
                {
                    float* at = image + ((((nint)ky * S.DilationH * S.PaddedW) + (kx * S.DilationW)) * w);
                    int left = S.KW - kx, count = left is 5 or 6 ? 3 : Math.Min(4, left);
                    switch (count)
                    {
                        case 1: Dot<X, O, N1>(at, line, column, tap, dy, S.OH, S.OW, sums); break;
                        case 2: Dot<X, O, N2>(at, line, column, tap, dy, S.OH, S.OW, sums); break;
                        case 3: Dot<X, O, N3>(at, line, column, tap, dy, S.OH, S.OW, sums); break;
                        default: Dot<X, O, N4>(at, line, column, tap, dy, S.OH, S.OW, sums); break;
                    }
                    kx += count;
                    sums += count * w;
                }
            }
        }

        // dy where the kernel, from its last tap to its first, meets it; what no input read is left out
        private readonly void Border(float* dy, float* to)
        {
            int w = O.Width, columns = S.W + S.SpanW - 1, lines = S.H + S.SpanH - 1;
            for (int i = 0; i < S.OH; i++)
            {
                int y = (i * S.StrideH) + S.SpanH - 1 - S.PadH;
                if ((uint)y >= (uint)lines) { continue; }
                for (int j = 0; j < S.OW; j++)
                {
                    int x = (j * S.StrideW) + S.SpanW - 1 - S.PadW;
                    if ((uint)x < (uint)columns) { O.Store(O.Load(dy + (((nint)i * S.OW) + j) * w), to + ((((nint)y * columns) + x) * w)); }
                }
            }
        }
    }
}
