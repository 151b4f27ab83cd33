using System.Runtime.CompilerServices;

namespace DeepEdu.Devices;

/// <summary>Two threads that go through the steps of a recurrence together: each step has two parts, and the next begins when both are done. A thread takes its own part first, so that
/// what the part reads stays in that thread's cache, then the other one's if nobody has begun it; hence one thread alone gets through, too. No call into the system, no memory of its own.</summary>
internal readonly unsafe struct Lockstep
{
    /// <summary>Parts of a step.</summary>
    public const int Parts = 2;

    /// <summary>Floats of memory that it needs, cleared.</summary>
    public const int Length = (2 * Parts * Line) + Line;

    private const int Line = 32; // floats that no two counters share: two cache lines, for they are fetched in pairs

    // steps begun and steps done of each part
    private readonly int* _counters;

    /// <summary>Counters in <paramref name="memory"/>.</summary>
    public Lockstep(float* memory) => _counters = (int*)(((nint)memory + 127) & ~(nint)127);

    /// <summary>The first step that is not done.</summary>
    public int Next => Math.Min(Volatile.Read(ref Done(0)), Volatile.Read(ref Done(1)));

    /// <summary>Takes part <paramref name="part"/> of step <paramref name="step"/>, unless somebody has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(int part, int step) => Volatile.Read(ref Begun(part)) == step && Interlocked.CompareExchange(ref Begun(part), step + 1, step) == step;

    /// <summary>The part is done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish(int part, int step) => Volatile.Write(ref Done(part), step + 1);

    /// <summary>Waits until all of the step is done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Await(int step)
    {
        if (Next <= step) { Wait(step); }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Wait(int step)
    {
        for (int i = 0; Next <= step; i++)
        {
            // the processor's pause, not the runtime's, which is long beside a step
            if (i < 20000) { Pause(); } else { Thread.Yield(); }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pause()
    {
        if (System.Runtime.Intrinsics.X86.X86Base.IsSupported) { System.Runtime.Intrinsics.X86.X86Base.Pause(); } else { Thread.SpinWait(1); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref int Begun(int part) => ref _counters[part * Line];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref int Done(int part) => ref _counters[(Parts + part) * Line];
}
