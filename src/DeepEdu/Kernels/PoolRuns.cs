using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Pooling by windows that are runs of memory one behind the other: whole planes, whole lines, or pieces of one line. Each is read in vectors.</summary>
internal static unsafe class PoolRuns
{
    // values worth handing to another thread
    private const int Grain = 16384;

    /// <summary>y: the mean of each run.</summary>
    public static void Average(in PoolShape s, float* x, float* y) => Over(s, new Means { X = x, Y = y, N = s.KH * s.KW });

    /// <summary>dx: each dy in equal parts to its run.</summary>
    public static void AverageBack(in PoolShape s, float* dy, float* dx) => Over(s, new Shares { DY = dy, DX = dx, N = s.KH * s.KW });

    /// <summary>y: the largest of each run; at: where in its plane it lies, if not null. The first of equals wins; a NaN beats everything.</summary>
    public static void Max(in PoolShape s, float* x, float* y, int* at)
    {
        int n = s.KH * s.KW;
        if (F16.IsSupported && n >= 16) { Over(s, new Largest<F16> { S = s, X = x, Y = y, At = at }); }
        else if (F8.IsSupported && n >= 8) { Over(s, new Largest<F8> { S = s, X = x, Y = y, At = at }); }
        else if (F4.IsSupported && n >= 4) { Over(s, new Largest<F4> { S = s, X = x, Y = y, At = at }); }
        else { Over(s, new Largest<F1> { S = s, X = x, Y = y, At = at }); }
    }

    private static void Over<T>(in PoolShape s, in T body) where T : struct, IRange => Work.For(s.Planes * s.OH * s.OW, Math.Max(1, Grain / (s.KH * s.KW)), body);

    private struct Means : IRange
    {
        public float* X, Y;
        public int N;

        public readonly void Run(int from, int to)
        {
            float part = 1f / N;
            CpuDevice.FoldLinesOf(default(Sum), ref X[(nint)from * N], ref Y[from], to - from, N);
            for (int i = from; i < to; i++) { Y[i] *= part; }
        }
    }

    private readonly struct Sum : IFold
    {
        public float Start => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => acc + x;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => a + b;
    }

    private struct Shares : IRange
    {
        public float* DY, DX;
        public int N;

        public readonly void Run(int from, int to)
        {
            if (F16.IsSupported) { Fill<F16>(from, to); }
            else if (F8.IsSupported) { Fill<F8>(from, to); }
            else if (F4.IsSupported) { Fill<F4>(from, to); }
            else { Fill<F1>(from, to); }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private readonly void Fill<L>(int from, int to) where L : struct, IVectorLane<L>, ILane<L>
        {
            float part = 1f / N;
            float* dx = DX + ((nint)from * N);
            for (int i = from; i < to; i++, dx += N)
            {
                L share = DY[i] * part;
                int k = 0;
                for (; k <= N - L.Width; k += L.Width) { L.Store(share, ref *dx, k); }
                if (k < N) { Partial.Store(share, dx + k, N - k); }
            }
        }
    }

    private struct Largest<L> : IRange where L : struct, IVectorLane<L>, ILane<L>
    {
        public PoolShape S;
        public float* X, Y;
        public int* At;

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public readonly void Run(int from, int to)
        {
            int n = S.KH * S.KW, runs = S.OH * S.OW;
            float* lanes = stackalloc float[2 * L.Width], which = lanes + L.Width, x = X + ((nint)from * n);
            for (int i = from; i < to; i++, x += n)
            {
                L best = float.NegativeInfinity, where = 0f; // where the lane's vector begins, as int32 bits: only chosen from
                for (int k = 0; ; k = Math.Min(k + L.Width, n - L.Width))
                {
                    // the last vector may begin before the one before it ends: what is seen twice changes nothing
                    L v = L.Load(in *x, k), place = BitConverter.Int32BitsToSingle(k);
                    where = L.WhereEqual(v, v, L.WhereGreater(v, best, place, where), place);
                    best = L.WhereEqual(v, v, L.WhereGreater(v, best, v, best), v);
                    if (k == n - L.Width) { break; }
                }
                L.Store(best, ref *lanes, 0);
                L.Store(where, ref *which, 0);
                float top = lanes[0];
                int at = ((int*)which)[0];
                for (int j = 1; j < L.Width; j++)
                {
                    float v = lanes[j];
                    int p = ((int*)which)[j] + j;
                    if (v > top || (v == top && p < at) || (float.IsNaN(v) && !(float.IsNaN(top) && p < at))) { (top, at) = (v, p); }
                }
                Y[i] = top;
                if (At is not null) { At[i] = (i % runs * n) + at; }
            }
        }
    }
}
