using DeepEdu.Autograd;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Ops;

public class EinsumTests
{
    [Theory]
    [InlineData("ij,jk->ik", "names 2 operands, 1 were given")]
    [InlineData("i", "'i' does not name the 2 axes of [2,3] one by one")]
    [InlineData("...ijk", "'...ijk' does not name the 2 axes of [2,3]")]
    [InlineData("ii", "axis 'i' is 2 long in one place and 3 in another")]
    public void WhatDoesNotFitIsSaid(string equation, string why)
    {
        var e = Assert.Throws<ShapeException>(() => Tensor.Einsum(equation, Tensor.Ones([2, 3])));
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ij->ik", "the result names 'k', which no operand has")]
    [InlineData("ij->ii", "the result names 'i' twice")]
    [InlineData("i1->i", "'1' is no letter")]
    [InlineData("ij->i->j", "more than one '->'")]
    public void AnEquationThatCannotBeReadIsRefused(string equation, string why)
    {
        var e = Assert.Throws<ArgumentException>(() => Tensor.Einsum(equation, Tensor.Ones([2, 3])));
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SizesOfTwoOperandsMustAgree()
    {
        var e = Assert.Throws<ShapeException>(() => Tensor.Einsum("ij,jk->ik", Tensor.Ones([2, 3]), Tensor.Ones([4, 5])));
        Assert.Contains("axis 'j' is 3 long in one place and 4 in another", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RanksAndPartsOutsideAreRefused()
    {
        var x = Tensor.Ones([2, 3]);
        Assert.Throws<ShapeException>(() => x.KthValue(0));
        Assert.Throws<ShapeException>(() => x.KthValue(4));
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Quantile(1.1f));
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Quantile(float.NaN, 0));
        Assert.Throws<ShapeException>(() => Tensor.Ones([2, 0]).Median(1));
        Assert.Throws<ShapeException>(() => x.Kron(Tensor.Ones([2])));
        Assert.Throws<ShapeException>(() => x.CDist(Tensor.Ones([2, 4])));
        Assert.Throws<ShapeException>(() => Tensor.Ones([3, 2, 2]).PixelShuffle(2));
        Assert.Throws<ShapeException>(() => Tensor.Ones([3, 2, 3]).PixelUnshuffle(2));
        Assert.Throws<ShapeException>(() => Tensor.Scalar(1).DiagEmbed());
    }

    // sums in logarithms begin at −∞
    [Fact]
    public void LogAddExpTakesInfinities()
    {
        const float Inf = float.PositiveInfinity;
        Tensor a = Tensor.Of([6], [-Inf, 2, -Inf, Inf, Inf, float.NaN]), b = Tensor.Of([6], [3, -Inf, -Inf, 1, Inf, 1]);
        using var tape = new Tape();
        tape.Watch(a);
        tape.Watch(b);
        var y = a.LogAddExp(b);
        Assert.Equal([3, 2, -Inf, Inf, Inf, float.NaN], y.ToArray());
        var g = tape.Gradients(y, Tensor.Ones([6]));
        Assert.Equal([0, 1, .5f, 1, .5f, float.NaN], g[a].ToArray());
        Assert.Equal([1, 0, .5f, 0, .5f, float.NaN], g[b].ToArray());
    }

    [Fact]
    public void LerpEndsAtBothEnds()
    {
        Tensor a = Tensor.Of([2], [1e8f, -3]), b = Tensor.Of([2], [.1f, 7]);
        Assert.Equal(a.ToArray(), a.Lerp(b, 0).ToArray());
        Assert.Equal(b.ToArray(), a.Lerp(b, 1).ToArray());
    }
}
