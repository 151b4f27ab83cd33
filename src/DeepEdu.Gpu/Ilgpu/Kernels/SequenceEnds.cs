using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>What a cell reads of a step besides its sums: what of it lies in memory long before, so that it is on its way while groups wait for each other.</summary>
internal struct CellInputs
{
    public Gates Gates;
    public GpuLane Before, State, Pull;
}

/// <summary>What a thread keeps of its sequence and unit from step to step: the state, or dL/d(state) and that of the biases; and what it needs again in each.</summary>
internal struct CellCarry
{
    public GpuLane State, Mask;
    public Gates Bias;
}

/// <summary>A cell in a loop over steps: which product its sums are, and what is made of them.</summary>
internal interface ISequenceCell
{
    /// <summary>Whether the steps go from the last to the first.</summary>
    static abstract bool Back { get; }

    /// <summary>Matrices [H, H] of the weight that a sum goes over, one after the other: 1, or the gates of the way back.</summary>
    static abstract int Planes { get; }

    /// <summary>Columns of the product that a warp has at once: the gates of a unit, or four units.</summary>
    static abstract int Columns { get; }

    /// <summary>What a sequence's unit begins with.</summary>
    CellCarry Begin(int sequence, int unit);

    /// <summary>Reads what a step needs.</summary>
    CellInputs Load(StepPlace at);

    /// <summary>Takes the sums of a step.</summary>
    void Put(StepPlace at, Gates sums, CellInputs inputs, ref CellCarry carry);

    /// <summary>Stores what was kept.</summary>
    void End(int sequence, int unit, CellCarry carry);
}

/// <summary>The way forward of cells whose gates follow from one product.</summary>
internal struct ForwardCell<C> : ISequenceCell where C : struct, IGpuCell
{
    public CellMemory Memory;

    /// <summary>Becomes h [rows, H].</summary>
    public Floats To;

    public static bool Back => false;

    public static int Planes => 1;

    public static int Columns => C.Count;

    public readonly CellCarry Begin(int sequence, int unit)
    {
        StepPlace at = default;
        (at.Sequence, at.Unit, at.IsFirst) = (sequence, unit, 1);
        CellCarry carry = default;
        if (C.HasState) { carry.State = Memory.Before(at); }
        carry.Bias = CellGates.Bias<C>(Memory, at);
        return carry;
    }

    public readonly CellInputs Load(StepPlace at)
    {
        CellInputs x = default;
        x.Gates = CellGates.Load<C>(Memory, at);
        return x;
    }

    public readonly void Put(StepPlace at, Gates s, CellInputs x, ref CellCarry carry)
    {
        var g = CellGates.Sum<C>(s, x.Gates, carry.Bias);
        long row = ((long)at.Row * Memory.Hidden) + at.Unit;
        var recurrent = g.D;
        To[row] = C.Forward(ref g, carry.State, out carry.State).V;
        if (C.Splits) { Memory.Extra[row] = recurrent.V; }
        if (C.HasState) { Memory.States[Memory.Kept(at)] = carry.State.V; }
        if (Memory.Keep != 0) { CellGates.Store<C>(Memory, at, g); }
    }

    public readonly void End(int sequence, int unit, CellCarry carry) { }
}

/// <summary>Their way back.</summary>
internal struct BackwardCell<C> : ISequenceCell where C : struct, IGpuCell
{
    public CellMemory Memory;
    public HiddenPull Pull;

    /// <inheritdoc cref="BackwardEnd{C}.DState"/>
    public Floats DState, DBias;

    /// <inheritdoc cref="BackwardEnd{C}.DRecurrent"/>
    public Floats DRecurrent;

    public static bool Back => true;

    public static int Planes => C.Count;

    public static int Columns => 4;

    private static int Sums => C.Splits ? 4 : C.Count;

    public readonly CellCarry Begin(int sequence, int unit)
    {
        CellCarry carry = default;
        long one = ((long)sequence * Memory.Hidden) + unit;
        carry.State = DState[one];
        carry.Mask = Pull.HasMask != 0 ? Pull.Mask[one] : 1f;
        return carry;
    }

    public readonly CellInputs Load(StepPlace at)
    {
        CellInputs x = default;
        long row = ((long)at.Row * Memory.Hidden) + at.Unit;
        x.Gates = CellGates.Load<C>(Memory, at);
        if (C.Splits) { x.Gates.D = Memory.Extra[row]; }
        (x.Before, x.State) = (Memory.Before(at), Memory.States[row]);
        if (Pull.HasDLast != 0 && at.IsLast != 0) { x.Pull = Pull.DLast[((long)at.Sequence * Memory.Hidden) + at.Unit]; }
        if (Pull.HasDOutput != 0) { x.Pull += Pull.DOutput[row]; }
        return x;
    }

    public readonly void Put(StepPlace at, Gates s, CellInputs x, ref CellCarry carry)
    {
        var g = x.Gates;
        C.Backward(ref g, x.Before, x.State, (s.A * carry.Mask) + x.Pull, ref carry.State);
        CellGates.Store<C>(Memory, at, g);
        if (C.Splits) { CellGates.StoreRecurrent(Memory, at, g, DRecurrent); }
        (carry.Bias.A, carry.Bias.B, carry.Bias.C, carry.Bias.D) = (carry.Bias.A + g.A, carry.Bias.B + g.B, carry.Bias.C + g.C, carry.Bias.D + g.D);
    }

    public readonly void End(int sequence, int unit, CellCarry carry)
    {
        long hidden = Memory.Hidden, bias = ((long)sequence * Sums * hidden) + unit;
        DState[((long)sequence * hidden) + unit] = carry.State.V;
        (DBias[bias], DBias[bias + hidden], DBias[bias + (2 * hidden)]) = (carry.Bias.A.V, carry.Bias.B.V, carry.Bias.C.V);
        if (Sums > 3) { DBias[bias + (3 * hidden)] = carry.Bias.D.V; }
    }
}
