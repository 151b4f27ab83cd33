using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Products of weights of eight bits: a row of inputs becomes whole numbers too, as many bits as leave their sum within 32, so that hardly anything is lost on this side. Sums of whole numbers
/// are exact: the same bits in vectors of any width.</summary>
internal static unsafe class Int8Tile
{
    /// <summary>Inputs of a row at most: their numbers have 13 bits and a sign at least.</summary>
    public const int MostInputs = 2048;

    private const float Least = 1e-34f; // smaller ones count as 0: their inverse might be infinite
    private const float Magic = 12582912; // 1.5·2²³: what is added to it is rounded to a whole number, halves to even

    /// <summary>x as whole numbers, 0 behind them up to whole pairs; returns what 1 of them stands for. NaN if x holds a NaN or an infinity.</summary>
    public static float Codes(float* x, int inputs, short* to)
    {
        int most = Math.Min(short.MaxValue, int.MaxValue / 127 / Math.Max(1, inputs)), padded = 2 * Int8Panels.Pairs(inputs);
        float largest = MathF.Abs(TensorPrimitives.MaxMagnitude(new ReadOnlySpan<float>(x, inputs))), step = largest / most;
        if (!(step >= Least && float.IsFinite(step)))
        {
            new Span<short>(to, padded).Clear();
            return float.IsFinite(largest) ? 0 : float.NaN;
        }
        float each = most / largest;
        int i = 0;
        var magic = Vector256.Create(Magic);
        for (; i <= inputs - 16; i += 16)
        {
            var low = ((Vector256.Load(x + i) * each) + magic).AsInt32() - magic.AsInt32();
            var high = ((Vector256.Load(x + i + 8) * each) + magic).AsInt32() - magic.AsInt32();
            Vector256.Narrow(low, high).Store(to + i);
        }
        for (; i < inputs; i++) { to[i] = (short)(BitConverter.SingleToInt32Bits((x[i] * each) + Magic) - BitConverter.SingleToInt32Bits(Magic)); }
        for (; i < padded; i++) { to[i] = 0; }
        return step;
    }

    /// <summary>Σ x·w of one row and the outputs of two blocks, <paramref name="gap"/> floats apart; of one if that is 0. Two share what is loaded of x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Sum<L>(nint pairs, short* x, float step, float* block, nint gap, out L a, out L b) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (gap == 0)
        {
            a = One<L>(pairs, (int*)x, (sbyte*)(block + L.Width)) * (L.Load(in *block, 0) * step);
            b = default;
            return;
        }
        Two(pairs, (int*)x, (sbyte*)(block + L.Width), gap * sizeof(float), out a, out b);
        a *= L.Load(in *block, 0) * step;
        b *= L.Load(in *block, gap) * step;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Two<L>(nint pairs, int* x, sbyte* w, nint gap, out L a, out L b) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16) && Avx512BW.IsSupported)
        {
            Vector512<int> s = default, t = default, u = default, v = default;
            for (nint p = 0; p < pairs; p += 2, w += 64)
            {
                Vector512<short> even = Vector512.Create(x[p]).AsInt16(), odd = Vector512.Create(x[p + 1]).AsInt16();
                s += Avx512BW.MultiplyAddAdjacent(Avx512BW.ConvertToVector512Int16(Vector256.Load(w)), even);
                t += Avx512BW.MultiplyAddAdjacent(Avx512BW.ConvertToVector512Int16(Vector256.Load(w + gap)), even);
                u += Avx512BW.MultiplyAddAdjacent(Avx512BW.ConvertToVector512Int16(Vector256.Load(w + 32)), odd);
                v += Avx512BW.MultiplyAddAdjacent(Avx512BW.ConvertToVector512Int16(Vector256.Load(w + gap + 32)), odd);
            }
            F16 sum = new(Vector512.ConvertToSingle(s + u)), other = new(Vector512.ConvertToSingle(t + v));
            (a, b) = (Unsafe.As<F16, L>(ref sum), Unsafe.As<F16, L>(ref other));
            return;
        }
        (a, b) = (One<L>(pairs, x, w), One<L>(pairs, x, w + gap));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static L One<L>(nint pairs, int* x, sbyte* w) where L : struct, IVectorLane<L>, ILane<L>
    {
        if (typeof(L) == typeof(F16) && Avx512BW.IsSupported)
        {
            Vector512<int> s = default, t = default;
            for (nint p = 0; p < pairs; p += 2, w += 64)
            {
                s += Avx512BW.MultiplyAddAdjacent(Avx512BW.ConvertToVector512Int16(Vector256.Load(w)), Vector512.Create(x[p]).AsInt16());
                t += Avx512BW.MultiplyAddAdjacent(Avx512BW.ConvertToVector512Int16(Vector256.Load(w + 32)), Vector512.Create(x[p + 1]).AsInt16());
            }
            var y = new F16(Vector512.ConvertToSingle(s + t));
            return Unsafe.As<F16, L>(ref y);
        }
        if (typeof(L) == typeof(F8) && Avx2.IsSupported)
        {
            Vector256<int> s = default, t = default;
            for (nint p = 0; p < pairs; p += 2, w += 32)
            {
                s += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(w), Vector256.Create(x[p]).AsInt16());
                t += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(w + 16), Vector256.Create(x[p + 1]).AsInt16());
            }
            var y = new F8(Vector256.ConvertToSingle(s + t));
            return Unsafe.As<F8, L>(ref y);
        }
        if (typeof(L) == typeof(F4) && Vector128.IsHardwareAccelerated)
        {
            Vector128<int> s = default, t = default;
            for (nint p = 0; p < pairs; p++, w += 8)
            {
                var pair = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)w).AsSByte());
                if (Sse2.IsSupported) { s += Sse2.MultiplyAddAdjacent(pair, Vector128.Create(x[p]).AsInt16()); }
                else
                {
                    s += ((pair.AsInt32() << 16) >> 16) * Vector128.Create((int)(short)x[p]);
                    t += (pair.AsInt32() >> 16) * Vector128.Create(x[p] >> 16);
                }
            }
            var y = new F4(Vector128.ConvertToSingle(s + t));
            return Unsafe.As<F4, L>(ref y);
        }
        float* sums = stackalloc float[16];
        for (int lane = 0; lane < L.Width; lane++)
        {
            int sum = 0;
            for (nint p = 0; p < pairs; p++)
            {
                sbyte* pair = w + (((p * L.Width) + lane) * 2);
                sum += (pair[0] * (short)x[p]) + (pair[1] * (x[p] >> 16));
            }
            sums[lane] = sum;
        }
        return L.Load(in *sums, 0);
    }
}
