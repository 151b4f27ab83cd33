using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Numerics;
using V = System.Runtime.Intrinsics.Vector256<float>;

namespace DeepEdu.Lanes;

/// <summary>8 floats in one 256-bit register.</summary>
/// <param name="v">The register.</param>
public readonly struct F8(V v) : IVectorLane<F8>
{
    /// <summary>The register.</summary>
    public readonly V V = v;

    /// <inheritdoc/>
    public static int Width => 8;

    /// <inheritdoc/>
    public static bool IsSupported => Vector256.IsHardwareAccelerated;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Of(float c) => new(Vector256.Create(c));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator F8(float c) => Of(c);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 operator +(F8 a, F8 b) => new(a.V + b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 operator -(F8 a, F8 b) => new(a.V - b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 operator *(F8 a, F8 b) => new(a.V * b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 operator /(F8 a, F8 b) => new(a.V / b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 operator -(F8 a) => new(-a.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 MultiplyAdd(F8 a, F8 b, F8 c) => new(Vector256.MultiplyAddEstimate(a.V, b.V, c.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Min(F8 a, F8 b) => new(Vector256.Min(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Max(F8 a, F8 b) => new(Vector256.Max(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Abs(F8 x) => new(Vector256.Abs(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Floor(F8 x) => new(Vector256.Floor(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Sqrt(F8 x) => new(Vector256.Sqrt(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Exp(F8 x) => VectorMath.Exp(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Log(F8 x) => VectorMath.Log(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Tanh(F8 x) => VectorMath.Tanh(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Sigmoid(F8 x) => VectorMath.Sigmoid(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Erf(F8 x) => VectorMath.Erf(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 NormalTail(F8 x) => VectorMath.NormalTail(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Sin(F8 x) => VectorMath.Sin(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Cos(F8 x) => VectorMath.Cos(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 WhereGreater(F8 a, F8 b, F8 yes, F8 no) => new(Vector256.ConditionalSelect(Vector256.GreaterThan(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 WhereGreaterOrEqual(F8 a, F8 b, F8 yes, F8 no) => new(Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 WhereEqual(F8 a, F8 b, F8 yes, F8 no) => new(Vector256.ConditionalSelect(Vector256.Equals(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Load(ref readonly float from, nint at) => new(Vector256.LoadUnsafe(in from, (nuint)at));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(F8 x, ref float to, nint at) => x.V.StoreUnsafe(ref to, (nuint)at);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(F8 x) => Vector256.Sum(x.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Get(F8 x, int i) => x.V.GetElement(i);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Round(F8 x) => new(Vector256.Round(x.V));

    // x86 returns the second operand when either is NaN, so x stands second
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 Clamp(F8 x, F8 low, F8 high) => Avx.IsSupported
        ? new(Avx.Min(high.V, Avx.Max(low.V, x.V)))
        : new(Vector256.Min(high.V, Vector256.Max(low.V, x.V)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 AtMost(F8 x, F8 high) => new(Avx.IsSupported ? Avx.Min(high.V, x.V) : Vector256.Min(high.V, x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyGreater(F8 a, F8 b) => Vector256.GreaterThanAny(a.V, b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 ScaleByPowerOfTwo(F8 x, F8 n)
    {
        // two half steps, so that neither power leaves the range of a normal float
        var whole = Vector256.ConvertToInt32Native(n.V);
        var half = Vector256.ShiftRightArithmetic(whole, 1);
        var bias = Vector256.Create(127);
        return new(x.V * Vector256.ShiftLeft(half + bias, 23).AsSingle() * Vector256.ShiftLeft(whole - half + bias, 23).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 SplitExponent(F8 x, out F8 e)
    {
        const int Root = 0x3F3504F3; // the bits of √½
        var shifted = x.V.AsInt32() - Vector256.Create(Root);
        e = new(Vector256.ConvertToSingle(Vector256.ShiftRightArithmetic(shifted, 23)));
        return new(((shifted & Vector256.Create(0x007FFFFF)) + Vector256.Create(Root)).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F8 CopySign(F8 magnitude, F8 sign) => new(Vector256.CopySign(magnitude.V, sign.V));
}
