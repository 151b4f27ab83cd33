using System.Numerics;
using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Kernels;

/// <summary>Sums of a table's rows: of a strip of columns after the other, which stay in registers while the rows pass. Sums are sums of parts and long ones of halves, so that rounding hardly grows with their length.</summary>
internal static unsafe class BagRows
{
    // rows that are added one after the other, and such sums that are
    private const int Together = 128, Undivided = Together * Together;

    /// <summary>y = Σ table[rows[j], ·] over the rows that are not <paramref name="skip"/>; their number. Rows are as long as y.</summary>
    public static int Sum(ReadOnlySpan<float> table, ReadOnlySpan<int> rows, Span<float> y, int skip)
    {
        fixed (float* from = table, to = y)
        {
            fixed (int* at = rows)
            {
                if (rows.Length > Undivided)
                {
                    int halvings = BitOperations.Log2((uint)(rows.Length - 1) / Undivided) + 1;
                    return Halves(from, at, rows.Length, to, y.Length, skip, Scratch.Panels.Take(checked(halvings * y.Length)));
                }
                return Sum(from, at, rows.Length, to, y.Length, skip);
            }
        }
    }

    // spare: a row for each halving
    private static int Halves(float* table, int* rows, int count, float* y, int n, int skip, float* spare)
    {
        if (count <= Undivided) { return Sum(table, rows, count, y, n, skip); }
        int first = Undivided << BitOperations.Log2((uint)(count - 1) / Undivided);
        int seen = Halves(table, rows, first, y, n, skip, spare) + Halves(table, rows + first, count - first, spare, n, skip, spare + n);
        Span<float> sum = new(y, n);
        TensorPrimitives.Add(sum, new Span<float>(spare, n), sum);
        return seen;
    }

    private static int Sum(float* table, int* rows, int count, float* y, int n, int skip)
    {
        if (F16.IsSupported) { return Sum<F16>(table, rows, count, y, n, skip); }
        if (F8.IsSupported) { return Sum<F8>(table, rows, count, y, n, skip); }
        return F4.IsSupported ? Sum<F4>(table, rows, count, y, n, skip) : Sum<F1>(table, rows, count, y, n, skip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Sum<L>(float* table, int* rows, int count, float* y, int n, int skip) where L : struct, IVectorLane<L>, ILane<L>
    {
        int seen = 0, i = 0;
        for (int j = 0; j < count; j++) { seen += rows[j] == skip ? 0 : 1; }
        for (; i <= n - (4 * L.Width); i += 4 * L.Width)
        {
            L sumA = 0f, sumB = sumA, sumC = sumA, sumD = sumA;
            for (int j = 0; j < count;)
            {
                L a = 0f, b = a, c = a, d = a;
                for (int end = Math.Min(count, j + Together); j < end; j++)
                {
                    if (rows[j] == skip) { continue; }
                    float* x = table + ((nint)rows[j] * n) + i;
                    a += L.Load(in *x, 0);
                    b += L.Load(in *x, L.Width);
                    c += L.Load(in *x, 2 * L.Width);
                    d += L.Load(in *x, 3 * L.Width);
                }
                sumA += a;
                sumB += b;
                sumC += c;
                sumD += d;
            }
            L.Store(sumA, ref *y, i);
            L.Store(sumB, ref *y, i + L.Width);
            L.Store(sumC, ref *y, i + (2 * L.Width));
            L.Store(sumD, ref *y, i + (3 * L.Width));
        }
        for (; i < n; i += L.Width)
        {
            int real = Math.Min(L.Width, n - i);
            L sum = 0f;
            for (int j = 0; j < count;)
            {
                L a = 0f;
                for (int end = Math.Min(count, j + Together); j < end; j++)
                {
                    if (rows[j] == skip) { continue; }
                    float* x = table + ((nint)rows[j] * n) + i;
                    a += real == L.Width ? L.Load(in *x, 0) : Partial.Load<L>(x, real);
                }
                sum += a;
            }
            if (real == L.Width) { L.Store(sum, ref *y, i); } else { Partial.Store(sum, y + i, real); }
        }
        return seen;
    }
}
