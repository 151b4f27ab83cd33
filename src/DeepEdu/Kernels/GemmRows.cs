using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>What is done to rows of a product while they are in the cache.</summary>
internal unsafe interface IRowsEnd
{
    /// <summary>Floats from C to memory of the same layout that it uses too, or 0.</summary>
    nint Beside(float* c);

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

    /// <summary>C [m, n] ← end(A [m, k] · op(B) + bias), without gaps between rows. B is [k, n], or [n, k] if <paramref name="transB"/>, or as <see cref="Gemm.Pack"/> makes it if <paramref name="packed"/>.</summary>
    public static void Run<E>(bool transB, bool packed, int m, int n, int k, float* a, float* b, float* c, float* bias, E end) where E : struct, IRowsEnd
    {
        if (n == 0) { return; }
        if (!InBlocks(m, n, k))
        {
            Gemm.Run(false, transB && !packed, m, n, k, a, k, b, packed ? -k : transB ? k : n, c, n, epilogue: new(bias, false));
            Work.For(m, Math.Max(1, CpuDevice.Grain / 4 / n), new Ends<E> { A = a, C = c, N = n, K = k, End = end });
            return;
        }
        if (!packed)
        {
            float* panels = Scratch.Layer.Take(Gemm.PackedLength(n, k));
            Gemm.Pack(transB, n, k, b, transB ? k : n, panels);
            b = panels;
        }
        int rows = BlockRows(n);
        if (F16.IsSupported) { Work.For(m, rows, new Blocks<F16, E> { N = n, K = k, A = a, B = b, C = c, Bias = bias, End = end }); }
        else if (F8.IsSupported) { Work.For(m, rows, new Blocks<F8, E> { N = n, K = k, A = a, B = b, C = c, Bias = bias, End = end }); }
        else if (F4.IsSupported) { Work.For(m, rows, new Blocks<F4, E> { N = n, K = k, A = a, B = b, C = c, Bias = bias, End = end }); }
        else { Work.For(m, rows, new Blocks<F1, E> { N = n, K = k, A = a, B = b, C = c, Bias = bias, End = end }); }
    }

    /// <summary>Whether a product is large enough for blocks of rows, and its B small enough.</summary>
    public static bool InBlocks(int m, int n, int k) => (long)m * n >= Least && m >= 64 && k > 0 && (long)n * k <= MostB;

    /// <summary>Rows of a block, if there are blocks.</summary>
    public static int BlockRows(int n) => Math.Max(32, Floats / Math.Max(1, n) & ~7);

    private struct Ends<E> : IRange where E : struct, IRowsEnd
    {
        public int N, K;
        public float* A, C;
        public E End;

        public readonly void Run(int from, int to) => End.Run(from, to - from, A + ((nint)from * K), C + ((nint)from * N));
    }

    private struct Blocks<L, E> : IRange where L : struct, IVectorLane<L>, ILane<L> where E : struct, IRowsEnd
    {
        public int N, K;
        public float* A, B, C, Bias;
        public E End;

        public readonly void Run(int from, int to)
        {
            float* a = A + ((nint)from * K), c = C + ((nint)from * N);
            GemmBlock.Run<L>(to - from, N, K, a, K, 1, B, -K, false, c, N, false, new(Bias, false, beside: End.Beside(C)));
            End.Run(from, to - from, a, c);
        }
    }
}
