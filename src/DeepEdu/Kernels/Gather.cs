using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>How a scatter is cut so that each destination belongs to one chunk, which adds to it in the order of the source: the same bits on any number of threads.
/// Source [outer, m, inner] is cut along outer or, where that leaves too few pieces, along inner.</summary>
internal readonly struct Partition
{
    private readonly int _outer, _inner, _rows, _columns, _blocks;

    public Partition(int outer, int m, int inner)
    {
        // a column block is a whole cache line at least
        int work = Math.Max(1, m * inner), wanted = outer == 1 ? (work + CpuDevice.Grain - 1) / CpuDevice.Grain : 1;
        _columns = Math.Max(64, (inner + wanted - 1) / wanted + 15 & -16);
        (_outer, _inner, _rows, _blocks) = (outer, inner, Math.Max(1, CpuDevice.Grain / work), Math.Max(1, (inner + _columns - 1) / _columns));
    }

    public int Chunks => (_outer + _rows - 1) / _rows * _blocks;

    public void Of(int chunk, out int outer, out int outerEnd, out int inner, out int innerEnd)
    {
        outer = chunk / _blocks * _rows;
        outerEnd = Math.Min(_outer, outer + _rows);
        inner = chunk % _blocks * _columns;
        innerEnd = Math.Min(_inner, inner + _columns);
    }
}

/// <summary>The loops of gather and scatter over raw memory.</summary>
internal static class GatherLoops
{
    /// <summary>to[o, j, i] = from[o, index[o, j, i], i] for rows (o, j) in [row, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Take(ref float from, ref readonly int index, ref float to, int row, int end, int n, int m, nint inner)
    {
        if (inner == 1)
        {
            // values of one o read from the same n
            while (row < end)
            {
                int o = row / m, stop = Math.Min(end, (o + 1) * m);
                ref float values = ref Unsafe.Add(ref from, (nint)o * n);
                for (; row < stop; row++) { Unsafe.Add(ref to, row) = Unsafe.Add(ref values, Unsafe.Add(ref Unsafe.AsRef(in index), row)); }
            }
            return;
        }
        for (; row < end; row++)
        {
            nint at = row * inner, base_ = row / m * (n * inner);
            for (nint i = 0; i < inner; i++)
            {
                Unsafe.Add(ref to, at + i) = Unsafe.Add(ref from, base_ + (Unsafe.Add(ref Unsafe.AsRef(in index), at + i) * inner) + i);
            }
        }
    }

    /// <summary>to[j, ·] = from[index[j], ·]; <paramref name="to"/> is pinned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static unsafe void TakeRows(float* from, ReadOnlySpan<int> index, float* to, int inner, bool streams)
    {
        if (inner == 1)
        {
            fixed (int* at = index) { TakeValues(from, at, to, index.Length); }
            return;
        }
        for (int j = 0; j < index.Length; j++, to += inner)
        {
            float* row = from + ((nint)index[j] * inner);
            if (streams && Streamed.Suits(to)) { Lines.Stream(ref *row, ref *to, inner, 1); }
            else if (inner <= 4096) { Lines.Copy(ref *row, ref *to, inner); }
            else { new ReadOnlySpan<float>(row, inner).CopyTo(new Span<float>(to, inner)); }
        }
        if (streams) { Streamed.End(); }
    }

    /// <summary>to[j] = from[index[j]].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static unsafe void TakeValues(float* from, int* index, float* to, int n)
    {
        int j = 0;
        for (; j <= n - 4; j += 4)
        {
            // two places at a time
            long a = *(long*)(index + j), b = *(long*)(index + j + 2);
            float p = from[(int)a], q = from[a >> 32], r = from[(int)b], s = from[b >> 32];
            (to[j], to[j + 1], to[j + 2], to[j + 3]) = (p, q, r, s);
        }
        for (; j < n; j++) { to[j] = from[index[j]]; }
    }

    /// <summary>to[o, j] = from[o, index[j]] for rows o of n values, four at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static unsafe void TakeColumns(float* from, int n, int* index, int m, float* to, int rows)
    {
        nint next = n, nextTo = m;
        for (; rows >= 4; rows -= 4, from += 4 * next, to += 4 * nextTo)
        {
            float* p = from + next, q = p + next, r = q + next, tp = to + nextTo, tq = tp + nextTo, tr = tq + nextTo;
            for (nint j = 0; j < nextTo; j++)
            {
                nint at = index[j];
                (to[j], tp[j], tq[j], tr[j]) = (from[at], p[at], q[at], r[at]);
            }
        }
        for (; rows > 0; rows--, from += next, to += nextTo) { for (nint j = 0; j < nextTo; j++) { to[j] = from[index[j]]; } }
    }

    /// <summary>to[o, index[j]] += from[o, j] for rows o of n values, four at a time, and every j whose index is not <paramref name="skip"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static unsafe void AddColumns(float* from, int m, int* index, float* to, int n, int rows, int skip)
    {
        nint next = m, nextTo = n;
        for (; rows >= 4; rows -= 4, from += 4 * next, to += 4 * nextTo)
        {
            float* p = from + next, q = p + next, r = q + next, tp = to + nextTo, tq = tp + nextTo, tr = tq + nextTo;
            for (nint j = 0; j < next; j++)
            {
                nint at = index[j];
                if (at == skip) { continue; }
                to[at] += from[j];
                tp[at] += p[j];
                tq[at] += q[j];
                tr[at] += r[j];
            }
        }
        for (; rows > 0; rows--, from += next, to += nextTo) { for (nint j = 0; j < next; j++) { if (index[j] != skip) { to[index[j]] += from[j]; } } }
    }

    /// <summary>to[o, index[o, j, i], i] += from[o, j, i] for i in [column, end) and every j.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Add(ref float from, ref readonly int index, ref float to, int o, int n, int m, nint inner, nint column, nint end)
    {
        if (inner == 1)
        {
            ref float source = ref Unsafe.Add(ref from, o * (nint)m), row = ref Unsafe.Add(ref to, o * (nint)n);
            ref int place = ref Unsafe.Add(ref Unsafe.AsRef(in index), o * (nint)m);
            for (nint j = 0; j < m; j++) { Unsafe.Add(ref row, Unsafe.Add(ref place, j)) += Unsafe.Add(ref source, j); }
            return;
        }
        for (nint j = 0; j < m; j++)
        {
            nint at = ((o * (nint)m) + j) * inner;
            for (nint i = column; i < end; i++)
            {
                Unsafe.Add(ref to, (((o * (nint)n) + Unsafe.Add(ref Unsafe.AsRef(in index), at + i)) * inner) + i) += Unsafe.Add(ref from, at + i);
            }
        }
    }

    /// <summary>to[index[j], i] += from[j, i] for i in [column, end) and every j whose index is not <paramref name="skip"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void AddRows(ref float from, ReadOnlySpan<int> index, ref float to, nint inner, nint column, nint end, int skip)
    {
        for (int j = 0; j < index.Length; j++)
        {
            if (index[j] == skip) { continue; }
            ref float a = ref Unsafe.Add(ref to, index[j] * inner);
            ref float b = ref Unsafe.Add(ref from, j * inner);
            nint i = column;
            if (F16.IsSupported) { i = Lanes<F16>(ref a, ref b, i, end); }
            if (F8.IsSupported) { i = Lanes<F8>(ref a, ref b, i, end); }
            if (F4.IsSupported) { i = Lanes<F4>(ref a, ref b, i, end); }
            Lanes<F1>(ref a, ref b, i, end);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Lanes<L>(ref float a, ref float b, nint i, nint end) where L : struct, IVectorLane<L>
    {
        for (; i <= end - L.Width; i += L.Width) { L.Store(L.Load(in a, i) + L.Load(in b, i), ref a, i); }
        return i;
    }
}
