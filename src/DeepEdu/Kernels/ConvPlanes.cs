using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Convolution with one or few input channels a group: no matrix product, but a few taps over whole planes (<see cref="PhasePlane"/>), which waste no lane however few channels there are. The gradient of x is such a sum of taps
/// over the planes of dy, a phase of the stride at a time; that of a tap's weight is the dot product of dy with what the tap read.</summary>
internal static unsafe class ConvPlanes
{
    private const long ChunkWork = 1 << 16; // multiply-adds worth handing to another thread
    private const long PieceWork = 1 << 20; // multiply-adds, about, that repay sums of their own
    private const int Parts = 16; // of the gradient's work, groups or pieces of the batch with sums of their own: from the sizes only, so that a sum has one order for any number of threads

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
        Work.For(s.N * s.Groups, Grain(s, 1), new Planes<L> { S = s, Plane = new(s), X = x, Weight = weight, Bias = bias, Y = y });

    private static void Backward<L>(in ConvShape s, float* x, float* weight, float* dy, float* dx, float* dw, float* db) where L : struct, IVectorLane<L>, ILane<L>
    {
        int pieces = (int)Math.Clamp(s.N * s.Work / PieceWork, 1, Math.Max(1, Math.Min(s.N, (Parts + s.Groups - 1) / s.Groups))), size = s.OutC * (Taps(s) + 1);
        float* sums = Scratch.Layer.Take(checked(size * pieces));
        Work.For(pieces * s.Groups, Grain(s, (s.N + pieces - 1) / pieces), new Pieces<L> { S = s, Plane = new(s), X = x, Weight = weight, DY = dy, DX = dx, Sums = sums, Count = pieces, WantsW = dw is not null, WantsB = db is not null });
        for (int p = 1; p < pieces; p++) { System.Numerics.Tensors.TensorPrimitives.Add(new ReadOnlySpan<float>(sums, size), new ReadOnlySpan<float>(sums + ((nint)p * size), size), new Span<float>(sums, size)); }
        for (int o = 0; o < s.OutC && dw is not null; o++) { new Span<float>(sums + (o * Taps(s)), s.K).CopyTo(new Span<float>(dw + (o * s.K), s.K)); }
        if (db is not null) { new Span<float>(sums + (s.OutC * Taps(s)), s.OutC).CopyTo(new Span<float>(db, s.OutC)); }
    }

    private static int Grain(in ConvShape s, int images) => (int)Math.Clamp(ChunkWork / Math.Max(1, (long)images * s.GroupOut * s.OH * s.OW * s.K), 1, 1 << 20);

    // a weight's sums, in whole groups of taps
    private static int Taps(in ConvShape s) => (s.K + PlaneTaps.Together - 1) / PlaneTaps.Together * PlaneTaps.Together;

    // where the taps of all channels of a group read; what fills up their number reads what the last one does
    private static void Offsets(in ConvShape s, in PhasePlane plane, int size, int* offsets)
    {
        int taps = s.KH * s.KW;
        for (int t = 0; t < Taps(s); t++)
        {
            var (c, tap) = Math.DivRem(Math.Min(t, s.K - 1), taps);
            offsets[t] = (c * size) + plane.Offset(tap / s.KW, tap % s.KW);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void CopyLines(float* from, int fromPitch, float* to, int toPitch, int width, int lines)
    {
        for (int r = 0; r < lines; r++, from += fromPitch, to += toPitch) { Lines.Copy(ref *from, ref *to, width); }
    }

    // a group of an image at a time
    private struct Planes<L> : IRange where L : struct, IVectorLane<L>, ILane<L>
    {
        public ConvShape S;
        public PhasePlane Plane;
        public float* X, Weight, Bias, Y;

        public readonly void Run(int from, int to)
        {
            int pixels = S.OH * S.OW, size = Plane.Size + PhasePlane.Slack, outSize = (S.OH * Plane.Pitch) + PhasePlane.Slack;
            float* planes = Scratch.Images.Take(checked((S.GroupC * size) + (PlaneTaps.Most * outSize) + Taps(S))), sums = planes + (S.GroupC * size), y = Y + ((nint)from * S.GroupOut * pixels);
            int* offsets = (int*)(sums + (PlaneTaps.Most * outSize));
            float* none = stackalloc float[PlaneTaps.Most] { 0, 0, 0, 0 };
            Offsets(S, Plane, size, offsets);
            for (int c = 0; c < S.GroupC; c++) { Plane.Border(0, planes + (c * size)); }
            for (int i = from; i < to; i++)
            {
                for (int c = 0; c < S.GroupC; c++) { Plane.Split(X + ((((nint)i * S.GroupC) + c) * S.H * S.W), planes + (c * size)); }
                for (int m = 0, results; m < S.GroupOut; m += results)
                {
                    int o = (i % S.Groups * S.GroupOut) + m;
                    results = PlaneTaps.Results<L>(S.GroupOut - m);
                    PlaneTaps.Correlate<L>(planes, offsets, Weight + ((nint)o * S.K), S.K, S.K, Bias is null ? none : Bias + o, sums, outSize, Plane.Length, results);
                    for (int k = 0; k < results; k++, y += pixels)
                    {
                        CopyLines(sums + (k * outSize), Plane.Pitch, y, S.OW, S.OW, S.OH);
                    }
                }
            }
        }
    }

    // a group of some images at a time
    private struct Pieces<L> : IRange where L : struct, IVectorLane<L>, ILane<L>
    {
        public ConvShape S;
        public PhasePlane Plane;
        public float* X, Weight, DY, DX, Sums;
        public int Count;
        public bool WantsW, WantsB;

        public readonly void Run(int from, int to)
        {
            int size = Plane.Size + PhasePlane.Slack, outSize = (S.OH * Plane.Pitch) + PhasePlane.Slack, taps = Taps(S), all = S.GroupOut * S.KH * S.KW;
            int pitch = Plane.Pitch + Plane.MoreColumns, room = ((Plane.Rows + Plane.MoreRows) * pitch) + PhasePlane.Slack;
            float* planes = Scratch.Images.Take(checked((S.GroupC * size) + (S.GroupOut * (outSize + room)) + (PlaneTaps.Most * room) + (all * S.GroupC) + taps + all));
            float* dy = planes + (S.GroupC * size), bordered = dy + (S.GroupOut * outSize), sums = bordered + (S.GroupOut * room), weights = sums + (PlaneTaps.Most * room);
            int* offsets = (int*)(weights + (all * S.GroupC)), spread = offsets + taps;
            Offsets(S, Plane, size, offsets);
            for (int c = 0; c < S.GroupC; c++) { Plane.Border(0, planes + (c * size)); }
            new Span<float>(dy, S.GroupOut * (outSize + room)).Clear();
            for (int u = from; u < to; u++)
            {
                var (piece, g) = Math.DivRem(u, S.Groups);
                float* dw = Sums + ((nint)piece * S.OutC * (taps + 1)), db = dw + (S.OutC * taps) + (g * S.GroupOut);
                dw += g * S.GroupOut * taps;
                new Span<float>(dw, S.GroupOut * taps).Clear();
                new Span<float>(db, S.GroupOut).Clear();
                if (DX is not null) { Weights(g, pitch, room, weights, spread); }
                int first = (int)((long)S.N * piece / Count), end = (int)((long)S.N * (piece + 1) / Count);
                for (int n = first; n < end; n++)
                {
                    nint image = ((nint)n * S.Groups) + g;
                    if (WantsW || WantsB) { AddWeights(image, planes, size, offsets, dy, outSize, dw, db); }
                    if (DX is not null) { Spread(image, bordered, pitch, room, sums, weights, spread); }
                }
            }
        }

        private readonly void AddWeights(nint image, float* planes, int size, int* offsets, float* dy, int outSize, float* dw, float* db)
        {
            int pixels = S.OH * S.OW, taps = Taps(S);
            float* from = DY + (image * S.GroupOut * pixels);
            for (int m = 0; m < S.GroupOut && WantsB; m++) { db[m] += System.Numerics.Tensors.TensorPrimitives.Sum(new ReadOnlySpan<float>(from + (m * pixels), pixels)); }
            if (!WantsW) { return; }
            for (int c = 0; c < S.GroupC; c++) { Plane.Split(X + (((image * S.GroupC) + c) * S.H * S.W), planes + (c * size)); }
            for (int m = 0; m < S.GroupOut; m++) { CopyLines(from + (m * pixels), S.OW, dy + (m * outSize), Plane.Pitch, S.OW, S.OH); }
            for (int m = 0, results; m < S.GroupOut; m += results)
            {
                results = PlaneTaps.Results<L>(S.GroupOut - m);
                PlaneTaps.Dot<L>(planes, offsets, taps, dy + (m * outSize), outSize, dw + (m * taps), taps, S.OH, S.OW, Plane.Pitch, results);
            }
        }

        // dx of a group: its dy, with as many zeros around as the kernel reaches, under the taps that meet each phase
        private readonly void Spread(nint image, float* dy, int pitch, int room, float* sums, float* weights, int* offsets)
        {
            int length = ((Plane.Rows - 1) * pitch) + Plane.Pitch, plane = S.H * S.W;
            float* dx = DX + (image * S.GroupC * plane), from = DY + (image * S.GroupOut * S.OH * S.OW), none = stackalloc float[PlaneTaps.Most] { 0, 0, 0, 0 };
            new Span<float>(dx, S.GroupC * plane).Clear();
            for (int m = 0; m < S.GroupOut; m++) { CopyLines(from + (m * S.OH * S.OW), S.OW, dy + (m * room) + (Plane.MoreRows * pitch) + Plane.MoreColumns, pitch, S.OW, S.OH); }
            for (int a = 0; a < S.StrideH; a++)
            {
                for (int b = 0; b < S.StrideW; b++)
                {
                    int taps = S.GroupOut * Phase(a, b, pitch, null, null);
                    if (taps == 0) { continue; }
                    for (int c = 0, results; c < S.GroupC; c += results)
                    {
                        results = PlaneTaps.Results<L>(S.GroupC - c);
                        PlaneTaps.Correlate<L>(dy, offsets, weights + (c * taps), taps, taps, none, sums, room, length, results);
                        for (int k = 0; k < results; k++) { Plane.Join(a, b, sums + (k * room), pitch, dx + ((c + k) * plane)); }
                    }
                    offsets += taps;
                    weights += taps * S.GroupC;
                }
            }
        }

        // phase by phase, for each input channel the weights of the taps that meet it, and where in the bordered dy each reads
        private readonly void Weights(int g, int pitch, int room, float* weights, int* offsets)
        {
            int* which = stackalloc int[S.KH * S.KW], at = stackalloc int[S.KH * S.KW];
            for (int a = 0; a < S.StrideH; a++)
            {
                for (int b = 0; b < S.StrideW; b++)
                {
                    int taps = Phase(a, b, pitch, which, at);
                    for (int m = 0; m < S.GroupOut; m++) { for (int t = 0; t < taps; t++) { *offsets++ = (m * room) + at[t]; } }
                    for (int c = 0; c < S.GroupC; c++)
                    {
                        float* w = Weight + ((nint)g * S.GroupOut * S.K) + (c * S.KH * S.KW);
                        for (int m = 0; m < S.GroupOut; m++, w += S.K) { for (int t = 0; t < taps; t++) { *weights++ = w[which[t]]; } }
                    }
                }
            }
        }

        // the taps that meet a phase, and where in the bordered dy each reads; their number
        private readonly int Phase(int a, int b, int pitch, int* which, int* at)
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
                    if (which is not null)
                    {
                        which[taps] = (ky * S.KW) + kx;
                        at[taps] = ((Plane.MoreRows + (y / S.StrideH)) * pitch) + Plane.MoreColumns + (x / S.StrideW);
                    }
                    taps++;
                }
            }
            return taps;
        }
    }
}
