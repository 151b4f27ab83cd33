using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Running sums.</summary>
public static class Cumulative
{
    extension(Tensor x)
    {
        /// <summary>yᵢ = x₀ + .. + xᵢ along an axis, or from the end: yᵢ = xᵢ + .. + xₙ₋₁. The gradient is the running sum of dy the other way.</summary>
        /// <exception cref="ShapeException">No such axis.</exception>
        public Tensor CumSum(int axis, bool reverse = false)
        {
            int at = x.Shape.Axis("cumsum", axis);
            var y = Run(x, at, reverse);
            Tape.For(x)?.Add(y, (x, dy => Run(dy, at, !reverse)));
            return y;
        }
    }

    private static Tensor Run(Tensor x, int axis, bool reverse)
    {
        var y = Tensor.Empty(x.Shape, x.Device);
        x.Device.Launch(new RunningSum(x.View, y.View, x.Shape.Product(0, axis), x.Shape[axis], x.Shape.Product(axis + 1, x.Rank), reverse));
        return y;
    }

    /// <summary>Running sums along the middle axis of X [Outer, N, Inner].</summary>
    public readonly record struct RunningSum(View X, View Y, int Outer, int N, int Inner, bool Reverse) : IKernel, IRange
    {
        private const int Block = 256, Abreast = 4;

        /// <inheritdoc/>
        public static string Name => "running sum";

        /// <inheritdoc/>
        public void Run()
        {
            if (X.Length == 0) { return; }
            if (Inner == 1) { Work.For(Outer, Math.Max(1, CpuDevice.Grain / N), this); }
            else { Work.For(Outer * ((Inner + Block - 1) / Block), Math.Max(1, CpuDevice.Grain / Block / N), this); }
        }

        /// <inheritdoc/>
        public void Run(int from, int to)
        {
            int blocks = (Inner + Block - 1) / Block;
            for (int i = from; i < to; i++)
            {
                if (Inner == 1 && Avx512F.IsSupported) { Wide(ref CpuDevice.At(X, i * N), ref CpuDevice.At(Y, i * N), N, Reverse); continue; }
                if (Inner == 1)
                {
                    int rows = to - i >= Abreast ? Abreast : 1;
                    if (rows == 1) { Row(ref CpuDevice.At(X, i * N), ref CpuDevice.At(Y, i * N), N, Reverse); }
                    else { FourRows(ref CpuDevice.At(X, i * N), ref CpuDevice.At(Y, i * N), N, Reverse); }
                    i += rows - 1;
                    continue;
                }
                int first = i % blocks * Block, at = (i / blocks * N * Inner) + first + (Reverse ? (N - 1) * Inner : 0);
                Columns(ref CpuDevice.At(X, at), ref CpuDevice.At(Y, at), N, Reverse ? -Inner : Inner, Math.Min(Block, Inner - first));
            }
        }

        // eight sums by three shifts and additions; only what came before them waits for the eight before
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Wide(ref float x, ref float y, nint n, bool reverse)
        {
            var before = Vector512<double>.Zero;
            var none = Vector512<long>.Zero;
            nint i = 0, step = reverse ? -8 : 8, at = reverse ? n - 8 : 0;
            for (; i <= n - 8; i += 8, at += step)
            {
                var v = Avx512F.ConvertToVector512Double(Vector256.LoadUnsafe(ref x, (nuint)at));
                if (reverse)
                {
                    v += Avx512F.AlignRight64(none, v.AsInt64(), 1).AsDouble();
                    v += Avx512F.AlignRight64(none, v.AsInt64(), 2).AsDouble();
                    v += Avx512F.AlignRight64(none, v.AsInt64(), 4).AsDouble();
                }
                else
                {
                    v += Avx512F.AlignRight64(v.AsInt64(), none, 7).AsDouble();
                    v += Avx512F.AlignRight64(v.AsInt64(), none, 6).AsDouble();
                    v += Avx512F.AlignRight64(v.AsInt64(), none, 4).AsDouble();
                }
                Avx512F.ConvertToVector256Single(v + before).StoreUnsafe(ref y, (nuint)at);
                before += Avx512F.PermuteVar8x64(v, reverse ? none : Vector512.Create(7L));
            }
            double sum = before.ToScalar();
            for (at = reverse ? n - 1 - i : i; i < n; i++, at += reverse ? -1 : 1)
            {
                sum += Unsafe.Add(ref x, at);
                Unsafe.Add(ref y, at) = (float)sum;
            }
        }

        // each sum waits for the one before: four rows wait at the same time
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void FourRows(ref float x, ref float y, nint n, bool reverse)
        {
            double a = 0, b = 0, c = 0, d = 0;
            nint at = reverse ? n - 1 : 0, step = reverse ? -1 : 1;
            for (nint i = 0; i < n; i++, at += step)
            {
                a += Unsafe.Add(ref x, at);
                b += Unsafe.Add(ref x, at + n);
                c += Unsafe.Add(ref x, at + (2 * n));
                d += Unsafe.Add(ref x, at + (3 * n));
                Unsafe.Add(ref y, at) = (float)a;
                Unsafe.Add(ref y, at + n) = (float)b;
                Unsafe.Add(ref y, at + (2 * n)) = (float)c;
                Unsafe.Add(ref y, at + (3 * n)) = (float)d;
            }
        }

        // one after the other is as slow in float as in double
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Row(ref float x, ref float y, nint n, bool reverse)
        {
            double sum = 0;
            nint at = reverse ? n - 1 : 0, step = reverse ? -1 : 1;
            for (nint i = 0; i < n; i++, at += step)
            {
                sum += Unsafe.Add(ref x, at);
                Unsafe.Add(ref y, at) = (float)sum;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Columns(ref float x, ref float y, int rows, int stride, nint n)
        {
            nint i = 0;
            if (F16.IsSupported) { i = Lanes<F16>(ref x, ref y, rows, stride, i, n); }
            if (F8.IsSupported) { i = Lanes<F8>(ref x, ref y, rows, stride, i, n); }
            if (F4.IsSupported) { i = Lanes<F4>(ref x, ref y, rows, stride, i, n); }
            Lanes<F1>(ref x, ref y, rows, stride, i, n);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static nint Lanes<L>(ref float x, ref float y, int rows, int stride, nint i, nint n) where L : struct, IVectorLane<L>, ILane<L>
        {
            for (; i <= n - L.Width; i += L.Width)
            {
                L sum = L.Of(0);
                nint at = i;
                for (int r = 0; r < rows; r++, at += stride)
                {
                    sum += L.Load(in x, at);
                    L.Store(sum, ref y, at);
                }
            }
            return i;
        }
    }
}
