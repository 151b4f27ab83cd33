using System.Runtime.CompilerServices;
using DeepEdu.Numerics;

namespace DeepEdu.Lanes;

/// <summary>One float: the tail of a SIMD loop.</summary>
/// <param name="v">The value.</param>
public readonly struct F1(float v) : IVectorLane<F1>
{
    /// <summary>The value.</summary>
    public readonly float V = v;

    /// <inheritdoc/>
    public static int Width => 1;

    /// <inheritdoc/>
    public static bool IsSupported => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Of(float c) => new(c);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator F1(float c) => new(c);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 operator +(F1 a, F1 b) => new(a.V + b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 operator -(F1 a, F1 b) => new(a.V - b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 operator *(F1 a, F1 b) => new(a.V * b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 operator /(F1 a, F1 b) => new(a.V / b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 operator -(F1 a) => new(-a.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 MultiplyAdd(F1 a, F1 b, F1 c) => new(float.MultiplyAddEstimate(a.V, b.V, c.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Min(F1 a, F1 b) => new(MathF.Min(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Max(F1 a, F1 b) => new(MathF.Max(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Abs(F1 x) => new(MathF.Abs(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Floor(F1 x) => new(MathF.Floor(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Sqrt(F1 x) => new(MathF.Sqrt(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Exp(F1 x) => VectorMath.Exp(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Log(F1 x) => VectorMath.Log(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Tanh(F1 x) => VectorMath.Tanh(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Sigmoid(F1 x) => VectorMath.Sigmoid(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Erf(F1 x) => VectorMath.Erf(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 NormalTail(F1 x) => VectorMath.NormalTail(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Sin(F1 x) => VectorMath.Sin(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Cos(F1 x) => VectorMath.Cos(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 WhereGreater(F1 a, F1 b, F1 yes, F1 no) => a.V > b.V ? yes : no;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 WhereGreaterOrEqual(F1 a, F1 b, F1 yes, F1 no) => a.V >= b.V ? yes : no;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 WhereEqual(F1 a, F1 b, F1 yes, F1 no) => a.V == b.V ? yes : no;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Load(ref readonly float from, nint at) => new(Unsafe.Add(ref Unsafe.AsRef(in from), at));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(F1 x, ref float to, nint at) => Unsafe.Add(ref to, at) = x.V;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(F1 x) => x.V;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Get(F1 x, int i) => x.V;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Round(F1 x) => new(MathF.Round(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 Clamp(F1 x, F1 low, F1 high) => x.V < low.V ? low : x.V > high.V ? high : x;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 AtMost(F1 x, F1 high) => x.V > high.V ? high : x;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyGreater(F1 a, F1 b) => a.V > b.V;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 ScaleByPowerOfTwo(F1 x, F1 n)
    {
        int whole = (int)n.V, half = whole >> 1;
        return new(x.V * BitConverter.Int32BitsToSingle((half + 127) << 23) * BitConverter.Int32BitsToSingle((whole - half + 127) << 23));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 SplitExponent(F1 x, out F1 e)
    {
        const int Root = 0x3F3504F3; // the bits of √½
        int shifted = BitConverter.SingleToInt32Bits(x.V) - Root;
        e = new(shifted >> 23);
        return new(BitConverter.Int32BitsToSingle((shifted & 0x007FFFFF) + Root));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F1 CopySign(F1 magnitude, F1 sign) => new(MathF.CopySign(magnitude.V, sign.V));
}
