using DeepEdu.Devices;
using ILGPU;
using ILGPU.Runtime;
using Doubles = ILGPU.ArrayView<double>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>X of TX = B, in B's place, by columns (3.1.3, 3.1.4): a group for some columns of B. Rows: exchanges of B's rows before it.</summary>
internal struct Substitute : IGpuKernel
{
    public Side Side;
    public Doubles T, X;
    public ArrayView<int> Rows;
    public int N, K, Groups, Upper, Unit, Exchange;

    public static void Start(GpuDevice d, Doubles t, Doubles x, ArrayView<int> rows, int count, int n, int k, bool upper, bool unit, bool exchange)
    {
        if (k == 0) { return; }
        var side = Sides.Of(d, 1, n, k, out var how);
        int columns = how.GroupDim.X >> side.Bits, groups = (k + columns - 1) / columns;
        d.Start(new KernelConfig(count * groups, how.GroupDim.X), new Substitute
        {
            Side = side, T = t, X = x, Rows = rows, N = n, K = k, Groups = groups, Upper = upper ? 1 : 0, Unit = unit ? 1 : 0, Exchange = exchange ? 1 : 0,
        });
    }

    public readonly void Run()
    {
        uint matrix = (uint)Grid.IdxX / (uint)Groups, part = (uint)Grid.IdxX - (matrix * (uint)Groups);
        int column = ((int)part * Side.Columns) + Side.Column, lane = Side.Lane;
        bool isMine = column < K;
        long t = (long)matrix * N * N, x = (((long)matrix * K) + column) * N;
        if (Exchange != 0 && isMine && lane == 0)
        {
            for (int i = 0; i < N; i++)
            {
                int other = Rows[((long)matrix * N) + i];
                if (other != i) { (X[x + i], X[x + other]) = (X[x + other], X[x + i]); }
            }
        }
        for (int step = 0; step < N; step++)
        {
            int i = Upper != 0 ? N - 1 - step : step, from = Upper != 0 ? 0 : i + 1, to = Upper != 0 ? i : N;
            if (isMine && lane == 0 && Unit == 0) { X[x + i] /= T[t + ((long)i * N) + i]; }
            Group.Barrier();
            if (isMine)
            {
                double solved = X[x + i];
                for (int r = from + lane; r < to; r += Side.Lanes) { X[x + r] -= T[t + ((long)i * N) + r] * solved; }
            }
            Group.Barrier();
        }
    }
}

/// <summary>Which pivot of each matrix is 0, the first or the last; −1 if none is. A thread a matrix.</summary>
internal struct FindZeroPivot : IGpuKernel
{
    public Doubles A;
    public ArrayView<int> Found;
    public int N, Last;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Found.Length; i += Loops.Stride)
        {
            int found = -1;
            for (int k = 0; k < N; k++)
            {
                if (Side.IsZero(A[(((i * N) + k) * N) + k]) && (found < 0 || Last != 0)) { found = k; }
            }
            Found[i] = found;
        }
    }
}
