using ILGPU;

namespace DeepEdu.Gpu.Kernels;

/// <summary>What a warp's 32 threads hold of 16 rows of A and eight words along k: thread 4g + t holds words t and t + 4 of rows g and g + 8 (PTX ISA, "Matrix fragments for mma.m16n8k8").</summary>
internal struct RowFragment
{
    /// <summary>Row g and word t, row g + 8 and word t, row g and word t + 4, row g + 8 and word t + 4.</summary>
    public int R0, R1, R2, R3;
}

/// <summary>What they hold of four times eight columns of B: of column g the words t (X) and t + 4 (Y).</summary>
internal struct ColumnFragments
{
    public int X0, Y0, X1, Y1, X2, Y2, X3, Y3;
}

/// <summary>64 × 32 products of a warp: four rows of four tiles 16 × 8. Thread 4g + t holds columns 2t and 2t + 1 of rows g and g + 8 of each.</summary>
internal interface IWarpProducts
{
    /// <summary>All products 0.</summary>
    void Begin();

    /// <summary>Adds rows of A times columns of B to the first row of tiles.</summary>
    void Add0(RowFragment a, ColumnFragments b);

    /// <summary>To the second.</summary>
    void Add1(RowFragment a, ColumnFragments b);

    /// <summary>To the third.</summary>
    void Add2(RowFragment a, ColumnFragments b);

    /// <summary>To the last.</summary>
    void Add3(RowFragment a, ColumnFragments b);

    /// <summary>Stores the products from a row and column on: this thread's of the first tile.</summary>
    void Store<E>(E end, int row, int column) where E : struct, ITensorEnd;
}

/// <summary>The same without tensor cores: the fragments of a GPU, which the threads of a warp show each other in shared memory. For tests.</summary>
internal struct SharedProducts<W> : IWarpProducts where W : struct, IWord
{
    // words that a thread shows: of A, then of B
    private const int OfA = 4, Shown = 12, Threads = MatMulKernel.Threads;

    private ArrayView<int> _shown;
    private TileRow _0, _1, _2, _3;

    public void Begin() => _shown = SharedMemory.Allocate<int>(Shown * Threads);

    public readonly TileRow First => _0;

    public void Start(Float4 c0, Float4 c1, Float4 c2, Float4 c3) => (_0.C0, _0.C1, _0.C2, _0.C3) = (c0, c1, c2, c3);

    public void Add0(RowFragment a, ColumnFragments b) => Add(ref _0, a, b);

    public void Add1(RowFragment a, ColumnFragments b) => Add(ref _1, a, b);

    public void Add2(RowFragment a, ColumnFragments b) => Add(ref _2, a, b);

    public void Add3(RowFragment a, ColumnFragments b) => Add(ref _3, a, b);

    public readonly void Store<E>(E end, int row, int column) where E : struct, ITensorEnd
    {
        _0.Store(end, row, column);
        _1.Store(end, row + 16, column);
        _2.Store(end, row + 32, column);
        _3.Store(end, row + 48, column);
    }

    private readonly void Add(ref TileRow to, RowFragment a, ColumnFragments b)
    {
        int me = Group.IdxX * Shown;
        (_shown[me], _shown[me + 1], _shown[me + 2], _shown[me + 3]) = (a.R0, a.R1, a.R2, a.R3);
        (_shown[me + 4], _shown[me + 5], _shown[me + 6], _shown[me + 7]) = (b.X0, b.Y0, b.X1, b.Y1);
        (_shown[me + 8], _shown[me + 9], _shown[me + 10], _shown[me + 11]) = (b.X2, b.Y2, b.X3, b.Y3);
        Group.Barrier();
        Add(ref to.C0, OfA);
        Add(ref to.C1, OfA + 2);
        Add(ref to.C2, OfA + 4);
        Add(ref to.C3, OfA + 6);
        Group.Barrier();
    }

    // rows g and g + 8 are with the four threads of this thread's g, columns 2t and 2t + 1 with the four of each
    private readonly void Add(ref Float4 c, int column)
    {
        int warp = Group.IdxX & ~31, lane = Group.IdxX & 31, rows = warp + (lane & ~3), columns = warp + ((lane & 3) * 8);
        for (int word = 0; word < 8; word++)
        {
            int from = word & 3, later = word >> 2, a = ((rows + from) * Shown) + (2 * later), b = ((columns + from) * Shown) + column + later;
            int upper = _shown[a], lower = _shown[a + 1], left = _shown[b], right = _shown[b + (4 * Shown)];
            c.X = W.MultiplyAdd(upper, left, c.X);
            c.Y = W.MultiplyAdd(upper, right, c.Y);
            c.Z = W.MultiplyAdd(lower, left, c.Z);
            c.W = W.MultiplyAdd(lower, right, c.W);
        }
    }

    /// <summary>Four tiles side by side.</summary>
    public struct TileRow
    {
        public Float4 C0, C1, C2, C3;

        public readonly void Store<E>(E end, int row, int column) where E : struct, ITensorEnd
        {
            end.Put(C0, row, column);
            end.Put(C1, row, column + 8);
            end.Put(C2, row, column + 16);
            end.Put(C3, row, column + 24);
        }
    }
}
