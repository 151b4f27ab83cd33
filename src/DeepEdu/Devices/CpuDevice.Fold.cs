using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepEdu.Lanes;

namespace DeepEdu.Devices;

/// <content>The reduction loop. The order of every sum is fixed by sizes alone.</content>
public sealed partial class CpuDevice
{
    // a long sum is cut here; the pieces are joined in order
    private const int FoldPiece = 4096;

    /// <inheritdoc/>
    public override void Fold<F>(F f, View x, int outer, int n, int inner, View y)
    {
        if (y.Length == 0) { return; }
        if (Recording.Current is { } recording) { recording.Run(new Recording.Fold<F>(f, x, outer, n, inner, y)); return; }
        y.Block.Changes();
        if (n == 0) { Of(y).Fill(f.Start); return; }
        using var watch = Profiler.Begin<F>(x.Length);
        int pieces = (n + FoldPiece - 1) / FoldPiece;
        if (inner == 1 && pieces == 1) { FoldRows(f, x, outer, n, y); }
        else if (inner == 1) { FoldLongRows(f, x, outer, n, pieces, y); }
        else { FoldColumns(f, x, outer, n, inner, y); }
    }

    private static void FoldRows<F>(F f, View x, int outer, int n, View y) where F : unmanaged, IFold
    {
        int rows = Math.Max(1, Grain / n), chunks = (outer + rows - 1) / rows;
        var body = new RowChunks<F> { Formula = f, X = x, Y = y, N = n, Outer = outer, Rows = rows };
        if (chunks == 1) { body.Run(0); } else { Work.Run(chunks, body); }
    }

    private static void FoldLongRows<F>(F f, View x, int outer, int n, int pieces, View y) where F : unmanaged, IFold
    {
        float[] partial = ArrayPool<float>.Shared.Rent(outer * pieces);
        var body = new PieceChunks<F> { Formula = f, X = x, N = n, Pieces = pieces, Partial = partial };
        // pieces are cut for the sake of rounding: a few of them are not worth handing over
        if ((long)outer * n <= 4 * Grain) { Work.Alone(outer * pieces, body); } else { Work.Run(outer * pieces, body); }
        ref float result = ref At(y);
        for (int o = 0; o < outer; o++)
        {
            F1 acc = partial[o * pieces];
            for (int p = 1; p < pieces; p++) { acc = f.Join<F1>(acc, partial[(o * pieces) + p]); }
            Unsafe.Add(ref result, o) = acc.V;
        }
        ArrayPool<float>.Shared.Return(partial);
    }

    private static void FoldColumns<F>(F f, View x, int outer, int n, int inner, View y) where F : unmanaged, IFold
    {
        // blocks of columns side by side, so that rows are read whole, each folded from top to bottom; long columns in pieces, as long rows are
        int pieces = (n + FoldPiece - 1) / FoldPiece, rows = Math.Min(n, FoldPiece);
        int columns = Math.Min(inner, Math.Max(64, Grain / rows / 16 * 16)), blocks = (inner + columns - 1) / columns, units = outer * pieces * blocks;
        float[]? partial = pieces == 1 ? null : ArrayPool<float>.Shared.Rent(outer * pieces * inner);
        int each = Math.Max(1, Grain / (rows * columns)), chunks = (units + each - 1) / each;
        var body = new ColumnChunks<F> { Formula = f, X = x, Y = y, N = n, Inner = inner, Columns = columns, Blocks = blocks, Pieces = pieces, Partial = partial, Units = units, Each = each };
        if (chunks == 1) { body.Run(0); } else { Work.Run(chunks, body); }
        if (partial is null) { return; }
        for (int o = 0; o < outer; o++)
        {
            for (int i = 0; i < inner; i++)
            {
                F1 acc = partial[(o * pieces * inner) + i];
                for (int p = 1; p < pieces; p++) { acc = f.Join<F1>(acc, partial[(((o * pieces) + p) * inner) + i]); }
                At(y, (o * inner) + i) = acc.V;
            }
        }
        ArrayPool<float>.Shared.Return(partial);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static float FoldRun<F>(F f, ref float x, nint n) where F : unmanaged, IFold
    {
        nint i = 0;
        F1 acc = f.Start;
        if (F16.IsSupported && n >= 64) { acc = f.Join(acc, Four<F16>(f, ref x, ref i, n)); }
        if (F8.IsSupported && n - i >= 32) { acc = f.Join(acc, Four<F8>(f, ref x, ref i, n)); }
        if (F4.IsSupported && n - i >= 16) { acc = f.Join(acc, Four<F4>(f, ref x, ref i, n)); }
        for (; i < n; i++) { acc = f.Step<F1>(acc, Unsafe.Add(ref x, i)); }
        return acc.V;

        // four accumulators hide the latency of one
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static F1 Four<L>(F f, ref float x, ref nint i, nint n) where L : struct, IVectorLane<L>
        {
            L a = L.Of(f.Start), b = a, c = a, d = a;
            for (; i <= n - (4 * L.Width); i += 4 * L.Width)
            {
                a = f.Step(a, L.Load(in x, i));
                b = f.Step(b, L.Load(in x, i + L.Width));
                c = f.Step(c, L.Load(in x, i + (2 * L.Width)));
                d = f.Step(d, L.Load(in x, i + (3 * L.Width)));
            }
            a = f.Join(f.Join(a, b), f.Join(c, d));
            F1 sum = L.Get(a, 0);
            for (int k = 1; k < L.Width; k++) { sum = f.Join<F1>(sum, L.Get(a, k)); }
            return sum;
        }
    }

    private struct RowChunks<F> : IChunks where F : unmanaged, IFold
    {
        public F Formula;
        public View X, Y;
        public int N, Outer, Rows;

        public readonly void Run(int chunk)
        {
            int first = chunk * Rows, end = Math.Min(Outer, first + Rows);
            for (int o = first; o < end; o++) { At(Y, o) = FoldRun(Formula, ref At(X, o * N), N); }
        }
    }

    private struct PieceChunks<F> : IChunks where F : unmanaged, IFold
    {
        public F Formula;
        public View X;
        public int N, Pieces;
        public float[] Partial;

        public readonly void Run(int chunk)
        {
            int row = chunk / Pieces, from = chunk % Pieces * FoldPiece;
            Partial[chunk] = FoldRun(Formula, ref At(X, (row * N) + from), Math.Min(FoldPiece, N - from));
        }
    }

    private struct ColumnChunks<F> : IChunks where F : unmanaged, IFold
    {
        public F Formula;
        public View X, Y;
        public int N, Inner, Columns, Blocks, Pieces, Units, Each;
        public float[]? Partial;

        public readonly void Run(int chunk)
        {
            int first = chunk * Each, end = Math.Min(Units, first + Each);
            for (int unit = first; unit < end; unit++)
            {
                var (at, block) = Math.DivRem(unit, Blocks);
                var (o, piece) = Math.DivRem(at, Pieces);
                int from = block * Columns, row = piece * FoldPiece;
                ref float to = ref Partial is null ? ref At(Y, (o * Inner) + from) : ref Partial[(at * Inner) + from];
                Sweep(Formula, ref At(X, (((o * N) + row) * Inner) + from), ref to, Math.Min(FoldPiece, N - row), Inner, Math.Min(Columns, Inner - from));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Sweep(F f, ref float x, ref float y, int rows, int stride, nint n)
        {
            nint i = 0;
            if (F16.IsSupported) { i = Lanes<F16>(f, ref x, ref y, rows, stride, i, n); }
            if (F8.IsSupported) { i = Lanes<F8>(f, ref x, ref y, rows, stride, i, n); }
            if (F4.IsSupported) { i = Lanes<F4>(f, ref x, ref y, rows, stride, i, n); }
            Lanes<F1>(f, ref x, ref y, rows, stride, i, n);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static nint Lanes<L>(F f, ref float x, ref float y, int rows, int stride, nint i, nint n) where L : struct, IVectorLane<L>
        {
            for (; i <= n - (4 * L.Width); i += 4 * L.Width)
            {
                L a = L.Of(f.Start), b = a, c = a, d = a;
                nint at = i;
                for (int r = 0; r < rows; r++, at += stride)
                {
                    a = f.Step(a, L.Load(in x, at));
                    b = f.Step(b, L.Load(in x, at + L.Width));
                    c = f.Step(c, L.Load(in x, at + (2 * L.Width)));
                    d = f.Step(d, L.Load(in x, at + (3 * L.Width)));
                }
                L.Store(a, ref y, i);
                L.Store(b, ref y, i + L.Width);
                L.Store(c, ref y, i + (2 * L.Width));
                L.Store(d, ref y, i + (3 * L.Width));
            }
            for (; i <= n - L.Width; i += L.Width)
            {
                L a = L.Of(f.Start);
                nint at = i;
                for (int r = 0; r < rows; r++, at += stride) { a = f.Step(a, L.Load(in x, at)); }
                L.Store(a, ref y, i);
            }
            return i;
        }
    }
}
