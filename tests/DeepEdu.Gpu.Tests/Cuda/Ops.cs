using System.Numerics;
using System.Runtime.Intrinsics;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>What the instructions compute, as the PTX ISA defines it. First those that work on vectors.</summary>
internal static class Ops
{
    public struct Move : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => a; }

    public struct Add : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => a + b; }

    public struct Subtract : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => a - b; }

    public struct Multiply : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => a * b; }

    public struct MultiplyAdd : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => (a * b) + c; }

    public struct Negate : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => -a; }

    public struct And : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => a & b; }

    public struct Or : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => a | b; }

    public struct Xor : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => a ^ b; }

    public struct Not : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => ~a; }

    public struct Absolute : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => Vector256.Abs(a); }

    public struct Divide : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => a / b; }

    public struct SquareRoot : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => Vector256.Sqrt(a); }

    // one rounding
    public struct FusedMultiplyAdd : IVectorOp
    {
        public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => typeof(T) == typeof(float)
            ? Vector256.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
            : Vector256.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();
    }

    // of a number and a NaN, the number
    public struct Minimum : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => Vector256.MinNumber(a, b); }

    public struct Maximum : IVectorOp { public static Vector256<T> Of<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged => Vector256.MaxNumber(a, b); }

    // comparisons; the unordered ones are true where a value is NaN
    public struct Equal : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => a == b; }

    public struct NotEqual : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => a < b || a > b; }

    public struct Less : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => a < b; }

    public struct LessOrEqual : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => a <= b; }

    public struct Greater : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => a > b; }

    public struct GreaterOrEqual : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => a >= b; }

    public struct UnorderedEqual : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => !(a < b || a > b); }

    public struct UnorderedNotEqual : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => a != b; }

    public struct UnorderedLess : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => !(a >= b); }

    public struct UnorderedLessOrEqual : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => !(a > b); }

    public struct UnorderedGreater : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => !(a <= b); }

    public struct UnorderedGreaterOrEqual : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => !(a < b); }

    public struct Numbers : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => !T.IsNaN(a) && !T.IsNaN(b); }

    public struct NotANumber : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => T.IsNaN(a) || T.IsNaN(b); }

    public struct IsFinite : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => T.IsFinite(a); }

    public struct IsInfinite : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => T.IsInfinity(a); }

    public struct IsNormal : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => T.IsNormal(a); }

    public struct IsSubnormal : ICompare { public static bool Of<T>(T a, T b) where T : INumber<T> => T.IsSubnormal(a); }

    // whole numbers, a lane at a time; what ISA leaves undefined (a divisor of 0) gives all ones, as the hardware does
    public struct Quotient<T> : IScalarOp<T, T, T, T> where T : IBinaryInteger<T>, IMinMaxValue<T>
    {
        public static T Of(T a, T b, T c) => T.IsZero(b) ? ~T.Zero : a == T.MinValue && b == ~T.Zero && T.IsNegative(a) ? a : a / b;
    }

    public struct Remainder<T> : IScalarOp<T, T, T, T> where T : IBinaryInteger<T>, IMinMaxValue<T>
    {
        public static T Of(T a, T b, T c) => T.IsZero(b) ? a : b == ~T.Zero && T.IsNegative(b) ? T.Zero : a % b;
    }

    public struct WideProduct<T, TD> : IScalarOp<T, T, TD, TD> where T : IBinaryInteger<T> where TD : IBinaryInteger<TD>
    {
        public static TD Of(T a, T b, TD c) => unchecked(TD.CreateTruncating(a) * TD.CreateTruncating(b));
    }

    public struct WideProductAdd<T, TD> : IScalarOp<T, T, TD, TD> where T : IBinaryInteger<T> where TD : IBinaryInteger<TD>
    {
        public static TD Of(T a, T b, TD c) => unchecked((TD.CreateTruncating(a) * TD.CreateTruncating(b)) + c);
    }

    public struct HighProduct<T> : IScalarOp<T, T, T, T> where T : unmanaged, IBinaryInteger<T>
    {
        public static unsafe T Of(T a, T b, T c) => T.CreateTruncating((Int128.CreateTruncating(a) * Int128.CreateTruncating(b)) >> (sizeof(T) * 8));
    }

    // amounts beyond the width count as the width
    public struct Left<T> : IScalarOp<T, uint, T, T> where T : unmanaged, IBinaryInteger<T>
    {
        public static unsafe T Of(T a, uint n, T c) => n >= sizeof(T) * 8 ? T.Zero : a << (int)n;
    }

    public struct Right<T> : IScalarOp<T, uint, T, T> where T : unmanaged, IBinaryInteger<T>
    {
        public static unsafe T Of(T a, uint n, T c) => n >= sizeof(T) * 8 ? (T.IsNegative(a) ? ~T.Zero : T.Zero) : a >> (int)n;
    }

    public struct Ones<T> : IScalarOp<T, T, T, uint> where T : IBinaryInteger<T> { public static uint Of(T a, T b, T c) => uint.CreateTruncating(T.PopCount(a)); }

    public struct LeadingZeros<T> : IScalarOp<T, T, T, uint> where T : IBinaryInteger<T> { public static uint Of(T a, T b, T c) => uint.CreateTruncating(T.LeadingZeroCount(a)); }

    public struct Reverse : IScalarOp<uint, uint, uint, uint>
    {
        public static uint Of(uint a, uint b, uint c)
        {
            uint r = 0;
            for (int k = 0; k < 32; k++) { r |= (a >> k & 1) << (31 - k); }
            return r;
        }
    }

    // functions of the hardware; it is allowed to be less exact than these
    public struct Exp2 : IScalarOp<float, float, float, float> { public static float Of(float a, float b, float c) => (float)Math.Pow(2, a); }

    public struct Log2 : IScalarOp<float, float, float, float> { public static float Of(float a, float b, float c) => (float)Math.Log2(a); }

    public struct Sine : IScalarOp<float, float, float, float> { public static float Of(float a, float b, float c) => (float)Math.Sin(a); }

    public struct Cosine : IScalarOp<float, float, float, float> { public static float Of(float a, float b, float c) => (float)Math.Cos(a); }

    public struct Tangent : IScalarOp<float, float, float, float> { public static float Of(float a, float b, float c) => (float)Math.Tanh(a); }

    public struct Reciprocal<T> : IScalarOp<T, T, T, T> where T : IFloatingPointIeee754<T> { public static T Of(T a, T b, T c) => T.One / a; }

    public struct ReciprocalRoot<T> : IScalarOp<T, T, T, T> where T : IFloatingPointIeee754<T> { public static T Of(T a, T b, T c) => T.CreateTruncating(1 / Math.Sqrt(double.CreateTruncating(a))); }

    public struct CopySign<T> : IScalarOp<T, T, T, T> where T : IFloatingPointIeee754<T> { public static T Of(T a, T b, T c) => T.CopySign(b, a); }
}
