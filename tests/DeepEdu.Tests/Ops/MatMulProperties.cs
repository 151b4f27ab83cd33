using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Ops;

/// <summary>Laws of the matrix product over random sizes.</summary>
public class MatMulProperties
{
    private static readonly Arbitrary<(int[] Sizes, int Seed)> s_sizes = Gen.Choose(1, 40).ArrayOf(5)
        .SelectMany(sizes => Gen.Choose(0, 1 << 20).Select(seed => (sizes, seed)))
        .ToArbitrary();

    [Fact]
    public void ProductsAssociate() => ForAll((n, rng) =>
    {
        Tensor a = Tensor.Uniform([n[0] % 4 + 1, n[1], n[2]], rng, -1, 1), b = Tensor.Uniform([n[2], n[3]], rng, -1, 1), c = Tensor.Uniform([n[3], n[4]], rng, -1, 1);
        // sums of n2·n3 products below 1: rounding grows with their number
        Close(a.MatMul(b).MatMul(c), a.MatMul(b.MatMul(c)), 1e-6f * n[2] * n[3]);
    });

    [Fact]
    public void FlagsReadTheTranspose() => ForAll((n, rng) =>
    {
        Tensor a = Tensor.Uniform([n[0], n[1]], rng, -1, 1), b = Tensor.Uniform([n[1], n[2]], rng, -1, 1);
        Tensor at = a.Permute(1, 0), bt = b.Permute(1, 0), c = a.MatMul(b);
        Close(c, at.MatMul(b, transA: true), 1e-6f * n[1]);
        Close(c, a.MatMul(bt, transB: true), 1e-6f * n[1]);
        Close(c, at.MatMul(bt, transA: true, transB: true), 1e-6f * n[1]);
        Close(c.Permute(1, 0), bt.MatMul(at), 1e-6f * n[1]);
    });

    private static void Close(Tensor expected, Tensor actual, float tolerance)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        float[] e = expected.ToArray(), a = actual.ToArray();
        for (int i = 0; i < e.Length; i++) { Assert.Equal(e[i], a[i], tolerance); }
    }

    private static void ForAll(Action<int[], Rng> law) =>
        Properties.Hold(100, Prop.ForAll(s_sizes, c => law(c.Sizes, new Rng((ulong)c.Seed))));
}
