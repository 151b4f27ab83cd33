using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>What is done to rows of a product while they are in the cache.</summary>
internal unsafe interface IRowsEnd
{
    /// <summary>Does <paramref name="rows"/> rows from <paramref name="row"/> on: those of A at <paramref name="a"/>, those of C at <paramref name="c"/>.</summary>
    void Run(int row, int rows, float* a, float* c);
}

/// <summary>A product by blocks of rows, each of which is finished before the next begins: a function too long for the tile's registers, or with operands of its own, costs no way to the memory
/// and back. The same bits as <see cref="Gemm.Run(bool, bool, int, int, int, float*, nint, float*, nint, float*, nint, bool, Epilogue)"/> and the function after it.</summary>
internal static unsafe class GemmRows
{
    private const int Floats = 1 << 15; // of C: with as much of another operand they leave room in the second-level cache for the factors
    private const int Least = 1 << 17; // a smaller C is not far away when it is done
    private const int MostB = 1 << 18; // each block goes through all of B, which must not come from afar

    /// <summary>C [m, n] ← end(A [m, k] · op(B) + bias), without gaps between rows. B is [k, n], or [n, k] if <paramref name="transB"/>, or as <see cref="GemmPanels.Pack"/> makes it if <paramref name="packed"/>.
    /// <paramref name="beside"/> is a product that none of it needs, done at the same time.</summary>
    public static void Run<E>(bool transB, bool packed, int m, int n, int k, float* a, float* b, float* c, float* bias, E end, in GemmCall beside = default) where E : struct, IRowsEnd
    {
        if (n == 0) { return; }
        if (!InBlocks(m, n, k))
        {
            Gemm.Run(false, transB && !packed, m, n, k, a, k, b, packed ? -k : transB ? k : n, c, n, epilogue: new(bias, false));
            Work.For(m, Math.Max(1, CpuDevice.Grain / 4 / n), new Ends<E> { A = a, C = c, N = n, K = k, End = end });
            Gemm.Run(beside);
            return;
        }
        int ldb = -k;
        if (!packed && !transB && n % F16.Width == 0 && BlockRows(n) <= GemmBlock.InPlaceRows(n)) { ldb = n; }
        else if (!packed)
        {
            float* panels = Scratch.Layer.Take(GemmPanels.Length(n, k));
            GemmPanels.Pack(transB, n, k, b, transB ? k : n, panels);
            b = panels;
        }
        if (F16.IsSupported) { Run<F16, E>(m, n, k, a, b, c, bias, ldb, end, beside); }
        else if (F8.IsSupported) { Run<F8, E>(m, n, k, a, b, c, bias, ldb, end, beside); }
        else if (F4.IsSupported) { Run<F4, E>(m, n, k, a, b, c, bias, ldb, end, beside); }
        else { Run<F1, E>(m, n, k, a, b, c, bias, ldb, end, beside); }
    }

    private static void Run<L, E>(int m, int n, int k, float* a, float* b, float* c, float* bias, int ldb, E end, in GemmCall beside) where L : struct, IVectorLane<L>, ILane<L> where E : struct, IRowsEnd
    {
        int rows = BlockRows(n), blocks = (m + rows - 1) / rows;
        var all = new Blocks<L, E> { M = m, N = n, K = k, Rows = rows, A = a, B = b, C = c, Bias = bias, Ldb = ldb, End = end };
        if (beside.C is null) { Work.Run(blocks, all); }
        else { Gemm.Run<L, Blocks<L, E>>(beside, blocks, all); }
    }

    /// <summary>Whether a product is large enough for blocks of rows, and its B small enough. One column is dot products, added up in another order.</summary>
    public static bool InBlocks(int m, int n, int k) => (long)m * n >= Least && m >= 64 && n > 1 && k > 0 && (long)n * k <= MostB;

    /// <summary>Rows of a block, if there are blocks.</summary>
    public static int BlockRows(int n) => Math.Max(32, Floats / Math.Max(1, n) & ~7);

    private struct Ends<E> : IRange where E : struct, IRowsEnd
    {
        public int N, K;
        public float* A, C;
        public E End;

        public readonly void Run(int from, int to) => End.Run(from, to - from, A + ((nint)from * K), C + ((nint)from * N));
    }

    private struct Blocks<L, E> : IChunks where L : struct, IVectorLane<L>, ILane<L> where E : struct, IRowsEnd
    {
        public int M, N, K, Rows, Ldb;
        public float* A, B, C, Bias;
        public E End;

        public readonly void Run(int block)
        {
            int from = block * Rows, rows = Math.Min(Rows, M - from);
            float* a = A + ((nint)from * K), c = C + ((nint)from * N);
            GemmBlock.Run<L>(rows, N, K, a, K, 1, B, Ldb, false, c, N, false, Gemm.IsFar(M, N), new(Bias, false));
            End.Run(from, rows, a, c);
        }
    }
}
