using DeepEdu.Lanes;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

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

    public static void Map<F>(F f, Floats x, Floats y) where F : unmanaged, IMap
    {
        for (long i = Grid.GlobalLinearIndex; i < y.Length; i += Stride()) { y[i] = f.Apply(new GpuLane(x[i])).V; }
    }

    /// <summary>16 bytes at a time; the views begin on 16 bytes, and the length is a multiple of 4.</summary>
    public static void Map4<F>(F f, ArrayView<Float4> x, ArrayView<Float4> y) where F : unmanaged, IMap
    {
        for (long i = Grid.GlobalLinearIndex; i < y.Length; i += Stride())
        {
            var v = x[i];
            Float4 r;
            r.X = f.Apply(new GpuLane(v.X)).V;
            r.Y = f.Apply(new GpuLane(v.Y)).V;
            r.Z = f.Apply(new GpuLane(v.Z)).V;
            r.W = f.Apply(new GpuLane(v.W)).V;
            y[i] = r;
        }
    }

    public static void Zip4<F>(F f, ArrayView<Float4> a, ArrayView<Float4> b, ArrayView<Float4> y) where F : unmanaged, IZip
    {
        for (long i = Grid.GlobalLinearIndex; i < y.Length; i += Stride())
        {
            Float4 p = a[i], q = b[i], r;
            r.X = f.Apply(new GpuLane(p.X), new GpuLane(q.X)).V;
            r.Y = f.Apply(new GpuLane(p.Y), new GpuLane(q.Y)).V;
            r.Z = f.Apply(new GpuLane(p.Z), new GpuLane(q.Z)).V;
            r.W = f.Apply(new GpuLane(p.W), new GpuLane(q.W)).V;
            y[i] = r;
        }
    }

    public static void Zip<F>(F f, Floats a, Floats b, Floats y, GpuBroadcast how) where F : unmanaged, IZip
    {
        for (long i = Grid.GlobalLinearIndex; i < y.Length; i += Stride())
        {
            how.Locate((int)i, out int ia, out int ib, out _);
            y[i] = f.Apply(new GpuLane(a[ia]), new GpuLane(b[ib])).V;
        }
    }

    public static void Zip3<F>(F f, Floats a, Floats b, Floats c, Floats y, GpuBroadcast how) where F : unmanaged, IZip3
    {
        for (long i = Grid.GlobalLinearIndex; i < y.Length; i += Stride())
        {
            how.Locate((int)i, out int ia, out int ib, out int ic);
            y[i] = f.Apply(new GpuLane(a[ia]), new GpuLane(b[ib]), new GpuLane(c[ic])).V;
        }
    }

    /// <summary>A thread for each (outer, inner): columns side by side are read together.</summary>
    public static void FoldColumns<F>(F f, Floats x, int n, int inner, Floats y) where F : unmanaged, IFold
    {
        for (long j = Grid.GlobalLinearIndex; j < y.Length; j += Stride())
        {
            uint o = (uint)j / (uint)inner, k = (uint)j % (uint)inner;
            long at = ((long)o * n * inner) + k;
            var acc = new GpuLane(f.Start);
            for (int i = 0; i < n; i++, at += inner) { acc = f.Step(acc, new GpuLane(x[at])); }
            y[j] = acc.V;
        }
    }

    /// <summary>A group for each piece of a row, joined as a tree: the order depends on sizes alone. y [rows · pieces].</summary>
    public static void FoldRows<F>(F f, Floats x, int n, int pieces, int piece, Floats y) where F : unmanaged, IFold
    {
        var shared = SharedMemory.Allocate<float>(FoldGroup);
        int me = Group.IdxX;
        for (int unit = Grid.IdxX; unit < y.IntLength; unit += Grid.DimX)
        {
            uint row = (uint)unit / (uint)pieces, part = (uint)unit % (uint)pieces;
            long from = ((long)row * n) + ((long)part * piece);
            int length = IntrinsicMath.Min(piece, n - ((int)part * piece));
            var acc = new GpuLane(f.Start);
            for (int i = me; i < length; i += FoldGroup) { acc = f.Step(acc, new GpuLane(x[from + i])); }
            shared[me] = acc.V;
            Group.Barrier();
            for (int half = FoldGroup >> 1; half > 0; half >>= 1)
            {
                if (me < half) { shared[me] = f.Join(new GpuLane(shared[me]), new GpuLane(shared[me + half])).V; }
                Group.Barrier();
            }
            if (me == 0) { y[unit] = shared[0]; }
            Group.Barrier();
        }
    }

    public static void Update<F>(F f, Floats w, Floats g, Floats s1, Floats s2, Floats s3, int states) where F : unmanaged, IUpdate
    {
        for (long i = Grid.GlobalLinearIndex; i < w.Length; i += Stride())
        {
            GpuLane a = default, b = default, c = default, v = new(w[i]);
            if (states > 0) { a = new(s1[i]); }
            if (states > 1) { b = new(s2[i]); }
            if (states > 2) { c = new(s3[i]); }
            f.Step(ref v, new GpuLane(g[i]), ref a, ref b, ref c);
            w[i] = v.V;
            if (states > 0) { s1[i] = a.V; }
            if (states > 1) { s2[i] = b.V; }
            if (states > 2) { s3[i] = c.V; }
        }
    }

    public static void Fill(Floats y, float value)
    {
        for (long i = Grid.GlobalLinearIndex; i < y.Length; i += Stride()) { y[i] = value; }
    }

    private static long Stride() => (long)Grid.DimX * Group.DimX;
}

/// <summary>Partial results joined: what a fold's second pass runs.</summary>
internal readonly struct JoinFold<F>(F f) : IFold where F : unmanaged, IFold
{
    public float Start => f.Start;

    public L Step<L>(L acc, L x) where L : struct, ILane<L> => f.Join(acc, x);

    public L Join<L>(L a, L b) where L : struct, ILane<L> => f.Join(a, b);
}
