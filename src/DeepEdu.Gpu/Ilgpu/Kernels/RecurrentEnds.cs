using ILGPU;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>The memory of a recurrent layer, as its steps see it. What is not there is some other view, and its flag 0.</summary>
internal struct CellMemory
{
    /// <summary>Gates [rows, G·H]: sums, values, then dL/d(sums). With a GRU's three, the recurrent parts of n [rows, H].</summary>
    public Floats Gates, Extra;

    /// <summary>States [rows, H], or [batch, H] if they are not kept; the one before the first step [batch, H].</summary>
    public Floats States, Start;

    /// <summary>bₕ [G·H].</summary>
    public Floats Bias;

    /// <summary>h ⊙ r, or its gradient's factor: [rows, H], or [batch, H] if it is not kept. The mask [batch, R].</summary>
    public Floats Reset, Mask;

    public int Hidden, Keep, HasStart, HasBias, HasMask, Step;

    /// <summary>The state before this step.</summary>
    public readonly GpuLane Before(StepPlace at)
    {
        long unit = at.Unit;
        if (at.IsFirst != 0) { return HasStart != 0 ? Start[((long)at.Sequence * Hidden) + unit] : 0f; }
        return States[((long)(Keep != 0 ? at.Row - Step : at.Sequence) * Hidden) + unit];
    }

    /// <summary>A gate's place.</summary>
    public readonly long Gate(StepPlace at, int gates, int gate) => (((long)at.Row * gates) + gate) * Hidden + at.Unit;

    /// <summary>The place of a value that is there for each row or, not kept, for each sequence.</summary>
    public readonly long Kept(StepPlace at) => ((long)(Keep != 0 ? at.Row : at.Sequence) * Hidden) + at.Unit;

    /// <summary>bₕ of a gate.</summary>
    public readonly GpuLane BiasOf(StepPlace at, int gate) => HasBias != 0 ? Bias[((long)gate * Hidden) + at.Unit] : 0f;

    /// <summary>What h is multiplied with before it enters a product.</summary>
    public readonly GpuLane MaskOf(StepPlace at) => HasMask != 0 ? Mask[((long)at.Sequence * Hidden) + at.Unit] : 1f;
}

/// <summary>A step forward: gates, state and h.</summary>
internal struct ForwardEnd<C> : IStepEnd where C : struct, IGpuCell
{
    public CellMemory Memory;

    /// <summary>Becomes h, or what is projected to h.</summary>
    public Floats To;

    /// <summary>Whether <see cref="To"/> has a row for each sequence only.</summary>
    public int BySequence;

    public static int Count => C.Count;

    public static bool Masks => true;

    public readonly void Put(StepPlace at, Gates s)
    {
        var g = CellGates.Sum<C>(s, CellGates.Load<C>(Memory, at), CellGates.Bias<C>(Memory, at));
        if (C.Splits) { Memory.Extra[((long)at.Row * Memory.Hidden) + at.Unit] = g.D.V; }
        ForwardEnds.Finish<C>(Memory, To, BySequence, at, g);
    }
}

/// <summary>Of a GRU that resets h first, the gates r and z, and r ⊙ h₋₁.</summary>
internal struct ResetEnd : IStepEnd
{
    public CellMemory Memory;

    public static int Count => 2;

    public static bool Masks => true;

    public readonly void Put(StepPlace at, Gates s)
    {
        long r = Memory.Gate(at, 3, 0), z = Memory.Gate(at, 3, 1);
        var reset = GpuLane.Sigmoid(s.A + Memory.Gates[r] + Memory.BiasOf(at, 0));
        Memory.Gates[r] = reset.V;
        Memory.Gates[z] = GpuLane.Sigmoid(s.B + Memory.Gates[z] + Memory.BiasOf(at, 1)).V;
        Memory.Reset[Memory.Kept(at)] = (reset * Memory.Before(at) * Memory.MaskOf(at)).V;
    }
}

/// <summary>Of a GRU that resets h first, n and h.</summary>
internal struct LateEnd : IStepEnd
{
    public CellMemory Memory;
    public Floats To;

    public static int Count => 1;

    public readonly void Put(StepPlace at, Gates s)
    {
        Gates g = default;
        g.A = Memory.Gates[Memory.Gate(at, 3, 0)];
        g.B = Memory.Gates[Memory.Gate(at, 3, 1)];
        g.C = s.A + Memory.Gates[Memory.Gate(at, 3, 2)] + Memory.BiasOf(at, 2);
        ForwardEnds.Finish<GpuGruBefore>(Memory, To, 0, at, g);
    }
}

/// <summary>What the ways forward share.</summary>
internal static class ForwardEnds
{
    public static void Finish<C>(CellMemory m, Floats to, int bySequence, StepPlace at, Gates g) where C : struct, IGpuCell
    {
        GpuLane before = C.HasState ? m.Before(at) : default;
        var h = C.Forward(ref g, before, out var state);
        if (C.HasState) { m.States[m.Kept(at)] = state.V; }
        if (m.Keep != 0) { CellGates.Store<C>(m, at, g); }
        to[((long)(bySequence != 0 ? at.Sequence : at.Row) * m.Hidden) + at.Unit] = h.V;
    }
}

/// <summary>What h receives from outside: dL/dh of each step [rows, R], of the last state [batch, R].</summary>
internal struct HiddenPull
{
    public Floats DOutput, DLast, Mask;
    public int Width, HasDOutput, HasDLast, HasMask;

    /// <summary>dL/dh, from what the next step sends back.</summary>
    public readonly GpuLane Of(StepPlace at, GpuLane next)
    {
        long one = ((long)at.Sequence * Width) + at.Unit;
        if (HasMask != 0) { next *= Mask[one]; }
        if (HasDLast != 0 && at.IsLast != 0) { next += DLast[one]; }
        if (HasDOutput != 0) { next += DOutput[((long)at.Row * Width) + at.Unit]; }
        return next;
    }
}

/// <summary>A step back through the cell.</summary>
internal struct BackwardEnd<C> : IStepEnd where C : struct, IGpuCell
{
    public CellMemory Memory;
    public HiddenPull Pull;

    /// <summary>dL/d(state) [batch, H]; dL/d(gate sums), summed over the steps of a sequence [batch, planes·H].</summary>
    public Floats DState, DBias;

    /// <summary>Where the recurrent product's gradients are others than the inputs': these [rows, G·H], of a GRU that resets first [rows, 2H] and [rows, H].</summary>
    public Floats DRecurrent, DLate;

    /// <summary>Whether h is reset first.</summary>
    public int Resets;

    public static int Count => 1;

    public readonly void Put(StepPlace at, Gates s)
    {
        var m = Memory;
        int hidden = m.Hidden, planes = C.Splits ? 4 : C.Count;
        long one = ((long)at.Sequence * hidden) + at.Unit, row = ((long)at.Row * hidden) + at.Unit, bias = ((long)at.Sequence * planes * hidden) + at.Unit;
        var g = CellGates.Load<C>(m, at);
        if (C.Splits) { g.D = m.Extra[row]; }
        GpuLane before = default, state = default, dState = default;
        if (C.HasState)
        {
            before = m.Before(at);
            state = m.States[row];
            dState = DState[one];
        }
        C.Backward(ref g, before, state, Pull.Of(at, s.A), ref dState);
        if (C.HasState) { DState[one] = dState.V; }
        if (Resets != 0)
        {
            // r's gradient comes later: its value stays
            m.Gates[m.Gate(at, C.Count, 1)] = g.B.V;
            m.Gates[m.Gate(at, C.Count, 2)] = g.C.V;
            DRecurrent[(((long)at.Row * 2) + 1) * hidden + at.Unit] = g.B.V;
            DLate[row] = g.C.V;
        }
        else
        {
            CellGates.Store<C>(m, at, g);
            DBias[bias] += g.A.V;
        }
        if (C.Count > 1) { DBias[bias + hidden] += g.B.V; }
        if (C.Count > 2) { DBias[bias + (2 * (long)hidden)] += g.C.V; }
        if (planes > 3) { DBias[bias + (3 * (long)hidden)] += g.D.V; }
        if (C.Splits) { CellGates.StoreRecurrent(m, at, g, DRecurrent); }
    }
}

/// <summary>Of a GRU that resets h first, the way back through r ⊙ h₋₁.</summary>
internal struct UnresetEnd : IStepEnd
{
    public CellMemory Memory;
    public Floats DState, DBias, DRecurrent;

    public static int Count => 1;

    public readonly void Put(StepPlace at, Gates s)
    {
        long one = ((long)at.Sequence * Memory.Hidden) + at.Unit, gate = Memory.Gate(at, 3, 0);
        GpuLane r = Memory.Gates[gate], d = s.A * Memory.MaskOf(at), sum = d * Memory.Before(at) * r * (new GpuLane(1) - r);
        DState[one] = ((d * r) + DState[one]).V;
        Memory.Gates[gate] = sum.V;
        DRecurrent[((long)at.Row * 2 * Memory.Hidden) + at.Unit] = sum.V;
        DBias[((long)at.Sequence * 3 * Memory.Hidden) + at.Unit] += sum.V;
    }
}

/// <summary>The product itself: a projection, dL/dh of each step where h is projected, or dL/dh₀.</summary>
internal struct PlainEnd : IStepEnd
{
    public HiddenPull Pull;
    public Floats To, Also;

    /// <summary>Whether the result has a row for each sequence only; and whether <see cref="Also"/>, of its shape, is added.</summary>
    public int BySequence, HasAlso;

    public static int Count => 1;

    public readonly void Put(StepPlace at, Gates s)
    {
        long to = ((long)(BySequence != 0 ? at.Sequence : at.Row) * Pull.Width) + at.Unit;
        var v = Pull.Of(at, s.A);
        if (HasAlso != 0) { v += Also[to]; }
        To[to] = v.V;
    }
}
