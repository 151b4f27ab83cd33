using DeepEdu.Devices;
using DeepEdu.Memory;
using ILGPU;
using ILGPU.Runtime;
using Doubles = ILGPU.ArrayView<double>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>A = UΣVᵀ of matrices by columns, m ≥ n, as on the processor: the vectors of AᵀA first, then one-sided rotations (Golub and Van Loan 8.6.3), here of pairs that have no column in common at one time.</summary>
internal static class SvdKernels
{
    /// <summary>Columns of U in those of A, of V [n, n], and singular values, in no order. Columns of values that count as 0 are completed.</summary>
    public static void Run(GpuDevice d, Doubles u, Doubles values, Doubles v, int count, int m, int n)
    {
        using var arena = Arena.OfKernel();
        Doubles squares = Room.Of(d, (long)count * n * n), turned = Room.Of(d, (long)count * m * n);
        var side = Sides.Of(d, count * n, m, n, out var how);
        d.Start(how, new Gram { Side = side, A = u, Y = squares, M = m, N = n });
        EighKernels.Run(d, squares, values, v, count, n);
        d.Start(turned.Length, new TurnColumns { A = u, V = v, Y = turned, M = m, N = n });
        side = Sides.Of(d, count, m, (n + 1) / 2, out how);
        d.Start(how, new RotatePairs { Side = side, A = turned, V = v, M = m, N = n });
        side = Sides.Of(d, count, m, n, out how);
        d.Start(how, new UnitColumns { Side = side, A = turned, U = u, Values = values, M = m, N = n });
    }
}

/// <summary>AᵀA of columns: a group a row of it.</summary>
internal struct Gram : IGpuKernel
{
    public Side Side;
    public Doubles A, Y;
    public int M, N;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<double>(Side.Most);
        uint matrix = (uint)Grid.IdxX / (uint)N, row = (uint)Grid.IdxX - (matrix * (uint)N);
        long begin = (long)matrix * M * N, to = (long)Grid.IdxX * N, x = begin + ((long)row * M);
        for (int first = 0; first < N; first += Side.Columns)
        {
            int c = first + Side.Column;
            long y = begin + ((long)c * M);
            double dot = 0;
            if (c < N)
            {
                for (int i = Side.Lane; i < M; i += Side.Lanes) { dot += A[x + i] * A[y + i]; }
            }
            dot = Side.Sum(shared, dot);
            if (c < N && Side.Lane == 0) { Y[to + c] = dot; }
        }
    }
}

/// <summary>A·V of columns: a thread a value.</summary>
internal struct TurnColumns : IGpuKernel
{
    public Doubles A, V, Y;
    public int M, N;

    public readonly void Run()
    {
        uint m = (uint)M, all = m * (uint)N;
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride)
        {
            long matrix = (uint)i / all, begin = matrix * all;
            uint at = (uint)(i - begin), column = at / m, row = at - (column * m);
            long v = ((matrix * N) + column) * N;
            double sum = 0;
            for (int k = 0; k < N; k++) { sum += A[begin + ((long)k * M) + row] * V[v + k]; }
            Y[i] = sum;
        }
    }
}

/// <summary>Rotations of pairs of columns until all are at right angles: a group a matrix. In each of n − 1 rounds every column meets another, as in a tournament.</summary>
internal struct RotatePairs : IGpuKernel
{
    private const int MostSweeps = 60;

    public Side Side;
    public Doubles A, V;
    public int M, N;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<double>(Side.Most);
        var again = SharedMemory.Allocate<int>(Side.Most);
        int players = N + (N & 1), rounds = players - 1, pairs = players >> 1, lane = Side.Lane, me = Group.IdxX, any = 1;
        long begin = (long)Grid.IdxX * M * N, square = (long)Grid.IdxX * N * N;
        for (int sweep = 0; sweep < MostSweeps && any != 0; sweep++)
        {
            int turned = 0;
            for (int round = 0; round < rounds; round++)
            {
                for (int first = 0; first < pairs; first += Side.Columns)
                {
                    int pair = first + Side.Column, p = 0, q = 0;
                    if (pair < pairs)
                    {
                        // the last player stays, the others go round
                        p = pair == 0 ? rounds : Wrapped(round + pair, rounds);
                        q = pair == 0 ? round : Wrapped(round + rounds - pair, rounds);
                        if (p > q) { (p, q) = (q, p); }
                    }
                    bool isPair = pair < pairs && q < N;
                    long a = begin + ((long)p * M), b = begin + ((long)q * M);
                    double xx = 0, yy = 0, xy = 0;
                    if (isPair)
                    {
                        for (int i = lane; i < M; i += Side.Lanes)
                        {
                            double x = A[a + i], y = A[b + i];
                            xx += x * x;
                            yy += y * y;
                            xy += x * y;
                        }
                    }
                    xx = Side.Sum(shared, xx);
                    yy = Side.Sum(shared, yy);
                    xy = Side.Sum(shared, xy);
                    if (isPair && Math.Abs(xy) > 1e-14 * Math.Sqrt(xx * yy))
                    {
                        turned = 1;
                        // the smaller angle whose tangent solves t² + 2θt − 1 = 0
                        double theta = (yy - xx) / (2 * xy), t = (theta < 0 ? -1 : 1) / (Math.Abs(theta) + Math.Sqrt((theta * theta) + 1)), c = 1 / Math.Sqrt((t * t) + 1), s = t * c;
                        Rotate(A, a, b, M, c, s);
                        Rotate(V, square + ((long)p * N), square + ((long)q * N), N, c, s);
                    }
                }
                Group.Barrier();
            }
            any = GroupFolds.Max(again, turned);
        }
    }

    private static int Wrapped(int i, int rounds) => i >= rounds ? i - rounds : i;

    private readonly void Rotate(Doubles of, long a, long b, int n, double c, double s)
    {
        for (int i = Side.Lane; i < n; i += Side.Lanes)
        {
            double x = of[a + i], y = of[b + i];
            of[a + i] = (c * x) - (s * y);
            of[b + i] = (s * x) + (c * y);
        }
    }
}

/// <summary>The lengths of columns, which are singular values, and the columns of length 1; in the place of those that say nothing some at right angles to the others.</summary>
internal struct UnitColumns : IGpuKernel
{
    public Side Side;
    public Doubles A, U, Values;
    public int M, N;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<double>(Side.Most);
        long begin = (long)Grid.IdxX * M * N, own = (long)Grid.IdxX * N;
        double largest = 0;
        for (int first = 0; first < N; first += Side.Columns)
        {
            int c = first + Side.Column;
            long at = begin + ((long)c * M);
            double squares = 0;
            if (c < N)
            {
                for (int i = Side.Lane; i < M; i += Side.Lanes) { squares += A[at + i] * A[at + i]; }
            }
            squares = Side.Sum(shared, squares);
            if (c < N && Side.Lane == 0) { Values[own + c] = Math.Sqrt(squares); }
        }
        Group.Barrier();
        for (int c = 0; c < N; c++)
        {
            double value = Values[own + c];
            if (value > largest) { largest = value; }
        }
        for (int first = 0; first < N; first += Side.Columns)
        {
            int c = first + Side.Column;
            if (c >= N) { continue; }
            long at = begin + ((long)c * M);
            double value = Values[own + c];
            bool isNothing = IsNothing(value, largest);
            for (int i = Side.Lane; i < M; i += Side.Lanes) { U[at + i] = isNothing ? 0.0 : A[at + i] / value; }
        }
        Group.Barrier();
        int axis = 0;
        for (int c = 0; c < N; c++)
        {
            int found = IsNothing(Values[own + c], largest) ? 0 : 1;
            // columns that are not completed yet are 0, and take nothing off
            for (; axis < M && found == 0; axis++) { found = Complete(shared, begin, c, axis); }
        }
    }

    private static bool IsNothing(double value, double largest) => value <= 1e-15 * largest || Side.IsZero(value);

    // an axis without what the other columns have of it, if enough is left
    private readonly int Complete(Doubles shared, long begin, int column, int axis)
    {
        int me = Group.IdxX, threads = Group.DimX;
        long to = begin + ((long)column * M);
        for (int i = me; i < M; i += threads) { U[to + i] = i == axis ? 1.0 : 0.0; }
        double squares = 0;
        for (int twice = 0; twice < 2; twice++)
        {
            for (int k = 0; k < N; k++)
            {
                if (k == column) { continue; }
                long other = begin + ((long)k * M);
                double dot = 0;
                for (int i = me; i < M; i += threads) { dot += U[other + i] * U[to + i]; }
                dot = GroupFolds.Sum(shared, dot);
                for (int i = me; i < M; i += threads) { U[to + i] -= dot * U[other + i]; }
            }
        }
        for (int i = me; i < M; i += threads) { squares += U[to + i] * U[to + i]; }
        double length = Math.Sqrt(GroupFolds.Sum(shared, squares));
        bool isEnough = length * length * M > 0.25;
        for (int i = me; i < M; i += threads) { U[to + i] = isEnough ? U[to + i] / length : 0.0; }
        return isEnough ? 1 : 0;
    }
}
