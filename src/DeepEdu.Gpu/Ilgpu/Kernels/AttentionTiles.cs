using System.Runtime.CompilerServices;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Rows of a batch of sequences, each row with its heads side by side.</summary>
internal struct AttentionRow(Floats at, long row, long batch)
{
    public Floats At = at;
    public long Row = row, Batch = batch;

    /// <summary>Where a row of a sequence begins, from one column on.</summary>
    public readonly long Of(int sequence, int row, int column) => (sequence * Batch) + (row * Row) + column;
}

/// <summary>An <see cref="AttentionPlan"/> as kernels take it, with the views that all of them read.</summary>
internal struct AttentionTask
{
    public AttentionRow Q, K, V, O;
    public Floats Mask, LogSum;
    public ArrayView<int> Lengths;
    public int Heads, Queries, Keys, Width, ValueWidth, HasMask, HasLengths, Causal, Past, KeepsLogSum;
    public long MaskBatch, MaskHead, MaskRow;
    public float Scale, Dropout, Keep;
    public ulong Seed, Stream, Start;

    /// <summary>Keys of a sequence that count.</summary>
    public readonly int KeysOf(int sequence) => HasLengths != 0 ? Lengths[sequence] : Keys;

    /// <summary>Keys that a query sees.</summary>
    public readonly int Seen(int keys, int query) => Causal == 0 ? keys : (int)IntrinsicMath.Max(0L, IntrinsicMath.Min((long)keys, (long)Past + query + 1));

    /// <summary>The score from the product of a query and a key.</summary>
    public readonly float Score(int sequence, int head, int query, int key, float product)
    {
        float s = product * Scale;
        return HasMask != 0 ? s + Mask[(sequence * MaskBatch) + (head * MaskHead) + (query * MaskRow) + key] : s;
    }

    /// <summary>What dropout multiplies a weight with.</summary>
    public readonly float Kept(int sequence, int head, int query, int key)
    {
        if (Dropout == 0f) { return 1f; }
        ulong i = Start + (ulong)((((((long)sequence * Heads) + head) * Queries) + query) * Keys + key);
        var (w0, w1, w2, w3) = Philox.Block(i >> 2, Stream, Seed);
        uint which = (uint)(i & 3), word = which == 0 ? w0 : which == 1 ? w1 : which == 2 ? w2 : w3;
        return (word >> 8) * 5.9604644775390625e-8f >= Dropout ? Keep : 0f;
    }
}

/// <summary>4 × 4 values of a tile of 64 × 64, of which a group of 256 threads keeps all: rows and columns 16 apart.</summary>
internal struct Square
{
    public ConvRow R0, R1, R2, R3;

    public readonly void Store(Floats tile, int ty, int tx)
    {
        Store(tile, (ty * AttentionTile.Pitch) + tx, R0);
        Store(tile, ((ty + 16) * AttentionTile.Pitch) + tx, R1);
        Store(tile, ((ty + 32) * AttentionTile.Pitch) + tx, R2);
        Store(tile, ((ty + 48) * AttentionTile.Pitch) + tx, R3);
    }

    private static void Store(Floats tile, int at, ConvRow r)
    {
        tile[at] = r.V0;
        tile[at + 16] = r.V1;
        tile[at + 32] = r.V2;
        tile[at + 48] = r.V3;
    }
}

/// <summary>Products of blocks of 64 rows, by groups of 256 threads.</summary>
internal static class AttentionTile
{
    /// <summary>Rows of a block; threads of a group.</summary>
    public const int Side = 64, Threads = 256;

    /// <summary>From one row of a tile in shared memory to the next.</summary>
    public const int Pitch = Side + 1;

    /// <summary>How much of the factors is in shared memory at a time.</summary>
    public const int Depth = 16;

    /// <summary>s += a·bᵀ, of rows of a and b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dots(Floats a, long atA, long stepA, int rowsA, Floats b, long atB, long stepB, int rowsB, int depth, Floats sa, Floats sb, ref Square s)
    {
        int me = Group.IdxX, tx = me % 16, ty = me / 16;
        for (int k0 = 0; k0 < depth; k0 += Depth)
        {
            for (int row = ty; row < Side; row += 16)
            {
                sa[(tx * Pitch) + row] = row < rowsA && k0 + tx < depth ? a[atA + (row * stepA) + k0 + tx] : 0f;
                sb[(tx * Pitch) + row] = row < rowsB && k0 + tx < depth ? b[atB + (row * stepB) + k0 + tx] : 0f;
            }
            Group.Barrier();
            for (int k = 0; k < Depth; k++)
            {
                int x = (k * Pitch) + tx, y = (k * Pitch) + ty;
                Add(ref s, sa[y], sa[y + 16], sa[y + 32], sa[y + 48], sb, x);
            }
            Group.Barrier();
        }
    }

    /// <summary>s += weights·b, with weights a tile, or its transpose, and b 64 rows, of which 64 columns from one on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weighted(Floats weights, int across, int down, Floats b, long atB, long stepB, int rowsB, int columns, Floats sb, ref Square s)
    {
        int me = Group.IdxX, tx = me % 16, ty = me / 16, column = me % Side;
        for (int k0 = 0; k0 < rowsB; k0 += Depth)
        {
            for (int k = me / Side; k < Depth; k += Threads / Side) { sb[(k * Pitch) + column] = k0 + k < rowsB && column < columns ? b[atB + ((k0 + k) * stepB) + column] : 0f; }
            Group.Barrier();
            for (int k = 0; k < Depth; k++)
            {
                int y = (ty * down) + ((k0 + k) * across);
                Add(ref s, weights[y], weights[y + (16 * down)], weights[y + (32 * down)], weights[y + (48 * down)], sb, (k * Pitch) + tx);
            }
            Group.Barrier();
        }
    }

    /// <summary>Adds the tile to rows and columns of y, which were there before or not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo(Floats y, long at, long step, int rows, int columns, bool before, Square s)
    {
        int tx = Group.IdxX % 16, ty = Group.IdxX / 16;
        AddTo(y, at + (ty * step), ty < rows, tx, columns, before, s.R0);
        AddTo(y, at + ((ty + 16) * step), ty + 16 < rows, tx, columns, before, s.R1);
        AddTo(y, at + ((ty + 32) * step), ty + 32 < rows, tx, columns, before, s.R2);
        AddTo(y, at + ((ty + 48) * step), ty + 48 < rows, tx, columns, before, s.R3);
    }

    private static void AddTo(Floats y, long at, bool inside, int column, int columns, bool before, ConvRow r)
    {
        if (!inside) { return; }
        if (column < columns) { y[at + column] = before ? y[at + column] + r.V0 : r.V0; }
        if (column + 16 < columns) { y[at + column + 16] = before ? y[at + column + 16] + r.V1 : r.V1; }
        if (column + 32 < columns) { y[at + column + 32] = before ? y[at + column + 32] + r.V2 : r.V2; }
        if (column + 48 < columns) { y[at + column + 48] = before ? y[at + column + 48] + r.V3 : r.V3; }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(ref Square s, float a0, float a1, float a2, float a3, Floats sb, int x)
    {
        float b0 = sb[x], b1 = sb[x + 16], b2 = sb[x + 32], b3 = sb[x + 48];
        s.R0.Add(a0, b0, b1, b2, b3);
        s.R1.Add(a1, b0, b1, b2, b3);
        s.R2.Add(a2, b0, b1, b2, b3);
        s.R3.Add(a3, b0, b1, b2, b3);
    }
}
