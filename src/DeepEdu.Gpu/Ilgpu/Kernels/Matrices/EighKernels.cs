using DeepEdu.Devices;
using DeepEdu.Memory;
using ILGPU;
using ILGPU.Runtime;
using Doubles = ILGPU.ArrayView<double>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Values and vectors of symmetric matrices: reflections to three diagonals (Golub and Van Loan 8.3.1), then implicit QR steps with Wilkinson's shift (8.3.2, 8.3.3), of which a thread makes the rotations and the group
/// applies them.</summary>
internal static class EighKernels
{
    /// <summary>Vectors, as rows, and values of so many symmetric matrices, in no order.</summary>
    public static void Run(GpuDevice d, Doubles a, Doubles values, Doubles vectors, int count, int n)
    {
        using var arena = Arena.OfKernel();
        Doubles beside = Room.Of(d, (long)count * n), tau = Room.Of(d, (long)count * n), cosines = Room.Of(d, (long)count * n), sines = Room.Of(d, (long)count * n);
        var side = Sides.Of(d, count, n, n, out var how);
        d.Start(how, new Tridiagonal { Side = side, A = a, Beside = beside, Tau = tau, Work = cosines, N = n });
        ReflectOne.Start(d, a, tau, vectors, count, n, n, below: 1);
        _ = Sides.Of(d, count, n, 1, out how);
        d.Start(how, new Diagonalise { A = a, Values = values, Beside = beside, Vectors = vectors, Cosines = cosines, Sines = sines, N = n });
    }
}

/// <summary>A's three diagonals; the vectors of the reflections take the place of its rows behind the diagonal.</summary>
internal struct Tridiagonal : IGpuKernel
{
    public Side Side;
    public Doubles A, Beside, Tau, Work;
    public int N;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<double>(Side.Most);
        int me = Group.IdxX, threads = Group.DimX;
        long begin = (long)Grid.IdxX * N * N, own = (long)Grid.IdxX * N;
        for (int k = 0; k < N - 1; k++)
        {
            int first = k + 1;
            long v = begin + ((long)k * N);
            double tau = Reflection.Of(shared, A, v + first, N - first, Beside, Tau, own + k);
            // A ← A − v·wᵀ − w·vᵀ, w = p − ½τ(pᵀv)·v, p = τ·A·v
            for (int at = first; at < N; at += Side.Columns)
            {
                int r = at + Side.Column;
                double dot = 0;
                if (r < N)
                {
                    for (int i = first + Side.Lane; i < N; i += Side.Lanes) { dot += A[begin + ((long)r * N) + i] * A[v + i]; }
                }
                dot = Side.Sum(shared, dot) * tau;
                if (r < N && Side.Lane == 0) { Work[own + r] = dot; }
            }
            Group.Barrier();
            double both = 0;
            for (int i = first + me; i < N; i += threads) { both += Work[own + i] * A[v + i]; }
            both = GroupFolds.Sum(shared, both) * -0.5 * tau;
            for (int i = first + me; i < N; i += threads) { Work[own + i] += both * A[v + i]; }
            Group.Barrier();
            for (int r = first + Side.Column; r < N; r += Side.Columns)
            {
                long row = begin + ((long)r * N);
                double vr = A[v + r], wr = Work[own + r];
                for (int i = first + Side.Lane; i < N; i += Side.Lanes) { A[row + i] = A[row + i] - (vr * Work[own + i]) - (wr * A[v + i]); }
            }
            Group.Barrier();
        }
        if (me == 0) { (Beside[own + N - 1], Tau[own + N - 1]) = (0, 0); }
    }
}

/// <summary>The values of three diagonals, and the rotations to them.</summary>
internal struct Diagonalise : IGpuKernel
{
    private const int MostSweeps = 60;

    public Doubles A, Values, Beside, Vectors, Cosines, Sines;
    public int N;

    public readonly void Run()
    {
        var block = SharedMemory.Allocate<int>(2); // what is not diagonal yet: from the first to the last
        int me = Group.IdxX, threads = Group.DimX;
        long begin = (long)Grid.IdxX * N * N, own = (long)Grid.IdxX * N;
        for (int i = me; i < N; i += threads) { Values[own + i] = A[begin + ((long)i * N) + i]; }
        if (me == 0)
        {
            block[0] = 0;
            block[1] = N - 1;
        }
        Group.Barrier();
        for (int left = MostSweeps * N; left > 0 && block[1] > 0; left--)
        {
            int last = block[1];
            for (int i = me; i < last; i += threads)
            {
                if (Math.Abs(Beside[own + i]) <= 1e-16 * (Math.Abs(Values[own + i]) + Math.Abs(Values[own + i + 1]))) { Beside[own + i] = 0; }
            }
            Group.Barrier();
            if (me == 0)
            {
                while (last > 0 && Side.IsZero(Beside[own + last - 1])) { last--; }
                int first = last > 0 ? last - 1 : 0;
                while (first > 0 && !Side.IsZero(Beside[own + first - 1])) { first--; }
                block[0] = first;
                block[1] = last;
                if (last > 0) { Chase(own, first, last); }
            }
            Group.Barrier();
            int p = block[0], q = block[1];
            if (q > p)
            {
                for (int i = me; i < N; i += threads)
                {
                    long at = begin + ((long)p * N) + i;
                    double x = Vectors[at];
                    for (int k = p; k < q; k++, at += N)
                    {
                        double c = Cosines[own + k], s = Sines[own + k], y = Vectors[at + N];
                        Vectors[at] = (c * x) + (s * y);
                        x = (c * y) - (s * x);
                    }
                    Vectors[at] = x;
                }
            }
        }
    }

    // one implicit step from p to q
    private readonly void Chase(long own, int p, int q)
    {
        double b = Beside[own + q - 1], end = Values[own + q], half = (Values[own + q - 1] - end) / 2, root = Side.Length(half, b);
        double x = Values[own + p] - (end - (b * b / (half + (half < 0 ? -root : root)))), z = Beside[own + p];
        for (int k = p; k < q; k++)
        {
            double r = Side.Length(x, z), c = 1, s = 0;
            if (!Side.IsZero(r)) { (c, s) = (x / r, z / r); }
            if (k > p) { Beside[own + k - 1] = r; }
            double first = Values[own + k], between = Beside[own + k], second = Values[own + k + 1];
            Values[own + k] = (c * c * first) + (2 * c * s * between) + (s * s * second);
            Values[own + k + 1] = (s * s * first) - (2 * c * s * between) + (c * c * second);
            between = (c * s * (second - first)) + (((c * c) - (s * s)) * between);
            Beside[own + k] = between;
            if (k < q - 1)
            {
                double next = Beside[own + k + 1];
                (x, z) = (between, s * next);
                Beside[own + k + 1] = next * c;
            }
            Cosines[own + k] = c;
            Sines[own + k] = s;
        }
    }
}

/// <summary>The order of values, and the sign that makes the largest entry of each vector positive: a group a matrix. A vector is a row of Vectors, Length long.</summary>
internal struct OrderVectors : IGpuKernel
{
    public Side Side;
    public Doubles Values, Vectors;
    public ILGPU.ArrayView<float> To;
    public ArrayView<int> Order, Signs;
    public int N, Length, Descending;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<double>(Side.Most);
        long own = (long)Grid.IdxX * N;
        for (int first = 0; first < N; first += Side.Columns)
        {
            int mine = first + Side.Column;
            double largest = 0;
            if (mine < N)
            {
                for (int i = Side.Lane; i < Length; i += Side.Lanes) { largest = Side.Larger(largest, Vectors[((own + mine) * Length) + i]); }
            }
            int sign = Side.SignOfLargest(shared, largest);
            if (mine < N && Side.Lane == 0)
            {
                double value = Values[own + mine];
                int rank = 0;
                for (int i = 0; i < N; i++)
                {
                    double other = Values[own + i];
                    bool isBefore = Descending != 0 ? other > value : other < value;
                    if (isBefore || (other == value && i < mine)) { rank++; }
                }
                Order[own + rank] = mine;
                Signs[own + rank] = sign;
                To[own + rank] = (float)value;
            }
        }
    }
}
