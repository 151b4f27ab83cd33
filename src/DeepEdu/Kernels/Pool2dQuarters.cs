using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace DeepEdu.Kernels;

/// <summary>The most common pooling, the largest of each 2 × 2, four windows at a time.</summary>
internal static unsafe class Pool2dQuarters
{
    /// <summary>One line of windows: the first begins at x[first], lines are w floats apart. at: where in x the largest stands, if not null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Max(float* x, int w, int first, int outputs, float* y, int* at)
    {
        int j = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            var place = Vector128.Create(first, first + 2, first + 4, first + 6);
            for (; j + 4 <= outputs; j += 4, place += Vector128.Create(8))
            {
                float* above = x + first + (2 * j), below = above + w;
                Vector128<float> a = Vector128.Load(above), b = Vector128.Load(above + 4), c = Vector128.Load(below), d = Vector128.Load(below + 4);
                var max = Even(a, b);
                var where = place;
                Next(Odd(a, b), place + Vector128.Create(1), ref max, ref where);
                Next(Even(c, d), place + Vector128.Create(w), ref max, ref where);
                Next(Odd(c, d), place + Vector128.Create(w + 1), ref max, ref where);
                max.Store(y + j);
                if (at is not null) { where.Store(at + j); }
            }
        }
        for (; j < outputs; j++)
        {
            int where = first + (2 * j);
            float max = x[where];
            Next(x, where + 1, ref max, ref where);
            Next(x, first + (2 * j) + w, ref max, ref where);
            Next(x, first + (2 * j) + w + 1, ref max, ref where);
            y[j] = max;
            if (at is not null) { at[j] = where; }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Next(Vector128<float> x, Vector128<int> place, ref Vector128<float> max, ref Vector128<int> where)
    {
        var wins = Vector128.GreaterThan(x, max) | ~Vector128.Equals(x, x);
        max = Vector128.ConditionalSelect(wins, x, max);
        where = Vector128.ConditionalSelect(wins.AsInt32(), place, where);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Next(float* x, int place, ref float max, ref int where)
    {
        if (x[place] > max || float.IsNaN(x[place])) { (max, where) = (x[place], place); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> Even(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.Shuffle(a, b, 0b10_00_10_00) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.UnzipEven(a, b) : Vector128.Create(a[0], a[2], b[0], b[2]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> Odd(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.Shuffle(a, b, 0b11_01_11_01) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.UnzipOdd(a, b) : Vector128.Create(a[1], a[3], b[1], b[3]);
}
