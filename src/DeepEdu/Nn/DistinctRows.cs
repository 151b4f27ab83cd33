using System.Buffers;
using System.Numerics;
using DeepEdu.Memory;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The different numbers among many, in the order in which they come up, and which of them stands at each place. <c>Unique</c> sorts them, which a training step does not need.
/// Both end with the innermost arena.</summary>
/// <param name="Rows">Each number once.</param>
/// <param name="Places">In the shape of the numbers: where in <paramref name="Rows"/> each one is.</param>
internal readonly record struct DistinctRows(Indices Rows, Indices Places)
{
    // scatters neighbouring numbers: 2³² over the golden ratio, odd
    private const uint Scatter = 0x9E3779B9;

    /// <summary>Of numbers from 0 on, in a time that does not depend on how large they are.</summary>
    public static DistinctRows Of(Indices x)
    {
        var values = x.Span;
        int[] places = Arena.Numbers(values.Length), rows = Arena.Numbers(values.Length);
        // at most half full: slots hold a place in rows, plus 1
        int bits = BitOperations.Log2((uint)Math.Max(1, values.Length)) + 2, mask = (1 << bits) - 1, count = 0;
        int[] slots = ArrayPool<int>.Shared.Rent(mask + 1);
        slots.AsSpan(0, mask + 1).Clear();
        for (int i = 0; i < values.Length; i++)
        {
            int slot = (int)((uint)values[i] * Scatter >> (32 - bits)), place;
            while ((place = slots[slot] - 1) >= 0 && rows[place] != values[i]) { slot = (slot + 1) & mask; }
            if (place < 0) { (rows[count], place, slots[slot]) = (values[i], count, ++count); }
            places[i] = place;
        }
        ArrayPool<int>.Shared.Return(slots);
        return new(Indices.Lent(rows, [count]), Indices.Lent(places, x.Shape));
    }
}
