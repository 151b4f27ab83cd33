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
            Forward(d, k.Plan, task);
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
        Pull(d, plan, task, pull, delta, dq, dk, dv);
    }

    private static void Forward(GpuDevice d, in AttentionPlan p, AttentionTask task)
    {
        if (!Rounds(d, p)) { Forward<FloatAttention>(d, p, task); }
        else if (d.Accelerator.AcceleratorType == AcceleratorType.CPU) { Forward<TensorAttention<SharedRow>>(d, p, task); }
        else { Forward<TensorAttention<TensorCoreRow>>(d, p, task); }
    }

    private static void Forward<P>(GpuDevice d, in AttentionPlan p, AttentionTask task) where P : struct, IAttentionProducts => d.Start(Blocks(p, p.Queries), new AttentionForwardKernel<P> { Task = task });

    private static void Pull(GpuDevice d, in AttentionPlan p, AttentionTask task, AttentionRow dy, Floats delta, AttentionRow dq, AttentionRow dk, AttentionRow dv)
    {
        if (!Rounds(d, p)) { Pull<FloatAttention>(d, p, task, dy, delta, dq, dk, dv); }
        else if (d.Accelerator.AcceleratorType == AcceleratorType.CPU) { Pull<TensorAttention<SharedRow>>(d, p, task, dy, delta, dq, dk, dv); }
        else { Pull<TensorAttention<TensorCoreRow>>(d, p, task, dy, delta, dq, dk, dv); }
    }

    private static void Pull<P>(GpuDevice d, in AttentionPlan p, AttentionTask task, AttentionRow dy, Floats delta, AttentionRow dq, AttentionRow dk, AttentionRow dv) where P : struct, IAttentionProducts
    {
        if (p.Queries > 0) { d.Start(Blocks(p, p.Queries), new AttentionQueryPull<P> { Task = task, Dy = dy, Delta = delta, Dq = dq }); }
        if (p.Keys > 0) { d.Start(Blocks(p, p.Keys), new AttentionKeyPull<P> { Task = task, Dy = dy, Delta = delta, Dk = dk, Dv = dv }); }
    }

    // most of a block of fewer would be empty
    private static bool Rounds(GpuDevice d, in AttentionPlan p) => d.UsesTensorCores && Math.Min(p.Queries, p.Keys) >= TensorProduct.Narrowest;

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
    private static AttentionRow Beside(AttentionRow q, int columns) => new(q.At.SubView(columns, q.At.Length - columns), q.Row, q.Batch, q.Fours);
}

/// <summary>The way forward of 64 queries of a head.</summary>
internal struct AttentionForwardKernel<P> : IGpuKernel where P : struct, IAttentionProducts
{
    public AttentionTask Task;

    public readonly void Run()
    {
        const int Side = Tile64.Side, Pitch = Tile64.Pitch;
        var fours = SharedMemory.Allocate<Float4>(Tile64.SideRoom);
        var sa = SharedMemory.Allocate<Float4>(P.Room);
        var sb = SharedMemory.Allocate<Float4>(P.Room);
        var weights = fours.Cast<float>();
        var parts = SharedMemory.Allocate<float>(Tile64.Threads);
        var largest = SharedMemory.Allocate<float>(Side);
        var sums = SharedMemory.Allocate<float>(Side);
        var fixes = SharedMemory.Allocate<float>(Side);
        P products = default;
        products.Begin();
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
            products.Dots(Task.Q, Task.Q.Of(sequence, first, head * Task.Width), rows, Task.K, Task.K.Of(sequence, key, head * Task.Width), n, Task.Width, sa, sb, fours);
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
                    e = P.Factor(e * Task.Kept(sequence, head, first + row, key + c));
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
                products.Put(Task.O, atO + column, rows, Task.ValueWidth - column, key > 0, key + Side >= seen, fixes, sums, fours, Task.V, Task.V.Of(sequence, key, (head * Task.ValueWidth) + column), n, sb);
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
}
