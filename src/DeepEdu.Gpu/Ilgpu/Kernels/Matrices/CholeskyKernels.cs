using DeepEdu.Devices;
using ILGPU;
using ILGPU.Runtime;
using Doubles = ILGPU.ArrayView<double>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>A = LLᵀ, in place, of the lower triangles of matrices by columns (4.2.5), of large ones by panels.</summary>
internal static class CholeskyKernels
{
    public static void Run(GpuDevice d, Doubles a, ArrayView<int> minors, int count, int n)
    {
        int width = LuKernels.PanelOf(d, n);
        for (int first = 0; first < n; first += width)
        {
            int wide = Math.Min(width, n - first);
            var side = Sides.Of(d, count, n - first, wide, out var how);
            d.Start(how, new CholeskyPanel { Side = side, A = a, Minors = minors, N = n, First = first, Width = wide });
            if (width < n) { TileUpdate.Start(d, a, count, n, first, first + wide, symmetric: true); }
        }
    }
}

/// <summary>The factor's columns from First on. Of a matrix that is not positive definite it tells the order of the minor.</summary>
internal struct CholeskyPanel : IGpuKernel
{
    public Side Side;
    public Doubles A;
    public ArrayView<int> Minors;
    public int N, First, Width;

    public readonly void Run()
    {
        int me = Group.IdxX, threads = Group.DimX, end = First + Width, failed = First == 0 ? 0 : Minors[Grid.IdxX];
        long begin = (long)Grid.IdxX * N * N;
        for (int j = First; j < end; j++)
        {
            long column = begin + ((long)j * N), bits = BitConverter.DoubleToInt64Bits(A[column + j]);
            // above 0 and not NaN
            if (failed == 0 && (bits <= 0 || bits > 0x7FF0000000000000)) { failed = j + 1; }
            double root = Math.Sqrt(A[column + j]);
            Group.Barrier();
            if (failed == 0)
            {
                for (int i = j + me; i < N; i += threads) { A[column + i] = i == j ? root : A[column + i] / root; }
            }
            Group.Barrier();
            if (failed == 0)
            {
                for (int k = j + 1 + Side.Column; k < end; k += Side.Columns)
                {
                    long at = begin + ((long)k * N);
                    double l = A[column + k];
                    for (int i = k + Side.Lane; i < N; i += Side.Lanes) { A[at + i] -= A[column + i] * l; }
                }
            }
            Group.Barrier();
        }
        if (me == 0) { Minors[Grid.IdxX] = failed; }
    }
}
