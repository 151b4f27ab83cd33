using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeepEdu.Tests.Ops;

/// <summary>What factors are, for matrices of any shape and rank; what is refused.</summary>
public class LinearAlgebraTests
{
    private static Tensor Drawn(int seed, Shape shape) => Tensor.Normal(shape, new Rng((ulong)(uint)seed));

    // float32 products of entries around 1: 2e-5 of the size of the largest
    private static void Near(Tensor want, Tensor got, float tolerance = 2e-5f)
    {
        Assert.Equal(want.Shape, got.Shape);
        float scale = Math.Max(1, want.ToArray().Select(Math.Abs).DefaultIfEmpty().Max());
        Assert.True((want - got).Abs().ToArray().All(d => d <= tolerance * scale), $"{want}\nis not\n{got}");
    }

    private static (int M, int N, int Batch) Sizes(int seed) => ((int)((uint)seed % 7) + 1, (int)((uint)seed / 7 % 7) + 1, (int)((uint)seed / 49 % 3) + 1);

    private static void ForAll(int cases, Action<int> check) => Properties.Hold(cases, Prop.ForAll(Gen.Choose(0, 1 << 20).ToArbitrary(), check));

    [Fact]
    public void FactorsMakeTheMatrixAgain() => ForAll(60, seed =>
    {
        var (m, n, batch) = Sizes(seed);
        var a = Drawn(seed, [batch, m, n]);
        var (q, r) = a.Qr();
        Near(a, q.MatMul(r));
        Near(Tensor.Eye(Math.Min(m, n)).BroadcastTo([batch, Math.Min(m, n), Math.Min(m, n)]), q.MatMul(q, transA: true));
        Near(r.Triu(), r);
        var (u, s, v) = a.Svd();
        Near(a, (u * s.Unsqueeze(-2)).MatMul(v));
        Near(Tensor.Eye(Math.Min(m, n)).BroadcastTo([batch, Math.Min(m, n), Math.Min(m, n)]), u.MatMul(u, transA: true));
        Near(Tensor.Eye(Math.Min(m, n)).BroadcastTo([batch, Math.Min(m, n), Math.Min(m, n)]), v.MatMul(v, transB: true));
        Assert.All(s.ToArray().Chunk(Math.Min(m, n)), row => Assert.Equal(row.OrderDescending(), row));
        var symmetric = a.MatMul(a, transA: true);
        var (values, vectors) = symmetric.Eigh();
        Near(symmetric, (vectors * values.Unsqueeze(-2)).MatMul(vectors, transB: true));
        Near(Tensor.Eye(n).BroadcastTo([batch, n, n]), vectors.MatMul(vectors, transA: true));
        Assert.All(values.ToArray().Chunk(n), row => Assert.Equal(row.Order(), row));
        var definite = symmetric + Tensor.Eye(n);
        var l = definite.Cholesky();
        Near(definite, l.MatMul(l, transB: true));
        Near(Tensor.Eye(n).BroadcastTo([batch, n, n]), definite.MatMul(definite.Inverse()), 1e-4f);
        var b = Drawn(seed + 1, [batch, n, 2]);
        Near(b, definite.MatMul(definite.Solve(b)), 1e-4f);
        Near(b, l.MatMul(l.SolveTriangular(b, upper: false)), 1e-4f);
        var (sign, log) = definite.SlogDet();
        Near(definite.Det(), sign * log.Exp(), 1e-4f);
    });

    [Fact]
    public void ThePseudoInverseIsPenroses() => ForAll(40, seed =>
    {
        var (m, n, batch) = Sizes(seed);
        // of rank 1 or 2, so that some singular values count as 0
        int rank = Math.Min(2, Math.Min(m, n));
        var a = Drawn(seed, [batch, m, rank]).MatMul(Drawn(seed + 1, [batch, rank, n]));
        var p = a.PseudoInverse(1e-4f);
        Near(a, a.MatMul(p).MatMul(a), 1e-3f);
        Near(a.MatMul(p), a.MatMul(p).Transpose(-1, -2), 1e-3f);
        Near(p.MatMul(a), p.MatMul(a).Transpose(-1, -2), 1e-3f);
    });

    [Fact]
    public void ASingularMatrixHasFactorsToo()
    {
        var a = Tensor.Of([3, 3], [1, 2, 3, 2, 4, 6, 0, 0, 0]);
        var (u, s, v) = a.Svd();
        Near(a, (u * s).MatMul(v));
        Near(Tensor.Eye(3), u.MatMul(u, transA: true));
        Assert.Equal(0, s[2].Item(), 1e-6f);
        Assert.Equal((0f, float.NegativeInfinity), (a.SlogDet().Sign.Item(), a.SlogDet().LogAbs.Item()));
        Assert.Equal(0, a.Det().Item(), 1e-5f);
        Near(Tensor.Zeros([2, 2]), Tensor.Zeros([2, 2]).PseudoInverse());
        Assert.Equal(Tensor.Eye(2).ToArray(), Tensor.Zeros([2, 2]).Svd().U.ToArray());
    }

    /// <summary>The cofactors, by hand; PyTorch 1.13 says 0 here.</summary>
    [Fact]
    public void ADeterminantsGradientIsRightWhereItIsZero()
    {
        var a = Tensor.Of([3, 3], [1, 2, 3, 2, 4, 6, 1, 0, 1]);
        using var tape = new Tape();
        tape.Watch(a);
        Near(Tensor.Of([3, 3], [4, 4, -4, -2, -2, 2, 0, 0, 0]), tape.Gradients(a.Det()).Find(a)!);
    }

    [Fact]
    public void EmptyMatricesAreNoError()
    {
        Assert.Equal([1f], Tensor.Zeros([1, 0, 0]).Det().ToArray());
        Assert.Equal(0, Tensor.Zeros([0, 0]).Inverse().Size);
        Assert.Equal([2, 0], Tensor.Zeros([2, 0]).Qr().Q.Shape.Sizes.ToArray());
        Assert.Equal([0, 3], Tensor.Zeros([0, 3]).Svd().Vh.Shape.Sizes.ToArray());
        Assert.Equal([0, 3, 3], Tensor.Zeros([0, 3, 3]).Cholesky().Shape.Sizes.ToArray());
        Assert.Equal([3, 0], Tensor.Zeros([0, 3]).PseudoInverse().Shape.Sizes.ToArray());
        Assert.Equal([3, 0], Tensor.Eye(3).Solve(Tensor.Zeros([3, 0])).Shape.Sizes.ToArray());
    }

    [Fact]
    public void WhatCannotBeIsNamed()
    {
        var singular = Tensor.Stack([Tensor.Eye(2), Tensor.Of([2, 2], [1, 2, 2, 4])]);
        Assert.StartsWith("solve: matrix 1 of 2 is singular (pivot 1 is 0)", Assert.Throws<ArithmeticException>(() => singular.Solve(Tensor.Ones([2]))).Message, StringComparison.Ordinal);
        Assert.StartsWith("inverse: matrix 1 of 2 is singular", Assert.Throws<ArithmeticException>(() => singular.Inverse()).Message, StringComparison.Ordinal);
        Assert.StartsWith("solve-triangular: the matrix is singular (pivot 0 is 0)", Assert.Throws<ArithmeticException>(() => Tensor.Zeros([1, 1]).SolveTriangular(Tensor.Ones([1]), upper: true)).Message, StringComparison.Ordinal);
        Assert.StartsWith("cholesky: the matrix is not positive definite (its leading minor of order 2 is not above 0)", Assert.Throws<ArithmeticException>(() => Tensor.Of([2, 2], [1, 2, 2, 1]).Cholesky()).Message, StringComparison.Ordinal);
        Assert.StartsWith("svd: the matrix has a value that is NaN or infinite", Assert.Throws<ArithmeticException>(() => Tensor.Full([2, 2], float.NaN).Svd()).Message, StringComparison.Ordinal);
        Assert.StartsWith("eigh: the matrix has", Assert.Throws<ArithmeticException>(() => Tensor.Full([2, 2], float.PositiveInfinity).Eigh()).Message, StringComparison.Ordinal);
        Assert.Equal("det: [2,3] is not square; for equations of other shapes there is LeastSquares", Assert.Throws<ShapeException>(() => Tensor.Ones([2, 3]).Det()).Message);
        Assert.Equal("svd: [3] is no matrix [.., m, n]", Assert.Throws<ShapeException>(() => Tensor.Ones([3]).Svd()).Message);
        Assert.Equal("solve: [2,2] and [3,1]: b must have 2 rows, as a has, or be a vector of 2", Assert.Throws<ShapeException>(() => Tensor.Eye(2).Solve(Tensor.Ones([3]))).Message);
        Assert.Equal("least-squares: [3,2] and [2,1]: b must have 3 rows, as a has, or be a vector of 3", Assert.Throws<ShapeException>(() => Tensor.Ones([3, 2]).LeastSquares(Tensor.Ones([2]))).Message);
        Assert.Contains("singular", Assert.Throws<ArithmeticException>(() => Tensor.Zeros([3, 2]).LeastSquares(Tensor.Ones([3]))).Message, StringComparison.Ordinal);
    }

    /// <summary>A regression, by three ways, and in a session.</summary>
    [Fact]
    public void WaysToOneAnswerAgree()
    {
        Tensor x = Drawn(3, [50, 4]), y = Drawn(4, [50]);
        var direct = x.LeastSquares(y);
        var normal = x.MatMul(x, transA: true).Solve(x.MatMul(y.Unsqueeze(1), transA: true)).Squeeze(1);
        Near(direct, normal, 1e-5f);
        Near(direct, x.PseudoInverse().MatMul(y), 1e-5f);
        var session = new InferenceSession(i => i.Tensor([50, 4]).LeastSquares(i.Tensor([50])));
        using var call = session.Begin();
        call.Set(0, x.ToArray());
        call.Set(1, y.ToArray());
        call.Run();
        Assert.Equal(direct.ToArray(), call.Output().ToArray());
    }

    /// <summary>The log-likelihood of a Gaussian, whose way back goes through a factor and a determinant: both ways give one gradient.</summary>
    [Fact]
    public void TheGradientOfALikelihoodIsOne()
    {
        Tensor root = Drawn(5, [4, 4]), x = Drawn(6, [4]);
        float[] Gradient(Func<Tensor, Tensor> f)
        {
            using var tape = new Tape();
            tape.Watch(root);
            var s = root.MatMul(root, transB: true) + Tensor.Eye(4);
            float[] g = tape.Gradients(f(s)).Find(root)!.ToArray();
            return g;
        }
        float[] a = Gradient(s => s.SlogDet().LogAbs + x.Dot(s.Solve(x)));
        float[] b = Gradient(s => s.Cholesky() is var l ? (2 * l.Diagonal().Log().Sum()) + l.SolveTriangular(x, upper: false).Square().Sum() : null!);
        for (int i = 0; i < a.Length; i++) { Assert.Equal(a[i], b[i], 1e-3f * a.Max(Math.Abs)); }
    }
}
