using DeepEdu.Devices;
using DeepEdu.Memory;
using ILGPU;
using Doubles = ILGPU.ArrayView<double>;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>A = QR by reflections, of matrices by columns: a group makes R of one; the columns of Q do not need each other.</summary>
internal static class QrKernels
{
    /// <summary>R above the diagonals of A and its diagonals, and Q's columns.</summary>
    public static void Run(GpuDevice d, Doubles a, Doubles diagonals, Doubles q, int count, int m, int n)
    {
        using var arena = Arena.OfKernel();
        var tau = Room.Of(d, (long)count * Math.Min(m, n));
        var side = Sides.Of(d, count, m, n, out var how);
        d.Start(how, new Reflect { Side = side, A = a, Tau = tau, Diagonals = diagonals, M = m, N = n });
        ReflectOne.Start(d, a, tau, q, count, m, n, below: 0);
    }
}

/// <summary>Reflections (5.2.1): their vectors take the place of A from its diagonal down; above it is R, its diagonal apart.</summary>
internal struct Reflect : IGpuKernel
{
    public Side Side;
    public Doubles A, Tau, Diagonals;
    public int M, N;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<double>(Side.Most);
        int least = IntrinsicMath.Min(M, N);
        long begin = (long)Grid.IdxX * M * N, own = (long)Grid.IdxX * least;
        for (int j = 0; j < least; j++)
        {
            long column = begin + ((long)j * M);
            double tau = Reflection.Of(shared, A, column + j, M - j, Diagonals, Tau, own + j);
            for (int first = j + 1; first < N; first += Side.Columns)
            {
                int c = first + Side.Column;
                long at = begin + ((long)c * M);
                double dot = 0;
                if (c < N)
                {
                    for (int i = j + Side.Lane; i < M; i += Side.Lanes) { dot += A[column + i] * A[at + i]; }
                }
                dot = Side.Sum(shared, dot) * -tau;
                if (c < N)
                {
                    for (int i = j + Side.Lane; i < M; i += Side.Lanes) { A[at + i] += A[column + i] * dot; }
                }
            }
            Group.Barrier();
        }
    }
}

/// <summary>R [least, N] of reflected matrices.</summary>
internal struct StoreUpper : IGpuKernel
{
    public Doubles A, Diagonals;
    public Floats To;
    public int M, N;

    public readonly void Run()
    {
        uint least = (uint)IntrinsicMath.Min(M, N), all = least * (uint)N;
        for (long i = Grid.GlobalLinearIndex; i < To.Length; i += Loops.Stride)
        {
            long matrix = (uint)i / all;
            uint at = (uint)(i - (matrix * all)), row = at / (uint)N, column = at - (row * (uint)N);
            if (column < row) { To[i] = 0; }
            else if (column == row) { To[i] = (float)Diagonals[(matrix * least) + row]; }
            else { To[i] = (float)A[(((matrix * N) + column) * M) + row]; }
        }
    }
}
