using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Wasm;
using System.Runtime.Intrinsics.X86;
using DeepEdu.Numerics;
using V = System.Runtime.Intrinsics.Vector128<float>;

namespace DeepEdu.Lanes;

/// <summary>4 floats in one 128-bit register.</summary>
/// <param name="v">The register.</param>
public readonly struct F4(V v) : IVectorLane<F4>
{
    /// <summary>The register.</summary>
    public readonly V V = v;

    /// <inheritdoc/>
    public static int Width => 4;

    /// <inheritdoc/>
    public static bool IsSupported => Vector128.IsHardwareAccelerated;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Of(float c) => new(Vector128.Create(c));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator F4(float c) => Of(c);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 operator +(F4 a, F4 b) => new(a.V + b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 operator -(F4 a, F4 b) => new(a.V - b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 operator *(F4 a, F4 b) => new(a.V * b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 operator /(F4 a, F4 b) => new(a.V / b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 operator -(F4 a) => new(-a.V);

    // a browser's runtime takes the estimate number by number, with the same bits
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 MultiplyAdd(F4 a, F4 b, F4 c) => new(PackedSimd.IsSupported ? (a.V * b.V) + c.V : Vector128.MultiplyAddEstimate(a.V, b.V, c.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Min(F4 a, F4 b) => new(Vector128.Min(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Max(F4 a, F4 b) => new(Vector128.Max(a.V, b.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Abs(F4 x) => new(Vector128.Abs(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Floor(F4 x) => new(Vector128.Floor(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Sqrt(F4 x) => new(Vector128.Sqrt(x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Exp(F4 x) => VectorMath.Exp(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Log(F4 x) => VectorMath.Log(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Tanh(F4 x) => VectorMath.Tanh(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Sigmoid(F4 x) => VectorMath.Sigmoid(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Erf(F4 x) => VectorMath.Erf(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 NormalTail(F4 x) => VectorMath.NormalTail(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Sin(F4 x) => VectorMath.Sin(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Cos(F4 x) => VectorMath.Cos(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 WhereGreater(F4 a, F4 b, F4 yes, F4 no) => new(Vector128.ConditionalSelect(Vector128.GreaterThan(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 WhereGreaterOrEqual(F4 a, F4 b, F4 yes, F4 no) => new(Vector128.ConditionalSelect(Vector128.GreaterThanOrEqual(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 WhereEqual(F4 a, F4 b, F4 yes, F4 no) => new(Vector128.ConditionalSelect(Vector128.Equals(a.V, b.V), yes.V, no.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Load(ref readonly float from, nint at) => new(Vector128.LoadUnsafe(in from, (nuint)at));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(F4 x, ref float to, nint at) => x.V.StoreUnsafe(ref to, (nuint)at);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(F4 x) => Vector128.Sum(x.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Get(F4 x, int i) => x.V.GetElement(i);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Round(F4 x) => new(Vector128.Round(x.V));

    // x86 returns the second operand when either is NaN, so x stands second
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 Clamp(F4 x, F4 low, F4 high) => Sse.IsSupported
        ? new(Sse.Min(high.V, Sse.Max(low.V, x.V)))
        : new(Vector128.Min(high.V, Vector128.Max(low.V, x.V)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 AtMost(F4 x, F4 high) => new(Sse.IsSupported ? Sse.Min(high.V, x.V) : Vector128.Min(high.V, x.V));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyGreater(F4 a, F4 b) => Vector128.GreaterThanAny(a.V, b.V);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 ScaleByPowerOfTwo(F4 x, F4 n)
    {
        // two half steps, so that neither power leaves the range of a normal float
        var whole = PackedSimd.IsSupported ? Vector128.ConvertToInt32(n.V) : Vector128.ConvertToInt32Native(n.V);
        var half = Vector128.ShiftRightArithmetic(whole, 1);
        var bias = Vector128.Create(127);
        return new(x.V * Vector128.ShiftLeft(half + bias, 23).AsSingle() * Vector128.ShiftLeft(whole - half + bias, 23).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 SplitExponent(F4 x, out F4 e)
    {
        const int Root = 0x3F3504F3; // the bits of √½
        var shifted = x.V.AsInt32() - Vector128.Create(Root);
        e = new(Vector128.ConvertToSingle(Vector128.ShiftRightArithmetic(shifted, 23)));
        return new(((shifted & Vector128.Create(0x007FFFFF)) + Vector128.Create(Root)).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F4 CopySign(F4 magnitude, F4 sign) => new(Vector128.CopySign(magnitude.V, sign.V));
}
