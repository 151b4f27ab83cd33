using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Copies along a <see cref="Walk"/>: permutations, slices, flips, broadcasts, joins and paddings are all this.
/// Runs that lie straight in both memories are block copies; where they lie across, blocks are turned while in the cache.</summary>
/// <param name="From">What is read.</param>
/// <param name="To">What is written; the rest of it stays as it is.</param>
/// <param name="Walk">The way through both.</param>
public readonly record struct StridedCopy(View From, View To, Walk Walk) : IKernel
{
    // a tile of 64 × 64 floats is 16 KiB on either side: both fit the first-level cache
    private const int Tile = 64;

    /// <inheritdoc/>
    public static string Name => "copy";

    /// <inheritdoc/>
    public string Sizes => $"{Walk.Count}";

    /// <inheritdoc/>
    public void Run()
    {
        Walk walk = Walk;
        int count = walk.Count, last = walk.Rank - 1, n = walk.Sizes[last];
        if (count == 0) { return; }
        if (walk.To[last] == 1 && walk.From[last] is not (0 or 1 or -1) && BringAcross(ref walk)) { RunTiles(walk, count); return; }
        int repeat = 1;
        if (last > 0 && n <= 16 && walk.From[last] == 0 && walk.To[last] == 1 && walk.From[last - 1] == 1 && walk.To[last - 1] == n)
        {
            // each value a few times in a row: one line of them
            (repeat, n) = (n, walk.Sizes[last - 1]);
            (walk.Rank, last) = (last, last - 1);
        }
        int piece = Math.Min(n, CpuDevice.Grain / repeat), rows = count / n / repeat;
        var body = new Rows
        {
            From = From,
            To = To,
            Walk = walk,
            Count = rows,
            RowsAChunk = Math.Max(1, CpuDevice.Grain / n / repeat),
            Repeat = repeat,
            Piece = piece,
            Streams = repeat == 1 && piece >= 64 && walk.To[last] == 1 && walk.From[last] is 0 or 1 && From.Block != To.Block && (long)count + Math.Min(count, From.Length) >= Processor.CopiesStreamFrom,
            Pieces = (n + piece - 1) / piece,
        };
        int chunks = (rows + body.RowsAChunk - 1) / body.RowsAChunk * body.Pieces;
        if (chunks == 1) { body.Run(0); } else { Work.Run(chunks, body); }
    }

    // moves the axis along which reading is straight next to the last, along which writing is
    internal static bool BringAcross(ref Walk walk)
    {
        for (int k = walk.Rank - 2; k >= 0; k--)
        {
            if (walk.From[k] != 1) { continue; }
            for (; k < walk.Rank - 2; k++)
            {
                (walk.Sizes[k], walk.Sizes[k + 1]) = (walk.Sizes[k + 1], walk.Sizes[k]);
                (walk.From[k], walk.From[k + 1]) = (walk.From[k + 1], walk.From[k]);
                (walk.To[k], walk.To[k + 1]) = (walk.To[k + 1], walk.To[k]);
            }
            return true;
        }
        return false;
    }

    private void RunTiles(in Walk walk, int count)
    {
        int k = walk.Sizes[walk.Rank - 2], n = walk.Sizes[walk.Rank - 1];
        // a thin matrix gets long tiles of the same area
        int tileK = n < Tile ? Math.Max(Tile, Tile * Tile / n & -8) : Tile, tileN = k < Tile ? Math.Max(Tile, Tile * Tile / k & -8) : Tile;
        var body = new Tiles { From = From, To = To, Walk = walk, TileK = tileK, TileN = tileN, TilesK = (k + tileK - 1) / tileK, TilesN = (n + tileN - 1) / tileN };
        body.Count = count / (k * n) * body.TilesK * body.TilesN;
        body.TilesAChunk = Math.Max(1, CpuDevice.Grain / Math.Min(k, tileK) / Math.Min(n, tileN));
        int chunks = (body.Count + body.TilesAChunk - 1) / body.TilesAChunk;
        if (chunks == 1) { body.Run(0); } else { Work.Run(chunks, body); }
    }

    private struct Rows : IChunks
    {
        public View From, To;
        public Walk Walk;
        public int Count, RowsAChunk, Piece, Pieces, Repeat;
        public bool Streams;

        public readonly unsafe void Run(int chunk)
        {
            if (!Streams) { Copy(chunk); return; }
            fixed (float* to = &CpuDevice.At(To)) { Copy(chunk); }
            Streamed.End();
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private readonly unsafe void Copy(int chunk)
        {
            int last = Walk.Rank - 1, row = chunk / Pieces * RowsAChunk, end = Math.Min(Count, row + RowsAChunk), at = chunk % Pieces * Piece;
            int n = Math.Min(Piece, Walk.Sizes[last] - at), stepFrom = Walk.From[last], stepTo = Walk.To[last];
            Span<int> place = stackalloc int[Broadcast.MaxRank];
            ref float from = ref CpuDevice.At(From), to = ref CpuDevice.At(To);
            int f = Walk.FromStart + (at * stepFrom), t = Walk.ToStart + (at * stepTo);
            for (int k = last - 1, rest = row; k >= 0; k--)
            {
                (rest, place[k]) = Math.DivRem(rest, Walk.Sizes[k]);
                f += place[k] * Walk.From[k];
                t += place[k] * Walk.To[k];
            }
            // short lines one behind the other
            bool straight = stepFrom == 1 && stepTo == 1 && Repeat == 1 && !Streams && n <= 256 && last > 0;
            while (true)
            {
                if (straight)
                {
                    int run = Math.Min(end - row, Walk.Sizes[last - 1] - place[last - 1]) - 1;
                    Block(ref Unsafe.Add(ref from, f), ref Unsafe.Add(ref to, t), run + 1, n, Walk.From[last - 1], Walk.To[last - 1]);
                    row += run;
                    place[last - 1] += run;
                    f += run * Walk.From[last - 1];
                    t += run * Walk.To[last - 1];
                }
                else if (Repeat > 1) { Lines.Repeat(ref Unsafe.Add(ref from, f), ref Unsafe.Add(ref to, t), n, Repeat); }
                else if (Streams && Streamed.Suits((float*)Unsafe.AsPointer(ref Unsafe.Add(ref to, t)))) { Lines.Stream(ref Unsafe.Add(ref from, f), ref Unsafe.Add(ref to, t), n, stepFrom); }
                else { Line(ref Unsafe.Add(ref from, f), ref Unsafe.Add(ref to, t), n, stepFrom, stepTo); }
                if (++row == end) { return; }
                for (int k = last - 1; k >= 0; k--)
                {
                    f += Walk.From[k];
                    t += Walk.To[k];
                    if (++place[k] < Walk.Sizes[k]) { break; }
                    f -= Walk.From[k] * place[k];
                    t -= Walk.To[k] * place[k];
                    place[k] = 0;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Block(ref float from, ref float to, int rows, nint n, nint nextFrom, nint nextTo)
        {
            for (; rows > 0; rows--, from = ref Unsafe.Add(ref from, nextFrom), to = ref Unsafe.Add(ref to, nextTo)) { Lines.Copy(ref from, ref to, n); }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Line(ref float from, ref float to, int n, nint stepFrom, nint stepTo)
        {
            if (stepTo == 1 && stepFrom == 1)
            {
                if (n <= 4096) { Lines.Copy(ref from, ref to, n); return; }
                MemoryMarshal.CreateReadOnlySpan(ref from, n).CopyTo(MemoryMarshal.CreateSpan(ref to, n));
                return;
            }
            if (stepTo == 1 && stepFrom == 0)
            {
                if (n <= 16) { for (nint i = 0; i < n; i++) { Unsafe.Add(ref to, i) = from; } }
                else { MemoryMarshal.CreateSpan(ref to, n).Fill(from); }
                return;
            }
            if (stepTo == 1 && stepFrom == -1) { Lines.Reverse(ref from, ref to, n); return; }
            for (nint i = 0; i < n; i++) { Unsafe.Add(ref to, i * stepTo) = Unsafe.Add(ref from, i * stepFrom); }
        }
    }

    private struct Tiles : IChunks
    {
        public View From, To;
        public Walk Walk;
        public int Count, TilesAChunk, TileK, TileN, TilesK, TilesN;

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public readonly void Run(int chunk)
        {
            ref float from = ref CpuDevice.At(From), to = ref CpuDevice.At(To);
            int last = Walk.Rank - 1, end = Math.Min(Count, (chunk + 1) * TilesAChunk);
            for (int tile = chunk * TilesAChunk; tile < end; tile++)
            {
                (int rest, int j) = Math.DivRem(tile, TilesN);
                (rest, int i) = Math.DivRem(rest, TilesK);
                (i, j) = (i * TileK, j * TileN);
                int f = Walk.FromStart + i + (j * Walk.From[last]), t = Walk.ToStart + (i * Walk.To[last - 1]) + j;
                for (int k = last - 2; k >= 0; k--)
                {
                    (rest, int place) = Math.DivRem(rest, Walk.Sizes[k]);
                    f += place * Walk.From[k];
                    t += place * Walk.To[k];
                }
                Turn(ref Unsafe.Add(ref from, f), ref Unsafe.Add(ref to, t), Math.Min(TileK, Walk.Sizes[last - 1] - i), Math.Min(TileN, Walk.Sizes[last] - j), Walk.From[last], Walk.To[last - 1]);
            }
        }

        // to[i·stepTo + j] = from[j·stepFrom + i]
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Turn(ref float from, ref float to, nint k, nint n, nint stepFrom, nint stepTo)
        {
            nint whole = 0, wholeN = 0;
            if (Avx.IsSupported && n >= 8)
            {
                wholeN = n & -8;
                for (; whole <= k - 8; whole += 8)
                {
                    for (nint j = 0; j < wholeN; j += 8) { Turn8(ref Unsafe.Add(ref from, (j * stepFrom) + whole), ref Unsafe.Add(ref to, (whole * stepTo) + j), stepFrom, stepTo); }
                }
            }
            for (nint i = 0; i < k; i++)
            {
                for (nint j = i < whole ? wholeN : 0; j < n; j++) { Unsafe.Add(ref to, (i * stepTo) + j) = Unsafe.Add(ref from, (j * stepFrom) + i); }
            }
        }

        // eight rows of eight: pairs, then quads within each half, then the halves change places
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Turn8(ref float from, ref float to, nint sf, nint st)
        {
            var (a0, a1) = Pair(Row(ref from, 0), Row(ref from, sf));
            var (a2, a3) = Pair(Row(ref from, 2 * sf), Row(ref from, 3 * sf));
            var (a4, a5) = Pair(Row(ref from, 4 * sf), Row(ref from, 5 * sf));
            var (a6, a7) = Pair(Row(ref from, 6 * sf), Row(ref from, 7 * sf));
            var (b0, b1) = Quad(a0, a2);
            var (b2, b3) = Quad(a1, a3);
            var (b4, b5) = Quad(a4, a6);
            var (b6, b7) = Quad(a5, a7);
            Avx.Permute2x128(b0, b4, 0x20).StoreUnsafe(ref to);
            Avx.Permute2x128(b1, b5, 0x20).StoreUnsafe(ref Unsafe.Add(ref to, st));
            Avx.Permute2x128(b2, b6, 0x20).StoreUnsafe(ref Unsafe.Add(ref to, 2 * st));
            Avx.Permute2x128(b3, b7, 0x20).StoreUnsafe(ref Unsafe.Add(ref to, 3 * st));
            Avx.Permute2x128(b0, b4, 0x31).StoreUnsafe(ref Unsafe.Add(ref to, 4 * st));
            Avx.Permute2x128(b1, b5, 0x31).StoreUnsafe(ref Unsafe.Add(ref to, 5 * st));
            Avx.Permute2x128(b2, b6, 0x31).StoreUnsafe(ref Unsafe.Add(ref to, 6 * st));
            Avx.Permute2x128(b3, b7, 0x31).StoreUnsafe(ref Unsafe.Add(ref to, 7 * st));

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            static Vector256<float> Row(ref float from, nint at) => Vector256.LoadUnsafe(ref Unsafe.Add(ref from, at));

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            static (Vector256<float>, Vector256<float>) Pair(Vector256<float> a, Vector256<float> b) => (Avx.UnpackLow(a, b), Avx.UnpackHigh(a, b));

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            static (Vector256<float>, Vector256<float>) Quad(Vector256<float> a, Vector256<float> b) => (Avx.Shuffle(a, b, 0x44), Avx.Shuffle(a, b, 0xEE));
        }
    }
}
