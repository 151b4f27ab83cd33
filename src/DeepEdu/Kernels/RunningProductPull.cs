using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>The way back of running products y along the middle axis of x [outer, n, inner], without a division, so that zeros need no case of their own: dxᵢ = yᵢ₋₁ · rᵢ with rᵢ = dyᵢ + xᵢ₊₁ · rᵢ₊₁.
/// For finite x what is multiplied by 0 counts as nothing, even where it has grown to infinity.</summary>
internal readonly struct RunningProductPull(View x, View y, View dy, View dx, int outer, int n, int inner) : IRange
{
    /// <summary>Fills dx.</summary>
    public void Run() => Running.Cut(outer, n, inner, this);

    /// <inheritdoc/>
    public void Run(int from, int to)
    {
        int blocks = Running.Blocks(inner);
        for (int i = from; i < to; i++)
        {
            int first = inner == 1 ? 0 : i % blocks * Running.Block, at = inner == 1 ? i * n : (i / blocks * n * inner) + first;
            ref float xi = ref CpuDevice.At(x, at), yi = ref CpuDevice.At(y, at), dyi = ref CpuDevice.At(dy, at), dxi = ref CpuDevice.At(dx, at);
            if (inner == 1) { Row(ref xi, ref yi, ref dyi, ref dxi, n); }
            else { Columns(ref xi, ref yi, ref dyi, ref dxi, n, inner, Math.Min(Running.Block, inner - first)); }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Row(ref float x, ref float y, ref float dy, ref float dx, nint n)
    {
        double r = 0, next = 0;
        nint i = n;
        if (Avx512F.IsSupported && n >= 8)
        {
            // eight pairs (factor, sum) by three shifts: (a, b) before (c, d) is (a·c, b + a·d)
            Vector512<long> one = Vector512.Create(1.0).AsInt64(), zero = Vector512<long>.Zero;
            Vector512<double> behind = Vector512<double>.Zero, after = Vector512<double>.Zero; // x and r from the next eight on
            for (; i >= 8; i -= 8)
            {
                nint at = i - 8;
                Vector512<double> v = Avx512F.ConvertToVector512Double(Vector256.LoadUnsafe(ref x, (nuint)at)), b = Avx512F.ConvertToVector512Double(Vector256.LoadUnsafe(ref dy, (nuint)at));
                var a = Avx512F.AlignRight64(behind.AsInt64(), v.AsInt64(), 1).AsDouble();
                behind = v;
                b = Avx512F.FusedMultiplyAdd(a, Avx512F.AlignRight64(zero, b.AsInt64(), 1).AsDouble(), b);
                a *= Avx512F.AlignRight64(one, a.AsInt64(), 1).AsDouble();
                b = Avx512F.FusedMultiplyAdd(a, Avx512F.AlignRight64(zero, b.AsInt64(), 2).AsDouble(), b);
                a *= Avx512F.AlignRight64(one, a.AsInt64(), 2).AsDouble();
                b = Avx512F.FusedMultiplyAdd(a, Avx512F.AlignRight64(zero, b.AsInt64(), 4).AsDouble(), b);
                a *= Avx512F.AlignRight64(one, a.AsInt64(), 4).AsDouble();
                var all = Vector512.ConditionalSelect(Vector512.Equals(a, Vector512<double>.Zero), b, Avx512F.FusedMultiplyAdd(a, after, b));
                after = Avx512F.PermuteVar8x64(all, zero);
                var before = at > 0
                    ? Avx512F.ConvertToVector512Double(Vector256.LoadUnsafe(ref y, (nuint)(at - 1)))
                    : Avx512F.AlignRight64(Avx512F.ConvertToVector512Double(Vector256.LoadUnsafe(ref y)).AsInt64(), one, 7).AsDouble();
                var product = Vector512.ConditionalSelect(Vector512.Equals(before, Vector512<double>.Zero) | Vector512.Equals(all, Vector512<double>.Zero), Vector512<double>.Zero, before * all);
                Avx512F.ConvertToVector256Single(product).StoreUnsafe(ref dx, (nuint)at);
            }
            (r, next) = (after.ToScalar(), behind.ToScalar());
        }
        while (i-- > 0)
        {
            r = next == 0 ? Unsafe.Add(ref dy, i) : Unsafe.Add(ref dy, i) + (next * r);
            next = Unsafe.Add(ref x, i);
            double before = i == 0 ? 1 : Unsafe.Add(ref y, i - 1);
            Unsafe.Add(ref dx, i) = before == 0 || r == 0 ? 0 : (float)(before * r);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Columns(ref float x, ref float y, ref float dy, ref float dx, int rows, int stride, nint n)
    {
        nint i = 0;
        if (F16.IsSupported) { i = Lanes<F16>(ref x, ref y, ref dy, ref dx, rows, stride, i, n); }
        if (F8.IsSupported) { i = Lanes<F8>(ref x, ref y, ref dy, ref dx, rows, stride, i, n); }
        if (F4.IsSupported) { i = Lanes<F4>(ref x, ref y, ref dy, ref dx, rows, stride, i, n); }
        Lanes<F1>(ref x, ref y, ref dy, ref dx, rows, stride, i, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Lanes<L>(ref float x, ref float y, ref float dy, ref float dx, int rows, int stride, nint i, nint n) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (; i <= n - L.Width; i += L.Width)
        {
            L r = 0, next = 0;
            nint at = i + ((nint)(rows - 1) * stride);
            for (int row = rows - 1; row >= 0; row--, at -= stride)
            {
                L d = L.Load(in dy, at), before = row == 0 ? 1f : L.Load(in y, at - stride);
                r = L.WhereEqual(next, 0f, d, L.MultiplyAdd(next, r, d));
                next = L.Load(in x, at);
                L.Store(L.WhereEqual(before, 0f, 0f, L.WhereEqual(r, 0f, 0f, before * r)), ref dx, at);
            }
        }
        return i;
    }
}
