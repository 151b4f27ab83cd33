using System.Runtime.CompilerServices;
using ILGPU;
using Floats = ILGPU.ArrayView<float>;
using Fours = ILGPU.ArrayView<DeepEdu.Gpu.Float4>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>δ = Σ dO ⊙ O of each query of each head: a team a query, whose threads read neighbours.</summary>
internal struct AttentionDelta : IGpuKernel
{
    public Team Team;
    public AttentionTask Task;
    public Floats Dy, Delta;

    public readonly void Run()
    {
        var shared = SharedMemory.Allocate<float>(Team.MaxThreads);
        for (long first = Team.First; first < Team.Count; first += Team.Step)
        {
            int row = Team.Row(first), n = row < Team.Count ? Task.ValueWidth : 0, unit = (int)((uint)row / (uint)Task.Queries), query = row - (unit * Task.Queries);
            long at = Task.O.Of(unit / Task.Heads, query, unit % Task.Heads * Task.ValueWidth);
            float sum = 0f;
            for (int e = Team.Me; e < n; e += Team.Size) { sum += Dy[at + e] * Task.O.At[at + e]; }
            sum = Team.Sum(shared, sum);
            if (row < Team.Count && Team.Me == 0) { Delta[row] = sum; }
        }
    }
}

/// <summary>What both ways back share: a block's weights P and the gradient of its scores dS = P ⊙ (dP − δ)·scale, made anew.</summary>
internal static class AttentionPullTile
{
    /// <summary>Leaves P, with dropout, in <paramref name="p4"/> and dS in <paramref name="ds4"/>, as factors: each [queries, keys], or [keys, queries] if <paramref name="keysAreRows"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Make<P>(ref P products, bool keysAreRows, AttentionTask t, AttentionRow dy, Floats delta, int unit, int first, int rows, int key, int n, Fours p4, Fours ds4, Fours sa, Fours sb) where P : struct, IAttentionProducts
    {
        const int Side = Tile64.Side, Pitch = Tile64.Pitch;
        Floats p = p4.Cast<float>(), ds = ds4.Cast<float>();
        int me = Group.IdxX, sequence = unit / t.Heads, head = unit % t.Heads, keys = t.KeysOf(sequence);
        long atQ = t.Q.Of(sequence, first, head * t.Width), atK = t.K.Of(sequence, key, head * t.Width), atDy = dy.Of(sequence, first, head * t.ValueWidth), atV = t.V.Of(sequence, key, head * t.ValueWidth);
        if (keysAreRows)
        {
            products.Dots(t.K, atK, n, t.Q, atQ, rows, t.Width, sa, sb, p4);
            products.Dots(t.V, atV, n, dy, atDy, rows, t.ValueWidth, sa, sb, ds4);
        }
        else
        {
            products.Dots(t.Q, atQ, rows, t.K, atK, n, t.Width, sa, sb, p4);
            products.Dots(dy, atDy, rows, t.V, atV, n, t.ValueWidth, sa, sb, ds4);
        }
        Group.Barrier();
        for (int i = me; i < Side * Side; i += Tile64.Threads)
        {
            int line = i >> 6, place = i & (Side - 1), at = (line * Pitch) + place, row = keysAreRows ? place : line, column = keysAreRows ? line : place;
            float weight = 0f, pull = 0f;
            if (row < rows && column < n && key + column < t.Seen(keys, first + row))
            {
                long query = ((long)unit * t.Queries) + first + row;
                float kept = t.Kept(sequence, head, first + row, key + column);
                weight = GpuLane.Exp(t.Score(sequence, head, first + row, key + column, p[at]) - t.LogSum[query]).V;
                pull = weight * ((ds[at] * kept) - delta[query]) * t.Scale;
                weight *= kept;
            }
            p[at] = P.Factor(weight);
            ds[at] = P.Factor(pull);
        }
        Group.Barrier();
    }
}

/// <summary>dQ = dS·K of 64 queries of a head.</summary>
internal struct AttentionQueryPull<P> : IGpuKernel where P : struct, IAttentionProducts
{
    public AttentionTask Task;
    public AttentionRow Dy, Dq;
    public Floats Delta;

    public readonly void Run()
    {
        const int Side = Tile64.Side;
        var p = SharedMemory.Allocate<Float4>(Tile64.SideRoom);
        var ds = SharedMemory.Allocate<Float4>(Tile64.SideRoom);
        var sa = SharedMemory.Allocate<Float4>(P.Room);
        var sb = SharedMemory.Allocate<Float4>(P.Room);
        P products = default;
        products.Begin();
        int blocks = (Task.Queries + Side - 1) / Side, unit = Grid.IdxX / blocks, first = Grid.IdxX % blocks * Side;
        int sequence = unit / Task.Heads, head = unit % Task.Heads, rows = IntrinsicMath.Min(Side, Task.Queries - first), seen = Task.Seen(Task.KeysOf(sequence), first + rows - 1);
        long to = Dq.Of(sequence, first, head * Task.Width);
        for (int key = 0; key < seen; key += Side)
        {
            int n = IntrinsicMath.Min(Side, seen - key);
            AttentionPullTile.Make(ref products, false, Task, Dy, Delta, unit, first, rows, key, n, p, ds, sa, sb);
            for (int column = 0; column < Task.Width; column += Side)
            {
                products.AddTo(Dq, to + column, rows, Task.Width - column, key > 0, ds, false, Task.K, Task.K.Of(sequence, key, (head * Task.Width) + column), n, sb);
            }
        }
        if (seen == 0)
        {
            for (int i = Group.IdxX; i < rows * Task.Width; i += Tile64.Threads) { Dq.At[to + (i / Task.Width * Dq.Row) + (i % Task.Width)] = 0f; }
        }
    }
}

/// <summary>dV = Pᵀ·dO and dK = dSᵀ·Q of 64 keys of a head.</summary>
internal struct AttentionKeyPull<P> : IGpuKernel where P : struct, IAttentionProducts
{
    public AttentionTask Task;
    public AttentionRow Dy, Dk, Dv;
    public Floats Delta;

    public readonly void Run()
    {
        const int Side = Tile64.Side;
        var p = SharedMemory.Allocate<Float4>(Tile64.SideRoom);
        var ds = SharedMemory.Allocate<Float4>(Tile64.SideRoom);
        var sa = SharedMemory.Allocate<Float4>(P.Room);
        var sb = SharedMemory.Allocate<Float4>(P.Room);
        P products = default;
        products.Begin();
        int blocks = (Task.Keys + Side - 1) / Side, unit = Grid.IdxX / blocks, key = Grid.IdxX % blocks * Side;
        int sequence = unit / Task.Heads, head = unit % Task.Heads, n = IntrinsicMath.Min(Side, Task.Keys - key), keys = Task.KeysOf(sequence);
        long toK = Dk.Of(sequence, key, head * Task.Width), toV = Dv.Of(sequence, key, head * Task.ValueWidth);
        for (int i = Group.IdxX; i < n * Task.Width; i += Tile64.Threads) { Dk.At[toK + (i / Task.Width * Dk.Row) + (i % Task.Width)] = 0f; }
        for (int i = Group.IdxX; i < n * Task.ValueWidth; i += Tile64.Threads) { Dv.At[toV + (i / Task.ValueWidth * Dv.Row) + (i % Task.ValueWidth)] = 0f; }
        Group.Barrier();
        for (int first = 0; first < Task.Queries; first += Side)
        {
            int rows = IntrinsicMath.Min(Side, Task.Queries - first);
            // the same for the whole group: queries that see none of these keys
            if (key >= Task.Seen(keys, first + rows - 1)) { continue; }
            AttentionPullTile.Make(ref products, P.KeysAreRows, Task, Dy, Delta, unit, first, rows, key, n, p, ds, sa, sb);
            for (int column = 0; column < Task.ValueWidth; column += Side)
            {
                products.AddTo(Dv, toV + column, n, Task.ValueWidth - column, true, p, true, Dy, Dy.Of(sequence, first, (head * Task.ValueWidth) + column), rows, sb);
            }
            for (int column = 0; column < Task.Width; column += Side)
            {
                products.AddTo(Dk, toK + column, n, Task.Width - column, true, ds, true, Task.Q, Task.Q.Of(sequence, first, (head * Task.Width) + column), rows, sb);
            }
        }
    }
}
