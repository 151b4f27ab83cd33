using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Numerics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace DeepEdu.Lanes;

/// <summary>16 floats in one 512-bit register.</summary>
/// <param name="v">The register.</param>
public readonly struct F16(V v) : IVectorLane<F16>
{
    /// <summary>The register.</summary>
    public readonly V V = v;

    /// <inheritdoc/>
    public static int Width => 16;

    /// <inheritdoc/>
    public static bool IsSupported => Vector512.IsHardwareAccelerated;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Of(float c) => new(Vector512.Create(c));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator F16(float c) => Of(c);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 operator +(F16 a, F16 b) => new(a.V + b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 operator -(F16 a, F16 b) => new(a.V - b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 operator *(F16 a, F16 b) => new(a.V * b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 operator /(F16 a, F16 b) => new(a.V / b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 operator -(F16 a) => new(-a.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 MultiplyAdd(F16 a, F16 b, F16 c) => new(Vector512.MultiplyAddEstimate(a.V, b.V, c.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Min(F16 a, F16 b) => new(Vector512.Min(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Max(F16 a, F16 b) => new(Vector512.Max(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Abs(F16 x) => new(Vector512.Abs(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Floor(F16 x) => new(Vector512.Floor(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Sqrt(F16 x) => new(Vector512.Sqrt(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Exp(F16 x) => VectorMath.Exp(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Log(F16 x)
    {
        if (!Avx512F.IsSupported) { return VectorMath.Log(x); }
        // the same bits in fewer instructions: mantissas and exponents of subnormals need no scaling, and one instruction puts the special results in
        const byte From1To2 = 0;
        const int Special = 0x03530422; // of NaN NaN, 0 −∞, −∞ NaN, ∞ ∞, less than 0 NaN
        var m = Avx512F.GetMantissa(x.V, From1To2);
        var e = Avx512F.GetExponent(x.V);
        var large = Vector512.GreaterThanOrEqual(m, Vector512.Create(1.41421354f));
        m = Vector512.ConditionalSelect(large, m * 0.5f, m);
        e = Vector512.ConditionalSelect(large, e + Vector512<float>.One, e);
        return new(Avx512F.Fixup(VectorMath.LogOf<F16>(new(m), new(e)).V, x.V, Vector512.Create(Special), 0));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Tanh(F16 x) => VectorMath.Tanh(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Sigmoid(F16 x) => VectorMath.Sigmoid(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Erf(F16 x) => VectorMath.Erf(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 NormalTail(F16 x) => VectorMath.NormalTail(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Sin(F16 x) => VectorMath.Sin(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Cos(F16 x) => VectorMath.Cos(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 WhereGreater(F16 a, F16 b, F16 yes, F16 no) => new(Vector512.ConditionalSelect(Vector512.GreaterThan(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 WhereGreaterOrEqual(F16 a, F16 b, F16 yes, F16 no) => new(Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 WhereEqual(F16 a, F16 b, F16 yes, F16 no) => new(Vector512.ConditionalSelect(Vector512.Equals(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Load(ref readonly float from, nint at) => new(Vector512.LoadUnsafe(in from, (nuint)at));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(F16 x, ref float to, nint at) => x.V.StoreUnsafe(ref to, (nuint)at);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(F16 x) => Vector512.Sum(x.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Get(F16 x, int i) => x.V.GetElement(i);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Round(F16 x) => new(Vector512.Round(x.V));

    // x86 returns the second operand when either is NaN, so x stands second
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 Clamp(F16 x, F16 low, F16 high) => Avx512F.IsSupported
        ? new(Avx512F.Min(high.V, Avx512F.Max(low.V, x.V)))
        : new(Vector512.Min(high.V, Vector512.Max(low.V, x.V)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 AtMost(F16 x, F16 high) => new(Avx512F.IsSupported ? Avx512F.Min(high.V, x.V) : Vector512.Min(high.V, x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyGreater(F16 a, F16 b) => Vector512.GreaterThanAny(a.V, b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 ScaleByPowerOfTwo(F16 x, F16 n)
    {
        if (Avx512F.IsSupported) { return new(Avx512F.Scale(x.V, n.V)); }
        // two half steps, so that neither power leaves the range of a normal float
        var whole = Vector512.ConvertToInt32Native(n.V);
        var half = Vector512.ShiftRightArithmetic(whole, 1);
        var bias = Vector512.Create(127);
        return new(x.V * Vector512.ShiftLeft(half + bias, 23).AsSingle() * Vector512.ShiftLeft(whole - half + bias, 23).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 SplitExponent(F16 x, out F16 e)
    {
        const int Root = 0x3F3504F3; // the bits of √½
        var shifted = x.V.AsInt32() - Vector512.Create(Root);
        e = new(Vector512.ConvertToSingle(Vector512.ShiftRightArithmetic(shifted, 23)));
        return new(((shifted & Vector512.Create(0x007FFFFF)) + Vector512.Create(Root)).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F16 CopySign(F16 magnitude, F16 sign) => new(Vector512.CopySign(magnitude.V, sign.V));
}
