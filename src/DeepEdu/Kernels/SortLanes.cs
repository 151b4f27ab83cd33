using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepEdu.Kernels;

/// <summary>The first k of short rows, in order, many rows at a time: a lane has a row's list, into which the row's values are put one after the other by comparisons that are the same for all rows.</summary>
internal static unsafe class SortLanes
{
    private const int Together = 16; // rows: what they have of lists stays in the first-level cache
    private const int Most = 256; // values of a row
    private const int MostSteps = 15000; // of a full sort, 173 values: beyond, sorting one row at a time by digits is faster

    /// <summary>Whether the first k of n, for so many rows side by side, are found faster so than one row at a time.</summary>
    public static bool Pays(int n, int k, int rows) => n <= Most && n <= 16 * rows && (n * k) - (k * k / 2) <= MostSteps;

    /// <summary>order[r, j]: where in row r the j-th stands, for j below k. NaN counts as the largest; of equals the earlier comes first. Rows (o, i) of x [·, n, inner] from <paramref name="row"/> on.</summary>
    public static void Order(float* x, int* order, int row, int end, int n, int inner, int k, bool descending)
    {
        int* keys = (int*)Scratch.Images.Take((n + (2 * k)) * Together), best = keys + (n * Together), places = best + (k * Together);
        for (int count; row < end; row += count)
        {
            var (o, i) = Math.DivRem(row, inner);
            count = Math.Min(Math.Min(Together, end - row), inner == 1 ? Together : inner - i);
            float* from = x + ((nint)o * n * inner) + i;
            int* to = order + ((nint)o * k * inner) + i;
            if (inner == 1) { ConvLayout.ToLast(count, n, from, n, (float*)keys, Together); }
            else { for (int j = 0; j < n; j++) { Lines.Copy(ref from[(nint)j * inner], ref *(float*)(keys + (j * Together)), count); } }
            Order(keys, best, places, count, n, k, descending);
            if (inner == 1) { ConvLayout.ToLast(k, count, (float*)places, Together, (float*)to, k); }
            else { for (int j = 0; j < k; j++) { Lines.Copy(ref *(float*)(places + (j * Together)), ref *(float*)(to + ((nint)j * inner)), count); } }
        }
    }

    // a value that belongs at j or before it moves what stands there down by one
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Order(int* keys, int* best, int* places, int rows, int n, int k, bool descending)
    {
        for (int r = 0; r < n; r++)
        {
            int there = Math.Min(r, k);
            for (int v = 0; v < rows; v += Vector<int>.Count)
            {
                var key = Key(Vector.Load((float*)keys + (r * Together) + v), descending);
                Vector<int> place = new(r), above = new(int.MaxValue), placeAbove = default, movedAbove = default;
                int* b = best + v, p = places + v;
                for (int j = 0; j < there; j++, b += Together, p += Together)
                {
                    Vector<int> here = Vector.Load(b), placeHere = Vector.Load(p), moved = Vector.GreaterThan(key, here);
                    Vector.Max(here, Vector.Min(key, above)).Store(b);
                    Vector.ConditionalSelect(moved, Vector.ConditionalSelect(movedAbove, placeAbove, place), placeHere).Store(p);
                    (above, placeAbove, movedAbove) = (here, placeHere, moved);
                }
                if (r >= k) { continue; }
                Vector.Min(key, above).Store(b);
                Vector.ConditionalSelect(movedAbove, placeAbove, place).Store(p);
            }
        }
    }

    // bits in the order of the values: 0 and −0 are one, a NaN is above everything
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<int> Key(Vector<float> x, bool descending)
    {
        var bits = Vector.ConditionalSelect(Vector.Equals(x, x), Vector.AndNot(Vector.AsVectorInt32(x), Vector.Equals(x, Vector<float>.Zero)), new(0x7FC00000));
        bits ^= (bits >> 31) & new Vector<int>(int.MaxValue);
        return descending ? bits : ~bits;
    }
}
