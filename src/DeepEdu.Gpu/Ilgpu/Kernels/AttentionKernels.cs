using DeepEdu.Memory;
using DeepEdu.Ops;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;
using View = DeepEdu.Devices.View;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Attention: a group takes 64 queries of a head through the keys in blocks of 64, keeping the largest score so far and the sum of e^(score − largest); no more than a block of scores is ever
/// in memory. On the way back the weights are made again, once for the queries' gradients and once for those of keys and values, so that no two groups add to the same place.
/// Dao et al. 2022, arXiv:2205.14135.</summary>
internal static class AttentionKernels
{
    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in AttentionOps.AttentionKernel k) =>
        {
            if (k.Y.Length == 0) { return; }
            using var arena = new Arena();
            var task = Task(d, k);
            d.Start(Blocks(k.Plan, k.Plan.Queries), new AttentionForwardKernel { Task = task });
        });
        device.Register((GpuDevice d, in AttentionOps.AttentionPullKernel k) => Pull(d, k));
    }

    private static void Pull(GpuDevice d, in AttentionOps.AttentionPullKernel k)
    {
        using var arena = new Arena();
        var plan = k.Forward.Plan;
        var task = Task(d, k.Forward);
        int rows = plan.Batch * plan.Heads * plan.Queries;
        var delta = GpuDevice.Of(new View(d.Allocate(Math.Max(1, rows)), 0, rows));
        var dy = GpuDevice.Of(k.Dy);
        if (rows > 0)
        {
            var team = d.Teams(rows, plan.ValueWidth, false, out var how);
            d.Start(how, new AttentionDelta { Team = team, Task = task, Dy = dy, Delta = delta });
        }
        AttentionRow dq = AttentionRow.Of(k.Dq, dy, task.Q.Row, task.Q.Batch, plan.Width), dk, dv;
        int width = plan.Heads * plan.Width;
        if (k.Dk.IsNone) { (dk, dv) = (Beside(dq, width), Beside(dq, 2 * width)); }
        else { (dk, dv) = (AttentionRow.Of(k.Dk, dy, task.K.Row, task.K.Batch, plan.Width), AttentionRow.Of(k.Dv, dy, task.V.Row, task.V.Batch, plan.ValueWidth)); }
        AttentionRow pull = AttentionRow.Of(k.Dy, dy, task.O.Row, task.O.Batch, plan.ValueWidth);
        if (plan.Queries > 0) { d.Start(Blocks(plan, plan.Queries), new AttentionQueryPull { Task = task, Dy = pull, Delta = delta, Dq = dq }); }
        if (plan.Keys > 0) { d.Start(Blocks(plan, plan.Keys), new AttentionKeyPull { Task = task, Dy = pull, Delta = delta, Dk = dk, Dv = dv }); }
    }

    private static KernelConfig Blocks(in AttentionPlan p, int rows) => new(p.Batch * p.Heads * ((rows + Tile64.Side - 1) / Tile64.Side), Tile64.Threads);

    private static AttentionTask Task(GpuDevice d, in AttentionOps.AttentionKernel k)
    {
        var p = k.Plan;
        int width = p.Heads * p.Width, values = p.Heads * p.ValueWidth;
        var y = GpuDevice.Of(k.Y);
        AttentionRow q = AttentionRow.Of(k.Q, y, p.QueryRow, (long)p.QueryRow * p.Queries, p.Width), keys, vs;
        if (k.K.IsNone && p.Keys > 0) { (keys, vs) = (Beside(q, width), Beside(q, 2 * width)); }
        else { (keys, vs) = (AttentionRow.Of(k.K, y, width, (long)width * p.KeyRows, p.Width), AttentionRow.Of(k.V, y, values, (long)values * p.KeyRows, p.ValueWidth)); }
        return new()
        {
            Q = q, K = keys, V = vs, O = AttentionRow.Of(k.Y, y, values, (long)values * p.Queries, p.ValueWidth), Mask = GpuDevice.Of(k.Mask, y), LogSum = GpuDevice.Of(k.LogSum, y), Lengths = d.Upload<int>(p.Lengths),
            Heads = p.Heads, Queries = p.Queries, Keys = p.Keys, Width = p.Width, ValueWidth = p.ValueWidth, HasMask = k.Mask.IsNone ? 0 : 1, HasLengths = p.Lengths is null ? 0 : 1,
            Causal = p.Causal ? 1 : 0, Past = p.Past, KeepsLogSum = k.LogSum.IsNone ? 0 : 1, MaskBatch = p.MaskBatch, MaskHead = p.MaskHead, MaskRow = p.MaskRow, Scale = p.Scale, Dropout = p.Dropout,
            Keep = p.Dropout == 1 ? 0 : 1 / (1 - p.Dropout), Seed = p.Seed, Stream = p.Stream, Start = p.Start,
        };
    }

    // keys and values in the rows of the queries
    private static AttentionRow Beside(AttentionRow q, int columns) => q with { At = q.At.SubView(columns, q.At.Length - columns) };
}

/// <summary>The way forward of 64 queries of a head.</summary>
internal struct AttentionForwardKernel : IGpuKernel
{
    public AttentionTask Task;

    public readonly void Run()
    {
        const int Side = Tile64.Side, Pitch = Tile64.Pitch;
        var fours = SharedMemory.Allocate<Float4>(Tile64.SideRoom);
        var sa = SharedMemory.Allocate<Float4>(Tile64.DepthRoom);
        var sb = SharedMemory.Allocate<Float4>(Tile64.DepthRoom);
        var weights = fours.Cast<float>();
        var parts = SharedMemory.Allocate<float>(Tile64.Threads);
        var largest = SharedMemory.Allocate<float>(Side);
        var sums = SharedMemory.Allocate<float>(Side);
        var fixes = SharedMemory.Allocate<float>(Side);
        int me = Group.IdxX, blocks = (Task.Queries + Side - 1) / Side, unit = Grid.IdxX / blocks, first = Grid.IdxX % blocks * Side;
        int sequence = unit / Task.Heads, head = unit % Task.Heads, rows = IntrinsicMath.Min(Side, Task.Queries - first);
        int keys = Task.KeysOf(sequence), seen = Task.Seen(keys, first + rows - 1);
        // four threads a row, each every fourth key of the block
        int row = me >> 2, from = me & 3, mine = row < rows ? Task.Seen(keys, first + row) : 0;
        long atO = Task.O.Of(sequence, first, head * Task.ValueWidth);
        if (me < Side)
        {
            largest[me] = float.NegativeInfinity;
            sums[me] = 0f;
        }
        Group.Barrier();
        for (int key = 0; key < seen; key += Side)
        {
            int n = IntrinsicMath.Min(Side, seen - key);
            AttentionTile.Dots(Task.Q.At, Task.Q.Of(sequence, first, head * Task.Width), Task.Q.Row, rows, Task.K.At, Task.K.Of(sequence, key, head * Task.Width), Task.K.Row, n, Task.Width, sa, sb, fours);
            Group.Barrier();
            GpuLane max = float.NegativeInfinity;
            for (int c = from; c < Side; c += 4)
            {
                if (key + c >= mine) { continue; }
                float s = Task.Score(sequence, head, first + row, key + c, weights[(row * Pitch) + c]);
                weights[(row * Pitch) + c] = s;
                max = GpuLane.Max(max, s);
            }
            parts[me] = max.V;
            Group.Barrier();
            int quarter = row * 4;
            float before = largest[row];
            max = GpuLane.Max(GpuLane.Max(GpuLane.Max(parts[quarter], parts[quarter + 1]), GpuLane.Max(parts[quarter + 2], parts[quarter + 3])), before);
            bool none = float.IsNegativeInfinity(max.V);
            Group.Barrier();
            float sum = 0f;
            for (int c = from; c < Side; c += 4)
            {
                float e = 0f;
                if (key + c < mine && !none)
                {
                    e = GpuLane.Exp(weights[(row * Pitch) + c] - max).V;
                    sum += e;
                    e *= Task.Kept(sequence, head, first + row, key + c);
                }
                weights[(row * Pitch) + c] = e;
            }
            parts[me] = sum;
            Group.Barrier();
            if (from == 0)
            {
                float factor = none ? 1f : GpuLane.Exp(before - max.V).V;
                fixes[row] = factor;
                largest[row] = max.V;
                sums[row] = (sums[row] * factor) + (parts[quarter] + parts[quarter + 1] + (parts[quarter + 2] + parts[quarter + 3]));
            }
            Group.Barrier();
            for (int column = 0; column < Task.ValueWidth; column += Side)
            {
                var o = AttentionTile.Weighted(fours, false, Task.V.At, Task.V.Of(sequence, key, (head * Task.ValueWidth) + column), Task.V.Row, n, Task.ValueWidth - column, sb);
                Put(atO + column, rows, Task.ValueWidth - column, key > 0, key + Side >= seen, o, fixes, sums);
            }
            Group.Barrier();
        }
        if (seen == 0)
        {
            for (int i = me; i < rows * Task.ValueWidth; i += Tile64.Threads) { Task.O.At[atO + (i / Task.ValueWidth * Task.O.Row) + (i % Task.ValueWidth)] = 0f; }
        }
        if (Task.KeepsLogSum != 0 && me < rows)
        {
            float total = sums[me];
            Task.LogSum[((long)unit * Task.Queries) + first + me] = total == 0f ? 0f : largest[me] + GpuLane.Log(total).V;
        }
    }

    // y ← y·fix + o and, behind the last block, divided by the sum
    private readonly void Put(long at, int rows, int columns, bool before, bool last, Quad o, Floats fixes, Floats sums)
    {
        Tile64.Place(out int ty, out int tx);
        Put(at, 4 * ty, rows, 4 * tx, columns, before, last, o.R0, fixes, sums);
        Put(at, (4 * ty) + 1, rows, 4 * tx, columns, before, last, o.R1, fixes, sums);
        Put(at, (4 * ty) + 2, rows, 4 * tx, columns, before, last, o.R2, fixes, sums);
        Put(at, (4 * ty) + 3, rows, 4 * tx, columns, before, last, o.R3, fixes, sums);
    }

    private readonly void Put(long at, int row, int rows, int column, int columns, bool before, bool last, Float4 r, Floats fixes, Floats sums)
    {
        if (row >= rows || column >= columns) { return; }
        float factor = before ? fixes[row] : 0f, sum = sums[row], share = last ? (sum == 0f ? 0f : 1f / sum) : 1f;
        at += (row * Task.O.Row) + column;
        if (Task.O.Fours != 0)
        {
            var y = Task.O.At.Cast<Float4>();
            if (factor != 0f)
            {
                Float4 v = y[at >> 2];
                r.X += v.X * factor;
                r.Y += v.Y * factor;
                r.Z += v.Z * factor;
                r.W += v.W * factor;
            }
            r.X = share == 0f ? 0f : r.X * share;
            r.Y = share == 0f ? 0f : r.Y * share;
            r.Z = share == 0f ? 0f : r.Z * share;
            r.W = share == 0f ? 0f : r.W * share;
            y[at >> 2] = r;
            return;
        }
        Put(at, factor, share, r.X);
        if (column + 1 < columns) { Put(at + 1, factor, share, r.Y); }
        if (column + 2 < columns) { Put(at + 2, factor, share, r.Z); }
        if (column + 3 < columns) { Put(at + 3, factor, share, r.W); }
    }

    // a factor of 0: nothing was there, or nothing of it counts; a share of 0: the query saw nothing
    private readonly void Put(long at, float factor, float share, float v)
    {
        if (factor != 0f) { v += Task.O.At[at] * factor; }
        Task.O.At[at] = share == 0f ? 0f : v * share;
    }
}
