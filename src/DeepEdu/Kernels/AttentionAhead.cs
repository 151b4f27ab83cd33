using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace DeepEdu.Kernels;

/// <summary>Asks for the rows of a later sequence while a thread works on one, a few cache lines of each tensor with each tile: they come while it multiplies. All at once, or a head's at once, they make
/// it wait. They are asked for in the order of memory, all heads: head by head they would come as short runs far apart.</summary>
internal unsafe struct AttentionAhead
{
    private const int Line = 64, Most = 8;
    private readonly int _unit, _units, _steps, _sequence;
    private int _count, _left;
    private fixed long _at[Most];
    private fixed int _lines[Most];

    /// <param name="data">What is computed.</param>
    /// <param name="unit">The unit at work.</param>
    /// <param name="units">Units of a sequence, each of which asks for a part of the later one.</param>
    /// <param name="steps">How often this unit will ask.</param>
    public AttentionAhead(in AttentionData data, int unit, int units, int steps)
    {
        if (!Sse.IsSupported || !data.IsShort) { return; }
        (int sequence, _unit) = Math.DivRem(unit, units);
        _sequence = sequence + 1; // in this chunk or the thread's next one
        (_units, _steps, _left) = (units, steps, _sequence < data.Batch ? steps : 0);
        Add(data.Q, data.K, data.V, data);
    }

    /// <summary>Queries, keys and values, or their gradients, are wanted too. They may stand side by side in the same rows.</summary>
    public void Add(in AttentionRows q, in AttentionRows k, in AttentionRows v, in AttentionData data)
    {
        int columns = data.Heads * data.Width, values = data.Heads * data.ValueWidth;
        if (k.At == q.At + columns && v.At == k.At + columns)
        {
            Add(q, Math.Max(data.Queries, data.Keys), (2 * columns) + values);
            return;
        }
        Add(q, data.Queries, columns);
        Add(k, data.Keys, columns);
        Add(v, data.Keys, values);
    }

    /// <summary>These rows are wanted too.</summary>
    public void Add(in AttentionRows rows, int count, int columns)
    {
        if (_left == 0 || count == 0 || rows.At is null) { return; }
        long bytes = (((count - 1) * rows.Row) + columns) * sizeof(float), part = bytes / _units;
        _at[_count] = (nint)rows.Of(_sequence, 0, 0) + (part * _unit);
        _lines[_count++] = (int)((part + (Line * _steps) - 1) / (Line * _steps));
    }

    /// <summary>Asks for some.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public void Next()
    {
        if (_left == 0) { return; }
        _left--;
        for (int i = 0; i < _count; i++)
        {
            byte* at = (byte*)_at[i], end = at + (_lines[i] * Line);
            for (; at < end; at += Line) { Sse.Prefetch0(at); }
            _at[i] = (nint)end;
        }
    }

    /// <summary>Asks for what is left.</summary>
    public void Rest()
    {
        while (_left > 0) { Next(); }
    }
}
