using DeepEdu.Devices;
using DeepEdu.Kernels;
using DeepEdu.Memory;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Recurrent layers: one product of all inputs with Wᵢ, or a look-up where they are categories, then a launch a step, in which the product with Wₕ and the cell are one kernel. Nothing waits for the accelerator.</summary>
internal static class RecurrentKernels
{
    public static void Register(GpuDevice device)
    {
        device.Register((GpuDevice d, in RecurrentForward k) =>
        {
            if (k.Data.Rows.Batch == 0 || k.Data.Hidden == 0) { return; }
            using var arena = new Arena();
            switch (k.Data.Kind)
            {
                case CellKind.Lstm: Forward<GpuLstm>(d, k); break;
                case CellKind.CoupledLstm: Forward<GpuCoupledLstm>(d, k); break;
                case CellKind.Gru: Forward<GpuGru>(d, k); break;
                case CellKind.GruResetBefore: Forward<GpuGruBefore>(d, k); break;
                case CellKind.Tanh: Forward<GpuTanhCell>(d, k); break;
                default: Forward<GpuReluCell>(d, k); break;
            }
        });
        device.Register((GpuDevice d, in RecurrentBackward k) => RecurrentPull.Run(d, k));
    }

    private static void Forward<C>(GpuDevice d, in RecurrentForward k) where C : struct, IGpuCell
    {
        var p = k.Data;
        var steps = new RecurrentSteps(d, p);
        int h = p.Hidden, r = p.Recurrent, rows = p.Rows.Count;
        bool projects = !p.WeightHr.IsNone, resets = p.Kind == CellKind.GruResetBefore;
        var gates = steps.Memory.Gates;
        if (rows > 0 && p.Categories is not null) { RecurrentCategories.Take(d, p, gates, C.Count * h); }
        else if (rows > 0)
        {
            MatMulKernel.Launch(d, GpuDevice.Of(p.X), GpuDevice.Of(p.WeightIh), p.BiasIh.IsNone ? gates : GpuDevice.Of(p.BiasIh), gates,
                new() { M = rows, K = p.Inputs, N = C.Count * h, TransB = 1, HasBias = p.BiasIh.IsNone ? 0 : 1, Batch = new(Broadcast.Flat(1)) }, 1);
        }
        Floats output = GpuDevice.Of(p.Output), wh = GpuDevice.Of(p.WeightHh), raw = projects ? GpuDevice.Of(p.Raw) : output;
        int masks = p.Mask.IsNone ? 0 : 1;
        bool whole = !projects && !resets && C.Count > 2 && new Sequences(d, p, steps).Run(new ForwardCell<C> { Memory = steps.Memory, To = output }, wh, output, p.H0);
        for (int s = whole ? steps.Count : 0; s < steps.Count; s++)
        {
            var before = s > 0 ? output : p.H0.IsNone ? output : GpuDevice.Of(p.H0);
            StepPlan product = new() { K = s > 0 || !p.H0.IsNone ? r : 0, Units = h, Shift = s > 0 ? -1 : 2, Across = 1, Masks = masks };
            if (resets)
            {
                steps.Run(d, s, new ResetEnd { Memory = steps.Memory }, before, wh, product);
                steps.Run(d, s, new LateEnd { Memory = steps.Memory, To = output }, steps.Memory.Reset, wh.SubView(2L * h * h, (long)h * h), product with { Shift = p.Keep ? 0 : 2, Masks = 0 });
            }
            else
            {
                steps.Run(d, s, new ForwardEnd<C> { Memory = steps.Memory, To = raw, BySequence = projects && !p.Keep ? 1 : 0 }, before, wh, product);
            }
            if (projects)
            {
                steps.Run(d, s, new PlainEnd { Pull = Nothing(r, output), To = output, Also = output }, raw, GpuDevice.Of(p.WeightHr), new() { K = h, Units = r, Shift = p.Keep ? 0 : 2, Across = 1 });
            }
        }
        steps.Last(d, output, r, byRow: true, p.H0, k.LastH);
        if (!k.LastC.IsNone) { steps.Last(d, steps.Memory.States, h, p.Keep, p.C0, k.LastC); }
    }

    /// <summary>No dL/dh from outside.</summary>
    internal static HiddenPull Nothing(int width, Floats any) => new() { Width = width, DOutput = any, DLast = any, Mask = any };
}

/// <summary>The steps of a recurrent layer on a device.</summary>
internal sealed class RecurrentSteps
{
    private readonly int[] _lengths; // longest first; empty where all are equal
    private readonly GpuRows _rows;
    private readonly ArrayView<int> _table;
    private readonly Floats _mask;

    public RecurrentSteps(GpuDevice d, in RecurrentData p)
    {
        var rows = p.Rows;
        int h = p.Hidden;
        var plan = CellPlan.Of(p.Kind);
        _lengths = [];
        Count = rows.Length.Max();
        _rows = new() { Batch = rows.Batch, Between = rows.Batch > 1 ? rows.First[1] - rows.First[0] : 0, Start = rows.First[0], Step = rows.Step, Length = Count };
        if (rows.Length.AsSpan().ContainsAnyExcept(Count))
        {
            int[] order = new int[rows.Batch];
            for (int i = 0; i < order.Length; i++) { order[i] = i; }
            _lengths = Array.ConvertAll(rows.Length, x => -x);
            Array.Sort(_lengths, order);
            for (int i = 0; i < order.Length; i++) { _lengths[i] = -_lengths[i]; }
            _table = d.Upload<int>([.. order, .. Array.ConvertAll(order, i => rows.First[i]), .. _lengths]);
            _rows.HasTable = 1;
        }
        else { _table = d.Upload<int>([]); }
        var output = GpuDevice.Of(p.Output);
        _mask = GpuDevice.Of(p.Mask, output);
        bool extra = p.Kind == CellKind.Gru;
        int needed = rows.Count * (extra ? 4 : plan.Gates) * h;
        var gates = GpuDevice.Of(p.Gates.Length >= needed ? p.Gates : new(d.Allocate(needed), 0, needed));
        View start = plan.HasCell ? p.C0 : p.H0;
        Memory = new()
        {
            Gates = gates.SubView(0, (long)rows.Count * plan.Gates * h),
            Extra = extra ? gates.SubView((long)rows.Count * 3 * h, (long)rows.Count * h) : gates,
            States = p.Keep ? GpuDevice.Of(p.Cells, output) : GpuDevice.Of(p.Start),
            Start = GpuDevice.Of(start, output), HasStart = start.IsNone ? 0 : 1, Bias = GpuDevice.Of(p.BiasHh, output), HasBias = p.BiasHh.IsNone ? 0 : 1,
            Reset = GpuDevice.Of(p.Reset, output), Mask = _mask, HasMask = p.Mask.IsNone ? 0 : 1, Hidden = h, Keep = p.Keep ? 1 : 0, Step = rows.Step,
        };
    }

    /// <summary>Where the sequences lie.</summary>
    public GpuRows Rows => _rows;

    /// <inheritdoc cref="Rows"/>
    public ArrayView<int> Table => _table;

    /// <summary>The longest sequence's steps.</summary>
    public int Count { get; }

    /// <summary>What the cells work on.</summary>
    public CellMemory Memory { get; }

    /// <summary>A step: the product and its end, for the sequences that have it.</summary>
    public void Run<E>(GpuDevice d, int step, E end, Floats a, Floats w, StepPlan plan) where E : struct, IStepEnd
    {
        int running = _lengths.Length == 0 ? _rows.Batch : 0;
        while (running < _lengths.Length && _lengths[running] > step) { running++; }
        if (running == 0 || plan.Units == 0) { return; }
        (plan.Rows, plan.Step, plan.Running) = (_rows, step, running);
        // sequences are many, and only the first number of groups may be above 65535
        d.Start(new KernelConfig(new Index3D((running + RecurrentStep.Side - 1) / RecurrentStep.Side, (plan.Units + RecurrentStep.Units - 1) / RecurrentStep.Units, 1), new Index3D(RecurrentStep.Units, RecurrentStep.Side, RecurrentStep.Halves)),
            new StepKernel<E> { End = end, A = a, W = w, Mask = _mask, Table = _table, Plan = plan });
    }

    /// <summary>The values after each sequence's last step, or those before its first.</summary>
    public void Last(GpuDevice d, Floats values, int width, bool byRow, View start, View to)
    {
        if (to.Length == 0) { return; }
        d.Start(to.Length, new LastKernel
        {
            Values = values, First = GpuDevice.Of(start, values), To = GpuDevice.Of(to), Table = _table, Rows = _rows, Width = width, ByRow = byRow ? 1 : 0, HasFirst = start.IsNone ? 0 : 1,
        });
    }

    /// <summary>For each row the h that entered its step's product: the one before, or h₀, masked [rows, R].</summary>
    public void Entering(GpuDevice d, Floats output, int width, View start, Floats to)
    {
        if (to.Length == 0) { return; }
        d.Start((long)_rows.Batch * Count * width, new EnteringKernel
        {
            Output = output, First = GpuDevice.Of(start, output), Mask = _mask, To = to, Table = _table, Rows = _rows, Width = width, HasFirst = start.IsNone ? 0 : 1, HasMask = Memory.HasMask,
        });
    }
}

/// <summary>The values after each sequence's last step, or those before its first.</summary>
internal struct LastKernel : IGpuKernel
{
    public Floats Values, First, To;
    public ArrayView<int> Table;
    public GpuRows Rows;
    public int Width, ByRow, HasFirst;

    public readonly void Run()
    {
        for (long i = Grid.GlobalLinearIndex; i < To.Length; i += (long)Grid.DimX * Group.DimX)
        {
            int at = (int)((uint)i / (uint)Width), unit = (int)((uint)i % (uint)Width);
            Rows.Locate(Table, at, out int sequence, out int first, out int length);
            long one = ((long)sequence * Width) + unit;
            if (length > 0) { To[one] = Values[((long)(ByRow != 0 ? first + ((length - 1) * Rows.Step) : sequence) * Width) + unit]; }
            else { To[one] = HasFirst != 0 ? First[one] : 0f; }
        }
    }
}

/// <summary>For each row the h that entered its step's product.</summary>
internal struct EnteringKernel : IGpuKernel
{
    public Floats Output, First, Mask, To;
    public ArrayView<int> Table;
    public GpuRows Rows;
    public int Width, HasFirst, HasMask;

    public readonly void Run()
    {
        long all = (long)Rows.Batch * Rows.Length * Width;
        for (long i = Grid.GlobalLinearIndex; i < all; i += (long)Grid.DimX * Group.DimX)
        {
            uint value = (uint)i / (uint)Width;
            int unit = (int)((uint)i - (value * (uint)Width)), at = (int)(value / (uint)Rows.Length), step = (int)value - (at * Rows.Length);
            Rows.Locate(Table, at, out int sequence, out int first, out int length);
            if (step < length)
            {
                long row = first + (step * Rows.Step), one = ((long)sequence * Width) + unit;
                float v = 0f;
                if (step > 0) { v = Output[((row - Rows.Step) * Width) + unit]; }
                else if (HasFirst != 0) { v = First[one]; }
                if (HasMask != 0) { v *= Mask[one]; }
                To[(row * Width) + unit] = v;
            }
        }
    }
}
