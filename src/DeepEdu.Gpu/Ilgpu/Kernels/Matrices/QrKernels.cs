using DeepEdu.Devices;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Doubles = ILGPU.ArrayView<double>;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>A = QR by reflections, of matrices by columns: a group makes R of one; the columns of Q do not need each other.</summary>
internal static class QrKernels
{
    public static void Run(GpuDevice d, in LinearAlgebra.QrKernel given)
    {
        var k = given;
        int least = Math.Min(k.M, k.N), all = k.M * k.N;
        if (k.Count == 0 || least == 0) { return; }
        int together = Room.Matrices(d, k.Count, all + ((long)least * (k.M + 2)));
        Doubles columns = Room.Of(d, (long)together * all), q = Room.Of(d, (long)together * least * k.M), tau = Room.Of(d, (long)together * least), heads = Room.Of(d, (long)together * least);
        Floats a = GpuDevice.Of(k.A), toQ = GpuDevice.Of(k.Q), toR = GpuDevice.Of(k.R);
        for (int from = 0; from < k.Count; from += together)
        {
            int some = Math.Min(together, k.Count - from);
            Doubles x = columns.SubView(0, (long)some * all), t = tau.SubView(0, (long)some * least), h = heads.SubView(0, (long)some * least), y = q.SubView(0, (long)some * least * k.M);
            d.Start(x.Length, new LoadMatrices { From = a.SubView((long)from * all, x.Length), To = x, M = k.M, N = k.N, How = (int)Taken.Columns });
            var side = Sides.Of(d, some, k.M, k.N, out var how);
            d.Start(how, new Reflect { Side = side, A = x, Tau = t, Heads = h, M = k.M, N = k.N });
            d.Start((long)some * least * k.N, new StoreUpper { A = x, Heads = h, To = toR.SubView((long)from * least * k.N, (long)some * least * k.N), M = k.M, N = k.N });
            side = Sides.Of(d, 1, k.M, least, out how);
            int wide = how.GroupDim.X >> side.Bits, groups = (least + wide - 1) / wide;
            d.Start(new KernelConfig(some * groups, how.GroupDim.X), new FormQ { Side = side, A = x, Tau = t, Q = y, M = k.M, N = k.N, Groups = groups });
            d.Start(y.Length, new StoreMatrices { From = y, To = toQ.SubView((long)from * least * k.M, y.Length), M = k.M, N = least, How = (int)Taken.Columns });
        }
    }
}

/// <summary>Reflections (5.2.1) with LAPACK's signs: their vectors, which begin with 1, take the place of A from its diagonal down; above it is R, its diagonal apart.</summary>
internal struct Reflect : IGpuKernel
{
    public Side Side;
    public Doubles A, Tau, Heads;
    public int M, N;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<double>(Side.Most);
        int me = Group.IdxX, threads = Group.DimX, least = IntrinsicMath.Min(M, N);
        long begin = (long)Grid.IdxX * M * N, own = (long)Grid.IdxX * least;
        for (int j = 0; j < least; j++)
        {
            long column = begin + ((long)j * M);
            double head = A[column + j], squares = 0;
            for (int i = j + 1 + me; i < M; i += threads) { squares += A[column + i] * A[column + i]; }
            squares = GroupFolds.Sum(shared, squares);
            // where nothing is below the head, the reflection is by 0: all threads come to the barriers
            double length = Side.Length(head, Math.Sqrt(squares)), beta = head < 0 ? length : -length, tau = (beta - head) / beta, part = head - beta;
            if (Side.IsZero(squares)) { (beta, tau, part) = (head, 0, 1); }
            for (int i = j + 1 + me; i < M; i += threads) { A[column + i] /= part; }
            if (me == 0) { (A[column + j], Tau[own + j], Heads[own + j]) = (1, tau, beta); }
            Group.Barrier();
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
    public Doubles A, Heads;
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
            else if (column == row) { To[i] = (float)Heads[(matrix * least) + row]; }
            else { To[i] = (float)A[(((matrix * N) + column) * M) + row]; }
        }
    }
}

/// <summary>The first columns of what the reflections make of 1: a group for some columns.</summary>
internal struct FormQ : IGpuKernel
{
    public Side Side;
    public Doubles A, Tau, Q;
    public int M, N, Groups;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<double>(Side.Most);
        int least = IntrinsicMath.Min(M, N), lane = Side.Lane;
        uint matrix = (uint)Grid.IdxX / (uint)Groups, part = (uint)Grid.IdxX - (matrix * (uint)Groups);
        int column = ((int)part * Side.Columns) + Side.Column;
        bool isMine = column < least;
        long begin = (long)matrix * M * N, own = (long)matrix * least, to = (own + column) * M;
        if (isMine)
        {
            // a lane's values of a column are its own all the way
            for (int i = lane; i < M; i += Side.Lanes) { Q[to + i] = i == column ? 1.0 : 0.0; }
        }
        for (int j = least - 1; j >= 0; j--)
        {
            double tau = Tau[own + j], dot = 0;
            long v = begin + ((long)j * M);
            // the same lane has the same place at every step
            int from = j - (j & (Side.Lanes - 1)) + lane;
            if (from < j) { from += Side.Lanes; }
            if (isMine)
            {
                for (int i = from; i < M; i += Side.Lanes) { dot += A[v + i] * Q[to + i]; }
            }
            dot = Side.Sum(shared, dot) * -tau;
            if (isMine)
            {
                for (int i = from; i < M; i += Side.Lanes) { Q[to + i] += A[v + i] * dot; }
            }
        }
    }
}
