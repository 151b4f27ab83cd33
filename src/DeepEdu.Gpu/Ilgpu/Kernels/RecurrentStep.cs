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

    /// <summary>Whether a may be masked; what may not be has no instructions for it.</summary>
    static virtual bool Masks => false;

    /// <summary>Takes the products of a unit's gates.</summary>
    void Put(StepPlace at, Gates sums);
}

/// <summary>A step of many sequences: a product, and what follows it while it is in registers. A group makes 16 sequences × 8 units of every gate: steps are short and wait for each other, so that more groups that do
/// less are faster than fewer that share more. Its two halves take stretches of k in turn: one multiplies while the other waits for memory.</summary>
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
    /// <summary>Threads of a group: a sequence each, a unit each, and a half of the sum.</summary>
    public const int Side = 16, Units = 8, Halves = 2;

    // rows of the tiles are four longer, so that threads side by side read from different banks
    private const int Depth = 32, Lines = Side * Units / Depth, Stride = (Depth / 4) + 1, Pitch = 4 * Stride, Plane = Side * Stride, PlaneW = Units * Stride;

    public static void Body<E>(E end, Floats a, Floats w, Floats mask, ArrayView<int> table, StepPlan p) where E : struct, IStepEnd
    {
        var parts = SharedMemory.Allocate<Float4>(4 * Halves * Side * Stride);
        var partsW = SharedMemory.Allocate<Float4>(4 * Halves * Units * Stride);
        int half = Group.IdxZ;
        Fours a4 = parts.SubView(half * 4 * Side * Stride), w4 = partsW.SubView(half * 4 * Units * Stride);
        int tx = Group.IdxX, ty = Group.IdxY, me = (ty * Units) + tx, row0 = Grid.IdxX * Side, unit0 = Grid.IdxY * Units;
        // each thread carries four values of each plane of a, and two of w, where planes are gates or, of a product without gates, four stretches of k at once: a long sum then waits for memory a quarter as
        // often. Neighbours in a group read neighbours in memory, whichever way w lies
        int column = me & (Depth - 1), line = me >> 5;
        // from where its values lie, distances are constants, which are part of a load or a store
        Floats sa = a4.Cast<float>().SubView((line * Pitch) + column), sw = w4.Cast<float>();
        Source lineA = new(table, p, row0 + line), lineB = new(table, p, row0 + line + Lines), lineC = new(table, p, row0 + line + (2 * Lines)), lineD = new(table, p, row0 + line + (3 * Lines));
        Carried one = new(p, unit0, p.Across != 0 ? line : tx, p.Across != 0 ? column : ty);
        Carried two = new(p, unit0, p.Across != 0 ? line + Lines : tx, p.Across != 0 ? column : ty + (Depth / 2));
        int terms = E.Count == 1 ? 4 * Depth : Depth, start = half * terms;
        Gates sums = default;
        Gates a0 = lineA.Load<E>(a, mask, p, start + column), a1 = lineB.Load<E>(a, mask, p, start + column);
        Gates a2 = lineC.Load<E>(a, mask, p, start + column), a3 = lineD.Load<E>(a, mask, p, start + column);
        Gates w0 = one.Get<E>(w, start), w1 = two.Get<E>(w, start);
        for (int k0 = 0; k0 < p.K; k0 += Halves * terms)
        {
            PutA<E>(sa, 0, a0);
            PutA<E>(sa, Lines * Pitch, a1);
            PutA<E>(sa, 2 * Lines * Pitch, a2);
            PutA<E>(sa, 3 * Lines * Pitch, a3);
            one.Put<E>(sw, w0);
            two.Put<E>(sw, w1);
            Group.Barrier();
            // the next are on their way while these are multiplied; behind the last, nothing is
            int next = k0 + (Halves * terms) + start;
            a0 = lineA.Load<E>(a, mask, p, next + column);
            a1 = lineB.Load<E>(a, mask, p, next + column);
            a2 = lineC.Load<E>(a, mask, p, next + column);
            a3 = lineD.Load<E>(a, mask, p, next + column);
            w0 = one.Get<E>(w, next);
            w1 = two.Get<E>(w, next);
            Fours x = a4.SubView(ty * Stride), y = w4.SubView(tx * Stride);
            for (int d = 0; d < Depth / 4; d++)
            {
                var v = x[0];
                Add(v, y[0], ref sums.A);
                if (Planes<E>() > 1) { Add(E.Count == 1 ? x[Plane] : v, y[PlaneW], ref sums.B); }
                if (Planes<E>() > 2) { Add(E.Count == 1 ? x[2 * Plane] : v, y[2 * PlaneW], ref sums.C); }
                if (Planes<E>() > 3) { Add(E.Count == 1 ? x[3 * Plane] : v, y[3 * PlaneW], ref sums.D); }
                x = x.SubView(1);
                y = y.SubView(1);
            }
            Group.Barrier();
        }
        if (E.Count == 1) { sums.A = sums.A + sums.B + (sums.C + sums.D); }
        if (half != 0) { parts[me] = Of(sums); }
        Group.Barrier();
        if (half == 0 && row0 + ty < p.Running && unit0 + tx < p.Units)
        {
            sums = Sum(sums, parts[me]);
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

    private static Float4 Of(Gates g)
    {
        Float4 v = default;
        (v.X, v.Y, v.Z, v.W) = (g.A.V, g.B.V, g.C.V, g.D.V);
        return v;
    }

    private static Gates Sum(Gates g, Float4 v)
    {
        (g.A, g.B, g.C, g.D) = (g.A + v.X, g.B + v.Y, g.C + v.Z, g.D + v.W);
        return g;
    }

    private static int Planes<E>() where E : struct, IStepEnd => E.Count == 1 ? 4 : E.Count;

    private static void PutA<E>(Floats sa, int at, Gates g) where E : struct, IStepEnd
    {
        sa[at] = g.A.V;
        if (E.Count == 1)
        {
            sa[at + (4 * Plane)] = g.B.V;
            sa[at + (8 * Plane)] = g.C.V;
            sa[at + (12 * Plane)] = g.D.V;
        }
    }

    // a row of a; where there is none, it has no terms. One comparison a load: more are branches
    private readonly struct Source
    {
        private readonly int _terms, _from, _mask;

        public Source(ArrayView<int> table, StepPlan p, int at)
        {
            (_terms, _from, _mask) = (0, 0, 0);
            if (at < p.Running)
            {
                p.Rows.Locate(table, at, out int sequence, out int first, out int length);
                _mask = sequence * p.K;
                if (p.Shift == 2) { (_terms, _from) = (p.K, _mask); }
                else if (p.Step + p.Shift < length) { (_terms, _from) = (p.K, (first + ((p.Step + p.Shift) * p.Rows.Step)) * p.K); }
            }
        }

        public Gates Load<E>(Floats a, Floats mask, StepPlan p, int k) where E : struct, IStepEnd
        {
            Gates g = default;
            g.A = One<E>(a, mask, p, k);
            if (E.Count == 1)
            {
                g.B = One<E>(a, mask, p, k + Depth);
                g.C = One<E>(a, mask, p, k + (2 * Depth));
                g.D = One<E>(a, mask, p, k + (3 * Depth));
            }
            return g;
        }

        private float One<E>(Floats a, Floats mask, StepPlan p, int k) where E : struct, IStepEnd
        {
            float v = 0f;
            if (k < _terms)
            {
                v = a[_from + k];
                if (E.Masks && p.Masks != 0) { v *= mask[_mask + k]; }
            }
            return v;
        }
    }

    // what a thread carries of w: a value of each plane, of one unit
    private readonly struct Carried(StepPlan p, int unit0, int unit, int k)
    {
        private readonly int _to = (unit * Pitch) + k, _terms = unit0 + unit < p.Units ? p.K - k : 0,
            _from = p.Across != 0 ? ((unit0 + unit) * p.K) + k : (k * p.Units) + unit0 + unit, _step = p.Across != 0 ? 1 : p.Units, _gate = p.Units * p.K;

        public Gates Get<E>(Floats w, int k0) where E : struct, IStepEnd
        {
            Gates g = default;
            int rest = _terms - k0, at = _from + (k0 * _step);
            if (E.Count == 1)
            {
                int further = Depth * _step;
                if (rest > 0) { g.A = w[at]; }
                if (rest > Depth) { g.B = w[at + further]; }
                if (rest > 2 * Depth) { g.C = w[at + (2 * further)]; }
                if (rest > 3 * Depth) { g.D = w[at + (3 * further)]; }
            }
            else if (rest > 0)
            {
                g.A = w[at];
                if (Planes<E>() > 1) { g.B = w[at + _gate]; }
                if (Planes<E>() > 2) { g.C = w[at + (2 * _gate)]; }
                if (Planes<E>() > 3) { g.D = w[at + (3 * _gate)]; }
            }
            return g;
        }

        public void Put<E>(Floats sw, Gates g) where E : struct, IStepEnd
        {
            sw[_to] = g.A.V;
            if (Planes<E>() > 1) { sw[_to + (4 * PlaneW)] = g.B.V; }
            if (Planes<E>() > 2) { sw[_to + (8 * PlaneW)] = g.C.V; }
            if (Planes<E>() > 3) { sw[_to + (12 * PlaneW)] = g.D.V; }
        }
    }
}
