using DeepEdu.Lanes;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;
using Fours = ILGPU.ArrayView<DeepEdu.Gpu.Float4>;

namespace DeepEdu.Gpu;

/// <summary>Four floats that are read and written at once.</summary>
internal struct Float4
{
    public float X, Y, Z, W;
}

/// <summary>The loops, each once; the formula is a type argument and is compiled into the kernel. A thread takes every (threads of the grid)-th value.</summary>
internal static class Loops
{
    /// <summary>Threads of a group that folds together.</summary>
    public const int FoldGroup = 256;

    /// <summary>From a thread's value to its next.</summary>
    public static long Stride => (long)Grid.DimX * Group.DimX;
}

internal struct MapLoop<F> : IGpuKernel where F : unmanaged, IMap
{
    public F Formula;
    public Floats X, Y;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride) { Y[i] = Formula.Apply(new GpuLane(X[i])).V; }
    }
}

/// <summary>16 bytes at a time; the views begin on 16 bytes, and the length is a multiple of 4.</summary>
internal struct Map4Loop<F> : IGpuKernel where F : unmanaged, IMap
{
    public F Formula;
    public Fours X, Y;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride)
        {
            var v = X[i];
            Float4 r;
            r.X = Formula.Apply(new GpuLane(v.X)).V;
            r.Y = Formula.Apply(new GpuLane(v.Y)).V;
            r.Z = Formula.Apply(new GpuLane(v.Z)).V;
            r.W = Formula.Apply(new GpuLane(v.W)).V;
            Y[i] = r;
        }
    }
}

/// <inheritdoc cref="Map4Loop{F}"/>
internal struct Zip4Loop<F> : IGpuKernel where F : unmanaged, IZip
{
    public F Formula;
    public Fours A, B, Y;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride)
        {
            Float4 p = A[i], q = B[i], r;
            r.X = Formula.Apply(new GpuLane(p.X), new GpuLane(q.X)).V;
            r.Y = Formula.Apply(new GpuLane(p.Y), new GpuLane(q.Y)).V;
            r.Z = Formula.Apply(new GpuLane(p.Z), new GpuLane(q.Z)).V;
            r.W = Formula.Apply(new GpuLane(p.W), new GpuLane(q.W)).V;
            Y[i] = r;
        }
    }
}

internal struct ZipLoop<F> : IGpuKernel where F : unmanaged, IZip
{
    public F Formula;
    public Floats A, B, Y;
    public GpuBroadcast How;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride)
        {
            How.Locate((int)i, out int ia, out int ib, out _);
            Y[i] = Formula.Apply(new GpuLane(A[ia]), new GpuLane(B[ib])).V;
        }
    }
}

internal struct Zip3Loop<F> : IGpuKernel where F : unmanaged, IZip3
{
    public F Formula;
    public Floats A, B, C, Y;
    public GpuBroadcast How;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride)
        {
            How.Locate((int)i, out int ia, out int ib, out int ic);
            Y[i] = Formula.Apply(new GpuLane(A[ia]), new GpuLane(B[ib]), new GpuLane(C[ic])).V;
        }
    }
}

/// <summary>A thread for each (outer, inner): columns side by side are read together.</summary>
internal struct ColumnLoop<F> : IGpuKernel where F : unmanaged, IFold
{
    public F Formula;
    public Floats X, Y;
    public int N, Inner;

    public readonly void Run()
    {
        for (long j = Grid.GlobalLinearIndex; j < Y.Length; j += Loops.Stride)
        {
            uint o = (uint)j / (uint)Inner, k = (uint)j % (uint)Inner;
            long at = ((long)o * N * Inner) + k;
            var acc = new GpuLane(Formula.Start);
            for (int i = 0; i < N; i++, at += Inner) { acc = Formula.Step(acc, new GpuLane(X[at])); }
            Y[j] = acc.V;
        }
    }
}

/// <summary>A group for each piece of a row, joined as a tree: the order depends on sizes alone. Y [rows · pieces].</summary>
internal struct RowLoop<F> : IGpuKernel where F : unmanaged, IFold
{
    public F Formula;
    public Floats X, Y;
    public int N, Pieces, Piece;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<float>(Loops.FoldGroup);
        int me = Group.IdxX;
        for (int unit = Grid.IdxX; unit < Y.IntLength; unit += Grid.DimX)
        {
            uint row = (uint)unit / (uint)Pieces, part = (uint)unit % (uint)Pieces;
            long from = ((long)row * N) + ((long)part * Piece);
            int length = IntrinsicMath.Min(Piece, N - ((int)part * Piece));
            var acc = new GpuLane(Formula.Start);
            for (int i = me; i < length; i += Loops.FoldGroup) { acc = Formula.Step(acc, new GpuLane(X[from + i])); }
            shared[me] = acc.V;
            Group.Barrier();
            for (int half = Loops.FoldGroup >> 1; half > 0; half >>= 1)
            {
                if (me < half) { shared[me] = Formula.Join(new GpuLane(shared[me]), new GpuLane(shared[me + half])).V; }
                Group.Barrier();
            }
            if (me == 0) { Y[unit] = shared[0]; }
            Group.Barrier();
        }
    }
}

internal struct UpdateLoop<F> : IGpuKernel where F : unmanaged, IUpdate
{
    public F Formula;
    public Floats W, G, S1, S2, S3;
    public int States;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < W.Length; i += Loops.Stride)
        {
            GpuLane a = default, b = default, c = default, v = new(W[i]);
            if (States > 0) { a = new(S1[i]); }
            if (States > 1) { b = new(S2[i]); }
            if (States > 2) { c = new(S3[i]); }
            Formula.Step(ref v, new GpuLane(G[i]), ref a, ref b, ref c);
            W[i] = v.V;
            if (States > 0) { S1[i] = a.V; }
            if (States > 1) { S2[i] = b.V; }
            if (States > 2) { S3[i] = c.V; }
        }
    }
}

internal struct FillLoop : IGpuKernel
{
    public Floats Y;
    public float Value;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride) { Y[i] = Value; }
    }
}

/// <summary>Partial results joined: what a fold's second pass runs.</summary>
internal readonly struct JoinFold<F>(F f) : IFold where F : unmanaged, IFold
{
    public float Start => f.Start;

    public L Step<L>(L acc, L x) where L : struct, ILane<L> => f.Join(acc, x);

    public L Join<L>(L a, L b) where L : struct, ILane<L> => f.Join(a, b);
}
