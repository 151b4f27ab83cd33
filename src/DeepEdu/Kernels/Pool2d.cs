using System.Runtime.CompilerServices;
using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>Max and average pooling, plane by plane.</summary>
internal static unsafe class Pool2d
{
    // outputs worth handing to another thread
    private const int Grain = 8192;

    /// <summary>y: the largest of each window; at: where in its plane it lies, or −1, if not null. The first of equals wins; a NaN beats everything.</summary>
    public static void Max(in PoolShape s, float* x, float* y, int* at)
    {
        if (s.IsRuns) { PoolRuns.Max(s, x, y, at); }
        else { Work.For(s.Planes, PlanesAtOnce(s), new MaxPlanes { S = s, X = x, Y = y, At = at }); }
    }

    /// <summary>dx: each dy goes to the place its value came from.</summary>
    public static void MaxBack(in PoolShape s, float* dy, int* at, float* dx) => Work.For(s.Planes, PlanesAtOnce(s), new MaxBackPlanes { S = s, DY = dy, At = at, DX = dx });

    /// <summary>y: the mean of each window, over its values or, with the padding, over its area.</summary>
    public static void Average(in PoolShape s, bool countPad, float* x, float* y)
    {
        if (s.IsRuns) { PoolRuns.Average(s, x, y); }
        else { Work.For(s.Planes, PlanesAtOnce(s), new AveragePlanes { S = s, CountPad = countPad, From = x, To = y }); }
    }

    /// <summary>dx: each dy in equal parts to the values it is the mean of.</summary>
    public static void AverageBack(in PoolShape s, bool countPad, float* dy, float* dx)
    {
        if (s.IsRuns) { PoolRuns.AverageBack(s, dy, dx); }
        else { Work.For(s.Planes, PlanesAtOnce(s), new AveragePlanes { S = s, CountPad = countPad, From = dy, To = dx, Back = true }); }
    }

    private static int PlanesAtOnce(in PoolShape s) => Math.Max(1, Grain / Math.Max(1, s.OH * s.OW));

    private struct MaxPlanes : IRange
    {
        public PoolShape S;
        public float* X, Y;
        public int* At;

        public readonly void Run(int from, int to)
        {
            var s = S;
            nint i = (nint)from * s.H * s.W, o = (nint)from * s.OH * s.OW;
            if (!s.IsQuarters)
            {
                Pool2dPlanes.Max(s, to - from, X + i, Y + o, At is null ? null : At + o);
                return;
            }
            for (int p = from; p < to; p++, i += (nint)s.H * s.W)
            {
                for (int line = 0; line < s.OH; line++, o += s.OW) { Pool2dQuarters.Max(X + i, s.W, 2 * line * s.W, s.OW, Y + o, At is null ? null : At + o); }
            }
        }
    }

    private struct MaxBackPlanes : IRange
    {
        public PoolShape S;
        public float* DY, DX;
        public int* At;

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public readonly void Run(int from, int to)
        {
            int inner = S.H * S.W, outer = S.OH * S.OW;
            for (int p = from; p < to; p++)
            {
                float* dx = DX + ((nint)p * inner), dy = DY + ((nint)p * outer);
                int* at = At + ((nint)p * outer);
                new Span<float>(dx, inner).Clear();
                for (int i = 0; i < outer; i++) { if (at[i] >= 0) { dx[at[i]] += dy[i]; } }
            }
        }
    }

    private struct AveragePlanes : IRange
    {
        public PoolShape S;
        public bool CountPad, Back;
        public float* From, To;

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public readonly void Run(int from, int to)
        {
            var s = S;
            for (int p = from; p < to; p++)
            {
                float* inner = (Back ? To : From) + ((nint)p * s.H * s.W), outer = (Back ? From : To) + ((nint)p * s.OH * s.OW);
                if (Back) { new Span<float>(inner, s.H * s.W).Clear(); }
                for (int oy = 0; oy < s.OH; oy++)
                {
                    int y0 = (oy * s.StrideH) - s.PadH, y1 = Math.Min(y0 + s.KH, s.H + s.PadH), rows = y1 - y0;
                    (y0, y1) = (Math.Max(y0, 0), Math.Min(y1, s.H));
                    for (int ox = 0; ox < s.OW; ox++, outer++)
                    {
                        int x0 = (ox * s.StrideW) - s.PadW, x1 = Math.Min(x0 + s.KW, s.W + s.PadW), area = rows * (x1 - x0);
                        (x0, x1) = (Math.Max(x0, 0), Math.Min(x1, s.W));
                        float part = 1f / (CountPad ? area : (y1 - y0) * (x1 - x0));
                        if (Back) { Spread(inner, s.W, y0, y1, x0, x1, *outer * part); }
                        else { *outer = Sum(inner, s.W, y0, y1, x0, x1) * part; }
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static float Sum(float* x, int w, int y0, int y1, int x0, int x1)
        {
            float sum = 0;
            for (int i = y0; i < y1; i++)
            {
                for (int j = x0; j < x1; j++) { sum += x[(i * w) + j]; }
            }
            return sum;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Spread(float* x, int w, int y0, int y1, int x0, int x1, float value)
        {
            for (int i = y0; i < y1; i++)
            {
                for (int j = x0; j < x1; j++) { x[(i * w) + j] += value; }
            }
        }
    }
}
