using DeepEdu.Devices;
using ILGPU;
using ILGPU.Runtime;
using Doubles = ILGPU.ArrayView<double>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>PA = LU with row exchanges, in place, of matrices by columns: Golub and Van Loan 3.4.1, of large ones by blocks (3.4.7): a group for the columns of a panel, the whole device for what is right of it.</summary>
internal static class LuKernels
{
    /// <summary>Columns of a panel.</summary>
    public const int Panel = 32;

    /// <summary>The columns that are worked on at a time: all of a matrix that a group does as fast as many would, or where groups are too small for tiles.</summary>
    public static int PanelOf(GpuDevice d, int n) => n <= 128 || d.Accelerator.MaxNumThreadsPerGroup < TileUpdate.Threads ? n : Panel;

    public static void Run(GpuDevice d, Doubles a, ArrayView<int> rows, int count, int n)
    {
        int width = PanelOf(d, n);
        rows = rows.SubView(0, (long)count * n);
        for (int first = 0; first < n; first += width)
        {
            int wide = Math.Min(width, n - first), end = first + wide;
            var side = Sides.Of(d, count, n - first, wide, out var how);
            d.Start(how, new LuPanel { Side = side, A = a, Rows = rows, N = n, First = first, Width = wide });
            if (width == n) { return; }
            d.Start((long)count * n, new LuRows { A = a, Rows = rows, N = n, First = first, Width = wide });
            TileUpdate.Start(d, a, count, n, first, end, symmetric: false);
        }
    }
}

/// <summary>The factors of some columns, from row First on.</summary>
internal struct LuPanel : IGpuKernel
{
    public Side Side;
    public Doubles A;
    public ArrayView<int> Rows;
    public int N, First, Width;

    public readonly void Run()
    {
        var sizes = SharedMemory.Allocate<double>(Side.Most);
        var places = SharedMemory.Allocate<int>(Side.Most);
        int me = Group.IdxX, threads = Group.DimX, end = First + Width;
        long begin = (long)Grid.IdxX * N * N;
        for (int j = First; j < end; j++)
        {
            long column = begin + ((long)j * N);
            double size = -1;
            int best = j;
            for (int i = j + me; i < N; i += threads)
            {
                double v = Math.Abs(A[column + i]);
                if (v > size) { (size, best) = (v, i); }
            }
            sizes[me] = size;
            places[me] = best;
            Group.Barrier();
            for (int half = threads >> 1; half > 0; half >>= 1)
            {
                if (me < half)
                {
                    double a = sizes[me], b = sizes[me + half];
                    if (b > a || (b == a && places[me + half] < places[me]))
                    {
                        sizes[me] = b;
                        places[me] = places[me + half];
                    }
                }
                Group.Barrier();
            }
            best = places[0];
            if (me == 0) { Rows[((long)Grid.IdxX * N) + j] = best; }
            if (best != j)
            {
                for (int k = First + me; k < end; k += threads)
                {
                    long at = begin + ((long)k * N);
                    (A[at + j], A[at + best]) = (A[at + best], A[at + j]);
                }
            }
            Group.Barrier();
            // by a pivot of 0 nothing is divided; all threads come to the barriers
            double pivot = A[column + j];
            int below = Side.IsZero(pivot) ? N : j + 1;
            for (int i = below + me; i < N; i += threads) { A[column + i] /= pivot; }
            Group.Barrier();
            for (int k = j + 1 + Side.Column; k < end; k += Side.Columns)
            {
                long at = begin + ((long)k * N);
                double u = A[at + j];
                for (int i = below + Side.Lane; i < N; i += Side.Lanes) { A[at + i] -= A[column + i] * u; }
            }
            Group.Barrier();
        }
    }
}

/// <summary>The panel's exchanges of rows in the columns beside it, and U above what is left: a thread a column.</summary>
internal struct LuRows : IGpuKernel
{
    public Doubles A;
    public ArrayView<int> Rows;
    public int N, First, Width;

    public readonly void Run()
    {
        int end = First + Width;
        for (long i = Grid.GlobalLinearIndex; i < Rows.Length; i += Loops.Stride)
        {
            long matrix = (uint)i / (uint)N, begin = matrix * N * N, at = i * N;
            int column = (int)(i - (matrix * N));
            if (column >= First && column < end) { continue; }
            for (int j = First; j < end; j++)
            {
                int other = Rows[(matrix * N) + j];
                if (other != j) { (A[at + j], A[at + other]) = (A[at + other], A[at + j]); }
            }
            if (column < First) { continue; }
            for (int j = First; j < end; j++)
            {
                double u = A[at + j];
                for (int r = j + 1; r < end; r++) { A[at + r] -= A[begin + ((long)j * N) + r] * u; }
            }
        }
    }
}

/// <summary>What a panel leaves of the columns and rows behind it: A − L·U, or A − L·Lᵀ from the diagonal down. A group a tile.</summary>
internal struct TileUpdate : IGpuKernel
{
    public const int Threads = 256;

    private const int Tile = 32, Each = Tile * Tile / Threads;

    public Doubles A;
    public int N, First, End, Tiles, Symmetric;

    public static void Start(GpuDevice d, Doubles a, int count, int n, int first, int end, bool symmetric)
    {
        int tiles = (n - end + Tile - 1) / Tile;
        if (tiles == 0) { return; }
        for (int from = 0, most = Math.Max(1, 1_000_000_000 / (tiles * tiles)); from < count; from += most)
        {
            int some = Math.Min(most, count - from);
            d.Start(new KernelConfig(some * tiles * tiles, Threads), new TileUpdate
            {
                A = a.SubView((long)from * n * n, (long)some * n * n), N = n, First = first, End = end, Tiles = tiles, Symmetric = symmetric ? 1 : 0,
            });
        }
    }

    public readonly void Run()
    {
        var left = SharedMemory.Allocate<double>(Tile * Tile);
        var right = SharedMemory.Allocate<double>(Tile * Tile);
        uint all = (uint)Tiles * (uint)Tiles, matrix = (uint)Grid.IdxX / all, at = (uint)Grid.IdxX - (matrix * all), tall = at / (uint)Tiles, wide = at - (tall * (uint)Tiles);
        long begin = (long)matrix * N * N;
        int row = End + ((int)tall * Tile), column = End + ((int)wide * Tile), lane = Group.IdxX & (Tile - 1), part = Group.IdxX >> 5;
        if (Symmetric != 0 && column > row) { return; }
        for (int e = 0; e < Each; e++)
        {
            // left by columns of the panel, right by its own columns
            int k = First + part + (e * (Threads / Tile)), r = row + lane, c = column + lane;
            left[((k - First) * Tile) + lane] = k < End && r < N ? A[begin + ((long)k * N) + r] : 0.0;
            if (Symmetric != 0) { right[(lane * Tile) + k - First] = k < End && c < N ? A[begin + ((long)k * N) + c] : 0.0; }
            else
            {
                c = column + part + (e * (Threads / Tile));
                k = First + lane;
                right[((c - column) * Tile) + lane] = k < End && c < N ? A[begin + ((long)c * N) + k] : 0.0;
            }
        }
        Group.Barrier();
        double a = 0, b = 0, s = 0, t = 0;
        for (int k = 0; k < Tile; k++)
        {
            double l = left[(k * Tile) + lane];
            a += l * right[(part * Tile) + k];
            b += l * right[((part + 8) * Tile) + k];
            s += l * right[((part + 16) * Tile) + k];
            t += l * right[((part + 24) * Tile) + k];
        }
        Subtract(begin, row + lane, column + part, a);
        Subtract(begin, row + lane, column + part + 8, b);
        Subtract(begin, row + lane, column + part + 16, s);
        Subtract(begin, row + lane, column + part + 24, t);
    }

    private readonly void Subtract(long begin, int r, int c, double sum)
    {
        if (r < N && c < N) { A[begin + ((long)c * N) + r] -= sum; }
    }
}
