using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The product of a column and a row, C = a·b: nothing to sum, so C's memory sets the pace.</summary>
internal static unsafe class GemmOuter
{
    // floats of C worth handing to another thread
    private const int ChunkSize = 1 << 16;

    private const int LongRow = 256;

    /// <summary>C [m, n] (+)= a [m] · b [n]; a lies stepA floats apart, b stepB.</summary>
    public static void Run<L>(int m, int n, float* a, nint stepA, float* b, nint stepB, float* c, nint ldc, bool accumulate, Epilogue epilogue) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (stepB != 1)
        {
            float* row = Scratch.Panels.Take(n);
            for (int j = 0; j < n; j++) { row[j] = b[j * stepB]; }
            b = row;
        }
        var rows = new Rows<L> { N = n, A = a, StepA = stepA, B = b, C = c, Ldc = ldc, End = new(accumulate, epilogue), Plain = !accumulate && epilogue.IsNone };
        int grain = Math.Max(1, ChunkSize / n);
        if (m <= grain) { rows.Run(0, m); } // handing out costs 10 ns, of 47 for 32 × 64
        else { Work.For(m, grain, rows); }
    }

    private struct Rows<L> : IRange where L : struct, IVectorLane<L>, ILane<L>
    {
        public int N;
        public float* A, B, C;
        public nint StepA, Ldc;
        public TileEnd End;
        public bool Plain;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int from, int to)
        {
            int j = 0;
            if (Plain && N >= LongRow) { j = Long(from, to); }
            else { for (; Plain && j <= N - (4 * L.Width); j += 4 * L.Width) { Block(from, to, j); } }
            int tail = (N - j) % L.Width, whole = N - tail, first = j;
            float* c = C + (from * Ldc), b = B;
            var end = End;
            for (int i = from; first < N && i < to; i++, c += Ldc)
            {
                L x = L.Of(A[i * StepA]);
                for (j = first; j < whole; j += L.Width) { end.Put(L.MultiplyAdd(x, L.Load(in *b, j), default), c, j); }
                if (tail > 0) { end.Put(L.MultiplyAdd(x, Partial.Load<L>(b + j, tail), default), c, j, tail); }
            }
        }

        // rows of C that lie pages apart are written one after the other
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly int Long(int from, int to)
        {
            float* c = C + (from * Ldc), b = B, a = A + (from * StepA);
            nint step = StepA, ldc = Ldc, whole = N / (4 * L.Width) * (4 * L.Width);
            for (int i = from; i < to; i++, c += ldc, a += step)
            {
                L x = L.Of(*a);
                for (nint j = 0; j < whole; j += 4 * L.Width)
                {
                    L.Store(L.MultiplyAdd(x, L.Load(in *b, j), default), ref *c, j);
                    L.Store(L.MultiplyAdd(x, L.Load(in *b, j + L.Width), default), ref *c, j + L.Width);
                    L.Store(L.MultiplyAdd(x, L.Load(in *b, j + (2 * L.Width)), default), ref *c, j + (2 * L.Width));
                    L.Store(L.MultiplyAdd(x, L.Load(in *b, j + (3 * L.Width)), default), ref *c, j + (3 * L.Width));
                }
            }
            return (int)whole;
        }

        // four vectors of b stay in registers while the rows pass
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Block(int from, int to, int column)
        {
            float* c = C + (from * Ldc) + column, b = B + column, a = A + (from * StepA);
            nint step = StepA, ldc = Ldc;
            L b0 = L.Load(in *b, 0), b1 = L.Load(in *b, L.Width), b2 = L.Load(in *b, 2 * L.Width), b3 = L.Load(in *b, 3 * L.Width);
            for (int i = from; i < to; i++, c += ldc, a += step)
            {
                L x = L.Of(*a);
                L.Store(L.MultiplyAdd(x, b0, default), ref *c, 0);
                L.Store(L.MultiplyAdd(x, b1, default), ref *c, L.Width);
                L.Store(L.MultiplyAdd(x, b2, default), ref *c, 2 * L.Width);
                L.Store(L.MultiplyAdd(x, b3, default), ref *c, 3 * L.Width);
            }
        }
    }
}
