using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Lanes;

namespace DeepEdu.Devices;

/// <content>The reduction loop. The order of every sum is fixed by sizes alone.</content>
public sealed partial class CpuDevice
{
    // a long sum is cut here; the pieces are joined in order
    private const int FoldPiece = 4096;

    // up to here the folding across counts
    private const int ShortLine = 256;

    // rows of few columns that are folded side by side
    private const int Together = 16;

    // columns are cut after so many rows, and folded so many rows at a time: these lie in as many pages, which the processor reads ahead in
    private const int FoldedRows = 512, RowsAtOnce = 8, MostColumns = 1024;

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
        else if (outer == 1 && inner < 16 && n >= 16 * Together) { FoldNarrow(f, x, n, inner, y); }
        else { FoldColumns(f, x, outer, n, inner, y); }
    }

    // a few columns would fill no register: sixteen rows side by side are one, and fold onto each other at the end
    private static void FoldNarrow<F>(F f, View x, int n, int inner, View y) where F : unmanaged, IFold
    {
        int lines = n / Together, wide = Together * inner, rows = Math.Min(lines, FoldedRows), pieces = (lines + rows - 1) / rows;
        float[] partial = ArrayPool<float>.Shared.Rent((pieces + 1) * wide);
        int each = Math.Max(1, Grain / (rows * wide)), chunks = (pieces + each - 1) / each;
        var body = new ColumnChunks<F> { Formula = f, X = x, Y = y, N = lines, Inner = wide, Rows = rows, Columns = wide, Blocks = 1, Pieces = pieces, Partial = partial, Units = pieces, Each = each };
        if (chunks == 1) { body.Run(0); } else { Work.Run(chunks, body); }
        ref float result = ref At(y), last = ref partial[pieces * wide];
        ColumnChunks<Joined<F>>.Sweep(new(f), ref partial[0], ref last, pieces, wide, wide);
        ColumnChunks<Joined<F>>.Sweep(new(f), ref last, ref result, Together, inner, inner);
        for (int r = lines * Together; r < n; r++)
        {
            for (int i = 0; i < inner; i++) { Unsafe.Add(ref result, i) = f.Step<F1>(Unsafe.Add(ref result, i), At(x, (r * inner) + i)).V; }
        }
        ArrayPool<float>.Shared.Return(partial);
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
        // pieces are cut for the sake of rounding: a few of them are not worth handing over
        int each = (long)outer * n <= 4 * Grain ? outer * pieces : 2 * Grain / FoldPiece, chunks = ((outer * pieces) + each - 1) / each;
        var body = new PieceChunks<F> { Formula = f, X = x, N = n, Pieces = pieces, Each = each, Partial = partial, Count = outer * pieces };
        if (chunks == 1) { body.Run(0); } else { Work.Run(chunks, body); }
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
        int rows = Math.Min(n, FoldedRows), pieces = (n + rows - 1) / rows;
        int columns = Math.Min(inner, Math.Clamp(4 * Grain / rows & -16, 64, MostColumns)), blocks = (inner + columns - 1) / columns, units = outer * pieces * blocks;
        float[]? partial = pieces == 1 ? null : ArrayPool<float>.Shared.Rent(outer * pieces * inner);
        int each = Math.Max(1, Grain / (rows * columns)), chunks = (units + each - 1) / each;
        var body = new ColumnChunks<F> { Formula = f, X = x, Y = y, N = n, Inner = inner, Rows = rows, Columns = columns, Blocks = blocks, Pieces = pieces, Partial = partial, Units = units, Each = each };
        if (chunks == 1) { body.Run(0); } else { Work.Run(chunks, body); }
        if (partial is null) { return; }
        for (int o = 0; o < outer; o++) { ColumnChunks<Joined<F>>.Sweep(new(f), ref partial[o * pieces * inner], ref At(y, o * inner), pieces, inner, inner); }
        ArrayPool<float>.Shared.Return(partial);
    }

    /// <summary>y [columns] of x [rows, columns], rows <paramref name="stride"/> floats apart, on the thread that asks.</summary>
    internal static void FoldRowsOf<F>(F f, ref float x, ref float y, int rows, nint stride, nint columns) where F : unmanaged, IFold => ColumnChunks<F>.Sweep(f, ref x, ref y, rows, stride, columns);

    /// <summary>y [lines] of x [lines, n], on the thread that asks.</summary>
    internal static void FoldLinesOf<F>(F f, ref float x, ref float y, int lines, int n) where F : unmanaged, IFold
    {
        // a register's values fold across at the end of each line, which is much of the work where lines are short: for four lines at once
        int done = n > ShortLine ? 0 : F16.IsSupported && n >= 16 ? FoldShort<F, F16>(f, ref x, ref y, lines, n) : F8.IsSupported && n >= 8 ? FoldShort<F, F8>(f, ref x, ref y, lines, n) : F4.IsSupported && n >= 4 ? FoldShort<F, F4>(f, ref x, ref y, lines, n) : 0;
        for (int o = done; o < lines; o++) { Unsafe.Add(ref y, o) = FoldRun(f, ref Unsafe.Add(ref x, (nint)o * n), n); }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int FoldShort<F, L>(F f, ref float x, ref float y, int lines, int n) where F : unmanaged, IFold where L : struct, IVectorLane<L>
    {
        Unsafe.SkipInit(out Lines places);
        ref float at = ref Unsafe.As<Lines, float>(ref places);
        for (int j = 0; j < L.Width; j++) { Unsafe.Add(ref at, j) = j; }
        L start = L.Of(f.Start), place = L.Load(in at, 0), rest = L.Of(n % L.Width);
        int o = 0, whole = n - (n % L.Width), last = (lines * n) - (whole < n ? L.Width : 0);
        // what a line's last vector reads behind its end must be there
        for (; o + 4 <= lines && ((o + 3) * n) + whole <= last; o += 4, x = ref Unsafe.Add(ref x, 4 * n))
        {
            L a = start, b = a, c = a, d = a;
            nint i = 0;
            for (; i < whole; i += L.Width)
            {
                a = f.Step(a, L.Load(in x, i));
                b = f.Step(b, L.Load(in x, i + n));
                c = f.Step(c, L.Load(in x, i + n + n));
                d = f.Step(d, L.Load(in x, i + n + n + n));
            }
            if (whole < n)
            {
                a = L.WhereGreater(rest, place, f.Step(a, L.Load(in x, i)), a);
                b = L.WhereGreater(rest, place, f.Step(b, L.Load(in x, i + n)), b);
                c = L.WhereGreater(rest, place, f.Step(c, L.Load(in x, i + n + n)), c);
                d = L.WhereGreater(rest, place, f.Step(d, L.Load(in x, i + n + n + n)), d);
            }
            Halve(f, a, ref at, 0);
            Halve(f, b, ref at, 4);
            Halve(f, c, ref at, 8);
            Halve(f, d, ref at, 12);
            var (p, q, r, s) = Turned(F4.Load(in at, 0).V, F4.Load(in at, 4).V, F4.Load(in at, 8).V, F4.Load(in at, 12).V);
            F4.Store(f.Join(f.Join(new F4(p), new F4(q)), f.Join(new F4(r), new F4(s))), ref y, o);
        }
        return o;
    }

    // a register folded by halves, down to four values
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Halve<F, L>(F f, L x, ref float to, nint at) where F : unmanaged, IFold where L : struct, IVectorLane<L>
    {
        if (typeof(L) == typeof(F16))
        {
            var v = Unsafe.As<L, F16>(ref x).V;
            var half = f.Join(new F8(v.GetLower()), new F8(v.GetUpper())).V;
            F4.Store(f.Join(new F4(half.GetLower()), new F4(half.GetUpper())), ref to, at);
        }
        else if (typeof(L) == typeof(F8))
        {
            var v = Unsafe.As<L, F8>(ref x).V;
            F4.Store(f.Join(new F4(v.GetLower()), new F4(v.GetUpper())), ref to, at);
        }
        else { L.Store(x, ref to, at); }
    }

    // four columns of four rows
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float> A, Vector128<float> B, Vector128<float> C, Vector128<float> D) Turned(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        if (!Sse.IsSupported)
        {
            return (Vector128.Create(a[0], b[0], c[0], d[0]), Vector128.Create(a[1], b[1], c[1], d[1]), Vector128.Create(a[2], b[2], c[2], d[2]), Vector128.Create(a[3], b[3], c[3], d[3]));
        }
        Vector128<float> p = Sse.UnpackLow(a, b), q = Sse.UnpackLow(c, d), r = Sse.UnpackHigh(a, b), s = Sse.UnpackHigh(c, d);
        return (Sse.MoveLowToHigh(p, q), Sse.MoveHighToLow(q, p), Sse.MoveLowToHigh(r, s), Sse.MoveHighToLow(s, r));
    }

    [InlineArray(16)]
    private struct Lines
    {
        private float _first;
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
            return Across(f, f.Join(f.Join(a, b), f.Join(c, d)));
        }
    }

    // a register folded by halves: through memory, which takes fewer steps than value after value
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F1 Across<F, L>(F f, L x) where F : unmanaged, IFold where L : struct, IVectorLane<L>
    {
        Unsafe.SkipInit(out Vector512<float> lanes);
        ref float at = ref Unsafe.As<Vector512<float>, float>(ref lanes);
        L.Store(x, ref at, 0);
        if (L.Width == 16) { F8.Store(f.Join(F8.Load(in at, 0), F8.Load(in at, 8)), ref at, 0); }
        if (L.Width >= 8) { F4.Store(f.Join(F4.Load(in at, 0), F4.Load(in at, 4)), ref at, 0); }
        return f.Join<F1>(f.Join<F1>(at, Unsafe.Add(ref at, 1)), f.Join<F1>(Unsafe.Add(ref at, 2), Unsafe.Add(ref at, 3)));
    }

    // folds partial results
    private readonly struct Joined<F>(F f) : IFold where F : unmanaged, IFold
    {
        public float Start => f.Start;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Step<L>(L acc, L x) where L : struct, ILane<L> => f.Join(acc, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Join<L>(L a, L b) where L : struct, ILane<L> => f.Join(a, b);
    }

    private struct RowChunks<F> : IChunks where F : unmanaged, IFold
    {
        public F Formula;
        public View X, Y;
        public int N, Outer, Rows;

        public readonly void Run(int chunk)
        {
            int first = chunk * Rows, end = Math.Min(Outer, first + Rows);
            FoldLinesOf(Formula, ref At(X, first * N), ref At(Y, first), end - first, N);
        }
    }

    private struct PieceChunks<F> : IChunks where F : unmanaged, IFold
    {
        public F Formula;
        public View X;
        public int N, Pieces, Each, Count;
        public float[] Partial;

        public readonly void Run(int chunk)
        {
            int end = Math.Min(Count, (chunk + 1) * Each);
            for (int piece = chunk * Each; piece < end; piece++)
            {
                int row = piece / Pieces, from = piece % Pieces * FoldPiece;
                Partial[piece] = FoldRun(Formula, ref At(X, (row * N) + from), Math.Min(FoldPiece, N - from));
            }
        }
    }

    private struct ColumnChunks<F> : IChunks where F : unmanaged, IFold
    {
        public F Formula;
        public View X, Y;
        public int N, Inner, Rows, Columns, Blocks, Pieces, Units, Each;
        public float[]? Partial;

        public readonly void Run(int chunk)
        {
            int first = chunk * Each, end = Math.Min(Units, first + Each);
            for (int unit = first; unit < end; unit++)
            {
                var (at, block) = Math.DivRem(unit, Blocks);
                var (o, piece) = Math.DivRem(at, Pieces);
                int from = block * Columns, row = piece * Rows;
                ref float to = ref Partial is null ? ref At(Y, (o * Inner) + from) : ref Partial[(at * Inner) + from];
                Sweep(Formula, ref At(X, (((o * N) + row) * Inner) + from), ref to, Math.Min(Rows, N - row), Inner, Math.Min(Columns, Inner - from));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public static void Sweep(F f, ref float x, ref float y, int rows, nint stride, nint n)
        {
            for (int from = 0; from < rows; from += RowsAtOnce)
            {
                int count = Math.Min(RowsAtOnce, rows - from);
                nint i = 0;
                if (F16.IsSupported) { i = Lanes<F16>(f, ref x, ref y, from == 0, count, stride, i, n); }
                if (F8.IsSupported) { i = Lanes<F8>(f, ref x, ref y, from == 0, count, stride, i, n); }
                if (F4.IsSupported) { i = Lanes<F4>(f, ref x, ref y, from == 0, count, stride, i, n); }
                Lanes<F1>(f, ref x, ref y, from == 0, count, stride, i, n);
                x = ref Unsafe.Add(ref x, count * stride);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static nint Lanes<L>(F f, ref float x, ref float y, bool begins, int rows, nint stride, nint i, nint n) where L : struct, IVectorLane<L>
        {
            for (; i <= n - (4 * L.Width); i += 4 * L.Width)
            {
                L a = L.Of(f.Start), b = a, c = a, d = a;
                if (!begins) { (a, b, c, d) = (L.Load(in y, i), L.Load(in y, i + L.Width), L.Load(in y, i + (2 * L.Width)), L.Load(in y, i + (3 * L.Width))); }
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
                L a = begins ? L.Of(f.Start) : L.Load(in y, i);
                nint at = i;
                for (int r = 0; r < rows; r++, at += stride) { a = f.Step(a, L.Load(in x, at)); }
                L.Store(a, ref y, i);
            }
            return i;
        }
    }
}
