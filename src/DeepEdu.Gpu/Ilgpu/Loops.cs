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
    /// <summary>From a thread's value to its next.</summary>
    public static long Stride => (long)Grid.DimX * Group.DimX;

    /// <summary>Four values, from one on; at once if they are neighbours on 16 bytes: one by one, a warp would touch each of its sectors four times.</summary>
    public static Float4 Four(Floats x, int at, int step, int fours)
    {
        if (fours != 0) { return x.Cast<Float4>()[(int)((uint)at >> 2)]; }
        Float4 v;
        v.X = x[at];
        v.Y = x[at + step];
        v.Z = x[at + (2 * step)];
        v.W = x[at + (3 * step)];
        return v;
    }
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
        long step = Loops.Stride;
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += 2 * step)
        {
            // two are on their way at a time; the last may be the same one twice
            long j = i + step < Y.Length ? i + step : i;
            Float4 v = X[i], w = X[j];
            Y[i] = Apply(v);
            Y[j] = Apply(w);
        }
    }

    private readonly Float4 Apply(Float4 v)
    {
        Float4 r;
        r.X = Formula.Apply(new GpuLane(v.X)).V;
        r.Y = Formula.Apply(new GpuLane(v.Y)).V;
        r.Z = Formula.Apply(new GpuLane(v.Z)).V;
        r.W = Formula.Apply(new GpuLane(v.W)).V;
        return r;
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

/// <inheritdoc cref="Map4Loop{F}"/>
internal struct Zip34Loop<F> : IGpuKernel where F : unmanaged, IZip3
{
    public F Formula;
    public Fours A, B, C, Y;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride)
        {
            Float4 p = A[i], q = B[i], s = C[i], r;
            r.X = Formula.Apply(new GpuLane(p.X), new GpuLane(q.X), new GpuLane(s.X)).V;
            r.Y = Formula.Apply(new GpuLane(p.Y), new GpuLane(q.Y), new GpuLane(s.Y)).V;
            r.Z = Formula.Apply(new GpuLane(p.Z), new GpuLane(q.Z), new GpuLane(s.Z)).V;
            r.W = Formula.Apply(new GpuLane(p.W), new GpuLane(q.W), new GpuLane(s.W)).V;
            Y[i] = r;
        }
    }
}

/// <summary>Four neighbours at a time, whose places are found once: the innermost axis has a multiple of four.</summary>
internal struct ZipRunLoop<F> : IGpuKernel where F : unmanaged, IZip
{
    public F Formula;
    public Floats A, B;
    public Fours Y;
    public GpuBroadcast How;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride)
        {
            How.Locate((int)i << 2, out int ia, out int ib, out _);
            Float4 p = Loops.Four(A, ia, How.StepA, How.FoursA), q = Loops.Four(B, ib, How.StepB, How.FoursB), r;
            r.X = Formula.Apply(new GpuLane(p.X), new GpuLane(q.X)).V;
            r.Y = Formula.Apply(new GpuLane(p.Y), new GpuLane(q.Y)).V;
            r.Z = Formula.Apply(new GpuLane(p.Z), new GpuLane(q.Z)).V;
            r.W = Formula.Apply(new GpuLane(p.W), new GpuLane(q.W)).V;
            Y[i] = r;
        }
    }
}

/// <inheritdoc cref="ZipRunLoop{F}"/>
internal struct Zip3RunLoop<F> : IGpuKernel where F : unmanaged, IZip3
{
    public F Formula;
    public Floats A, B, C;
    public Fours Y;
    public GpuBroadcast How;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride)
        {
            How.Locate((int)i << 2, out int ia, out int ib, out int ic);
            Float4 p = Loops.Four(A, ia, How.StepA, How.FoursA), q = Loops.Four(B, ib, How.StepB, How.FoursB), s = Loops.Four(C, ic, How.StepC, How.FoursC), r;
            r.X = Formula.Apply(new GpuLane(p.X), new GpuLane(q.X), new GpuLane(s.X)).V;
            r.Y = Formula.Apply(new GpuLane(p.Y), new GpuLane(q.Y), new GpuLane(s.Y)).V;
            r.Z = Formula.Apply(new GpuLane(p.Z), new GpuLane(q.Z), new GpuLane(s.Z)).V;
            r.W = Formula.Apply(new GpuLane(p.W), new GpuLane(q.W), new GpuLane(s.W)).V;
            Y[i] = r;
        }
    }
}

/// <summary>A team for each piece of a column of [outer, n, inner]; columns side by side are read together. Y [outer, pieces, inner].</summary>
internal struct ColumnLoop<F> : IGpuKernel where F : unmanaged, IFold
{
    public F Formula;
    public Team Team;
    public Floats X, Y;
    public int N, Inner, Pieces, Piece;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
        for (long first = Team.First; first < Team.Count; first += Team.Step)
        {
            int unit = Team.Row(first), me = Team.Me;
            uint part = (uint)unit / (uint)Inner, o = part / (uint)Pieces, from = (part - (o * (uint)Pieces)) * (uint)Piece;
            int end = unit < Team.Count ? IntrinsicMath.Min(N, (int)from + Piece) : 0;
            int step = Team.Size * Inner, at = (((int)(o * (uint)N) + (int)from + me) * Inner) + (int)((uint)unit - (part * (uint)Inner));
            var acc = new GpuLane(Formula.Start);
            int i = (int)from + me;
            // four are on their way at a time
            for (; i + (3 * Team.Size) < end; i += 4 * Team.Size, at += 4 * step)
            {
                GpuLane v0 = new(X[at]), v1 = new(X[at + step]), v2 = new(X[at + (2 * step)]), v3 = new(X[at + (3 * step)]);
                acc = Formula.Step(Formula.Step(Formula.Step(Formula.Step(acc, v0), v1), v2), v3);
            }
            for (; i < end; i += Team.Size, at += step) { acc = Formula.Step(acc, new GpuLane(X[at])); }
            float all = Team.Join(shared, Formula, acc.V);
            if (me == 0 && unit < Team.Count) { Y[unit] = all; }
            Group.Barrier();
        }
    }
}

/// <summary>A team for each piece of a row, joined as a tree: the order depends on sizes alone. Y [rows · pieces].</summary>
internal struct RowLoop<F> : IGpuKernel where F : unmanaged, IFold
{
    public F Formula;
    public Team Team;
    public Floats X, Y;
    public int N, Pieces, Piece;

    /// <summary>Whether every row begins on 16 bytes. Threads take four neighbours either way: where a row lies does not change its order.</summary>
    public int Fours;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
        for (long first = Team.First; first < Team.Count; first += Team.Step)
        {
            int unit = Team.Row(first), me = Team.Me, round = 4 * Team.Size;
            uint row = (uint)unit / (uint)Pieces, part = (uint)unit - (row * (uint)Pieces);
            int from = (int)(row * (uint)N) + ((int)part * Piece), length = unit < Team.Count ? IntrinsicMath.Min(Piece, N - ((int)part * Piece)) : 0;
            var acc = new GpuLane(Formula.Start);
            int i = 4 * me;
            // two fours are on their way at a time
            for (; i + round + 3 < length; i += 2 * round)
            {
                Float4 v = Loops.Four(X, from + i, 1, Fours), w = Loops.Four(X, from + i + round, 1, Fours);
                acc = Step(Step(acc, v), w);
            }
            for (; i + 3 < length; i += round) { acc = Step(acc, Loops.Four(X, from + i, 1, Fours)); }
            for (; i < length; i++) { acc = Formula.Step(acc, new GpuLane(X[from + i])); } // behind the last four
            float all = Team.Join(shared, Formula, acc.V);
            if (me == 0 && unit < Team.Count) { Y[unit] = all; }
            Group.Barrier();
        }
    }

    private readonly GpuLane Step(GpuLane acc, Float4 v) =>
        Formula.Step(Formula.Step(Formula.Step(Formula.Step(acc, new GpuLane(v.X)), new GpuLane(v.Y)), new GpuLane(v.Z)), new GpuLane(v.W));
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

/// <inheritdoc cref="Map4Loop{F}"/>
internal struct Fill4Loop : IGpuKernel
{
    public Fours Y;
    public float Value;

    public readonly void Run()
    {
        Float4 v;
        (v.X, v.Y, v.Z, v.W) = (Value, Value, Value, Value);
        for (long i = Grid.GlobalLinearIndex; i < Y.Length; i += Loops.Stride) { Y[i] = v; }
    }
}

/// <summary>Partial results joined: what a fold's second pass runs.</summary>
internal readonly struct JoinFold<F>(F f) : IFold where F : unmanaged, IFold
{
    public float Start => f.Start;

    public L Step<L>(L acc, L x) where L : struct, ILane<L> => f.Join(acc, x);

    public L Join<L>(L a, L b) where L : struct, ILane<L> => f.Join(a, b);
}
