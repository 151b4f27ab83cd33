using ILGPU;
using Floats = ILGPU.ArrayView<float>;
using Fours = ILGPU.ArrayView<DeepEdu.Gpu.Float4>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Where the sequences lie, the longest first: arithmetic for sequences of one length, else a table [order, first rows, lengths].</summary>
internal struct GpuRows
{
    public int Batch, Between, Start, Step, Length, HasTable;

    /// <summary>The at-th longest sequence.</summary>
    public readonly void Locate(ArrayView<int> table, int at, out int sequence, out int first, out int length)
    {
        (sequence, first, length) = (at, (at * Between) + Start, Length);
        if (HasTable != 0) { (sequence, first, length) = (table[at], table[Batch + at], table[(2 * Batch) + at]); }
    }
}

/// <summary>One value of one step: of which sequence, in which row, of which unit.</summary>
internal struct StepPlace
{
    public int Sequence, Row, Unit, IsFirst, IsLast;
}

/// <summary>Sizes of a step's product a·w, and where its factors lie.</summary>
internal struct StepPlan
{
    public GpuRows Rows;

    /// <summary>The step, and how many sequences have it.</summary>
    public int Step, Running;

    /// <summary>Terms of a sum, and units of the result.</summary>
    public int K, Units;

    /// <summary>The row of a: this step's (0), the one before (−1) or after (1), where there is one; or that of the sequence (2).</summary>
    public int Shift;

    /// <summary>Whether w is [gates · units, K], not [K, units].</summary>
    public int Across;

    /// <summary>Whether a is multiplied with the sequence's mask [batch, K].</summary>
    public int Masks;
}

/// <summary>What follows a step's product.</summary>
internal interface IStepEnd
{
    /// <summary>Gates in the product.</summary>
    static abstract int Count { get; }

    /// <summary>Takes the products of a unit's gates.</summary>
    void Put(StepPlace at, Gates sums);
}

/// <summary>A step of many sequences: a product, and what follows it while it is in registers. A group makes 16 sequences × 16 units of every gate.</summary>
internal struct StepKernel<E> : IGpuKernel where E : struct, IStepEnd
{
    public E End;
    public Floats A, W, Mask;
    public ArrayView<int> Table;
    public StepPlan Plan;

    public readonly void Run() => RecurrentStep.Body(End, A, W, Mask, Table, Plan);
}

/// <summary>The body of <see cref="StepKernel{E}"/>.</summary>
internal static class RecurrentStep
{
    /// <summary>Threads of a group along each axis.</summary>
    public const int Side = 16;

    // rows of the tiles are four longer, so that threads side by side read from different banks
    private const int Depth = 32, Stride = (Depth / 4) + 1, Pitch = 4 * Stride;

    public static void Body<E>(E end, Floats a, Floats w, Floats mask, ArrayView<int> table, StepPlan p) where E : struct, IStepEnd
    {
        var a4 = SharedMemory.Allocate<Float4>(Side * Stride);
        var w4 = SharedMemory.Allocate<Float4>(4 * Side * Stride);
        Floats sa = a4.Cast<float>(), sw = w4.Cast<float>();
        int tx = Group.IdxX, ty = Group.IdxY, me = (ty * Side) + tx, row0 = Grid.IdxY * Side, unit0 = Grid.IdxX * Side;
        // each thread carries two values of a and two of each gate of w; neighbours in a group read neighbours in memory, whichever way w lies
        int column = me & (Depth - 1), line = me >> 5;
        Source(table, p, row0 + line, out int fromA, out int maskA);
        Source(table, p, row0 + line + (Side / 2), out int fromB, out int maskB);
        Carried one = new(p, unit0, p.Across != 0 ? line : tx, p.Across != 0 ? column : ty);
        Carried two = new(p, unit0, p.Across != 0 ? line + (Side / 2) : tx, p.Across != 0 ? column : ty + (Depth / 2));
        Gates sums = default;
        float a0 = Load(a, mask, p, fromA, maskA, column), a1 = Load(a, mask, p, fromB, maskB, column);
        Gates w0 = one.Get<E>(w, p, 0), w1 = two.Get<E>(w, p, 0);
        for (int k0 = 0; k0 < p.K; k0 += Depth)
        {
            sa[(line * Pitch) + column] = a0;
            sa[((line + (Side / 2)) * Pitch) + column] = a1;
            one.Put<E>(sw, w0);
            two.Put<E>(sw, w1);
            Group.Barrier();
            // the next are on their way while these are multiplied
            int next = k0 + Depth;
            if (next < p.K)
            {
                a0 = Load(a, mask, p, fromA, maskA, next + column);
                a1 = Load(a, mask, p, fromB, maskB, next + column);
                w0 = one.Get<E>(w, p, next);
                w1 = two.Get<E>(w, p, next);
            }
            // distances between gates are constants, which are part of a load
            Fours x = a4.SubView(ty * Stride), y = w4.SubView(tx * Stride);
            for (int d = 0; d < Depth / 4; d++)
            {
                var v = x[0];
                Add(v, y[0], ref sums.A);
                if (E.Count > 1) { Add(v, y[Side * Stride], ref sums.B); }
                if (E.Count > 2) { Add(v, y[2 * Side * Stride], ref sums.C); }
                if (E.Count > 3) { Add(v, y[3 * Side * Stride], ref sums.D); }
                x = x.SubView(1);
                y = y.SubView(1);
            }
            Group.Barrier();
        }
        if (row0 + ty < p.Running && unit0 + tx < p.Units)
        {
            p.Rows.Locate(table, row0 + ty, out int sequence, out int first, out int length);
            StepPlace place = default;
            place.Sequence = sequence;
            place.Row = first + (p.Step * p.Rows.Step);
            place.Unit = unit0 + tx;
            place.IsFirst = p.Step == 0 ? 1 : 0;
            place.IsLast = p.Step == length - 1 ? 1 : 0;
            end.Put(place, sums);
        }
    }

    private static void Add(Float4 a, Float4 b, ref GpuLane sum) =>
        sum = GpuLane.MultiplyAdd(a.W, b.W, GpuLane.MultiplyAdd(a.Z, b.Z, GpuLane.MultiplyAdd(a.Y, b.Y, GpuLane.MultiplyAdd(a.X, b.X, sum))));

    // the row of a; negative if there is none
    private static void Source(ArrayView<int> table, StepPlan p, int at, out int row, out int sequence)
    {
        row = -1;
        sequence = 0;
        if (at < p.Running)
        {
            p.Rows.Locate(table, at, out sequence, out int first, out int length);
            if (p.Shift == 2) { row = sequence; }
            else if (p.Step + p.Shift < length) { row = first + ((p.Step + p.Shift) * p.Rows.Step); }
        }
    }

    private static float Load(Floats a, Floats mask, StepPlan p, int row, int sequence, int k)
    {
        if (row < 0 || k >= p.K) { return 0f; }
        float v = a[((long)row * p.K) + k];
        return p.Masks != 0 ? v * mask[((long)sequence * p.K) + k] : v;
    }

    // what a thread carries of w: a value of each gate, of one unit and at one place along k
    private readonly struct Carried(StepPlan p, int unit0, int unit, int k)
    {
        private readonly int _k = k, _to = (unit * Pitch) + k, _inside = unit0 + unit < p.Units ? 1 : 0;
        private readonly long _from = p.Across != 0 ? ((long)(unit0 + unit) * p.K) + k : ((long)k * p.Units) + unit0 + unit, _step = p.Across != 0 ? 1 : p.Units, _gate = (long)p.Units * p.K;

        public Gates Get<E>(Floats w, StepPlan p, int k0) where E : struct, IStepEnd
        {
            Gates g = default;
            if (_inside != 0 && k0 + _k < p.K)
            {
                long at = _from + (k0 * _step);
                g.A = w[at];
                if (E.Count > 1) { g.B = w[at + _gate]; }
                if (E.Count > 2) { g.C = w[at + (2 * _gate)]; }
                if (E.Count > 3) { g.D = w[at + (3 * _gate)]; }
            }
            return g;
        }

        public void Put<E>(Floats sw, Gates g) where E : struct, IStepEnd
        {
            sw[_to] = g.A.V;
            if (E.Count > 1) { sw[_to + (Side * Pitch)] = g.B.V; }
            if (E.Count > 2) { sw[_to + (2 * Side * Pitch)] = g.C.V; }
            if (E.Count > 3) { sw[_to + (3 * Side * Pitch)] = g.D.V; }
        }
    }
}
