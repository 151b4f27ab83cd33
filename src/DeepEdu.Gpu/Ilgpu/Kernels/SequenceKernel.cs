using ILGPU;
using Floats = ILGPU.ArrayView<float>;
using Fours = ILGPU.ArrayView<DeepEdu.Gpu.Float4>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Sizes of a sequence's loop, and how groups share it.</summary>
internal struct SequencePlan
{
    /// <summary>H; units and sequences of a group.</summary>
    public int Hidden, Units, Share;

    /// <summary>Whether rows begin on 16 bytes; whether there is h₀ (of the way forward); whether h is masked before it enters the product.</summary>
    public int InFours, HasFirst, Masks;

    /// <summary>The address of a counter for each share of the sequences, <see cref="Between"/> bytes apart; how often a group looks at it before it gives up.</summary>
    public long Counters;

    /// <inheritdoc cref="Counters"/>
    public int Patience;

    /// <summary>Bytes from counter to counter: each in a line of the cache of its own.</summary>
    public const int Between = 128;
}

/// <summary>All steps of a recurrent layer in one launch. Groups divide units and sequences among themselves; each holds its part of the recurrent weight in registers, spread over the lanes of its warps, from the first step
/// to the last. A step: the rows of the step before come to the group's memory, warps multiply them and add up, a thread for each unit of a sequence makes the cell, and the groups with the same sequences wait for each other.
/// What a sum's order depends on is the number of units alone: not how the groups divide them. See docs/decisions/gpu-sequences.md.</summary>
internal struct SequenceKernel<S, N> : IGpuKernel where S : struct, ISequenceCell where N : struct, IDepth
{
    public S Cell;
    public Floats W, A, First, Mask;
    public Fours A4;
    public ArrayView<int> Table;
    public GpuRows Rows;
    public SequencePlan Plan;

    public readonly void Run() => SequenceLoop.Body<S, N>(Cell, W, A, First, Mask, A4, Table, Rows, Plan);
}

/// <summary>The body of <see cref="SequenceKernel{S, N}"/>.</summary>
internal static class SequenceLoop
{
    /// <summary>The most threads of a group, which are units × sequences of it at most; warps of a group.</summary>
    public const int MostThreads = 512;

    /// <summary>The most sequences of a group.</summary>
    public const int MostShare = 32;

    /// <summary>Room for rows in a group's memory, in fours of floats.</summary>
    public const int Room = 2432;

    /// <summary>Sequences that a warp multiplies at once.</summary>
    public const int AtOnce = 4;

    public static void Body<S, N>(S cell, Floats w, Floats a, Floats first, Floats mask, Fours a4, ArrayView<int> table, GpuRows rows, SequencePlan p) where S : struct, ISequenceCell where N : struct, IDepth
    {
        var tile = SharedMemory.Allocate<Float4>(Room);
        var sums = SharedMemory.Allocate<float>(4 * MostThreads);
        var firsts = SharedMemory.Allocate<int>(MostShare);
        var lengths = SharedMemory.Allocate<int>(MostShare);
        var sequences = SharedMemory.Allocate<int>(MostShare);
        int me = Group.IdxX, lane = me & 31, warp = me >> 5, team = S.Planes == 1 ? warp : S.Planes == 4 ? warp >> 2 : Third(warp), teams = S.Back ? p.Units >> 2 : p.Units;
        int plane = warp - (S.Planes * team), share0 = Grid.IdxX * p.Share, share = IntrinsicMath.Min(p.Share, rows.Batch - share0), unit0 = Grid.IdxY * p.Units;
        int fours = (p.Hidden + 3) >> 2, pitch = fours + 1, wide = S.Planes * p.Hidden, last = IntrinsicMath.Min(lane + (32 * (N.Fours - 1)), fours);
        // of a way forward a column is a gate, of a way back a unit
        int unit = unit0 + (S.Back ? 4 * team : team), square = p.Hidden * p.Hidden;
        HeldWeights<N> held = S.Back
            ? new(w, (plane * square) + unit, p.Hidden, 1, p.Hidden - unit, p.Hidden, lane)
            : new(w, unit * p.Hidden, 1, square, unit < p.Hidden ? S.Columns : 0, p.Hidden, lane);
        for (int i = me; i < Room; i += Group.DimX) { tile[i] = default; }
        if (me < share)
        {
            rows.Locate(table, share0 + me, out int sequence, out int begin, out int length);
            (sequences[me], firsts[me], lengths[me]) = (sequence, begin, length);
        }
        Group.Barrier();
        // the longest is the first
        int steps = lengths[0], counted = Grid.DimY;
        long counter = p.Counters + ((long)Grid.IdxX * SequencePlan.Between);
        // this thread's cell
        int mine = (int)((uint)me / (uint)p.Units), myUnit = unit0 + me - (mine * p.Units);
        StepPlace at = default;
        CellCarry carry = default;
        CellInputs inputs = default;
        int myFirst = 0, myLength = 0;
        if (mine < share && myUnit < p.Hidden)
        {
            (at.Sequence, at.Unit, myFirst, myLength) = (sequences[mine], myUnit, firsts[mine], lengths[mine]);
            carry = cell.Begin(at.Sequence, at.Unit);
            int step = S.Back ? steps - 1 : 0;
            if (step >= 0 && step < myLength) { inputs = cell.Load(Place(at, rows, myFirst, myLength, step)); }
        }
        if (!S.Back && p.HasFirst != 0)
        {
            for (int q = team; q < share; q += teams)
            {
                new CarriedRow<N>(first, sequences[q] * p.Hidden, mask, sequences[q] * p.Hidden, p.Masks, p.Hidden, lane).Put(tile.SubView(q * pitch), fours, lane);
            }
        }
        for (int n = 0; n < steps; n++)
        {
            int step = S.Back ? steps - 1 - n : n;
            if (n > 0)
            {
                if (counted > 1 && me == 0) { GridBarrier.Wait(counter, n * counted, p.Patience); }
                Group.Barrier();
                // rows of the step before; of a way back, where there is one
                int from = S.Back ? step + 1 : step - 1, through = S.Back ? step + 1 : step;
                for (int q = team; q < share; q += 2 * teams)
                {
                    int other = q + teams < share ? q + teams : q;
                    int row = ((firsts[q] + (from * rows.Step)) * wide) + (plane * p.Hidden), otherRow = ((firsts[other] + (from * rows.Step)) * wide) + (plane * p.Hidden);
                    bool there = through < lengths[q], otherThere = through < lengths[other];
                    CarriedRow<N> one = default, two = default;
                    if (p.InFours != 0)
                    {
                        one = new(a4, row >> 2, there ? fours : 0, lane);
                        two = new(a4, otherRow >> 2, otherThere ? fours : 0, lane);
                    }
                    else
                    {
                        one = new(a, row, mask, sequences[q] * p.Hidden, p.Masks, there ? p.Hidden : 0, lane);
                        two = new(a, otherRow, mask, sequences[other] * p.Hidden, p.Masks, otherThere ? p.Hidden : 0, lane);
                    }
                    if (there) { one.Put(tile.SubView(((q * S.Planes) + plane) * pitch), fours, lane); }
                    if (otherThere && other != q) { two.Put(tile.SubView(((other * S.Planes) + plane) * pitch), fours, lane); }
                }
            }
            Group.Barrier();
            int distance = S.Planes * pitch;
            Fours x = tile.SubView((plane * pitch) + lane), end = tile.SubView((plane * pitch) + last);
            int to = (((plane * p.Share) + (((lane >> 4) & 1) * 2) + ((lane >> 3) & 1)) * teams * 4) + (team * 4) + (((lane >> 2) & 1) * 2) + ((lane >> 1) & 1), stays = p.Share - (((lane >> 4) & 1) * 2) - ((lane >> 3) & 1);
            for (int q = 0; q < share; q += AtOnce)
            {
                Gates r0 = default, r1 = default, r2 = default, r3 = default;
                held.Add(x, end, S.Columns, ref r0);
                held.Add(x.SubView(distance), end.SubView(distance), S.Columns, ref r1);
                held.Add(x.SubView(2 * distance), end.SubView(2 * distance), S.Columns, ref r2);
                held.Add(x.SubView(3 * distance), end.SubView(3 * distance), S.Columns, ref r3);
                (x, end) = (x.SubView(AtOnce * distance), end.SubView(AtOnce * distance));
                float sum = WarpSums.Of(r0, r1, r2, r3, lane);
                if ((lane & 1) == 0 && q < stays) { sums[to] = sum; }
                to += AtOnce * teams * 4;
            }
            Group.Barrier();
            int next = S.Back ? step - 1 : step + 1;
            if (step < myLength) { cell.Put(Place(at, rows, myFirst, myLength, step), Sums<S>(sums, p, mine, me - (mine * p.Units), teams), inputs, ref carry); }
            if (next >= 0 && next < myLength) { inputs = cell.Load(Place(at, rows, myFirst, myLength, next)); }
            if (n + 1 < steps)
            {
                Group.Barrier();
                if (counted > 1 && me == 0) { GridBarrier.Arrive(counter); }
            }
        }
        if (mine < share && myUnit < p.Hidden) { cell.End(at.Sequence, at.Unit, carry); }
    }

    // of a number below 32: a remainder by a constant becomes a division
    private static int Third(int warp) => (warp * 43) >> 7;

    private static StepPlace Place(StepPlace at, GpuRows rows, int first, int length, int step)
    {
        at.Row = first + (step * rows.Step);
        at.IsFirst = step == 0 ? 1 : 0;
        at.IsLast = step == length - 1 ? 1 : 0;
        return at;
    }

    // of a way forward the gates of a unit; of a way back a unit's sums over each gate
    private static Gates Sums<S>(ArrayView<float> sums, SequencePlan p, int sequence, int unit, int teams) where S : struct, ISequenceCell
    {
        Gates g = default;
        if (S.Back)
        {
            int from = (sequence * teams * 4) + unit, plane = p.Share * teams * 4;
            float sum = sums[from] + sums[from + plane] + sums[from + (2 * plane)];
            if (S.Planes > 3) { sum += sums[from + (3 * plane)]; }
            g.A = sum;
            return g;
        }
        int at = ((sequence * teams) + unit) * 4;
        (g.A, g.B, g.C) = (sums[at], sums[at + 1], sums[at + 2]);
        if (S.Columns > 3) { g.D = sums[at + 3]; }
        return g;
    }
}
