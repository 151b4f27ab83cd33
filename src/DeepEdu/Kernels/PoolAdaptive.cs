using System.Runtime.CompilerServices;
using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>Pooling by windows that cover an axis of size n in a given number m: window i is [⌊i·n/m⌋, ⌈(i + 1)·n/m⌉). Neighbours may share values.</summary>
internal static unsafe class PoolAdaptive
{
    // values worth handing to another thread
    private const int Grain = 32768;

    /// <summary>y: the largest of each window; at: where in its plane it lies, if not null. The first of equals wins; a NaN beats everything.</summary>
    public static void Max(in PoolShape s, float* x, float* y, int* at) => Work.For(s.Planes, PlanesAtOnce(s), new MaxPlanes { S = s, X = x, Y = y, At = at });

    /// <summary>y: the mean of each window.</summary>
    public static void Average(in PoolShape s, float* x, float* y) => Work.For(s.Planes, PlanesAtOnce(s), new AveragePlanes { S = s, Inner = x, Outer = y });

    /// <summary>dx: each dy in equal parts to the values it is the mean of.</summary>
    public static void AverageBack(in PoolShape s, float* dy, float* dx) => Work.For(s.Planes, PlanesAtOnce(s), new AveragePlanes { S = s, Inner = dx, Outer = dy, Back = true });

    private static int PlanesAtOnce(in PoolShape s) => Math.Max(1, Grain / Math.Max(1, s.H * s.W));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (int From, int To) Window(int i, int n, int m) => ((int)((long)i * n / m), (int)((((long)i + 1) * n + m - 1) / m));

    private struct MaxPlanes : IRange
    {
        public PoolShape S;
        public float* X, Y;
        public int* At;

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public readonly void Run(int from, int to)
        {
            int w = S.W;
            nint o = (nint)from * S.OH * S.OW;
            for (int p = from; p < to; p++)
            {
                float* x = X + ((nint)p * S.H * w);
                for (int oy = 0; oy < S.OH; oy++)
                {
                    var (y0, y1) = Window(oy, S.H, S.OH);
                    for (int ox = 0; ox < S.OW; ox++, o++)
                    {
                        var (x0, x1) = Window(ox, w, S.OW);
                        int where = (y0 * w) + x0;
                        float best = x[where];
                        for (int i = y0; i < y1; i++)
                        {
                            for (int j = x0; j < x1; j++)
                            {
                                float v = x[(i * w) + j];
                                if (v > best || float.IsNaN(v)) { (best, where) = (v, (i * w) + j); }
                            }
                        }
                        Y[o] = best;
                        if (At is not null) { At[o] = where; }
                    }
                }
            }
        }
    }

    private struct AveragePlanes : IRange
    {
        public PoolShape S;
        public float* Inner, Outer;
        public bool Back;

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public readonly void Run(int from, int to)
        {
            int w = S.W;
            for (int p = from; p < to; p++)
            {
                float* inner = Inner + ((nint)p * S.H * w), outer = Outer + ((nint)p * S.OH * S.OW);
                if (Back) { new Span<float>(inner, S.H * w).Clear(); }
                for (int oy = 0; oy < S.OH; oy++)
                {
                    var (y0, y1) = Window(oy, S.H, S.OH);
                    for (int ox = 0; ox < S.OW; ox++, outer++)
                    {
                        var (x0, x1) = Window(ox, w, S.OW);
                        float part = 1f / ((y1 - y0) * (x1 - x0)), sum = 0, share = *outer * part;
                        for (int i = y0; i < y1; i++)
                        {
                            float* row = inner + (i * w);
                            if (Back) { for (int j = x0; j < x1; j++) { row[j] += share; } }
                            else { for (int j = x0; j < x1; j++) { sum += row[j]; } }
                        }
                        if (!Back) { *outer = sum * part; }
                    }
                }
            }
        }
    }
}
