using System.Runtime.CompilerServices;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;
using View = DeepEdu.Devices.View;
using Fours = ILGPU.ArrayView<DeepEdu.Gpu.Float4>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Rows of a batch of sequences, each row with its heads side by side.</summary>
/// <param name="at">The first row of the first sequence.</param>
/// <param name="row">From a row to the next.</param>
/// <param name="batch">From a sequence to the next.</param>
/// <param name="fours">1 if each head of each row begins on 16 bytes and has a multiple of four values.</param>
internal struct AttentionRow(Floats at, long row, long batch, int fours)
{
    public Floats At = at;
    public long Row = row, Batch = batch;
    public int Fours = fours;

    /// <summary>Where the rows begin in the accelerator's memory: for instructions that are written out.</summary>
    public long Address = at.LoadEffectiveAddressAsPtr();

    /// <summary>Rows with so many values a head.</summary>
    public static AttentionRow Of(View v, Floats none, long row, long batch, int width) => new(GpuDevice.Of(v, none), row, batch, v.Offset % 4 == 0 && row % 4 == 0 && batch % 4 == 0 && width % 4 == 0 ? 1 : 0);

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
        return DropoutsKernel.Unit(word) >= Dropout ? Keep : 0f;
    }
}

/// <summary>Products of blocks of 64 rows, by groups of 256 threads.</summary>
internal static class AttentionTile
{
    private const int Side = Tile64.Side, Pitch = Tile64.Pitch, Depth = Tile64.Depth, Stride = Tile64.Stride;

    /// <summary>to ← a·bᵀ, of rows of a and b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Dots(Floats a, long atA, long stepA, int rowsA, Floats b, long atB, long stepB, int rowsB, int depth, Fours a4, Fours b4, Fours to)
    {
        int me = Group.IdxX, line = me >> 4, along = me & (Depth - 1), put = (along * Pitch) + line;
        Tile64.Place(out int ty, out int tx);
        Quad s = default;
        atA += along + (line * stepA);
        atB += along + (line * stepB);
        Float4 va = Rows(a, atA, stepA, along < depth ? rowsA - line : 0, 16), vb = Rows(b, atB, stepB, along < depth ? rowsB - line : 0, 16);
        for (int k0 = 0; k0 < depth; k0 += Depth)
        {
            Put(a4, put, 16, va);
            Put(b4, put, 16, vb);
            Group.Barrier();
            // the next are on their way while these are multiplied
            int next = k0 + Depth;
            if (next < depth)
            {
                va = Rows(a, atA + next, stepA, next + along < depth ? rowsA - line : 0, 16);
                vb = Rows(b, atB + next, stepB, next + along < depth ? rowsB - line : 0, 16);
            }
            Tile64.Add(a4, b4, ty, tx, ref s);
            Group.Barrier();
        }
        int at = (4 * ty * Stride) + tx;
        to[at] = s.R0;
        to[at + Stride] = s.R1;
        to[at + (2 * Stride)] = s.R2;
        to[at + (3 * Stride)] = s.R3;
    }

    /// <summary>weights·b, or weightsᵀ·b, with b 64 rows, of which 64 columns from one on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Weighted(Fours weights, bool transposed, Floats b, long atB, long stepB, int rowsB, int columns, Fours b4)
    {
        int me = Group.IdxX, column = me & (Side - 1), line = me >> 6, put = (line * Pitch) + column;
        Tile64.Place(out int ty, out int tx);
        Quad s = default;
        atB += column + (line * stepB);
        int mine = column < columns ? rowsB - line : 0;
        var v = Rows(b, atB, stepB, mine, 4);
        for (int k0 = 0; k0 < rowsB; k0 += Depth)
        {
            Put(b4, put, 4 * Pitch, v);
            Group.Barrier();
            int next = k0 + Depth;
            if (next < rowsB) { v = Rows(b, atB + (next * stepB), stepB, mine - next, 4); }
            if (transposed) { Tile64.Add(weights.SubView(k0 * Stride), b4, ty, tx, ref s); }
            else { Tile64.AddAcross(weights, b4, (4 * ty * Stride) + (k0 >> 2), tx, ref s); }
            Group.Barrier();
        }
        return s;
    }

    /// <summary>Adds the tile to rows and columns of y, or writes it there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo(AttentionRow y, long at, int rows, int columns, bool before, Quad s)
    {
        Tile64.Place(out int ty, out int tx);
        at += (4 * ty * y.Row) + (4 * tx);
        (rows, columns) = (rows - (4 * ty), columns - (4 * tx));
        AddTo(y.At, at, rows > 0, columns, y.Fours, before, s.R0);
        AddTo(y.At, at + y.Row, rows > 1, columns, y.Fours, before, s.R1);
        AddTo(y.At, at + (2 * y.Row), rows > 2, columns, y.Fours, before, s.R2);
        AddTo(y.At, at + (3 * y.Row), rows > 3, columns, y.Fours, before, s.R3);
    }

    // one by one, a warp would touch each of its sectors four times
    private static void AddTo(Floats y, long at, bool inside, int columns, int fours, bool before, Float4 r)
    {
        if (!inside || columns <= 0) { return; }
        if (fours != 0)
        {
            var four = y.Cast<Float4>();
            if (before)
            {
                Float4 v = four[at >> 2];
                r.X = v.X + r.X;
                r.Y = v.Y + r.Y;
                r.Z = v.Z + r.Z;
                r.W = v.W + r.W;
            }
            four[at >> 2] = r;
            return;
        }
        y[at] = before ? y[at] + r.X : r.X;
        if (columns > 1) { y[at + 1] = before ? y[at + 1] + r.Y : r.Y; }
        if (columns > 2) { y[at + 2] = before ? y[at + 2] + r.Z : r.Z; }
        if (columns > 3) { y[at + 3] = before ? y[at + 3] + r.W : r.W; }
    }

    /// <summary>y ← y·fix + o and, behind the last block, divided by the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(AttentionRow y, long at, int rows, int columns, bool before, bool last, Quad o, Floats fixes, Floats sums)
    {
        Tile64.Place(out int ty, out int tx);
        Put(y, at, 4 * ty, rows, 4 * tx, columns, before, last, o.R0, fixes, sums);
        Put(y, at, (4 * ty) + 1, rows, 4 * tx, columns, before, last, o.R1, fixes, sums);
        Put(y, at, (4 * ty) + 2, rows, 4 * tx, columns, before, last, o.R2, fixes, sums);
        Put(y, at, (4 * ty) + 3, rows, 4 * tx, columns, before, last, o.R3, fixes, sums);
    }

    private static void Put(AttentionRow to, long at, int row, int rows, int column, int columns, bool before, bool last, Float4 r, Floats fixes, Floats sums)
    {
        if (row >= rows || column >= columns) { return; }
        float factor = before ? fixes[row] : 0f, sum = sums[row], share = last ? (sum == 0f ? 0f : 1f / sum) : 1f;
        at += (row * to.Row) + column;
        if (to.Fours != 0)
        {
            var y = to.At.Cast<Float4>();
            if (factor != 0f)
            {
                Float4 v = y[at >> 2];
                r.X += v.X * factor;
                r.Y += v.Y * factor;
                r.Z += v.Z * factor;
                r.W += v.W * factor;
            }
            r.X = share == 0f ? 0f : r.X * share;
            r.Y = share == 0f ? 0f : r.Y * share;
            r.Z = share == 0f ? 0f : r.Z * share;
            r.W = share == 0f ? 0f : r.W * share;
            y[at >> 2] = r;
            return;
        }
        Put(to.At, at, factor, share, r.X);
        if (column + 1 < columns) { Put(to.At, at + 1, factor, share, r.Y); }
        if (column + 2 < columns) { Put(to.At, at + 2, factor, share, r.Z); }
        if (column + 3 < columns) { Put(to.At, at + 3, factor, share, r.W); }
    }

    // a factor of 0: nothing was there, or nothing of it counts; a share of 0: the query saw nothing
    private static void Put(Floats y, long at, float factor, float share, float v)
    {
        if (factor != 0f) { v += y[at] * factor; }
        y[at] = share == 0f ? 0f : v * share;
    }

    // a value of each of four rows
    private static Float4 Rows(Floats x, long at, long step, int rows, int apart)
    {
        Float4 v = default;
        if (rows > 0) { v.X = x[at]; }
        if (rows > apart) { v.Y = x[at + (apart * step)]; }
        if (rows > 2 * apart) { v.Z = x[at + (2 * apart * step)]; }
        if (rows > 3 * apart) { v.W = x[at + (3 * apart * step)]; }
        return v;
    }

    private static void Put(Fours shared, int at, int apart, Float4 v)
    {
        var s = shared.Cast<float>();
        s[at] = v.X;
        s[at + apart] = v.Y;
        s[at + (2 * apart)] = v.Z;
        s[at + (3 * apart)] = v.W;
    }
}

/// <summary>The products of attention in float32.</summary>
internal struct FloatAttention : IAttentionProducts
{
    public static bool KeysAreRows => false;

    public static int Room => Tile64.DepthRoom;

    public static float Factor(float v) => v;

    public readonly void Begin() { }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Dots(AttentionRow a, long atA, int rowsA, AttentionRow b, long atB, int rowsB, int depth, Fours sa, Fours sb, Fours to) =>
        AttentionTile.Dots(a.At, atA, a.Row, rowsA, b.At, atB, b.Row, rowsB, depth, sa, sb, to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void AddTo(AttentionRow y, long at, int rows, int columns, bool before, Fours weights, bool transposed, AttentionRow b, long atB, int rowsB, Fours sb) =>
        AttentionTile.AddTo(y, at, rows, columns, before, AttentionTile.Weighted(weights, transposed, b.At, atB, b.Row, rowsB, columns, sb));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Put(AttentionRow y, long at, int rows, int columns, bool before, bool last, Floats fixes, Floats sums, Fours weights, AttentionRow b, long atB, int rowsB, Fours sb) =>
        AttentionTile.Put(y, at, rows, columns, before, last, AttentionTile.Weighted(weights, false, b.At, atB, b.Row, rowsB, columns, sb), fixes, sums);
}
