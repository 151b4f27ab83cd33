using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Numerics;

namespace DeepEdu.Gpu;

/// <summary>One float of one thread. exp, log, tanh and the others are the polynomials of the processor's lanes, so both devices agree to the last bits.</summary>
/// <param name="v">The value.</param>
internal readonly struct GpuLane(float v) : IMathLane<GpuLane>
{
    private const double Turn = 6.283185307179586, PerTurn = 0.15915494309189535;
    private const int Sign = int.MinValue;

    public readonly float V = v;

    public static GpuLane Of(float c) => new(c);

    public static implicit operator GpuLane(float c) => new(c);

    public static GpuLane operator +(GpuLane a, GpuLane b) => new(a.V + b.V);

    public static GpuLane operator -(GpuLane a, GpuLane b) => new(a.V - b.V);

    public static GpuLane operator *(GpuLane a, GpuLane b) => new(a.V * b.V);

    public static GpuLane operator /(GpuLane a, GpuLane b) => new(a.V / b.V);

    public static GpuLane operator -(GpuLane a) => new(-a.V);

    // the driver contracts the two into one fused multiply-add
    public static GpuLane MultiplyAdd(GpuLane a, GpuLane b, GpuLane c) => new((a.V * b.V) + c.V);

    // written out: hardware minima drop NaN
    public static GpuLane Min(GpuLane a, GpuLane b) => a.V < b.V || float.IsNaN(a.V) ? a : b;

    public static GpuLane Max(GpuLane a, GpuLane b) => a.V > b.V || float.IsNaN(a.V) ? a : b;

    public static GpuLane Abs(GpuLane x) => new(BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(x.V) & ~Sign));

    public static GpuLane Floor(GpuLane x) => new(MathF.Floor(x.V));

    public static GpuLane Sqrt(GpuLane x) => new(MathF.Sqrt(x.V));

    public static GpuLane Exp(GpuLane x) => VectorMath.Exp(x);

    public static GpuLane Log(GpuLane x) => VectorMath.Log(x);

    public static GpuLane Tanh(GpuLane x) => VectorMath.Tanh(x);

    public static GpuLane Sigmoid(GpuLane x) => VectorMath.Sigmoid(x);

    public static GpuLane Erf(GpuLane x) => VectorMath.Erf(x);

    public static GpuLane NormalTail(GpuLane x) => VectorMath.NormalTail(x);

    public static GpuLane Sin(GpuLane x) => VectorMath.SinCos(Reduce(x.V), out _);

    public static GpuLane Cos(GpuLane x)
    {
        VectorMath.SinCos(Reduce(x.V), out GpuLane cosine);
        return cosine;
    }

    // asked both ways round: ILGPU turns a comparison with a constant on its left, and then has it the other way with NaN
    public static GpuLane WhereGreater(GpuLane a, GpuLane b, GpuLane yes, GpuLane no) => (a.V > b.V) & (b.V < a.V) ? yes : no;

    public static GpuLane WhereGreaterOrEqual(GpuLane a, GpuLane b, GpuLane yes, GpuLane no) => (a.V >= b.V) & (b.V <= a.V) ? yes : no;

    public static GpuLane WhereEqual(GpuLane a, GpuLane b, GpuLane yes, GpuLane no) => a.V == b.V ? yes : no;

    // adding 1.5·2²³ leaves the nearest whole number, halves to even, in the low bits; larger values are whole already
    public static GpuLane Round(GpuLane x)
    {
        const float Magic = 12582912f;
        return Abs(x).V < 4194304f ? new((x.V + Magic) - Magic) : x;
    }

    public static GpuLane Clamp(GpuLane x, GpuLane low, GpuLane high) => x.V < low.V ? low : x.V > high.V ? high : x;

    public static GpuLane AtMost(GpuLane x, GpuLane high) => x.V > high.V ? high : x;

    public static GpuLane ScaleByPowerOfTwo(GpuLane x, GpuLane n)
    {
        int whole = (int)n.V, half = whole >> 1;
        return new(x.V * BitConverter.Int32BitsToSingle((half + 127) << 23) * BitConverter.Int32BitsToSingle((whole - half + 127) << 23));
    }

    public static GpuLane SplitExponent(GpuLane x, out GpuLane e)
    {
        const int Root = 0x3F3504F3; // the bits of √½
        int shifted = BitConverter.SingleToInt32Bits(x.V) - Root;
        e = new(shifted >> 23);
        return new(BitConverter.Int32BitsToSingle((shifted & 0x007FFFFF) + Root));
    }

    public static GpuLane CopySign(GpuLane magnitude, GpuLane sign) =>
        new(BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(magnitude.V) & ~Sign) | (BitConverter.SingleToInt32Bits(sign.V) & Sign)));

    // whole turns are taken off in double precision
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static GpuLane Reduce(float x) => new((float)(x - (Turn * Math.Floor((x * PerTurn) + 0.5))));
}
