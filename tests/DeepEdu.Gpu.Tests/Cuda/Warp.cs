using System.Numerics;
using System.Runtime.InteropServices;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>32 threads that go through the code together where they can. Where they part, those that are furthest back in the text go on, until the others are reached; at a barrier, and at an
/// instruction of the whole warp, each waits for the rest. A register is 32 values side by side.</summary>
internal sealed unsafe class Warp
{
    private readonly KernelCode _code;
    private readonly (int Pc, uint Mask, bool Waits)[] _parts = new (int, uint, bool)[33];
    private int _count, _pc, _stop;
    private uint _all, _live;

    /// <summary>The registers, and for each register the lanes that have been written.</summary>
    public readonly byte* R;

    /// <inheritdoc cref="R"/>
    public readonly uint* Written;

    /// <summary>The active lanes as masks of 4 and of 8 bytes.</summary>
    public readonly int* Mask4;

    /// <inheritdoc cref="Mask4"/>
    public readonly long* Mask8;

    /// <summary>The lanes that an instruction is for.</summary>
    public uint Active;

    /// <summary>The active lanes that a branch takes, set by it.</summary>
    public uint Taken;

    public Warp(KernelCode code, BlockRun block, int number)
    {
        (_code, Block, Number) = (code, block, number);
        R = (byte*)NativeMemory.AlignedAlloc((nuint)code.RegisterBytes + 256, 64);
        Written = (uint*)NativeMemory.AlignedAlloc((nuint)(code.RegisterCount + 1) * 4, 64);
        Mask4 = (int*)NativeMemory.AlignedAlloc(32 * 4, 64);
        Mask8 = (long*)NativeMemory.AlignedAlloc(32 * 8, 64);
    }

    public BlockRun Block { get; }

    /// <summary>Which of the block's warps.</summary>
    public int Number { get; }

    /// <summary>Whether it waits at a barrier, and at which instruction; otherwise it is done.</summary>
    public bool IsAtBarrier { get; private set; }

    /// <summary>Whether it looks at what others write, and has let them go on; whether all its threads have returned.</summary>
    public bool IsLooking { get; private set; }

    /// <inheritdoc cref="IsLooking"/>
    public bool IsDone => _live == 0;

    /// <summary>The barrier it waits at.</summary>
    public Instruction? Barrier { get; private set; }

    public bool IsActive(int lane) => (Active >> lane & 1) != 0;

    /// <summary>Back to the first instruction, for so many threads.</summary>
    public void Begin(int threads)
    {
        _all = _live = threads >= 32 ? uint.MaxValue : (1u << threads) - 1;
        (_count, _pc, _stop, IsAtBarrier) = (0, 0, int.MaxValue, false);
        IsLooking = false;
        new Span<uint>(Written, _code.RegisterCount).Clear();
        _code.Constants.CopyTo(new Span<byte>(R, _code.Constants.Length));
        SetActive(_all);
    }

    public void Free()
    {
        NativeMemory.AlignedFree(R);
        NativeMemory.AlignedFree(Written);
        NativeMemory.AlignedFree(Mask4);
        NativeMemory.AlignedFree(Mask8);
    }

    /// <summary>All have come to the barrier.</summary>
    public void Release() => IsAtBarrier = false;

    /// <summary>Runs up to a barrier of the block, something that others may have to change, or the end.</summary>
    public long Run()
    {
        var code = _code.Instructions;
        long steps = 0;
        IsAtBarrier = IsLooking = false;
        for (; ; )
        {
            if (_pc >= _stop) { Meet(); }
            if (_pc >= code.Length) { throw Block.Fault(this, code[^1], Lane(), "the code ends without ret"); }
            var i = code[_pc];
            if ((++steps & 0xFFFFF) == 0) { Block.CountSteps(this, i, 1 << 20); }
            uint active = Active;
            if (i.Guard >= 0)
            {
                NeedWritten(i, i.GuardNumber, active);
                uint p = *(uint*)(R + i.Guard), taken = active & (i.IsNegated ? ~p : p);
                if (i.Flow == Flow.Branch) { Taken = taken; }
                else if (taken != active)
                {
                    if (taken == 0) { _pc++; continue; }
                    if (i.Flow is Flow.Next or Flow.Look or Flow.Return)
                    {
                        uint rest = active & ~taken;
                        SetActive(taken);
                        if (i.Flow == Flow.Return) { _live &= ~taken; SetActive(rest); }
                        else { Do(i); SetActive(active); }
                        _pc++;
                        continue;
                    }
                    throw Block.Fault(this, i, BitOperations.TrailingZeroCount(active & ~taken), "the predicate keeps some threads of the warp away");
                }
            }
            else if (i.Flow == Flow.Branch) { Taken = active; }
            switch (i.Flow)
            {
                case Flow.Next:
                    Do(i);
                    _pc++;
                    break;
                case Flow.Look:
                    Do(i);
                    _pc++;
                    IsLooking = true;
                    return steps;
                case Flow.Branch:
                    Branch(i, active);
                    break;
                case Flow.Return:
                    _live &= ~active;
                    if (_live == 0) { return steps; }
                    Switch(i);
                    break;
                default:
                    if (active != _live && !Gather(i, active)) { break; }
                    if (Active != _all) { throw Block.Fault(this, i, BitOperations.TrailingZeroCount(_all & ~Active), $"{i.Text.Name} is not reached by all threads: this one has returned"); }
                    _pc++;
                    if (i.Flow == Flow.Barrier)
                    {
                        (IsAtBarrier, Barrier) = (true, i);
                        return steps;
                    }
                    Do(i);
                    break;
            }
        }
    }

    /// <summary>The first active lane, for errors that are of all.</summary>
    public int Lane() => BitOperations.TrailingZeroCount(Active | 0x80000000);

    private void Do(Instruction i)
    {
        foreach (int r in i.Reads) { if ((Active & ~Written[r]) != 0) { NeedWritten(i, r, Active); } }
        i.Run(this, i);
        foreach (int r in i.Writes) { Written[r] |= Active; }
    }

    private void NeedWritten(Instruction i, int register, uint lanes)
    {
        uint missing = lanes & ~Written[register];
        if (missing != 0) { throw Block.Fault(this, i, BitOperations.TrailingZeroCount(missing), $"register {_code.NameOf(register)} was never written"); }
    }

    private void Branch(Instruction i, uint active)
    {
        if (i.Targets.Length > 0)
        {
            foreach (int r in i.Reads) { NeedWritten(i, r, active); }
            BranchByIndex(i, active);
            return;
        }
        uint stay = active & ~Taken;
        if (stay != 0 && Taken != 0 && i.IsUniform) { throw Block.Fault(this, i, BitOperations.TrailingZeroCount(stay), "threads part at a branch that is called uniform"); }
        if (stay == 0) { _pc = i.Target; }
        else if (Taken == 0) { _pc++; }
        else
        {
            // the smaller place goes on
            bool back = i.Target <= _pc;
            Leave(back ? _pc + 1 : i.Target, back ? stay : Taken);
            _pc = back ? i.Target : _pc + 1;
            SetActive(back ? Taken : stay);
        }
    }

    private void BranchByIndex(Instruction i, uint active)
    {
        uint* index = (uint*)(R + i.A);
        for (uint m = active; m != 0; m &= m - 1)
        {
            int lane = BitOperations.TrailingZeroCount(m);
            if (index[lane] >= i.Targets.Length) { throw Block.Fault(this, i, lane, $"index {index[lane]} of {i.Targets.Length} targets"); }
            if (i.IsUniform && index[lane] != index[BitOperations.TrailingZeroCount(active)]) { throw Block.Fault(this, i, lane, "threads part at a branch that is called uniform"); }
            Leave(i.Targets[index[lane]], 1u << lane);
        }
        Switch(i);
    }

    // puts lanes aside, with those that are at the same place
    private void Leave(int pc, uint mask, bool waits = false)
    {
        for (int k = 0; k < _count; k++)
        {
            if (_parts[k].Pc == pc && _parts[k].Waits == waits)
            {
                _parts[k].Mask |= mask;
                return;
            }
        }
        _parts[_count++] = (pc, mask, waits);
        if (!waits) { _stop = Math.Min(_stop, pc); }
    }

    // others are at this place, or further back
    private void Meet()
    {
        if (_pc > _stop)
        {
            Leave(_pc, Active);
            Switch(null);
            return;
        }
        for (int k = 0; k < _count; k++)
        {
            if (_parts[k].Pc == _pc && !_parts[k].Waits)
            {
                SetActive(Active | _parts[k].Mask);
                _parts[k] = _parts[--_count];
                break;
            }
        }
        _stop = Nearest();
    }

    // those furthest back go on
    private void Switch(Instruction? after)
    {
        int best = -1;
        for (int k = 0; k < _count; k++)
        {
            if (!_parts[k].Waits && (best < 0 || _parts[k].Pc < _parts[best].Pc)) { best = k; }
        }
        if (best < 0)
        {
            var waiting = _code.Instructions[_parts[0].Pc];
            throw Block.Fault(this, waiting, BitOperations.TrailingZeroCount(_parts[0].Mask),
                $"{waiting.Text.Name} is not reached by all threads of the warp: the others {(_count > 1 ? $"wait at line {_code.Instructions[_parts[1].Pc].Text.Line}" : $"have returned{(after is null ? "" : $" at line {after.Text.Line}")}")}");
        }
        _pc = _parts[best].Pc;
        SetActive(_parts[best].Mask);
        _parts[best] = _parts[--_count];
        _stop = Nearest();
    }

    // waits for the lanes of the warp that are elsewhere; true when all are here
    private bool Gather(Instruction i, uint active)
    {
        Leave(_pc, active, waits: true);
        for (int k = 0; k < _count; k++)
        {
            if (_parts[k].Pc != _pc || !_parts[k].Waits || _parts[k].Mask != _live) { continue; }
            SetActive(_live);
            (_count, _stop) = (0, int.MaxValue);
            return true;
        }
        Switch(i);
        return false;
    }

    private int Nearest()
    {
        int nearest = int.MaxValue;
        for (int k = 0; k < _count; k++)
        {
            if (!_parts[k].Waits) { nearest = Math.Min(nearest, _parts[k].Pc); }
        }
        return nearest;
    }

    private void SetActive(uint mask)
    {
        if (mask == Active && mask == uint.MaxValue && Mask8[31] == -1) { return; }
        Active = mask;
        for (int lane = 0; lane < 32; lane++)
        {
            int all = -(int)(mask >> lane & 1);
            Mask4[lane] = all;
            Mask8[lane] = all;
        }
    }
}
