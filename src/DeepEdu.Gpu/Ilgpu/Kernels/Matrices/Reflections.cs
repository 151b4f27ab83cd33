using DeepEdu.Devices;
using ILGPU;
using ILGPU.Runtime;
using Doubles = ILGPU.ArrayView<double>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>1 − tau·v·vᵀ, which makes beta times the first axis of a column (Golub and Van Loan 5.1), with LAPACK's signs.</summary>
internal static class Reflection
{
    /// <summary>Of a column from some place on: v, which begins with 1, takes its place, and beta and tau come to theirs. All threads of the group must come, and find v there when this returns tau.</summary>
    public static double Of(Doubles shared, Doubles a, long from, int length, Doubles betas, Doubles taus, long at)
    {
        int me = Group.IdxX, threads = Group.DimX;
        double head = a[from], squares = 0;
        for (int i = 1 + me; i < length; i += threads) { squares += a[from + i] * a[from + i]; }
        squares = GroupFolds.Sum(shared, squares);
        // where nothing is below the head, the reflection is by 0: all threads come to the barriers
        double size = Side.Length(head, Math.Sqrt(squares)), beta = head < 0 ? size : -size, tau = (beta - head) / beta, part = head - beta;
        if (Side.IsZero(squares)) { (beta, tau, part) = (head, 0, 1); }
        for (int i = 1 + me; i < length; i += threads) { a[from + i] /= part; }
        if (me == 0) { (a[from], betas[at], taus[at]) = (1, beta, tau); }
        Group.Barrier();
        return tau;
    }
}

/// <summary>The first min(M, N) columns of 1 [M, M] after the reflections, whose vectors stand in A [N, M], each from so many places below the diagonal on. Columns do not need each other: a group has some.</summary>
internal struct ReflectOne : IGpuKernel
{
    public Side Side;
    public Doubles A, Tau, Q;
    public int M, N, Below, Groups;

    public static void Start(GpuDevice d, Doubles a, Doubles tau, Doubles q, int count, int m, int n, int below)
    {
        int least = Math.Min(m, n);
        var side = Sides.Of(d, 1, m, least, out var how);
        int wide = how.GroupDim.X >> side.Bits, groups = (least + wide - 1) / wide;
        d.Start(new KernelConfig(count * groups, how.GroupDim.X), new ReflectOne { Side = side, A = a, Tau = tau, Q = q, M = m, N = n, Below = below, Groups = groups });
    }

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
        for (int j = least - 1 - Below; j >= 0; j--)
        {
            double tau = Tau[own + j], dot = 0;
            long v = begin + ((long)j * M);
            // the same lane has the same place at every step
            int first = j + Below, from = first - (first & (Side.Lanes - 1)) + lane;
            if (from < first) { from += Side.Lanes; }
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
