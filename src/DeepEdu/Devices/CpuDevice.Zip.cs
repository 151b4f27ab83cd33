using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepEdu.Lanes;

namespace DeepEdu.Devices;

/// <content>The loops over two and three operands, with broadcasting. Both are one loop: two operands are three of which the last is not read.</content>
public sealed partial class CpuDevice
{
    /// <inheritdoc/>
    public override void Zip<F>(F f, View a, View b, View y, in Broadcast how)
    {
        // the third operand is the second once more: it must walk as that does, or it would leave b's memory
        var twice = how;
        twice.C = how.B;
        ZipAll(new TwoOfThree<F>(f), a, b, b, y, twice);
    }

    /// <inheritdoc/>
    public override void Zip3<F>(F f, View a, View b, View c, View y, in Broadcast how) => ZipAll(f, a, b, c, y, how);

    internal static void ZipAll<F>(F f, View a, View b, View c, View y, in Broadcast how) where F : unmanaged, IZip3
    {
        int n = y.Length;
        if (n == 0) { return; }
        if (Recording.Current is { } recording) { recording.Run(new Recording.Zip<F>(f, a, b, c, y, how)); return; }
        y.Block.Changes();
        using var watch = Profiler.Begin<F>(n);
        // an inner row is one run of the SIMD loop; rows are handed out so that a chunk is about a grain
        int inner = how.Sizes[how.Rank - 1];
        // a result in an operand's place is in the cache already
        bool streams = y.Block != a.Block && y.Block != b.Block && y.Block != c.Block && Streamed.Pays((long)n + a.Length + b.Length + (c == b ? 0 : c.Length));
        var body = new ZipChunks<F> { Formula = f, A = a, B = b, C = c, Y = y, How = how, Inner = inner, Streams = streams };
        if (how.Rank == 1)
        {
            body.RowsAChunk = 1;
            body.Piece = Grain;
            int chunks = ((n - 1) / Grain) + 1;
            if (chunks == 1) { body.Run(0); } else { Work.Run(chunks, body); }
        }
        else
        {
            int rows = n / inner;
            body.RowsAChunk = Math.Max(1, Grain / inner);
            body.Piece = inner;
            int chunks = (rows + body.RowsAChunk - 1) / body.RowsAChunk;
            if (chunks == 1) { body.Run(0); } else { Work.Run(chunks, body); }
        }
    }

    internal readonly struct TwoOfThree<F>(F f) : IZip3 where F : unmanaged, IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L a, L b, L c) where L : struct, ILane<L> => f.Apply(a, b);
    }

    private struct ZipChunks<F> : IChunks where F : unmanaged, IZip3
    {
        public F Formula;
        public View A, B, C, Y;
        public Broadcast How;
        public int Inner, RowsAChunk, Piece;
        public bool Streams;

        public readonly unsafe void Run(int chunk)
        {
            if (!Streams) { Run<Kept>(chunk); return; }
            // either every row of a chunk begins with a cache line or the chunk is not written past the caches
            fixed (float* to = &At(Y, How.Rank == 1 ? chunk * Piece : chunk * RowsAChunk * Inner))
            {
                if (Streamed.Suits(to) && (How.Rank == 1 || Inner % 16 == 0)) { Run<Streamed>(chunk); } else { Run<Kept>(chunk); }
            }
            Streamed.End();
        }

        private readonly void Run<S>(int chunk) where S : struct, IStore
        {
            int last = How.Rank - 1, sa = How.A[last], sb = How.B[last], sc = How.C[last];
            if (How.Rank == 1)
            {
                int from = chunk * Piece, n = Math.Min(Piece, Inner - from);
                Row<S>(Formula, ref At(A, from * sa), ref At(B, from * sb), ref At(C, from * sc), ref At(Y, from), sa, sb, sc, n);
                return;
            }
            int rows = Y.Length / Inner, first = chunk * RowsAChunk, end = Math.Min(rows, first + RowsAChunk);
            if (How.Rank == 2 && Inner < 16)
            {
                Narrow<S>(first, end);
                return;
            }
            // the outer axes' counters and the operands' places, kept up by carrying
            Broadcast.Axes at = default;
            int pa = 0, pb = 0, pc = 0;
            for (int axis = last - 1, rest = first; axis >= 0; axis--)
            {
                (rest, at[axis]) = Math.DivRem(rest, How.Sizes[axis]);
                pa += at[axis] * How.A[axis];
                pb += at[axis] * How.B[axis];
                pc += at[axis] * How.C[axis];
            }
            ref float a = ref At(A), b = ref At(B), c = ref At(C), y = ref At(Y, first * Inner);
            for (int row = first; row < end; row++)
            {
                Row<S>(Formula, ref Unsafe.Add(ref a, pa), ref Unsafe.Add(ref b, pb), ref Unsafe.Add(ref c, pc), ref y, sa, sb, sc, Inner);
                y = ref Unsafe.Add(ref y, Inner);
                for (int axis = last - 1; axis >= 0; axis--)
                {
                    pa += How.A[axis];
                    pb += How.B[axis];
                    pc += How.C[axis];
                    if (++at[axis] < How.Sizes[axis]) { break; }
                    pa -= How.A[axis] * at[axis];
                    pb -= How.B[axis] * at[axis];
                    pc -= How.C[axis] * at[axis];
                    at[axis] = 0;
                }
            }
        }

        // rows too short for a register: many of them are one run, for which what repeats is written out
        private readonly void Narrow<S>(int first, int end) where S : struct, IStore
        {
            const int Run = 512;
            Span<float> room = stackalloc float[3 * Run];
            for (int row = first, most = Run / Inner; row < end; row += most)
            {
                int count = Math.Min(most, end - row);
                ref float a = ref Side(A, How.A, row, count, row == first, ref room[0]);
                ref float b = ref Side(B, How.B, row, count, row == first, ref room[Run]);
                ref float c = ref b;
                if (C != B || How.C[0] != How.B[0] || How.C[1] != How.B[1]) { c = ref Side(C, How.C, row, count, row == first, ref room[2 * Run]); }
                Row<S>(Formula, ref a, ref b, ref c, ref At(Y, row * Inner), 1, 1, 1, count * Inner);
            }
        }

        // an operand's values for some rows, one behind the other; a row that repeats is written out once
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private readonly ref float Side(View x, in Broadcast.Axes steps, int row, int count, bool begins, ref float room)
        {
            int down = steps[0], across = steps[1];
            ref float from = ref At(x, row * down);
            if (across == 1 && down == Inner) { return ref from; }
            if (down == 0 && !begins) { return ref room; }
            ref float to = ref room;
            for (; count > 0; count--, from = ref Unsafe.Add(ref from, down), to = ref Unsafe.Add(ref to, Inner))
            {
                for (nint i = 0; i < Inner; i++) { Unsafe.Add(ref to, i) = Unsafe.Add(ref from, i * across); }
            }
            return ref room;
        }

        // steps are 0 or 1 along the inner axis: anything else was copied or split before
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Row<S>(F f, ref float a, ref float b, ref float c, ref float y, int sa, int sb, int sc, nint n) where S : struct, IStore
        {
            nint i = 0;
            if (F16.IsSupported) { i = Lanes<F16, S>(f, ref a, ref b, ref c, ref y, sa, sb, sc, i, n); }
            if (F8.IsSupported) { i = Lanes<F8, S>(f, ref a, ref b, ref c, ref y, sa, sb, sc, i, n); }
            if (F4.IsSupported) { i = Lanes<F4, S>(f, ref a, ref b, ref c, ref y, sa, sb, sc, i, n); }
            Lanes<F1, S>(f, ref a, ref b, ref c, ref y, sa, sb, sc, i, n);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static nint Lanes<L, S>(F f, ref float a, ref float b, ref float c, ref float y, int sa, int sb, int sc, nint i, nint n) where L : struct, IVectorLane<L> where S : struct, IStore
        {
            if (n - i < L.Width) { return i; }
            if ((sa & sb & sc) == 1)
            {
                for (; i <= n - L.Width; i += L.Width) { S.Store(f.Apply(L.Load(in a, i), L.Load(in b, i), L.Load(in c, i)), ref y, i); }
                return i;
            }
            L la = L.Of(a), lb = L.Of(b), lc = L.Of(c);
            // one operand of two that repeats: nothing to decide in the loop
            if (sa == 0 && (sb & sc) == 1)
            {
                for (; i <= n - L.Width; i += L.Width) { S.Store(f.Apply(la, L.Load(in b, i), L.Load(in c, i)), ref y, i); }
                return i;
            }
            if (sa == 1 && (sb | sc) == 0)
            {
                for (; i <= n - L.Width; i += L.Width) { S.Store(f.Apply(L.Load(in a, i), lb, lc), ref y, i); }
                return i;
            }
            for (; i <= n - L.Width; i += L.Width)
            {
                if (sa != 0) { la = L.Load(in a, i); }
                if (sb != 0) { lb = L.Load(in b, i); }
                if (sc != 0) { lc = L.Load(in c, i); }
                S.Store(f.Apply(la, lb, lc), ref y, i);
            }
            return i;
        }
    }
}
