using DeepEdu.Devices;

namespace DeepEdu.Kernels;

/// <summary>Which rows of which later sequence a thread asks for while it works on one, a few with each tile: they come while it multiplies. All at once, or a whole head's at once, they make it wait.</summary>
internal struct AttentionAhead
{
    private readonly int _end;
    private int _part;

    /// <param name="data">What is computed.</param>
    /// <param name="unit">The unit at work, one of those from <paramref name="from"/> up to <paramref name="to"/> of this thread.</param>
    /// <param name="from">The first.</param>
    /// <param name="to">Behind the last.</param>
    /// <param name="units">Units of a sequence.</param>
    /// <param name="steps">How often this unit will ask.</param>
    public AttentionAhead(in AttentionData data, int unit, int from, int to, int units, int steps)
    {
        var (sequence, i) = Math.DivRem(unit, units);
        int chunk = (to - from) / units, others = chunk * (DeepEduOptions.MaxThreads - 1); // whole sequences of each chunk; the next chunks are probably with the others
        IsFirst = data.IsShort && unit == from && i == 0 && sequence <= others;
        Sequence = (sequence + 1) * units < to ? sequence + 1 : sequence + 1 + others;
        Parts = units * steps;
        _part = i * steps;
        _end = data.IsShort && Sequence < data.Batch ? _part + steps : 0;
    }

    /// <summary>Whether nobody has asked for this thread's first sequence.</summary>
    public readonly bool IsFirst { get; }

    /// <summary>The sequence that will be needed.</summary>
    public readonly int Sequence { get; }

    /// <summary>The parts into which its rows are cut.</summary>
    public readonly int Parts { get; }

    /// <summary>The next part to ask for; false when there is none.</summary>
    public bool Next(out int part)
    {
        part = _part;
        return _part++ < _end;
    }
}
