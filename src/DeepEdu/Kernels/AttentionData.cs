using DeepEdu.Lanes;
using DeepEdu.Numerics;

namespace DeepEdu.Kernels;

/// <summary>The rows of a batch of sequences, each row with its heads side by side: row r of sequence b lies at <c>At + b·Batch + r·Row</c>.</summary>
internal unsafe struct AttentionRows
{
    /// <summary>The first row.</summary>
    public float* At;

    /// <summary>Floats from one row to the next.</summary>
    public nint Row;

    /// <summary>Floats from one sequence to the next.</summary>
    public nint Batch;

    /// <summary>A row of a sequence, from one column on.</summary>
    public readonly float* Of(int sequence, int row, int column) => At + (sequence * Batch) + (row * Row) + column;
}

/// <summary>Scaled dot-product attention over raw memory, cut into blocks of queries and keys so that no more than one block of scores is in memory. Dao et al. 2022, arXiv:2205.14135,
/// algorithms 1 and 4.</summary>
internal unsafe struct AttentionData
{
    /// <summary>Queries of a block.</summary>
    public const int BlockQ = 64;

    /// <summary>Keys of a block: a whole number of tiles in every lane width.</summary>
    public const int BlockK = 96;

    /// <summary>Multiply-adds worth handing to another thread.</summary>
    public const long ChunkWork = 1 << 18;

    /// <summary>Sequences, heads of each, queries and keys of each.</summary>
    public int Batch, Heads, Queries, Keys;

    /// <summary>Numbers of a query or key, and of a value, in one head.</summary>
    public int Width, ValueWidth;

    /// <summary>The queries, keys, values and outputs.</summary>
    public AttentionRows Q, K, V, O;

    /// <summary>Of each query of each head ln Σ e^score [batch, heads, queries]; 0 where no key is seen. Null if not kept.</summary>
    public float* LogSum;

    /// <summary>Added to the scores, or null; the floats from one sequence, head and query to the next, 0 to use them again.</summary>
    public float* Mask;

    /// <inheritdoc cref="Mask"/>
    public nint MaskBatch, MaskHead, MaskRow;

    /// <summary>Keys of each sequence that count; null if all.</summary>
    public int[]? Lengths;

    /// <summary>Whether query i sees only the keys up to i + <see cref="Past"/>.</summary>
    public bool Causal;

    /// <summary>Keys before the first query.</summary>
    public int Past;

    /// <summary>What the dot products are multiplied with.</summary>
    public float Scale;

    /// <summary>Weights left out: probability, and where the random numbers come from.</summary>
    public float Dropout;

    /// <inheritdoc cref="Dropout"/>
    public ulong Seed, Stream, Start;

    /// <summary>Keys of a sequence that count.</summary>
    public readonly int KeysOf(int sequence) => Lengths is null ? Keys : Lengths[sequence];

    /// <summary>Keys that a query sees.</summary>
    public readonly int Seen(int keys, int query) => Causal ? (int)Math.Min(keys, (long)Past + query + 1) : keys;

    /// <summary>How many of n keys from one on are seen by the first of a vector of a block's queries (no matter whether so few exist), by the last of them, and by the last that shares a tile with them.</summary>
    public readonly (int Edge, int Seen, int End) Seen<L>(int key, int n, int first, int i, int tile) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (!Causal) { return (n, n, n); }
        long edge = (long)Past + first + i + 1 - key, more = tile > L.Width ? tile - 1 - (i % tile) : L.Width - 1;
        return ((int)Math.Clamp(edge, -L.Width, n), (int)Math.Clamp(edge + L.Width - 1, 0, n), (int)Math.Clamp(edge + more, 0, n));
    }

    /// <summary>The first of some queries that sees a key.</summary>
    public readonly int FirstSeeing(int key, int query, int count) => Causal ? (int)Math.Clamp((long)key - Past - query, 0, count) : 0;

    /// <summary>The mask of a query from one key on, or null.</summary>
    public readonly float* MaskOf(int sequence, int head, int query, int key) =>
        Mask is null ? null : Mask + (sequence * MaskBatch) + (head * MaskHead) + (query * MaskRow) + key;

    /// <summary>What a weight that is kept is multiplied with.</summary>
    public readonly float Kept => Dropout == 1 ? 0 : 1 / (1 - Dropout);

    /// <summary>The mask of some queries, n keys from one on: a row of queries for each key. Null if there is none.</summary>
    public readonly float* TurnedMask(int sequence, int head, int query, int rows, int key, int n, int row, float* to)
    {
        if (Mask is null) { return null; }
        GemmPack.Columns(n, rows, MaskOf(sequence, head, query, key), MaskRow, to, row);
        return to;
    }

    /// <summary>The random numbers of some queries, n keys from one on: a row of queries for each key.</summary>
    public readonly void Random(int sequence, int head, int query, int rows, int key, int n, int row, float* rowByRow, float* to)
    {
        for (int i = 0; i < rows; i++) { Rng.UniformAt(Seed, Stream, Draw(sequence, head, query + i, key), new Span<float>(rowByRow + (i * n), n)); }
        GemmPack.Columns(n, rows, rowByRow, n, to, row);
    }

    /// <summary>The number, in the stream, of a weight's random number.</summary>
    public readonly ulong Draw(int sequence, int head, int query, int key) =>
        Start + (ulong)((((((long)sequence * Heads) + head) * Queries) + query) * Keys) + (ulong)key;

    /// <summary>Whether a sequence, all heads, fits the second-level cache together with its gradients.</summary>
    public readonly bool IsShort => (long)(Keys + Queries) * Heads * (Width + ValueWidth) <= 1 << 16;

    /// <summary>How many of <paramref name="each"/> units a sequence make a chunk, each of so much work. Where there are sequences enough it is whole ones: two threads in one would each bring its rows.</summary>
    public readonly int Grain(long work, int each)
    {
        int grain = (int)Math.Clamp(ChunkWork / Math.Max(1, work), 1, Math.Max(1, (long)Batch * each));
        return Batch >= 16 && each > 0 ? (grain + each - 1) / each * each : grain;
    }

    /// <summary>The size of blocks, each at most so large, that are of like size: whole vectors, or all of it.</summary>
    public static int Even<L>(int all, int most) where L : struct, IVectorLane<L>, ILane<L>
    {
        int blocks = Math.Max(1, (all + most - 1) / most);
        return Math.Max(1, Whole<L>((all + blocks - 1) / blocks));
    }

    /// <summary>n up to whole vectors.</summary>
    public static int Whole<L>(int n) where L : struct, IVectorLane<L>, ILane<L> => (n + L.Width - 1) / L.Width * L.Width;
}
