using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>A way to make a tile of C = A · B.</summary>
internal interface IProductTile
{
    /// <summary>What a group does.</summary>
    static abstract void Run(Floats a, Floats b, Floats bias, Floats c, MatMulKernel.Plan p);
}

/// <summary>A matrix product: a group a tile.</summary>
internal struct ProductKernel<T> : IGpuKernel where T : struct, IProductTile
{
    public Floats A, B, Bias, C;
    public MatMulKernel.Plan Plan;

    public readonly void Run() => T.Run(A, B, Bias, C, Plan);
}

/// <inheritdoc cref="MatMulKernel"/>
internal struct WideTile : IProductTile
{
    public static void Run(Floats a, Floats b, Floats bias, Floats c, MatMulKernel.Plan p) => MatMulKernel.WideBody(a, b, bias, c, p);
}

/// <inheritdoc cref="MatMulKernel"/>
internal struct SmallTile : IProductTile
{
    public static void Run(Floats a, Floats b, Floats bias, Floats c, MatMulKernel.Plan p) => MatMulKernel.SmallBody(a, b, bias, c, p);
}

/// <inheritdoc cref="TensorProduct"/>
internal struct TensorTile<W, P, A, B> : IProductTile where W : struct, IWord where P : struct, IWarpProducts where A : struct, IWordLayout where B : struct, IWordLayout
{
    public static void Run(Floats a, Floats b, Floats bias, Floats c, MatMulKernel.Plan p) => TensorProduct.Body<W, P, A, B>(a, b, bias, c, p);
}
