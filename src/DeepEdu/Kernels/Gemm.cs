using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The matrix product on raw memory, C ← act([C +] op(A)·op(B) + bias), row-major. The result has the same bits for any number of threads: chunks follow
/// from the sizes, and a sum over k that is cut is cut into fixed pieces, added in order.</summary>
internal static unsafe class Gemm
{
    // multiply-adds worth handing to another thread: some 3 µs
    private const long ChunkWork = 1 << 18;
    private const int MaxChunks = 32;
    private const int ChunksEach = 4; // stripes for each thread, if they are long: it may find another busy elsewhere
    private const long StripeWork = 1 << 23; // some 70 µs; each stripe packs its own B
    private const int PieceK = 512;
    private const int PackedRows = 512; // fewer rows are few stripes
    private const int PackedMost = 1 << 18; // floats of a B that is packed before the product: its panels stay in the second-level cache
    private const int FarFloats = 1 << 16;
    private const int SmallColumn = 1 << 14; // a product with so small a matrix is done before it is cut

    /// <summary>C [m, n] ← act([C +] op(A) [m, k] · op(B) [k, n] + bias). A is [k, m] if transA, B is [n, k] if transB; ld is the step from row to row as stored.
    /// C must not overlap A or B. With ldb = −k, B lies as <see cref="GemmPanels.Pack"/> makes it; then m must be 16 at least.</summary>
    public static void Run(bool transA, bool transB, int m, int n, int k, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, bool accumulate = false, Epilogue epilogue = default)
    {
        if (F16.IsSupported) { Run<F16>(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, accumulate, epilogue); }
        else if (F8.IsSupported) { Run<F8>(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, accumulate, epilogue); }
        else if (F4.IsSupported) { Run<F4>(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, accumulate, epilogue); }
        else { Run<F1>(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, accumulate, epilogue); }
    }

    /// <inheritdoc cref="Run(bool, bool, int, int, int, float*, nint, float*, nint, float*, nint, bool, Epilogue)"/>
    public static void Run(in GemmCall x)
    {
        if (x.C is not null) { Run(x.TransA, x.TransB, x.M, x.N, x.K, x.A, x.Lda, x.B, x.Ldb, x.C, x.Ldc); }
    }

    /// <summary>The same for <paramref name="count"/> products of one size; strideX floats lie between one matrix and the next, 0 to use one again.</summary>
    public static void Batch(int count, bool transA, bool transB, int m, int n, int k, float* a, nint lda, nint strideA, float* b, nint ldb, nint strideB,
        float* c, nint ldc, nint strideC, bool accumulate = false, Epilogue epilogue = default)
    {
        long work = Math.Max(1, (long)m * n * k);
        if (work >= ChunkWork * MaxChunks)
        {
            for (int i = 0; i < count; i++) { Run(transA, transB, m, n, k, a + (i * strideA), lda, b + (i * strideB), ldb, c + (i * strideC), ldc, accumulate, epilogue); }
            return;
        }
        var body = new BatchChunks
        {
            TransA = transA, TransB = transB, M = m, N = n, K = k, A = a, Lda = lda, StrideA = strideA, B = b, Ldb = ldb, StrideB = strideB,
            C = c, Ldc = ldc, StrideC = strideC, Accumulate = accumulate, Epilogue = epilogue,
        };
        Work.For(count, (int)Math.Clamp(ChunkWork / work, 1, Math.Max(1, count)), body);
    }

    /// <summary>The product over lanes of one width.</summary>
    internal static void Run<L>(bool transA, bool transB, int m, int n, int k, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, bool accumulate, Epilogue epilogue)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        if (!Plan<L>(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, accumulate, epilogue, out var all)) { return; }
        if (all.Count == 1) { all.Run(0); }
        else { Work.Run(all.Count, in all); }
        all.Finish();
    }

    /// <summary>The product and, beside it, chunks of other work that neither needs nor changes what it does: a thread whose part of the product is done goes on with those.</summary>
    internal static void Run<L, R>(in GemmCall product, int count, in R rest) where L : struct, IVectorLane<L>, ILane<L> where R : struct, IChunks
    {
        if (!Plan<L>(product.TransA, product.TransB, product.M, product.N, product.K, product.A, product.Lda, product.B, product.Ldb, product.C, product.Ldc, false, default, out var all))
        {
            Work.Run(count, in rest);
            return;
        }
        Work.Run(all.Count, in all, count, in rest);
        all.Finish();
    }

    // how the product is cut; false if it was small enough to be done at once
    private static bool Plan<L>(bool transA, bool transB, int m, int n, int k, float* a, nint lda, float* b, nint ldb, float* c, nint ldc, bool accumulate, Epilogue epilogue, out Chunks<L> all)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        all = default;
        if (m <= 0 || n <= 0) { return false; }
        if (k <= 0)
        {
            Empty(m, n, c, ldc, accumulate, epilogue);
            return false;
        }
        if (k == 1 && n > 1 && ldb > 0)
        {
            GemmOuter.Run<L>(m, n, a, transA ? 1 : lda, b, transB ? ldb : 1, c, ldc, accumulate, epilogue);
            return false;
        }
        if (n == 1 && (long)m * k <= SmallColumn)
        {
            if (!transA && (transB || ldb == 1))
            {
                GemmDot.Run<L>(1, m, k, b, 0, a, lda, c, 0, ldc, accumulate, epilogue.ForOneColumn());
                return false;
            }
            if (transA && ldc == 1 && epilogue.Bias is null)
            {
                GemmRow.Run<L>(m, k, b, transB ? 1 : ldb, a, lda, c, accumulate, epilogue);
                return false;
            }
        }
        all = new()
        {
            M = m, N = n, K = k, A = a, RowA = transA ? 1 : lda, StepA = transA ? lda : 1, B = b, Ldb = ldb, TransB = transB, C = c, Ldc = ldc, StepC = 1,
            Accumulate = accumulate, Epilogue = epilogue,
        };
        if (n == 1) { all.OneColumn(transA); }
        if (!all.CutRow())
        {
            all.PackOnce();
            all.Cut();
        }
        return true;
    }

    /// <summary>Whether a C is so large that its lines are not in the second-level cache when they are written.</summary>
    public static bool IsFar(int m, int n) => (long)m * n > FarFloats;

    // no products: only what follows them
    private static void Empty(int m, int n, float* c, nint ldc, bool accumulate, Epilogue epilogue)
    {
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++) { c[(i * ldc) + j] = epilogue.Apply(accumulate ? c[(i * ldc) + j] : 0, j); }
        }
    }

    private struct BatchChunks : IRange
    {
        public bool TransA, TransB, Accumulate;
        public int M, N, K;
        public float* A, B, C;
        public nint Lda, Ldb, Ldc, StrideA, StrideB, StrideC;
        public Epilogue Epilogue;

        public readonly void Run(int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                Gemm.Run(TransA, TransB, M, N, K, A + (i * StrideA), Lda, B + (i * StrideB), Ldb, C + (i * StrideC), Ldc, Accumulate, Epilogue);
            }
        }
    }

    /// <summary>A product and how it is cut: a grid of row and column stripes of C, or, where C is small and k long, pieces of k.</summary>
    private struct Chunks<L> : IChunks where L : struct, IVectorLane<L>, ILane<L>
    {
        public int M, N, K;
        public float* A, B, C;
        public nint RowA, StepA, Ldb, Ldc, StepC;
        public bool TransB, Accumulate;
        public Epilogue Epilogue;

        /// <summary>Pieces of k, each with a sum of its own.</summary>
        public int Pieces;

        private float* _partial;
        private int _stripM, _stripN, _gridN;

        public int Count;

        /// <summary>A column of C is computed as the row Cᵀ = Bᵀ·Aᵀ: dot products with the rows of A, or sums of its rows.</summary>
        public void OneColumn(bool transA)
        {
            float* x = B;
            nint stepX = TransB ? 1 : Ldb;
            if (transA && (Ldc != 1 || Epilogue.Bias is not null)) { return; }
            if (!transA && stepX != 1)
            {
                float* packed = Scratch.Panels.Take(K); // dot products pack nothing else
                for (int p = 0; p < K; p++) { packed[p] = x[p * stepX]; }
                x = packed;
                stepX = 1;
            }
            B = A;
            A = x;
            (Ldb, TransB) = (transA ? StepA : RowA, !transA);
            (RowA, StepA) = (0, stepX);
            (M, N, StepC, Ldc, Epilogue) = (1, M, Ldc, 0, Epilogue.ForOneColumn());
        }

        /// <summary>One row as dot products: a stripe for each thread. No number depends on the cut, and each thread gets the same part of a weight in each call and finds it in its own cache.</summary>
        public bool CutRow()
        {
            if (M > 1 || N < 64 || StepA != 1 || !TransB) { return false; }
            int count = (int)Math.Clamp(8L * N * K / ChunkWork, 1, DeepEduOptions.MaxThreads); // reading takes as long as eight rows' arithmetic
            (_stripM, _stripN, Pieces) = (1, RoundUp((N + count - 1) / count, 4), 1);
            _gridN = Count = (N + _stripN - 1) / _stripN;
            return true;
        }

        /// <summary>A B that has to be turned round is packed before the product, by all threads, instead of by each stripe of rows.</summary>
        public void PackOnce()
        {
            if (!TransB || StepA != 1 || M < PackedRows || N < GemmPanels.Wide<L>() || (long)N * K > PackedMost || DeepEduOptions.MaxThreads == 1) { return; }
            float* panels = Scratch.Factor.Take(GemmPanels.Length(N, K));
            GemmPanels.Pack<L>(true, N, K, B, Ldb, panels);
            B = panels;
            (Ldb, TransB) = (-K, false);
        }

        /// <summary>Cuts C into stripes, or k into pieces. Pieces change the order of sums: they follow from the sizes alone. Stripes change no bit: there are a few for each thread, because each packs its own B.</summary>
        public void Cut()
        {
            // few rows wait for the memory, not for arithmetic: they count as eight
            long wanted = Math.Min(MaxChunks, (long)Math.Max(M, 8) * N * K / ChunkWork);
            Stripes(wanted);
            Pieces = 1;
            if (Count < 4 && wanted > Count && K >= 2 * PieceK && (long)M * N <= 1 << 16 && StepC == 1)
            {
                Pieces = Math.Min(8, ((K / PieceK) + 1) & ~1); // even, for two threads
                (_stripM, _stripN, _gridN, Count) = (M, N, 1, Pieces);
                _partial = Scratch.Sums.Take(M * N * Pieces);
                return;
            }
            int threads = DeepEduOptions.MaxThreads;
            // more of them even out; a packed B costs a stripe nothing, an A that has to be packed is packed by each across many columns
            int each = RowA == 1 || (RowA & 1023) == 0 ? 1 : ChunksEach;
            Stripes(Math.Min(wanted, threads == 1 ? 1 : Ldb < 0 ? threads * each : Math.Clamp((long)M * N * K / StripeWork, threads, threads * each)));
        }

        // halves the stripes, the longer side first, until there are enough or they would be too small to be fast
        private void Stripes(long wanted)
        {
            int rows = GemmTile.Rows<L>(), wide = GemmTile.Vectors<L>() * L.Width;
            (_stripM, _stripN) = (M, N);
            int least = (TransB ? 8 : 4) * rows; // a stripe of rows packs its own B, which must serve many rows, the more if packing has to transpose
            long got = 1;
            while (got < wanted)
            {
                bool cutN = _stripN >= 2 * wide || (M == 1 && _stripN >= 64), cutM = _stripM >= (cutN ? 4 : 2) * least;
                if (cutN && (!cutM || _stripN >= _stripM)) { _stripN = RoundUp((_stripN + 1) / 2, Ldb > 0 ? Math.Max(4, L.Width) : wide); } // dot products are made four at a time, those left over in another order
                else if (cutM) { _stripM = RoundUp((_stripM + 1) / 2, rows); }
                else { break; }
                got = (long)((M + _stripM - 1) / _stripM) * ((N + _stripN - 1) / _stripN);
            }
            _gridN = (N + _stripN - 1) / _stripN;
            Count = (M + _stripM - 1) / _stripM * _gridN;
        }

        /// <summary>When all chunks are done: pieces' sums are added in order.</summary>
        public readonly void Finish()
        {
            if (Pieces == 1) { return; }
            for (int i = 0; i < M; i++) { Fold(_partial + (i * N), M * N, C + (i * Ldc)); }
        }

        private readonly void Fold(float* from, int size, float* c)
        {
            int j = 0;
            var end = new TileEnd(Accumulate, Epilogue);
            // the row of one bias for all is made value by value
            for (; j + L.Width <= N && (Epilogue.Bias is null || Epilogue.BiasStep == 1); j += L.Width)
            {
                var sum = L.Load(in *from, j);
                for (int p = 1; p < Pieces; p++) { sum += L.Load(in *(from + ((nint)p * size)), j); }
                end.Put(sum, c, j);
            }
            for (; j < N; j++)
            {
                float sum = from[j];
                for (int p = 1; p < Pieces; p++) { sum += from[((nint)p * size) + j]; }
                c[j] = Epilogue.Apply(Accumulate ? c[j] + sum : sum, j);
            }
        }

        public readonly void Run(int chunk)
        {
            if (Pieces > 1)
            {
                int piece = RoundUp((K + Pieces - 1) / Pieces, 8), p = Math.Min(K, chunk * piece), kc = Math.Min(piece, K - p);
                float* partial = _partial + ((nint)chunk * M * N);
                if (kc <= 0) { Empty(M, N, partial, N, false, default); }
                else { Block(M, N, kc, A + (p * StepA), TransB ? B + p : B + (p * (Ldb < 0 ? GemmPanels.Wide<L>() : Ldb)), partial, N, false, default); }
                return;
            }
            int i = chunk / _gridN * _stripM, j = chunk % _gridN * _stripN;
            Block(Math.Min(_stripM, M - i), Math.Min(_stripN, N - j), K, A + (i * RowA), TransB ? B + (j * Ldb) : Ldb < 0 ? B - (j * Ldb) : B + j, C + (i * Ldc) + (j * StepC), Ldc, Accumulate, Epilogue.From(j));
        }

        private readonly void Block(int m, int n, int k, float* a, float* b, float* c, nint ldc, bool accumulate, Epilogue epilogue)
        {
            // a dot product costs its length and, measured, some 144 more for the sum over its vector; packing B pays from a dozen rows on
            if (TransB && StepA == 1 && (M == 1 || (long)M * (K + 144) <= 13L * K)) { GemmDot.Run<L>(m, n, k, a, RowA, b, Ldb, c, ldc, StepC, accumulate, epilogue); }
            else if (M == 1 && !TransB && StepC == 1 && (epilogue.Bias is null || epilogue.BiasStep == 1)) { GemmRow.Run<L>(n, k, a, StepA, b, Ldb, c, accumulate, epilogue); }
            else if (TransB && StepA == 1 && StepC == 1 && GemmTurned.Pays<L>(M, N, K)) { GemmTurned.Run<L>(m, n, k, a, RowA, b, Ldb, c, ldc, accumulate, epilogue); }
            else { GemmBlock.Run<L>(m, n, k, a, RowA, StepA, b, Ldb, TransB, c, ldc, accumulate, IsFar(M, N), epilogue); }
        }

        private static int RoundUp(int x, int step) => (x + step - 1) / step * step;
    }
}
