using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Wasm;
using System.Runtime.Intrinsics.X86;

namespace DeepEdu.Kernels;

/// <summary>What the tile needs of a register. The lanes of <see cref="Lanes"/> wrap a register in a struct; of 24 sums kept through a loop the JIT then holds two
/// names each, more than there are registers, and writes them to memory. On the bare register type it does not.</summary>
/// <typeparam name="X">The register: a vector or a float.</typeparam>
internal unsafe interface IRegister<X> where X : struct
{
    /// <summary>Floats in it.</summary>
    static abstract int Width { get; }

    /// <summary>*x in every place.</summary>
    static abstract X Broadcast(float* x);

    /// <summary>Reads <see cref="Width"/> floats.</summary>
    static abstract X Load(float* from);

    /// <summary>Writes <see cref="Width"/> floats.</summary>
    static abstract void Store(X x, float* to);

    /// <summary>a + b.</summary>
    static abstract X Add(X a, X b);

    /// <summary>a·b + c.</summary>
    static abstract X MultiplyAdd(X a, X b, X c);
}

/// <summary>16 floats.</summary>
internal readonly unsafe struct Register16 : IRegister<Vector512<float>>
{
    public static int Width => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float* x) => Vector512.Create(*x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* from) => Vector512.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> x, float* to) => x.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.MultiplyAddEstimate(a, b, c);
}

/// <summary>8 floats.</summary>
internal readonly unsafe struct Register8 : IRegister<Vector256<float>>
{
    public static int Width => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float* x) => Vector256.Create(*x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* from) => Vector256.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> x, float* to) => x.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.MultiplyAddEstimate(a, b, c);
}

/// <summary>4 floats.</summary>
internal readonly unsafe struct Register4 : IRegister<Vector128<float>>
{
    public static int Width => 4;

    // without AVX2 the general way is a load and a shuffle
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float* x) => Avx.IsSupported ? Avx.BroadcastScalarToVector128(x) : Vector128.Create(*x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* from) => Vector128.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<float> x, float* to) => x.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => PackedSimd.IsSupported ? (a * b) + c : Vector128.MultiplyAddEstimate(a, b, c);
}

/// <summary>One float.</summary>
internal readonly unsafe struct Register1 : IRegister<float>
{
    public static int Width => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Broadcast(float* x) => *x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(float* from) => *from;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float x, float* to) => *to = x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Add(float a, float b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MultiplyAdd(float a, float b, float c) => float.MultiplyAddEstimate(a, b, c);
}
