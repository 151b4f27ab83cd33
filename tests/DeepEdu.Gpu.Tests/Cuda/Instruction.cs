namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>An instruction made ready: what to do, and where in a warp's registers its operands lie. Numbers and special registers are registers, too, which are filled before.</summary>
internal sealed unsafe class Instruction
{
    /// <summary>Does it for the active lanes. What changes the flow of control returns through the warp.</summary>
    public delegate*<Warp, Instruction, void> Run;

    /// <summary>Bytes into the registers: where the result goes, and the operands.</summary>
    public int D, A, B, C, E;

    /// <summary>Bytes into the registers, of vectors and fragments.</summary>
    public int[] V = [];

    /// <summary>Numbers of the registers that must have been written, and that are written.</summary>
    public int[] Reads = [], Writes = [];

    /// <summary>Bytes into the registers of the predicate before it, or −1; and whether it is negated.</summary>
    public int Guard = -1, GuardNumber;

    /// <inheritdoc cref="Guard"/>
    public bool IsNegated;

    /// <summary>Added to an address.</summary>
    public long Offset;

    /// <summary>Where a branch goes: one place, or a table.</summary>
    public int Target;

    /// <inheritdoc cref="Target"/>
    public int[] Targets = [];

    /// <summary>A branch on which threads must not part; a predicate operand that is negated.</summary>
    public bool IsUniform, IsInverted;

    /// <summary>What it is to the scheduler.</summary>
    public Flow Flow;

    /// <summary>The text, for errors.</summary>
    public required PtxStatement Text;
}

/// <summary>How an instruction goes on.</summary>
internal enum Flow
{
    /// <summary>With the next.</summary>
    Next,

    /// <summary>To another place, perhaps not all threads.</summary>
    Branch,

    /// <summary>The threads are done.</summary>
    Return,

    /// <summary>After all threads of the block have come here.</summary>
    Barrier,

    /// <summary>After all threads of the warp have come here.</summary>
    Together,

    /// <summary>With the next, but others have their turn before: what is looked at may be for them to change.</summary>
    Look,
}
