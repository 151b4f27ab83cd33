using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Convolution with one input channel a group: no matrix product, but a few taps over whole planes (<see cref="PhasePlane"/>). The gradient of x is such a sum of taps over the planes of dy,
/// a phase of the stride at a time; that of a tap's weight is the dot product of dy with what the tap read.</summary>
internal static unsafe class ConvDepthwise
{
    private const long ChunkWork = 1 << 16; // multiply-adds worth handing to another thread

    /// <summary>y = x ∗ weight + bias.</summary>
    public static void Forward(in ConvShape s, float* x, float* weight, float* bias, float* y)
    {
        if (F16.IsSupported) { Forward<F16>(s, x, weight, bias, y); }
        else if (F8.IsSupported) { Forward<F8>(s, x, weight, bias, y); }
        else if (F4.IsSupported) { Forward<F4>(s, x, weight, bias, y); }
        else { Forward<F1>(s, x, weight, bias, y); }
    }

    /// <summary>dX where dx is not null, dW where dw is not null, dB where db is not null.</summary>
    public static void Backward(in ConvShape s, float* x, float* weight, float* dy, float* dx, float* dw, float* db)
    {
        if (F16.IsSupported) { Backward<F16>(s, x, weight, dy, dx, dw, db); }
        else if (F8.IsSupported) { Backward<F8>(s, x, weight, dy, dx, dw, db); }
        else if (F4.IsSupported) { Backward<F4>(s, x, weight, dy, dx, dw, db); }
        else { Backward<F1>(s, x, weight, dy, dx, dw, db); }
    }

    private static void Forward<L>(in ConvShape s, float* x, float* weight, float* bias, float* y) where L : struct, IVectorLane<L>, ILane<L> =>
        Work.For(s.N * s.C, Grain(s, 1), new Planes<L> { S = s, Plane = new(s), X = x, Weight = weight, Bias = bias, Y = y });

    private static void Backward<L>(in ConvShape s, float* x, float* weight, float* dy, float* dx, float* dw, float* db) where L : struct, IVectorLane<L>, ILane<L> =>
        Work.For(s.C, Grain(s, s.N), new Channels<L> { S = s, Plane = new(s), X = x, Weight = weight, DY = dy, DX = dx, DWeight = dw, DBias = db });

    private static int Grain(in ConvShape s, int images) => (int)Math.Clamp(ChunkWork / Math.Max(1, (long)images * s.GroupOut * s.OH * s.OW * s.K), 1, 1 << 20);

    // to[i] = start + Σ over taps of weights[t] · from[offsets[t] + i]; writes whole vectors, four at a time
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Correlate<L>(float* from, int* offsets, float* weights, int taps, float start, float* to, int length) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (nint i = 0; i < length; i += 4 * L.Width)
        {
            L a = start, b = start, c = start, d = start;
            for (int t = 0; t < taps; t++)
            {
                float* x = from + offsets[t] + i;
                L w = weights[t];
                a = L.MultiplyAdd(w, L.Load(in *x, 0), a);
                b = L.MultiplyAdd(w, L.Load(in *x, L.Width), b);
                c = L.MultiplyAdd(w, L.Load(in *x, 2 * L.Width), c);
                d = L.MultiplyAdd(w, L.Load(in *x, 3 * L.Width), d);
            }
            L.Store(a, ref *to, i);
            L.Store(b, ref *to, i + L.Width);
            L.Store(c, ref *to, i + (2 * L.Width));
            L.Store(d, ref *to, i + (3 * L.Width));
        }
    }

    // reads whole vectors, four at a time: both are followed by zeros
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Dot<L>(float* x, float* y, int length) where L : struct, IVectorLane<L>, ILane<L>
    {
        L a = 0, b = 0, c = 0, d = 0;
        for (nint i = 0; i < length; i += 4 * L.Width)
        {
            a = L.MultiplyAdd(L.Load(in *x, i), L.Load(in *y, i), a);
            b = L.MultiplyAdd(L.Load(in *x, i + L.Width), L.Load(in *y, i + L.Width), b);
            c = L.MultiplyAdd(L.Load(in *x, i + (2 * L.Width)), L.Load(in *y, i + (2 * L.Width)), c);
            d = L.MultiplyAdd(L.Load(in *x, i + (3 * L.Width)), L.Load(in *y, i + (3 * L.Width)), d);
        }
        return L.Sum((a + b) + (c + d));
    }

    // an image's channel at a time
    private struct Planes<L> : IRange where L : struct, IVectorLane<L>, ILane<L>
    {
        public ConvShape S;
        public PhasePlane Plane;
        public float* X, Weight, Bias, Y;

        public readonly void Run(int from, int to)
        {
            int taps = S.KH * S.KW, pixels = S.OH * S.OW, size = Plane.Size + PhasePlane.Slack;
            float* planes = Scratch.Images.Take(size + (S.OH * Plane.Pitch) + PhasePlane.Slack + taps), sums = planes + size;
            int* offsets = (int*)(sums + (S.OH * Plane.Pitch) + PhasePlane.Slack);
            for (int t = 0; t < taps; t++) { offsets[t] = Plane.Offset(t / S.KW, t % S.KW); }
            Plane.Border(0, planes);
            for (int i = from; i < to; i++)
            {
                Plane.Split(X + ((nint)i * S.H * S.W), planes);
                for (int m = 0; m < S.GroupOut; m++)
                {
                    int o = (i % S.C * S.GroupOut) + m;
                    Correlate<L>(planes, offsets, Weight + (o * taps), taps, Bias is null ? 0 : Bias[o], sums, Plane.Length);
                    float* y = Y + ((((nint)i * S.GroupOut) + m) * pixels);
                    for (int r = 0; r < S.OH; r++) { new Span<float>(sums + (r * Plane.Pitch), S.OW).CopyTo(new Span<float>(y + (r * S.OW), S.OW)); }
                }
            }
        }
    }

    // a channel of all images at a time, so that its weights' gradients are summed in one order
    private struct Channels<L> : IRange where L : struct, IVectorLane<L>, ILane<L>
    {
        public ConvShape S;
        public PhasePlane Plane;
        public float* X, Weight, DY, DX, DWeight, DBias;

        public readonly void Run(int from, int to)
        {
            int taps = S.KH * S.KW, size = Plane.Size + PhasePlane.Slack, outSize = (S.OH * Plane.Pitch) + PhasePlane.Slack;
            int pitch = Plane.Pitch + Plane.MoreColumns, room = ((Plane.Rows + Plane.MoreRows) * pitch) + PhasePlane.Slack;
            float* planes = Scratch.Images.Take(size + outSize + (2 * room) + (2 * taps)), dy = planes + size, bordered = dy + outSize, sums = bordered + room, weights = sums + room;
            int* offsets = (int*)(weights + taps);
            Plane.Border(0, planes);
            new Span<float>(dy, outSize).Clear();
            new Span<float>(bordered, room).Clear();
            for (int c = from; c < to; c++)
            {
                if (DWeight is not null) { new Span<float>(DWeight + ((nint)c * S.GroupOut * taps), S.GroupOut * taps).Clear(); }
                if (DBias is not null) { new Span<float>(DBias + (c * S.GroupOut), S.GroupOut).Clear(); }
                for (int n = 0; n < S.N; n++)
                {
                    nint image = ((nint)n * S.C) + c;
                    if (DWeight is not null || DBias is not null) { AddWeights(c, image, planes, dy); }
                    if (DX is not null) { Spread(c, image, bordered, pitch, sums, weights, offsets); }
                }
            }
        }

        private readonly void AddWeights(int c, nint image, float* planes, float* dy)
        {
            int taps = S.KH * S.KW;
            if (DWeight is not null) { Plane.Split(X + (image * S.H * S.W), planes); }
            for (int m = 0; m < S.GroupOut; m++)
            {
                int o = (c * S.GroupOut) + m;
                float* from = DY + (((image * S.GroupOut) + m) * S.OH * S.OW);
                for (int r = 0; r < S.OH; r++) { new Span<float>(from + (r * S.OW), S.OW).CopyTo(new Span<float>(dy + (r * Plane.Pitch), S.OW)); }
                if (DBias is not null) { DBias[o] += System.Numerics.Tensors.TensorPrimitives.Sum(new ReadOnlySpan<float>(from, S.OH * S.OW)); }
                if (DWeight is null) { continue; }
                for (int t = 0; t < taps; t++) { DWeight[(o * taps) + t] += Dot<L>(planes + Plane.Offset(t / S.KW, t % S.KW), dy, Plane.Length); }
            }
        }

        // dx of one plane: its group's dy, with as many zeros around as the kernel reaches, under the taps that meet each phase
        private readonly void Spread(int c, nint image, float* dy, int pitch, float* sums, float* weights, int* offsets)
        {
            float* dx = DX + (image * S.H * S.W);
            new Span<float>(dx, S.H * S.W).Clear();
            int length = ((Plane.Rows - 1) * pitch) + Plane.Pitch;
            for (int m = 0; m < S.GroupOut; m++)
            {
                float* w = Weight + ((nint)((c * S.GroupOut) + m) * S.KH * S.KW), from = DY + (((image * S.GroupOut) + m) * S.OH * S.OW);
                for (int r = 0; r < S.OH; r++)
                {
                    new Span<float>(from + (r * S.OW), S.OW).CopyTo(new Span<float>(dy + ((Plane.MoreRows + r) * pitch) + Plane.MoreColumns, S.OW));
                }
                for (int a = 0; a < S.StrideH; a++)
                {
                    for (int b = 0; b < S.StrideW; b++)
                    {
                        int taps = Taps(a, b, w, pitch, weights, offsets);
                        if (taps == 0) { continue; }
                        Correlate<L>(dy, offsets, weights, taps, 0, sums, length);
                        Plane.Join(a, b, sums, pitch, dx);
                    }
                }
            }
        }

        // the taps that meet a phase, and where in the bordered dy each reads
        private readonly int Taps(int a, int b, float* w, int pitch, float* weights, int* offsets)
        {
            int taps = 0;
            for (int ky = 0; ky < S.KH; ky++)
            {
                int y = a - (ky * S.DilationH);
                if (y % S.StrideH != 0) { continue; }
                for (int kx = 0; kx < S.KW; kx++)
                {
                    int x = b - (kx * S.DilationW);
                    if (x % S.StrideW != 0) { continue; }
                    weights[taps] = w[(ky * S.KW) + kx];
                    offsets[taps++] = ((Plane.MoreRows + (y / S.StrideH)) * pitch) + Plane.MoreColumns + (x / S.StrideW);
                }
            }
            return taps;
        }
    }
}
