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
}
