using DeepEdu.Autograd;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

/// <summary>Running products and their gradients beside sums of products in double precision.</summary>
public class RunningProductTests
{
    [Theory, Trait("Width", "yes")]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(40)]
    public void GradientsAreRightWithZerosAtAnyPlace(int n)
    {
        const int Rows = 50;
        var rng = new Rng(3);
        var x = Tensor.Uniform([Rows, n], rng, -2, 2) * Tensor.Uniform([Rows, n], rng, 0, 1).Greater(0.1f);
        var dy = Tensor.Uniform([Rows, n], rng, -1, 1);
        foreach (bool columns in (bool[])[false, true])
        {
            float[] want = new float[Rows * n];
            for (int row = 0; row < Rows; row++)
            {
                for (int i = 0; i < n; i++)
                {
                    double sum = 0, product = 1;
                    for (int j = 0; j < n; j++)
                    {
                        if (j != i) { product *= x.AsSpan()[(row * n) + j]; }
                        if (j >= i) { sum += product * dy.AsSpan()[(row * n) + j]; }
                    }
                    want[(row * n) + i] = (float)sum;
                }
            }
            using var tape = new Tape();
            var (a, d) = columns ? (x.Transpose(0, 1), dy.Transpose(0, 1)) : (x, dy);
            tape.Watch(a);
            var dx = tape.Gradients(a.CumProd(columns ? 0 : 1), d)[a];
            OpCatalogTests.Near(want, (columns ? dx.Transpose(0, 1) : dx).ToArray(), 1e-5f, $"{n}, columns: {columns}"); // columns are multiplied in single precision
        }
    }

    [Fact]
    public void WhatHasGrownToInfinityBehindAZeroDoesNotReachItsFront()
    {
        float[] x = [.. Enumerable.Repeat(2f, 3), 0, .. Enumerable.Repeat(1f, 9), 0, .. Enumerable.Repeat(3f, 900)];
        foreach (Shape shape in (Shape[])[[x.Length], [x.Length, 1], [1, x.Length]])
        {
            using var tape = new Tape();
            var a = Tensor.Of(shape, x);
            tape.Watch(a);
            var y = a.CumProd(shape[0] == 1 ? 1 : 0);
            Assert.Equal([2f, 4, 8, 0, 0], y.ToArray()[..5]);
            Assert.Equal([7f, 6, 4, 80, 0, 0], tape.Gradients(y.Sum())[a].ToArray()[..6]);
        }
    }

    [Fact]
    public void WhatTheLossDoesNotSeeHasNoGradientThoughItIsInfinite()
    {
        float[] x = [.. Enumerable.Repeat(1e30f, 20)], seed = [1, .. new float[19]];
        foreach (Shape shape in (Shape[])[[20], [20, 1], [1, 20]])
        {
            using var tape = new Tape();
            var a = tape.Watch(Tensor.Of(shape, x));
            Assert.Equal(seed, tape.Gradients(a.CumProd(shape[0] == 1 ? 1 : 0), Tensor.Of(shape, seed))[a].ToArray());
        }
    }

    /// <summary>Columns as rows, and both as PyTorch, which adds and multiplies in double: what leaves float's range on the way and comes back is right, and so is a sum of many small ones.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(27)]
    public void ColumnsAreOfDoublePrecision(int columns)
    {
        const float Inf = float.PositiveInfinity;
        float[][] lines = [[1e30f, 1e30f, 1e-30f, 1e-30f, 3, 0], [1e30f, 1e30f, 0, 1, 2, 3], [1e-30f, 1e-30f, 1e30f, 1e30f, 7, -1], [Inf, 2, -1, 0, 1, 1], [3e38f, 3e38f, -3e38f, -3e38f, 1, 1], [0, Inf, 1, 2, 3, 4]];
        var rng = new Rng(3);
        float[][] many = [.. lines, .. Enumerable.Range(0, columns).Select(_ => Tensor.Uniform([6], rng, -2, 2).ToArray())];
        float[][] x = [.. many.Take(columns)];
        for (int kind = 0; kind < 2; kind++)
        {
            var columnsOf = Tensor.Wrap([.. Enumerable.Range(0, 6).SelectMany(i => x.Select(c => c[i]))], [6, columns]);
            float[] y = (kind == 0 ? columnsOf.CumProd(0) : columnsOf.CumSum(0)).ToArray(), rows = (kind == 0 ? columnsOf.T.CumProd(1) : columnsOf.T.CumSum(1)).T.ToArray();
            for (int c = 0; c < columns; c++)
            {
                double all = kind == 0 ? 1 : 0;
                for (int i = 0; i < 6; i++)
                {
                    all = kind == 0 ? all * x[c][i] : all + x[c][i];
                    Assert.Equal((float)all, y[(i * columns) + c]);
                    Assert.Equal((float)all, rows[(i * columns) + c]);
                }
            }
        }
    }

    [Fact]
    public void ALongColumnOfSmallNumbersLosesNone()
    {
        float[] last = Tensor.Full([100_000, 20], 0.1f).CumSum(0)[^1].ToArray();
        Assert.All(last, y => Assert.Equal((float)(100_000 * (double)0.1f), y, 1e-7 * 10_000));
    }
}
